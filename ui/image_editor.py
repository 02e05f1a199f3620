# SPDX-License-Identifier: GPL-3.0-or-later
"""The Image Editor's own panel: the photo in the preview, its mask's settings, and the mask being painted on."""

import bpy

from ..operators.choose_photo import SCAN_CUTOUT_OT_choose_photo
from ..operators.leave_mask import SCAN_CUTOUT_OT_leave_mask
from ..operators.paint_mask import SCAN_CUTOUT_OT_paint_mask
from ..operators.preview_photo import SCAN_CUTOUT_OT_preview_photo
from ..operators.save_mask import SCAN_CUTOUT_OT_save_mask
from ..operators.step_photo import SCAN_CUTOUT_OT_step_photo
from ..operators.stop_preview import SCAN_CUTOUT_OT_stop_preview
from ..properties.stored import settings_in
from ..properties.typed import existing
from ..scan.common.declared import names_of
from ..scan.common.errors import printable
from ..scan.job.events import Previewed
from ..scan.masks.settings import MaskSettings
from ..session import live_preview
from ..session.painting import Painting
from .sidebar_panel import say

_WAITING = "Waiting for the mask; the first one takes longest, since the model has to be loaded"


class SCAN_CUTOUT_PT_preview(bpy.types.Panel):
    """The photo that is shown, and what its mask keeps"""

    bl_label = "Preview"
    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Scan Cutout"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the photo's name, what there is to say of it, and the way to the others."""
        layout = existing(self.layout)
        preview = live_preview.now()
        if preview is None:
            layout.operator(SCAN_CUTOUT_OT_preview_photo.bl_idname, icon="HIDE_OFF")
            return
        _draw_steps(layout, preview)
        column = layout.column()
        if preview.painting:
            if isinstance(preview.shown, Previewed) and preview.shown.orientation != 1:
                say(column, "Shown turned, as the camera has stored it", "INFO")
            _draw_painting(column, preview.painting)
        else:
            _draw_state(column, preview)
            column.separator(factor=0.5)
            column.operator(SCAN_CUTOUT_OT_paint_mask.bl_idname, icon="BRUSH_DATA")
        layout.operator(SCAN_CUTOUT_OT_stop_preview.bl_idname, icon="X")


class SCAN_CUTOUT_PT_preview_mask(bpy.types.Panel):
    """What the preview follows; the same as beside it, in the 3D View's sidebar"""

    bl_label = "Mask"
    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Scan Cutout"
    bl_parent_id = SCAN_CUTOUT_PT_preview.__name__
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """A mask is made, and not painted."""
        preview = live_preview.now()
        return preview is not None and preview.painting is None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the settings that need no new answer of the model."""
        layout = existing(self.layout)
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        shown = existing(live_preview.now()).shown
        # They do nothing to a mask that was painted on, but all the same to those of the other photos.
        column.active = not (isinstance(shown, Previewed) and shown.is_painted)
        for name in names_of(MaskSettings):
            column.prop(settings_in(context.scene), name)


def _draw_steps(layout: bpy.types.UILayout, preview: live_preview.Preview) -> None:
    row = layout.row(align=True)
    existing(row.operator(SCAN_CUTOUT_OT_step_photo.bl_idname, text="", icon="TRIA_LEFT")).step = -1
    row.operator(SCAN_CUTOUT_OT_choose_photo.bl_idname, text=printable(preview.photo), translate=False)
    existing(row.operator(SCAN_CUTOUT_OT_step_photo.bl_idname, text="", icon="TRIA_RIGHT")).step = 1


def _draw_state(layout: bpy.types.UILayout, preview: live_preview.Preview) -> None:
    shown = preview.shown
    if preview.trouble:
        say(layout, preview.trouble, "ERROR")
        layout.operator(SCAN_CUTOUT_OT_preview_photo.bl_idname, text="Try Again", icon="FILE_REFRESH")
    elif not isinstance(shown, Previewed) or shown.photo != preview.photo:
        say(layout, _WAITING, "TIME")
    else:
        say(layout, f"The mask keeps {shown.foreground:.1%} of the photo", "IMAGE_ALPHA")
        if shown.is_painted:
            say(layout, "Painted by hand; runs and settings leave it as it is", "BRUSH_DATA")


def _draw_painting(layout: bpy.types.UILayout, painting: Painting) -> None:
    say(layout, "White is kept, black is not; hold Ctrl to paint black", "BRUSH_DATA")
    layout.separator(factor=0.5)
    layout.operator("paint.brush_colors_flip", text="Swap White and Black", icon="ARROW_LEFTRIGHT")
    if painting.is_dirty:
        say(layout, "What you painted is not saved yet", "ERROR")
    layout.operator(SCAN_CUTOUT_OT_save_mask.bl_idname, icon="FILE_TICK")
    text = "Leave Without Saving" if painting.is_dirty else "Back to Preview"
    layout.operator(SCAN_CUTOUT_OT_leave_mask.bl_idname, text=text, icon="LOOP_BACK")


register, unregister = bpy.utils.register_classes_factory((SCAN_CUTOUT_PT_preview, SCAN_CUTOUT_PT_preview_mask))
