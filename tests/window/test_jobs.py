# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that a user starts: Blender goes on, and they can be cancelled."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulty_server import Answer, FaultyServer, always
from job_scripts import AddPhotos, HeldServer, count_made, run, run_again

from blender_window import WindowBlender
from rembg_server import RembgServer

WORK_MEANWHILE = """
import pathlib

def steps():
    beats = []
    def beat():
        beats.append(current_job.now() is not None)
        return 0.02
    bpy.app.timers.register(beat)
    set_up()
    bpy.ops.ed.undo_push(message="Set up")    # as a field in the sidebar does
    started = begin()
    yield until(has_begun)
    with using():
        try:
            bpy.ops.scan_cutout.reconstruct("INVOKE_DEFAULT")
            second = ""
        except RuntimeError as error:
            second = str(error)
        bpy.ops.mesh.primitive_cube_add("EXEC_DEFAULT", True)   # modelling goes on
    yield move(800, 500)
    yield press("Z", ctrl=True)
    check(len(bpy.data.objects) == 3, f"undo did not take the cube away: {bpy.data.objects[:]}")
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "saved.blend"), copy=True)
    # All that timers need to show that Blender goes on while masks come in; how smoothly, make bench-window measures.
    yield until(lambda: sum(beats) >= 10 and current_job.now().progress.done >= 4)
    pathlib.Path(arguments[3]).touch()
    yield until(is_over)
    progress, status = current_job.last().progress, current_job.last().result.status
    bpy.ops.wm.open_mainfile(filepath=str(folder / "saved.blend"))
    yield
    scene = bpy.context.scene
    known = scene.scan_cutout.bl_rna.properties
    saved = {
        "images": [each.name for each in bpy.data.images if each.name not in {"Render Result", "Viewer Node"}],
        "texts": len(bpy.data.texts),
        "properties": [*scene.keys(), *bpy.context.window_manager.keys(), *main_window().screen.keys()],
        "unknown": [name for name in scene.scan_cutout.keys() if name not in known],
        "folders": [scene.scan_cutout.directory, scene.scan_cutout.output_directory],
        "jobs": [current_job.now() is None, current_job.last() is None],
    }
    return [started, second, progress.done, status, saved]
"""


