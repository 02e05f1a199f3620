# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries in Blender's own menus, which are also what its search (F3) finds."""

import bpy

from ..operators.adopt_masks import SCAN_CUTOUT_OT_adopt_masks
from ..operators.build_model import SCAN_CUTOUT_OT_build_model
from ..operators.cancel_job import SCAN_CUTOUT_OT_cancel_job
from ..operators.check_endpoint import SCAN_CUTOUT_OT_check_endpoint
from ..operators.export_model import SCAN_CUTOUT_OT_export_model
from ..operators.import_reconstruction import SCAN_CUTOUT_OT_import_reconstruction
from ..operators.leave_mask import SCAN_CUTOUT_OT_leave_mask
from ..operators.look_through_photo import SCAN_CUTOUT_OT_look_through_photo
from ..operators.paint_mask import SCAN_CUTOUT_OT_paint_mask
from ..operators.preview_photo import SCAN_CUTOUT_OT_preview_photo
from ..operators.reconstruct import SCAN_CUTOUT_OT_reconstruct
from ..operators.render_turntable import SCAN_CUTOUT_OT_render_turntable
from ..operators.reset_placement import SCAN_CUTOUT_OT_reset_placement
from ..operators.save_mask import SCAN_CUTOUT_OT_save_mask
from ..operators.scale_by_distance import SCAN_CUTOUT_OT_scale_by_distance
from ..operators.scan_to_scene import SCAN_CUTOUT_OT_scan_to_scene
from ..operators.stand_upright import SCAN_CUTOUT_OT_stand_upright
from ..operators.step_photo import SCAN_CUTOUT_OT_step_photo
from ..operators.stop_preview import SCAN_CUTOUT_OT_stop_preview
from ..operators.strip_backgrounds import SCAN_CUTOUT_OT_strip_backgrounds
from ..operators.texture_mesh import SCAN_CUTOUT_OT_texture_mesh
from ..operators.texture_model import SCAN_CUTOUT_OT_texture_model
from ..properties.typed import existing
from ..scan.export.targets import MODELS
from ..scan.reconstruction.readers import registry


class SCAN_CUTOUT_MT_main(bpy.types.Menu):
    """From photos to a scan in the scene, with the settings of the sidebar"""

    bl_label = "Scan Cutout"

    def draw(self, _context: bpy.types.Context | None) -> None:
        """Draw the steps in the order of the work."""
        layout = existing(self.layout)
        # As if a button had been pressed: so Blender goes on working meanwhile.
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator(SCAN_CUTOUT_OT_scan_to_scene.bl_idname, icon="PLAY")
        layout.separator()
        layout.operator(SCAN_CUTOUT_OT_strip_backgrounds.bl_idname)
        layout.operator(SCAN_CUTOUT_OT_adopt_masks.bl_idname)
        layout.operator(SCAN_CUTOUT_OT_reconstruct.bl_idname)
        layout.operator(SCAN_CUTOUT_OT_build_model.bl_idname)
        layout.operator(SCAN_CUTOUT_OT_texture_model.bl_idname)
        layout.operator(SCAN_CUTOUT_OT_import_reconstruction.bl_idname, text="Import Reconstruction...")
        layout.operator(SCAN_CUTOUT_OT_texture_mesh.bl_idname)
        layout.separator()
        layout.operator(SCAN_CUTOUT_OT_export_model.bl_idname, text="Export Model...", icon="EXPORT")
        layout.operator(SCAN_CUTOUT_OT_render_turntable.bl_idname, text="Render Turntable...")
        layout.separator()
        layout.operator(SCAN_CUTOUT_OT_preview_photo.bl_idname, icon="HIDE_OFF")
        layout.operator(SCAN_CUTOUT_OT_step_photo.bl_idname)
        existing(layout.operator(SCAN_CUTOUT_OT_step_photo.bl_idname, text="Preview Previous Photo")).step = -1
        layout.operator(SCAN_CUTOUT_OT_stop_preview.bl_idname)
        layout.operator(SCAN_CUTOUT_OT_paint_mask.bl_idname)
        layout.operator(SCAN_CUTOUT_OT_save_mask.bl_idname)
        layout.operator(SCAN_CUTOUT_OT_leave_mask.bl_idname)
        layout.separator()
        layout.operator(SCAN_CUTOUT_OT_look_through_photo.bl_idname)
        layout.separator()
        layout.operator(SCAN_CUTOUT_OT_stand_upright.bl_idname)
        layout.operator(SCAN_CUTOUT_OT_scale_by_distance.bl_idname)
        layout.operator(SCAN_CUTOUT_OT_reset_placement.bl_idname)
        layout.separator()
        existing(layout.operator(SCAN_CUTOUT_OT_check_endpoint.bl_idname)).show = True
        layout.operator(SCAN_CUTOUT_OT_cancel_job.bl_idname)


def _draw_import(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    layout = existing(menu.layout)
    layout.operator(SCAN_CUTOUT_OT_import_reconstruction.bl_idname, text=f"Photogrammetry Scan ({registry.labels()})")


def _draw_export(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    suffixes = ", ".join(MODELS)
    existing(menu.layout).operator(SCAN_CUTOUT_OT_export_model.bl_idname, text=f"Scan Cutout Model ({suffixes})")


def _draw_main(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    layout = existing(menu.layout)
    layout.separator()
    layout.menu(SCAN_CUTOUT_MT_main.__name__)


def _draw_look(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    layout = existing(menu.layout)
    layout.separator()
    layout.operator(SCAN_CUTOUT_OT_look_through_photo.bl_idname)
    for text, step in (("Next Photo", 1), ("Previous Photo", -1)):
        existing(layout.operator(SCAN_CUTOUT_OT_look_through_photo.bl_idname, text=text)).step = step


# The top bar's menus are searched from every editor and in every mode; Add is where a modeller looks for what comes
# into a scene. By name, for the stubs have another idea of what is drawn in a menu.
_ENTRIES = (
    ("TOPBAR_MT_file_import", _draw_import),
    ("TOPBAR_MT_file_import", _draw_main),
    ("TOPBAR_MT_file_export", _draw_export),
    ("VIEW3D_MT_add", _draw_main),
    ("VIEW3D_MT_view_cameras", _draw_look),
)


def register() -> None:
    """Add the entries."""
    bpy.utils.register_class(SCAN_CUTOUT_MT_main)
    for name, draw in _ENTRIES:
        getattr(bpy.types, name).append(draw)


def unregister() -> None:
    """Take them out."""
    for name, draw in reversed(_ENTRIES):
        getattr(bpy.types, name).remove(draw)
    bpy.utils.unregister_class(SCAN_CUTOUT_MT_main)
