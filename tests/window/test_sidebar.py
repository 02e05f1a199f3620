# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar in every state, at the width of 260 pixels, in the dark theme and the light one.

The console has to stay clean in all of them; the pictures are for eyes, and the README has some.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TURNTABLE
from faulty_server import FaultyServer
from PIL import Image

from blender_window import WindowBlender
from rembg_server import RembgServer

pytestmark = pytest.mark.full

AddPhotos = Callable[[int], Sequence[str]]
Keep = Callable[[str, Sequence[Path], tuple[int, int, int, int]], None]

# What the scripts begin with; ``arguments`` are the photo folder, the output folder and the endpoint.
BEGIN = """
import os
from bl_ext.user_default.scan_cutout.session import current_job, survey, thumbnails

photos, output, endpoint = arguments[:3]

def shown():
    return bpy.context.scene.scan_cutout

def set_up():
    stored = bpy.context.preferences.addons["bl_ext.user_default.scan_cutout"].preferences
    stored.endpoint, stored.model = endpoint, "u2netp"
    stored.timeout = 900    # seconds: longer than any test, so that a held job is held, and none ends by itself

def choose():
    # Beside the .blend, as it is for most; and short enough to be read in the README's pictures.
    beside = os.path.dirname(photos)
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(beside, "scan.blend"))
    shown().output_directory = "//" + os.path.relpath(output, beside)
    shown().directory = "//" + os.path.relpath(photos, beside)
    return until(lambda: survey.found(shown()) and not survey.is_asked())

def open_sidebar():
    yield sidebar("Scan Cutout")
    yield drawn()
    # As wide as the smallest that has to do, pulled by its edge.
    where = region("UI")
    x, y, target = where.x, where.y + where.height // 3, where.x + where.width - 260
    yield move(x, y)
    main_window().event_simulate(type="LEFTMOUSE", value="PRESS", x=x, y=y)
    yield
    for step in range(1, 11):
        yield move(x + (target - x) * step / 10, y)
    main_window().event_simulate(type="LEFTMOUSE", value="RELEASE", x=target, y=y)
    yield drawn()
    check(region("UI").width == 260, f"the sidebar is {region('UI').width} wide")

def button(operator, scrolling="WHEELUPMOUSE"):
    back = {"WHEELUPMOUSE": "WHEELDOWNMOUSE", "WHEELDOWNMOUSE": "WHEELUPMOUSE"}[scrolling]
    yield from scroll(scrolling)
    for _ in range(6):    # all of the panels together are higher than the screen
        place = yield from find(operator)
        if place:
            return place
        yield from scroll(back, 8)
    check(False, f"{operator} is not to be found")
    return 0, 0

def scroll(kind, steps=60):
    where = region("UI")
    yield move(where.x + 60, where.y + 60)
    for _ in range(steps):
        press(kind)
    yield drawn()

def pictures(name):
    yield move(600, 500)
    yield drawn()
    shot(name)
    light = [os.path.join(folder, "Blender_Light.xml") for each in bpy.utils.script_paths() for folder, _, names
             in os.walk(each) if "Blender_Light.xml" in names][0]
    bpy.ops.script.execute_preset(filepath=light, menu_idname="USERPREF_MT_interface_theme_presets")
    yield drawn()
    shot(name + "_light")
    with using():
        bpy.ops.preferences.reset_default_theme()
    yield drawn()

def is_over():
    return current_job.now() is None and not survey.is_asked()
"""


def run(window: WindowBlender, code: str, *arguments: object, **more: Any) -> Any:
    done = window.run(BEGIN + code, *arguments, **more)
    return done.result, done.folder


def show(folder: Path, name: str) -> np.ndarray:
    """Give the sidebar's pixels of a picture."""
    return np.asarray(Image.open(folder / f"{name}.png").convert("RGB").crop((1050, 60, 1310, 900)), int)


