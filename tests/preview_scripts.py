# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window tests of the preview and of painted masks share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from blender_window import Run, WindowBlender

# What the scripts begin with; ``arguments`` are the photo folder, the output folder and the endpoint.
BEGIN = """
import os
import signal
from pathlib import Path
from bl_ext.user_default.scan_cutout.session import current_job, live_preview, survey

MODULE = "bl_ext.user_default.scan_cutout"

def set_up():
    photos, output, endpoint = arguments[:3]
    stored = bpy.context.preferences.addons[MODULE].preferences
    stored.endpoint, stored.model = endpoint, "u2netp"
    settings = bpy.context.scene.scan_cutout
    settings.directory, settings.output_directory = photos, output
    bpy.ops.ed.undo_push(message="Set up")
    return settings

def is_settled():
    preview = live_preview.now()
    return preview is not None and not preview.is_waiting and preview._is_fitted and preview._has_tab

def open_preview(photo=""):
    with using():
        bpy.ops.scan_cutout.preview_photo("INVOKE_DEFAULT", photo=photo)
    yield until(is_settled)

def call(operator, **more):
    with using("IMAGE_EDITOR"):
        return getattr(bpy.ops.scan_cutout, operator)("INVOKE_DEFAULT", **more)

def can(operator):
    with using("IMAGE_EDITOR"):
        return getattr(bpy.ops.scan_cutout, operator).poll()

def pressed(operator):
    place = yield from find(f"scan_cutout.{operator}", "UI", "IMAGE_EDITOR")
    check(place, f"{operator} is not in sight")
    if place:
        yield click(*place)

def is_gone(pid):
    try:
        return not Path(f"/proc/{pid}/cmdline").read_bytes()    # a zombie has none
    except OSError:
        return True

def stroke(places):
    # ``places`` are in parts of the image.
    where, window = region("WINDOW", "IMAGE_EDITOR"), main_window()
    spots = [where.view2d.view_to_region(*place, clip=False) for place in places]
    spots = [(where.x + x, where.y + y) for x, y in spots]
    yield move(*spots[0])
    for kind, value, spot in [("LEFTMOUSE", "PRESS", spots[0]), *(("MOUSEMOVE", "NOTHING", spot) for spot in spots),
                              ("LEFTMOUSE", "RELEASE", spots[-1])]:
        window.event_simulate(type=kind, value=value, x=int(spot[0]), y=int(spot[1]))
        yield
    yield drawn()
"""


def run(window: WindowBlender, code: str, *arguments: object, **more: Any) -> Run:
    return window.run(BEGIN + code, *arguments, **more)


def green(picture: Path) -> int:
    """How many pixels have the outline's colour."""
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    return int(((pixels[..., 1] > 200) & (pixels[..., 0] < 110) & (pixels[..., 2] < 110)).sum())
