# SPDX-License-Identifier: GPL-3.0-or-later
"""One bpy runs all scripts of a file of tests, and every script finds it as a process of its own would."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import journaled
from faulty_server import Answer, FaultyServer, always

import environments
from bpy_process import VERSIONS, Blender, ScriptError
from resident_bpy import ResidentBlender

# All that tests may change, and what a script finds of it at its beginning.
STATE = """
    import os, sys, tempfile, threading
    from bl_ext.user_default.scan_cutout.session import (
        current_job, live_preview, picture, queries, survey, thumbnails
    )

    DRIVERS = {"run_in_bpy", "fresh_bpy", "$coverage"}

    def told(struct, depth=3):
        for each in struct.bl_rna.properties:
            name = each.identifier
            # What tells where it is in memory; and of 4.2 what nobody has set, whose curve is no curve.
            if name in ("rna_type", "session_uid", "uv_sculpt"):
                continue
            value = getattr(struct, name)
            if each.type == "COLLECTION":
                yield name, len(value)
            elif each.type == "POINTER":
                is_own = value is not None and depth and not isinstance(value, bpy.types.ID)
                yield name, dict(told(value, depth - 1)) if is_own else getattr(value, "name", repr(value is None))
            else:
                value = value[:] if getattr(each, "is_array", False) else value
                yield name, repr(sorted(value) if isinstance(value, set) else value)

    def registered():
        for name in dir(bpy.types):
            functions = getattr(getattr(getattr(bpy.types, name), "draw", None), "_draw_funcs", ())
            yield name, sorted(f"{each.__module__}.{each.__qualname__}" for each in functions)

    def state():
        preferences, scene, wm = bpy.context.preferences, bpy.context.scene, bpy.context.window_manager
        data = {name: getattr(bpy.data, name) for name in dir(bpy.data)}
        handlers = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
        own = "bl_ext.user_default.scan_cutout"
        return {
            "preferences": dict(told(preferences)), "add-ons": sorted(preferences.addons.keys()),
            "own preferences": dict(told(preferences.addons[own].preferences)), "online": bpy.app.online_access,
            "scene": dict(told(scene)), "own settings": dict(told(scene.scan_cutout)), "window manager": dict(told(wm)),
            "scene's objects": {each.name: [*each.location, *each.scale] for each in scene.objects},
            "data": {name: sorted(one.name for one in each) for name, each in data.items()
                     if isinstance(each, bpy.types.bpy_prop_collection)},
            "file": [bpy.data.filepath, bpy.data.is_saved, bpy.data.is_dirty],
            "areas": [each.ui_type for each in bpy.context.screen.areas],
            "context": [bpy.context.workspace.name, bpy.context.mode, bpy.context.object.name],
            "handlers": {name: sorted(f"{each.__module__}.{each.__qualname__}" for each in functions)
                         for name, functions in handlers.items() if isinstance(functions, list)},
            "types": dict(registered()), "operators": sorted(dir(bpy.ops.scan_cutout)),
            "job": [current_job.now(), current_job.last(), live_preview.now(), thumbnails._collection],
            "found": survey._found and survey._found[1].message,
            "questions": list(queries._questions), "images": picture._freed,
            "timers": [bpy.app.timers.is_registered(each) for each in (queries._look, live_preview._tick)],
            # Python's own modules stay, once they are there.
            "modules": sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - DRIVERS),
            "path": sys.path[1:], "folder": os.getcwd(), "environment": dict(os.environ), "temporary": tempfile.tempdir,
        }
