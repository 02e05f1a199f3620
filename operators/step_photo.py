# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that goes from photo to photo in the preview."""

import bpy

from ..properties.typed import IntProperty, OperatorMixin, OperatorResult, existing, with_properties
from ..session import live_preview
from ..session.redraw import redraw


class GoesToPhotos(OperatorMixin):
    """Mixed into an operator that shows another photo in the preview."""

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """There are photos to go to, and nothing would be lost."""
        preview = live_preview.now()
        if preview is None or not preview.photos:
            cls.poll_message_set("Start the preview first")
        elif preview.is_dirty:
            cls.poll_message_set("Save the mask first, or leave it without saving")
        else:
            return True
        return False


@with_properties
class SCAN_CUTOUT_OT_step_photo(GoesToPhotos, bpy.types.Operator):
    """Show the photo after this one, or before it"""

    bl_idname = "scan_cutout.step_photo"
    bl_label = "Preview Next Photo"

    step: int = IntProperty(
        name="Step",
        description="How many photos to go on: 1 for the next, -1 for the one before",
        default=1,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """What this button does."""
        return "Show the photo before this one" if properties.step < 0 else "Show the photo after this one"

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Ask for it; it is shown when it is there."""
        existing(live_preview.now()).step(self.step)
        redraw(context)
        return {"FINISHED"}
