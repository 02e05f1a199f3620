# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators and the command in real bpy, on the installed zip, against a real rembg server."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import certifi
import pytest
from faulty_server import Answer
from PIL import Image

SCAN = Path(__file__).parents[1] / "data" / "turntable" / "photos" / "upright"
NAMES = ["IMG_0001.JPG", "IMG_0006.JPG", "IMG_0011.JPG"]

# Calls an operator with keyword arguments and tells how it ended: its result, or the sentence a script would get.
CALL = """
import json
def call(operator, keywords):
    try:
        return sorted(operator(**keywords)), ""
    except RuntimeError as error:
        return ["RuntimeError"], str(error)
name, keywords = arguments
result = call(getattr(bpy.ops.scan_cutout, name), json.loads(keywords))
"""

# What the command does: Blender's module has no command line, so the function behind it is called.
COMMAND = """
import contextlib, io, sys
from bl_ext.user_default.scan_cutout.session import command_line
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
    code = command_line.run(arguments)
result = [code, out.getvalue(), err.getvalue()]
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "upright").mkdir(parents=True)
    for name in NAMES:
        shutil.copy2(SCAN / name, folder / "upright" / name)
    return folder


def call(blender: Any, operator: str, env: dict[str, str] | None = None, **keywords: Any) -> tuple[list[str], str, str]:
    """The operator's result, its error, and what Blender printed."""
    run = blender.run(CALL, operator, json.dumps(keywords, default=str), env=env)
    ended, words = run.result
    return ended, words, run.stdout + run.stderr


def strip(blender: Any, server: Any, photos: Path, output: Path, **keywords: Any) -> tuple[list[str], str, str]:
    """What ``call`` returns of stripping backgrounds with u2netp."""
    folders = {"directory": photos, "output_directory": output}
    return call(blender, "strip_backgrounds", **folders, endpoint=server.endpoint, model="u2netp", **keywords)


@pytest.mark.compat
def test_folders_may_be_named_from_the_blend_file(blender_installed):
    """Since 4.5 a path that begins with // is drawn in red where the property does not allow it."""
    allowed = blender_installed.run(
        """
        option = "is_path_supports_blend_relative"
        folders = [bpy.context.scene.scan_cutout.bl_rna.properties[name] for name in ("directory", "output_directory")]
        known = option in bpy.types.Property.bl_rna.properties
        result = [known, bpy.app.version >= (4, 5, 0), [getattr(each, option, None) for each in folders]]
        """
    ).result
    known, is_new, options = allowed
    assert known == is_new
    assert options == [True, True] if is_new else [None, None]


@pytest.mark.compat
def test_strip_makes_masks_and_tells_its_progress(blender_installed, rembg, photos, tmp_path):
    output = tmp_path / "out"
    run = blender_installed.run(
        CALL,
        "strip_backgrounds",
        json.dumps(
            {
                "directory": str(photos),
                "output_directory": str(output),
                "endpoint": rembg.endpoint,
                "model": "u2netp",
            }
        ),
    )
    assert run.result == [["FINISHED"], ""]
    for name in NAMES:
        with Image.open(output / "masks" / "upright" / f"{name}.png") as mask:
            assert (mask.mode, mask.size) == ("L", (1280, 960))
            assert {value for _, value in mask.getcolors()} == {0, 255}
    assert "3/3 upright/" in run.stderr
    report = json.loads((output / "report.json").read_text())
    assert report["photos"] == {"found": 3, "done": 3, "made": 3, "failed": []}
    assert report["versions"]["model"] == "rembg 2.0.86"
    assert report["versions"]["python"].startswith("3.")


def test_a_script_is_told_that_the_server_is_waited_for(blender_installed, server, photos, tmp_path):
    server.script = lambda request: Answer(status=503) if request.number == 0 else Answer()
    arguments = ["strip", "--photos", photos, "--output", tmp_path / "out", "--endpoint", server.endpoint]
    code, _, err = blender_installed.run(COMMAND, *arguments, "--timeout", 900, "--retry-for", 900).result
    assert code == 0, err
    assert "Waiting: " in err
    assert "503" in err


def test_files_choose_photos(blender_installed, rembg, photos, tmp_path):
    ended, words, _ = strip(blender_installed, rembg, photos / "upright", tmp_path / "out", files=[{"name": NAMES[1]}])
    assert (ended, words) == (["FINISHED"], "")
    assert [path.name for path in (tmp_path / "out" / "masks").rglob("*.png")] == [f"{NAMES[1]}.png"]


