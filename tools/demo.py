# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo``: the scan in this repository, from photos to a model, through a real rembg server and a real Blender.

Everything it needs is installed into ``build/`` inside the clone. Run again, it goes on from its job folder.
With ``--backend embedded`` no server is needed: ``make demo BACKEND=embedded``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

import build
import environments
from bpy_process import VERSIONS, Blender, ScriptError
from rembg_server import RembgServer

SCAN = environments.ROOT / "tests" / "data" / "turntable"
HOME = environments.BUILD / "demo"
OUTPUT = HOME / "turntable_scan"
PICTURE = Path(__file__).with_name("demo_picture.py")
FACES = 60_000
HEIGHT = 0.215
"""Of the jug, in metres, as tests/data/turntable_frames.py has it."""
SHOWN = "upright/IMG_0001.JPG"
"""The photo that is shown beside its mask and the model."""
_SIDE, _MARGIN = 480, 12

# Runs an operator, and hands on the sentence a script would get where it fails.
_CALL = """
import json
try:
    getattr(bpy.ops.scan_cutout, arguments[0])(**json.loads(arguments[1]))
    result = ""
except RuntimeError as error:
    result = str(error)
"""


def main() -> None:
    """Run the demo and print what it made, where, and how long each part took."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--backend", choices=("ENDPOINT", "EMBEDDED"), default="ENDPOINT", type=str.upper)
    backend = parser.parse_args().backend
    with _timed("Setting up Blender and rembg"):
        blender = Blender(_newest_blender(), HOME / "blender")
        if backend == "ENDPOINT":
            environments.ensure("rembg")
    with _timed("Building and installing the extension"):
        shutil.rmtree(blender.home, ignore_errors=True)
        build.build(only=build.this_platform(), output=HOME / "dist")
        blender = blender.install(HOME / "dist")
    with _timed("Stripping the backgrounds"):
        _strip(blender, backend)
    median, worst = _check()
    with _timed("Finding the cameras"):
        _call(blender, "reconstruct", output_directory=OUTPUT)
    with _timed("Building the model"):
        _call(blender, "build_model", output_directory=OUTPUT, model_quality="NORMAL", faces=FACES)
    with _timed("Painting its texture"):
        _call(blender, "texture_model", output_directory=OUTPUT, texture_size="2K")
    with _timed("Bringing them into a scene, exporting and rendering it"):
        found = blender.run(PICTURE, OUTPUT, HEIGHT, SHOWN, timeout=1800).result
    _check_scene(found)
    _side_by_side()
    print(
        f"{len(list(_photos()))} masks agree with the true ones: IoU {median:.3f} in the median, {worst:.3f} at worst"
    )
    print(_solved())
    print("In the scene:  {cameras} cameras, {points:,} points and a closed model with {faces:,} faces".format(**found))
    print("The model is {height:.3f} m high, upright, with a texture of {texture} pixels a side".format(**found))
    for what, name in (
        ("Masks:", "masks"),
        ("Contact sheet:", "contact_sheet.jpg"),
        ("Model:", "scan.glb"),
        ("Scene:", "scan.blend"),
        ("Pictures of it:", "turntable.png"),
        ("", "scan.png"),
        ("", "side_by_side.jpg"),
    ):
        print(f"{what:15} {OUTPUT / name}")


def _newest_blender() -> str:
    possible = [version for version in VERSIONS if f"bpy-{version}" in environments.available()]
    if not possible:
        raise environments.Missing("The demo needs Python 3.11 or 3.13 for Blender; neither was found.")
    environments.ensure(f"bpy-{possible[-1]}")
    return possible[-1]


def _strip(blender: Blender, backend: str) -> None:
    """Strip the scan; a server of our own is started only if a mask is missing, since that takes it ten seconds."""
    server = RembgServer(HOME / "rembg.log")
    if backend == "ENDPOINT":
        if all(_mask(photo).exists() for photo in _photos()):
            print("  all masks are there already, so that no server is needed", file=sys.stderr)
        else:
            server.start()
    try:
        settings = {"directory": SCAN / "photos", "model": "u2netp", "backend": backend, "endpoint": server.endpoint}
        _call(blender, "strip_backgrounds", output_directory=OUTPUT, **settings)
    finally:
        server.stop()


def _call(blender: Blender, operator: str, **keywords: object) -> None:
    said = blender.run(_CALL, operator, json.dumps(keywords, default=str), show=True, timeout=3600).result
    if said:
        raise ScriptError(said)


def _solved() -> str:
    report = json.loads((OUTPUT / "engines" / "colmap" / "report.json").read_bytes())
    return str(report["message"])


def _photos() -> Iterator[Path]:
    return (path.relative_to(SCAN / "photos") for path in sorted((SCAN / "photos").rglob("*.JPG")))


def _mask(photo: Path, root: Path = OUTPUT / "masks") -> Path:
    return root / photo.with_name(f"{photo.name}.png")


def _check() -> tuple[float, float]:
    """Intersection over union of every mask with the true one: median and worst."""
    shares = []
    for photo in _photos():
        ours, true = (
            np.asarray(Image.open(_mask(photo, root))) > 127 for root in (OUTPUT / "masks", SCAN / "true_masks")
        )
        shares.append(float((ours & true).sum() / (ours | true).sum()))
    return statistics.median(shares), min(shares)


def _check_scene(found: dict[str, int]) -> None:
    """Raise ScriptError where something in the scene is not what it should be."""
    photos = len(list(_photos()))
    wanted = {
        f"{found['cameras']} of {photos} photos have a camera": found["cameras"] == photos,
        f"there are {found['points']} points": found["points"] > 1000,
        f"the model has {found['faces']} faces, and {FACES} were asked for": abs(found["faces"] / FACES - 1) < 0.02,
        f"{found['open_edges']} edges of the model have not two faces": found["open_edges"] == 0,
        f"the texture has {found['texture']} pixels a side": found["texture"] == 2048,
        # Where foot and rim are flat counts; single bumps reach further. bench-texture compares with the truth.
        f"the model stands at {found['lowest']} m": abs(found["lowest"]) < 0.01 * HEIGHT,
        f"the model is {found['height']} m high": abs(found["height"] / HEIGHT - 1) < 0.02,
        f"Blender has another model from the GLB: {found['handed_on']}": max(found["handed_on"].values()) < 1e-4,
    }
    if wrong := [words for words, is_right in wanted.items() if not is_right]:
        raise ScriptError("; ".join(wrong))


def _side_by_side() -> None:
    """A photo, its mask and the model as the photo's camera sees it, each cut to the object, in one picture."""
    name = Path(SHOWN)
    mask = Image.open(_mask(name)).convert("L")
    box = mask.getbbox() or (0, 0, *mask.size)
    half = max(box[2] - box[0], box[3] - box[1]) // 2 + _MARGIN
    x, y = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
    rendered = Image.open(OUTPUT / "model.png").convert("RGBA")
    white = Image.new("RGBA", rendered.size, "white")
    pictures = [Image.open(SCAN / "photos" / name), mask, Image.alpha_composite(white, rendered)]
    whole = Image.new("RGB", (3 * _SIDE + 2 * _MARGIN, _SIDE), "white")
    for place, picture in enumerate(pictures):
        part = picture.convert("RGB").crop((x - half, y - half, x + half, y + half)).resize((_SIDE, _SIDE))
        whole.paste(part, (place * (_SIDE + _MARGIN), 0))
    whole.save(OUTPUT / "side_by_side.jpg", quality=90)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    print(f"{what} …", file=sys.stderr, flush=True)
    begin = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - begin:.1f} s", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (build.BuildError, environments.Missing, ScriptError, OSError, RuntimeError) as error:
        sys.exit(f"The demo stopped: {error}")
