# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan is placed by hand: from the sidebar, and by two clicks on its model and a typed distance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from placed_scans import make_scan

from blender_window import WindowBlender

PICK = """
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Vector

def place_of(point):
    where = region()
    at = location_3d_to_region_2d(where, area().spaces.active.region_3d, Vector(point))
    return where.x + at.x, where.y + at.y

def height():
    (model,) = [each for each in bpy.data.objects if "scan_cutout_model" in each.keys()]
    return max((model.matrix_world @ each.co).z for each in model.data.vertices)

def modal():
    return [each.bl_idname for each in main_window().modal_operators]

def steps():
    for name in ("Cube", "Camera", "Light"):
        bpy.data.objects.remove(bpy.data.objects[name])
    with using():
        bpy.ops.scan_cutout.import_reconstruction("EXEC_DEFAULT", directory=arguments[0])
        bpy.context.preferences.view.smooth_view = 0
        bpy.ops.ed.undo_push(message="Import")
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_all()
    scene = bpy.context.scene
    scene.camera = bpy.data.objects["up/0002.jpg"]
    yield sidebar("Scan Cutout")
    for each in area().regions:
        each.tag_redraw()
    yield drawn()

    # From the menu, as its search finds it.
    with using():
        bpy.ops.scan_cutout.scale_by_distance("INVOKE_DEFAULT")
    yield drawn()
    check(modal() == ["SCAN_CUTOUT_OT_scale_by_distance"], modal())
    before = height()
    yield click(*place_of((-5, 0, 1)))                      # beside the model
    yield click(*place_of((0.2, -0.7, 0.25 * before)))
    yield drawn()
    shot("first")
    yield click(*place_of((0.2, -0.7, 0.75 * before)))
    yield until(lambda: not modal(), "the picking to end")
    yield drawn()
    # The dialog opens with the right end of its field under the mouse.
    x, y = place_of((0.2, -0.7, 0.75 * before))
    yield move(x - 60, y)
    yield click(x - 60, y)
    yield press("A", ctrl=True)
    yield write("0.5")
    yield press("RET")
    yield drawn()
    shot("dialog")
    yield press("RET")
    yield until(lambda: abs(height() - before) > 0.01, "the scan to be scaled")
    result = [before, height()]
    yield drawn()
    with using():
        bpy.ops.ed.undo()
    yield drawn()
    result.append(height())
    with using():
        bpy.ops.view3d.view_all()
        bpy.ops.scan_cutout.scale_by_distance("INVOKE_DEFAULT")
    yield drawn()
    yield press("ESC")
    yield until(lambda: not modal(), "Esc to end it")
    check(height() == result[-1], "something was changed")

    # By hand the sidebar says how.
    settings = bpy.context.scene.scan_cutout
    settings.height = 0.4
    with using():
        bpy.ops.scan_cutout.stand_upright("INVOKE_DEFAULT", front="up/0003.jpg")
    yield drawn()
    bpy.context.view_layer.update()
    by_call = height()
    settings.height = 0.8
    where = region("UI")
    yield move(where.x + where.width // 2, where.y + where.height // 2)
    for _ in range(30):
        yield press("WHEELDOWNMOUSE")
    yield drawn()
    shot("panel")
    yield click(*(yield from find("scan_cutout.stand_upright")))
    yield until(lambda: abs(height() - by_call) > 0.01, "the button to scale the scan")
    return [*result, by_call, height(), settings.front, list(bpy.data.objects["up/0003.jpg"].matrix_world.translation)]
"""


def test_two_points_are_clicked_and_their_distance_is_typed(window: WindowBlender, tmp_path: Path) -> None:
    run = window.run(PICK, make_scan(tmp_path / "Vase"))
    before, after, undone, upright, by_button, front, place = run.result
    assert before == pytest.approx(2, rel=1e-4)
    assert after == pytest.approx(1, rel=0.01), "half of it is half a metre"
    assert undone == pytest.approx(before)
    assert upright == pytest.approx(0.4, rel=1e-4)
    assert by_button == pytest.approx(0.8, rel=1e-4)
    assert front == "up/0003.jpg"
    assert place[1] < -1
    assert abs(place[0]) < 1e-3
    # A mark in a colour that nothing else has.
    picture = np.asarray(Image.open(run.folder / "first.png").convert("RGB"), int)
    marked = (picture[..., 0] > 200) & (picture[..., 1] > 60) & (picture[..., 1] < 150) & (picture[..., 2] < 60)
    assert marked[300:800, 300:1000].sum() > 20
