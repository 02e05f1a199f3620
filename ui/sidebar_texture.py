# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's panel for the model's texture."""

import bpy

from ..operators.texture_mesh import SCAN_CUTOUT_OT_texture_mesh
from ..operators.texture_model import SCAN_CUTOUT_OT_texture_model
from ..properties.stored import Settings, settings_in
from ..properties.typed import existing
from ..session import survey
from .sidebar_panel import SidebarPanel, draw_work, say


class SCAN_CUTOUT_PT_texture(SidebarPanel, bpy.types.Panel):
    """What the photos show, on the model"""

    bl_label = "Texture"

    def draw_header(self, context: bpy.types.Context) -> None:
        """Draw whether Scan to Scene takes this step."""
        existing(self.layout).prop(settings_in(context.scene), "texture", text="")

    def draw_settings(self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: Settings) -> None:
        """Draw what it shall be like, the button, and what was made; then the same for a mesh of the scene."""
        column = layout.column()
        for name in ("texture_size", "remove_lighting", "pack_texture"):
            column.prop(settings, name)
        made = survey.model(settings).get("texture")
        if made:
            say(layout, f"Texture with {made['size']:,} pixels a side", "CHECKMARK")
        again = "texture_again" if made else ""
        buttons = draw_work(layout, SCAN_CUTOUT_OT_texture_model.bl_idname, "TEXTURE", again)
        layout.separator()
        row = layout.row(align=True)
        mesh = SCAN_CUTOUT_OT_texture_mesh.bl_idname
        buttons.append(existing(row.operator(mesh, icon="MOD_UVPROJECT")))
        keeping = existing(row.operator(mesh, text="", icon="UV"))
        keeping.keep_uvs = True
        buttons.append(keeping)
        for button in buttons:
            button.cameras_directory = survey.results(settings)
