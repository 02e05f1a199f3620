# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a scan stands in the scene: upright when it comes, by operators afterwards, and after a new import."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from placed_scans import BEGIN, TOP, TURN, make_scan
from rings import small_turn

from bpy_process import Blender


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Give a job folder with ten photos of a box that stands upright, and eight of it upside down."""
    return make_scan(tmp_path / "Vase")


@pytest.mark.compat
def test_a_scan_comes_upright_centred_and_to_scale(blender_installed: Blender, scan: Path) -> None:
    run = blender_installed.run(
        BEGIN
        + """
bring(height=0.2)
result = {"ends": ends(), "top": top(), "front": list(camera("up/0000.jpg").matrix_world.translation),
          "local": [list(row) for row in models()[0].matrix_basis], "root": root().type}
""",
        scan,
        TOP,
    )
    found = run.result
    assert "upright as in the 10 photos of up" in run.stdout + run.stderr
    np.testing.assert_allclose(found["ends"], [[-0.05, -0.07, 0], [0.05, 0.07, 0.2]], atol=1e-4)
    np.testing.assert_allclose(found["top"], [0, 0, 0.2], atol=1e-4)
    assert found["front"][1] < -0.3
    assert abs(found["front"][0]) < 1e-3
    assert found["root"] == "EMPTY"
    np.testing.assert_array_equal(found["local"], np.eye(4), "all is on the root")


@pytest.mark.compat
def test_a_typed_distance_between_two_points_scales_about_the_foot(blender_installed: Blender, scan: Path) -> None:
    """In a scene's units, wherever the artist has put the scan; the photos' cameras show what they did."""
    found = blender_installed.run(
        BEGIN
        + """
bring()
(model,) = models()
bpy.ops.scan_cutout.look_through_photo(camera=camera("up/0003.jpg").name)
def seen():
    bpy.context.view_layer.update()
    return [list(world_to_camera_view(scene, scene.camera, model.matrix_world @ each.co))[:2]
            for each in model.data.vertices]
def facts():
    return [scene.camera.data.clip_start, scene.camera.data.clip_end]
def world(vector):
    bpy.context.view_layer.update()
    return model.matrix_world @ Vector(vector)
result = {"seen": [seen()], "facts": [facts()], "drawn": [scene.camera.data.display_size]}
table = bpy.data.objects.new("Table", None)
scene.collection.objects.link(table)
table.location, table.rotation_euler = (3, -2, 0.7), (0.3, 0, 1)
root().parent = table
result["foot"] = [list(world(json.loads(arguments[1])[0]))]
low, high = (world(each) for each in json.loads(arguments[1]))
bpy.ops.scan_cutout.scale_by_distance(point_a=low, point_b=high, distance=0.5)
result["height"] = (world(json.loads(arguments[1])[1]) - world(json.loads(arguments[1])[0])).length
result["foot"] += [list(world(json.loads(arguments[1])[0]))]
result["seen"] += [seen()]
result["facts"] += [facts()]
result["drawn"] += [scene.camera.data.display_size]
""",
        scan,
        json.dumps([(TURN @ [0, 0, -1.0]).tolist(), (TURN @ [0, 0, 1.0]).tolist()]),
    ).result
    assert found["height"] == pytest.approx(0.5, rel=1e-5)
    np.testing.assert_allclose(*found["seen"], atol=1e-5)
    np.testing.assert_allclose(found["facts"][1], np.array(found["facts"][0]) / 4, rtol=1e-4)
    assert found["drawn"][0] == found["drawn"][1], "Blender draws a camera as large as its parents are scaled"
    # It lies askew on the table now: what is lowest is not its foot, so only roughly there.
    np.testing.assert_allclose(*found["foot"], atol=0.6)


def test_scaled_about_the_foot_it_stays_on_the_floor(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        BEGIN
        + """
bring()
root().location.x += 5
bpy.context.view_layer.update()
bpy.ops.scan_cutout.scale_by_distance(point_a=(5, 0, 0), point_b=(5, 1, 0), distance=3)
result = ends()
""",
        scan,
    ).result
    np.testing.assert_allclose(found, [[3.5, -2.1, 0], [6.5, 2.1, 6]], atol=1e-3)


def test_two_vertices_selected_in_edit_mode_are_the_points(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        BEGIN
        + """
