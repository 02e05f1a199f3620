# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the preview can be seen without a window: its polls, its images, the mask that is written."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from faulty_server import Answer, FaultyServer, Request
from PIL import Image

from bpy_process import Blender

EDITOR = """
import importlib
picture = importlib.import_module("bl_ext.user_default.scan_cutout.session.picture")
area = bpy.context.window_manager.windows[0].screen.areas[0]
area.ui_type = "IMAGE_EDITOR"
"""

# Arguments: photo folder, output folder, endpoint, the folder of this file.
DRAW = (
    EDITOR
    + """
import sys, time
from types import SimpleNamespace
sys.path.insert(0, arguments[3])
from checking_layout import CheckingLayout

PACKAGE = "bl_ext.user_default.scan_cutout"
live_preview = importlib.import_module(f"{PACKAGE}.session.live_preview")
panels = importlib.import_module(f"{PACKAGE}.ui.image_editor")
result = {}

def draw(state):
    seen = []
    region = next(each for each in area.regions if each.type == "UI")
    with bpy.context.temp_override(window=window, area=area, region=region):
        for panel in (panels.SCAN_CUTOUT_PT_preview, panels.SCAN_CUTOUT_PT_preview_mask):
            if not hasattr(panel, "poll") or panel.poll(bpy.context):
                panel.draw(SimpleNamespace(layout=CheckingLayout(seen, is_open=True)), bpy.context)
    result[state] = "".join("".join(seen).split())

def settle():
    can_continue = True
    while can_continue and (preview.is_waiting or not preview.photos):
        can_continue = preview.tick(bpy.context)
        time.sleep(0.02)
    return can_continue

photos, output, endpoint = arguments[:3]
window = bpy.context.window_manager.windows[0]
stored = bpy.context.preferences.addons[PACKAGE].preferences
stored.endpoint, stored.model = endpoint, "u2netp"
settings = bpy.context.scene.scan_cutout
settings.directory, settings.output_directory = photos, output
draw("off")
bpy.ops.scan_cutout.strip_backgrounds(directory=photos, output_directory=output)
with bpy.context.temp_override(window=window):
    live_preview._now = preview = live_preview.Preview(bpy.context, "")
preview.picture.show(area)
draw("waiting")
settle()
draw("shown")
unified = importlib.import_module(f"{PACKAGE}.session.painting")._palettes(bpy.context)[""]
unified.color, unified.secondary_color = (1, 0.5, 0), (0, 0.5, 1)    # as it is for somebody's painting of textures
preview.paint()
result["brush"] = [list(unified.color), list(unified.secondary_color)]
draw("painting")
image = preview.painting.picture.image
image.pixels[:] = [1.0] * len(image.pixels)
draw("painted")
preview.painting.save()
preview.leave_painting()
result["brush"] += [list(unified.color), list(unified.secondary_color)]
settle()
draw("saved")
odd = [name for name in preview.photos if "\\udcfc" in name]
if odd:
    preview.look_at(odd[0])
    settle()
    draw("not UTF-8")
    preview.paint()
    draw("painting what is not UTF-8")
    preview.leave_painting()
    live_preview._now = preview
    with bpy.context.temp_override(window=window):
        bpy.ops.scan_cutout.choose_photo(photo="0")
    first = preview.photo
    with bpy.context.temp_override(window=window):
        bpy.ops.scan_cutout.choose_photo(photo=str(preview.photos.index(odd[0])))
    result["chosen"] = [first, preview.photo == odd[0]]
preview.look_at(preview.photos[0])
preview.step(-1)
settle()
draw("damaged")
settings.directory = output     # another folder
preview._asked = None
can_continue = settle()
live_preview.end()
draw("ended")
result["goes on"] = can_continue
"""
)


