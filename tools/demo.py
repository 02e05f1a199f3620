# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo``: the scan in this repository, from photos to masks, through a real rembg server and a real Blender.

Everything it needs is installed into ``build/`` inside the clone. Run again, it goes on from its job folder.
"""

from __future__ import annotations

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

_STRIP = """
try:
    bpy.ops.scan_cutout.strip_backgrounds(
        directory=arguments[0], output_directory=arguments[1], endpoint=arguments[2], model="u2netp")
    result = ""
except RuntimeError as error:
    result = str(error)
"""


def main() -> None:
    """Run the demo and print what it made, where, and how long each part took."""
    with _timed("Setting up Blender and rembg"):
        blender = Blender(_newest_blender(), HOME / "blender")
        environments.ensure("rembg")
    with _timed("Building and installing the extension"):
        shutil.rmtree(blender.home, ignore_errors=True)
        build.build(only=build.this_platform(), output=HOME / "dist")
        blender = blender.install(HOME / "dist")
    with _timed("Stripping the backgrounds"):
        _strip(blender)
    with _timed("Comparing the masks with the true ones"):
        median, worst = _check()
    print(
        f"{len(list(_photos()))} masks agree with the true ones: IoU {median:.3f} in the median, {worst:.3f} at worst"
    )
    print(f"Masks:         {OUTPUT / 'masks'}\nContact sheet: {OUTPUT / 'contact_sheet.jpg'}")


def _newest_blender() -> str:
    possible = [version for version in VERSIONS if f"bpy-{version}" in environments.available()]
    if not possible:
        raise environments.Missing("The demo needs Python 3.11 or 3.13 for Blender; neither was found.")
    environments.ensure(f"bpy-{possible[-1]}")
    return possible[-1]


def _strip(blender: Blender) -> None:
    """Strip the scan with a server of our own, started only if a mask is missing: that takes it ten seconds."""
    server = RembgServer(HOME / "rembg.log")
    if all(_mask(photo).exists() for photo in _photos()):
        print("  all masks are there already, so that no server is needed", file=sys.stderr)
    else:
        server.start()
    try:
        ended = blender.run(_STRIP, SCAN / "photos", OUTPUT, server.endpoint, show=True, timeout=1800).result
    finally:
        server.stop()
    if ended:
        raise ScriptError(ended)


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
