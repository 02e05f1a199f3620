# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that opens the live preview."""

import bpy

from ..properties.stored import settings_in
from ..properties.typed import OperatorResult, StringProperty, with_properties
from ..scan.common.errors import ScanError, printable
from ..session import live_preview, survey


@with_properties
class SCAN_CUTOUT_OT_preview_photo(bpy.types.Operator):
    """Show a photo with the outline of its mask in an Image Editor, and follow the settings as they are changed"""

    bl_idname = "scan_cutout.preview_photo"
    bl_label = "Preview"

    photo: str = StringProperty(
        name="Photo",
        description="Name of the photo, relative to the photo folder; empty for the one shown last, or the first",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There are photos, and a window to show them in."""
        if bpy.app.background or context.window is None:
            cls.poll_message_set("A preview needs a window")
        elif words := survey.missing_photos(settings_in(context.scene)):
            cls.poll_message_set(words)
        elif (preview := live_preview.now()) and preview.is_dirty and preview.current.is_in_sight:
            cls.poll_message_set("Save the mask first, or leave it without saving")
        else:
            return True
        return False

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Open it; what it has to say is told in the Image Editor's sidebar."""
        try:
            has_place = live_preview.show(context, self.photo)
        except ScanError as error:
            self.report({"ERROR"}, printable(str(error)))
            return {"CANCELLED"}
        if not has_place:
            self.report({"ERROR"}, "There is no room for an Image Editor in this window; open one, then try again")
            return {"CANCELLED"}
        return {"FINISHED"}
