# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes made from a rendered scan, in pictures beside the shape it was rendered from: truth first, then in turn.

One PNG for each view, named after it. A view is a photo of the scan, seen by its true camera, or a side of the truth
(``front`` looks from -y). Results are laid over the truth as mesh_measure.py does it. All are of the same matt grey,
flat shaded; a surface seen from behind is red.

    build/env/bpy-5.2.3/bin/python tools/mesh_pictures.py --scan tests/data/turntable --poses POSES.json \
        --output build/pictures --view upright/IMG_0005.JPG --view corner --zoom 3 --look-at=0.147,0.02,0.189 MESH.ply …
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import bpy
import numpy as np
from mathutils import Matrix, Vector

from bench_cameras import Pose
from mesh_measure import Mesh, Scan, read_ply

VIEWS = {
    "front": (0, -1, 0),
    "back": (0, 1, 0),
    "left": (-1, 0, 0),
    "right": (1, 0, 0),
    "top": (0, 0, 1),
    "bottom": (0, 0, -1),
    "corner": (0.6, -0.6, 0.55),
}
"""Where the camera stands, seen from the middle of the truth's box."""
AWAY, FILLED = 2.5, 1.1
"""Of those views: diagonals from the middle, and how much of the picture's height a diagonal fills."""
SUN = (-0.8, 0.6, 0.5)
"""Where the sun stands, seen from the camera: to its left, above it, and behind it."""
GAP = 4
"""White pixels between two meshes."""


class View(NamedTuple):
    """A pinhole: where it stands, its focal length and its principal point from the middle, in picture heights."""

    pose: Pose
    focal: float
    offset: tuple[float, float] = (0.0, 0.0)

    def closer(self, zoom: float, target: np.ndarray | None) -> View:
        """A part of the same picture: enlarged, and with a point of the truth's frame in its middle."""
        if target is None:
            return self._replace(focal=self.focal * zoom, offset=(self.offset[0] * zoom, self.offset[1] * zoom))
        x, y, z = self.pose.rotation @ (target - self.pose.centre)
        if z <= 0:
            raise ValueError("What is looked at lies behind the camera.")
        focal = self.focal * zoom
        return self._replace(focal=focal, offset=(-focal * x / z, -focal * y / z))


def view_of(scan: Scan, name: str) -> View:
    """The view of a photo, or one of ``VIEWS``."""
    if name in scan.cameras:
        lens = scan.intrinsics
        offset = (lens["cx"] - lens["width"] / 2, lens["cy"] - lens["height"] / 2)
        return View(scan.cameras[name], lens["fy"] / lens["height"], tuple(part / lens["height"] for part in offset))
    if name not in VIEWS:
        raise ValueError(f"{name} is no photo of the scan, and none of {', '.join(VIEWS)}.")
    forward = -np.array(VIEWS[name], float)
    forward /= np.linalg.norm(forward)
    up = np.array([0.0, 1.0, 0.0] if abs(forward[2]) > 0.9 else [0.0, 0.0, 1.0])
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    rotation = np.array([right, np.cross(forward, right), forward])
    return View(Pose(rotation, scan.middle - AWAY * scan.diagonal * forward), FILLED * AWAY)


def prepare(size: tuple[int, int], samples: int, threads: int) -> None:
    """An empty scene with a sky, a sun and a camera; Cycles on the CPU."""
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    scene = bpy.context.scene
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = *size, 100
    render.use_persistent_data = True
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGB"
    if threads:
        render.threads_mode, render.threads = "FIXED", threads
    cycles.device, cycles.samples, cycles.use_adaptive_sampling, cycles.seed = "CPU", samples, False, 1
    cycles.max_bounces = cycles.diffuse_bounces = 1
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_quality = cycles.denoising_prefilter = "FAST"
    scene.view_settings.view_transform, scene.display_settings.display_device = "Standard", "sRGB"
    scene.world = bpy.data.worlds.new("Sky")
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.3, 0.32, 0.36, 1)
    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy, sun.angle = 3.0, 0.05
    camera = bpy.data.cameras.new("Camera")
    camera.sensor_fit, camera.sensor_height = "VERTICAL", 24.0
    for name, data in (("Sun", sun), ("Camera", camera)):
        scene.collection.objects.link(bpy.data.objects.new(name, data))
    scene.camera = bpy.data.objects["Camera"]


