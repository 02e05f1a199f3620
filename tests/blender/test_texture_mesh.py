# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators that make textures, in real bpy: of the scan's model, and of meshes that an artist has made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from built_models import ball, leave_model
from mesh_scenes import PLACE, SPHERE, around, write_scan

from bpy_process import Blender
from scan.reconstruction.types import Mesh

# What all scripts know: the scan in the scene, spheres that an artist has made of it, and what an object shows.
BEGIN = """
import bmesh, json
import numpy as np
from mathutils import Matrix

OUTPUT, PLACE = arguments[0], Matrix(json.loads(arguments[1]))
QUICK = {"output_directory": OUTPUT, "texture_size": "1K", "remove_lighting": False}
scene = bpy.context.scene

def bring():
    bpy.ops.scan_cutout.import_reconstruction(directory=OUTPUT)
    bpy.context.view_layer.update()
    (model,) = [each for each in scene.objects if "scan_cutout_model" in each.keys()]
    return model

def sphere(name, matrix=Matrix()):
    # Of quads, with an n-gon at either end; where the scan's is.
    mesh, inside = bpy.data.meshes.new(name), bmesh.new()
    inside.loops.layers.uv.new("Mine")
    bmesh.ops.create_uvsphere(inside, u_segments=32, v_segments=24, radius=1, calc_uvs=True)
    for sign in (1, -1):
        ends = [each for each in inside.faces if sign * each.calc_center_median().z > 0.98]
        bmesh.ops.dissolve_faces(inside, faces=ends)
    inside.to_mesh(mesh)
    inside.free()
    thing = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(thing)
    (model,) = [each for each in scene.objects if "scan_cutout_model" in each.keys()]
    thing.matrix_world = model.parent.matrix_world @ PLACE @ matrix
    return thing

def material(name, roughness):
    made = bpy.data.materials.new(name)
    if not made.use_nodes:
        made.use_nodes = True
    made.node_tree.nodes["Principled BSDF"].inputs["Roughness"].default_value = roughness
    return made

def choose(thing):
    bpy.context.view_layer.objects.active = thing
    bpy.context.view_layer.update()
    return thing

def texture(thing, **given):
    choose(thing)
    try:
        bpy.ops.scan_cutout.texture_mesh(**QUICK, **given)
        return ""
    except RuntimeError as error:
        return str(error)

def node_of(material):
    (shader,) = [each for each in material.node_tree.nodes if each.type == "BSDF_PRINCIPLED"]
    (link,) = shader.inputs["Base Color"].links
    return link.from_node

def shown(thing):
    # The middle of each polygon, in the solve's frame and the unit of its scene, and what it shows there, in 8 bits.
    mesh = thing.data
    (layer,) = [each for each in mesh.uv_layers if each.active_render]
    pixels = {}
    for number, slot in enumerate(thing.material_slots):
        image = node_of(slot.material).image
        pixels[number] = np.empty((image.size[1], image.size[0], 4), np.float32)
        image.pixels.foreach_get(pixels[number].ravel())
    (model,) = [each for each in scene.objects if each.parent and each.name.endswith(" Model")]
    matrix = (model.parent.matrix_world @ PLACE).inverted() @ thing.matrix_world
    middles, colors = [], []
    for polygon in mesh.polygons:
        middles.append((matrix @ polygon.center)[:])
        u, v = np.mean([layer.uv[loop].vector for loop in polygon.loop_indices], axis=0)
        found = pixels[polygon.material_index]
        row, column = (int(min(max(at, 0), 1 - 1e-6) * len(found)) for at in (v, u))
        colors.append((255 * found[row, column, :3]).tolist())
    return [middles, colors]
"""

