# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh of a scan in the scene: how it looks, what it hides, and which earlier one it takes the place of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from artists_edits import EACH_EDIT
from built_models import ball, leave_model
from PIL import Image

from bpy_process import Blender

LENS = "1 SIMPLE_PINHOLE 320 240 300 160 120\n"
POSES = "".join(f"{number} 1 0 0 0 0 0 {4 + number} 1 IMG_{number}.JPG\n\n" for number in (1, 2, 3))
MESH = ball()

# What all scripts know: how to import, and the meshes that came from scans.
BEGIN = """
scene = bpy.context.scene

def bring(folder=arguments[0]):
    bpy.ops.scan_cutout.import_reconstruction(directory=folder)
    bpy.context.view_layer.update()

def models():
    return sorted((each for each in bpy.data.objects if "scan_cutout_model" in each.keys()), key=lambda each: each.name)

def names():
    return [each.name for each in models()]
"""

# All that an artist may do to a mesh, or build on it. Each is done to a scan that was brought in a moment ago.
EDITS = {
    "a vertex is moved": "mesh.vertices[7].co.x += 0.001",
    "a face is deleted": """
        import bmesh
        inside = bmesh.new()
        inside.from_mesh(mesh)
        inside.faces.ensure_lookup_table()
        bmesh.ops.delete(inside, geom=[inside.faces[3]], context="FACES_ONLY")
        inside.to_mesh(mesh)""",
    "a colour is painted": "mesh.color_attributes['Color'].data[5].color = (0, 1, 0, 1)",
    "its colours are taken away": "mesh.color_attributes.remove(mesh.color_attributes['Color'])",
    "it is unwrapped": "mesh.uv_layers.new()",
    "a mask is sculpted": "mesh.attributes.new('.sculpt_mask', 'FLOAT', 'POINT')",
    "it gets a modifier": "model.modifiers.new('Smooth', 'SMOOTH')",
    "it gets a vertex group": "model.vertex_groups.new(name='Handle')",
    "it gets a shape key": "model.shape_key_add(name='Basis')",
    "it gets a constraint": "model.constraints.new('COPY_LOCATION')",
    "it gets another material": "mesh.materials[0] = bpy.data.materials.new('Clay')",
    "it loses its material": "mesh.materials.clear()",
    "it is animated": "model.keyframe_insert('location', frame=1)",
    "it is moved": "model.location.z = 1",
    "it is parted from its scan": "model.parent = None",
    "it is renamed": "model.name = 'Hero'",
    "it goes to another collection": "scene.collection.objects.link(model)",
    "its collection is an instance": """
        copy = bpy.data.objects.new('Copy', None)
        copy.instance_type, copy.instance_collection = 'COLLECTION', model.users_collection[0]
        scene.collection.objects.link(copy)""",
    "it has a linked copy": "scene.collection.objects.link(bpy.data.objects.new('Copy', mesh))",
    "something is its child": """
        child = bpy.data.objects.new('Child', None)
        child.parent = model""",
    "something is wrapped around it": """
        over = bpy.data.objects.new('Over', bpy.data.meshes.new('Over'))
        over.modifiers.new('Wrap', 'SHRINKWRAP').target = model""",
    "it is being edited": """
        bpy.context.view_layer.objects.active = model
        bpy.ops.object.mode_set(mode='EDIT')""",
}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Give a job folder with three cameras that look along one line, and a ball that was built of them."""
    return make_scan(tmp_path / "Vase")


def make_scan(output: Path) -> Path:
    cameras = output / "engines" / "colmap" / "sparse"
    for folder in (cameras, output / "masks"):
        folder.mkdir(parents=True)
    (cameras / "cameras.txt").write_text(LENS)
    (cameras / "images.txt").write_text(POSES)
    (cameras / "points3D.txt").write_text("1 0 0 -1 200 100 50 0.5 1 0\n2 0 0 1 200 100 50 0.5 1 0\n")
    (output / "job.json").write_text("{}")
    leave_model(output, cameras, MESH)
    return output


@pytest.mark.compat
def test_it_is_whole_smooth_and_coloured_and_hides_the_rest(blender_installed: Blender, scan: Path) -> None:
    run = blender_installed.run(
        BEGIN
        + """
