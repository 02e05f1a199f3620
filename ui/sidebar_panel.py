# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels in the sidebar share."""

import bpy

from ..operators.job_operator import SHOWN
from .wrapped import draw_wrapped

# Beside what is drawn, in pixels: the tabs at the region's edge and the panel's margins.
_MARGIN = 32


class SidebarPanel:
    """Mixed into a panel of the sidebar's tab; what it shows is drawn by ``draw_settings``."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Scan Cutout"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it with labels beside the fields."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = context.scene.scan_cutout
        layout.context_pointer_set(SHOWN, settings)
        self.draw_settings(context, layout, settings)

    def draw_settings(
        self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup
    ) -> None:
        """Draw what the panel is for."""
        raise NotImplementedError


def say(layout: bpy.types.UILayout, words: str, icon: str = "NONE", *, less: float = 0) -> None:
    """Draw a sentence as wide as the panel, but for so many buttons' width."""
    context = bpy.context
    scale = context.preferences.system.ui_scale
    draw_wrapped(layout, words, context.region.width - (_MARGIN + less * 20) * scale, icon)


def open_file(layout: bpy.types.UILayout, path: object, text: str, icon: str) -> None:
    """Draw a button that opens a file or a folder in the system's own program for it."""
    layout.operator("wm.path_open", text=text, icon=icon).filepath = str(path)
