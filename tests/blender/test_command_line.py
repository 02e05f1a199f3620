# SPDX-License-Identifier: GPL-3.0-or-later
"""The command where the report or the scene cannot be written: found out at once, or told in the report at the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from built_models import ball, leave_model
from faulty_server import FaultyServer
from PIL import Image

from bpy_process import Blender

# What the command does: Blender's module has no command line, so the function behind it is called. The argument is a
# list of command lines, each with where its report goes.
COMMANDS = """
import contextlib, io, json
from pathlib import Path
from bl_ext.user_default.scan_cutout.session import command_line
result = []
for line, end in json.loads(arguments[0]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = command_line.run(line)
    result.append([code, out.getvalue() + err.getvalue(), end and json.loads(Path(end).read_text("utf-8"))])
"""

# A disk that goes away in mid-work.
GONE = """
from bl_ext.user_default.scan_cutout.scene import building
def gone(*_given, **_more):
    raise OSError(5, "Input/output error")
building.build = gone
"""

MODEL = {
    "cameras.txt": "1 SIMPLE_PINHOLE 320 240 300 160 120\n",
    "images.txt": "1 1 0 0 0 0 0 5 1 IMG_0001.JPG\n\n",
    "points3D.txt": "1 0 0 0 200 100 50 0.5 1 0\n",
}


@pytest.fixture
def solved(output: Path) -> Path:
    """Give a folder with a model of one camera."""
    for name, text in MODEL.items():
        path = output / "engines" / "colmap" / "sparse" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return output


def run(blender: Blender, *lines: Sequence[object], end: Path | None = None, before: str = "") -> list[Any]:
    """Give of each command line the exit code, all that was printed, and the report in ``end``."""
    given = [[[*map(str, line), *(["--json", str(end)] if end else [])], end and str(end)] for line in lines]
    return blender.run(before + COMMANDS, json.dumps(given)).result


def unfit(place: Path) -> list[Path]:
    """Give files that no scene can be saved as."""
    (place / "folder.blend").mkdir()
    (place / "a file").touch()
    return [place / "folder.blend", place / "a file" / "scene.blend", place / "a file" / "deeper" / "scene.blend"]


def test_a_scene_that_cannot_be_saved_is_found_out_before_the_work(
    blender_installed: Blender,
    server: FaultyServer,
    add_photos: Callable[[int], Sequence[str]],
    photos: Path,
    output: Path,
    tmp_path: Path,
) -> None:
    add_photos(1)
    places = unfit(tmp_path)
    if sys.platform == "linux":
        places += [Path("/proc/scene.blend"), Path("/proc/deeper/scene.blend")]  # where not even root may write
    given = ["--photos", photos, "--output", output, "--endpoint", server.endpoint]
    lines = [["run", *given, "--blend", blend] for blend in places]
    ends = run(blender_installed, *lines, end=tmp_path / "end.json")
    for blend, (code, printed, told) in zip(places, ends, strict=True):
        assert (blend, code, told["status"]) == (blend, 2, "failed")
        assert "Traceback" not in printed
        assert f"The scene cannot be saved as {blend}" in told["message"]
    assert server.visits == []
    assert not output.exists()


def test_an_import_that_cannot_be_saved_or_finds_nothing_is_told(
    blender_installed: Blender, solved: Path, tmp_path: Path
) -> None:
    places = unfit(tmp_path)
    lines = [["import", "--output", solved, "--blend", blend] for blend in places]
    *ends, nothing = run(
        blender_installed, *lines, ["import", "--output", tmp_path / "none"], end=tmp_path / "end.json"
    )
    for blend, (code, printed, told) in zip(places, ends, strict=True):
        assert (blend, code, told["status"]) == (blend, 2, "failed")
        assert "Traceback" not in printed
        assert f"The scene cannot be saved as {blend}" in told["message"]
    assert (nothing[0], nothing[2]["status"]) == (2, "failed")
    assert "cannot be saved" not in nothing[2]["message"]
    assert not (tmp_path / "none").exists(), "a folder was made for nothing"


def test_a_scene_that_is_there_is_replaced_only_where_it_is_named(
    blender_installed: Blender, solved: Path, tmp_path: Path
) -> None:
    """An artist may have worked on in it, and whoever runs the same command once more does not think of that."""
    named = tmp_path / "named.blend"
    named.write_bytes(b"of an earlier run")
    line = ["import", "--output", solved]
    ends = run(blender_installed, line, line, line, [*line, "--blend", named], end=tmp_path / "end.json")
    assert [code for code, _, _ in ends] == [0] * 4
    places = [solved / name for name in ("scan.blend", "scan_2.blend", "scan_3.blend")] + [named]
    assert [told["blend"] for _, _, told in ends] == [str(place) for place in places]
    assert all(place.stat().st_size > 1000 for place in places)


def test_cameras_without_a_picture_are_told_by_the_exit_code_where_their_photos_are_known(
    blender_installed: Blender, solved: Path, tmp_path: Path
) -> None:
    line = ["import", "--output", solved]
    (tmp_path / "photos").mkdir()
    end = tmp_path / "end.json"
    alone, bare = run(blender_installed, line, [*line, "--photos", tmp_path / "photos"], end=end)
    assert (alone[0], alone[2]["status"], alone[2]["exit_code"]) == (0, "done", 0)
    assert "their photos were not found" in alone[2]["message"]
    assert (bare[0], bare[2]["status"], bare[2]["exit_code"]) == (4, "some_failed", 4)
    assert "1 has no picture behind it" in bare[2]["message"]
    assert Path(bare[2]["blend"]).is_file(), "what could be brought in was not saved"
    Image.new("RGB", (320, 240)).save(tmp_path / "photos" / "IMG_0001.JPG")
    ((code, _, told),) = run(blender_installed, [*line, "--photos", tmp_path / "photos"], end=end)
    assert (code, told["status"], told["exit_code"]) == (0, "done", 0)


def test_a_scene_that_cannot_be_saved_in_the_end_is_told_in_the_report(
    blender_installed: Blender, solved: Path, tmp_path: Path
) -> None:
    # As long as names can be: Blender first writes a file whose name is a letter longer.
    long, deep = tmp_path / f"{'s' * 249}.blend", tmp_path / "new" / "deeper" / "scene.blend"
    lines = [["import", "--output", solved, "--blend", blend] for blend in (long, deep)]
    failed, done = run(blender_installed, *lines, end=tmp_path / "end.json")
    code, printed, told = failed
    assert (code, told["status"], told["exit_code"]) == (1, "failed", 1)
    assert "Traceback" not in printed
    assert f"The scene cannot be saved as {long} (" in told["message"]
    assert "import it again" in told["message"]
    assert (done[0], done[2]["blend"]) == (0, str(deep))
    assert deep.is_file()


def test_what_goes_wrong_in_the_work_is_not_taken_for_the_report(
    blender_installed: Blender, solved: Path, tmp_path: Path
) -> None:
    line = ["import", "--output", solved]
    for end in (None, tmp_path / "end.json"):
        ((code, printed, told),) = run(blender_installed, line, end=end, before=GONE)
        assert code == 1
        assert "An unexpected error ended import" in printed
        assert "Input/output error" in printed, "nobody can find out what it was"
        assert "cannot be written" not in printed
    assert (told["status"], told["exit_code"]) == ("failed", 1)


def test_an_import_may_begin_with_a_file_and_bring_an_animated_camera(
    blender_installed: Blender, solved: Path, tmp_path: Path
) -> None:
    file, end = solved / "engines" / "colmap" / "sparse" / "points3D.txt", tmp_path / "end.json"
    blend = tmp_path / "file.blend"
    lines = [["import", "--file", file, "--blend", blend, "--animated-camera"], ["import"]]
    brought, nothing = run(blender_installed, *lines, end=end)
    assert (brought[0], brought[2]["blend"]) == (0, str(blend))
    opened = (
        f"bpy.ops.wm.open_mainfile(filepath={str(blend)!r}); result = sorted(each.name for each in bpy.data.cameras)"
    )
    assert blender_installed.run(opened).result == ["Camera", "IMG_0001.JPG", "output Tour"]
    assert (nothing[0], "name a folder with --output, or a file with --file" in nothing[2]["message"]) == (2, True)


def test_named_files_alone_are_worked_on(
    blender_installed: Blender,
    server: FaultyServer,
    add_photos: Callable[[int], Sequence[str]],
    photos: Path,
    output: Path,
) -> None:
    names = add_photos(3)
    folders = ["--photos", photos, "--output", output]
    strip = ["strip", *folders, "--endpoint", server.endpoint, "--files", *names[:2]]
    (code, printed, _), solve = run(blender_installed, strip, ["reconstruct", *folders, "--files", *names[:2]])
    assert (code, "2 of 2 photos have a mask" in printed) == (0, True)
    assert (solve[0], "needs at least 3 photos, and there are only 2" in solve[1]) == (2, True)


@pytest.mark.compat
def test_a_model_is_exported_once_the_scene_is_saved_and_overwrites_nothing_unasked(
    blender_installed: Blender, solved: Path, tmp_path: Path
) -> None:
    leave_model(solved, solved / "engines" / "colmap" / "sparse", ball())
    glb, obj, blend = (tmp_path / "files" / name for name in ("ball.glb", "ball.obj", "ball.blend"))
    line = ["import", "--output", solved, "--blend", blend, "--export", glb, "--export", obj]
    end = tmp_path / "end.json"
    first, second, third = run(blender_installed, line, line, [*line, "--overwrite"], end=end)
    assert (first[0], first[2]["exports"], first[2]["blend"]) == (0, [str(glb), str(obj)], str(blend))
    assert f"Saved as {blend}. The model is exported to {glb}. The model is exported to {obj}, with" in first[1]
    assert (second[0], second[2]["exit_code"]) == (2, 2)
    assert f"{glb} is there already" in second[2]["message"]
    assert "Saved" not in second[1], "it was found out after the work"
    assert third[0] == 0
    opened = f"bpy.ops.wm.open_mainfile(filepath={str(blend)!r})\n"
    again = ["export", "--export", tmp_path / "again.ply"]
    small = ["--turntable-width", 32, "--turntable-height", 32, "--turntable-samples", 1, "--turntable-frames", 2]
    look = ["turntable", "--turntable", tmp_path / "ball.mp4", *small]
    done, taken, clip = run(blender_installed, again, again, look, end=end, before=opened)
    assert (done[0], done[2]["exports"]) == (0, [str(tmp_path / "again.ply")])
    assert (taken[0], "again.ply is there already" in taken[2]["message"]) == (2, True)
    assert (clip[0], clip[2]["turntable"]) == (0, str(tmp_path / "ball.mp4"))
    assert clip[1].count("Scan Cutout: Rendered ") == 2


def test_a_model_that_was_brought_in_is_exported_and_rendered(
    blender_installed: Blender, solved: Path, tmp_path: Path
) -> None:
    leave_model(solved, solved / "engines" / "colmap" / "sparse", ball())
    glb, picture = tmp_path / "ball.glb", tmp_path / "ball.jpg"
    line = ["import", "--output", solved, "--export", glb, "--turntable", picture, "--turntable-samples", 1]
    small = ["--turntable-width", 32, "--turntable-height", 24]
    odd, done = run(blender_installed, [*line, "--turntable-width", 8], [*line, *small], end=tmp_path / "end.json")
    assert (odd[0], "Width must be from 16 to 8192 pixels, not 8" in odd[2]["message"]) == (2, True)
    assert (done[0], done[2]["exports"], done[2]["turntable"]) == (0, [str(glb)], str(picture))
    assert done[2]["blend"] == str(solved / "scan.blend"), "the first one has imported, too"
    with Image.open(picture) as found:
        assert found.size == (32, 24)


def test_what_cannot_be_exported_in_the_end_does_not_lose_the_scene(
    blender_installed: Blender, solved: Path, tmp_path: Path
) -> None:
    line = ["import", "--output", solved, "--export", tmp_path / "vase.glb"]
    ((code, _, told),) = run(blender_installed, line, end=tmp_path / "end.json")
    assert (code, told["status"]) == (2, "failed")
    assert "There is no model of a scan in the scene" in told["message"]
    assert Path(told["blend"]).is_file()


def test_a_file_that_nothing_is_exported_to_is_found_out_before_the_work(
    blender_installed: Blender,
    server: FaultyServer,
    add_photos: Callable[[int], Sequence[str]],
    photos: Path,
    output: Path,
    tmp_path: Path,
) -> None:
    add_photos(1)
    line = ["run", "--photos", photos, "--output", output, "--endpoint", server.endpoint]
    bare = [*line, "--no-model", "--turntable", tmp_path / "vase.png"]
    lines = ([*line, "--export", tmp_path / "vase.stl"], ["export"], bare)
    ends = run(blender_installed, *lines, end=tmp_path / "end.json")
    assert (ends[2][0], "nothing to export or to render; leave out --no-model" in ends[2][2]["message"]) == (2, True)
    assert (ends[0][0], "name one that ends with" in ends[0][2]["message"]) == (2, True)
    assert (ends[1][0], "--export" in ends[1][1]) == (2, True)
    assert server.visits == []
    assert not output.exists()