import bmesh
bring()
(model,) = models()
bpy.context.view_layer.objects.active = model
places = [each.co.copy() for each in model.data.vertices]
far = max(range(len(places)), key=lambda number: (places[number] - places[0]).length)
result = [(places[far] - places[0]).length]
bpy.ops.object.mode_set(mode="EDIT")
def select(*numbers):
    inside = bmesh.from_edit_mesh(model.data)
    for each in inside.verts:
        each.select_set(each.index in numbers)
    bmesh.update_edit_mesh(model.data)
select(0)
result += [refused("scale_by_distance", distance=1), model.mode]
select(0, far)
bpy.ops.scan_cutout.scale_by_distance(distance=1)
bpy.context.view_layer.update()
world = [model.matrix_world @ places[each] for each in (0, far)]
result += [model.mode, (world[0] - world[1]).length]
bring()
result += [len(models()), root().matrix_basis.to_scale()[0] * result[0]]
""",
        scan,
    ).result
    before, words, mode, after_mode, after, count, again = found
    assert "select two vertices" in words
    assert (mode, after_mode) == ("EDIT", "OBJECT")
    assert before > 2
    assert after == pytest.approx(1, rel=1e-5)
    assert (count, again) == (1, pytest.approx(1, rel=1e-4)), "to select is no work on the model"


@pytest.mark.compat
def test_reset_and_undo_bring_back_what_was(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        BEGIN
        + """
bring()
size = camera("up/0000.jpg").data.clip_end
came = matrix()
bpy.ops.ed.undo_push(message="came")
bpy.ops.scan_cutout.scale_by_distance(point_a=(0, 0, 0), point_b=(0, 0, 1), distance=3)
bpy.ops.ed.undo_push(message="scaled")
scaled = matrix()
bpy.ops.ed.undo()
undone = matrix()
bpy.ops.ed.redo()
bpy.ops.scan_cutout.reset_placement()
result = [came, scaled, undone, matrix(), camera("up/0000.jpg").data.clip_end / size]
bring(upright=False)
result += [matrix()]
""",
        scan,
    ).result
    came, scaled, undone, reset, size, plain = found
    np.testing.assert_allclose(undone, came, atol=1e-6)
    np.testing.assert_allclose(scaled, 3 * np.array(came) - np.diag([0, 0, 0, 2]), atol=1e-4)
    for matrix in (reset, plain):
        np.testing.assert_allclose(matrix, [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]], atol=1e-6)
    assert size == pytest.approx(1, rel=1e-5)


@pytest.mark.compat
def test_a_new_import_comes_where_the_earlier_one_was_put(
    blender_installed: Blender, scan: Path, tmp_path: Path
) -> None:
    """Also from another solve of the photos, whose frame is another."""
    code = (
        BEGIN
        + """
import shutil
bring()
bpy.ops.scan_cutout.stand_upright(front="up/0004.jpg")
bpy.ops.scan_cutout.scale_by_distance(point_a=(0, 0, 0), point_b=(0, 0, 2), distance=0.3)
result = [ends(), list(camera("up/0004.jpg").matrix_world.translation)]
for source in (None, arguments[1]):
    if source:
        shutil.copytree(source, arguments[0], dirs_exist_ok=True)
    bring()
    result += [len(models()), ends(), list(camera("up/0004.jpg").matrix_world.translation)]
# Where an artist has put it without our operators, too; unless it shall come beside it, as it comes.
root().location.x = 4
for how in ("REPLACE", "ADD"):
    bring(same_scan=how)
    result += [sorted(each.parent.location.x for each in models())]
"""
    )
    make_scan(tmp_path / "Other", small_turn(np.array([5.0, 50.0, 100.0])), 3.0)
    found = blender_installed.run(code, scan, tmp_path / "Other").result
    put, front, *again = found[:8]
    np.testing.assert_allclose(put[1][2] - put[0][2], 0.3, rtol=1e-4)
    assert abs(front[0]) < 1e-3
    for count, ends, place in (again[:3], again[3:]):
        assert count == 1
        np.testing.assert_allclose(ends, put, atol=1e-4)
        np.testing.assert_allclose(place, front, atol=1e-4)
    replaced, added = found[8:]
    assert replaced == [4]
    assert np.round(added, 3).tolist() == [0, 4]
