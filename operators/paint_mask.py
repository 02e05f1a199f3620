# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that opens a photo's mask to be painted on."""

import bpy

from ..properties.typed import OperatorResult, existing
from ..scan.common.errors import ScanError, printable
from ..scan.job.events import Previewed
from ..session import live_preview
from ..session.redraw import redraw


class SCAN_CUTOUT_OT_paint_mask(bpy.types.Operator):
    """Paint on the mask of the shown photo: white is kept, black (with Ctrl held) is not"""

    bl_idname = "scan_cutout.paint_mask"
    bl_label = "Paint Mask"
    # So that undoing strokes never goes back to before there was the image they were painted on.
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """The shown photo has a mask."""
        preview = live_preview.now()
        if preview is None:
            cls.poll_message_set("Start the preview first")
        elif preview.painting:
            cls.poll_message_set("This mask is being painted on")
        elif preview.is_waiting or (shown := preview.shown) is None or shown.photo != preview.photo:
            cls.poll_message_set("The preview of this photo is not ready")
        elif not isinstance(shown, Previewed) or not shown.mask_path:
            cls.poll_message_set("This photo has no mask yet; strip its background first")
        else:
            return True
        return False

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Show it in Paint mode, the photo shining through."""
        try:
            existing(live_preview.now()).paint()
        except ScanError as error:
            self.report({"ERROR"}, printable(str(error)))
            return {"CANCELLED"}
        redraw(context)
        return {"FINISHED"}
