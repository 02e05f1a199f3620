# SPDX-License-Identifier: GPL-3.0-or-later
"""The model as a file for other programs: Blender reads it again, and it is what is in the scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from finished_models import MAKE_MODEL

from bpy_process import Blender

# The model's 0.4 × 0.4 × 0.6 Blender units, each half a metre, around (3, 0) on the floor.
METRES = np.array([[1.4, -0.1, 0.0], [1.6, 0.1, 0.3]])
WAYS = {
    "glb": "bpy.ops.import_scene.gltf(filepath=file)",
    "obj": "bpy.ops.wm.obj_import(filepath=file, forward_axis='Y', up_axis='Z')",
    "ply": "bpy.ops.wm.ply_import(filepath=file)",
    "usdz": "bpy.ops.wm.usd_import(filepath=file, import_textures_mode='IMPORT_PACK')",
}
READ = (
    """
def read(file, way):
    # Without the factory preferences, for which Blender would take away the packages that other tests use.
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    exec(way)
    bpy.context.view_layer.update()
    meshes = [each for each in bpy.data.objects if each.type == "MESH"]
    inside = bmesh.new()
    for each in meshes:
        inside.from_mesh(each.data)
    pictures = []
    for image in bpy.data.images:
        pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
        image.pixels.foreach_get(pixels)
        pictures.append(np.round(255 * pixels).astype(int).tolist())
    mesh = meshes[0].data
    colors = [list(each.color_srgb) for each in mesh.color_attributes[0].data] if mesh.color_attributes else []
    return {
        "objects": sorted(each.type for each in bpy.data.objects), "bounds": bounds(meshes), "pictures": pictures,
        "closed": all(len(each.link_faces) == 2 for each in inside.edges), "vertices": len(inside.verts),
        "sides": sorted({len(each.verts) for each in inside.faces}), "volume": inside.calc_volume(signed=True),
        "materials": len(mesh.materials),
        "colors": sorted({tuple(round(255 * channel) for channel in each) for each in colors}),
    }
"""
    + MAKE_MODEL
)


def read_again(blender: Blender, begin: str, *files: Path) -> list[dict[str, Any]]:
    """Run what makes a model, export it to files, and give what Blender reads from each."""
    code = """
for name in arguments:
    bpy.ops.scan_cutout.export_model(filepath=name)
assert before == (after := everything()), set(before.split("), ")) ^ set(after.split("), "))
result = [read(name, WAYS[name.rpartition(".")[2]]) for name in arguments]
"""
    found: list[dict[str, Any]] = blender.run(f"WAYS = {WAYS!r}\n{READ}\n{begin}\n{code}", *files).result
    return found


@pytest.mark.compat
def test_what_is_exported_is_what_is_in_the_scene(blender_installed: Blender, tmp_path: Path) -> None:
    files = [tmp_path / "new folder" / f"vase.{kind}" for kind in WAYS]
    begin = """
