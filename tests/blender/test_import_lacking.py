# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture that Blender cannot show costs its camera the picture, and no more: it is named, and the rest is there."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from built_models import ball, leave_model, leave_texture
from PIL import Image

from bpy_process import Blender
from colmap_text import write_model
from scan.reconstruction.types import Camera, Photo

LENS = Camera(1, "PINHOLE", 1280, 960, (1300.0, 1300.0, 640.0, 480.0))
NAMES = ["IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg"]

IMPORT = """
import contextlib, io, json
from bl_ext.user_default.scan_cutout.session import command_line

def orphans():
    kinds = ("objects", "collections", "meshes", "images", "materials", "cameras", "node_groups", "actions")
    return {each for kind in kinds for each in getattr(bpy.data, kind) if not each.users}

def command(*options):
    with contextlib.redirect_stderr(io.StringIO()) as err:
        code = command_line.run(["import", *options])
    return [code, err.getvalue()]

def shown():
    return {camera["scan_cutout_photo"]: [each.image.filepath for each in camera.background_images]
            for camera in bpy.data.cameras if "scan_cutout_photo" in camera}

before = orphans()
code, said = command("--output", arguments[0], "--blend", arguments[1])
result = {"code": code, "said": said, "shown": shown(), "orphans": sorted(each.name for each in orphans() - before)}
"""


class Project:
    """A folder as other programs leave it: photos through a lens without distortion, and masks."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blend = root.parent / "saved.blend"

    def make(self, names: list[str], lens: Camera = LENS) -> None:
        """Leave photos of these names."""
        photos = [Photo(name, 1, np.eye(3), np.array([number, 0.0, 4.0])) for number, name in enumerate(names)]
        write_model(self.root / "sparse" / "0", [lens], photos, "1 0 0 0 200 100 50 0.5 1 0\n")
        for name in names:
            self.save("images", name, Image.new("RGB", (1280, 960), (90, 120, 150)))
            self.save("masks", f"{name}.png", Image.new("L", (1280, 960), 255))

    def save(self, folder: str, name: str, image: Image.Image) -> None:
        """Put a picture in place."""
        path = self.root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, "PNG" if name.endswith(".png") else "JPEG")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "Vase")
    made.make(NAMES)
    return made


@pytest.mark.compat
def test_all_is_done_where_all_can_be_shown(blender_installed: Blender, project: Project) -> None:
    files = sorted(path for path in project.root.rglob("*"))
    found = blender_installed.run(IMPORT, project.root, project.blend).result
    assert found["code"] == 0, found["said"]
    assert {name: len(pictures) for name, pictures in found["shown"].items()} == dict.fromkeys(NAMES, 2)
    assert sorted(path for path in project.root.rglob("*")) == files, "to look leaves nothing behind"


@pytest.mark.compat
@pytest.mark.skipif(os.sep != "/", reason="no file has a backslash in its name there")
def test_a_backslash_in_a_name_is_told_and_the_others_come(blender_installed: Blender, project: Project) -> None:
    odd = "Side\\IMG_2.jpg"
    project.make([NAMES[0], odd, NAMES[2]])
    found = blender_installed.run(IMPORT, project.root, project.blend).result
    assert found["code"] == 4
    assert (
        f"1 has no picture behind it, such as {odd}, which cannot be shown: Blender takes the backslash"
        in (found["said"])
    )
    assert {name: len(pictures) for name, pictures in found["shown"].items()} == {NAMES[0]: 2, NAMES[2]: 2, odd: 0}
    assert found["orphans"] == []


@pytest.mark.compat
def test_pictures_and_masks_of_another_shape_are_left_out_by_name(blender_installed: Blender, project: Project) -> None:
    project.save("images", NAMES[0], Image.new("RGB", (960, 1280)))
    project.save("images", NAMES[1], Image.new("RGB", (320, 240)))
    project.save("masks", f"{NAMES[1]}.png", Image.new("L", (240, 320)))
    (project.root / "images" / NAMES[2]).write_text("no picture")
    found = blender_installed.run(IMPORT, project.root, project.blend).result
    assert found["code"] == 4
    assert (
        "2 have no picture behind them, such as IMG_1.jpg, which does not fit the model: the picture is 960 × 1280"
        in (found["said"])
    )
    assert (
        "1 has a mask that is left out, such as IMG_2.jpg, which does not fit the model: its mask is 240 × 320"
        in (found["said"])
    )
    assert f"{NAMES[2]} failed: is not a JPEG" in found["said"]
    assert {name: [Path(each).parent.name for each in pictures] for name, pictures in found["shown"].items()} == {
        NAMES[0]: ["masks"],
        NAMES[1]: ["images"],
        NAMES[2]: ["masks"],
    }
    assert found["orphans"] == []


def test_a_photo_of_another_shape_and_its_mask_are_told_of_once(blender_installed: Blender, project: Project) -> None:
    project.save("images", NAMES[0], Image.new("RGB", (960, 1280)))
    project.save("masks", f"{NAMES[0]}.png", Image.new("L", (960, 1280)))
    found = blender_installed.run(IMPORT, project.root, project.blend).result
    assert (found["code"], found["shown"][NAMES[0]]) == (4, [])
    assert "1 has no picture behind it, such as IMG_1.jpg, which does not fit the model" in found["said"]
    assert "mask" not in found["said"]


def test_a_copy_of_a_photo_that_fits_no_more_is_not_shown(blender_installed: Blender, project: Project) -> None:
    project.make(NAMES, Camera(1, "SIMPLE_RADIAL", 1280, 960, (1300.0, 640.0, 480.0, 0.05)))
    found = blender_installed.run(IMPORT, project.root, project.blend).result
    assert (found["code"], len(found["shown"][NAMES[0]])) == (0, 2)
    project.save("images", NAMES[0], Image.new("RGB", (960, 1280)))
    found = blender_installed.run(IMPORT, project.root, project.blend).result
    assert found["code"] == 4
    assert "1 has no picture behind it, such as IMG_1.jpg, which does not fit" in found["said"]
    assert [Path(each).suffix for each in found["shown"][NAMES[0]]] == [".png"], "of its mask alone"


@pytest.mark.compat
def test_a_texture_that_cannot_be_shown_leaves_the_model_its_colors(blender_installed: Blender, tmp_path: Path) -> None:
    project = Project(tmp_path / "Vase")
    sparse = project.root / "engines" / "colmap" / "sparse"
    write_model(sparse, [LENS], [Photo(name, 1, np.eye(3), np.array([0.0, 0, 4])) for name in NAMES])
    (project.root / "masks").mkdir()
    (project.root / "job.json").write_text("{}")
    leave_model(project.root, sparse, ball())
    result = """
bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0])
(model,) = [each for each in bpy.data.objects if "scan_cutout_model" in each.keys()]
nodes = model.data.materials[0].node_tree.nodes
result = [code, said, sorted(each.type for each in nodes),
          [each.name for each in orphans() - before], len(bpy.data.images)]
"""
    whole = blender_installed.run(IMPORT + result, project.root, project.blend).result
    assert whole[0] == 0
    leave_texture(project.root, np.zeros((8, 8, 3), np.uint8))
    (project.root / "model" / "texture.png").write_bytes(b"\x89PNG")
    code, said, nodes, orphans, images = blender_installed.run(IMPORT + result, project.root, project.blend).result
    assert code == 4
    assert "and a model with" in said
    assert "the model has no texture: The texture" in said
    assert "texture.png is damaged" in said
    assert (nodes, orphans, images) == (whole[2], [], whole[4])


def test_what_a_models_files_have_lost_is_told(blender_installed: Blender, project: Project) -> None:
    for name, words in (
        ("images", "Number of images: 5, mean observations"),
        ("points3D", "Number of points: 9, mean"),
    ):
        file = project.root / "sparse" / "0" / f"{name}.txt"
        file.write_text(f"# {words}\n{file.read_text()}")
    found = blender_installed.run(IMPORT, project.root, project.blend).result
    assert found["code"] == 4
    assert "3 cameras and 1 point" in found["said"]
    assert "the model's files have lost 8 points" in found["said"]
    assert "the model's files have lost 2 photos; solve again, or copy them again" in found["said"]


@pytest.mark.compat
def test_a_photo_that_was_made_again_is_the_one_that_is_shown(blender_installed: Blender, project: Project) -> None:
    """Blender keeps what it has read of a file."""
    black = project.root.parent / "black.jpg"
    Image.new("RGB", (1280, 960)).save(black)
    found = blender_installed.run(
        """
        import shutil
        bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0])
        def shown():
            return [round(each.image.pixels[0], 1) for each in bpy.data.cameras["IMG_1.jpg"].background_images]
        result = [shown()]
        shutil.copy(arguments[2], arguments[1])
        bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0])
        result += [shown()]
        """,
        *(project.root, project.root / "images" / "IMG_1.jpg", black),
    ).result
    assert found == [[0.4, 1], [0, 1]]
