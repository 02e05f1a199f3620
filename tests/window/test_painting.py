# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks painted on in the Image Editor: saved, told, kept by every run, and nothing lost unasked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faulty_server import FaultyServer
from PIL import Image
from preview_scripts import green, run

from blender_window import WindowBlender
from rembg_server import RembgServer


def brightness(picture: Path, x: int, y: int) -> float:
    """Around a place in a picture of the screen."""
    return float(np.asarray(Image.open(picture).convert("L"))[y - 3 : y + 4, x - 3 : x + 4].mean())


PAINT_AND_SAVE = """
def steps():
    settings = set_up()
    with using():
        bpy.ops.scan_cutout.strip_backgrounds(directory=arguments[0], output_directory=arguments[1])
    yield from open_preview("upright/IMG_0001.JPG")
    preview = live_preview.now()
    yield from pressed("paint_mask")
    yield until(lambda: preview.painting and preview._is_fitted)
    yield drawn()
    shot("painting")
    check(can("step_photo") and not preview.is_dirty, "nothing is painted yet")
    yield from stroke([(0.02 + 0.01 * step, 0.9) for step in range(10)])    # white, in the background
    check(preview.is_dirty, "the stroke painted nothing")
    check([can(name) for name in ("step_photo", "stop_preview", "preview_photo", "paint_mask")] == [False] * 4,
          "a painted mask can be left without a word")
    image = preview.painting.picture.image
    painted = image.pixels[:]
    yield from stroke([(0.3 + 0.01 * step, 0.05) for step in range(10)])
    check(image.pixels[:] != painted, "the second stroke painted nothing")
    yield drawn()
    shot("both")
    where = region("WINDOW", "IMAGE_EDITOR")
    spots = [where.view2d.view_to_region(*place, clip=False) for place in ((0.06, 0.9), (0.33, 0.05))]
    spots = [(where.x + x, main_window().height - where.y - y) for x, y in spots]
    yield press("Z", ctrl=True)
    check(image.pixels[:] == painted, "undo did not take just the second stroke back")
    yield drawn()
    shot("painted")
    yield from pressed("save_mask")
    yield until(lambda: preview.painting is None and is_settled())
    yield drawn()
    shot("saved")
    told = preview.shown.to_json()
    # Strokes on an image that is out of sight are still in Blender's memory of what can be undone.
    for _ in range(2):
        yield press("Z", ctrl=True)
    for _ in range(2):
        yield press("Z", ctrl=True, shift=True)
    path = Path(told["mask_path"])
    saved = path.read_bytes()
    bpy.context.scene.scan_cutout.threshold = 200
    with using():
        bpy.ops.scan_cutout.strip_backgrounds("INVOKE_DEFAULT")
    yield until(lambda: current_job.now() is None)
    check(path.read_bytes() == saved, "the run wrote over the painted mask")
    return told, current_job.last().result.to_json(), spots
"""


def test_a_painted_mask_is_saved_told_and_kept(
    window: WindowBlender, rembg: RembgServer, scan: Path, output: Path, photo_watch: Any, keep: Callable[..., None]
) -> None:
    photo_watch.remember(scan)
    done = run(
        window,
        PAINT_AND_SAVE,
        *(scan, output, rembg.endpoint),
    )
    told, result, (first, second) = done.result
    before, both, after = (done.folder / f"{name}.png" for name in ("painting", "both", "painted"))
    for spot, picture in ((first, both), (second, both), (first, after)):
        assert brightness(picture, *spot) > brightness(before, *spot) + 60, f"no stroke is seen at {spot} in {picture}"
    assert abs(brightness(after, *second) - brightness(before, *second)) < 10, "the stroke that was undone is seen"
    keep("painting", [done.folder / "painted.png"], (660, 24, 1316, 906))
    assert told["is_painted"] is True
    assert result["status"] == "done"
    assert result["photos"]["made"] == 2, "the other threshold is for the other photos"
    mask = Image.open(told["mask_path"])
    assert (mask.mode, mask.size, mask.format) == ("L", (1280, 960), "PNG")
    pixels = np.asarray(mask)
    assert set(np.unique(pixels)) == {0, 255}
    assert pixels[96, 64] == 255, "the stroke is where it was painted: near the upper left corner"
    assert pixels[-48, 448] == 0, "the stroke that was undone is not in the file"
    journal = [json.loads(line) for line in (output / "journal.jsonl").read_text("utf-8").splitlines()]
    assert [event["photo"] for event in journal if event["event"] == "photo_done"].count("upright/IMG_0001.JPG") == 1
    assert green(done.folder / "saved.png") > 200
    window.wait_until_gone()


@pytest.mark.full
def test_photos_on_their_side_are_painted_as_they_are_stored(
    window: WindowBlender, server: FaultyServer, add_photo: Callable[..., Path], photos: Path, output: Path
) -> None:
    add_photo("side.jpg", orientation=6)
    told = run(
        window,
        """
def steps():
    set_up()
    with using():
        bpy.ops.scan_cutout.strip_backgrounds(directory=arguments[0], output_directory=arguments[1])
    yield from open_preview()
    preview = live_preview.now()
    shape = list(preview.shown.size)
    call("paint_mask")
    yield drawn()
    check(preview.shown.orientation == 6, preview.shown)
    shot("turned")
    image = preview.painting.picture.image
    pixels = [0.0, 0.0, 0.0, 1.0] * (image.size[0] * image.size[1])
    pixels[:4] = (1, 1, 1, 1)   # the lowest left one
    image.pixels[:] = pixels
    call("save_mask")
    yield until(is_settled)
    shown = preview.shown.to_json()
    # And again, but left without saving.
    call("paint_mask")
    yield drawn()
    preview.painting.picture.image.pixels[:] = [1.0] * len(pixels)
    with using("IMAGE_EDITOR"):
        bpy.ops.scan_cutout.leave_mask()
    yield until(is_settled)
    return shape, shown, preview.shown.foreground
""",
        *(photos, output, server.endpoint),
    ).result
    shape, shown, left = told
    assert shape == [240, 320]
    assert shown["is_painted"] is True
    mask = np.asarray(Image.open(output / "masks" / "side.jpg.png"))
    assert mask.shape == (240, 320)
    assert (mask[-1, 0], int(mask.sum())) == (255, 255)
    assert left == shown["foreground"] < 0.01


