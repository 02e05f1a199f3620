# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators and the command in real bpy, on the installed zip, against a real rembg server."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from faulty_server import Answer
from PIL import Image
from strip_calls import CALL, COMMAND, call

SCAN = Path(__file__).parents[1] / "data" / "turntable" / "photos" / "upright"
NAMES = ["IMG_0001.JPG", "IMG_0006.JPG", "IMG_0011.JPG"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "upright").mkdir(parents=True)
    for name in NAMES:
        shutil.copy2(SCAN / name, folder / "upright" / name)
    return folder


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
