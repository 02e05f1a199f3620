# SPDX-License-Identifier: GPL-3.0-or-later
"""Render four more scans, each of 24 photos: what is hollow, what is bare, what shines, what is thin.

    build/env/bpy-5.2.3/bin/python tests/data/render_objects.py --finish-python build/env/tests/bin/python

renders the sets that lie under objects/; `--objects idol,plain` only those. Each is a folder as turntable/ is one, with
the same conventions: photos, true_masks, cameras.json, object.ply. The plate turns, lamps and cameras stand still, and
everything is drawn from fixed seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import bpy  # noqa: E402
import numpy as np  # noqa: E402
import object_shapes as shapes  # noqa: E402
from object_paint import paint  # noqa: E402
from render_turntable import picture_size, prepare_cycles, render_masks, render_photos, write_ply  # noqa: E402
from turntable_frames import Photo, Side, camera_table, focal_35mm  # noqa: E402
from turntable_object import Part  # noqa: E402
from turntable_paint import Sheet, rgb, write_png  # noqa: E402
from turntable_scene import (  # noqa: E402
    TABLE,
    _material,
    _mesh_object,
    _painted,
    _panel,
    _plate,
    build_camera,
    build_lights,
    triangles,
)

TRIANGLES, LONGEST = 9000, 7.5
"""How many to simplify to, and then how many millimetres an edge may have: each triangle has as many texels."""
SIDES = (
    (Side("upright", False, 20.0, 0.660, (0.0, 0.0, 0.1075), 28.0, (0.004, -0.003)), 18, 20.0),
    (Side("flipped", True, 20.0, 0.650, (0.0, 0.0, 0.1075), -140.0, (-0.003, 0.005)), 6, 21.0),
)
"""How it stands, how many photos, how many degrees from one to the next: a whole turn, and an arc before the face."""


def all_photos() -> list[Photo]:
    """The 24 photos in the order in which they were taken: each on a side that has been turned so far."""
    photos = []
    for side, count, apart in SIDES:
        for step in range(count):
            c, s = np.cos(np.radians(step * apart)), np.sin(np.radians(step * apart))
            x, y = side.offset
            turned = replace(
                side,
                start_degrees=side.start_degrees + step * apart,
                offset=(float(c * x - s * y), float(s * x + c * y)),
            )
            photos.append(Photo(len(photos) + 1, turned, 0))
    return photos


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE / "objects", help="folder of the sets")
    parser.add_argument("--objects", default=",".join(shapes.SHAPES), help="which, joined by commas (default all)")
    parser.add_argument("--size", type=picture_size, default=(640, 480), metavar="WxH", help="default 640x480")
    parser.add_argument("--samples", type=int, default=8, help="rays a pixel before denoising (default 8)")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--renders", type=Path, help="keep the PNGs before grain here, and use those that are there")
    parser.add_argument("--finish-python", type=Path, default=Path(sys.executable), help="it needs Pillow, numpy")
    parser.add_argument("--quality", type=int, default=85, help="JPEG quality (default 85)")
    return parser.parse_args()


def simplified(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """About `TRIANGLES` triangles that keep to the shape, and no edge longer than `LONGEST`. Millimetres."""
    rough = bpy.data.meshes.new("rough")
    rough.from_pydata(points.tolist(), [], faces.tolist())
    thing = bpy.data.objects.new("rough", rough)
    bpy.context.scene.collection.objects.link(thing)
    modifier = thing.modifiers.new("fewer", "DECIMATE")
    modifier.ratio = min(1.0, TRIANGLES / len(faces))
    modifier.use_collapse_triangulate = True
    thing.data = bpy.data.meshes.new_from_object(thing.evaluated_get(bpy.context.evaluated_depsgraph_get()))
    fewer = triangles(thing)
    bpy.data.objects.remove(thing)
    return shapes.split(*fewer, LONGEST)


def glazed(material: bpy.types.Material) -> None:
    """Make a matt material shine: highlights move over the surface as it turns."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = nodes.new("ShaderNodeBsdfPrincipled")
    shader.inputs["Roughness"].default_value = 0.12
    links.new(nodes["Image Texture"].outputs["Color"], shader.inputs["Base Color"])
    links.new(shader.outputs["BSDF"], nodes["Material Output"].inputs["Surface"])


def build_object(name: str, folder: Path) -> bpy.types.Object:
    """The thing itself, closed and painted."""
    points, faces = simplified(*shapes.mesh(name))
    points = shapes.stood_up(points)
    shapes.check_closed(faces)
    skin = paint(name, points, faces)
    write_png(folder / "skin.png", skin.eight_bit())
    thing = _mesh_object(name, Part(points, [tuple(face) for face in faces.tolist()], skin.corners()))
    thing.data.shade_smooth()
    thing.data.set_sharp_from_angle(angle=np.radians(50))
    material = _material(name, image=folder / "skin.png")
    if name == "glossy":
        glazed(material)
    thing.data.materials.append(material)
    return thing


def build_room(folder: Path) -> None:
    """A table, a wall and the plate, all but bare: nothing to hold on to, and easily told from what stands there."""
    for name, colour, seed, corners in (
        ("table", "#8a7056", 61, [(-0.9, -0.5, TABLE), (0.9, -0.5, TABLE), (0.9, 0.9, TABLE), (-0.9, 0.9, TABLE)]),
        ("wall", "#a3a69d", 62, [(-1.4, 0.9, -0.4), (1.4, 0.9, -0.4), (1.4, 0.9, 0.8), (-1.4, 0.9, 0.8)]),
    ):
        sheet = Sheet(1400, 700, 0.5, rgb(colour), seed)
        for cell, strength in ((240, 0.05), (60, 0.03), (14, 0.02)):
            sheet.shade(sheet.noise(cell), strength)
        _panel(name, corners, _painted(name, sheet, folder))
    _plate()


def render_set(name: str, options: argparse.Namespace, scratch: Path) -> int:
    """One object's folder."""
    width, height = options.size
    photos = all_photos()
    output, renders = options.output / name, (options.renders or scratch / "renders") / name
    for folder in (output, renders, scratch / name):
        folder.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    thing = build_object(name, scratch / name)
    build_room(scratch / name)
    build_lights()
    camera = build_camera()
    prepare_cycles(width, height, options.threads)
    if name == "glossy":
        bpy.context.scene.cycles.max_bounces = bpy.context.scene.cycles.glossy_bounces = 2
    render_photos(thing, camera, photos, renders, options.samples, 1.0)
    render_masks(thing, camera, photos, renders, 1.0)
    ply = output / "object.ply"
    write_ply(ply, *triangles(thing))
    ply.write_bytes(ply.read_bytes().replace(b"comment jug of the turntable scan", f"comment {name}".encode(), 1))
    (output / "cameras.json").write_text(json.dumps(camera_table(photos, width, height), indent=1) + "\n")
    command = [str(options.finish_python), str(HERE / "finish_photos.py"), "--renders", str(renders)]
    command += ["--output", str(output), "--quality", str(options.quality)]
    command += ["--focal-35mm", str(focal_35mm(width, height)), "--photos", *[photo.name for photo in photos]]
    return subprocess.run(command, check=False).returncode


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        return max(render_set(name, options, Path(scratch)) for name in options.objects.split(","))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the bpy module may crash while the interpreter leaves, after all is well
