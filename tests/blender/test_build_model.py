# SPDX-License-Identifier: GPL-3.0-or-later
"""The model as a step of the work in real bpy, on the installed zip: alone, on the way to the scene, and left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from built_models import ball, leave_model, leave_texture
from engine_scan import copy_scan

from bpy_process import Blender
from scan.common.errors import NoModelError, OutputError

TURNTABLE = Path(__file__).parents[1] / "data" / "turntable"
COUNT, FACES = 6, 4000
DRAFT = {"quality": "DRAFT", "model_quality": "DRAFT", "faces": FACES, "backend": "EMBEDDED", "texture_size": "1K"}

# Calls an operator, or runs the command; tells how it ended, what was printed, and what there is in the scene then.
BEGIN = """
import contextlib, io, json
from bl_ext.user_default.scan_cutout.properties import job_settings
from bl_ext.user_default.scan_cutout.session import command_line

def call(name, keywords):
    try:
        return sorted(getattr(bpy.ops.scan_cutout, name)(**keywords)), ""
    except RuntimeError as error:
        return ["RuntimeError"], str(error)

def command(*line):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = command_line.run([*map(str, line)])
    return code, out.getvalue() + err.getvalue()

def scene():
    models = [each for each in bpy.data.objects if "scan_cutout_model" in each.keys()]
    cameras = sum("scan_cutout_photo" in each.keys() for each in bpy.data.cameras)
    return cameras, [len(each.data.polygons) for each in models]

def textures():
    # What the models show, by the kinds of the nodes that are their colour, and how large the pictures are.
    shaders = [each.data.materials[0].node_tree.nodes["Principled BSDF"] for each in bpy.data.objects
               if "scan_cutout_model" in each.keys()]
    nodes = [each.inputs["Base Color"].links[0].from_node for each in shaders]
    return [list(each.image.size) if each.type == "TEX_IMAGE" else each.type for each in nodes]
"""
RUN_OPERATOR = "result = [*call(arguments[0], json.loads(arguments[1])), *scene()]"
RUN_COMMAND = "result = [*command(*json.loads(arguments[0])), *scene()]"
TOO = "\nresult.append(textures())"
BESIDE = "\nresult.append([each.packed_file is not None for each in bpy.data.images if each.name == 'texture.png'])"
CALL, COMMAND = BEGIN + RUN_OPERATOR, BEGIN + RUN_COMMAND

# No operator and no command names masks for the model on the way to the scene: here some are, of which none is there.
WITHOUT_MASKS = """
from dataclasses import replace
wanted_model = job_settings.wanted_model
job_settings.wanted_model = lambda *given: replace(wanted_model(*given), mask_folder=arguments[-1])
"""

# The steps by themselves, told how each of their jobs ended.
STEPS = """
import json
from bl_ext.user_default.scan_cutout.session import steps
from bl_ext.user_default.scan_cutout.scan.engines.settings import ReconstructSettings
from bl_ext.user_default.scan_cutout.scan.job.job_end import JobEnd
from bl_ext.user_default.scan_cutout.scan.meshing.settings import ModelSettings
from bl_ext.user_default.scan_cutout.scan.reconstruction.settings import SceneContent
from bl_ext.user_default.scan_cutout.scan.tasks.settings import StripSettings
from bl_ext.user_default.scan_cutout.scan.texturing.settings import TextureSettings
folders = {"photos": arguments[0], "output": arguments[1]}
modelling = ModelSettings(**folders, faces=500) if json.loads(arguments[2]) else None
painting = TextureSettings(**folders, texture_size="4K") if json.loads(arguments[4]) else None
scene = bpy.context.scene.session_uid
what = steps.scan_to_scene(
    StripSettings(**folders), ReconstructSettings(**folders), modelling, painting, SceneContent(), scene
)
jobs = [next(what)]
try:
    for end in json.loads(arguments[3]):
        jobs.append(what.send(JobEnd.from_json({**end, "results": arguments[1]})))
except StopIteration as over:
    scans = [each for each in bpy.context.scene.collection.children if each.name == "out"]
    scene = sorted(each.name for scan in scans for each in scan.all_objects)
    result = {"jobs": [[each.title, each.content] for each in jobs], "end": over.value.to_json(), "scene": scene}
