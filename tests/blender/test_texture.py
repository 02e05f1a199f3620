# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture of a scan's model in the scene: how it comes, and what the next import makes of it and its picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from artists_edits import EACH_EDIT
from built_models import ball, leave_model, leave_texture
from rings import leave_solve, ring, small_turn, turned

from bpy_process import Blender

MESH = ball()
TURN = small_turn(np.array([40.0, -70.0, 25.0]))
SIZE = 16

# What all scripts know: how to import, the models and what their materials show.
BEGIN = """
import numpy as np
scene = bpy.context.scene

def bring(**given):
    bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0], **given)
    bpy.context.view_layer.update()

def models():
    return sorted((each for each in bpy.data.objects if "scan_cutout_model" in each.keys()), key=lambda each: each.name)

def shader(model):
    (material,) = model.data.materials
    (found,) = [each for each in material.node_tree.nodes if each.type == "BSDF_PRINCIPLED"]
    return found

def shown(model):
    # The name of the attribute, or the first pixel of the picture, in 8 bits.
    (link,) = shader(model).inputs["Base Color"].links
    node = link.from_node
    return node.attribute_name if node.type == "ATTRIBUTE" else [round(255 * each) for each in node.image.pixels[:3]]

def uvs(model):
    (layer,) = model.data.uv_layers
    found = np.empty(2 * len(layer.uv), np.float32)
    layer.uv.foreach_get("vector", found)
    return found

def pictures():
    # Those of the photos are not there.
    return sorted(each.name for each in bpy.data.images if each.type == "IMAGE")
"""

# All that an artist may do to a texture. Each is done to a scan that was brought in a moment ago.
EDITS = {
    "it is painted on": """
        found = [each for each in bpy.data.images if each.type == "IMAGE"][0]
        found.pixels[0] = 0.5""",
    "the painting is kept": """
        found = [each for each in bpy.data.images if each.type == "IMAGE"][0]
        found.pixels[:] = [0.25] * len(found.pixels)
        found.pack()""",
    "a UV is moved": "model.data.uv_layers[0].uv[5].vector.x += 0.01",
    "there are more UVs": "model.data.uv_layers.new(name='Mine')",
    "its map is renamed": "model.data.uv_layers[0].name = 'Mine'",
}

# What leaves it as it came.
LOOK = """
bpy.context.view_layer.objects.active = model
bpy.ops.object.mode_set(mode="EDIT")
bpy.ops.object.mode_set(mode="OBJECT")"""


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Give a job folder with a ring of photos, which are not there, and a ball that was built of them."""
    output = tmp_path / "Vase"
    leave_model(output, leave_solve(output, turned(ring("up", 6, 20.0), TURN)), MESH)
    return output


def picture(color: tuple[int, int, int]) -> np.ndarray:
    """Of one color, but for a corner."""
    found = np.full((SIZE, SIZE, 3), color, np.uint8)
    found[0, 0] = 255
    return found


@pytest.mark.compat
def test_it_comes_with_its_picture_and_its_uvs(blender_installed: Blender, scan: Path, tmp_path: Path) -> None:
    uvs = leave_texture(scan, picture((200, 100, 50)))
    run = blender_installed.run(
        BEGIN
        + """
def told():
    (model,) = models()
    (link,) = shader(model).inputs["Base Color"].links
    image, layer = link.from_node.image, model.data.uv_layers[0]
    return {
        "faces": [list(each.vertices) for each in model.data.polygons], "uvs": uvs(model).tolist(),
        "layer": [layer.name, layer.active, layer.active_render], "shown": shown(model),
        "image": [image.colorspace_settings.name, list(image.size), image.packed_file is not None, image.filepath],
        "corner": [round(255 * each) for each in image.pixels[4 * 16 * 15:][:3]],
        "nodes": sorted(each.type for each in model.data.materials[0].node_tree.nodes),
    }