# Arguments: photo folder, output folder, endpoint. A preview is on, and its photo has a mask.
FOLLOW = (
    EDITOR
    + """
import time
live_preview = importlib.import_module("bl_ext.user_default.scan_cutout.session.live_preview")

def until(condition):
    while not condition():
        assert preview.tick(bpy.context), "the preview ended"
        time.sleep(0.02)

def is_shown(photo):
    return isinstance(preview.shown, live_preview.Previewed) and preview.shown.photo == photo and not preview.is_waiting

window = bpy.context.window_manager.windows[0]
stored = bpy.context.preferences.addons["bl_ext.user_default.scan_cutout"].preferences
stored.endpoint, stored.model = arguments[2], "u2netp"
settings = bpy.context.scene.scan_cutout
settings.directory, settings.output_directory = arguments[:2]
bpy.ops.scan_cutout.strip_backgrounds(directory=arguments[0], output_directory=arguments[1])
with bpy.context.temp_override(window=window):
    live_preview._now = preview = live_preview.Preview(bpy.context, "")
preview.picture.show(area)
until(lambda: is_shown("IMG_0001.JPG"))
"""
)


def test_what_cannot_be_done_says_why(blender_installed):
    code = """
    result = {}
    for name in ("preview_photo", "step_photo", "stop_preview", "paint_mask", "save_mask", "leave_mask"):
        try:
            getattr(bpy.ops.scan_cutout, name)()
        except RuntimeError as error:
            result[name] = str(error)
    """
    said = blender_installed.run(code).result
    assert said["preview_photo"].strip().endswith("A preview needs a window")
    for name, words in (
        ("step_photo", "Start the preview first"),
        ("stop_preview", "There is no preview"),
        ("paint_mask", "Start the preview first"),
        ("save_mask", "No mask is being painted on"),
        ("leave_mask", "No mask is being painted on"),
    ):
        assert said[name].strip().endswith(words)


def test_the_image_is_in_no_saved_file(blender_installed, tmp_path):
    file = tmp_path / "preview.png"
    Image.new("RGB", (64, 48), (10, 200, 30)).save(file)
    code = (
        EDITOR
        + """
shown = picture.Picture("Scan Cutout Preview", "VIEW")
shown.show(area)
before = [shown.is_shown, list(shown.image.size)]
shown.load(arguments[0])
loaded = [area.spaces.active.image.name, list(shown.image.size), shown.image.users]
bpy.ops.wm.save_as_mainfile(filepath=arguments[1], copy=True)
shown.free()
freed = [shown.is_shown, area.spaces.active.image is None]
bpy.ops.wm.open_mainfile(filepath=arguments[1])
areas = [area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "IMAGE_EDITOR"]
names = [image.name for image in bpy.data.images]
result = [before, loaded, freed, names, [each.spaces.active.image for each in areas]]
"""
    )
    before, loaded, freed, images, shown = blender_installed.run(code, file, tmp_path / "saved.blend").result
    assert before[0] is True
    assert loaded == ["Scan Cutout Preview", [64, 48], 1]
    assert freed == [False, True]
    assert [name for name in images if name not in {"Render Result", "Viewer Node"}] == []
    assert shown == [None]


def test_images_that_nothing_needs_any_more_are_used_again(blender_installed, tmp_path):
    for name, colour in (("one", (10, 200, 30)), ("two", (200, 10, 30))):
        Image.new("RGB", (64, 48), colour).save(tmp_path / f"{name}.png")
    code = (
        EDITOR
        + """
made = []
for name in ("one", "two", "one"):
    shown, photo = picture.Picture("Scan Cutout Preview", "VIEW"), picture.Picture("Scan Cutout Photo", "VIEW")
    shown.show(area)
    made.append([shown.image.name, list(shown.image.size), shown.image.filepath])
    shown.load(f"{arguments[0]}/{name}.png")
    photo.load(f"{arguments[0]}/{name}.png")
    made[-1].append([round(value * 255) for value in shown.image.pixels[:3]])
    shown.free()
    photo.free()
# A painted mask's stays: strokes are undone in it.
masks = []
for _ in range(2):
    mask = picture.Picture("one.png", "PAINT")
    mask.load(f"{arguments[0]}/one.png")
    masks.append(mask.image.name)
    mask.free()
result = [made, masks, sorted(image.name for image in bpy.data.images if image.name.startswith("Scan Cutout"))]
"""
    )
    made, masks, names = blender_installed.run(code, tmp_path).result
    assert [each[0] for each in made] == ["Scan Cutout Preview"] * 3
    assert [each[2] for each in made] == [""] * 3, "the picture of the last time is shown at first"
    assert [each[3] for each in made] == [[10, 200, 30], [200, 10, 30], [10, 200, 30]]
    assert names == ["Scan Cutout Photo", "Scan Cutout Preview"]
    assert len(set(masks)) == 2