model = make_scan(picture())
model.data.color_attributes.new("Color", "BYTE_COLOR", "POINT")     # from before it had its texture
before = everything()
"""
    glb, obj, ply, usdz = read_again(blender_installed, begin, *files)
    names = ["vase.glb", "vase.mtl", "vase.obj", "vase.ply", "vase.usdz", "vase_texture.png"]
    assert sorted(each.name for each in files[0].parent.iterdir()) == names
    across, down = np.meshgrid(np.linspace(0, 1, 64), np.linspace(0, 1, 64))
    picture = np.stack([across, down, 0.5 + 0 * across, 1 + 0 * across], axis=-1)
    for found in (glb, obj, usdz):
        assert len(found["pictures"]) == 1
        np.testing.assert_allclose(np.reshape(found["pictures"][0], picture.shape), 255 * picture, atol=1)
        assert found["materials"] == 1
    assert ply["pictures"] == []
    assert glb["colors"] == [], "a viewer multiplies them with the picture"
    for found in (glb, obj, ply):
        assert found["objects"] == ["MESH"]
        assert found["sides"] == [3]
        assert found["volume"] > 0, "inside out"
    assert [each for each in usdz["objects"] if each != "EMPTY"] == ["MESH"]
    for found in (glb, usdz):
        np.testing.assert_allclose(found["bounds"], METRES, atol=1e-5)
    for found in (obj, ply):
        np.testing.assert_allclose(found["bounds"], 1000 * METRES, atol=1e-2)
        assert found["closed"], "a printer finds holes"
        assert found["vertices"] == 16 * 7 + 2


@pytest.mark.compat
def test_a_model_that_has_colors_instead_of_a_picture_keeps_them(blender_installed: Blender, tmp_path: Path) -> None:
    files = [tmp_path / f"vase.{kind}" for kind in WAYS]
    found = read_again(blender_installed, "make_scan(None)\nbefore = everything()", *files)
    for kind, each in zip(WAYS, found, strict=True):
        assert each["pictures"] == [], kind
        colors = np.array(each["colors"])
        assert colors.min(axis=0) == pytest.approx([26, 26, 26, 255], abs=1), kind
        assert colors.max(axis=0) == pytest.approx([230, 26, 230, 255], abs=1), kind
    assert found[-1]["materials"] == 0, "a viewer shows the material, which has no colours in a USDZ"


@pytest.mark.compat
def test_a_name_may_be_any(blender_installed: Blender, tmp_path: Path) -> None:
    names = ["Größe v1.2.GLB", "1 vase.v2.OBJ", "vase.x.PLY", "Größe v1.2.usdz", "my vase.USDZ"]
    code = """
make_scan(picture())
for name in arguments:
    bpy.ops.scan_cutout.export_model(filepath=name)
way = "bpy.ops.wm.obj_import(filepath=file, forward_axis='Y', up_axis='Z')"
result = len(read(arguments[1], way)["pictures"])
"""
    assert blender_installed.run(READ + code, *(tmp_path / each for each in names)).result == 1
    beside = ["1 vase.v2.mtl", "1 vase.v2_texture.png"]
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([*names, *beside])


def test_an_obj_has_its_pictures_beside_it_whatever_they_were(blender_installed: Blender, tmp_path: Path) -> None:
    """Packed, on disk, painted on since, and never saved: what is shown is what comes with it, in the same bytes."""
    code = """
from pathlib import Path
place = Path(arguments[0])
on_disk = picture("JPEG", place / "photo.jpg")
packed, painted, fresh = picture(), picture(), bpy.data.images.new("Fresh", 8, 8)
painted.pixels[0] = 1.0
bare = bpy.data.materials.new("Bare")
model = make_scan(on_disk)
for image in (packed, painted, fresh):
    model.data.materials.append(material_of(image))
model.data.materials.append(bare)
model.data.materials.append(None)
for number, polygon in enumerate(model.data.polygons):
    polygon.material_index = number % 6
bytes_packed = bytes(packed.packed_file.data)
before = everything()
bpy.ops.scan_cutout.export_model(filepath=str(place / "vase.obj"))
assert everything() == before
names = ["vase_texture.jpg", "vase_texture_2.png", "vase_texture_3.png", "vase_texture_4.png"]
shown = [line.split()[-1] for line in (place / "vase.mtl").read_text().splitlines() if line.startswith("map_Kd")]
first, second, third, fourth = [(place / name).read_bytes() for name in names]
pixel = bpy.data.images.load(str(place / names[2])).pixels[0]
result = [sorted(shown), first == (place / "photo.jpg").read_bytes(), second == bytes_packed, pixel, len(fourth) > 0]
"""
    shown, first, second, pixel, fourth = blender_installed.run(MAKE_MODEL + code, tmp_path).result
    names = ["vase_texture.jpg", "vase_texture_2.png", "vase_texture_3.png", "vase_texture_4.png"]
    assert shown == names
    assert (first, second, pixel, fourth) == (True, True, 1.0, True)


REFUSED = """
def refused(**given):
    try:
        return str(bpy.ops.scan_cutout.export_model(**given))
    except RuntimeError as error:
        return str(error)
"""


@pytest.mark.compat
def test_without_the_add_on_it_is_said_and_not_switched_on(blender_installed: Blender, tmp_path: Path) -> None:
    code = """
