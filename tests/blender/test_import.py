# SPDX-License-Identifier: GPL-3.0-or-later
"""A solved scan becomes cameras, pictures and points that agree with COLMAP to a twentieth of a pixel."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from colmap_scenes import SHAPES, as_json, camera_of, reference, scene_of
from PIL import Image

from large_scan import write_large
from scan.reconstruction.camera_models import MODELS, project
from scan.reconstruction.pinhole import pixel_rays, view
from scan.reconstruction.readers import registry
from scan.reconstruction.types import Camera

LARGE = {"SIMPLE_PINHOLE": (9000.0, 2900.0, 4400.0), "SIMPLE_RADIAL": (9000.0, 2900.0, 4400.0, -0.04)}
"""A camera of 45 megapixels: what single precision costs in Blender grows with the picture."""

PROJECT = """
    from bpy_extras.object_utils import world_to_camera_view
    scene = bpy.context.scene
    bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0])
    (points,) = [each for each in bpy.data.objects if each.type == "MESH" and each.parent]
    # The artist turns and scales a scan as a whole, by its root.
    points.parent.location, points.parent.scale = (3, -2, 1), (0.7, 0.7, 0.7)
    bpy.context.view_layer.update()
    result = {}
    for camera in [each for each in bpy.data.objects if each.type == "CAMERA" and each.parent]:
        bpy.ops.scan_cutout.look_through_photo(camera=camera.name)
        assert scene.camera == camera
        width, height = scene.render.resolution_x, scene.render.resolution_y
        seen = [world_to_camera_view(scene, camera, points.matrix_world @ each.co) for each in points.data.vertices]
        # Blender counts from the lower left corner of the picture, in its width and height.
        result[camera.data["scan_cutout_photo"]] = [(at.x * width, (1 - at.y) * height) for at in seen]
"""

COUNT = """
    def count():
        lists = {name: getattr(bpy.data, name) for name in dir(bpy.data)}
        return {name: len(each) for name, each in lists.items() if isinstance(each, bpy.types.bpy_prop_collection)}
