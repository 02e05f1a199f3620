# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's panel for what the finished model becomes."""

import bpy

from ..operators.export_model import SCAN_CUTOUT_OT_export_model
from ..operators.render_turntable import SCAN_CUTOUT_OT_render_turntable
from ..properties.stored import Settings
from ..session import current_job
from .sidebar_panel import SidebarPanel, open_file

_SETTINGS = (
    ("turntable_width", "turntable_height"),
    ("turntable_samples",),
    ("turntable_frames", "turntable_rate"),
)


class SCAN_CUTOUT_PT_export(SidebarPanel, bpy.types.Panel):
    """Files of the model, and pictures of it"""

    bl_label = "Export"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_settings(self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: Settings) -> None:
        """Draw the two buttons, each with what it needs."""
        layout.operator(SCAN_CUTOUT_OT_export_model.bl_idname, text="Export Model...", icon="EXPORT")
        layout.separator()
        for names in _SETTINGS:
            column = layout.column(align=True)
            for name in names:
                column.prop(settings, name)
        layout.operator(SCAN_CUTOUT_OT_render_turntable.bl_idname, text="Render Turntable...", icon="RENDER_STILL")
        last = current_job.last()
        if last is not None and last.result is not None and "turntable" in last.result.details:
            place = last.result.details["turntable"]
            open_file(
                layout, place, "Show Turntable", "FILE_IMAGE", "See what was rendered in the system’s own program"
            )
