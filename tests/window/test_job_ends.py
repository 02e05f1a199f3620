# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever happens to Blender while a job runs, nothing is lost and nothing stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulty_server import Answer, FaultyServer, always
from job_scripts import BEGIN, AddPhotos, HeldServer, count_made, finish_of, run, run_again

from blender_window import WindowBlender


@pytest.mark.parametrize(
    "what",
    [
        "bpy.ops.wm.read_homefile(use_empty=False)",
        pytest.param(
            "bpy.ops.preferences.addon_disable(module='bl_ext.user_default.scan_cutout')", marks=pytest.mark.full
        ),
    ],
    ids=["load", "disable"],
)
def test_loading_a_file_or_disabling_ends_the_job(
    window: WindowBlender, server: FaultyServer, add_photos: AddPhotos, photos: Path, output: Path, what: str
) -> None:
    names = add_photos(20)
    server.script = lambda request: Answer(hang=request.number >= 8)
    code = f"""
def steps():
    from bl_ext.user_default.scan_cutout.session import job_operator
    before = leftovers()
    begin()
    yield until(lambda: has_begun() and current_job.now().progress.done >= 2)
    with using():
        {what}
    yield move(700, 400)    # what is unregistered goes with the next event
    check(current_job.now() is None, "a job is still there")
    check(not main_window().modal_operators, "something still watches")
    check(job_operator._timer is None, "Blender is still woken for the job")
    if "disable" in {what!r}:
        check(leftovers()[:2] == [False, 0], f"something was left: {{leftovers()}}")
        bpy.ops.preferences.addon_enable(module="bl_ext.user_default.scan_cutout")
        yield
    check(leftovers()[:2] == before[:2], f"{{before}} became {{leftovers()}}")
    (folder / "ended").touch()
    yield until((folder / "gone").exists, "the worker to be gone while Blender lives")
    begin()    # it goes on
    yield until(is_over)
    return current_job.last().result.details["photos"]["made"]
"""
    running = window.start(BEGIN + code, photos, output, server.endpoint)
    running.until((running.folder / "ended").exists)
    window.wait_until_workers_are_gone()
    made = count_made(output)
    assert 2 <= made < len(names)
    server.script = always(Answer())
    (running.folder / "gone").touch()
    assert running.wait().result == len(names) - made


@pytest.mark.full
def test_a_killed_blender_leaves_a_job_that_goes_on(
    window: WindowBlender, held_rembg: HeldServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    names = add_photos(20)
    code = """
def steps():
    begin()
    yield until(lambda: has_begun() and current_job.now().progress.done >= 3)
    (folder / "there").touch()
    yield until(lambda: False, "the end, from outside")
"""
    started = window.start(BEGIN + code, photos, output, held_rembg.endpoint)
    started.until((started.folder / "there").exists)
    started.end()
    window.wait_until_workers_are_gone()
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
    yield drawn()
    second = bpy.context.window_manager.windows[-1]
    with bpy.context.temp_override(window=second):
        bpy.ops.scan_cutout.strip_backgrounds("INVOKE_DEFAULT")
    check(watchers() == [[], ["SCAN_CUTOUT_OT_strip_backgrounds"]], f"watched in the wrong window: {watchers()}")
    yield until(lambda: has_begun() and current_job.now().progress.done >= 1)
    with bpy.context.temp_override(window=second):
        bpy.ops.wm.window_close()
    check(current_job.now() is not None, "the job went with the window")
    yield until(lambda: watchers() == [["SCAN_CUTOUT_OT_watch_job"]], what="somebody to watch the job")
    pathlib.Path(arguments[3]).touch()
    yield until(is_over)
    check(watchers() == [[]], f"something still watches: {watchers()}")
    return current_job.last().result.details["photos"]["done"]
"""
    assert run(window, code, photos, output, server.endpoint, go) == len(names)
    window.wait_until_workers_are_gone()


@pytest.mark.full
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
    current_job.now()._worker.events = fail
    yield until(is_over)
    check(not main_window().modal_operators, "something still watches")
    with using():
        check(bpy.ops.scan_cutout.strip_backgrounds.poll(), "no job can be started any more")
    return current_job.last().result.to_json()
"""
    story = window.run(BEGIN + code, photos, output, server.endpoint)
    window.expected += story.complaints
    assert "RuntimeError: for a test" in story.console
    assert story.result["status"] == "failed"
    assert story.result["message"].startswith("An unexpected error ended Strip Backgrounds")
    window.wait_until_workers_are_gone()


def test_quitting_blender_ends_the_job_and_it_goes_on_later(
    window: WindowBlender, held_rembg: HeldServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    names = add_photos(20)
    code = """
def steps():
    begin()
    yield until(lambda: has_begun() and current_job.now().progress.done >= 2)
    current_job._PATIENCE = 900    # that it is cancelled is asked here, not how soon
    return current_job.now() is not None    # with the script's end, Blender quits
"""
    assert run(window, code, photos, output, held_rembg.endpoint) is True
    window.wait_until_workers_are_gone()
    assert finish_of(output)["status"] == "cancelled"
    made = count_made(output)
    assert 2 <= made < len(names)
    held_rembg.gate.touch()
    told = run_again(window, photos, output, held_rembg.endpoint)
    assert (told["done"], told["made"]) == (len(names), len(names) - made)