# The steps by themselves: something happens to the object before the texture is there, which is made by hand.
MEANWHILE = """
import shutil, textwrap
from dataclasses import replace
from pathlib import Path
from bl_ext.user_default.scan_cutout.session import steps
from bl_ext.user_default.scan_cutout.scan.common.errors import ScanError
from bl_ext.user_default.scan_cutout.scan.job.job_end import JobEnd
from bl_ext.user_default.scan_cutout.scan.reconstruction.ply import read_ply, write_ply
from bl_ext.user_default.scan_cutout.scan.texturing.settings import TextureSettings

image = bpy.data.images.new("Made", 8, 8)
image.filepath_raw, image.file_format = arguments[2], "PNG"
image.save()
bpy.data.images.remove(image)
bring()
result = {}
for name, (edit, keep) in json.loads(arguments[3]).items():
    thing = choose(sphere("Mine"))
    what = steps.texture_mesh(
        TextureSettings(photos=arguments[4], output=OUTPUT, keep_uvs=keep), thing, packed=True
    )
    job = next(what)
    file = Path(job.content["settings"]["mesh"])
    mesh = read_ply(file)
    made = file.with_name("made.ply")
    write_ply(made, mesh if keep else replace(mesh, uvs=np.full((len(mesh.faces), 3, 2), 0.5, np.float32)))
    exec(textwrap.dedent(edit))
    try:
        what.send(JobEnd.done("Done", texture=arguments[2], textured_mesh=str(made)))
    except StopIteration as end:
        left = [each for each in bpy.data.objects if each.name in {"Mine", "Another"}]
        result[name] = [end.value.status, [node_of(each.data.materials[0]).type for each in left]]
    except ScanError as error:
        result[name] = ["refused", str(error)]
    for each in [each for each in bpy.data.objects if each.name in {"Mine", "Another"}]:
        bpy.data.objects.remove(each)
"""


# All that is refused, one after the other.
REFUSED = """
result = [texture(None)]
model = bring()
thing = sphere("Mine")
choose(thing)
bpy.ops.object.mode_set(mode="EDIT")
result.append(texture(thing))
bpy.ops.object.mode_set(mode="OBJECT")
linked = thing.copy()
scene.collection.objects.link(linked)
choose(linked)
bpy.ops.object.mode_set(mode="EDIT")
result.append(texture(thing))
choose(linked)
bpy.ops.object.mode_set(mode="OBJECT")
bpy.data.objects.remove(linked)

empty = bpy.data.objects.new("Empty", bpy.data.meshes.new("Empty"))
scene.collection.objects.link(empty)
result.append(texture(empty))
result.append(texture(model.parent))

thing.data.materials.append(material("Glow", 0.5))
thing.data.materials[0].node_tree.nodes.clear()
result.append(texture(thing))
thing.data.materials.clear()

kept = model.parent.matrix_world.copy()
model.parent.scale = (0, 0, 0)
result.append(texture(thing))
model.parent.matrix_world = kept
for each in scene.objects:
    if each.type == "CAMERA":
        each.location.x *= 2
result.append(texture(thing))

bpy.ops.scan_cutout.import_reconstruction(directory=OUTPUT, same_scan="ADD")
result.append(texture(thing))
for each in [each for each in scene.objects if each.type == "CAMERA"]:
    bpy.data.objects.remove(each)
result.append(texture(thing))
result.append(texture(thing, cameras_directory=OUTPUT + "/none"))
"""