import bmesh
bring()
(model,) = models()
mesh = model.data
inside = bmesh.new()
inside.from_mesh(mesh)
colors = [0.0] * (4 * len(mesh.vertices))
mesh.color_attributes["Color"].data.foreach_get("color_srgb", colors)
(material,) = mesh.materials
(shader,) = [each for each in material.node_tree.nodes if each.type == "BSDF_PRINCIPLED"]
layer = bpy.context.view_layer.layer_collection.children["Vase"].children["Vase Cameras"]
points = bpy.data.objects["Vase Points"]
cameras = [each for each in scene.objects if each.parent and each.type == "CAMERA"]
result = {
    "name": model.name, "parent": model.parent.name, "shown": model.visible_get(),
    "vertices": [list(each.co) for each in mesh.vertices], "faces": [list(each.vertices) for each in mesh.polygons],
    "closed": all(len(each.link_faces) == 2 for each in inside.edges), "volume": inside.calc_volume(signed=True),
    "smooth": all(each.use_smooth for each in mesh.polygons),
    "colors": colors, "active": mesh.color_attributes.active_color.name,
    "attribute": shader.inputs["Base Color"].links[0].from_node.attribute_name,
    "hidden": [points.visible_get(), points.hide_get(), points.hide_render, points.hide_viewport, layer.hide_viewport],
    "cameras": [each.visible_get() for each in cameras],
    "places": [list(each.matrix_world.translation) for each in cameras],
    "root": [list(row) for row in model.parent.matrix_world],
}
""",
        scan,
    )
    found = run.result
    assert f"and a model with {len(MESH.faces)} faces" in run.stdout + run.stderr
    assert (found["name"], found["parent"], found["shown"]) == ("Vase Model", "Vase", True)
    np.testing.assert_allclose(found["vertices"], MESH.vertices, atol=1e-6)
    assert found["faces"] == MESH.faces.tolist()
    assert found["closed"]
    assert 3.5 < found["volume"] < 4.2, "inside out"
    assert found["smooth"]
    assert MESH.colors is not None
    np.testing.assert_array_equal(np.round(255 * np.reshape(found["colors"], (-1, 4)))[:, :3], MESH.colors)
    assert (found["active"], found["attribute"]) == ("Color", "Color")
    assert found["hidden"] == [False, True, True, False, True], "with the eye alone it can be seen again"
    assert found["cameras"] == [False] * 3
    # What is hidden is in its place all the same.
    np.testing.assert_allclose(found["places"], [[0, -4 - number, 1] for number in (1, 2, 3)], atol=1e-5)
    # Photos along one line do not tell what is up; the ball is put on the floor all the same.
    np.testing.assert_allclose(found["root"], [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 1], [0, 0, 0, 1]], atol=1e-6)


@pytest.mark.compat
def test_a_hidden_camera_is_shown_when_it_is_looked_through(blender_installed: Blender, scan: Path) -> None:
    """Behind a hidden camera, Blender draws no picture."""
    found = blender_installed.run(
        BEGIN
        + """
def shown():
    return [each.name for each in scene.objects if each.parent and each.visible_get()]
