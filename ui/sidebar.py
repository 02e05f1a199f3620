# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar of the 3D View: all of the work, from top to bottom."""

import bpy

from ..operators.scan_to_scene import SCAN_CUTOUT_OT_scan_to_scene
from ..properties.stored import Settings
from .sidebar_background import SCAN_CUTOUT_PT_background, SCAN_CUTOUT_PT_background_advanced
from .sidebar_export import SCAN_CUTOUT_PT_export
from .sidebar_job import draw_job
from .sidebar_panel import SidebarPanel
from .sidebar_photos import SCAN_CUTOUT_PT_photos
from .sidebar_placement import SCAN_CUTOUT_PT_placement
from .sidebar_steps import SCAN_CUTOUT_PT_import, SCAN_CUTOUT_PT_model, SCAN_CUTOUT_PT_reconstruct, SCAN_CUTOUT_PT_strip
from .sidebar_texture import SCAN_CUTOUT_PT_texture


class SCAN_CUTOUT_PT_scan(SidebarPanel, bpy.types.Panel):
    """All of it in one go, and how the job goes"""

    bl_label = "Scan Cutout"

    def draw_settings(self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: Settings) -> None:
        """Draw the large button and the state of the job."""
        large = layout.column()
        large.scale_y = 1.6
        large.operator(SCAN_CUTOUT_OT_scan_to_scene.bl_idname, icon="PLAY")
        draw_job(layout, settings)


register, unregister = bpy.utils.register_classes_factory(
    (
        SCAN_CUTOUT_PT_scan,
        SCAN_CUTOUT_PT_photos,
        SCAN_CUTOUT_PT_background,
        SCAN_CUTOUT_PT_background_advanced,
        SCAN_CUTOUT_PT_strip,
        SCAN_CUTOUT_PT_reconstruct,
        SCAN_CUTOUT_PT_model,
        SCAN_CUTOUT_PT_texture,
        SCAN_CUTOUT_PT_import,
        SCAN_CUTOUT_PT_placement,
        SCAN_CUTOUT_PT_export,
    )
)