def test_blender_goes_on_while_backgrounds_are_stripped(
    window: WindowBlender, held_rembg: HeldServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    names = add_photos(12)
    result = run(
        window,
        WORK_MEANWHILE,
        *(photos, output, *held_rembg),
    )
    started, second, done, status, saved = result
    assert started == ["RUNNING_MODAL"]
    assert "Strip Backgrounds is running" in second
    assert (done, status) == (len(names), "done")
    assert len(list((output / "masks").rglob("*.png"))) == len(names)
    assert (saved["images"], saved["texts"], saved["unknown"]) == ([], 0, []), "the file has something of the job"
    assert set(saved["properties"]) <= {"scan_cutout", "cycles"}
    assert saved["folders"] == [str(photos), str(output)]
    assert saved["jobs"] == [True, True]
    window.wait_until_workers_are_gone()


@pytest.mark.full
def test_cancel_lets_photos_in_flight_finish_and_the_job_goes_on_later(
    window: WindowBlender, held_rembg: HeldServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    names = add_photos(20)
    code = """
import pathlib

def steps():
    begin()
    yield until(lambda: has_begun() and current_job.now().progress.done >= 4)
    with using():
        bpy.ops.scan_cutout.cancel_job()
        can_again = bpy.ops.scan_cutout.cancel_job.poll()
    pathlib.Path(arguments[3]).touch()
    yield until(is_over)
    return can_again, current_job.last().result.message
"""
    can_again, message = run(window, code, photos, output, *held_rembg)
    assert not can_again
    assert message.startswith("Cancelled")
    made = count_made(output)
    assert 4 <= made < len(names)
    told = run_again(window, photos, output, held_rembg.endpoint)
    assert (told["done"], told["made"]) == (len(names), len(names) - made)


def test_cancel_does_not_wait_for_a_server_that_hangs(
    window: WindowBlender, server: FaultyServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    add_photos(3)
    server.script = always(Answer(hang=True))
    code = """
def steps():
    yield sidebar("Scan Cutout")
    begin()
    yield until(lambda: has_begun() and current_job.now().progress.lines)    # a line above the button
    yield drawn()
    place = yield from find("scan_cutout.cancel_job")
    check(place, "Cancel is not in sight")
    yield click(*place)
    check(current_job.now() is None or current_job.now().is_cancelled, "Cancel did nothing")
    yield until(is_over)
    return current_job.last().result.status
"""
    assert run(window, code, photos, output, server.endpoint) == "cancelled"
    window.wait_until_workers_are_gone()


@pytest.mark.full
def test_a_file_browser_that_is_closed_leaves_the_job(
    window: WindowBlender, server: FaultyServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    """Blender tells an operator whose file browser is cancelled the same as one whose window goes."""
    names = add_photos(12)
    go = output.with_name("go")
    server.script = server.held(go)
    code = """
import pathlib

def browser():
    windows = bpy.context.window_manager.windows
    return next((each for each in windows if each.screen.areas[0].type == "FILE_BROWSER"), None)

def leave_browser():
    with using():
        bpy.ops.scan_cutout.import_reconstruction("INVOKE_DEFAULT")
    yield until(browser)
    yield drawn()

def cancel_browser():
    while opened := browser():
        yield move(opened.width // 2, opened.height // 2, opened)
        yield press("ESC", opened)
    yield

def steps():
    yield from leave_browser()
    # For auto-saves, another operator takes the watching over every 30 s.
    bpy.context.preferences.filepaths.use_auto_save_temporary_files = False
    begin()
    yield until(has_begun)
    yield from cancel_browser()
    check(current_job.now() is not None and not current_job.now().is_cancelled, "the job went with the file browser")
    check([each.bl_idname for each in main_window().modal_operators] == ["SCAN_CUTOUT_OT_strip_backgrounds"],
          "nobody watches the job")
    pathlib.Path(arguments[3]).touch()
    yield until(is_over)
    yield from leave_browser()
    yield from cancel_browser()
    check(current_job.last() is not None, "how the job ended is forgotten")
    return current_job.last().result.details["photos"]["done"]
"""
    assert run(window, code, photos, output, server.endpoint, go) == len(names)


def test_auto_save_comes_while_a_job_runs_that_undo_and_bad_files_leave(
    window: WindowBlender, server: FaultyServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    """Blender does not auto-save while a modal operator runs; ours lets go of the window now and then."""
    names = add_photos(12)
    go = output.with_name("go")
    held = server.held(go)
    server.script = lambda request: Answer() if request.number < 2 else held(request)
    damaged = photos.with_name("damaged.blend")
    damaged.write_bytes(b"no blend")
    code = """
import glob
import pathlib
from bl_ext.user_default.scan_cutout.session import job_operator, live_preview

def steps():
    job_operator._WATCH = 5    # seconds instead of 30 between lettings go: the minute is long enough
    set_up()
    with using():                                   # what is saved is the last step that can be undone
        bpy.ops.mesh.primitive_cube_add("EXEC_DEFAULT", True)
        bpy.ops.mesh.primitive_monkey_add("EXEC_DEFAULT", True)
    begin()
    yield until(has_begun)
    filepaths = bpy.context.preferences.filepaths
    filepaths.temporary_directory = str(folder)
    filepaths.use_auto_save_temporary_files = True
    filepaths.auto_save_time = 1                    # minute: the least there is

    yield move(800, 500)
    for shift in (False, False, True):
        yield press("Z", ctrl=True, shift=shift)
    check("Suzanne" not in bpy.data.objects and "Cube.001" in bpy.data.objects, "undo and redo did not work")
    check(current_job.now() is not None, "the job went with undo")

    with using():
        bpy.ops.scan_cutout.preview_photo("INVOKE_DEFAULT")
    yield until(lambda: live_preview.now().photos)
    for path in (arguments[4], arguments[4] + "_that_is_not_there"):
        try:
            bpy.ops.wm.open_mainfile(filepath=path)
            check(False, f"{path} was opened")
        except RuntimeError:
            pass
    yield
    is_there = current_job.now() is not None and live_preview.now() is not None
    check(is_there, "the job or the preview went with a bad file")

    yield until(lambda: glob.glob(str(folder / "*.blend")), "an auto-save to appear")
    job = current_job.now()
    check(job is not None and job.result is None, "the job is not running any more")
    yield until(lambda: [each.bl_idname for each in main_window().modal_operators] == ["SCAN_CUTOUT_OT_watch_job"])
    pathlib.Path(arguments[3]).touch()
    yield until(is_over)
    return current_job.last().result.details["photos"]["done"]
"""
    assert run(window, code, photos, output, server.endpoint, go, damaged) == len(names)


@pytest.mark.full
def test_what_a_script_has_made_is_seen_in_the_sidebar(
    window: WindowBlender, server: FaultyServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    names = add_photos(3)
    code = """
from bl_ext.user_default.scan_cutout.session import survey

def found():
    return survey.output_state(bpy.context.scene.scan_cutout).get("masks")

def steps():
    set_up()
    yield until(lambda: found() == 0)
    with using():
        bpy.ops.scan_cutout.strip_backgrounds(directory=arguments[0], output_directory=arguments[1])
    yield until(found)
    # Another scene is looked at when the next job ends.
    first = bpy.context.scene
    with using():
        bpy.ops.scan_cutout.strip_backgrounds("INVOKE_DEFAULT", threshold=60)
        bpy.ops.scene.new(type="NEW")
    yield until(is_over)
    main_window().scene = first
    yield drawn()
    check(found() is None, "what was found before the job is still believed")
    with using():
        check(bpy.ops.scan_cutout.reconstruct.poll(), "a solve is refused")
    return len(arguments)
"""
    assert run(window, code, photos, output, server.endpoint)
    assert len(list((output / "masks").rglob("*.png"))) == len(names)


@pytest.mark.full
def test_what_a_user_does_around_the_end_of_a_strip_is_theirs(
    window: WindowBlender, rembg: RembgServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    """A move is not interrupted, redo is still possible, and Repeat Last repeats what was done by hand before."""
    add_photos(2)
    code = """
import pathlib

def has_finished():
    journal = pathlib.Path(arguments[1], "journal.jsonl")
    return journal.exists() and '"finished"' in journal.read_text()

def modal():
    return [each.bl_idname for each in main_window().modal_operators]

def steps():
    with using():
        bpy.ops.mesh.primitive_monkey_add("EXEC_DEFAULT", True)
        bpy.ops.mesh.primitive_cube_add("EXEC_DEFAULT", True)
    yield move(800, 500)
    yield press("Z", ctrl=True)
    check("Cube.001" not in bpy.data.objects, "undo did not work")
    begin()
    with using():
        bpy.ops.transform.translate("INVOKE_DEFAULT")
    check("TRANSFORM_OT_translate" in modal(), f"nothing is moved: {modal()}")
    yield until(has_finished)
    job, looks = current_job.now(), []
    tick = job.tick
    job.tick = lambda *given: (looks.append(True), tick(*given))[1]
    yield until(lambda: len(looks) >= 10 or is_over())
    check(current_job.now() is not None, "the job ended in the middle of a move")
    yield press("ESC")
    yield until(is_over)
    check(not modal(), f"something still runs: {modal()}")
    yield press("Z", ctrl=True, shift=True)
    check("Cube.001" in bpy.data.objects, "redo was not possible any more")
    with using():
        bpy.ops.mesh.primitive_cone_add("EXEC_DEFAULT", True)
    begin()
    yield until(is_over)
    with using():
        bpy.ops.screen.repeat_last("INVOKE_DEFAULT")
    yield
    check(current_job.now() is None, "the strip was repeated")
    check("Cone.001" in bpy.data.objects, f"the cone was not: {bpy.context.window_manager.operators.keys()}")
    return current_job.last().result.status
"""
    assert run(window, code, photos, output, rembg.endpoint) == "done"


@pytest.mark.full
def test_a_render_and_a_job_go_on_beside_each_other(
    window: WindowBlender, server: FaultyServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    names = add_photos(40)
    # The last photo is held, so that the job goes on for as long as the rendering takes.
    go = output.with_name("go")
    held = server.held(go)
    server.script = lambda request: Answer(delay=0.5) if request.number < len(names) - 1 else held(request)
    code = """
import pathlib

def steps():
    render = bpy.context.scene.render
    render.engine, render.filepath = "BLENDER_WORKBENCH", str(folder / "frame")
    render.resolution_x = render.resolution_y = 64
    bpy.context.scene.frame_end = 4
    bpy.context.preferences.view.render_display_type = "NONE"
    beside = []
    bpy.app.handlers.render_post.append(lambda *_: beside.append(current_job.now() is not None))
    over = []
    bpy.app.handlers.render_complete.append(lambda *_: over.append(True))
    begin()
    yield until(has_begun)
    with using():
        bpy.ops.render.render("INVOKE_DEFAULT", animation=True)
    yield until(lambda: over)
    pathlib.Path(arguments[3]).touch()
    yield until(is_over)
    return beside, current_job.last().result.details["photos"]["done"]
"""
    beside, done = run(window, code, photos, output, server.endpoint, go)
    assert beside == [True] * 4, "the animation was not rendered while the job ran"
    assert done == len(names)