def test_a_mask_is_written_as_runs_write_it(blender_installed, tmp_path):
    photo, mask = tmp_path / "IMG_1.JPG", tmp_path / "IMG_1.JPG.png"
    Image.new("RGB", (40, 30), (90, 90, 90)).save(photo)
    before = np.zeros((30, 40), np.uint8)
    before[10:20, 10:30] = 255
    Image.fromarray(before).save(mask)
    code = (
        EDITOR
        + """
from pathlib import Path
painting = importlib.import_module("bl_ext.user_default.scan_cutout.session.painting")
mask = painting.Painting("IMG_1.JPG", Path(arguments[1]), Path(arguments[0]), picture.Picture("Photo", "VIEW"))
mask.picture.show(area)
mode = area.spaces.active.ui_mode
painting.take_white(bpy.context)
mask.save()
same = Path(arguments[1]).read_bytes()
image = mask.picture.image
pixels = list(image.pixels)
for x in range(40):     # the lowest row: hard, soft, soft, and in a colour
    value = (1.0, 0.6, 0.4, 1.0)[x % 4]
    pixels[x * 4 : x * 4 + 3] = (value, value, 0.2 if x % 4 == 3 else value)
image.pixels[:] = pixels
dirty = mask.is_dirty
mask.save()
clean = mask.is_dirty
image.scale(20, 15)
try:
    mask.save()
    refused = ""
except Exception as error:
    refused = str(error)
mask.discard()
mask.end()
result = [mode, dirty, clean, refused, image.is_runtime_data, [area.spaces.active.image]]
"""
    )
    mode, dirty, clean, refused, is_runtime, shown = blender_installed.run(code, photo, mask).result
    assert (mode, dirty, clean) == ("PAINT", True, False)
    assert "40 × 30" in refused
    assert is_runtime is True
    assert shown == [None]
    with Image.open(mask) as written:
        assert (written.mode, written.format) == ("L", "PNG")
        after = np.asarray(written)
    assert np.array_equal(after[:-1], before[:-1])
    assert np.array_equal(after[-1], np.tile(np.array([255, 255, 0, 255], np.uint8), 10))


@pytest.mark.parametrize("mode", ["L", "I;16"])
def test_what_was_erased_is_not_kept(blender_installed, tmp_path, mode):
    """Brushes that erase leave white without alpha; in a mask of 16 bits, which Blender holds as floats, less white."""
    photo, mask = tmp_path / "IMG_1.JPG", tmp_path / "IMG_1.JPG.png"
    Image.new("RGB", (4, 2), (90, 90, 90)).save(photo)
    Image.fromarray(np.full((2, 4), 255 if mode == "L" else 65535, np.uint8 if mode == "L" else np.uint16)).save(mask)
    code = (
        EDITOR
        + """
from pathlib import Path
painting = importlib.import_module("bl_ext.user_default.scan_cutout.session.painting")
mask = painting.Painting("IMG_1.JPG", Path(arguments[1]), Path(arguments[0]), picture.Picture("Photo", "VIEW"))
image = mask.picture.image
for x, alpha in enumerate((1.0, 0.6, 0.4, 0.0)):     # the lowest row
    image.pixels[x * 4 : x * 4 + 4] = [alpha if image.is_float else 1.0] * 3 + [alpha]
is_float = image.is_float
mask.save()
mask.end()
result = is_float
"""
    )
    assert blender_installed.run(code, photo, mask).result is (mode == "I;16")
    with Image.open(mask) as written:
        assert written.mode == "L"
        assert np.asarray(written).tolist() == [[255, 255, 255, 255], [255, 255, 0, 0]]


