# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels in the sidebar share."""

import bpy

from ..operators.open_path import SCAN_CUTOUT_OT_open_path
from ..properties.stored import Settings, settings_in
from ..properties.typed import Icon, PanelMixin, existing
from ..session.job_operator import SHOWN
from .wrapped import draw_wrapped

# Beside what is drawn, in pixels: the tabs at the region's edge and the panel's margins.
_MARGIN = 32


class SidebarPanel(PanelMixin):
    """Mixed into a panel of the sidebar's tab; what it shows is drawn by ``draw_settings``."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Scan Cutout"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it with labels beside the fields."""
        layout = existing(self.layout)
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = settings_in(context.scene)
        layout.context_pointer_set(SHOWN, settings)
        self.draw_settings(context, layout, settings)

    def draw_settings(self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: Settings) -> None:
        """Draw what the panel is for."""
        raise NotImplementedError


def say(layout: bpy.types.UILayout, words: str, icon: Icon = "NONE", *, less: float = 0) -> None:
    """Draw a sentence as wide as the panel, but for so many buttons' width."""
    context = bpy.context
    scale = existing(context.preferences).system.ui_scale
    draw_wrapped(layout, words, existing(context.region).width - (_MARGIN + less * 20) * scale, icon)


def draw_work(layout: bpy.types.UILayout, operator: str, icon: Icon, again: str) -> list[bpy.types.OperatorProperties]:
    """Draw the button of a step, and beside it, where ``again`` names a property, the small one that does it anew.

    What is returned are the settings of both.
    """
    row = layout.row(align=True)
    buttons = [existing(row.operator(operator, icon=icon))]
    if again:
        buttons.append(existing(row.operator(operator, text="", icon="FILE_REFRESH")))
        setattr(buttons[1], again, True)
    return buttons


def open_file(layout: bpy.types.UILayout, path: object, text: str, icon: Icon, what: str) -> None:
    """Draw a button that opens a file or a folder in the system's own program; ``what`` is its tooltip."""
    button = existing(layout.operator(SCAN_CUTOUT_OT_open_path.bl_idname, text=text, icon=icon))
    button.path, button.what = str(path), what
