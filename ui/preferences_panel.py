# SPDX-License-Identifier: GPL-3.0-or-later
"""How the preferences are drawn: what each field does and what was found, without a manual."""

import os
from functools import cache

import bpy

from ..operators.add_endpoint import SCAN_CUTOUT_OT_add_endpoint
from ..operators.check_endpoint import SCAN_CUTOUT_OT_check_endpoint
from ..operators.check_programs import SCAN_CUTOUT_OT_check_programs
from ..operators.copy_docker_command import DOCKER_COMMAND, SCAN_CUTOUT_OT_copy_docker_command
from ..operators.remove_endpoint import SCAN_CUTOUT_OT_remove_endpoint
from ..properties.stored import Preferences
from ..properties.typed import Icon, existing
from ..scan.common.errors import BadUseError
from ..scan.engines import catalog
from ..scan.job import requirements
from ..scan.job.job_end import JobEnd
from ..scan.segmentation import model_notes
from ..scan.segmentation.address import Endpoint
from ..scan.segmentation.settings import TOKEN_VARIABLE, EndpointSettings
from ..session import programs, queries
from . import model_field
from .wrapped import draw_wrapped

_SPLIT = 0.4  # Blender's own share of the labels where properties are split
_FRAME = 50  # pixels of the boxes around the preferences

# What is installed does not change while Blender runs, and looking for it reads the disk.
_missing = cache(requirements.missing)


def draw(preferences: Preferences, context: bpy.types.Context) -> None:
    """Draw all of it."""
    _Panel(preferences, context).draw(existing(preferences.layout))


class _Panel:
    """The preferences being drawn at one width."""

    def __init__(self, preferences: Preferences, context: bpy.types.Context) -> None:
        self._preferences = preferences
        self._context = context
        self._width = existing(context.region).width - _FRAME * existing(context.preferences).system.ui_scale

    def draw(self, layout: bpy.types.UILayout) -> None:
        """Draw the boxes, the one that is needed first on top."""
        layout.use_property_split = True
        layout.use_property_decorate = False
        if words := _missing():
            draw_wrapped(layout, words, self._width, "ERROR")
        self._draw_backend(layout)
        if self._preferences.backend == "ENDPOINT":
            self._draw_server_help(layout)
            self._draw_patience(layout)
        self._draw_programs(layout)
        self._draw_resources(layout)

    def _draw_backend(self, layout: bpy.types.UILayout) -> None:
        body = _section(layout, "backend", "Background Removal")
        if body is None:
            return
        body.row().prop(self._preferences, "backend", expand=True)
        if self._preferences.backend == "EMBEDDED":
            self._draw_embedded(body)
        else:
            self._draw_endpoints(body)
            self._draw_model(body)

    def _draw_embedded(self, body: bpy.types.UILayout) -> None:
        body.prop(self._preferences, "embedded_model")
        if words := model_field.unavailable():
            self._say(body, words, "ERROR")
        else:
            self._say(body, "Runs on this computer, without a server; no photo leaves it", "INFO")
        if words := model_notes.note(self._preferences.embedded_model):
            self._say(body, words, "INFO")

    def _draw_endpoints(self, body: bpy.types.UILayout) -> None:
        preferences = self._preferences
        body.prop(preferences, "endpoint")
        self._draw_answer(body, preferences.endpoint)
        for index, further in enumerate(preferences.further_endpoints):
            row = body.row(align=True)
            row.prop(further, "address", text=f"Endpoint {index + 2}")
            existing(row.operator(SCAN_CUTOUT_OT_remove_endpoint.bl_idname, text="", icon="X")).index = index
            if further.address:
                self._draw_answer(body, further.address)
        addresses = [each.address for each in preferences.further_endpoints if each.address]
        if words := _refusal_of_all([preferences.endpoint, *addresses]):
            self._say(body, words, "ERROR")
        row = _beside(body).row(align=True)
        row.operator(SCAN_CUTOUT_OT_check_endpoint.bl_idname, icon="LINKED")
        row.operator(SCAN_CUTOUT_OT_add_endpoint.bl_idname, icon="ADD")

    def _draw_answer(self, body: bpy.types.UILayout, address: str) -> None:
        """What is known of an endpoint: that it may not be asked, that it is being asked, what it said."""
        if words := _refusal(address):
            self._say(body, words, "ERROR")
        elif not _may_be_asked(address):
            self._draw_offline(body, address)
        elif queries.is_asked(queries.of_endpoint(address)):
            self._say(body, "Asking…", "SORTTIME")
        elif answer := queries.answer(queries.of_endpoint(address)):
            self._say(body, *_told(answer))

    def _draw_offline(self, body: bpy.types.UILayout, address: str) -> None:
        host = Endpoint.parse(address).host
        if bpy.app.online_access_override:
            self._say(body, f"{host} is another computer, and Blender was started with --offline-mode", "ERROR")
            return
        self._say(body, f"{host} is another computer, and Blender’s online access is off", "ERROR")
        button = _beside(body).operator("screen.userpref_show", text="Allow Online Access...", icon="PREFERENCES")
        existing(button).section = "SYSTEM"

    def _draw_model(self, body: bpy.types.UILayout) -> None:
        model_field.draw_model(body, self._preferences)
        words, icon = model_field.said(self._preferences)
        if words:
            self._say(body, words, icon)

    def _draw_server_help(self, layout: bpy.types.UILayout) -> None:
        body = _section(layout, "server", "Start a Server on This Computer", closed=True)
        if body is None:
            return
        row = body.row()
        row.separator()
        body = row.column()
        draw_wrapped(
            body,
            "rembg is the free program that removes the backgrounds. With Docker (docker.com), this line in a terminal "
            "starts it, now and whenever the computer starts. Nobody else in your network can reach it.",
            self._width,
        )
        draw_wrapped(body.box(), DOCKER_COMMAND, self._width)
        body.operator(SCAN_CUTOUT_OT_copy_docker_command.bl_idname, icon="COPYDOWN")
        draw_wrapped(body, "No Docker? Choose Embedded above: it needs no server.", self._width, "INFO")

    def _draw_patience(self, layout: bpy.types.UILayout) -> None:
        body = _section(layout, "patience", "Token, Certificate and Timeouts", closed=True)
        if body is None:
            return
        body.prop(self._preferences, "token")
        if os.environ.get(TOKEN_VARIABLE):
            self._say(body, f"{TOKEN_VARIABLE} is set, and is sent instead", "INFO")
        else:
            self._say(
                body,
                "Only for servers that ask for one; for a user name and a password, write user:password. Blender "
                "stores it unencrypted, in its user preferences; to keep it out of there, set the environment variable "
                f"{TOKEN_VARIABLE} instead",
                "INFO",
            )
        body.prop(self._preferences, "certificate")
        for name in ("in_flight", "timeout", "first_timeout"):
            body.prop(self._preferences, name)
        self._say(body, "The first photo takes longer: the server loads its model, or even downloads it", "INFO")
        body.prop(self._preferences, "retry_for")

    def _draw_programs(self, layout: bpy.types.UILayout) -> None:
        body = _section(layout, "programs", "Photogrammetry Programs")
        if body is None:
            return
        answer = programs.answer(self._context)
        found = answer.details.get("programs", {}) if answer else {}
        for entry in catalog.ENGINES:
            if entry.preference is not None:
                body.prop(self._preferences, entry.preference.name)
            if entry.name in found:
                self._draw_program(body, entry, found[entry.name])
        if programs.is_asked(self._context):
            self._say(body, "Looking…", "SORTTIME")
        elif answer and not found:
            self._say(body, answer.message, "ERROR")
        elif not answer:
            self._say(body, "Empty for the programs that are installed", "INFO")
        _beside(body).operator(SCAN_CUTOUT_OT_check_programs.bl_idname, icon="VIEWZOOM")

    def _draw_program(self, body: bpy.types.UILayout, entry: catalog.Entry, told: dict[str, str]) -> None:
        """Draw what was found of an engine."""
        if "problem" not in told:
            self._say(body, f"{entry.label}: version {told['version']} {told['path']}", "CHECKMARK")
            return
        # Who set no path may well do without.
        is_wanted = entry.preference is None or getattr(self._preferences, entry.preference.name)
        self._say(body, told["problem"], "ERROR" if is_wanted else "INFO")

    def _draw_resources(self, layout: bpy.types.UILayout) -> None:
        body = _section(layout, "resources", "Building Models", closed=True)
        if body is None:
            return
        for name, zero in (("threads", "all_but_one_thread"), ("memory", "half_memory")):
            number = body.row()
            # Not only paler: what is typed in shall count.
            number.enabled = not getattr(self._preferences, zero)
            number.prop(self._preferences, name)
            body.prop(self._preferences, zero)

    def _say(self, body: bpy.types.UILayout, words: str, icon: Icon) -> None:
        """Draw a sentence below a field, as wide as the field."""
        draw_wrapped(_beside(body), words, self._width * (1 - _SPLIT), icon)


