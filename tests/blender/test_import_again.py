# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan that is imported again takes the place of the earlier import, and what an artist has done to it stays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from placed_scans import FACTS, make_scan
from rings import small_turn

from bpy_process import Blender

# An artist has used a scan in every way, before it is imported again.
USED = (
    FACTS
    + """
bring(animated_camera=True)
result = {"cameras": len(photos()), "seen": [seen()]}
table = bpy.data.collections.new("Table")
scene.collection.children.link(table)
vase = scene.collection.children["Vase"]
table.children.link(vase)
scene.collection.children.unlink(vase)
vase.objects.link(mine("Glow"))
vase.objects.link(mine("Label", root()))
pick = camera("up/0004.jpg")
table.objects.link(pick)
scene.camera, scene.timeline_markers.new("cut", frame=7).camera = pick, pick
bpy.data.objects["Glow"].constraints.new("TRACK_TO").target = pick
child = mine("Lamp", pick)
vase.objects.link(child)
bpy.context.view_layer.objects.active = models()[0]
models()[0].select_set(True)
vase_layer = bpy.context.view_layer.layer_collection.children["Table"].children["Vase"]
vase_layer.children["Vase Cameras"].hide_viewport = False
bpy.data.objects["Vase Points"].hide_set(False)
camera("up/0002.jpg").hide_set(True)
points = bpy.data.objects["Vase Points"].session_uid
before, kept = everything(), [each.name for each in vase.objects]
bpy.ops.ed.undo_push(message="before")
bring(animated_camera=True)
pick = camera("up/0004.jpg")
vase = bpy.data.collections["Vase"]
result |= {
    "same": everything() == before, "is new": bpy.data.objects["Vase Points"].session_uid != points,
    "children": sorted(each.name for each in bpy.data.collections["Table"].children), "kept": sorted(kept),
    "objects": sorted(each.name for each in vase.objects), "names": sorted(each.name for each in photos()),
    "in table": [each.name for each in bpy.data.collections["Table"].objects],
    "uses": [scene.camera.name, scene.timeline_markers["cut"].camera.name,
             bpy.data.objects["Glow"].constraints[0].target.name, bpy.data.objects["Lamp"].parent.name],
    "active": bpy.context.view_layer.objects.active.name, "selected": models()[0].select_get(),
    "visible": [bpy.data.objects[name].visible_get() for name in ("Vase Points", "up/0003.jpg", "up/0002.jpg")],
    "roots": sorted(each.name for each in bpy.data.objects if each.type == "EMPTY" and not each.parent),
    "tour": [bpy.data.objects["Vase Tour"].animation_data.action.name, len(bpy.data.actions)],
}
result["seen"] += [seen()]
bpy.ops.ed.undo_push(message="after")
bpy.ops.ed.undo()
result["undone"] = everything() == before
"""
)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Give a job folder with eighteen photos of a box, and its model."""
    return make_scan(tmp_path / "Vase")


@pytest.mark.compat
def test_it_takes_the_place_of_the_earlier_import(blender_installed: Blender, scan: Path) -> None:
    run = blender_installed.run(USED, scan)
    found = run.result
    assert "in place of the earlier import" in run.stdout + run.stderr
    assert found["same"]
    assert found["is new"]
    assert found["undone"]
    assert found["cameras"] == len(found["names"]) == 18
    assert found["children"] == ["Vase"]
    assert found["objects"] == found["kept"]
    assert {"Glow", "Label", "Lamp"} <= set(found["objects"])
    assert found["in table"] == ["up/0004.jpg"]
    assert found["uses"] == ["up/0004.jpg"] * 4
    assert (found["active"], found["selected"]) == ("Vase Model", True)
    assert found["visible"] == [True, True, False]
    assert found["roots"] == ["Glow", "Vase"]
    np.testing.assert_allclose(*found["seen"], atol=1e-5)


@pytest.mark.compat
def test_or_it_is_added_and_the_earlier_one_stays_as_it_is(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        FACTS
        + """
bring()
first = set(bpy.data.objects)
before = {each.name: [list(row) for row in each.matrix_world] for each in first}
bring(same_scan="ADD")
result = [len(photos()), [each.name for each in models()], sorted(each.name for each in scene.collection.children),
          {each.name: [list(row) for row in each.matrix_world] for each in first} == before]
# Of the two, the one that is active is replaced; else the last.
bpy.context.view_layer.objects.active = bpy.data.objects["Vase Points"]
bpy.data.objects["Vase"].location.x = 3
def points():
    return [bpy.data.objects[name].session_uid for name in ("Vase Points", "Vase Points.001")]
def replaced():
    before = points()
    bring()
    return [one != other for one, other in zip(before, points())]
result += [replaced(), len(photos()), bpy.data.objects["Vase"].location.x, len(models())]
bpy.context.view_layer.objects.active = None
result += [replaced()]
""",
        scan,
    ).result
    assert found == [
        36,
        ["Vase Model", "Vase Model.001"],
        ["Collection", "Vase", "Vase.001"],
        True,
        [True, False],
        36,
        3,
        2,
        [False, True],
    ]


@pytest.mark.parametrize("is_placed", [False, True])
def test_another_solve_comes_into_the_same_place(
    blender_installed: Blender, scan: Path, tmp_path: Path, is_placed: bool
) -> None:
    """What is parented to the scan stands as it did to the object, whose frame is another that is a third as large."""
    make_scan(tmp_path / "Other", small_turn(np.array([5.0, 50.0, 100.0])), 3.0)
    found = blender_installed.run(
        FACTS
        + """