bring()
result = [told()]
bpy.ops.wm.save_as_mainfile(filepath=arguments[1])
bring(pack_texture=False)
result += [told(), len(pictures())]
bpy.ops.wm.save_mainfile()
bpy.ops.wm.open_mainfile(filepath=arguments[1])
result.append(told())
""",
        scan,
        tmp_path / "scene.blend",
    )
    packed, beside, count, opened = run.result
    assert f"and a textured model with {len(MESH.faces)} faces" in run.stdout + run.stderr
    for found in (packed, beside, opened):
        assert found["faces"] == MESH.faces.tolist()
        np.testing.assert_array_equal(np.float32(found["uvs"]), uvs.ravel())
        assert found["layer"] == ["UVMap", True, True]
        assert (found["shown"], found["corner"]) == ([200, 100, 50], [255, 255, 255]), "it is upside down"
        assert found["nodes"] == ["BSDF_PRINCIPLED", "OUTPUT_MATERIAL", "TEX_IMAGE"]
    assert packed["image"][:3] == ["sRGB", [SIZE, SIZE], True]
    assert beside["image"] == opened["image"] == ["sRGB", [SIZE, SIZE], False, "//Vase/model/texture.png"]
    assert count == 1, "pictures pile up"


@pytest.mark.compat
def test_the_next_import_takes_its_place_and_keeps_what_was_set(
    blender_installed: Blender, scan: Path, tmp_path: Path
) -> None:
    """From colors to a texture, to another texture, to a texture of an older model, which is none."""
    for name, color in (("first", (200, 100, 50)), ("second", (10, 20, 30))):
        leave_texture(scan, picture(color), len(name))
        (scan / "model").rename(tmp_path / name)
        leave_model(scan, scan / "engines" / "colmap" / "sparse", MESH)
    leave_model(scan, scan / "engines" / "colmap" / "sparse", ball(1.1))
    (scan / "model" / "model.ply").rename(tmp_path / "newer.ply")
    leave_model(scan, scan / "engines" / "colmap" / "sparse", MESH)
    found = blender_installed.run(
        BEGIN
        + """
import os, shutil
def put(name):
    shutil.copytree(os.path.join(arguments[1], name), os.path.join(arguments[0], "model"), dirs_exist_ok=True)

def told():
    names = [model.name for model in models()]
    model, tree = models()[0], models()[0].data.materials[0].node_tree
    hue = [each.inputs["Color"].links[0].from_node.type for each in tree.nodes if each.type == "HUE_SAT"]
    kept = round(shader(model).inputs["Roughness"].default_value, 3)
    return [names, len(pictures()), len(bpy.data.materials), model.data.materials[0].name, kept, hue]

bring()
(model,) = models()
shader(model).inputs["Roughness"].default_value = 0.25
result = [[shown(model), *told()]]
put("first")
bring()
result.append([shown(models()[0]), *told()])
put("second")
bring()
result.append([shown(models()[0]), *told()])
# Between the texture and its color an artist has something.
tree = models()[0].data.materials[0].node_tree
hue = tree.nodes.new("ShaderNodeHueSaturation")
tree.links.new([each for each in tree.nodes if each.type == "TEX_IMAGE"][0].outputs["Color"], hue.inputs["Color"])
tree.links.new(hue.outputs["Color"], shader(models()[0]).inputs["Base Color"])
result.append(told())
shutil.copy(os.path.join(arguments[1], "newer.ply"), os.path.join(arguments[0], "model", "model.ply"))
bring()
result += [told(), len(models()[0].data.uv_layers)]
put("first")
bring()
result.append(told())
""",
        scan,
        tmp_path,
    ).result
    plain, first, second, adjusted, older, layers, again = found
    names, materials, material = plain[1], plain[3], plain[4]
    assert plain == ["Color", names, 0, materials, material, 0.25, []]
    assert first == [[200, 100, 50], names, 1, materials, material, 0.25, []]
    assert second == [[10, 20, 30], names, 1, materials, material, 0.25, []]
    assert adjusted[-1] == ["TEX_IMAGE"]
    assert older == [names, 0, materials, material, 0.25, ["ATTRIBUTE"]]
    assert layers == 0
    assert again == [names, 1, materials, material, 0.25, ["TEX_IMAGE"]]


@pytest.mark.compat
def test_one_that_an_artist_has_worked_on_stays(blender_installed: Blender, scan: Path) -> None:
    leave_texture(scan, picture((200, 100, 50)))
    found = blender_installed.run(
        BEGIN
        + EACH_EDIT
        + """
result = {}
for name, edit in each_edit():
    (model,) = models()
    exec(edit)
    kept = model.name
    bring()
    result[name] = [len(models()), bpy.data.objects.get(kept) is not None, len(pictures())]
""",
        scan,
        json.dumps({"nothing": "", "it is looked at in Edit Mode": LOOK, **EDITS}),
    ).result
    assert found.pop("nothing") == [1, True, 1]
    assert found.pop("it is looked at in Edit Mode") == [1, True, 1]
    assert found == {name: [2, True, 2] for name in EDITS}


@pytest.mark.compat
def test_a_copy_that_an_artist_made_keeps_its_texture(blender_installed: Blender, scan: Path) -> None:
    """It shares the material, and has the UVs of the texture that was."""
    leave_texture(scan, picture((200, 100, 50)))
    found = blender_installed.run(
        BEGIN
        + """