"""

CHANGES = """
    import os, sys, tempfile
    from pathlib import Path
    import PIL.Image
    from bl_ext.user_default.scan_cutout.properties import job_settings
    from bl_ext.user_default.scan_cutout.scan.job import job_end
    from bl_ext.user_default.scan_cutout.session import survey

    photos, output, endpoint = arguments
    preferences, scene = bpy.context.preferences, bpy.context.scene
    stored = job_settings.preferences(bpy.context)
    stored.endpoint, stored.model, stored.backend, stored.in_flight = endpoint, "another", "EMBEDDED", 1
    stored.further_endpoints.add().address = endpoint
    preferences.system.use_online_access = True
    preferences.edit.undo_steps, preferences.view.ui_scale = 3, 1.5
    preferences.edit.grease_pencil_default_color = (0.5, 0.5, 0.5, 0.5)
    scene.scan_cutout.directory, scene.scan_cutout.output_directory, scene.scan_cutout.threshold = photos, output, 5
    survey.take((scene.scan_cutout.photos, scene.scan_cutout.output), job_end.JobEnd.done("Looked"))
    scene.render.resolution_x, scene.frame_end = 123, 7
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.object.name = "Left"
    bpy.data.images.new("Left", 4, 4)
    bpy.data.node_groups.new("Left", "GeometryNodeTree").use_fake_user = True
    bpy.context.screen.areas[0].ui_type = "IMAGE_EDITOR"
    bpy.ops.ed.undo_push(message="Left")
    bpy.app.handlers.load_post.append(len)
    def left(*_given): pass
    left = bpy.app.handlers.persistent(left)
    bpy.app.handlers.save_pre.append(left)
    bpy.app.handlers.load_pre.clear()
    bpy.ops.wm.save_as_mainfile(filepath=output + ".blend")
    sys.path.insert(0, output)
    sys.modules["left_module"] = sys
    os.environ["LEFT"] = "behind"
    del os.environ["PATH"]
    os.chdir(os.path.dirname(output))
    tempfile.tempdir = output
    job_settings.strip_settings = None
