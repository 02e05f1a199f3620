# SPDX-License-Identifier: GPL-3.0-or-later
"""The live preview in its window: it follows the settings, photos are stepped through, nothing of it stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faulty_server import FaultyServer
from PIL import Image
from preview_scripts import BEGIN, green, run

from blender_window import WindowBlender
from rembg_server import RembgServer

CLOSED = "http://127.0.0.1:9/api/remove"


FOLLOW = """
def steps():
    settings = set_up()
    # Beside the .blend, as it is for most; and short enough to be read in the README's pictures.
    beside = Path(arguments[0]).parent
    bpy.ops.wm.save_as_mainfile(filepath=str(beside / "scan.blend"))
    settings.output_directory = "//" + os.path.relpath(arguments[1], beside)
    settings.directory = "//" + os.path.relpath(arguments[0], beside)
    yield sidebar("Scan Cutout")
    yield until(lambda: survey.found(settings) is not None)    # which moves the buttons
    yield drawn()
    place = yield from find("scan_cutout.preview_photo")
    check(place, "the button is not in sight")
    yield click(*place)
    yield until(is_settled)
    yield drawn()
    shot("preview")
    preview = live_preview.now()
    shares = [preview.shown.foreground]
    for name, value in (("threshold", 250), ("threshold", 20), ("grow", 60), ("grow", -60), ("refine_edges", True)):
        before = preview.shown
        setattr(settings, name, value)
        yield until(lambda: preview.shown is not before)
        shares.append(preview.shown.foreground)
    # However long the answer to a change takes, Blender goes on meanwhile.
    shown, pid = preview.shown, preview._worker.pid
    os.kill(pid, signal.SIGSTOP)
    settings.grow = 0
    yield until(lambda: preview.is_waiting)
    beats, ticks = [], []
    bpy.app.timers.register(lambda: beats.append(True) or 0.01)
    tick = preview.tick
    preview.tick = lambda context: ticks.append(True) or tick(context)
    view = region("WINDOW")
    yield move(view.x + 60, view.y + 60)
    for is_open in (False, True):
        yield press("N")
        yield until(lambda: (region("UI").width > 1) == is_open, "the 3D View's sidebar to close and open")
    yield until(lambda: len(beats) >= 10 and len(ticks) >= 10)
    check(preview.is_waiting and preview.shown is shown, "an answer came of a worker that stood still")
    os.kill(pid, signal.SIGCONT)
    yield until(lambda: preview.shown is not shown)
    yield drawn()
    shot("changed")
    names = [preview.photo]
    for step in (1, 1, 1, -1):
        call("step_photo", step=step)
        yield until(is_settled)
        check(preview.shown.photo == preview.photo, f"{preview.shown} is not of {preview.photo}")
        names.append(preview.photo)
    yield drawn()
    shot("stepped")
    image = area("IMAGE_EDITOR").spaces.active.image
    return shares, names, list(image.size), preview.trouble
"""


def test_the_preview_follows_settings_and_goes_from_photo_to_photo(
    window: WindowBlender, rembg: RembgServer, scan: Path, output: Path, keep: Callable[..., None]
) -> None:
    done = run(
        window,
        FOLLOW,
        *(scan, output, rembg.endpoint),
    )
    shares, names, size, trouble = done.result
    first, strict, loose, grown, shrunk, _refined = shares
    assert strict < first < loose < grown
    assert shrunk < loose
    assert trouble == ""
    upright = ["upright/IMG_0001.JPG", "upright/IMG_0006.JPG"]
    assert names == ["flipped/IMG_0021.JPG", *upright, "flipped/IMG_0021.JPG", upright[-1]]
    assert size == [1024, 768]
    for name in ("preview", "changed", "stepped"):
        assert green(done.folder / f"{name}.png") > 300, name
    assert np.asarray(Image.open(done.folder / "preview.png")).mean() > 20
    keep("preview", [done.folder / "preview.png"], (0, 24, 1316, 906))
    window.wait_until_gone()


@pytest.mark.full
def test_the_preview_opens_where_it_is_asked_for_and_finds_a_photo_by_its_name(
    window: WindowBlender, server: FaultyServer, add_photos: Callable[[int], Any], photos: Path, output: Path
) -> None:
    add_photos(12)
    done = run(
        window,
        """
