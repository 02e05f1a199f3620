# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a solve as an operator's properties, named as in ``scan.settings.ReconstructSettings``."""

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

_ENGINES = (
    ("COLMAP", "COLMAP (Embedded)", "COLMAP as it comes with the extension"),
    ("COLMAP_EXECUTABLE", "COLMAP (Executable)", "The COLMAP that is installed on this computer, 3.8 or later"),
)
_QUALITIES = (
    ("DRAFT", "Draft", "Smaller pictures and fewer features: 2 minutes for 40 photos on two busy cores"),
    ("NORMAL", "Normal", "What most scans need: 4 minutes for 40 photos on two busy cores"),
    ("HIGH", "High", "Larger pictures and more features; takes several times as long"),
)
_MAPPERS = (
    ("INCREMENTAL", "Incremental", "Camera after camera: slower and surer"),
    ("GLOBAL", "Global", "All cameras at once: faster for many photos"),
)


class ReconstructProperties:
    """Mixed into an operator; ``given_to_engine`` is what its caller has set."""

    engine: EnumProperty(  # type: ignore[valid-type]
        name="Engine",
        description="Program that finds the cameras",
        items=_ENGINES,
    )
    quality: EnumProperty(  # type: ignore[valid-type]
        name="Quality",
        description="How closely the photos are looked at",
        items=_QUALITIES,
        default="NORMAL",
    )
    mapper: EnumProperty(  # type: ignore[valid-type]
        name="Mapper",
        description="How the cameras are put together",
        items=_MAPPERS,
    )
    masks: BoolProperty(  # type: ignore[valid-type]
        name="Use Masks",
        description="Look at the object alone; without, a background that stands still misleads the engine",
        default=True,
    )
    executable: StringProperty(  # type: ignore[valid-type]
        name="Executable",
        description="The engine's program; unset, the one in the preferences, else the one on PATH",
        subtype="FILE_PATH",
    )

    def given_to_engine(self) -> dict[str, Any]:
        """What the caller has set, by the names of the settings."""
        names = ReconstructProperties.__annotations__
        given = {name: getattr(self, name) for name in names if self.properties.is_property_set(name)}
        if "executable" in given:
            given["executable"] = bpy.path.abspath(given["executable"])
        return given
