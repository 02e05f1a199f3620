# SPDX-License-Identifier: GPL-3.0-or-later
"""From photos to a scene in real bpy, on the installed zip: the operators one by one, in one go, and as a command.

Without a model, for which there is test_build_model.py.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

SCAN = Path(__file__).parents[1] / "data" / "turntable" / "photos" / "upright"
NUMBERS = range(1, 11)  # half a turn

CALL = """
import json
try:
    result = [sorted(getattr(bpy.ops.scan_cutout, arguments[0])(**json.loads(arguments[1]))), ""]
except RuntimeError as error:
    result = [["RuntimeError"], str(error)]
cameras = [thing.name for thing in bpy.data.objects if "scan_cutout_photo" in getattr(thing.data, "keys", list)()]
result.append(sorted(cameras))
"""

COMMAND = """
import contextlib, io
from bl_ext.user_default.scan_cutout.session import command_line
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
    code = command_line.run(arguments)
result = [code, err.getvalue()]
"""

# The steps by themselves, told how each of their jobs ended.
STEPS = """
import json
from bl_ext.user_default.scan_cutout.session import steps
from bl_ext.user_default.scan_cutout.scan.engines.settings import ReconstructSettings
from bl_ext.user_default.scan_cutout.scan.job.job_end import JobEnd
from bl_ext.user_default.scan_cutout.scan.reconstruction.settings import SceneContent
from bl_ext.user_default.scan_cutout.scan.tasks.settings import StripSettings
folders = {"photos": arguments[0], "output": arguments[1]}
result = []
for ends in json.loads(arguments[2]):
    scene = bpy.context.scene.session_uid
    what = steps.scan_to_scene(
        StripSettings(**folders), ReconstructSettings(**folders), None, None, SceneContent(), scene
    )
    titles = [next(what).title]
    try:
        for status, code in ends:
            end = JobEnd(status=status, exit_code=code, details={"results": arguments[1]})
            titles.append(what.send(end).title)
    except StopIteration as over:
        result.append([titles, over.value.status, over.value.exit_code])
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "upright").mkdir(parents=True)
    for number in NUMBERS:
        shutil.copy2(SCAN / f"IMG_{number:04}.JPG", folder / "upright")
    return folder


def call(blender, operator, **keywords):
    return blender.run(CALL, operator, json.dumps(keywords, default=str)).result


@pytest.mark.compat
def test_scan_to_scene_in_one_go_and_again_step_by_step(blender_installed, photos, tmp_path):
    output = tmp_path / "out"
    ended, words, cameras = call(
        blender_installed,
        "scan_to_scene",
        directory=photos,
        output_directory=output,
        backend="EMBEDDED",
        quality="DRAFT",
        build_model=False,
    )
    assert (ended, words) == (["FINISHED"], "")
    assert len(cameras) == len(NUMBERS)
    report = json.loads((output / "engines" / "colmap" / "report.json").read_text())
    assert (report["registered"], report["models"]) == (len(NUMBERS), 1)

    # The same again: nothing is made twice, and the photos are those of the output folder's last job.
    written = {path: path.stat().st_mtime_ns for path in output.rglob("*.png")}
    ended, words, _ = call(blender_installed, "reconstruct", output_directory=output, quality="DRAFT")
    assert (ended, words) == (["FINISHED"], "")
    ended, words, cameras = call(blender_installed, "import_reconstruction", directory=output)
    assert (ended, words) == (["FINISHED"], "")
    assert len(cameras) == len(NUMBERS)
    assert {path: path.stat().st_mtime_ns for path in output.rglob("*.png")} == written


def test_what_cannot_work_is_told_and_the_scene_stays_as_it_was(blender_installed, photos, tmp_path):
    for operator, keywords, sentence in (
        ("scan_to_scene", {"directory": photos, "output_directory": tmp_path / "a", "endpoint": "http://127.0.0.1:9"},
         "No server answers"),
        ("reconstruct", {"output_directory": tmp_path / "none"}, "There is no photo folder"),
        ("reconstruct", {"directory": photos, "output_directory": tmp_path / "b"}, "mask"),
        ("reconstruct", {"directory": photos, "output_directory": tmp_path / "c", "masks": False,
                         "engine": "COLMAP_EXECUTABLE", "executable": "/no/colmap"}, "/no/colmap"),
        ("scan_to_scene", {"directory": photos, "output_directory": tmp_path / "d", "backend": "EMBEDDED",
                           "engine": "COLMAP_EXECUTABLE", "executable": "/no/colmap"}, "no program /no/colmap"),
    ):  # fmt: skip
        ended, words, cameras = call(blender_installed, operator, **keywords)
        assert (operator, ended) == (operator, ["RuntimeError"])
        assert sentence in words
        assert cameras == []
    assert not (tmp_path / "d").exists(), "masks were made for an engine that is not there"


