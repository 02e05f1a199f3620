# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that saves a mask that was painted on."""

import bpy

from ..properties.typed import OperatorResult, existing
from ..scan.common.errors import ScanError, printable
from ..session import live_preview
from ..session.redraw import redraw


class SCAN_CUTOUT_OT_save_mask(bpy.types.Operator):
    """Save the mask as you painted it; every later run keeps it, also one that is under way"""

    bl_idname = "scan_cutout.save_mask"
    bl_label = "Save Mask"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """A mask is being painted on."""
        preview = live_preview.now()
        if preview is None or preview.painting is None:
            cls.poll_message_set("No mask is being painted on")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Write its file, and go back to the preview, which shows it from now on."""
        preview = existing(live_preview.now())
        painting = existing(preview.painting)
        try:
            painting.save()
        except ScanError as error:
            self.report({"ERROR"}, printable(str(error)))
            return {"CANCELLED"}
        preview.leave_painting()
        self.report({"INFO"}, f"The mask of {printable(painting.photo)} is saved, and is kept as you painted it")
        redraw(context)
        return {"FINISHED"}