@pytest.mark.full
def test_what_a_brush_erases_is_shown_as_it_is_saved(
    window: WindowBlender, server: FaultyServer, add_photos: Callable[[int], Any], photos: Path, output: Path
) -> None:
    add_photos(1)
    done = run(
        window,
        """
def steps():
    set_up()
    with using():
        bpy.ops.scan_cutout.strip_backgrounds(directory=arguments[0], output_directory=arguments[1])
    yield from open_preview()
    preview = live_preview.now()
    call("paint_mask")
    yield until(lambda: preview.painting and preview._is_fitted)
    yield drawn()
    shot("painting")
    bpy.context.scene.tool_settings.image_paint.brush.blend = "ERASE_ALPHA"
    yield from stroke([(0.4 + 0.01 * step, 0.3) for step in range(10)])
    check(preview.is_dirty, "the stroke erased nothing")
    where = region("WINDOW", "IMAGE_EDITOR")
    x, y = where.view2d.view_to_region(0.45, 0.3, clip=False)
    yield drawn()
    shot("erased")
    call("save_mask")
    yield until(is_settled)
    return preview.shown.is_painted, (where.x + x, main_window().height - where.y - y)
""",
        *(photos, output, server.endpoint),
    )
    is_painted, spot = done.result
    before, after = (brightness(done.folder / f"{name}.png", *spot) for name in ("painting", "erased"))
    assert after < before - 30, "what was erased looks as if it were kept"
    assert is_painted is True
    mask = np.asarray(Image.open(output / "masks" / "IMG_0001.JPG.png"))
    assert mask[168, 144] == 0, "what was erased is kept"
    assert mask[60, 240] == 255, "what was not erased is lost"


@pytest.mark.full
@pytest.mark.parametrize("is_known", [True, False])
def test_undo_beyond_the_strokes_leaves_the_mask(
    window: WindowBlender,
    server: FaultyServer,
    add_photos: Callable[[int], Any],
    photos: Path,
    output: Path,
    is_known: bool,
) -> None:
    """Whether or not undo goes back to before there was the preview's image."""
    add_photos(1)
    done = run(
        window,
        """
def steps():
    set_up()
    with using():
        bpy.ops.scan_cutout.strip_backgrounds(directory=arguments[0], output_directory=arguments[1])
    yield from open_preview()
    if arguments[3] == "True":
        bpy.ops.ed.undo_push(message="Preview")
    preview = live_preview.now()
    yield from pressed("paint_mask")
    yield until(lambda: preview.painting and preview._is_fitted)
    yield from stroke([(0.1 + 0.01 * step, 0.9) for step in range(6)])
    check(preview.is_dirty, "the stroke painted nothing")
    yield press("Z", ctrl=True)
    check(preview.painting, "the first undo was of the stroke")
    yield press("Z", ctrl=True)
    yield until(lambda: preview.painting is None)
    yield until(is_settled)
    yield drawn()
    check(live_preview.now() is preview and preview.picture.is_shown, "undo ended the preview")
    check(preview.picture.image.size[0] == 320, "the preview is not drawn again")
    check(not preview.shown.is_painted, "something was saved")
""",
        *(photos, output, server.endpoint, is_known),
    )
    assert done.result is None
    window.wait_until_gone()


@pytest.mark.full
def test_strokes_that_are_not_saved_outlive_their_editor(
    window: WindowBlender, server: FaultyServer, add_photos: Callable[[int], Any], photos: Path, output: Path
) -> None:
    add_photos(2)
    done = run(
        window,
        """
def close_editor():
    with bpy.context.temp_override(window=main_window(), area=area("IMAGE_EDITOR")):
        bpy.ops.screen.area_close()

def steps():
    set_up()
    with using():
        bpy.ops.scan_cutout.strip_backgrounds(directory=arguments[0], output_directory=arguments[1])
    yield from open_preview()
    preview = live_preview.now()
    call("paint_mask")
    yield until(lambda: preview._is_fitted)
    image = preview.painting.picture.image
    image.pixels[:] = [1.0] * len(image.pixels)
    close_editor()
    yield drawn()
    check(live_preview.now() is preview, "the preview ended, and what was painted with it")
    with using():
        bpy.ops.scan_cutout.preview_photo("INVOKE_DEFAULT", photo="IMG_0002.JPG")
    yield drawn()
    check(area("IMAGE_EDITOR").spaces.active.image == image and image.is_dirty, "what was painted is not shown again")
    pid = preview._worker.pid
    bpy.ops.preferences.addon_disable(module=MODULE)
    yield until(lambda: is_gone(pid))
    # Blender asks of it when it quits.
    check(image.is_dirty and not image.is_runtime_data, "switched off, the extension took what was painted with it")
    shot("disabled")
    image.buffers_free()
""",
        *(photos, output, server.endpoint),
    )
    assert done.result is None
    window.wait_until_gone()