def _section(layout: bpy.types.UILayout, name: str, title: str, *, closed: bool = False) -> bpy.types.UILayout | None:
    """Draw a heading, and give what is below it; None while that is folded."""
    header, body = layout.panel(f"scan_cutout_{name}", default_closed=closed)
    header.label(text=title)
    return body


def _beside(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """Where the fields are, beside their labels."""
    split = layout.split(factor=_SPLIT)
    split.label()
    return split.column()


def _refusal(*addresses: str) -> str:
    """What is wrong with addresses by themselves; empty if nothing is."""
    try:
        EndpointSettings(endpoint=addresses[0], further=addresses[1:], online=True).check()
    except BadUseError as error:
        return str(error)
    return ""


def _refusal_of_all(addresses: list[str]) -> str:
    """What is wrong with them together, and with none of them alone."""
    return "" if any(map(_refusal, addresses)) else _refusal(*addresses)


def _may_be_asked(address: str) -> bool:
    return bpy.app.online_access or Endpoint.parse(address).is_loopback


def _told(answer: JobEnd) -> tuple[str, Icon]:
    """An answer in words, and the icon before them."""
    if not answer.is_done:
        return answer.message, "ERROR"
    took = answer.details["seconds"]
    time = f"{took * 1000:.0f} ms" if took < 1 else f"{took:.1f} s"
    if not answer.details["models"]:
        return f"rembg answered in {time}; the proxy in front of it hides which models it has", "CHECKMARK"
    return f"rembg {answer.details['version']}, {len(answer.details['models'])} models, answered in {time}", "CHECKMARK"