"""


@pytest.fixture(scope="module")
def every_camera(tmp_path_factory) -> Path:
    """A model with a photo of every camera model, landscape and portrait."""
    cameras = [
        camera_of(model, shape, number)
        for number, (model, shape) in enumerate(((model, shape) for model in MODELS for shape in SHAPES), 1)
    ]
    cameras += [Camera(100 + n, model, 8256, 5504, LARGE[model]) for n, model in enumerate(LARGE)]
    folder = tmp_path_factory.mktemp("every") / "models"
    reference("write", str(folder), asked=scene_of(cameras))
    return folder


@pytest.fixture
def scan(tmp_path) -> Path:
    """A project with photos and masks: two as Blender shows them, one through a fisheye, one that is not there."""
    cameras = [
        Camera(1, "SIMPLE_PINHOLE", 400, 300, (350.0, 180.0, 160.0)),
        Camera(2, "SIMPLE_PINHOLE", 300, 400, (350.0, 160.0, 180.0)),
        Camera(3, "OPENCV_FISHEYE", 400, 300, (200.0, 200.0, 200.0, 150.0, 0.01, 0.0, 0.0, 0.0)),
        Camera(4, "SIMPLE_RADIAL", 400, 300, (350.0, 180.0, 160.0, 0.1)),
    ]
    scene = scene_of(cameras)
    reference("write", str(tmp_path / "written"), asked=scene)
    project = tmp_path / "Vase"
    shutil.copytree(tmp_path / "written" / "bin", project / "sparse" / "0")
    for photo, camera in list(zip(scene["photos"], cameras, strict=True))[:3]:
        picture = Image.new("RGB", (camera.width, camera.height), (90, 120, 150))
        mask = Image.new("L", picture.size)
        mask.paste(255, (100, 100, 250, 250))
        for path, image in (
            (project / "images" / photo["name"], picture),
            (project / "masks" / f"{photo['name']}.png", mask),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            image.save(path)
    return project


def test_blender_shows_every_point_where_colmap_does(blender_installed, every_camera):
    model = registry.read(every_camera / "bin")
    seen = blender_installed.run(PROJECT, every_camera / "bin").result
    assert seen.keys() == {photo.name for photo in model.photos}
    flat, solved = [], []
    for photo in model.photos:
        camera = model.cameras[photo.camera]
        shown = view(camera).pinhole
        parameters = (shown.focal, shown.focal, shown.center_x, shown.center_y)
        rays = {"rays": (model.points.positions @ photo.rotation.T + photo.translation).tolist()}
        flat.append({**as_json(Camera(1, "PINHOLE", shown.width, shown.height, parameters)), **rays})
        solved.append({**as_json(camera), **rays})
    worst: dict[str, float] = {}
    for photo, as_flat, as_solved in zip(
        model.photos, reference("project", asked=flat), reference("project", asked=solved), strict=True
    ):
        camera = model.cameras[photo.camera]
        shown = view(camera).pinhole
        ours, theirs = np.array(seen[photo.name]), np.array(as_flat, dtype=float)
        # Far beside the picture a pixel means little: what is within one picture around it counts.
        size = np.array([shown.width, shown.height])
        near = (np.abs(theirs - size / 2) < 1.5 * size).all(axis=1)
        assert near.sum() >= 10
        off = [np.hypot(*(ours - theirs)[near].T)]
        # And the whole way back to the photo as it was taken, where COLMAP's own camera has the last word.
        u, v = pixel_rays(shown, *ours.T)
        theirs = np.array(as_solved, dtype=float)
        taken = ((theirs >= 0) & (theirs <= [camera.width, camera.height])).all(axis=1) & near
        off.append(np.hypot(*(np.stack(project(camera, u, v), axis=1) - theirs)[taken].T))
        worst[f"{camera.model} {camera.width} × {camera.height}"] = float(np.concatenate(off).max())
    print(*(f"{name}: {value:.4f} px" for name, value in worst.items()), sep="\n")
    assert len(worst) == len(model.photos)
    assert max(worst.values()) <= 0.05, worst


def test_text_and_binary_make_the_same_scene(blender_installed, every_camera):
    binary, text = (blender_installed.run(PROJECT, every_camera / form).result for form in ("bin", "txt"))
    for name, points in binary.items():
        ours, theirs = (sorted(map(tuple, each)) for each in (points, text[name]))
        np.testing.assert_allclose(ours, theirs, atol=0.02)


@pytest.mark.compat
def test_photos_are_behind_the_cameras_and_masks_at_hand(blender_installed, scan):
    before = {path: path.read_bytes() for path in scan.rglob("*") if path.is_file()}
    run = blender_installed.run(
        """
        bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0])
        result = {
            camera["scan_cutout_photo"]: {
                "size": list(camera["scan_cutout_size"]), "on": camera.show_background_images,
                "backgrounds": [{"file": each.image.filepath, "size": list(each.image.size), "alpha": each.alpha,
                                 "seen": each.show_background_image} for each in camera.background_images],
            } for camera in bpy.data.cameras if "scan_cutout_photo" in camera
        }
        """,
        scan,
    )
    plain, portrait, fisheye, missing = (run.result[name] for name in sorted(run.result))
    # By name, those of side 0 come first.
    portrait, fisheye = fisheye, portrait
    assert "1 has no picture behind it" in run.stdout + run.stderr
    assert missing["backgrounds"] == []
    for camera, size in ((plain, [400, 300]), (portrait, [300, 400])):
        picture, mask = camera["backgrounds"]
        assert camera["size"] == picture["size"] == mask["size"] == size
        assert Path(picture["file"]).is_relative_to(scan / "images")
        assert Path(mask["file"]).is_relative_to(scan / "masks")
        assert (camera["on"], picture["seen"], mask["seen"], picture["alpha"]) == (True, True, False, 1.0)
    (copies,) = (scan / "sparse" / "0").glob("undistorted-*")
    picture, mask = fisheye["backgrounds"]
    assert fisheye["size"] == picture["size"] == mask["size"]
    assert fisheye["size"][0] > 400
    assert Path(picture["file"]).is_relative_to(copies / "photos")
    assert Path(mask["file"]).is_relative_to(copies / "masks")
    assert set(np.unique(np.asarray(Image.open(mask["file"])))) == {0, 255}
    assert {path: path.read_bytes() for path in before} == before, "what was there is as it was"


def test_an_image_that_no_file_saves_is_not_put_behind_a_camera(blender_installed, scan):
    """What the preview and the painting show is Blender's for this session only."""
    images = blender_installed.run(
        """
        bpy.data.images.load(arguments[1]).is_runtime_data = True
        bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0])
        bpy.ops.wm.save_as_mainfile(filepath=arguments[2])
        bpy.ops.wm.open_mainfile(filepath=arguments[2])
        cameras = [camera for camera in bpy.data.cameras if camera.background_images]
        result = [each.image.filepath if each.image else "" for camera in cameras for each in camera.background_images]
        """,
        *(scan, next((scan / "images").rglob("*.*")), scan / "saved.blend"),
    ).result
    assert len(images) == 6
    assert "" not in images