bring()
result = [shown()]
bpy.ops.scan_cutout.look_through_photo(camera="IMG_2.JPG")
result += [scene.camera.name, shown()]
bpy.data.objects["IMG_3.JPG"].hide_set(True)
bpy.ops.scan_cutout.look_through_photo(step=1)
result += [scene.camera.name, shown()]
""",
        scan,
    ).result
    cameras = ["IMG_1.JPG", "IMG_2.JPG", "IMG_3.JPG"]
    first, camera, then, other, after = found
    assert (first, camera, other) == (["Vase Model"], "IMG_2.JPG", "IMG_3.JPG")
    assert sorted(then) == sorted(after) == [*cameras, "Vase Model"]


def test_cameras_and_points_are_shown_where_there_is_no_mesh(blender_installed: Blender, scan: Path) -> None:
    """A model of other cameras, whose frame is another, is none of these."""
    poses = scan / "engines" / "colmap" / "sparse" / "images.txt"
    poses.write_text(POSES.replace(" 0 0 5 1", " 0 0 5.5 1"))
    found = blender_installed.run(
        BEGIN
        + """
bring()
result = [names(), sorted(each.name for each in scene.objects if each.parent and each.visible_get())]
""",
        scan,
    ).result
    assert found == [[], ["IMG_1.JPG", "IMG_2.JPG", "IMG_3.JPG", "Vase Points"]]


@pytest.mark.compat
def test_it_comes_where_there_are_no_points(blender_installed: Blender, scan: Path) -> None:
    (scan / "engines" / "colmap" / "sparse" / "points3D.txt").write_text("")
    found = blender_installed.run(
        BEGIN + "bring()\nresult = [names(), len(bpy.data.objects['Vase Points'].data.vertices)]", scan
    ).result
    assert found == [["Vase Model"], 0]


def test_its_colours_are_seen_in_a_render(blender_installed: Blender, scan: Path, tmp_path: Path) -> None:
    picture = tmp_path / "render.png"
    assert blender_installed.run(
        BEGIN
        + """
for each in list(scene.objects):
    bpy.data.objects.remove(each)
bring()
bpy.ops.scan_cutout.look_through_photo(camera="IMG_1.JPG")
scene.render.resolution_percentage = 25
scene.world = None
sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
sun.data.energy = 3
sun.matrix_world = scene.camera.matrix_world
scene.collection.objects.link(sun)
scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 8, False
scene.render.film_transparent = True
scene.view_settings.view_transform = "Standard"
scene.render.filepath = arguments[1]
bpy.ops.render.render(write_still=True)
result = True
""",
        scan,
        picture,
    ).result
    with Image.open(picture) as rendered:
        pixels = np.asarray(rendered.convert("RGBA"), float)
    assert pixels[0, 0, 3] == 0
    # The middle of the picture shows where z is least, its edges where x and y are least or most.
    right, left, top, bottom = (pixels[y, x] for x, y in ((51, 30), (28, 30), (40, 19), (40, 41)))
    assert [round(each[3]) for each in (right, left, top, bottom)] == [255] * 4
    assert right[0] > 2 * left[0] > 0
    assert bottom[1] > 2 * top[1] > 0
    assert 2 * pixels[30, 40, 2] < pixels[30, 40, 0]


def test_the_one_of_an_earlier_import_makes_room(blender_installed: Blender, scan: Path, tmp_path: Path) -> None:
    make_scan(tmp_path / "Jug")
    found = blender_installed.run(
        BEGIN
        + """
bring()
bring(arguments[1])
before = [len(bpy.data.meshes), len(bpy.data.materials), models()[1].data.materials[0].name]
# Of a material, what was changed in it stays.
models()[1].data.materials[0].node_tree.nodes["Principled BSDF"].inputs["Roughness"].default_value = 0.25
bpy.ops.wm.save_as_mainfile(filepath=arguments[2])
bpy.ops.wm.open_mainfile(filepath=arguments[2])
scene = bpy.context.scene
bring()
model = bpy.data.objects["Vase Model"]
result = {"names": names(), "parent": model.parent.name,
          "scans": sorted(each.name for each in scene.collection.children),
          "material": model.data.materials[0].name, "before": before, "meshes": len(bpy.data.meshes),
          "roughness": model.data.materials[0].node_tree.nodes["Principled BSDF"].inputs["Roughness"].default_value,
          "shown": sorted(each.name for each in scene.objects if each.parent and each.visible_get())}