@pytest.mark.compat
def test_its_panel_is_drawn_in_every_state(
    blender_installed: Blender,
    server: FaultyServer,
    add_photos: Callable[[int], Sequence[str]],
    photos: Path,
    tmp_path: Path,
) -> None:
    add_photos(2)
    (photos / "IMG_0003.JPG").write_bytes(b"no photo")
    if sys.platform == "linux":  # others refuse such names
        shutil.copy(photos / "IMG_0001.JPG", photos / "IMG_0002\udcfc.JPG")
    run = blender_installed.run(DRAW, photos, tmp_path / "output", server.endpoint, Path(__file__).parent)
    drawn = run.result
    assert "Traceback" not in run.stderr
    assert "scan_cutout.preview_photo" in drawn["off"]
    assert "Waitingforthemask" in drawn["waiting"]
    for said in ("IMG_0001.JPG", "Themaskkeeps", "scan_cutout.step_photo", "scan_cutout.stop_preview", "threshold"):
        assert said in drawn["shown"]
    assert drawn["brush"] == [[1, 1, 1], [0, 0, 0], [1, 0.5, 0], [0, 0.5, 1]], "white, and then its own colours again"
    assert "Themaskkeeps" not in drawn["painting"]
    assert "BacktoPreview" in drawn["painting"]
    for said in ("LeaveWithoutSaving", "notsavedyet", "scan_cutout.save_mask", "paint.brush_colors_flip"):
        assert said in drawn["painted"]
    assert "Paintedbyhand" in drawn["saved"]
    for said in ("IMG_0003.JPG", "isnotaJPEG", "TryAgain"):
        assert said in drawn["damaged"]
    if sys.platform == "linux":
        assert "IMG_0002?.JPG" in drawn["not UTF-8"]
        assert "Themaskkeeps" in drawn["not UTF-8"]
        assert "BacktoPreview" in drawn["painting what is not UTF-8"]
        assert drawn["chosen"] == ["IMG_0001.JPG", True]
    assert "scan_cutout.stop_preview" not in drawn["ended"]
    assert drawn["goes on"] is False


def test_a_token_or_a_patience_that_is_set_later_counts(
    blender_installed: Blender,
    server: FaultyServer,
    add_photos: Callable[[int], Sequence[str]],
    photos: Path,
    tmp_path: Path,
) -> None:
    """The worker knows of neither but by being started anew, and what it said of the server was to set the token."""
    add_photos(1)

    def answer(request: Request) -> Answer:
        sent = request.headers.get("authorization")
        if request.number == 0 or sent == "Bearer right":
            return Answer()
        return Answer(hang=True) if sent == "Bearer slow" else Answer(status=401)

    server.script = answer
    code = """
settings.proxy_size = 512    # of which no answer is kept
until(lambda: preview.trouble)
refused = preview.trouble
stored.token = "slow"
until(lambda: not preview.trouble and preview.is_waiting)
stored.timeout = stored.first_timeout = 1
until(lambda: preview.trouble)
slow = preview.trouble
stored.token, stored.timeout, stored.first_timeout = "right", 120, 900
preview.look_at(preview.photo)    # as Try Again does
until(lambda: is_shown("IMG_0001.JPG"))
result = [refused, slow, preview.trouble]
live_preview.end()
"""
    refused, slow, trouble = blender_installed.run(FOLLOW + code, photos, tmp_path / "output", server.endpoint).result
    assert "set the token in the preferences" in refused
    assert ("took longer than the timeout" in slow, trouble) == (True, "")


def test_a_server_that_is_chosen_while_something_else_is_shown_is_the_one_asked(
    blender_installed: Blender,
    server: FaultyServer,
    add_photos: Callable[[int], Sequence[str]],
    photos: Path,
    tmp_path: Path,
) -> None:
    """While a mask is painted on, and in the moment in which another photo is wished for."""
    add_photos(2)
    code = """
preview.paint()
stored.endpoint, settings.proxy_size = arguments[3], 512    # of which no answer is kept
assert preview.tick(bpy.context)
preview.leave_painting()
until(lambda: not preview.is_waiting)
result = [preview.trouble]
stored.endpoint, settings.proxy_size = arguments[2], 256
preview.look_at("IMG_0002.JPG")
until(lambda: is_shown("IMG_0002.JPG"))
result.append(preview.trouble)
live_preview.end()
"""
    with FaultyServer() as other:
        given = (photos, tmp_path / "output", server.endpoint, other.endpoint)
        run = blender_installed.run(FOLLOW + code, *given)
        assert run.result == ["", ""]
        assert len(other.requests) == 1, "the server that was chosen while painting was not asked"
    assert len(server.requests) == 3, "two by the run, and one by the preview"