"""
DONE = {"status": "done", "exit_code": 0, "message": "Done"}
SOME = {"status": "some_failed", "exit_code": 4, "message": "Some failed"}


@pytest.fixture(scope="module")
def job(bpy_version: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Give a photo folder and the folder of a scan with its masks, which are true and stay. Each Blender has one."""
    folder = tmp_path_factory.mktemp(f"model-{bpy_version}")
    copy_scan(TURNTABLE, folder / "photos", folder / "out", COUNT)
    return folder / "photos", folder / "out"


@pytest.fixture(scope="module")
def built(blender_installed: Blender, job: tuple[Path, Path]) -> dict[str, Any]:
    """Build its model: how the operators ended that did it."""
    photos, output = job
    ends = {}
    for name in ("reconstruct", "build_model"):
        folders = {"directory": str(photos), "output_directory": str(output)}
        known = blender_installed.run(
            f"result = [each.identifier for each in bpy.ops.scan_cutout.{name}.get_rna_type().properties]"
        ).result
        keywords = {**folders, **{name: value for name, value in DRAFT.items() if name in known}}
        run = blender_installed.run(CALL, name, json.dumps(keywords))
        ends[name] = [*run.result, run.stdout + run.stderr]
    return ends


def faces_of(output: Path) -> int:
    """How many faces the model there has: as many as were asked for, or a few less."""
    faces = json.loads((output / "model" / "report.json").read_bytes())["faces"]
    assert 0.999 * FACES <= faces <= FACES
    return int(faces)


@pytest.mark.compat
def test_a_model_is_built_and_comes_with_the_cameras(
    blender_installed: Blender, job: tuple[Path, Path], built: dict[str, Any]
) -> None:
    _, output = job
    ended, words, *in_scene, printed = built["build_model"]
    assert (ended, words, in_scene) == (["FINISHED"], "", [0, []]), "it is built, and not brought in"
    assert "Building the model: " in printed
    assert f"Info: The model has {faces_of(output):,} faces, made of {COUNT} photos" in printed
    code = (
        CALL
        + """
import bmesh
(model,) = [each for each in bpy.data.objects if "scan_cutout_model" in each.keys()]
inside = bmesh.new()
inside.from_mesh(model.data)
result.append([all(len(each.link_faces) == 2 for each in inside.edges), inside.calc_volume(signed=True) > 0])
"""
    )
    ended, words, cameras, models, whole = blender_installed.run(
        code, "import_reconstruction", json.dumps({"directory": str(output)})
    ).result
    assert (ended, words, cameras, models) == (["FINISHED"], "", COUNT, [faces_of(output)])
    assert whole == [True, True]


@pytest.mark.usefixtures("built")
def test_all_of_it_in_one_go_ends_with_the_model_unless_it_is_left_out(
    blender_installed: Blender, job: tuple[Path, Path], tmp_path: Path
) -> None:
    folders = {"directory": str(job[0]), "output_directory": str(job[1])}
    run = blender_installed.run(CALL + TOO, "scan_to_scene", json.dumps({**folders, **DRAFT}))
    assert run.result == [["FINISHED"], "", COUNT, [faces_of(job[1])], [[1024, 1024]]]
    assert "Nothing has changed since, so that it was not built again; Build Again does" in run.stdout + run.stderr
    run = blender_installed.run(CALL + TOO, "scan_to_scene", json.dumps({**folders, **DRAFT, "texture": False}))
    assert run.result[-1] == ["ATTRIBUTE"], "one that lies there came in"
    run = blender_installed.run(CALL, "scan_to_scene", json.dumps({**folders, **DRAFT, "build_model": False}))
    assert run.result == [["FINISHED"], "", COUNT, []], "one that lies there came in"

    # Where none can be built, the rest comes all the same: a script goes on, with a warning.
    (tmp_path / "none").mkdir()
    code = BEGIN + WITHOUT_MASKS + RUN_OPERATOR
    run = blender_installed.run(code, "scan_to_scene", json.dumps({**folders, **DRAFT}), tmp_path / "none")
    assert run.result == [["FINISHED"], "", COUNT, []]
    assert f"Warning: out: {COUNT} cameras and" in run.stdout + run.stderr
    assert ". No model was made: " in run.stdout + run.stderr
    # By itself, it is what was asked for.
    keywords = {**folders, "masks_directory": str(tmp_path / "none"), "model_quality": "DRAFT"}
    ended, words, *_ = blender_installed.run(CALL, "build_model", json.dumps(keywords)).result
    assert ended == ["RuntimeError"]
    assert "mask" in words


