# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that ends the live preview."""

import bpy

from ..properties.typed import OperatorResult
from ..session import live_preview
from ..session.redraw import redraw


class SCAN_CUTOUT_OT_stop_preview(bpy.types.Operator):
    """End the preview; to close the Image Editor does the same"""

    bl_idname = "scan_cutout.stop_preview"
    bl_label = "Stop Preview"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """There is one, and nothing would be lost."""
        preview = live_preview.now()
        if preview is None:
            cls.poll_message_set("There is no preview")
        elif preview.is_dirty:
            cls.poll_message_set("Save the mask first, or leave it without saving")
        return preview is not None and not preview.is_dirty

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """End its worker, and empty the Image Editor."""
        live_preview.end()
        redraw(context)
        return {"FINISHED"}
