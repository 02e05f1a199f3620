# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator behind buttons that show a file or a folder outside of Blender."""

from pathlib import Path

import bpy

from ..properties.typed import OperatorResult, StringProperty, with_properties
from ..scan.common.errors import printable


@with_properties
class SCAN_CUTOUT_OT_open_path(bpy.types.Operator):
    """Open a file or a folder in the system's own program for it"""

    bl_idname = "scan_cutout.open_path"
    bl_label = "Open"
    bl_options = {"INTERNAL"}

    path: str = StringProperty(subtype="FILE_PATH")
    what: str = StringProperty()

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Say what is there to be seen."""
        what: str = properties.what
        return what

    def execute(self, _context: bpy.types.Context) -> OperatorResult:
        """Hand it to the system."""
        try:
            bpy.ops.wm.path_open(filepath=self.path)
        except RuntimeError:  # Blender's word for what is not there, and for what the system does not open
            path = Path(self.path)
            lacks = f"No program opens {path}; choose one for such files in the system’s settings, or open it there"
            self.report({"ERROR"}, printable(lacks if path.exists() else f"{path} is not there any more"))
            return {"CANCELLED"}
        return {"FINISHED"}