import shutil
bring()
if json.loads(arguments[2]):
    root().location, root().scale = (3, -2, 1), (2, 2, 2)
    bpy.context.view_layer.update()
label = mine("Label", root(), (0.2, 0.1, 0.3))
scene.collection.children["Vase"].objects.link(label)
own = camera("up/0001.jpg")
own.location.x += 0.1
result = [where(label), where(own), ends(), list(root().location), seen()]
shutil.copytree(arguments[1], arguments[0], dirs_exist_ok=True)
bring()
result += [where(label), where(own), ends(), list(root().location), seen()]
""",
        scan,
        tmp_path / "Other",
        json.dumps(is_placed),
    ).result
    label, own, put, place, shown, *again = found
    for before, after in ((label, again[0]), (own, again[1])):
        np.testing.assert_allclose(np.linalg.norm(after), 3 * np.linalg.norm(before), rtol=1e-3)
    scale = 1 if is_placed else 3
    np.testing.assert_allclose(again[2], scale * np.array(put), atol=2e-3)
    np.testing.assert_allclose(again[3], scale * np.array(place), atol=2e-3)
    np.testing.assert_allclose(again[4], shown, atol=1e-3)


def test_photos_come_and_go_with_their_cameras(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        FACTS
        + """
import os
bring()
cameras = scene.collection.children["Vase"].children["Vase Cameras"]
cameras.name = "Ring"
# Copies that somebody has made are theirs, though nothing was done to them since.
for name in ("up/0003.jpg", "Vase Points"):
    copy = bpy.data.objects[name].copy()
    copy.name = "Copy of " + name
    cameras.objects.link(copy)
images = os.path.join(arguments[0], "engines", "colmap", "sparse", "images.txt")
with open(images) as file:
    content = file.read()
with open(images, "w") as file:
    file.write(content.replace("up/0007.jpg", "up/late.jpg"))
bring()
result = sorted(each.name for each in cameras.objects), len(photos()), len(bpy.data.collections["Ring"].objects)
""",
        scan,
    ).result
    names, count, inside = found
    assert (count, inside) == (18, 20)
    assert {"up/0003.jpg", "Copy of up/0003.jpg", "Copy of Vase Points"} < set(names)
    assert "up/late.jpg" in names
    assert "up/0007.jpg" not in names


def test_a_scan_that_was_put_somewhere_is_replaced_where_it_stands(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        FACTS
        + """
result = []
for edit in ("root().scale = (2, 2, 2)", "root().parent = bpy.data.objects.new('Table', None)",
             "root().constraints.new('COPY_LOCATION')", "root().name = 'Hero'"):
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    bring()
    exec(edit)
    before = [matrix(), root().parent and root().parent.name, len(root().constraints), root().name]
    bring()
    result.append([len(models()), len(photos()),
                   [matrix(), root().parent and root().parent.name, len(root().constraints), root().name] == before])
""",
        scan,
    ).result
    assert found == [[1, 18, True]] * 4


def test_a_scan_without_its_cameras_stays_where_it_was_put(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        FACTS
        + """
bring()
root().location, root().scale = (3, -2, 1), root().scale * 2
before = ends()
result = []
for _ in range(2):
    bpy.data.batch_remove(photos())
    bring()
    result += [np.abs(np.array(ends()) - before).max(), [each.visible_get() for each in photos()]]
""",
        scan,
    ).result
    assert found == [pytest.approx(0, abs=1e-4), [False] * 18] * 2


@pytest.mark.compat
def test_an_error_of_any_kind_leaves_the_file_as_it_was(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        FACTS
        + """
from bl_ext.user_default.scan_cutout.scene import model_texture, placing

def gone(*_, **__):
    raise ZeroDivisionError("in mid-air")

def tried():
    try:
        bring(animated_camera=True)
    except RuntimeError as error:
        return "in mid-air" in str(error)

first, put_first = everything(), placing.put_first
placing.put_first = gone
try:
    result = [tried(), everything() == first]
    placing.put_first = put_first
    bring(animated_camera=True)
    before = everything(), seen(), matrix()
    placing.put_first = gone
    result += [tried(), (everything(), seen(), matrix()) == before, len(photos())]
finally:
    placing.put_first = put_first
""",
        scan,
    ).result
    assert found == [True, True, True, True, 18]


def test_the_first_model_hides_cameras_and_points_as_any_does(blender_installed: Blender, scan: Path) -> None:
    (scan / "model").rename(scan / "later")
    found = blender_installed.run(
        FACTS
        + """
import os
def visible():
    things = (bpy.data.objects["Vase Points"], photos()[0])
    return [[each.visible_get() for each in things], things[0].hide_render]
bring()
result = [visible()]
os.rename(os.path.join(arguments[0], "later"), os.path.join(arguments[0], "model"))
bring()
result += [visible(), [each.visible_get() for each in models()]]
""",
        scan,
    ).result
    assert found == [[[True, True], False], [[False, False], True], [True]]