import addon_utils
make_scan(None)
# Not by the operator, which would look anew at the packages of extensions, of a folder that other tests use.
addon_utils.disable("io_scene_gltf2", default_set=True, refresh_handled=True)
words = refused(filepath=arguments[0])
result = [words, "io_scene_gltf2" in bpy.context.preferences.addons]
"""
    words, is_on = blender_installed.run(MAKE_MODEL + REFUSED + code, tmp_path / "new" / "vase.glb", alone=True).result
    assert "Blender cannot write .glb files: the add-on “glTF 2.0 format” is switched off; switch it on" in words
    assert not is_on
    assert not (tmp_path / "new").exists()


def test_what_is_there_is_overwritten_only_where_that_is_said(blender_installed: Blender, tmp_path: Path) -> None:
    glb, obj, mtl = (tmp_path / name for name in ("vase.glb", "vase.obj", "vase.mtl"))
    texture = tmp_path / "vase_texture_2.png"
    code = """
model = make_scan(picture())
model.data.materials.append(material_of(picture()))
model.data.polygons[0].material_index = 1
glb, obj = arguments
begin = [refused(filepath=glb), refused(filepath=obj)]
Path(obj).with_suffix(".mtl").unlink()
late = refused(filepath=obj)      # a second picture, which nobody could foresee
result = [*begin, late, refused(filepath=glb, overwrite=True), refused(filepath=obj, overwrite=True)]
"""
    for each in (glb, mtl, texture):
        each.write_bytes(b"mine")
    begin = "from pathlib import Path\n" + MAKE_MODEL + REFUSED
    *words, first, second = blender_installed.run(begin + code, glb, obj).result
    for told, taken in zip(words, (glb, mtl, texture), strict=True):
        assert f"{taken} is there already; name another file, or allow it to be overwritten" in told
    assert (first, second) == ("{'FINISHED'}", "{'FINISHED'}")
    assert all(each.read_bytes() != b"mine" for each in (glb, obj, mtl, texture))
    names = ["vase.glb", "vase.mtl", "vase.obj", "vase_texture.png", "vase_texture_2.png"]
    assert sorted(each.name for each in tmp_path.iterdir()) == names


def test_what_cannot_be_exported_is_refused_in_words(blender_installed: Blender, tmp_path: Path) -> None:
    (tmp_path / "folder.glb").mkdir()
    (tmp_path / "a file").touch()
    code = """
nothing = refused(filepath=f"{arguments[0]}/vase.glb")
make_scan(None)
names = ("", "vase.stl", "folder.glb", "a file/vase.glb", "v" * 252 + ".glb")
words = [refused(filepath=name and f"{arguments[0]}/{name}") for name in names]
make_model(None, "Jug").location.x = 100
bpy.context.view_layer.objects.active = bpy.data.objects["Camera"]
several = refused(filepath=f"{arguments[0]}/vase.glb")
gone = bpy.data.images.new("Gone", 8, 8)
gone.source, gone.filepath = "FILE", f"{arguments[0]}/gone.png"
bpy.data.objects["Jug"].data.materials[0] = material_of(gone)
bpy.context.view_layer.objects.active = bpy.data.objects["Jug"]
lacking = refused(filepath=f"{arguments[0]}/vase.obj")
chosen = refused(filepath=f"{arguments[0]}/vase.ply")
first = np.array(read(f"{arguments[0]}/vase.ply", "bpy.ops.wm.ply_import(filepath=file)")["bounds"])
result = [nothing, words, several, lacking, chosen, first[0][0] / 1000]
"""
    found = blender_installed.run(READ + REFUSED + code, tmp_path).result
    nothing, (unnamed, unknown, folder, nowhere, long), several, lacking, chosen, least = found
    assert "There is no model of a scan in the scene" in nothing
    assert (
        "The model cannot be written as a file without a name; name one that ends with .glb, .obj, .ply or .usdz"
        in unnamed
    )
    assert f"The model cannot be written as {tmp_path / 'vase.stl'}; name one that ends with" in unknown
    assert f"The model cannot be written as {tmp_path / 'folder.glb'} (" in folder
    assert f"The model cannot be written as {tmp_path / 'a file' / 'vase.glb'} (" in nowhere
    assert "cannot be written" in long
    assert "There is more than one model in the scene (Vase Model, Jug)" in several
    assert f"{tmp_path / 'vase.obj'} cannot be written (" in lacking
    assert "Gone" in lacking
    assert (chosen, least) == ("{'FINISHED'}", pytest.approx(49.5))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a file", "folder.glb", "vase.ply"]


def test_what_is_exported_is_as_it_looks(blender_installed: Blender, tmp_path: Path) -> None:
    """With its modifiers, as it is in Edit Mode, and no side turned in where it is mirrored by a scale."""
    code = """