def steps():
    set_up()
    yield from open_preview()
    main_window().workspace = bpy.data.workspaces["Modeling"]
    yield drawn()
    check(not live_preview.now().current.is_in_sight, "the preview is in sight in the other workspace")
    yield from open_preview()
    check(live_preview.now().current.is_in_sight, "no editor was opened in this workspace")
    yield drawn()
    yield from pressed("choose_photo")
    yield drawn()
    yield write("0007")
    yield drawn()
    shot("search")
    yield press("RET")
    yield until(lambda: live_preview.now().photo == "IMG_0007.JPG")
    yield until(is_settled)
    return live_preview.now().shown.photo
""",
        *(photos, output, server.endpoint),
    )
    assert done.result == "IMG_0007.JPG"


@pytest.mark.full
def test_the_preview_has_its_controls_in_a_workspace_of_blenders_own(
    window: WindowBlender, server: FaultyServer, add_photos: Callable[[int], Any], photos: Path, output: Path
) -> None:
    """Texture Paint has an empty Image Editor, with its sidebar closed."""
    add_photos(2)
    done = run(
        window,
        """
def steps():
    set_up()
    main_window().workspace = bpy.data.workspaces["Texture Paint"]
    yield drawn()
    count = len(main_window().screen.areas)
    check(not area("IMAGE_EDITOR").spaces.active.show_region_ui, "this workspace shows nothing new")
    yield from open_preview()
    check(len(main_window().screen.areas) == count, "the empty editor was not taken")
    yield drawn()
    shot("texture_paint")
    yield from pressed("step_photo")
    yield until(lambda: live_preview.now().photo == "IMG_0002.JPG")
    yield until(is_settled)
    return live_preview.now().shown.photo
""",
        *(photos, output, server.endpoint),
    )
    assert done.result == "IMG_0002.JPG"


END_IN_ALL_WAYS = """
def editor():
    image = live_preview.now().picture.image
    return next(each for each in main_window().screen.areas
                if each.ui_type == "IMAGE_EDITOR" and each.spaces.active.image == image)

def other_folder():
    bpy.context.scene.scan_cutout.directory = str(folder)

def close_editor():
    with bpy.context.temp_override(window=main_window(), area=editor()):
        bpy.ops.screen.area_close()

def show_another():
    editor().spaces.active.image = bpy.data.images.new("Mine", 8, 8)

def other_editor():
    editor().ui_type = "TEXT_EDITOR"

def load():
    bpy.ops.wm.open_mainfile(filepath=str(folder / "load.blend"))

def disable():
    bpy.ops.preferences.addon_disable(module=MODULE)

def stop():
    call("stop_preview")

def steps():
    ways = (stop, other_folder, close_editor, show_another, other_editor, load, disable)
    handlers = len(bpy.app.handlers.load_post)
    for way in ways:
        settings = set_up()
        yield from open_preview()
        # Twice, and another photo: still one worker.
        yield from open_preview("IMG_0002.JPG")
        preview = live_preview.now()
        check(preview.photo == "IMG_0002.JPG" and preview.shown.photo == preview.photo, f"{preview.shown}")
        images = [each.name for each in bpy.data.images if each.name.startswith("Scan Cutout")]
        check(images == ["Scan Cutout Preview"], f"there are {images}")
        pid, place = preview._worker.pid, Path(preview._folder.name)
        check(not is_gone(pid) and place.is_dir(), "there is no worker")
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / f"{way.__name__}.blend"), copy=True)
        way()
        yield until(lambda: is_gone(pid) and not place.exists(), f"nothing to be left after {way.__name__}")
        check(live_preview.now() is None, f"{way.__name__} did not end the preview")
        check(not bpy.app.timers.is_registered(live_preview._tick), f"{way.__name__} left the timer")
    check(len(bpy.app.handlers.load_post) < handlers, "a handler is left")
    with bpy.data.libraries.load(str(folder / "disable.blend")) as (there, _):
        return list(there.images)