FROM_FOLDER_TO_RETRY = """
def steps():
    import shutil
    set_up()
    yield from open_sidebar()
    yield from pictures("idle")
    yield click(*(yield from button("scan_cutout.scan_to_scene")))
    check(current_job.now() is None and current_job.last() is None, "without a folder, a job was started")
    check(survey.found(shown()) is None, "something was found without a folder")

    shown().directory = photos
    yield until(lambda: survey.found(shown()))
    yield until(lambda: not survey.is_asked())
    shown().output_directory = photos + "/output"
    yield until(lambda: not survey.is_asked())
    yield click(*(yield from button("scan_cutout.strip_backgrounds", "WHEELDOWNMOUSE")))
    yield drawn()
    check(current_job.now() is None, "a job was started that writes among the photos")
    yield from pictures("refused")
    yield press("ESC")

    yield choose()
    found = survey.found(shown())
    check(len(thumbnails.surveyed.icons()) == len(found.details["thumbnails"]) > 4, "thumbnails are not shown")
    yield from scroll("WHEELUPMOUSE")
    yield from pictures("chosen")
    yield click(*(yield from button("scan_cutout.strip_backgrounds", "WHEELDOWNMOUSE")))
    check(current_job.now() is not None, "the button did not start a job")
    yield until(lambda: current_job.now().progress.done >= 8)
    yield from scroll("WHEELUPMOUSE")
    yield from pictures("running")
    check(len(thumbnails.latest.icons()) >= 1, "no photo of the job is shown")
    check(not bpy.ops.scan_cutout.reconstruct.poll(), "a second job could be started")
    open(arguments[5], "w").close()
    yield until(is_over)
    yield from pictures("errors")
    failed = survey.found(shown()).details["output"]["failed"]
    yield from scroll("WHEELDOWNMOUSE")
    yield from pictures("errors_below")

    shutil.copy(arguments[3], arguments[4])
    before = current_job.last()
    yield click(*(yield from button("scan_cutout.strip_backgrounds")))    # the first of its buttons: Retry
    yield until(lambda: current_job.now() is not None or current_job.last() is not before, what="Retry to do something")
    yield until(is_over)
    told = current_job.last().result.details["photos"]
    bpy.ops.wm.save_mainfile()
    return failed, told, survey.found(shown()).details["output"]
"""


def test_the_sidebar_from_the_choice_of_a_folder_to_a_retry(
    window: WindowBlender,
    rembg: RembgServer,
    server: FaultyServer,
    photos: Path,
    output: Path,
    tmp_path: Path,
    keep: Keep,
) -> None:
    # The job stands still while its pictures are taken, or it might be over by then.
    go = tmp_path / "go"
    server.script = server.passed_on(rembg.endpoint, 16, go)
    shutil.copytree(TURNTABLE / "photos", photos, dirs_exist_ok=True)
    damaged = photos / "upright" / "IMG_0004.JPG"
    damaged.write_bytes(b"damaged")
    (photos / "flipped" / "DSC_0041.NEF").write_bytes(b"raw")
    (tmp_path / "whole").mkdir()
    code = FROM_FOLDER_TO_RETRY
    whole = TURNTABLE / "photos" / "upright" / "IMG_0004.JPG"
    (failed, told, left), folder = run(window, code, photos, output, server.endpoint, whole, damaged, go)
    assert set(failed) == {"upright/IMG_0004.JPG", "flipped/DSC_0041.NEF"}
    assert "is a RAW file" in failed["flipped/DSC_0041.NEF"]
    assert (told["done"], told["made"]) == (40, 1)
    assert list(left["failed"]) == ["flipped/DSC_0041.NEF"]
    assert left["masks"] == 40
    for name in ("idle", "refused", "chosen", "running", "errors", "errors_below"):
        dark, light = show(folder, name), show(folder, f"{name}_light")
        assert dark.mean() < 100 < light.mean()
    # The outlines of the last masks, in a green that nothing else has.
    running = show(folder, "running")
    assert ((running[..., 1] > 200) & (running[..., 0] < 120) & (running[..., 2] < 120)).sum() > 100
    shown = ["idle", "chosen", "running", "errors", "running_light"]
    keep("sidebar", [folder / f"{name}.png" for name in shown], (1050, 84, 1312, 880))

    # Another Blender knows nothing of the job, and the panel tells it all the same, from what it left.
    code = """
def steps():
    bpy.ops.wm.open_mainfile(filepath=arguments[3])
    yield until(lambda: survey.found(shown()))
    yield from open_sidebar()
    yield from pictures("opened")
    return current_job.last() is None, survey.found(shown()).details["output"]
"""
    (is_new, again), _ = run(window, code, photos, output, rembg.endpoint, tmp_path / "scan.blend")
    assert is_new
    assert again == left


