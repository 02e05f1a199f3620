# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's panel for where the scan stands in the scene."""

import bpy

from ..operators.reset_placement import SCAN_CUTOUT_OT_reset_placement
from ..operators.scale_by_distance import SCAN_CUTOUT_OT_scale_by_distance
from ..operators.stand_upright import SCAN_CUTOUT_OT_stand_upright
from ..properties.stored import Settings
from ..properties.typed import existing
from ..scan.common.errors import printable
from ..scene.photo_cameras import PHOTO, is_photo, noted
from .sidebar_panel import SidebarPanel


class SCAN_CUTOUT_PT_placement(SidebarPanel, bpy.types.Panel):
    """Upright on the floor, its front forward, in its true size"""

    bl_label = "Placement"

    def draw_settings(self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: Settings) -> None:
        """Draw how an import places a scan, and the buttons for one that is there."""
        column = layout.column()
        column.prop(settings, "upright")
        known = column.column()
        known.active = settings.upright
        known.prop(settings, "up_side")
        row = known.row(align=True)
        row.prop(settings, "front")
        camera = existing(context.scene).camera
        # The animated camera is of no photo in particular.
        if is_photo(camera):
            button = existing(row.operator(SCAN_CUTOUT_OT_stand_upright.bl_idname, text="", icon="CAMERA_DATA"))
            button.front = printable(noted(camera.data)[PHOTO])  # as a person would write it
        column.prop(settings, "height")
        layout.operator(SCAN_CUTOUT_OT_stand_upright.bl_idname, icon="EMPTY_SINGLE_ARROW")
        row = layout.row(align=True)
        row.operator(SCAN_CUTOUT_OT_scale_by_distance.bl_idname, icon="DRIVER_DISTANCE")
        row.operator(SCAN_CUTOUT_OT_reset_placement.bl_idname, text="", icon="LOOP_BACK")
