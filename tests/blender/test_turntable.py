# SPDX-License-Identifier: GPL-3.0-or-later
"""The model rendered by Cycles: a picture, and a clip in which it turns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from finished_models import MAKE_MODEL
from PIL import Image

from bpy_process import Blender

SMALL = {"turntable_width": 160, "turntable_height": 120, "turntable_samples": 1}
BEGIN = (
    MAKE_MODEL
    + """
import json
small = json.loads(arguments[1])

def rendered(**given):
    try:
        return str(bpy.ops.scan_cutout.render_turntable(**small | given))
    except RuntimeError as error:
        return str(error)
"""
)


def run(blender: Blender, code: str, place: Path) -> object:
    """Give the result of a script that finds a folder, and ``rendered`` for small pictures."""
    return blender.run(BEGIN + code, place, json.dumps(SMALL)).result


@pytest.mark.compat
def test_a_picture_shows_all_of_the_model_before_a_grey_backdrop(blender_installed: Blender, tmp_path: Path) -> None:
    code = """
model = make_scan(None)
before = everything()
place = arguments[0]
told = [rendered(filepath=f"{place}/new/{name}") for name in ("VASE.PNG", "vase.v2.jpeg", "vase.webp")]
assert before == (after := everything()), set(before.split("), ")) ^ set(after.split("), "))
result = told
"""
    assert run(blender_installed, code, tmp_path) == ["{'FINISHED'}"] * 3
    for name, kind in (("VASE.PNG", "PNG"), ("vase.v2.jpeg", "JPEG"), ("vase.webp", "WEBP")):
        with Image.open(tmp_path / "new" / name) as picture:
            assert (picture.format, picture.size) == (kind, (160, 120))
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        red, blue = pixels[50, 80], pixels[80, 80]
        assert red[0] > 2 * red[2], "the upper half of the model is red"
        assert blue[2] > 2 * blue[0], "and the lower one is blue"
        border = np.concatenate(
            [pixels[:3].reshape(-1, 3), pixels[:, :3].reshape(-1, 3), pixels[:, -3:].reshape(-1, 3)]
        )
        assert border.min() > 150, "a light grey backdrop all around"
        assert np.median(np.ptp(border, axis=1)) < 15, "one sample is noisy, and has no colour on the whole"
        colored = np.argwhere(np.ptp(pixels, axis=2) > 80)
        assert 60 < np.ptp(colored[:, 0]) < 110, "it fills the picture, and none of it is cut off"


@pytest.mark.compat
def test_a_clip_is_a_video_in_which_the_model_turns_once(blender_installed: Blender, tmp_path: Path) -> None:
    code = """
make_scan(None)
turns = []
def note(scene, graph):
    if copy := scene.objects.get("Turntable"):
        turns.append(round(copy.evaluated_get(graph).matrix_world.to_euler().z, 4))
bpy.app.handlers.frame_change_post.append(note)
before = everything()
told = rendered(filepath=f"{arguments[0]}/vase.mp4", turntable_frames=4, turntable_rate=12)
assert before == everything()
clip = bpy.data.movieclips.load(f"{arguments[0]}/vase.mp4")
result = [told, clip.frame_duration, [*clip.size], clip.fps, sorted(set(turns))]
"""
    told, frames, size, rate, turns = run(blender_installed, code, tmp_path)  # type: ignore[misc]
    assert (told, frames, size, rate) == ("{'FINISHED'}", 4, [160, 120], 12)
    assert sorted(round(float(np.degrees(each))) % 360 for each in turns) == [0, 90, 180, 270]


@pytest.mark.compat
def test_without_cycles_it_is_said_and_not_switched_on(blender_installed: Blender, tmp_path: Path) -> None:
    code = """
import addon_utils
make_scan(None)
# Not by the operator, which would look anew at the packages of extensions, of a folder that other tests use.
addon_utils.disable("cycles", default_set=True, refresh_handled=True)
result = [rendered(filepath=f"{arguments[0]}/vase.png"), "cycles" in bpy.context.preferences.addons]
"""
    words, is_on = blender_installed.run(BEGIN + code, tmp_path, json.dumps(SMALL), alone=True).result
    assert "The turntable cannot be rendered without Cycles; switch on its add-on" in words
    assert not is_on


def test_what_cannot_be_rendered_is_refused_in_words(blender_installed: Blender, tmp_path: Path) -> None:
    (tmp_path / "taken.png").write_bytes(b"mine")
    code = """
nothing = rendered(filepath=f"{arguments[0]}/vase.png")
model = make_scan(None)
place = arguments[0]
words = [rendered(filepath=f"{place}/vase.gif"), rendered(filepath=f"{place}/taken.png")]
words += [rendered(filepath=f"{place}/vase.mp4", turntable_width=161)]
words += [rendered(filepath=f"{place}/vase.png", turntable_samples=0)]
done = rendered(filepath=f"{place}/taken.png", overwrite=True)
model.data.clear_geometry()
result = [nothing, *words, rendered(filepath=f"{place}/vase.png"), done]
"""
    nothing, gif, taken, odd, samples, bare, done = run(blender_installed, code, tmp_path)  # type: ignore[misc]
    assert "There is no model of a scan in the scene" in nothing
    assert "name one that ends with .png, .jpg, .jpeg, .webp or .mp4" in gif
    assert f"{tmp_path / 'taken.png'} is there already" in taken
    assert "width and height must be even, and are 161 × 120 pixels" in odd
    assert "Samples must be from 1 to 4096, not 0" in samples
    assert "The model Vase Model has no faces" in bare
    assert done == "{'FINISHED'}"
    assert (tmp_path / "taken.png").read_bytes() != b"mine"
    assert [each.name for each in tmp_path.iterdir()] == ["taken.png"]


def test_a_second_blender_opens_a_copy_that_is_gone_afterwards(blender_installed: Blender, tmp_path: Path) -> None:
    code = """
import os
from pathlib import Path
from bl_ext.user_default.scan_cutout.scan.common.errors import ScanError
from bl_ext.user_default.scan_cutout.scan.export.settings import TurntableSettings
from bl_ext.user_default.scan_cutout.session import steps

def begun():
    wanted = TurntableSettings(turntable="vase.mp4", turntable_frames=5, overwrite=True)
    return steps.render_turntable(wanted, is_apart=True)

def refused():
    try:
        next(begun())
    except ScanError as error:
        return str(error)

result = [refused()]
make_scan(None)
Path(bpy.app.tempdir, "scan_cutout_turntable").touch()      # where the folder should be
result.append(refused())
Path(bpy.app.tempdir, "scan_cutout_turntable").unlink()
taken, here = begun(), Path.cwd()
os.chdir(arguments[0])
job = next(taken)
os.chdir(here)
command = job.content["settings"]["command"]
copy = Path(command[2])
opened = [copy.is_file(), bpy.data.filepath]
taken.close()
result += [command, [*opened, copy.exists()], job.content["settings"]["frames"]]
"""
    nothing, full, command, copy, frames = run(blender_installed, code, tmp_path)  # type: ignore[misc]
    assert "There is no model of a scan in the scene" in nothing
    assert "A copy of the file cannot be saved as" in full
    assert "make room on the disk where this computer keeps temporary files" in full
    assert command[1:2] == ["-b"]
    assert command[3:7] == ["--addons", "bl_ext.user_default.scan_cutout", "--command", "scan_cutout"]
    assert command[7:9] == ["turntable", "--json"]
    settings = ["--overwrite", f"--turntable={tmp_path / 'vase.mp4'}", "--turntable-frames=5"]
    assert command[10:] == settings
    assert (copy, frames) == ([True, "", False], 5)