@pytest.mark.usefixtures("built")
def test_the_command_builds_it_and_brings_it_and_leaves_it_out(
    blender_installed: Blender, job: tuple[Path, Path], tmp_path: Path
) -> None:
    output, end = job[1], tmp_path / "end.json"
    draft = ["--model-quality", "draft", "--faces", str(FACES)]

    def run(*line: object, code: str = COMMAND) -> Any:
        given = [*map(str, line), "--json", str(end)]
        found = blender_installed.run(code, json.dumps(given), tmp_path / "none").result
        return *found, json.loads(end.read_text("utf-8"))

    code, printed, _, _, told = run("model", "--output", output, *draft)
    assert (code, told["faces"]) == (0, faces_of(output)), printed
    assert Path(told["mesh"]) == output / "model" / "model.ply"
    code, _, cameras, models, told = run("import", "--output", output, "--blend", tmp_path / "import.blend")
    assert (code, cameras, models) == (0, COUNT, [faces_of(output)])
    folders = ["--photos", job[0], "--output", output, "--backend", "embedded", "--quality", "draft"]
    small = ["--texture-size", "1k", "--no-lighting"]
    code, printed, _, _, told = run("texture", "--output", output, *small)
    assert (code, told["size"], told["is_light_removed"]) == (0, 1024, False), printed
    assert Path(told["texture"]) == output / "model" / "texture.png"
    blend = ["--blend", tmp_path / "run.blend"]
    *found, told = run("run", *folders, *draft, *small, "--no-pack", *blend, code=COMMAND + BESIDE)
    code, printed, cameras, models, beside = found
    faces = faces_of(output)
    assert (code, cameras, models, told["model"]["faces"]) == (0, COUNT, [faces], faces)
    assert "Nothing has changed since, so that it was not painted again; Texture Again does" in printed
    assert (told["texture"]["size"], beside) == (1024, [False])
    *found, told = run("run", *folders, *draft, "--no-texture", *blend, code=COMMAND + TOO)
    assert (found[0], found[-1], "texture" in told) == (0, ["ATTRIBUTE"], False)
    code, _, cameras, models, told = run("run", *folders, *draft, "--no-model", "--blend", tmp_path / "no.blend")
    assert (code, cameras, models, "model" in told) == (0, COUNT, [], False)

    (tmp_path / "none").mkdir()
    lines = BEGIN + WITHOUT_MASKS + RUN_COMMAND
    code, _, cameras, models, told = run("run", *folders, *draft, "--blend", tmp_path / "none.blend", code=lines)
    assert (code, cameras, models) == (4, COUNT, [])
    assert (told["status"], told["exit_code"], told["model"]["exit_code"]) == ("some_failed", 4, 4)
    assert told["model"]["message"] in told["message"]
    assert (tmp_path / "none.blend").is_file()
    assert run("model", "--output", tmp_path / "nothing")[0] == 2
    assert run("texture", "--output", tmp_path / "nothing")[0] == 2
    assert run("texture", "--output", output, "--keep-uvs")[0] == 2
    assert run("model", "--output", output, "--mask-folder", tmp_path / "none", *draft)[0] == 4
    for wrong in ((), ("--cameras", output), ("--mask-folder", output)):
        assert blender_installed.run(COMMAND, json.dumps(["run", *map(str, wrong)])).result[0] == 2