@pytest.mark.parametrize(
    ("operator", "tasks", "sentence"),
    [
        ("strip_backgrounds", ["strip"], ""),
        ("reconstruct", ["reconstruct"], "COLMAP"),
        ("scan_to_scene", ["strip", "reconstruct"], "COLMAP"),
    ],
)
def test_in_background_it_is_waited_for_however_it_is_called(
    blender_installed, server, photos, tmp_path, operator, tasks, sentence
):
    """A modal operator would end there at once, with nothing done and nothing said."""
    for photo in sorted((photos / "upright").iterdir())[2:]:
        photo.unlink()  # too few to be solved
    output = tmp_path / "out"
    keywords = {"directory": str(photos), "output_directory": str(output)}
    keywords |= {"masks": False} if operator == "reconstruct" else {"endpoint": server.endpoint, "model": "u2netp"}
    code = """
    import json
    try:
        said = sorted(getattr(bpy.ops.scan_cutout, arguments[0])("INVOKE_DEFAULT", **json.loads(arguments[1])))
    except RuntimeError as error:
        said = str(error)
    result = [said, bpy.app.background]
    """
    said, is_background = blender_installed.run(code, operator, json.dumps(keywords)).result
    assert is_background is True
    assert sentence in said if sentence else said == ["FINISHED"]
    story = [json.loads(line) for line in (output / "journal.jsonl").read_text("utf-8").splitlines()]
    assert [event["task"] for event in story if event["event"] == "started"] == tasks
    assert [event["event"] for event in story].count("finished") == len(tasks)


def test_the_command_runs_to_the_end_and_saves_the_scene(blender_installed, photos, tmp_path):
    output, blend, end = tmp_path / "out", tmp_path / "scene.blend", tmp_path / "end.json"
    folders = ["--photos", photos, "--output", output]
    options = ["--backend", "embedded", "--quality", "draft", "--no-model", "--blend", blend, "--json", end]
    run = blender_installed.run(COMMAND, "run", *folders, *options)
    code, err = run.result
    assert code == 0, err
    assert json.loads(end.read_text())["solve"]["registered"] == len(NUMBERS)
    opened = """
    bpy.ops.wm.open_mainfile(filepath=arguments[0])
    result = sum("scan_cutout_photo" in camera.keys() for camera in bpy.data.cameras)
    """
    assert blender_installed.run(opened, blend).result == len(NUMBERS)

    code, err = blender_installed.run(COMMAND, "import", "--output", output, "--blend", tmp_path / "again.blend").result
    assert (code, (tmp_path / "again.blend").exists()) == (0, True), err
    code, err = blender_installed.run(COMMAND, "import", "--output", output, "--blend", tmp_path / "scene.txt").result
    assert (code, "ends with .blend" in err) == (2, True)
    code, err = blender_installed.run(COMMAND, "reconstruct", "--output", tmp_path / "nothing").result
    assert (code, "There is no photo folder" in err) == (2, True)


@pytest.mark.parametrize("has_picture", [True, False])
def test_it_ends_as_the_first_step_in_which_something_failed(blender_installed, photos, tmp_path, has_picture):
    output, name = tmp_path / "out", "upright/IMG_0001.JPG" if has_picture else "upright/gone.JPG"
    model = output / "engines" / "colmap" / "sparse"
    for folder in (model, output / "masks"):
        folder.mkdir(parents=True)
    (output / "job.json").write_text(json.dumps({"settings": {"photos": str(photos)}}))
    (model / "images.txt").write_text(f"1 1 0 0 0 0 0 5 1 {name}\n\n")
    (model / "points3D.txt").write_text("1 0 0 0 200 100 50 0.5 1 0\n")

    def ended(lens, *ends):
        (model / "cameras.txt").write_text(f"1 {lens}\n")
        return blender_installed.run(STEPS, photos, output, json.dumps(ends)).result

    done, some = ("done", 0), ("some_failed", 4)
    imported = done if has_picture else some
    titles = ["Strip Backgrounds", "Reconstruct"]
    straight = "SIMPLE_PINHOLE 1280 960 1300 640 480"
    assert ended(straight, [done, done, done], [some, done, done], [done, some, done]) == [
        [[*titles, "Check Photos"], *end] for end in (imported, some, some)
    ]
    # What ends the import is not covered up by a photo that failed before it.
    worse = [("failed", 1), ("cancelled", 130)]
    assert ended("SIMPLE_RADIAL 1280 960 1300 640 480 0.1", *([some, done, end] for end in worse)) == [
        [[*titles, "Undistort Photos"], *end] for end in worse
    ]


def test_blender_itself_never_imports_what_belongs_to_the_worker(blender_installed):
    """Pillow, pycolmap and onnxruntime live in processes of their own."""
    code = """
    import sys
    result = [name for name in ("PIL", "pycolmap", "onnxruntime", "pi_heif", "rawpy") if name in sys.modules]
    """
    assert blender_installed.run(code).result == []
