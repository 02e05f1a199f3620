# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``bench_mesh.py`` measures beside the project's own models: hulls, and scans with their true cameras."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

import environments
from window_setup import DEBIAN

sys.path.insert(0, str(environments.ROOT))
from colmap_text import write_model
from scan.meshing.efforts import EFFORTS
from scan.meshing.extract import extract
from scan.meshing.finish import finished
from scan.meshing.hull import Outline, grid_around, hull_on
from scan.reconstruction.ply import write_ply
from scan.reconstruction.readers import registry
from scan.reconstruction.types import Camera
from scan.reconstruction.types import Photo as Posed
from scan.views.distances import signed_distances
from scan.views.prepare import look
from scan.views.shots import cut, read_mask, sources_of
from scan.views.threads import Workers
from scan.views.view import halved


def hull_mesh(scan: Path, output: Path) -> Path:
    """The hull of all masks alone, on the grid of NORMAL: what a model must never be worse than."""
    place = output / "sparse" if (output / "sparse").is_dir() else output
    masks = output / "masks" if (output / "masks").is_dir() else scan / "true_masks"
    reconstruction = registry.read(registry.find(place))
    sources = sources_of(reconstruction, scan / "photos", masks, output / "converted")
    workers = Workers(2, threading.Event())
    effort = EFFORTS["NORMAL"]
    shots = look(sources, effort.edge, workers)
    outlines = []
    for source, part, view in zip(shots.sources, shots.parts, shots.views, strict=True):
        mask = np.asarray(cut(read_mask(source), part), np.float32)
        outlines.append(Outline(view.halved(1), signed_distances(halved(mask, 1)), part.ends))
    grid = grid_around(outlines, effort.fine, workers)
    surface = extract(hull_on(grid, outlines, workers), grid)
    workers.close()
    path = output / "hull.ply"
    write_ply(path, finished(surface, np.zeros(len(surface.vertices), np.float32), None, shots.frame))
    return path


def true_model(scan: Path, output: Path, *, number: int = 0, scale: float = 1.0, scan_copy: Path | None = None) -> None:
    """Write the true cameras of a scan as a COLMAP text model into ``output/sparse``.

    With ``scan_copy``, the photos and true masks go there, too: scaled, and ``number`` of them, as often as it takes.
    """
    table = json.loads((scan / "cameras.json").read_text(encoding="utf-8"))
    lens = table["intrinsics"]
    size = (round(lens["width"] * scale), round(lens["height"] * scale))
    numbers = (lens["fx"] * scale, lens["fy"] * scale, lens["cx"] * scale, lens["cy"] * scale)
    photos = table["photos"]
    posed = []
    for index, turn in _chosen(len(photos), number or len(photos)):
        photo = photos[index]
        name = photo["photo"] if turn == 0 else f"{PurePosixPath(photo['photo']).with_suffix('')}_{turn}.JPG"
        pose = np.array(photo["camera_from_object"])
        posed.append(Posed(name, 1, pose[:3, :3], pose[:3, 3]))
        if scan_copy is not None:
            _copy(scan / "photos" / photo["photo"], scan_copy / "photos" / name, size)
            _copy(scan / "true_masks" / f"{photo['photo']}.png", scan_copy / "true_masks" / f"{name}.png", size)
    write_model(output / "sparse", [Camera(1, "PINHOLE", *size, numbers)], posed)


def wheels(tag: str, place: Path) -> Path:
    """A folder with what a model needs beside numpy, from the wheels for a Python such as ``cp311`` on this Linux."""
    target = place / tag
    if not target.is_dir():
        for name in ("pillow", "fast_simplification"):
            (wheel,) = (environments.ROOT / "vendor" / "wheels").glob(f"{name}-*-{tag}-*manylinux*_x86_64.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(target)
    return target


def debian_python(place: Path) -> Path:
    """A script that starts the Python, with numpy, of the Debian whose Blender the window tests use.

    It is that Python's ``sys.executable``, too.
    """
    usr = DEBIAN / "usr"
    libraries = ":".join(f"{usr}/lib/x86_64-linux-gnu{folder}" for folder in ("", "/blas", "/lapack"))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(
        "#!/bin/sh\n"
        f'export PYTHONHOME="{usr}" PYTHONPATH="$PYTHONPATH:{usr}/lib/python3/dist-packages"\n'
        f'exec "{usr}/lib64/ld-linux-x86-64.so.2" --argv0 "$0" --library-path "{libraries}" "{usr}/bin/python3" "$@"\n',
        encoding="utf-8",
    )
    place.chmod(0o755)
    return place


def versions_of(python: Path) -> str:
    """The versions of a Python and of its numpy."""
    code = "import platform, numpy; print(platform.python_version(), numpy.__version__, sep=', ')"
    return subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def _chosen(there: int, number: int) -> list[tuple[int, int]]:
    """Which photos, and how often each was taken before: evenly spread where there are more than are wanted."""
    if number <= there:
        return [(index * there // number, 0) for index in range(number)]
    return [(index % there, index // there) for index in range(number)]


def _copy(source: Path, target: Path, size: tuple[int, int]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as image:
        if image.size == size:
            shutil.copyfile(source, target)
            return
        image.resize(size, Image.Resampling.BICUBIC if image.mode == "RGB" else Image.Resampling.BILINEAR).save(
            target, **({"quality": 92} if target.suffix == ".JPG" else {})
        )
