# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that goes back from painting to the preview."""

import bpy

from ..properties.typed import OperatorResult, existing
from ..session import live_preview
from ..session.redraw import redraw


class SCAN_CUTOUT_OT_leave_mask(bpy.types.Operator):
    """Go back to the preview without saving the mask"""

    bl_idname = "scan_cutout.leave_mask"
    bl_label = "Leave Mask Without Saving"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """A mask is being painted on."""
        preview = live_preview.now()
        if preview is None or preview.painting is None:
            cls.poll_message_set("No mask is being painted on")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask first, where strokes would be lost."""
        if existing(live_preview.now()).is_dirty:
            return existing(context.window_manager).invoke_confirm(self, event)
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Forget what was painted."""
        existing(live_preview.now()).leave_painting()
        redraw(context)
        return {"FINISHED"}
