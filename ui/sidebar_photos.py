# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's panel on the photo folder: what is in it, and what should be looked at before the work begins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from ..operators.adopt_masks import SCAN_CUTOUT_OT_adopt_masks
from ..operators.look_at_photos import SCAN_CUTOUT_OT_look_at_photos
from ..properties.stored import Settings
from ..properties.typed import Icon, existing
from ..scan.common.errors import printable
from ..scan.job.job_end import JobEnd
from ..session import survey, thumbnails
from .sidebar_panel import SidebarPanel, say

_ROW = 11  # widths of a button
_SIDES = 6  # so many are listed
_COLUMNS = 4


class SCAN_CUTOUT_PT_photos(SidebarPanel, bpy.types.Panel):
    """The photos of the scan"""

    bl_label = "Photos"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Have them looked at again."""
        layout = existing(self.layout)
        layout.operator(SCAN_CUTOUT_OT_look_at_photos.bl_idname, text="", icon="FILE_REFRESH", emboss=False)

    def draw_settings(self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: Settings) -> None:
        """Draw the folders and what was found in them."""
        column = layout.column(align=True)
        column.use_property_split = False  # paths are long
        column.prop(settings, "directory", text="", icon="IMAGE_DATA", placeholder="Photo Folder")
        # Where it goes by itself, as long as none is chosen.
        output = printable(Path(settings.output).name) or "Output Folder"
        column.prop(settings, "output_directory", text="", icon="OUTPUT", placeholder=output)
        if settings.is_adrift:
            say(layout, survey.missing_photos(settings), "ERROR")
        elif not settings.photos:
            say(layout, "Choose the folder with the photos; each of its subfolders is one side of the scan", "INFO")
        elif found := survey.found(settings):
            _draw_found(layout, found)
            # What was developed already is of the kind RAW, too.
            if "RAW" in found.details.get("formats", ()):
                column = layout.column()
                column.use_property_split = False  # its name is long
                column.prop(settings, "develop_raw")
        elif survey.is_asked():
            layout.label(text="Looking…", icon="SORTTIME")
        else:
            layout.operator(SCAN_CUTOUT_OT_look_at_photos.bl_idname, text="Look at Photos", icon="FILE_REFRESH")


def _draw_found(layout: bpy.types.UILayout, found: JobEnd) -> None:
    if not found.is_done:
        say(layout, found.message, "ERROR")
        return
    details = found.details
    column = layout.column(align=True)
    formats = ", ".join(f"{number} {name}" for name, number in details["formats"].items())
    _draw_row(column, f"{details['count']} photos" if details["count"] > 1 else "1 photo", formats)
    sides = details["sides"]
    if len(sides) > 1:
        for side in sides[:_SIDES]:
            _draw_row(column, side["name"] or "(not in a subfolder)", str(side["count"]), icon="FILE_FOLDER")
        if len(sides) > _SIDES:
            column.label(text=f"and {len(sides) - _SIDES} more sides", icon="BLANK1")
    draw_thumbnails(layout, thumbnails.surveyed, _COLUMNS)
    for note in details["notes"]:
        say(layout, note, "INFO")
    _draw_own_masks(layout, details["own_masks"])
    for warning in details["warnings"]:
        say(layout, warning, "ERROR")


def _draw_own_masks(layout: bpy.types.UILayout, own: Mapping[str, Any]) -> None:
    """Ask about masks that somebody has made elsewhere."""
    if not own["count"]:
        return
    say(layout, own["said"], "INFO")
    button = SCAN_CUTOUT_OT_adopt_masks.bl_idname
    if not own["inverted"]:
        layout.operator(button, icon="IMPORT")
        return
    say(layout, own["inverted"], "ERROR")
    row = layout.row(align=True)
    for text, color in (("Black Is the Object", "BLACK"), ("White Is the Object", "WHITE")):
        existing(row.operator(button, text=text)).mask_object = color


def _draw_row(column: bpy.types.UILayout, left: str, right: str, icon: Icon = "IMAGE_DATA") -> None:
    row = column.row()
    row.label(text=printable(left), icon=icon, translate=False)
    ending = row.row()
    ending.alignment = "RIGHT"
    ending.label(text=right, translate=False)


def draw_thumbnails(layout: bpy.types.UILayout, gallery: thumbnails.Gallery, columns: int) -> None:
    """Draw the pictures of a gallery, as large as so many in a row can be where the sidebar is narrow."""
    icons = gallery.icons()
    if not icons:
        return
    grid = layout.grid_flow(row_major=True, columns=columns, even_columns=True, align=True)
    for icon in icons:
        grid.template_icon(icon, scale=_ROW / columns)