def test_the_worker_uses_the_vendored_pillow(blender_installed, rembg, photos, tmp_path):
    """The versions in the report come from the worker; the environment of bpy has no Pillow of its own."""
    strip(blender_installed, rembg, photos, tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    vendored = blender_installed.run("import PIL; result = [PIL.__version__, PIL.__file__]").result
    assert report["versions"]["pillow"] == vendored[0]
    assert str(blender_installed.home) in vendored[1]


def test_some_photos_failed_is_a_warning(blender_installed, rembg, photos, tmp_path):
    (photos / "upright" / "notes.jpg").write_text("not a photo")
    ended, words, printed = strip(blender_installed, rembg, photos, tmp_path / "out")
    assert (ended, words) == (["FINISHED"], "")
    assert "Warning: 3 of 4 photos have a mask" in printed
    assert "/0 " not in printed, "a count without a total"
    assert "upright/notes.jpg: is not a" in printed


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"endpoint": "http://127.0.0.1:9/api/remove"}, "No server answers"),
        ({"endpoint": "http://photos.example/api/remove"}, "Allow Online Access"),
        ({"endpoint": "nonsense"}, "is not an address"),
        ({"model": "u2net_cloth_seg"}, "masks stacked"),
        ({"model": "no-such-model"}, "The server has no model"),
        ({"model": "withoutbg"}, "remote service"),
        ({"output_directory": "{photos}/masks"}, "lies in the photo folder"),
        ({"directory": "{photos}/none"}, "There is no photo folder"),
        ({"directory": ""}, "There is no photo folder"),
        ({"output_directory": ""}, "No output folder"),
    ],
)
def test_what_cannot_work_makes_the_script_fail(blender_installed, rembg, photos, tmp_path, change, sentence):
    keywords = {
        "directory": str(photos),
        "output_directory": str(tmp_path / "out"),
        "endpoint": rembg.endpoint,
        "model": "u2netp",
        **{name: value.format(photos=photos) for name, value in change.items()},
    }
    ended, words, _ = call(blender_installed, "strip_backgrounds", **keywords)
    assert ended == ["RuntimeError"]
    assert sentence in words
    assert not list((tmp_path / "out").glob("masks/**/*.png"))


