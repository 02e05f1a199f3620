# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever happens to Blender while a job runs, nothing is lost and nothing stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulty_server import Answer, FaultyServer, always
from job_scripts import BEGIN, AddPhotos, HeldServer, count_made, finish_of, run, run_again, wait_until_gone

from blender_window import WindowBlender


@pytest.mark.parametrize(
    "what",
    [
        "bpy.ops.wm.read_homefile(use_empty=False)",
        "bpy.ops.preferences.addon_disable(module='bl_ext.user_default.scan_cutout')",
    ],
)
def test_loading_a_file_or_disabling_ends_the_job(
    window: WindowBlender, server: FaultyServer, add_photos: AddPhotos, photos: Path, output: Path, what: str
) -> None:
    names = add_photos(20)
    server.script = lambda request: Answer(hang=request.number >= 8)
    code = f"""
def steps():
    from bl_ext.user_default.scan_cutout.operators import job_operator
    before = [leftovers()]
    begin()
    yield until(lambda: has_begun() and running.now().progress.done >= 2)
    with using():
        {what}
    yield move(700, 400)    # what is unregistered goes with the next event
    yield 0.5
    check(running.now() is None, "a job is still there")
    check(not main_window().modal_operators, "something still watches")
    check(job_operator._timer is None, "Blender is still woken for the job")
    if "disable" in {what!r}:
        check(leftovers()[:2] == [False, 0], f"something was left: {{leftovers()}}")
        bpy.ops.preferences.addon_enable(module="bl_ext.user_default.scan_cutout")
        yield 0.5
    (folder / "ended").touch()
    yield until((folder / "gone").exists, what="the worker to be gone while Blender lives")
    return leftovers()[:2] == before[0][:2]
"""
    running = window.start(BEGIN + code, photos, output, server.endpoint)
    running.until((running.folder / "ended").exists)
    wait_until_gone(window)
    (running.folder / "gone").touch()
    assert running.wait().result is True
    made = count_made(output)
    assert 2 <= made < len(names)
    server.script = always(Answer())
    assert run_again(window, photos, output, server.endpoint)["made"] == len(names) - made


def test_a_file_that_cannot_be_opened_leaves_the_job_and_the_preview(
    window: WindowBlender, server: FaultyServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    names = add_photos(12)
    go = output.with_name("go")
    server.script = server.held(go)
    damaged = photos.with_name("damaged.blend")
    damaged.write_bytes(b"no blend")
    code = """
import pathlib
from bl_ext.user_default.scan_cutout.operators import previewing

def steps():
    begin()
    with using():
        bpy.ops.scan_cutout.preview_photo("INVOKE_DEFAULT")
    yield until(lambda: has_begun() and previewing.now().photos)
    for path in (arguments[3], arguments[3] + "_that_is_not_there"):
        try:
            bpy.ops.wm.open_mainfile(filepath=path)
            check(False, f"{path} was opened")
        except RuntimeError:
            pass
    yield 1
    check(running.now() is not None and previewing.now() is not None, "the job or the preview went")
    pathlib.Path(arguments[4]).touch()
    yield until(is_over, 400)
    return running.last().result["photos"]["done"]
"""
    assert run(window, code, photos, output, server.endpoint, damaged, go) == len(names)


def test_a_killed_blender_leaves_a_job_that_goes_on(
    window: WindowBlender, held_rembg: HeldServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    names = add_photos(20)
    code = """
def steps():
    begin()
    yield until(lambda: has_begun() and running.now().progress.done >= 3)
    (folder / "there").touch()
    yield 300
"""
    started = window.start(BEGIN + code, photos, output, held_rembg.endpoint)
    started.until((started.folder / "there").exists)
    started.end()
    wait_until_gone(window)
    made = count_made(output)
    assert 3 <= made < len(names)
    held_rembg.gate.touch()
    told = run_again(window, photos, output, held_rembg.endpoint)
    assert (told["done"], told["made"]) == (len(names), len(names) - made)


def test_a_job_goes_on_when_the_window_it_was_started_in_is_closed(
    window: WindowBlender, server: FaultyServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    names = add_photos(12)
    go = output.with_name("go")
    held = server.held(go)
    server.script = lambda request: Answer() if request.number < 2 else held(request)
    code = """
import pathlib

def watchers():
    windows = bpy.context.window_manager.windows
    return [[each.bl_idname for each in window.modal_operators] for window in windows]

def steps():
    set_up()
    with using():
        bpy.ops.wm.window_new()
    yield 1
    second = bpy.context.window_manager.windows[-1]
    with bpy.context.temp_override(window=second):
        bpy.ops.scan_cutout.strip_backgrounds("INVOKE_DEFAULT")
    check(watchers() == [[], ["SCAN_CUTOUT_OT_strip_backgrounds"]], f"watched in the wrong window: {watchers()}")
    yield until(lambda: has_begun() and running.now().progress.done >= 1)
    with bpy.context.temp_override(window=second):
        bpy.ops.wm.window_close()
    check(running.now() is not None, "the job went with the window")
    yield until(lambda: watchers() == [["SCAN_CUTOUT_OT_watch_job"]], what="somebody to watch the job")
    pathlib.Path(arguments[3]).touch()
    yield until(is_over, 400)
    check(watchers() == [[]], f"something still watches: {watchers()}")
    return running.last().result["photos"]["done"]
"""
    assert run(window, code, photos, output, server.endpoint, go) == len(names)
    wait_until_gone(window)


def test_an_unexpected_error_ends_the_job_and_is_told(
    window: WindowBlender, server: FaultyServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    add_photos(3)
    server.script = always(Answer(hang=True))
    code = """
def fail(_may_end):
    raise RuntimeError("for a test")

def steps():
    begin()
    yield until(has_begun)
    running.now()._worker.events = fail
    yield until(is_over)
    check(not main_window().modal_operators, "something still watches")
    with using():
        check(bpy.ops.scan_cutout.strip_backgrounds.poll(), "no job can be started any more")
    return running.last().result
"""
    story = window.run(BEGIN + code, photos, output, server.endpoint)
    window.expected += story.complaints
    assert "RuntimeError: for a test" in story.console
    assert story.result["status"] == "failed"
    assert story.result["message"].startswith("An unexpected error ended Strip Backgrounds")
    wait_until_gone(window)


def test_quitting_blender_ends_the_job_and_it_goes_on_later(
    window: WindowBlender, held_rembg: HeldServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    names = add_photos(20)
    code = """
def steps():
    begin()
    yield until(lambda: has_begun() and running.now().progress.done >= 2)
    running._PATIENCE = 120    # that it is cancelled is asked here, not how soon
    return running.now() is not None    # with the script's end, Blender quits
"""
    assert run(window, code, photos, output, held_rembg.endpoint) is True
    wait_until_gone(window)
    assert finish_of(output)["status"] == "cancelled"
    made = count_made(output)
    assert 2 <= made < len(names)
    held_rembg.gate.touch()
    told = run_again(window, photos, output, held_rembg.endpoint)
    assert (told["done"], told["made"]) == (len(names), len(names) - made)