scene = bpy.context.window.scene = bpy.data.scenes.new("Another")
bring()
result["in two scenes"] = names()
""",
        scan,
        tmp_path / "Jug",
        tmp_path / "saved.blend",
    ).result
    assert found["names"] == ["Jug Model", "Vase Model"]
    assert (found["parent"], found["scans"]) == ("Vase", ["Collection", "Jug", "Vase"])
    assert (found["material"], found["roughness"]) == (found["before"][2], 0.25)
    assert found["meshes"] == found["before"][0]
    assert found["shown"] == ["Jug Model", "Vase Model"]
    assert found["in two scenes"] == ["Jug Model", "Vase Model", "Vase Model.001"], "taken from another scene"


@pytest.mark.compat
def test_one_that_an_artist_has_worked_on_stays(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        BEGIN
        + EACH_EDIT
        + """
result = {}
for name, edit in each_edit():
    (model,) = models()
    mesh = model.data
    exec(edit)
    kept = model.name
    bring()
    result[name] = [len(models()), bpy.data.objects.get(kept) is not None]
""",
        scan,
        json.dumps({"nothing": "", **EDITS}),
    ).result
    assert found.pop("nothing") == [1, True]
    assert found == {name: [2, True] for name in EDITS}


def test_undo_brings_back_what_made_room(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        BEGIN
        + """
def state():
    lists = {name: getattr(bpy.data, name) for name in dir(bpy.data)}
    kept = {name: len(each) for name, each in lists.items() if isinstance(each, bpy.types.bpy_prop_collection)}
    return [kept, [[each.name, each.parent.name] for each in models()],
            sorted(each.name for each in bpy.context.scene.objects if each.visible_get())]
bring()
bpy.ops.ed.undo_push(message="before")
before = state()
bring()
bpy.ops.ed.undo_push(message="after")
during = state()
bpy.ops.ed.undo()
result = [before, during, state()]
""",
        scan,
    ).result
    before, during, after = found
    assert (before[1], during[1]) == ([["Vase Model", "Vase"]], [["Vase Model", "Vase"]])
    assert (during[0], during[2]) == (before[0], before[2])
    assert after == before


def test_a_damaged_one_leaves_the_scene_as_it_was(blender_installed: Blender, scan: Path) -> None:
    path = scan / "model" / "model.ply"
    path.write_bytes(path.read_bytes()[:-5])
    found = blender_installed.run(
        BEGIN
        + """
before = [len(bpy.data.objects), len(bpy.data.meshes), len(bpy.data.collections)]
try:
    bring()
    said = ""
except RuntimeError as error:
    said = str(error)
result = [said, before == [len(bpy.data.objects), len(bpy.data.meshes), len(bpy.data.collections)]]
""",
        scan,
    ).result
    assert "model.ply is damaged, or not a model that was built here; build it again" in found[0]
    assert found[1]


def test_a_face_without_an_area_does_no_harm(blender_installed: Blender, scan: Path) -> None:
    """Blender crashes over meshes that it takes for sound."""
    faces = np.concatenate([MESH.faces, [[0, 0, 4]]]).astype(np.int32)
    odd = ball()
    leave_model(scan, scan / "engines" / "colmap" / "sparse", type(odd)(**{**vars(odd), "faces": faces}))
    found = blender_installed.run(
        BEGIN + "\nbring()\n(model,) = models()\nresult = [len(model.data.polygons), model.data.validate()]", scan
    ).result
    assert found == [len(MESH.faces), False]


def test_it_is_told_of_its_state_alone(blender_installed: Blender, scan: Path) -> None:
    """What another add-on, or a person, puts in the place of our note is no reason to fail."""
    found = blender_installed.run(
        BEGIN + "\nbring()\nmodels()[0]['scan_cutout_model'] = 'mine'\nbring()\nresult = names()", scan
    ).result
    assert found == ["Vase Model", "Vase Model.001"]