def test_all_photos_failed_makes_the_script_fail(blender_installed, rembg, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("not a photo")
    ended, words, _ = strip(blender_installed, rembg, tmp_path / "photos", tmp_path / "out")
    assert ended == ["RuntimeError"]
    assert "a.jpg: is not a" in words


def test_unset_arguments_come_from_the_preferences(blender_installed, rembg, photos, tmp_path):
    code = """
    preferences = bpy.context.preferences.addons["bl_ext.user_default.scan_cutout"].preferences
    before = [preferences.endpoint, preferences.in_flight]
    preferences.endpoint, preferences.model, preferences.in_flight = arguments[2], "u2netp", 2
    ended = bpy.ops.scan_cutout.strip_backgrounds(directory=arguments[0], output_directory=arguments[1])
    result = [before, sorted(ended)]
    """
    before, ended = blender_installed.run(code, photos, tmp_path / "out", rembg.endpoint).result
    assert before == ["http://localhost:7000/api/remove", 4]
    assert ended == ["FINISHED"]
    settings = json.loads((tmp_path / "out" / "job.json").read_text())["settings"]
    assert settings["model"] == "u2netp"
    assert (settings["endpoint"]["endpoint"], settings["endpoint"]["in_flight"]) == (rembg.endpoint, 2)


def test_preferences_may_be_missing(blender_installed):
    """At factory start-up Blender has none for the extension, and defaults count."""
    code = """
    from bl_ext.user_default.scan_cutout.properties import job_settings as sources
    bpy.context.preferences.addons.remove(bpy.context.preferences.addons["bl_ext.user_default.scan_cutout"])
    settings = sources.strip_settings(bpy.context, {"photos": "a", "output": "b"})
    result = [settings.model, settings.endpoint.endpoint, sources.token(bpy.context)]
    """
    assert blender_installed.run(code).result == ["u2net", "http://localhost:7000/api/remove", ""]


def test_the_token_stays_out_of_files(blender_installed, rembg, photos, tmp_path):
    code = """
    bpy.context.preferences.addons["bl_ext.user_default.scan_cutout"].preferences.token = "s3cret-of-mine"
    bpy.ops.scan_cutout.strip_backgrounds(
        directory=arguments[0], output_directory=arguments[1], endpoint=arguments[2], model="u2netp")
    bpy.ops.wm.save_as_mainfile(filepath=arguments[1] + "/scene.blend", compress=False)
    result = True
    """
    output = tmp_path / "out"
    run = blender_installed.run(code, photos, output, rembg.endpoint)
    assert run.result
    written = b"".join(path.read_bytes() for path in output.rglob("*") if path.is_file())
    assert b"s3cret-of-mine" not in written
    assert "s3cret-of-mine" not in run.stdout + run.stderr


def test_check_endpoint(blender_installed, rembg):
    ended, words, printed = call(blender_installed, "check_endpoint", endpoint=rembg.endpoint)
    assert (ended, words) == (["FINISHED"], "")
    assert "rembg 2.0.86 answers" in printed
    ended, words, _ = call(blender_installed, "check_endpoint", endpoint="http://127.0.0.1:9/api/remove")
    assert ended == ["RuntimeError"]
    assert "No server answers" in words


def test_the_command_strips_and_writes_its_report(blender_installed, rembg, photos, tmp_path):
    end = tmp_path / "end.json"
    arguments = ["strip", "--photos", photos, "--output", tmp_path / "out", "--endpoint", rembg.endpoint]
    code, _, err = blender_installed.run(COMMAND, *arguments, "--model", "u2netp", "--json", end).result
    assert code == 0
    assert "3 of 3 photos have a mask" in err
    assert json.loads(end.read_text())["photos"]["done"] == 3

    (photos / "broken.png").write_bytes(b"")
    code, _, err = blender_installed.run(COMMAND, *arguments, "--model", "u2netp", "--json", end).result
    assert code == 4
    assert json.loads(end.read_text())["photos"]["failed"] == [
        {"photo": "broken.png", "reason": "is empty (0 bytes); copy it from the camera again"}
    ]


def test_the_command_tells_bad_use_and_a_server_that_is_away(blender_installed, photos, tmp_path):
    away = ["--endpoint", "http://127.0.0.1:9/api/remove"]
    runs = {
        "help": (["strip", "--help"], 0),
        "no arguments": ([], 2),
        "unknown option": (["strip", "--photo", photos], 2),
        "no photos": (["strip", "--photos", tmp_path / "none", "--output", tmp_path / "out"], 2),
        "output among photos": (["strip", "--photos", photos, "--output", photos / "out"], 2),
        "report nowhere": (["strip", "--photos", photos, "--output", tmp_path / "o", "--json", "/no/end.json"], 2),
        "away": (["strip", "--photos", photos, "--output", tmp_path / "out", *away], 3),
    }
    for name, (arguments, expected) in runs.items():
        code, out, err = blender_installed.run(COMMAND, *arguments).result
        assert (name, code) == (name, expected)
        assert "Traceback" not in out + err
    assert "--threshold" in blender_installed.run(COMMAND, "strip", "--help").result[1]


def test_the_command_is_registered(blender_installed):
    code = """
    from bl_ext.user_default.scan_cutout.session import command_line
    result = command_line._handle is not None
    """
    assert blender_installed.run(code).result


def test_ctrl_c_cancels_in_good_order(blender_installed, rembg, server, photos, tmp_path):
    """The interrupt reaches Blender alone, which closes the worker's input and waits for its last words."""
    server.script = server.passed_on(rembg.endpoint, 8, tmp_path / "never")
    for index in range(30):
        shutil.copy(SCAN / NAMES[0], photos / "upright" / f"COPY_{index:02}.JPG")
    code = """
    import _thread, pathlib, signal, threading, time
    # Where a shell started all of this in the background, an interrupt would be ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    def interrupt():
        journal = pathlib.Path(arguments[1]) / "journal.jsonl"
        while not journal.exists() or "photo_done" not in journal.read_text():
            time.sleep(0.02)
        _thread.interrupt_main()
    threading.Thread(target=interrupt, daemon=True).start()
    try:
        bpy.ops.scan_cutout.strip_backgrounds(
            directory=arguments[0], output_directory=arguments[1], endpoint=arguments[2], model="u2netp")
        result = ""
    except RuntimeError as error:
        result = str(error)
    """
    words = blender_installed.run(code, photos, tmp_path / "out", server.endpoint, alone=True).result
    assert "Cancelled" in words
    assert "Run again to go on" in words
    events = [json.loads(line) for line in (tmp_path / "out" / "journal.jsonl").read_text().splitlines()]
    assert events[-1]["status"] == "cancelled"
    assert 0 < sum(event["event"] == "photo_done" for event in events) < 33


AWAY = "http://127.0.0.1:9/api/remove"
# Something other than the default for every setting: what is given, and what the worker is told where it differs. The
# server that is away ends these runs, after job.json was written.
CHOICES: dict[str, Any] = {
    "backend": "ENDPOINT",
    "endpoint": AWAY,
    "model": "u2net_custom",
    "proxy_size": 512,
    "full_resolution": False,
    "threshold": 77,
    "fill_holes": 0.1,
    "drop_islands": 2.5,
    "grow": -3,
    "refine_edges": True,
    "alpha_matting": True,
    "matting_foreground": 250,
    "matting_background": 7,
    "matting_erode": 4,
    "post_process": True,
    "extras": '{"model_path": "/m.onnx"}',
    "cutouts": "JPEG",
    "cutout_color": [1.0, 0.5, 0.0],
    "in_flight": 3,
    "timeout": 7.5,
    "first_timeout": 8.25,
    "retry_for": 0.0,
    "certificate": certifi.where(),
    "develop_raw": True,
    "adopt_masks": True,
    "mask_object": "BLACK",
}
TOLD = {**CHOICES, "cutout_color": "#ff8000"}
del TOLD["full_resolution"]  # which is a proxy size: see test_proxy_size.py


def settings_of(output: Path) -> dict[str, Any]:
    """What the worker was told, by the names of CHOICES and what more there is of the endpoint."""
    settings: dict[str, Any] = json.loads((output / "job.json").read_text())["settings"]
    return {**settings, **settings["endpoint"]}


def test_every_property_reaches_the_worker(blender_installed, photos, tmp_path):
    code = """
    properties = bpy.ops.scan_cutout.strip_backgrounds.get_rna_type().properties
    result = [each.identifier for each in properties if each.identifier != "rna_type"]
    """
    named = {"directory", "files", "output_directory", "retry"}  # the last changes the tooltip, and nothing else
    assert set(blender_installed.run(code).result) == CHOICES.keys() | named, "none is left out here"
    ended, words, _ = call(
        blender_installed, "strip_backgrounds", directory=photos, output_directory=tmp_path / "out", **CHOICES
    )
    assert (ended, "No server answers" in words) == (["RuntimeError"], True)
    assert "choose the backend Embedded" in words
    settings = settings_of(tmp_path / "out")
    assert {name: settings[name] for name in TOLD} == TOLD


def test_every_option_of_the_command_reaches_the_worker(blender_installed, photos, tmp_path):
    arguments = ["strip", "--photos", photos, "--output", tmp_path / "out"]
    for name, value in {**TOLD, "cutouts": "jpeg"}.items():
        option = f"--{name.replace('_', '-')}"
        arguments += [option] if value is True else [f"{option}={value}"]
    code, _, err = blender_installed.run(COMMAND, *arguments).result
    assert (code, "No server answers" in err) == (3, True)
    settings = settings_of(tmp_path / "out")
    assert {name: settings[name] for name in TOLD} == TOLD


def test_what_is_not_given_is_the_workers_own_default(blender_installed, photos, tmp_path):
    call(blender_installed, "strip_backgrounds", directory=photos, output_directory=tmp_path / "a", endpoint=AWAY)
    arguments = ["strip", "--photos", photos, "--output", tmp_path / "b", "--endpoint", AWAY]
    blender_installed.run(COMMAND, *arguments)
    one, other = settings_of(tmp_path / "a"), settings_of(tmp_path / "b")
    assert {name: one[name] for name in one if one[name] != other[name]} == {"output": str(tmp_path / "a")}
    plain = {"grow": 0, "fill_holes": 0.0, "cutouts": "NONE", "cutout_color": "#000000", "extras": "", "threshold": 128}
    assert {name: one[name] for name in plain} == plain


def test_masks_and_cutouts_without_any_server(blender_installed, photos, tmp_path):
    """The zip carries all that it takes, and a model set nowhere is the one that it carries."""
    ended, words, printed = call(
        blender_installed,
        "strip_backgrounds",
        directory=photos,
        output_directory=tmp_path / "out",
        backend="EMBEDDED",
        cutouts="JPEG",
        cutout_color=[0.0, 0.0, 1.0],
    )
    assert (ended, words) == (["FINISHED"], ""), printed
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["photos"] == {"found": 3, "done": 3, "made": 3, "failed": []}
    assert report["versions"]["model"].startswith("onnxruntime 1.")
    assert (report["settings"]["model"], report["bytes"]) == ("u2netp", {"sent": 0, "received": 0})
    for name in NAMES:
        assert 0.02 < report["masks"][f"upright/{name}"]["foreground"] < 0.9
        with Image.open(tmp_path / "out" / "cutouts" / "upright" / name) as cutout:
            red, green, blue = cutout.convert("RGB").getpixel((3, 3))
        assert max(red, green) < 8
        assert blue > 240
    arguments = ["strip", "--photos", photos, "--output", tmp_path / "out", "--backend", "embedded"]
    code, _, err = blender_installed.run(COMMAND, *arguments, "--cutouts", "JPEG", "--cutout-color", "#0000ff").result
    assert code == 0
    assert "3 of 3 photos have a mask, 0 of them made now" in err