@pytest.fixture(scope="module")
def job(bpy_version: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a scan of a painted ball, with its model. Each Blender has one, in ``scan/out``."""
    folder = tmp_path_factory.mktemp(f"texture-{bpy_version}") / "scan"
    scan = write_scan(folder, around(8), solid=SPHERE)
    output = folder / "out"
    (output / "engines" / "colmap").mkdir(parents=True)
    scan.masks.rename(output / "masks")
    cameras = scan.cameras.rename(output / "engines" / "colmap" / "sparse")
    (output / "job.json").write_text(json.dumps({"settings": {"photos": str(scan.photos)}}))
    unit = ball(1.0, 4)
    placed = PLACE.size * unit.vertices @ PLACE.turn.T + PLACE.middle
    leave_model(output, cameras, Mesh(placed, unit.faces, unit.normals @ PLACE.turn.T, unit.quality, None))
    return output


def run(blender: Blender, code: str, output: Path, *more: object) -> Any:
    place = np.eye(4)
    place[:3, :3], place[:3, 3] = PLACE.size * PLACE.turn, PLACE.middle
    return blender.run(BEGIN + code, output, json.dumps(place.tolist()), *more).result


def shows_the_photos(found: tuple[list[Any], list[Any]]) -> bool:
    """Whether polygons show what the ball is painted with, as far as a median tells."""
    middles, colors = map(np.array, found)
    on_ball = middles / np.linalg.norm(middles, axis=1, keepdims=True)
    wanted = SPHERE.paint(on_ball)[:, None] * np.array([1.0, 0.9, 0.8])
    off = np.abs(colors - wanted).max(axis=1)
    return bool(np.median(off) < 8 and np.percentile(off, 90) < 30)


def test_the_model_is_painted_with_what_the_photos_show(blender_installed: Blender, job: Path) -> None:
    found = run(
        blender_installed,
        """
result = [sorted(bpy.ops.scan_cutout.texture_model(**QUICK)), shown(model := bring())]
(material,) = model.data.materials
result += [list(node_of(material).image.size), len(model.data.polygons)]
""",
        job,
    )
    ended, painted, size, faces = found
    assert ended == ["FINISHED"]
    assert shows_the_photos(painted)
    assert (size, faces) == ([1024, 1024], 2048)
    assert json.loads((job / "model" / "texture.json").read_bytes())["is_light_removed"] is False


@pytest.mark.compat
def test_a_remodelled_mesh_is_painted_wherever_it_stands(blender_installed: Blender, job: Path) -> None:
    """Quads and n-gons, mirrored and turned, with two materials, of which another object has one."""
    found = run(
        blender_installed,
        """
model = bring()
model.parent.matrix_world = Matrix.Translation((3, 1, 2)) @ Matrix.Rotation(0.7, 4, "X") @ model.parent.matrix_world
bpy.context.view_layer.update()
thing = sphere("full", Matrix.Rotation(1, 4, "Y") @ Matrix.Diagonal((-1, 1, 1, 1)))
other = sphere("Other")
shared, own = material("Shared", 0.3), material("Own", 0.6)
for each in (shared, own):
    thing.data.materials.append(each)
other.data.materials.append(shared)
for polygon in thing.data.polygons:
    polygon.material_index = polygon.index % 2
said = texture(thing)
names = [each.name for each in thing.data.materials]
roughness = [round(each.node_tree.nodes["Principled BSDF"].inputs["Roughness"].default_value, 2)
             for each in thing.data.materials]
untouched = not other.data.materials[0].node_tree.nodes["Principled BSDF"].inputs["Base Color"].is_linked
layers = [[each.name, each.active_render] for each in thing.data.uv_layers]
images = {node_of(each).image.name for each in thing.data.materials}
result = [said, shown(thing), names, roughness, untouched, layers, len(images),
          sorted({len(each.vertices) for each in thing.data.polygons})]
""",
        job,
    )
    said, painted, names, roughness, untouched, layers, images, corners = found
    assert (said, corners) == ("", [4, 32])
    assert shows_the_photos(painted)
    assert names == ["Shared.001", "Own"]
    assert (roughness, untouched, images) == ([0.3, 0.6], True, 1)
    assert layers == [["Mine", False], ["UVMap", True]]
    assert not (job / "model" / "full.ply").exists(), "it has taken the place of the model with all its faces"


def test_a_decimated_copy_has_a_texture_of_its_own(blender_installed: Blender, job: Path) -> None:
    before = (job / "model" / "model.ply").read_bytes()
    found = run(
        blender_installed,
        """
model = bring()
copy = model.copy()
copy.data, copy.name = model.data.copy(), "model"
scene.collection.objects.link(copy)
choose(copy)
copy.modifiers.new("Decimate", "DECIMATE").ratio = 0.3
refused = texture(copy)
bpy.ops.object.modifier_apply(modifier="Decimate")
said = texture(copy, pack_texture=False)
again = texture(copy)
(image, other) = (node_of(each.data.materials[0]) for each in (copy, model))
result = [refused, said, again, shown(copy), len(copy.data.polygons), other.type, image.image.packed_file is not None]
""",
        job,
    )
    refused, said, again, painted, faces, of_model, is_packed = found
    assert "model has modifiers; apply them first" in refused
    assert (said, again) == ("", "")
    assert shows_the_photos(painted)
    assert 500 < faces < 700
    assert of_model in {"ATTRIBUTE", "TEX_IMAGE"}
    assert is_packed
    assert (job / "model" / "model.ply").read_bytes() == before


def test_the_artists_own_uvs_are_kept(blender_installed: Blender, job: Path) -> None:
    found = run(
        blender_installed,
        """
bring()
thing = sphere("Mine")
thing.data.uv_layers.new(name="Other")
thing.data.uv_layers["Other"].active_render = True
thing.data.uv_layers.active = thing.data.uv_layers["Mine"]
def uvs():
    found = np.empty(2 * len(thing.data.loops), np.float32)
    thing.data.uv_layers["Mine"].uv.foreach_get("vector", found)
    return found
before = uvs()
said = texture(thing, keep_uvs=True)
layers = [[each.name, each.active_render] for each in thing.data.uv_layers]
result = [said, shown(thing), layers, (before == uvs()).all().item()]
for each in list(thing.data.uv_layers):
    thing.data.uv_layers.remove(each)
result.append(texture(thing, keep_uvs=True))
""",
        job,
    )
    said, painted, layers, is_same, refused = found
    assert said == ""
    assert shows_the_photos(painted)
    assert (layers, is_same) == ([["Mine", True], ["Other", False]], True)
    assert "Mine has no UV map that could be kept; unwrap it first" in refused


@pytest.mark.compat
def test_what_happens_to_the_object_meanwhile(blender_installed: Blender, job: Path, tmp_path: Path) -> None:
    """Nothing is lost: the texture's file is named where the object cannot show it any more."""
    picture, flip = tmp_path / "made.png", "thing.data.flip_normals()"
    edits = {
        "nothing": ["", False],
        "renamed": ["thing.name = 'Another'", False],
        "mirrored": ["thing.matrix_world = thing.matrix_world @ Matrix.Diagonal((-1, 1, 1, 1))", False],
        "removed": ["bpy.data.objects.remove(thing)", False],
        "edited": ["bpy.ops.object.mode_set(mode='EDIT')", False],
        "rebuilt": ["thing.data = bpy.data.objects['out Model'].data", False],
        "turned inside out twice": [f"{flip}\n{flip}", False],
        "kept": ["", True],
        "unwrapped": ["thing.data.uv_layers['Mine'].uv[3].vector.x += 0.1", True],
        "without its UVs": ["thing.data.uv_layers.remove(thing.data.uv_layers['Mine'])", True],
    }
    found = run(blender_installed, MEANWHILE, job, picture, json.dumps(edits), job.parent / "photos")
    for name in ("nothing", "renamed", "mirrored", "turned inside out twice", "kept"):
        assert found.pop(name) == ["done", ["TEX_IMAGE"]], name
    words = {
        "removed": "Mine is not in the file any more",
        "edited": "Mine is in Edit Mode; go to Object Mode first",
        "rebuilt": "Mine was changed while its texture was made; texture it again",
        "unwrapped": "Mine was unwrapped anew while its texture was made; texture it again",
        "without its UVs": "Mine was unwrapped anew while its texture was made; texture it again",
    }
    kept = f". The texture is kept as {picture}"
    assert found == {name: ["refused", each + kept] for name, each in words.items()}


def test_what_cannot_be_textured_is_refused_in_words(blender_installed: Blender, job: Path) -> None:
    files = sorted(each.name for each in (job / "model").iterdir())
    found = run(blender_installed, REFUSED, job)
    words = (
        "There is no active mesh; select the one that shall be textured",
        "Mine is in Edit Mode; go to Object Mode first",
        "Mine is in Edit Mode; go to Object Mode first",
        "Empty has no faces",
        "There is no active mesh; select the one that shall be textured",
        "The material Glow of Mine has no Principled BSDF, whose color the texture could be; add one",
        "The scan out is scaled to nothing; give its root another scale",
        "The cameras of the scan out in the scene are not those in the output folder; choose its folder, or import",
        "There are 2 scans in the scene: out, out.001; select one of them",
        "There is no scan in the scene; import a reconstruction first",
        "There is no folder with cameras",
    )
    for said, wanted in zip(found, words, strict=True):
        assert wanted in said
    assert sorted(each.name for each in (job / "model").iterdir()) == files, "something was written"
