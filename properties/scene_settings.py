# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sidebar sets: kept with the scene, and taken by every operator that a user starts by hand.

Which server and which model belong to the computer, and are in the preferences.
"""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import PointerProperty, StringProperty

from ..session import survey
from .scan_properties import RELATIVE, ImportProperties, MaskProperties, SolveProperties, read

_NAMES = [name for kind in (MaskProperties, SolveProperties, ImportProperties) for name in kind.__annotations__]


def _look(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    if settings.id_data == context.scene:  # a script may set up a scene that nobody sees
        survey.ask(context)


class ScanCutoutSettings(MaskProperties, SolveProperties, ImportProperties, bpy.types.PropertyGroup):
    """Settings of one scan"""

    directory: StringProperty(  # type: ignore[valid-type]
        name="Photos",
        description="Folder with the photos; each subfolder is one side of the scan",
        subtype="DIR_PATH",
        options=RELATIVE,
        update=_look,
    )
    output_directory: StringProperty(  # type: ignore[valid-type]
        name="Output",
        description="Folder for masks, results and reports; empty for one beside the photo folder",
        subtype="DIR_PATH",
        options=RELATIVE,
        update=_look,
    )

    @property
    def photos(self) -> str:
        """The photo folder's path; empty if none is chosen."""
        return self._absolute(self.directory)

    @property
    def output(self) -> str:
        """The job folder's path: the one chosen, else one beside the photos; empty without either."""
        if self.output_directory:
            return self._absolute(self.output_directory)
        return f"{self.photos}_scan" if self.photos else ""

    @property
    def is_adrift(self) -> bool:
        """Whether a folder is named from a .blend that is not there: this one was never saved."""
        return any(map(self._leads_nowhere, (self.directory, self.output_directory)))

    def given(self) -> dict[str, Any]:
        """What was set, by the names of the settings."""
        return {**read(self, _NAMES), "photos": self.photos, "output": self.output}

    def _leads_nowhere(self, path: str) -> bool:
        return path.startswith("//") and not (bpy.data.filepath or self.id_data.library)

    def _absolute(self, path: str) -> str:
        if not path or self._leads_nowhere(path):
            return ""
        # A path has no separator at its end, as a file browser leaves it, so that names can be made of it.
        return str(Path(bpy.path.abspath(path, library=self.id_data.library)))


_register_classes, _unregister_classes = bpy.utils.register_classes_factory((ScanCutoutSettings,))


def register() -> None:
    """Give every scene its settings."""
    _register_classes()
    bpy.types.Scene.scan_cutout = PointerProperty(type=ScanCutoutSettings)


def unregister() -> None:
    """Take them out. What a .blend has stored stays in it, and is there again with the extension."""
    del bpy.types.Scene.scan_cutout
    _unregister_classes()
