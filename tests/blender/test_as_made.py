# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has worked on, of the cameras and points of a scan, stays when the scan is imported again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from artists_edits import EACH_EDIT
from placed_scans import FACTS, make_scan

from bpy_process import Blender


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Give a job folder with eighteen photos of a box, and its model."""
    return make_scan(tmp_path / "Vase")


WORK = {
    "it is moved": "shot.location.x += 0.5",
    "it is animated": "shot.keyframe_insert('location', frame=1)",
    "its lens is animated": "shot.data.keyframe_insert('lens', frame=1)",
    "its lens is changed": "shot.data.lens = 85",
    "it is a view without perspective": "shot.data.type = 'ORTHO'",
    "it follows something": "shot.constraints.new('DAMPED_TRACK')",
    "it has depth of field": "shot.data.dof.use_dof = True",
    "it shows a picture of somebody's own": "shot.data.background_images.new()",
}


@pytest.mark.compat
def test_a_camera_that_somebody_has_worked_on_stays_as_their_own(blender_installed: Blender, scan: Path) -> None:
    """What is only shown or named differently is no work, and goes over to the new one."""
    found = blender_installed.run(
        FACTS
        + EACH_EDIT
        + """
result = {}
for name, edit in each_edit():
    shot = scene.camera = camera("up/0004.jpg")
    exec(edit)
    called, place, lens = shot.name, [list(row) for row in shot.matrix_basis], shot.data.lens
    bring()
    new, kept = camera("up/0004.jpg"), bpy.data.objects[called]
    result[name] = [len(photos()), scene.camera == new, scene.camera == kept, len(bpy.data.cameras), new.name,
                    [list(row) for row in kept.matrix_basis] == place and kept.data.lens == lens]
""",
        scan,
        json.dumps({"nothing": "", "it is renamed": "shot.name = 'Hero'; shot.hide_render = True", **WORK}),
    ).result
    assert found.pop("nothing") == [18, True, True, 18, "up/0004.jpg", True]
    assert found.pop("it is renamed") == [18, True, True, 18, "Hero", True]
    assert found == {name: [18, False, True, 19, "up/0004.jpg.001", True] for name in WORK}


def test_points_and_a_tour_that_somebody_has_worked_on_stay(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        FACTS
        + """
def curves(action):
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    (strip,) = action.layers[0].strips
    return [curve for bag in strip.channelbags for curve in bag.fcurves]

def names():
    return sorted(each.name for each in bpy.data.objects if "Points" in each.name or "Tour" in each.name)
bring(animated_camera=True)
scene.frame_set(5)
bring(animated_camera=True)
result = [names()]
bpy.data.objects["Vase Points"].data.vertices[0].co.x += 1
curves(bpy.data.objects["Vase Tour"].animation_data.action)[0].keyframe_points[2].co.y += 1
bring(animated_camera=True)
result += [names()]
bpy.ops.wm.read_homefile(use_empty=True)
scene = bpy.context.scene
bring(animated_camera=True)
bring()
result += [names(), len(bpy.data.actions)]
""",
        scan,
    ).result
    assert found == [
        ["Vase Points", "Vase Tour"],
        ["Vase Points", "Vase Points.001", "Vase Tour", "Vase Tour.001"],
        ["Vase Points"],
        0,
    ]


POINTS = {
    "their size is set": """
modifier = points.modifiers[0]
(socket,) = [each.identifier for each in modifier.node_group.interface.items_tree if each.name == "Radius"]
if hasattr(modifier, "properties"):  # from 5.2 on
    getattr(modifier.properties.inputs, socket).value = 0.5
else:
    modifier[socket] = 0.5
""",
    "they have other nodes": "points.modifiers[0].node_group = bpy.data.node_groups.new('Own', 'GeometryNodeTree')",
    "their nodes are changed": "points.modifiers[0].node_group.nodes.new('GeometryNodeSetPosition')",
    "their nodes are gone": "points.modifiers[0].node_group = None",
    "their material is changed": """
(shader,) = [each for each in bpy.data.materials["Vase Points"].node_tree.nodes if each.type == "EMISSION"]
shader.inputs["Strength"].default_value = 3
""",
}


@pytest.mark.compat
def test_points_that_somebody_has_worked_on_stay_with_all_that_shows_them(
    blender_installed: Blender, scan: Path
) -> None:
    found = blender_installed.run(
        FACTS
        + EACH_EDIT
        + """
result = {}
for name, edit in each_edit():
    points = bpy.data.objects["Vase Points"]
    exec(edit)
    groups, materials = set(bpy.data.node_groups), set(bpy.data.materials)
    bring()
    result[name] = [sum("Points" in each.name for each in bpy.data.objects),
                    groups <= set(bpy.data.node_groups), materials <= set(bpy.data.materials)]
""",
        scan,
        json.dumps({"nothing": "", **POINTS}),
    ).result
    assert found.pop("nothing")[0] == 1
    assert found == {name: [2, True, True] for name in POINTS}
