# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench-import``: how long Blender takes to bring in a large scan, 500 cameras and a million points.

The aim is ten seconds. Each of three imports runs in a bpy of its own; the quickest is what the machine can do.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import build
import environments
from bpy_process import VERSIONS, Blender, ScriptError
from large_scan import write_large

_POINTS, _PHOTOS = 1_000_000, 500
_RUNS = 3

_IMPORT = """
import time
begin = time.monotonic()
bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0])
bpy.context.view_layer.update()
result = time.monotonic() - begin
"""


def main() -> None:
    """Measure the newest Blender that this machine can have, and print the seconds."""
    possible = [version for version in VERSIONS if f"bpy-{version}" in environments.available()]
    if not possible:
        raise environments.Missing("This needs Python 3.11 or 3.13 for Blender; neither was found.")
    environments.ensure(f"bpy-{possible[-1]}")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        build.build(only=build.this_platform(), output=place / "dist")
        blender = Blender(possible[-1], place / "blender").install(place / "dist")
        write_large(place / "large", _POINTS, _PHOTOS)
        seconds = sorted(float(blender.run(_IMPORT, place / "large").result) for _ in range(_RUNS))
    said = ", ".join(f"{each:.2f}" for each in seconds)
    print(f"{_PHOTOS} cameras, {_POINTS:,} points in Blender {possible[-1]}: {said} s")


if __name__ == "__main__":
    try:
        main()
    except (build.BuildError, environments.Missing, ScriptError, OSError) as error:
        sys.exit(f"The benchmark stopped: {error}")
