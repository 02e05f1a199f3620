# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries in Blender's own menus."""

import bpy

from ..operators.import_reconstruction import SCAN_CUTOUT_OT_import_reconstruction
from ..operators.look_through_photo import SCAN_CUTOUT_OT_look_through_photo


def register() -> None:
    """Add the entries."""
    bpy.types.TOPBAR_MT_file_import.append(_draw_import)
    bpy.types.VIEW3D_MT_view_cameras.append(_draw_look)


def unregister() -> None:
    """Take them out."""
    bpy.types.VIEW3D_MT_view_cameras.remove(_draw_look)
    bpy.types.TOPBAR_MT_file_import.remove(_draw_import)


def _draw_import(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    menu.layout.operator(SCAN_CUTOUT_OT_import_reconstruction.bl_idname, text="Photogrammetry Scan (COLMAP)")


def _draw_look(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    menu.layout.separator()
    menu.layout.operator(SCAN_CUTOUT_OT_look_through_photo.bl_idname)
    for text, step in (("Next Photo", 1), ("Previous Photo", -1)):
        menu.layout.operator(SCAN_CUTOUT_OT_look_through_photo.bl_idname, text=text).step = step