def test_a_script_needs_no_settings_of_the_scene(
    window: WindowBlender, rembg: RembgServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    names = add_photos(2)
    code = """
def steps():
    set_up()
    yield sidebar("Scan Cutout")
    with using():
        return sorted(bpy.ops.scan_cutout.strip_backgrounds(directory=photos, output_directory=output))
"""
    assert run(window, code, photos, output, rembg.endpoint)[0] == ["FINISHED"]
    assert len(list((output / "masks").iterdir())) == len(names)


# Where the finished model is in its pictures.
FINISHED = (257, 110, 1057, 810)
TO_THE_MODEL = """
from math import radians
from mathutils import Euler

def model_as_it_stands():
    (model,) = [each for each in bpy.data.objects if "scan_cutout_model" in each.keys()]
    heights = [(model.matrix_world @ each.co).z for each in model.data.vertices]
    cameras = [each.matrix_world for each in model.parent.children if "scan_cutout_photo" in (each.data or {}).keys()]
    nodes = [each for each in model.data.materials[0].node_tree.nodes if each.type == "TEX_IMAGE"]
    return {
        "bottom": min(heights), "top": max(heights), "cameras": [each.translation[:] for each in cameras],
        "up": [each.col[1].to_3d().normalized().z for each in cameras],     # where the photos' upper edges are
        "maps": [each.name for each in model.data.uv_layers],
        "pictures": [[*each.image.size, each.image.packed_file is not None] for each in nodes],
        "shown": [link.to_node.type for each in nodes for link in each.outputs["Color"].links],
    }

def steps():
    set_up()
    shown().quality = shown().model_quality = "DRAFT"
    shown().height = 0.2
    yield choose()
    yield from open_sidebar()
    yield click(*(yield from button("scan_cutout.scan_to_scene")))
    yield until(lambda: current_job.now().title == "Reconstruct" and current_job.now().progress.step)
    yield from pictures("solving")
    yield until(lambda: current_job.now().title == "Build Model" and current_job.now().progress.step)
    yield from pictures("building")
    yield from scroll("WHEELUPMOUSE")
    yield until(lambda: current_job.now().title == "Texture Model" and current_job.now().progress.step)
    yield from pictures("painting")
    yield until(is_over)
    check(current_job.last().result.status == "done", current_job.last().result)
    yield from pictures("done")
    yield from scroll("WHEELDOWNMOUSE")
    yield from pictures("done_below")
    finished = model_as_it_stands()
    yield click(*(yield from button("scan_cutout.look_through_photo", "WHEELDOWNMOUSE")))
    looked = bpy.context.scene.camera.name
    check(bpy.context.scene.camera.visible_get(), "behind a hidden camera there is no picture")
    yield drawn()
    shot("looked_through")
    with using():
        bpy.ops.view3d.view_camera()             # out of the camera again
    for name in ("Cube", "Camera", "Light"):
        bpy.data.objects.remove(bpy.data.objects[name])
    bpy.context.preferences.view.smooth_view = 0
    view = area().spaces.active
    view.shading.type = "MATERIAL"               # the mesh's own colours
    view.overlay.show_relationship_lines = False
    with using():
        bpy.ops.object.select_all(action="DESELECT")
    away = max(each.matrix_world.translation.length for each in bpy.data.objects if each.type == "CAMERA")
    view.region_3d.view_location, view.region_3d.view_distance = (0, 0, 0.1), 2.2 * away
    yield from scroll("WHEELUPMOUSE")
    yield move(600, 500)
    yield 15 if arguments[3:] else drawn()       # shaders are compiled, for the README's picture
    shot("scan")
    view.show_region_ui = view.overlay.show_overlays = view.show_gizmo = False
    view.region_3d.view_rotation = Euler((radians(72), 0, radians(35))).to_quaternion()
    view.region_3d.view_distance = 0.4
    yield 5 if arguments[3:] else drawn()
    shot("finished")
    view.shading.type, view.shading.color_type = "SOLID", "TEXTURE"     # which waits for no shaders
    yield drawn()
    shot("textured")
    view.show_region_ui = True
    yield drawn()
    place = yield from button("scan_cutout.import_reconstruction", "WHEELDOWNMOUSE")
    before, points = len(bpy.data.cameras), bpy.data.objects["output Points"].session_uid
    yield click(*place)
    yield until(lambda: bpy.data.objects["output Points"].session_uid != points)
    yield until(is_over)
    models = [each.name for each in bpy.data.objects if "scan_cutout_model" in each.keys()]
    solved = survey.found(shown()).details["output"]["solved"]
    return looked, before, len(bpy.data.cameras), solved, models, finished, model_as_it_stands()
"""


def test_a_scan_from_one_button_to_the_model_in_the_scene(
    window: WindowBlender, rembg: RembgServer, photos: Path, output: Path, keep: Keep
) -> None:
    shutil.copytree(TURNTABLE / "photos" / "upright", photos, dirs_exist_ok=True)
    more = ["pictures"] if os.environ.get("README_PICTURES") else []
    found, folder = run(window, TO_THE_MODEL, photos, output, rembg.endpoint, *more)
    looked, before, after, solved, models, *finished = found
    keep("window", [folder / "scan.png"], (0, 0, 1600, 1000))
    keep("finished", [folder / "finished.png"], FINISHED)
    keep(
        "sidebar_finished",
        [folder / f"{name}.png" for name in ("painting", "done", "done_below")],
        (1050, 84, 1312, 904),
    )
    for found in finished:
        stands_finished(found)
    with Image.open(folder / "textured.png") as picture:
        red, green, blue = np.asarray(picture.convert("RGB").crop(FINISHED), int).transpose(2, 0, 1)
    blue, orange = (blue > red + 40) & (blue > green), red > blue + 40
    rim, foot = ([int(each[rows].sum()) for each in (blue, orange)] for rows in (slice(100, 200), slice(450, 600)))
    assert rim[0] > max(2000, rim[1]), f"its blue rim is not above: {rim}, {foot}"
    assert foot[1] > max(2000, 3 * foot[0]), f"its orange foot is not below: {rim}, {foot}"
    assert looked != "Camera"
    assert after == before, "the button in the panel Import did not put what was solved into the place of the first"
    assert [(each["engine"], each["total"]) for each in solved] == [("COLMAP", 20)]
    assert solved[0]["model"]["faces"] > 50_000
    assert solved[0]["model"]["texture"] == {"size": 2048}
    assert models == ["output Model"], "the second one did not take the place of the first"


def stands_finished(found: dict[str, Any]) -> None:
    """The model has its texture and its height, and stands on the floor: the photos' ring lies around it, level."""
    assert (found["maps"], found["pictures"], found["shown"]) == (["UVMap"], [[2048, 2048, True]], ["BSDF_PRINCIPLED"])
    assert found["top"] == pytest.approx(0.2, rel=0.01)
    assert abs(found["bottom"]) < 0.003 * 0.2
    cameras = np.array(found["cameras"])
    assert len(cameras) == 20
    assert np.ptp(cameras[:, 2]) < 0.02 * np.linalg.norm(cameras[:, :2], axis=1).mean()
    assert min(found["up"]) > 0.5


def test_nothing_is_left_when_the_extension_is_switched_off(
    window: WindowBlender, rembg: RembgServer, add_photos: AddPhotos, photos: Path, output: Path
) -> None:
    add_photos(3)
    code = """
def steps():
    set_up()
    yield from open_sidebar()
    yield choose()
    yield drawn()
    for _ in range(2):
        bpy.ops.preferences.addon_disable(module="bl_ext.user_default.scan_cutout")
        left = [each for each in dir(bpy.types) if each.startswith("SCAN_CUTOUT")]
        left += [each for each in bpy.app.handlers.load_post if "scan_cutout" in each.__module__]
        check(not left, left)
        yield drawn()
        bpy.ops.preferences.addon_enable(module="bl_ext.user_default.scan_cutout")
        yield drawn()
    return shown().photos
"""
    assert run(window, code, photos, output, rembg.endpoint)[0] == str(photos)
    window.wait_until_workers_are_gone()
