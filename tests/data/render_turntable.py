# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the turntable scan: forty photos with EXIF, true masks, ground-truth cameras, the mesh.

    build/env/bpy-5.2.3/bin/python tests/data/render_turntable.py --finish-python build/env/tests/bin/python

renders the set that lies beside this script. The rendering needs bpy 5.2 (Cycles on the CPU); grain, JPEG and EXIF are
done by finish_photos.py under a Python with Pillow and numpy, `--finish-python`. The same scene in other sizes:

    … render_turntable.py --output /tmp/big --size 4032x3024 --photos 1,6,21-23 --target-bytes 3.8M --finish-python …

What lands in the output folder: photos/<side>/IMG_nnnn.JPG, true_masks/<side>/IMG_nnnn.JPG.png, cameras.json
(conventions: turntable_frames.py), object.ply (metres, the object's frame). Everything is drawn from fixed seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import bpy  # noqa: E402
import numpy as np  # noqa: E402
import turntable_scene as scene  # noqa: E402
from mathutils import Matrix  # noqa: E402
from turntable_frames import Photo, all_photos, camera_table, focal_35mm, room_from_object  # noqa: E402


def picture_size(text: str) -> tuple[int, int]:
    """'1280x960' to two numbers."""
    width, height = (int(part) for part in text.lower().split("x"))
    return width, height


def photo_numbers(text: str) -> set[int]:
    """'1,6,21-24' to numbers; also 'upright' and 'flipped'."""
    numbers: set[int] = set()
    for part in text.split(","):
        if part in ("upright", "flipped"):
            numbers.update(photo.number for photo in all_photos() if photo.side.name == part)
        else:
            first, _, last = part.partition("-")
            numbers.update(range(int(first), int(last or first) + 1))
    return numbers


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE / "turntable", help="folder of the set")
    parser.add_argument("--size", type=picture_size, default=(1280, 960), metavar="WxH", help="default 1280x960")
    parser.add_argument(
        "--photos",
        type=photo_numbers,
        default=photo_numbers("1-40"),
        metavar="LIST",
        help="which of the 40: numbers, ranges, 'upright', 'flipped', joined by commas (default all)",
    )
    parser.add_argument("--zoom", type=float, default=1.0, help="of a longer lens: the jug fills more of the picture")
    parser.add_argument("--away", type=float, default=1.0, help="so many times as far from the jug (default 1)")
    parser.add_argument("--rug", action="store_true", help="a patterned cloth instead of the plain plate")
    parser.add_argument("--even-light", action="store_true", help="the same light from everywhere, no lamps")
    parser.add_argument("--samples", type=int, default=8, help="rays a pixel before denoising (default 8)")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--renders", type=Path, help="keep the PNGs before grain here, and use those that are there")
    parser.add_argument("--finish-python", type=Path, default=Path(sys.executable), help="it needs Pillow, numpy")
    parser.add_argument("--grain", type=float, default=1.2, help="its standard deviation in 8-bit steps (default 1.2)")
    parser.add_argument("--target-bytes", help="instead of --grain: grain until a JPEG weighs this, as in 3.8M")
    parser.add_argument("--quality", type=int, default=89, help="JPEG quality (default 89)")
    return parser.parse_args()


def prepare_cycles(width: int, height: int, threads: int) -> None:
    render = bpy.context.scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.image_settings.file_format = "PNG"
    render.image_settings.compression = 15
    render.use_persistent_data = True
    if threads:
        render.threads_mode, render.threads = "FIXED", threads
    cycles = bpy.context.scene.cycles
    cycles.device = "CPU"
    cycles.max_bounces = cycles.diffuse_bounces = 1
    cycles.use_adaptive_sampling = False
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.seed = 1
    bpy.context.scene.view_settings.view_transform = "Standard"
    bpy.context.scene.display_settings.display_device = "sRGB"