from pathlib import Path
import shutil
bring()
(model,) = models()
copy = model.copy()
copy.data = model.data.copy()
copy.name = "Mine"
scene.collection.objects.link(copy)
shader(model).inputs["Roughness"].default_value = 0.25
# Another picture: the first one's file, in other colors.
image = bpy.data.images.load(arguments[0] + "/model/texture.png")
image.pixels[:] = [0, 0, 1, 1] * 256
image.save()
bpy.data.images.remove(image)
bring()
result = [[each.name, shown(each), round(shader(each).inputs["Roughness"].default_value, 3)] for each in models()]
result.append(len(pictures()))
""",
        scan,
    ).result
    assert found == [["Mine", [200, 100, 50], 0.25], ["Vase Model", [0, 0, 255], 0.25], 2]


@pytest.mark.compat
def test_a_shader_of_the_artists_own_has_the_picture_at_hand(blender_installed: Blender, scan: Path) -> None:
    leave_texture(scan, picture((200, 100, 50)))
    report = scan / "model" / "texture.json"
    found = blender_installed.run(
        BEGIN
        + """
import os
os.rename(arguments[1], arguments[1] + ".later")
bring()
tree = models()[0].data.materials[0].node_tree
tree.nodes.clear()
tree.nodes.new("ShaderNodeEmission")
os.rename(arguments[1] + ".later", arguments[1])
for _ in range(2):
    bring()
(model,) = models()
result = [sorted(each.type for each in model.data.materials[0].node_tree.nodes), len(pictures())]
""",
        *(scan, report),
    ).result
    assert found == [["EMISSION", "TEX_IMAGE"], 1]


def test_undo_brings_back_the_earlier_picture(blender_installed: Blender, scan: Path) -> None:
    leave_texture(scan, picture((200, 100, 50)))
    found = blender_installed.run(
        BEGIN
        + """
bring()
bpy.ops.ed.undo_push(message="before")
before = [pictures(), shown(models()[0]), len(models())]
image = bpy.data.images.load(arguments[0] + "/model/texture.png")
image.pixels[:] = [0, 0, 1, 1] * 256
image.save()
bpy.data.images.remove(image)
bring()
bpy.ops.ed.undo_push(message="after")
during = [shown(models()[0]), len(models())]
bpy.ops.ed.undo()
result = [before, during, [pictures(), shown(models()[0]), len(models())]]
""",
        scan,
    ).result
    before, during, after = found
    assert before[1:] == [[200, 100, 50], 1]
    assert during == [[0, 0, 255], 1]
    assert after == before


@pytest.mark.compat
def test_a_glb_of_it_has_the_same_picture(blender_installed: Blender, scan: Path, tmp_path: Path) -> None:
    picture = np.random.default_rng(2).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    uvs = leave_texture(scan, picture)
    found = blender_installed.run(
        BEGIN
        + """
bring()
(model,) = models()
bounds = [(model.matrix_world @ each.co)[:] for each in model.data.vertices]
bounds = [np.min(bounds, axis=0).tolist(), np.max(bounds, axis=0).tolist()]
bpy.ops.scan_cutout.export_model(filepath=arguments[1])
bpy.ops.wm.read_homefile(use_empty=True)
bpy.ops.import_scene.gltf(filepath=arguments[1])
(model,) = [each for each in bpy.data.objects if each.type == "MESH"]
(material,) = model.data.materials
(node,) = [each for each in material.node_tree.nodes if each.type == "TEX_IMAGE"]
points = [(model.matrix_world @ each.co)[:] for each in model.data.vertices]
result = [bounds, [np.min(points, axis=0).tolist(), np.max(points, axis=0).tolist()], uvs(model).tolist(),
          [round(255 * each) for each in node.image.pixels], list(node.image.size)]
""",
        scan,
        tmp_path / "vase.glb",
    ).result
    before, after, back, pixels, size = found
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert size == [SIZE, SIZE]
    np.testing.assert_array_equal(np.reshape(pixels, (SIZE, SIZE, 4))[::-1, :, :3], picture)
    np.testing.assert_allclose(np.sort(np.reshape(back, (-1, 2)), 0), np.sort(uvs.reshape(-1, 2), 0), atol=1e-6)