"""


def test_a_script_finds_nothing_of_the_one_before(
    blender_installed: ResidentBlender, photos: Path, output: Path
) -> None:
    photos.joinpath("a.jpg").touch()
    state = f"{STATE}\n    result = state()"
    alone = blender_installed.run(state, alone=True).result
    assert blender_installed.run(state).result == alone, "the first script"
    changes = (CHANGES, photos, output, "http://127.0.0.1:9")
    assert blender_installed.run(*changes).returncode == 0
    process = "import os; result = os.getpid()"
    before = blender_installed.run(process).result
    blender_installed.run(*changes)
    found = blender_installed.run(state).result
    assert {name: value for name, value in found.items() if value != alone[name]} == {}
    assert blender_installed.run(process).result == before, "it was another process"
    changed = blender_installed.run(f"{CHANGES}\n{STATE}\n    result = state()", *changes[1:]).result
    same = {name for name in alone if changed[name] == alone[name]}
    untouched = {"add-ons", "types", "operators", "job", "questions", "images", "timers", "window manager"}
    assert same <= untouched, "a change is not seen"


def test_each_script_has_its_own_output_and_environment(blender_installed: ResidentBlender) -> None:
    code = """
    import os, subprocess, sys
    print("said", *arguments)
    print("warned", *arguments, file=sys.stderr)
    os.write(1, b"written\\n")
    subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write('started')"])
    bpy.ops.wm.save_as_mainfile(filepath=arguments[1])
    result = [os.environ.get("GIVEN"), os.environ["PATH"]]
    """
    file = blender_installed.home / "saved.blend"
    for number in (1, 2):
        run = blender_installed.run(code, number, file, env={"GIVEN": str(number)})
        assert run.result == [str(number), os.environ["PATH"]]
        for words in (f"said {number} ", "written", "saved.blend"):
            assert run.stdout.count(words) == (2 if words == "saved.blend" else 1)
        assert (run.stderr.count(f"warned {number}"), run.stderr.count("started")) == (1, 1)
        assert f"said {3 - number}" not in run.stdout
    assert blender_installed.run("import os; result = 'GIVEN' in os.environ").result is False


def test_how_a_script_ended_is_told(blender_installed: ResidentBlender) -> None:
    for code, returncode, words in (
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('words')", 1, ""),
        ("raise KeyboardInterrupt", 1, "KeyboardInterrupt"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("result = object()", 1, "not JSON serializable"),
    ):
        run = blender_installed.run(code)
        assert (code, run.returncode) == (code, returncode)
        assert words in run.stderr
        with pytest.raises(ScriptError):
            _ = run.result


def test_a_crash_is_told_and_the_next_script_finds_another_process(blender_installed: ResidentBlender) -> None:
    process = "import os; result = os.getpid()"
    before = blender_installed.run(process).result
    run = blender_installed.run("import os; print('the last words', flush=True); os._exit(7)")
    assert run.returncode == 7
    with pytest.raises(ScriptError, match=r"ended with 7:\nthe last words"):
        _ = run.result
    assert blender_installed.run(process).result != before


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("threading.Thread(target=threading.Event().wait, daemon=True).start()", "left threads"),
        ("subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)", "left a process"),
        ("bpy.context.preferences.filepaths.asset_libraries.new(name='Left')", "changed the preferences"),
    ],
)
def test_what_a_script_leaves_is_an_error(blender_installed: ResidentBlender, code: str, words: str) -> None:
    run = blender_installed.run(f"import subprocess, sys, threading; {code}; result = True")
    if words == "changed the preferences":  # which is found when they are restored
        run = blender_installed.run("result = True")
    assert words in run.stderr
    with pytest.raises(ScriptError):
        _ = run.result
    assert blender_installed.run("result = True").result is True


def test_a_job_that_a_script_leaves_is_ended(
    blender_installed: ResidentBlender,
    server: FaultyServer,
    add_photos: Callable[[int], object],
    photos: Path,
    output: Path,
) -> None:
    add_photos(1)
    server.script = always(Answer(hang=True))
    code = """
    from bl_ext.user_default.scan_cutout.session import current_job, steps
    from bl_ext.user_default.scan_cutout.scan.segmentation.settings import EndpointSettings
    from bl_ext.user_default.scan_cutout.scan.tasks.settings import StripSettings
    photos, output, endpoint = arguments
    asked = EndpointSettings(endpoint=endpoint)
    current_job.start(bpy.context, "Strip", steps.strip(StripSettings(photos=photos, output=output, endpoint=asked)))
    while not current_job.now().progress.total:
        current_job.now().tick(bpy.context)
    result = current_job.now().folder.root == current_job.now().root
    """
    run = blender_installed.run(code, photos, output, server.endpoint)
    assert run.result is True, run.stderr
    (end,) = journaled(output, "finished")
    assert end["status"] == "cancelled"
    assert blender_installed.run(code, photos, output.with_name("other"), server.endpoint).result is True


def test_it_is_gone_with_whoever_started_it(installed: Blender) -> None:
    """Also in the middle of a script, here one that waits for ever."""
    start = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from resident_bpy import ResidentBlender
blender = ResidentBlender(sys.argv[3], Path(sys.argv[4]), sys.argv[5])
blender.run(sys.argv[6], sys.argv[7])
"""
    wait = "import socket; there = socket.create_connection(('127.0.0.1', int(arguments[0]))); there.recv(1)"
    with socket.create_server(("127.0.0.1", 0)) as here:
        folders = [environments.ROOT / "tools", environments.ROOT / "vendor"]
        arguments = [*folders, installed.version, installed.home, installed.module, wait, here.getsockname()[1]]
        with subprocess.Popen([sys.executable, "-c", start, *map(str, arguments)]) as starter:
            connection, _ = here.accept()
            starter.kill()
        with connection:
            assert connection.recv(1) == b"", "the script's process was to end, and with it the connection"


QUICK = ("menus", "places", "preferences", "proxy_size")


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_any_two_files_pass_in_either_order(tmp_path: Path) -> None:
    """Files that share an installed extension, forwards and backwards: of any two, each has been the first."""
    files = [str(Path(__file__).with_name(f"test_{name}.py")) for name in (*QUICK, *reversed(QUICK))]
    options = ["--keep-duplicates", "-p", "no:cacheprovider", "-m", "not full", f"--basetemp={tmp_path / 'temporary'}"]
    options += ["-n", "0", "-k", VERSIONS[-1], "-v"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    command = [sys.executable, "-m", "pytest", *options, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    ran = [line.split("::")[0] for line in done.stdout.splitlines() if "PASSED" in line]
    order = [name for name, _ in itertools.groupby(Path(file).stem.removeprefix("test_") for file in ran)]
    middle = len(QUICK) - 1
    assert order == [*QUICK[:middle], *QUICK[middle:], *reversed(QUICK[:middle])], done.stdout