model = make_scan(None)
model.parent.scale.x *= -1
model.modifiers.new("Twice", "ARRAY").relative_offset_displace = (0, 2, 0)
bpy.context.view_layer.objects.active = model
bpy.ops.object.mode_set(mode="EDIT")
inside = bmesh.from_edit_mesh(model.data)
for vertex in inside.verts:
    vertex.co.x *= 2
bmesh.update_edit_mesh(model.data)
for name in arguments:
    bpy.ops.scan_cutout.export_model(filepath=name)
result = [model.mode, read(arguments[0], "bpy.ops.wm.ply_import(filepath=file)")]
"""
    files = [tmp_path / f"vase.{kind}" for kind in ("ply", "glb", "obj", "usdz")]
    mode, found = blender_installed.run(READ + code, *files).result
    assert mode == "EDIT"
    np.testing.assert_allclose(np.array(found["bounds"])[:, 0], [1300, 1700], atol=1e-2)
    assert found["vertices"] == 2 * (16 * 7 + 2), "without its modifiers"
    assert found["volume"] > 0, "inside out"


def test_a_material_may_be_the_objects_own_and_what_is_excluded_is_no_model(
    blender_installed: Blender, tmp_path: Path
) -> None:
    code = """
model = make_scan(picture())
model.material_slots[0].link = "OBJECT"
model.material_slots[0].material = bpy.data.materials.new("Clay")
model.hide_set(True)
bpy.ops.scan_cutout.export_model(filepath=f"{arguments[0]}/vase.obj")
collection = bpy.data.collections.new("Away")
scene.collection.children.link(collection)
collection.objects.link(model)
scene.collection.objects.unlink(model)
bpy.context.view_layer.layer_collection.children["Away"].exclude = True
result = [open(f"{arguments[0]}/vase.mtl").read(), refused(filepath=f"{arguments[0]}/vase.glb")]
"""
    materials, refused = blender_installed.run(MAKE_MODEL + REFUSED + code, tmp_path).result
    assert "newmtl Clay" in materials
    assert "map_Kd" not in materials
    assert "There is no model of a scan in the scene" in refused


def test_a_file_is_proposed_in_the_scans_folder_else_beside_the_blend(
    blender_installed: Blender, tmp_path: Path
) -> None:
    code = """
from pathlib import Path
from bl_ext.user_default.scan_cutout.session.handing_on import proposed_file
place = Path(arguments[0])
make_scan(None)
result = [str(proposed_file(bpy.context, ".glb"))]
bpy.ops.wm.save_as_mainfile(filepath=str(place / "mine.blend"))
result.append(str(proposed_file(bpy.context, ".glb")))
(place / "Vase.glb").touch()
result.append(str(proposed_file(bpy.context, ".glb")))
scene.scan_cutout.output_directory = str(place / "scan")
result.append(str(proposed_file(bpy.context, ".png")))
(place / "scan").mkdir()
make_model(None, "Jug")
bpy.context.view_layer.objects.active = None
result.append(str(proposed_file(bpy.context, ".png")))
"""
    found = blender_installed.run(MAKE_MODEL + code, tmp_path).result
    assert found[0].endswith("Vase.glb")
    assert not found[0].startswith(str(tmp_path))
    wanted = ["Vase.glb", "Vase_2.glb", "Vase.png", "scan/scan.png"]
    assert found[1:] == [str(tmp_path / each) for each in wanted]
