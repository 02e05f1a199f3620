# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's panels on how backgrounds are removed. Server and model are the computer's, and so preferences."""

from urllib.parse import urlsplit

import bpy

from .. import __package__ as base_package
from ..operators.check_endpoint import SCAN_CUTOUT_OT_check_endpoint
from ..operators.preview_photo import SCAN_CUTOUT_OT_preview_photo
from ..properties.job_settings import preferences
from ..properties.stored import Preferences, Settings
from ..properties.typed import existing
from ..scan.common.declared import names_of
from ..scan.masks.settings import MaskSettings
from ..scan.segmentation.address import Endpoint
from ..session import queries
from . import model_field
from .sidebar_panel import SidebarPanel, say


class SCAN_CUTOUT_PT_background(SidebarPanel, bpy.types.Panel):
    """What removes the backgrounds, and what is made of its answers"""

    bl_label = "Background"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Lead to the rest of what belongs to the computer."""
        layout = existing(self.layout)
        button = layout.operator("preferences.addon_show", text="", icon="PREFERENCES", emboss=False)
        existing(button).module = base_package

    def draw_settings(self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: Settings) -> None:
        """Draw the model and the mask's settings."""
        if stored := preferences(context):
            _draw_model(layout, stored)
        column = layout.column()
        for name in names_of(MaskSettings):
            column.prop(settings, name)
        column = layout.column()
        column.prop(settings, "cutouts")
        if settings.cutouts == "JPEG":
            column.prop(settings, "cutout_color")
        layout.operator(SCAN_CUTOUT_OT_preview_photo.bl_idname, icon="HIDE_OFF")


class SCAN_CUTOUT_PT_background_advanced(SidebarPanel, bpy.types.Panel):
    """What seldom has to be changed"""

    bl_label = "Advanced"
    bl_parent_id = SCAN_CUTOUT_PT_background.__name__
    bl_options = {"DEFAULT_CLOSED"}

    def draw_settings(self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: Settings) -> None:
        """Draw what the model is given, and what only a server does."""
        column = layout.column()
        size = column.column()
        size.active = not settings.full_resolution
        size.prop(settings, "proxy_size")
        column.prop(settings, "full_resolution")
        stored = preferences(context)
        is_embedded = stored is not None and stored.backend == "EMBEDDED"
        if is_embedded:
            say(layout, "Only a rembg server does these; leave them off here", "INFO")
        column = layout.column()
        column.active = not is_embedded
        column.prop(settings, "alpha_matting")
        matting = column.column()
        matting.active = settings.alpha_matting
        for name, text in (
            ("matting_foreground", "Foreground"),
            ("matting_background", "Background"),
            ("matting_erode", "Erode"),
        ):
            matting.prop(settings, name, text=text)
        column.prop(settings, "post_process")
        column.prop(settings, "extras")


def _draw_model(layout: bpy.types.UILayout, stored: Preferences) -> None:
    column = layout.column()
    column.use_property_split = False  # models have long names
    column.row().prop(stored, "backend", expand=True)
    if stored.backend == "EMBEDDED":
        column.prop(stored, "embedded_model", text="")
        if words := model_field.unavailable():
            say(column, words, "ERROR")
        return
    model_field.draw_model(column, stored, text="")
    words, icon = model_field.said(stored)
    if words:
        say(column, words, icon)
    further = [each.address for each in stored.further_endpoints if each.address]
    _draw_answer(column, stored.endpoint, is_alone=not further)
    for address in further:
        _draw_answer(column, address, is_alone=False)
    column.operator(SCAN_CUTOUT_OT_check_endpoint.bl_idname, icon="LINKED")


def _draw_answer(column: bpy.types.UILayout, address: str, *, is_alone: bool) -> None:
    """Draw what an endpoint has said, and where there are several, which one it is."""
    asked = queries.of_endpoint(address)
    answer = queries.answer(asked)
    if queries.is_asked(asked):
        say(column, "Asking the server…" if is_alone else f"Asking {_place(address)}…", "SORTTIME")
    elif answer is not None and answer.is_done:
        version = answer.details["version"]  # which a proxy may hide
        said = f"rembg {version} answers" if version else "rembg answers"
        say(column, said if is_alone else f"{said} at {_place(address)}", "CHECKMARK")
    elif answer is not None:
        say(column, answer.message if is_alone else f"{_place(address)}: {answer.message}", "ERROR")


def _place(address: str) -> str:
    """The host and port of an endpoint that was asked."""
    return urlsplit(Endpoint.parse(address).base).netloc
