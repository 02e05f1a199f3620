# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks that people have already: the panel asks about them, and one click adopts them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from job_scripts import run
from PIL import Image

from blender_window import WindowBlender

pytestmark = pytest.mark.full

CODE = """
from bl_ext.user_default.scan_cutout.session import survey

def steps():
    set_up()
    yield sidebar("Scan Cutout")
    yield until(lambda: survey.found(bpy.context.scene.scan_cutout) and not survey.is_asked())
    yield drawn()
    shot("asked")
    told = [survey.found(bpy.context.scene.scan_cutout).details["own_masks"]["count"]]
    place = yield from find("scan_cutout.adopt_masks")
    where = region("UI")
    left = where.x + where.width // 4, place[1]    # of its two buttons: black
    yield move(*left)
    yield move(*left)
    yield click(*left)
    yield until(lambda: current_job.last() is not None and is_over() and not survey.is_asked())
    yield drawn()
    shot("adopted")
    told.append(survey.found(bpy.context.scene.scan_cutout).details["own_masks"]["count"])
    place = yield from find("scan_cutout.adopt_masks")
    return told, current_job.last().result.message, place
"""


def test_a_note_asks_about_masks_and_one_click_adopts_them(
    window: WindowBlender, add_photos: Callable[[int], Sequence[str]], photos: Path, output: Path
) -> None:
    names = add_photos(4)
    kept = np.zeros((240, 320), bool)
    kept[60:180, 80:240] = True
    (photos / "masks").mkdir()
    for name in names[:3]:
        Image.fromarray(np.uint8(~kept * 255)).save(photos / "masks" / f"{name}.png")
    told, message, button = run(window, CODE, photos, output, "http://127.0.0.1:9/api/remove")
    assert (told, button) == ([3, 0], None)
    assert message.startswith("3 masks of your own adopted. 1 photo without one")
    for name in names[:3]:
        assert np.array_equal(np.asarray(Image.open(output / "masks" / f"{name}.png")) > 0, kept)
