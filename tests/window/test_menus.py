# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found where: by Blender's search, in its menus, by dropping a file; and what undo takes back of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from faulty_server import Answer, FaultyServer
from PIL import Image

from blender_window import WindowBlender

BEGIN = """
from bl_ext.user_default.scan_cutout.session import current_job, job_operator, queries

MODULE = "bl_ext.user_default.scan_cutout"
stored = bpy.context.preferences.addons[MODULE].preferences

def search(words):
    yield press("F3")
    yield drawn()
    yield write(words)
    yield drawn()

def count():
    lists = {name: getattr(bpy.data, name) for name in dir(bpy.data)}
    return {name: len(each) for name, each in lists.items() if isinstance(each, bpy.types.bpy_prop_collection)}

def undo(operator="undo"):
    with using():
        getattr(bpy.ops.ed, operator)()
    return rounds()

def import_scan(**given):
    with using():
        return sorted(bpy.ops.scan_cutout.import_reconstruction("INVOKE_DEFAULT", **given))

def is_there():
    return current_job.now() is None and "Vase" in bpy.data.collections
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A solved scan of three photos as COLMAP lays it out in a project; the last photo needs an undistorted copy."""
    folder = tmp_path / "Vase" / "sparse" / "0"
    folder.mkdir(parents=True)
    (folder / "cameras.txt").write_text("1 SIMPLE_PINHOLE 400 300 350 200 150\n2 SIMPLE_RADIAL 400 300 350 200 150 0.1")
    photos = (f"{n} 1 0 0 0 {n} 0 4 {1 + n // 3} {n}.jpg\n\n" for n in (1, 2, 3))
    (folder / "images.txt").write_text("".join(photos))
    (folder / "points3D.txt").write_text("".join(f"{n} {n / 10} 0 0 200 100 50 0.5\n" for n in range(20)))
    (tmp_path / "Vase" / "images").mkdir()
    for n in (1, 2, 3):
        Image.new("RGB", (400, 300), (90, 120, 150)).save(tmp_path / "Vase" / "images" / f"{n}.jpg")
    return folder


def run(window: WindowBlender, code: str, *arguments: object) -> Any:
    return window.run(BEGIN + code, *arguments).result


@pytest.mark.full
def test_search_finds_the_steps_in_every_mode_and_editor(
    window: WindowBlender,
    server: FaultyServer,
    add_photos: Callable[[int], Sequence[str]],
    photos: Path,
    output: Path,
) -> None:
    # It goes on until it is cancelled, however long the pictures and the searches take.
    server.script = lambda request: Answer(hang=request.number >= 10)
    add_photos(12)
    label, words = run(
        window,
        """
def steps():
    photos, output, stored.endpoint = arguments
    stored.timeout = 900    # seconds: longer than any test
    scan = bpy.context.scene.scan_cutout
    scan.directory, scan.output_directory = photos, output
    with using():
        bpy.ops.object.mode_set(mode="EDIT")
    yield move(600, 500)
    yield from search("strip b")
    shot("search")
    yield press("RET")
    yield until(lambda: current_job.now() and current_job.now().progress.done > 5)
    yield drawn()
    label = current_job.now().label
    shot("status_bar")
    area().type = "IMAGE_EDITOR"
    yield move(600, 500)
    yield from search("cancel j")
    shot("search_image_editor")
    yield press("RET")
    yield until(lambda: current_job.now() is None)
    yield drawn()
    shot("status_bar_after")
    return label, current_job.last().result.status
""",
        *(photos, output, server.endpoint),
    )
    assert (label, words) == ("Strip Backgrounds", "cancelled")


@pytest.mark.full
def test_test_connection_from_a_menu_shows_what_it_finds(window: WindowBlender, server: FaultyServer) -> None:
    shown = run(
        window,
        """
def steps():
    stored.endpoint = arguments[0]
    yield move(600, 500)
    yield from search("test con")
    yield press("RET")
    yield until(lambda: queries.answer(f"check_endpoint {stored.endpoint}"))
    yield drawn()
    shot("preferences")
    return [each.type for each in bpy.context.window_manager.windows[-1].screen.areas]
""",
        server.endpoint,
    )
    assert shown == ["PREFERENCES"]


@pytest.mark.full
def test_test_connection_says_where_there_is_no_server_to_test(window: WindowBlender) -> None:
    done = window.run(
        BEGIN
        + """
def steps():
    stored.backend = "EMBEDDED"
    with using():
        ended = bpy.ops.scan_cutout.check_endpoint("INVOKE_DEFAULT", show=True)
    yield
    check(queries.answer(f"check_endpoint {stored.endpoint}") is None, "a server was asked")
    return sorted(ended), len(bpy.context.window_manager.windows)
"""
    )
    assert done.result == [["CANCELLED"], 1]
    assert "The backend is Embedded; there is no server to test" in done.console