def test_copies_are_made_once(blender_installed, scan):
    script = "bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0]); result = True"
    assert blender_installed.run(script, scan).result
    (copy,) = (scan / "sparse" / "0").glob("undistorted-*/photos/**/*.jpg")
    first = copy.stat().st_mtime_ns
    assert blender_installed.run(script, scan).result
    assert copy.stat().st_mtime_ns == first
    (photo,) = scan.glob("images/Side 0/*2.jpg")
    Image.new("RGB", (400, 300), (200, 10, 10)).save(photo)
    assert blender_installed.run(script, scan).result
    assert Image.open(copy).getpixel((copy_width(copy) // 2, 100))[0] > 150, "another photo, another copy"


def copy_width(path: Path) -> int:
    return Image.open(path).width


@pytest.mark.parametrize("file", ["cameras.bin", "images.bin", "points3D.bin"])
def test_a_broken_model_leaves_the_scene_as_it_was(blender_installed, scan, file):
    path = scan / "sparse" / "0" / file
    path.write_bytes(path.read_bytes()[:-5])
    found = blender_installed.run(
        COUNT
        + """
    before = count()
    try:
        bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0])
        said = ""
    except RuntimeError as error:
        said = str(error)
    result = {"said": said, "same": count() == before, "kinds": len(before)}
    """,
        scan,
    ).result
    assert f"{file} is damaged" in found["said"]
    assert found["same"]
    assert found["kinds"] > 30


def test_undo_takes_all_of_it_back(blender_installed, scan):
    found = blender_installed.run(
        COUNT
        + """
    bpy.ops.ed.undo_push(message="before")
    before = count()
    bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0])
    bpy.ops.ed.undo_push(message="after")
    during = count()
    bpy.ops.ed.undo()
    result = {"before": before, "during": during, "after": count()}
    """,
        scan,
    ).result
    assert found["during"]["objects"] == found["before"]["objects"] + 6
    assert found["after"] == found["before"]


def test_what_is_made_hangs_together(blender_installed, scan):
    found = blender_installed.run(
        """
        from mathutils import Vector
        bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0], animated_camera=True)
        scene = bpy.context.scene
        scan = scene.collection.children["Vase"]
        root, tour = scan.objects["Vase"], scan.objects["Vase Tour"]
        off = []
        cameras = sorted(scan.children[0].objects, key=lambda each: each.data["scan_cutout_photo"])
        for frame, camera in enumerate(cameras, 1):
            scene.frame_set(frame)
            off.append(max((one - two).length for one, two in zip(tour.matrix_world, camera.matrix_world)))
            for name in ("lens", "shift_x", "shift_y"):
                off.append(abs(getattr(tour.data, name) - getattr(camera.data, name)))
        def look(**how):
            bpy.ops.scan_cutout.look_through_photo(**how)
            return scene.camera.name, scene.render.resolution_x, scene.render.resolution_y
        result = {
            "parents": [each.parent is root for each in scan.all_objects if each is not root], "off": max(off),
            "up": list(root.matrix_world.to_3x3() @ Vector((0, -1, 0))), "names": [each.name for each in cameras],
            "sizes": [list(each.data["scan_cutout_size"]) for each in cameras],
            "steps": [look(), *[look(step=1) for _ in cameras], look(step=-1)],
            "tour": look(camera="Vase Tour")[0], "from tour": look(step=1)[0],
            "attributes": {each.name: (each.data_type, each.domain)
                           for each in scan.objects["Vase Points"].data.color_attributes},
        }
        """,
        scan,
    ).result
    assert len(found["parents"]) == 6
    assert all(found["parents"])
    assert found["off"] < 1e-4
    np.testing.assert_allclose(found["up"], [0, 0, 1], atol=1e-6)
    assert found["attributes"] == {"Color": ["BYTE_COLOR", "POINT"]}
    names, sizes = found["names"], dict(zip(found["names"], found["sizes"], strict=True))
    assert [step[0] for step in found["steps"]] == [*names, names[0], names[-1]]
    assert all(step[1:] == sizes[step[0]] for step in found["steps"])
    assert [400, 300] in found["sizes"]
    assert [300, 400] in found["sizes"]
    assert (found["tour"], found["from tour"]) == ("Vase Tour", names[0])


def test_the_points_are_seen_in_a_render(blender_installed, tmp_path):
    camera = Camera(1, "SIMPLE_PINHOLE", 200, 100, (150.0, 100.0, 50.0))
    scene = scene_of([camera, camera_of("PINHOLE", "landscape", 2)], points=5)
    scene["photos"][0] |= {"quaternion": [1, 0, 0, 0], "translation": [0, 0, 4]}
    places = {(255, 0, 0): [-1, -0.5, 0], (0, 255, 0): [1, -0.5, 0], (0, 0, 255): [1, 0.5, 0]}
    scene["points"] = [{"position": position, "color": color} for color, position in places.items()]
    reference("write", str(tmp_path / "model"), asked=scene)
    picture = tmp_path / "render.png"
    assert blender_installed.run(
        """
        bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0])
        scene = bpy.context.scene
        for each in [each for each in scene.objects if not each.parent and each.type in {"MESH", "LIGHT"}]:
            bpy.data.objects.remove(each)
        (group,) = bpy.data.node_groups
        radius = next(node for node in group.nodes if node.bl_idname == "GeometryNodeMeshToPoints").inputs["Radius"]
        group.links.remove(radius.links[0])
        radius.default_value = 0.15
        (camera,) = [each for each in scene.objects if each.data and "000" in each.data.get("scan_cutout_photo", "")]
        bpy.ops.scan_cutout.look_through_photo(camera=camera.name)
        scene.world = None
        scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 4, False
        scene.view_settings.view_transform = "Standard"
        scene.render.filepath = arguments[1]
        bpy.ops.render.render(write_still=True)
        result = True
        """,
        tmp_path / "model" / "bin",
        picture,
    ).result
    rendered = Image.open(picture).convert("RGB")
    assert rendered.size == (200, 100)
    for color, (x, y, _) in places.items():
        seen = rendered.getpixel((round(100 + 150 * x / 4), round(50 + 150 * y / 4)))
        np.testing.assert_allclose(seen, color, atol=3)
    assert rendered.getpixel((100, 50)) == (0, 0, 0)


def test_photos_of_a_large_scan_are_read_when_they_are_looked_at(blender_installed, tmp_path):
    write_large(tmp_path / "large", 1_000_000, 500)
    code = """
    bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0])
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    clouds = [each.object.data for each in depsgraph.object_instances if each.object.type == "POINTCLOUD"]
    result = {"shown": [len(each.points) for each in clouds],
              "cameras": len(bpy.data.cameras), "images": len(bpy.data.images),
              "loaded": sum(each.has_data for each in bpy.data.images),
              "vertices": max(len(each.vertices) for each in bpy.data.meshes)}
    """
    found = blender_installed.run(code, tmp_path / "large").result
    assert found["cameras"] >= 500
    assert found["images"] >= 500
    assert found["loaded"] == 0
    assert found["vertices"] == 1_000_000
    assert 250_000 < found["shown"][0] < 350_000, "the viewport shows a part of so many"


def test_the_menu_and_dropped_files_lead_to_it(blender_installed, scan):
    found = blender_installed.run(
        """
        drawn = [each.__module__ for each in bpy.types.TOPBAR_MT_file_import.draw._draw_funcs]
        handler = bpy.types.SCAN_CUTOUT_FH_import_reconstruction
        # What dropping a file does: the operator with a path, invoked.
        bpy.ops.scan_cutout.import_reconstruction("INVOKE_DEFAULT", filepath=arguments[0])
        result = {"drawn": drawn, "operator": handler.bl_import_operator, "kinds": handler.bl_file_extensions,
                  "cameras": len([each for each in bpy.data.cameras if "scan_cutout_photo" in each])}
        """,
        scan / "sparse" / "0" / "images.bin",
    ).result
    assert any("scan_cutout" in module for module in found["drawn"])
    assert (found["operator"], found["kinds"]) == ("scan_cutout.import_reconstruction", ".bin;.txt")
    assert found["cameras"] == 4


def test_there_is_nothing_to_look_through_at_first(blender_installed):
    found = blender_installed.run("result = bpy.ops.scan_cutout.look_through_photo.poll()").result
    assert found is False