def render_photos(thing, camera, photos: list[Photo], folder: Path, samples: int, away: float) -> None:
    """The pictures themselves: whole scene, denoised, 8-bit RGB."""
    render, cycles = bpy.context.scene.render, bpy.context.scene.cycles
    render.film_transparent, render.image_settings.color_mode = False, "RGB"
    cycles.samples, cycles.use_denoising = samples, True
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 1.5
    _render_all(thing, camera, photos, folder, away, "")


def render_masks(thing, camera, photos: list[Photo], folder: Path, away: float) -> None:
    """The object alone, as exact coverage: nothing in the scene ever stands before it."""
    for other in bpy.context.scene.objects:
        other.hide_render = other not in (thing, camera)
    render, cycles = bpy.context.scene.render, bpy.context.scene.cycles
    render.film_transparent, render.image_settings.color_mode = True, "RGBA"
    cycles.samples, cycles.use_denoising, cycles.max_bounces = 16, False, 0
    cycles.pixel_filter_type = "BOX"  # coverage of the pixel's own square, nothing of its neighbours
    cycles.filter_width = 1.0
    _render_all(thing, camera, photos, folder, away, ".alpha")


def _render_all(thing, camera, photos: list[Photo], folder: Path, away: float, suffix: str) -> None:
    for photo in photos:
        path = folder / f"{photo.name}{suffix}.png"
        if path.exists():
            continue
        thing.matrix_world = Matrix(room_from_object(photo).tolist())
        scene.place_camera(camera, photo.side, away)
        bpy.context.scene.render.filepath = str(path.with_suffix(".part.png"))
        started = time.monotonic()
        bpy.ops.render.render(write_still=True)
        path.with_suffix(".part.png").replace(path)
        print(f"{path.relative_to(folder)}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


def write_ply(path: Path, points: np.ndarray, faces: np.ndarray) -> None:
    """Binary little-endian PLY of a triangle mesh."""
    rows = np.empty(len(faces), [("count", "u1"), ("index", "<i4", 3)])
    rows["count"], rows["index"] = 3, faces
    header = (
        f"ply\nformat binary_little_endian 1.0\ncomment jug of the turntable scan, metres, z up, foot at z = 0\n"
        f"element vertex {len(points)}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    path.write_bytes(header.encode() + points.astype("<f4").tobytes() + rows.tobytes())


def main() -> int:
    options = arguments()
    width, height = options.size
    photos = [photo for photo in all_photos() if photo.number in options.photos]
    with tempfile.TemporaryDirectory() as scratch:
        renders = options.renders or Path(scratch) / "renders"
        renders.mkdir(parents=True, exist_ok=True)
        options.output.mkdir(parents=True, exist_ok=True)
        textures = Path(scratch) / "textures"
        textures.mkdir()
        # Two texels for each pixel of a 1280x960 photo (3 pixels a millimetre), and in proportion, up to 12.
        thing, camera = scene.build(
            textures, min(12.0, 6.0 * height / 960), rug=options.rug, is_even=options.even_light
        )
        camera.data.lens *= options.zoom
        prepare_cycles(width, height, options.threads)
        render_photos(thing, camera, photos, renders, options.samples, options.away)
        render_masks(thing, camera, photos, renders, options.away)
        write_ply(options.output / "object.ply", *scene.triangles(thing))
        table = camera_table(photos, width, height, options.zoom, options.away)
        (options.output / "cameras.json").write_text(json.dumps(table, indent=1) + "\n")
        command = [
            str(options.finish_python),
            str(HERE / "finish_photos.py"),
            "--renders",
            str(renders),
            "--output",
            str(options.output),
            "--quality",
            str(options.quality),
            "--focal-35mm",
            str(focal_35mm(width, height, options.zoom)),
            "--photos",
            *[photo.name for photo in photos],
        ]
        command += ["--target-bytes", options.target_bytes] if options.target_bytes else ["--grain", str(options.grain)]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the bpy module may crash while the interpreter leaves, after all is well