@pytest.mark.full
@pytest.mark.parametrize("keys", ["", "A"], ids=["one file", "all files of it"])
def test_a_model_is_dropped_on_the_viewport(window: WindowBlender, model: Path, keys: str) -> None:
    objects = run(
        window,
        """
def steps():
    with using():
        bpy.ops.screen.area_split(direction="VERTICAL", factor=0.5)
    yield drawn()
    max((each for each in main_window().screen.areas if each.type == "VIEW_3D"), key=lambda each: each.x).type = (
        "FILE_BROWSER"
    )
    yield until(lambda: area("FILE_BROWSER").spaces.active.params)
    browser = area("FILE_BROWSER").spaces.active
    browser.show_region_toolbar = False
    browser.params.directory = arguments[0].encode()
    browser.params.display_type = "LIST_VERTICAL"
    browser.params.use_filter = False
    yield drawn()
    files = region("WINDOW", "FILE_BROWSER")
    x, y = files.x + 80, files.y + files.height - 45
    dragged = False
    while not dragged:    # a list that is not there yet, since it is read in a thread, has nothing to drag
        yield move(x, y)
        for key in arguments[1]:
            yield press(key)
        main_window().event_simulate(type="LEFTMOUSE", value="PRESS", x=x, y=y)
        yield
        for step in range(1, 12):
            yield move(x - step * 40, y)
        shot("dragged")
        main_window().event_simulate(type="LEFTMOUSE", value="RELEASE", x=x - 440, y=y)
        yield rounds(20)
        dragged = current_job.now() or is_there()
    yield until(is_there)
    shot("dropped")
    return [each.name for each in bpy.data.objects]
""",
        *(model, keys),
    )
    assert {"1.jpg", "2.jpg", "3.jpg", "Vase", "Vase Points"} < set(objects)


def test_undo_takes_back_all_of_an_import_and_redo_brings_it_back(window: WindowBlender, model: Path) -> None:
    started, names = run(
        window,
        """
def steps():
    with using():
        bpy.ops.mesh.primitive_cube_add("EXEC_DEFAULT", True)
    before = count()
    started = import_scan(directory=arguments[0])
    yield until(is_there)
    yield
    after = count()
    for way in ("undo", "redo", "undo"):
        yield undo(way)
        check(count() == (before if way == "undo" else after), f"{way}: {count()}, before {before}, after {after}")
    yield undo()
    check(len(bpy.data.objects) == 3, "the import was more than one step, or took a step with it")
    # As a file handler calls it.
    import_scan(filepath=arguments[0] + "/points3D.txt", directory=arguments[0])
    yield until(is_there)
    return started, [each.name for each in bpy.data.collections["Vase"].all_objects]
""",
        model,
    )
    assert started == ["RUNNING_MODAL"], "the photo with a distorted lens should have kept a worker busy"
    assert {"1.jpg", "2.jpg", "3.jpg"} < set(names)


@pytest.mark.full
def test_a_scan_brought_into_the_scene_is_one_step_to_undo(
    window: WindowBlender, turntable: Path, photos: Path, output: Path
) -> None:
    for photo in sorted((turntable / "photos" / "upright").iterdir())[:12]:
        shutil.copy2(photo, photos)
    before, after, undone, redone, steps = run(
        window,
        """
def steps():
    stored.backend = "EMBEDDED"
    scan = bpy.context.scene.scan_cutout
    scan.directory, scan.output_directory = arguments
    scan.quality = scan.model_quality = "DRAFT"
    with using():
        bpy.ops.mesh.primitive_cube_add("EXEC_DEFAULT", True)
    yield
    before = count()
    job_operator._WATCH = 1     # seconds, as of a scan that takes its time: another operator goes on watching it
    taken = []
    take_up = job_operator._take_up
    job_operator._take_up = lambda: (taken.append(current_job.now() is not None), take_up())[1]
    with using():
        bpy.ops.scan_cutout.scan_to_scene("INVOKE_DEFAULT")
    yield until(lambda: current_job.now() is None)
    check(any(taken), "nobody else has watched the job")
    yield
    after = count()
    shot("scan")
    yield undo()
    undone = count()
    yield undo("redo")
    redone = count()
    yield undo()
    yield undo()
    return before, after, undone, redone, len(bpy.data.objects)
""",
        *(photos, output),
    )
    assert after["cameras"] - before["cameras"] >= 8
    assert after["meshes"] - before["meshes"] == 2, "points and model"
    assert undone == before
    assert redone == after
    assert steps == 3, "the scan was more than one step, or took a step with it"