@pytest.fixture
def solved(tmp_path: Path) -> Path:
    """Give a job folder with a solve, whose one photo is there, and with a model that was built of it."""
    output = tmp_path / "out"
    cameras = output / "engines" / "colmap" / "sparse"
    for folder in (cameras, output / "masks", tmp_path / "photos"):
        folder.mkdir(parents=True)
    (output / "job.json").write_text(json.dumps({"settings": {"photos": str(tmp_path / "photos")}}))
    (tmp_path / "photos" / "1.jpg").write_bytes(b"a photo")
    (cameras / "cameras.txt").write_text("1 SIMPLE_PINHOLE 320 240 300 160 120\n")
    (cameras / "images.txt").write_text("1 1 0 0 0 0 0 5 1 1.jpg\n\n")
    (cameras / "points3D.txt").write_text("1 0 0 0 200 100 50 0.5 1 0\n")
    leave_model(output, cameras, ball())
    return output


def take(blender: Blender, output: Path, *ends: dict[str, Any], model: bool = True, texture: bool = False) -> Any:
    """The jobs, the end and the scene where the jobs of all steps end so."""
    wanted = [json.dumps(each) for each in (model, ends, texture)]
    return blender.run(STEPS, output.parent / "photos", output, *wanted).result


def test_the_model_is_a_step_between_cameras_and_scene(blender_installed: Blender, solved: Path) -> None:
    found = take(blender_installed, solved, DONE, DONE, {**SOME, "faces": 512}, DONE)
    titles = [title for title, _ in found["jobs"]]
    assert titles == ["Strip Backgrounds", "Reconstruct", "Build Model", "Check Photos"]
    _, content = found["jobs"][2]
    assert content["task"] == "build_model"
    assert content["settings"]["cameras"] == str(solved), "those that were just found"
    assert content["settings"]["faces"] == 500
    assert found["scene"] == ["1.jpg", "out", "out Model", "out Points"]
    assert (found["end"]["status"], found["end"]["exit_code"]) == ("some_failed", 4)
    assert found["end"]["message"] == (
        "out: 1 camera and 1 point, which miss the photos by 0.50 pixels on average, and a model with 128 faces; "
        "left as it lay, since no ring was found in its 1 photo"
    )
    assert [found["end"][name]["status"] for name in ("strip", "solve", "model")] == ["done", "done", "some_failed"]


def test_the_texture_is_a_step_behind_the_model(blender_installed: Blender, solved: Path) -> None:
    leave_texture(solved, np.zeros((8, 8, 3), np.uint8))
    found = take(blender_installed, solved, DONE, DONE, DONE, SOME, DONE, texture=True)
    assert [title for title, _ in found["jobs"]][2:] == ["Build Model", "Texture Model", "Check Photos"]
    _, content = found["jobs"][3]
    assert content["task"] == "texture_model"
    assert (content["settings"]["cameras"], content["settings"]["texture_size"]) == (str(solved), "4K")
    assert "and a textured model with 128 faces" in found["end"]["message"]
    assert (found["end"]["status"], found["end"]["texture"]["status"]) == ("some_failed", "some_failed")
    assert found["end"]["model"]["status"] == "done"

    # Where none can be made, the model comes with its colours, though there is one of an earlier run.
    none = {"status": "failed", "exit_code": NoModelError.exit_code, "message": "There is no room"}
    found = take(blender_installed, solved, DONE, DONE, DONE, none, DONE, texture=True)
    assert "and a model with 128 faces" in found["end"]["message"]
    assert found["end"]["message"].endswith(". No texture was made: There is no room")
    assert (found["end"]["status"], found["end"]["exit_code"]) == ("some_failed", 4)
    # Anything else ends all of it, and without a model there is none to texture.
    worse = {"status": "failed", "exit_code": OutputError.exit_code, "message": "So it ended"}
    found = take(blender_installed, solved, DONE, DONE, DONE, worse, texture=True)
    assert (found["end"]["message"], found["scene"]) == ("So it ended", [])
    found = take(blender_installed, solved, DONE, DONE, none, DONE, texture=True)
    assert [title for title, _ in found["jobs"]][2:] == ["Build Model", "Check Photos"]


