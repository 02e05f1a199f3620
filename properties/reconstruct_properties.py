# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a solve as an operator's properties, named as in ``scan.tasks.settings.ReconstructSettings``."""

from typing import Any

import bpy
from bpy.props import StringProperty

from .scan_properties import RELATIVE, SolveProperties, read


class ReconstructProperties(SolveProperties):
    """Mixed into an operator: beside the scene's settings of a solve, what belongs to the computer."""

    executable: StringProperty(  # type: ignore[valid-type]
        name="Executable",
        description="The engine's program; unset, the one in the preferences, else the one that is found",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
    )

    def given_to_engine(self, shown: dict[str, Any]) -> dict[str, Any]:
        """What the caller has set, by the names of the settings; ``shown`` counts for what is left."""
        names = SolveProperties.__annotations__
        given = {**{name: shown[name] for name in names.keys() & shown.keys()}, **read(self.properties, names)}
        if self.executable:
            given["executable"] = bpy.path.abspath(self.executable)
        return given