def clay() -> bpy.types.Material:
    """Matt grey in front, matt red behind."""
    material = bpy.data.materials.new("Clay")
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    side, mix = nodes.new("ShaderNodeNewGeometry"), nodes.new("ShaderNodeMixShader")
    links.new(side.outputs["Backfacing"], mix.inputs[0])
    for at, colour in ((1, (0.4, 0.4, 0.4, 1)), (2, (0.6, 0.08, 0.06, 1))):
        shader = nodes.new("ShaderNodeBsdfDiffuse")
        shader.inputs["Color"].default_value = colour
        links.new(shader.outputs["BSDF"], mix.inputs[at])
    links.new(mix.outputs["Shader"], nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    return material


def show(mesh: Mesh, material: bpy.types.Material) -> bpy.types.Object:
    """The mesh as an object of the scene."""
    data = bpy.data.meshes.new("Mesh")
    data.vertices.add(len(mesh.points))
    data.vertices.foreach_set("co", mesh.points.astype(np.float32).ravel())
    data.loops.add(mesh.faces.size)
    data.loops.foreach_set("vertex_index", mesh.faces.astype(np.int32).ravel())
    data.polygons.add(len(mesh.faces))
    data.polygons.foreach_set("loop_start", np.arange(0, mesh.faces.size, 3, dtype=np.int32))
    data.update(calc_edges=True)
    data.validate()
    data.shade_flat()
    data.materials.append(material)
    thing = bpy.data.objects.new("Mesh", data)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def look(view: View, diagonal: float) -> None:
    """Put the camera, and the sun behind it."""
    camera, sun = bpy.data.objects["Camera"], bpy.data.objects["Sun"]
    turn = view.pose.rotation.T @ np.diag([1.0, -1.0, -1.0])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, view.pose.centre
    camera.matrix_world = Matrix(matrix.tolist())
    lens = camera.data
    lens.lens = view.focal * lens.sensor_height
    lens.shift_x, lens.shift_y = -view.offset[0], view.offset[1]
    lens.clip_start, lens.clip_end = diagonal / 100, diagonal * 100
    sun.matrix_world = Vector((turn @ np.array(SUN)).tolist()).to_track_quat("Z", "Y").to_matrix().to_4x4()


def render(folder: Path) -> np.ndarray:
    """The picture as 8-bit RGBA shares (rows from below, columns, 4)."""
    path = folder / "tile.png"
    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    pixels = np.empty(image.size[0] * image.size[1] * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    tile = pixels.reshape(image.size[1], image.size[0], image.channels)
    bpy.data.images.remove(image)
    return tile


def save(tiles: list[np.ndarray], path: Path) -> None:
    """Pictures side by side, as a PNG."""
    gap = np.ones((tiles[0].shape[0], GAP, tiles[0].shape[2]), np.float32)
    picture = np.hstack([part for tile in tiles for part in (gap, tile)][1:])
    image = bpy.data.images.new("Picture", picture.shape[1], picture.shape[0])
    image.pixels.foreach_set(np.ascontiguousarray(picture).ravel())
    path.parent.mkdir(parents=True, exist_ok=True)
    image.filepath_raw, image.file_format = str(path.resolve()), "PNG"
    image.save()
    bpy.data.images.remove(image)


def picture_size(text: str) -> tuple[int, int]:
    """``640x480``."""
    width, height = (int(part) for part in text.lower().split("x"))
    return width, height


def place(text: str) -> np.ndarray:
    """``x,y,z``."""
    return np.array(text.split(","), float).reshape(3)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--scan", type=Path, required=True, help="such as tests/data/turntable")
    parser.add_argument("--poses", type=Path, required=True, help="JSON: photo → centre of its camera")
    parser.add_argument("--output", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--view", action="append", required=True, help=f"a photo, {', '.join(VIEWS)}; several times")
    parser.add_argument("--size", type=picture_size, default=(640, 480), metavar="WxH", help="of each; 640x480")
    parser.add_argument("--zoom", type=float, default=1.0, help="so much larger (default 1)")
    parser.add_argument("--look-at", type=place, help="into the middle, truth's frame: --look-at=x,y,z")
    parser.add_argument("--samples", type=int, default=4, help="rays a pixel before denoising (default 4)")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("meshes", type=Path, nargs="+", metavar="MESH.ply")
    options = parser.parse_args()
    scan = Scan(options.scan)
    alignment = scan.align(json.loads(options.poses.read_text(encoding="utf-8")))
    views = {name: view_of(scan, name).closer(options.zoom, options.look_at) for name in options.view}
    prepare(options.size, options.samples, options.threads)
    material = clay()
    tiles: dict[str, list[np.ndarray]] = {name: [] for name in views}
    with tempfile.TemporaryDirectory() as scratch:
        for mesh in (
            read_ply(options.scan / "object.ply"),
            *(alignment.apply(read_ply(path)) for path in options.meshes),
        ):
            thing = show(mesh, material)
            for name, view in views.items():
                look(view, scan.diagonal)
                tiles[name].append(render(Path(scratch)))
            bpy.data.meshes.remove(thing.data)
    for name, row in tiles.items():
        path = options.output / f"{name.replace('/', '_').removesuffix('.JPG')}.png"
        save(row, path)
        print(path)


if __name__ == "__main__":
    try:
        main()
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"mesh_pictures.py: {error}")