"""


@pytest.mark.full
def test_whatever_ends_the_preview_leaves_nothing(
    window: WindowBlender, server: FaultyServer, add_photos: Callable[[int], Any], photos: Path, output: Path
) -> None:
    add_photos(2)
    saved = run(
        window,
        END_IN_ALL_WAYS,
        *(photos, output, server.endpoint),
    ).result
    assert [name for name in saved if name not in {"Mine", "Render Result", "Viewer Node"}] == []
    window.wait_until_gone()


@pytest.mark.full
def test_a_killed_blender_leaves_no_worker_of_its_preview(
    window: WindowBlender, server: FaultyServer, add_photos: Callable[[int], Any], photos: Path, output: Path
) -> None:
    add_photos(1)
    running = window.start(
        BEGIN
        + """
def steps():
    set_up()
    yield from open_preview()
    yield until(lambda: not survey.is_asked())    # which is another worker
    (folder / "there").touch()
    yield until(lambda: False, "the end, from outside")
""",
        *(photos, output, server.endpoint),
    )
    running.until((running.folder / "there").exists)
    assert len(window.workers()) == 1
    running.end()
    window.wait_until_gone()


@pytest.mark.full
def test_what_is_wrong_is_told_and_another_server_mends_it(
    window: WindowBlender, server: FaultyServer, add_photos: Callable[[int], Any], photos: Path, output: Path
) -> None:
    add_photos(2)
    (photos / "IMG_0003.JPG").write_bytes(b"no photo")
    (photos / "IMG_0004.RAF").write_bytes(b"raw")
    done = run(
        window,
        """
def steps():
    set_up()
    yield from open_preview()
    preview = live_preview.now()
    away = preview.trouble
    check(not can("paint_mask"), "there is no mask to paint on")
    yield drawn()
    shot("away")
    bpy.context.preferences.addons[MODULE].preferences.endpoint = arguments[3]
    yield until(lambda: hasattr(preview.shown, "foreground") and not preview.trouble)
    first = preview._worker.pid
    damaged = []
    for _ in range(2):
        call("step_photo", step=-1)
        yield until(is_settled)
        damaged.append((preview.photo, preview.trouble, preview.shown))
    yield drawn()
    shot("damaged")
    # A worker that dies is told of, and started anew by the button.
    import os, signal
    os.kill(first, signal.SIGKILL)
    yield until(lambda: not preview.has_worker)
    died = preview.trouble
    yield from open_preview("IMG_0001.JPG")
    again = live_preview.now()
    return away, damaged, died, again.photo, again.trouble, again.shown.foreground > 0
""",
        *(photos, output, CLOSED, server.endpoint),
    )
    away, damaged, died, photo, trouble, is_shown = done.result
    assert "No server answers" in away
    assert [name for name, _, _ in damaged] == ["IMG_0004.RAF", "IMG_0003.JPG"]
    assert "RAW" in damaged[0][1]
    assert "is not a JPEG" in damaged[1][1]
    assert damaged[1][2] is None, "another photo's picture stands under the name of a damaged one"
    assert "ended unexpectedly" in died
    assert (photo, trouble, is_shown) == ("IMG_0001.JPG", "", True)


@pytest.mark.full
def test_undo_takes_settings_back_and_the_preview_follows(
    window: WindowBlender, server: FaultyServer, add_photos: Callable[[int], Any], photos: Path, output: Path
) -> None:
    add_photos(1)
    done = run(
        window,
        """
def steps():
    settings = set_up()
    yield from open_preview()
    preview = live_preview.now()
    before = preview.shown.foreground
    bpy.context.scene.scan_cutout.grow = 30
    bpy.ops.ed.undo_push(message="Grow")
    yield until(lambda: preview.shown.foreground > before)
    grown = preview.shown.foreground
    yield move(900, 500)
    yield press("Z", ctrl=True)
    yield until(lambda: preview.shown.foreground == before)
    check(live_preview.now() is preview, "undo ended the preview")
    image = area("IMAGE_EDITOR").spaces.active.image
    check(image is not None and image.size[0] > 0, "undo took the picture out of the editor")
    yield press("Z", ctrl=True, shift=True)
    yield until(lambda: preview.shown.foreground == grown)
    image = area("IMAGE_EDITOR").spaces.active.image
    check(image is not None and image.size[0] > 0, "redo took the picture out of the editor")
""",
        *(photos, output, server.endpoint),
    )
    assert done.result is None