def test_without_a_model_cameras_and_points_come_in_with_the_reason(blender_installed: Blender, solved: Path) -> None:
    none = {"status": "failed", "exit_code": NoModelError.exit_code, "message": "There are no masks"}
    found = take(blender_installed, solved, DONE, DONE, none, DONE)
    assert found["scene"] == ["1.jpg", "out", "out Points"], "one of an earlier run came in"
    assert (found["end"]["status"], found["end"]["exit_code"]) == ("some_failed", 4)
    assert found["end"]["message"].endswith("in its 1 photo. No model was made: There are no masks")
    assert found["end"]["model"] == {**none, "status": "some_failed", "results": str(solved)}
    left_out = take(blender_installed, solved, DONE, DONE, DONE, model=False)
    assert [title for title, _ in left_out["jobs"]] == ["Strip Backgrounds", "Reconstruct", "Check Photos"]
    assert left_out["scene"] == found["scene"]
    assert (left_out["end"]["status"], "model" in left_out["end"]) == ("done", False)


@pytest.mark.parametrize(("status", "code"), [("cancelled", 130), ("failed", OutputError.exit_code), ("failed", 2)])
def test_what_else_ends_the_model_ends_all_of_it(
    blender_installed: Blender, solved: Path, status: str, code: int
) -> None:
    end = {"status": status, "exit_code": code, "message": "So it ended"}
    found = take(blender_installed, solved, SOME, DONE, end)
    assert found["end"] == {**end, "results": str(solved)}
    assert found["scene"] == []


def test_what_the_preferences_say_of_the_computer_reaches_the_worker(blender_installed: Blender) -> None:
    code = """
    from bl_ext.user_default.scan_cutout.properties import job_settings
    stored = job_settings.preferences(bpy.context)
    def taken(**given):
        settings = job_settings.model_settings(bpy.context, {"output": "o", **given})
        return [settings.threads, settings.memory]
    result = [taken()]
    stored.all_but_one_thread = stored.half_memory = False
    result.append(taken())
    stored.threads, stored.memory = 3, 2.5
    result += [taken(), taken(threads=0, memory=1.5)]
    stored.all_but_one_thread = stored.half_memory = True
    result.append(taken())
    bpy.context.preferences.addons.remove(bpy.context.preferences.addons["bl_ext.user_default.scan_cutout"])
    result.append(taken())
    """
    found = blender_installed.run(code).result
    assert found == [[0, 0], [1, 0.5], [3, 2.5], [0, 1.5], [0, 0], [0, 0]]


def test_what_the_scene_keeps_is_what_a_button_takes(blender_installed: Blender) -> None:
    code = """
    settings = bpy.context.scene.scan_cutout
    from bl_ext.user_default.scan_cutout.properties import job_settings
    def taken():
        model = job_settings.wanted_model(bpy.context, settings.given())
        return model and [model.model_quality, model.faces]
    result = [taken()]
    settings.model_quality, settings.faces = "HIGH", 1234
    result.append(taken())
    settings.all_faces = True
    result.append(taken())
    settings.build_model = False
    result.append(taken())
    """
    found = blender_installed.run(code).result
    assert found == [["NORMAL", 60_000], ["HIGH", 1234], ["HIGH", 0], None]


def test_a_button_says_what_has_to_be_done_first(blender_installed: Blender, tmp_path: Path) -> None:
    code = """
    from bl_ext.user_default.scan_cutout.scan.job.job_end import JobEnd
    from bl_ext.user_default.scan_cutout.session import survey
    settings = bpy.context.scene.scan_cutout
    def said():
        with bpy.context.temp_override(scan_cutout_shown=settings):
            try:
                return str(bpy.ops.scan_cutout.build_model())
            except RuntimeError as error:
                return str(error)
    def found(**output):
        survey.take((settings.photos, settings.output), JobEnd.done("", output={"masks": 0, "solved": [], **output}))
        return said()
    result = [said()]
    settings.directory = arguments[0]
    result += [said(), found(), found(masks=2)]
    solved = [{"engine": "COLMAP", "results": arguments[0] + "/none", "model": None}]
    result.append(found(masks=2, solved=solved))
    """
    nothing, unknown, masks, cameras, ready = blender_installed.run(code, tmp_path).result
    assert "Choose the folder with the photos first" in nothing
    assert "Look at the photos first" in unknown
    assert "Strip the backgrounds first" in masks
    assert "Reconstruct the scan first" in cameras
    assert "There is no photo folder ''" in ready, "a script names its folders in the call"
