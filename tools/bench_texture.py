# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench-texture``: the texture of the repository's scan, compared with its photos, and how it is placed.

- ``jug``: with the project's own masks, cameras and model, at 2K and 4K: all photos; every fifth one kept out of the
  texture and measured alone; the same on the *true* mesh;
- ``even``: the jug rendered in the same light from everywhere, with true masks and cameras, no light taken out;
- ``sizes``: time and memory of all sizes;
- ``placement``: how upright, on the floor and to scale jug and idol come (``measure_placement.py``).

What is compared stands in ``texture_measure.py``. Rendering the even scan, once, takes ten minutes. Prints tables in
Markdown, and adds them to ``build/bench-texture.json``. Linux only.

    python tools/bench_texture.py [--tables jug even sizes placement]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from bench_mesh import JUG, OBJECTS, solved, yardstick
from bench_mesh_scans import true_model
from bench_scan import print_tables
from measure_placement import placement_figures, true_photos
from texture_measure import Measured as Seen
from texture_measure import measure

import environments
from bench_cameras import true_mesh
from bench_solve import Measured, run_job
from colmap_text import write_model

sys.path.insert(0, str(environments.ROOT))
from scan.job.folder import JobFolder
from scan.reconstruction.models import TextureFiles, texture_files
from scan.reconstruction.placement import change_of_frame
from scan.reconstruction.ply import write_ply
from scan.reconstruction.readers import registry
from scan.reconstruction.types import Mesh

HOME = environments.BUILD / "bench-texture"
RESULT = environments.BUILD / "bench-texture.json"
SIZES = ("1K", "2K", "4K", "8K")
EVERY = 5

Row = dict[str, Any]
Result = TypeVar("Result")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--tables", nargs="*", choices=TABLES, default=list(TABLES), help="default: all")
    options = parser.parse_args()
    print_tables({name: TABLES[name] for name in options.tables}, RESULT)


def jug() -> Iterator[Row]:
    """The repository's scan."""
    output = _modelled(JUG, solved(JUG))
    cameras = registry.find(output)
    reconstruction = registry.read(cameras)
    names = [photo.name for photo in reconstruction.photos]
    kept_out = frozenset(names[EVERY - 1 :: EVERY])
    fewer = HOME / "fewer"
    left = [photo for photo in reconstruction.photos if photo.name not in kept_out]
    write_model(fewer, list(reconstruction.cameras.values()), left)
    true = _true_mesh(JUG, cameras, HOME / "true.ply")
    for size in ("2K", "4K"):
        for label, settings, out in (
            ("own mesh", {}, frozenset()),
            ("own mesh, every fifth photo kept out", {"cameras": str(fewer)}, kept_out),
            ("true mesh", {"mesh": str(true)}, frozenset()),
        ):
            measured, files = _textured(JUG, output, size, **settings)
            seen = _apart(measure, JUG / "photos", output / "masks", cameras, files, held_out=out, without_light=True)
            yield {"size": size, "texture": label, **_row(seen, measured)}


def even() -> Iterator[Row]:
    """The jug in even light."""
    scan, output = HOME / "even", HOME / "even-output"
    if not (scan / "cameras.json").is_file():
        command = [str(environments.python_of("bpy-5.2.3")), str(JUG.parent / "render_turntable.py"), "--even-light"]
        subprocess.run([*command, "--output", str(scan), "--finish-python", sys.executable], check=True)
    true_model(scan, output)
    masks = {"mask_folder": str(scan / "true_masks"), "cameras": str(output / "sparse")}
    _modelled(scan, output, **masks)
    for size in ("2K", "4K"):
        measured, files = _textured(scan, output, size, remove_lighting=False, **masks)
        seen = _apart(
            measure,
            scan / "photos",
            scan / "true_masks",
            output / "sparse",
            files,
            held_out=frozenset(),
            without_light=False,
        )
        yield {"size": size, **_row(seen, measured)}


def sizes() -> Iterator[Row]:
    """What the jug's texture takes."""
    output = _modelled(JUG, solved(JUG))
    for size in SIZES:
        measured, files = _textured(JUG, output, size)
        yield {"size": size, **_costs(measured), "file MB": f"{files.picture.stat().st_size / 1e6:.1f}"}


def placement() -> Iterator[Row]:
    """Jug and idol."""
    for scan in (JUG, OBJECTS / "idol"):
        output = _modelled(scan, solved(scan))
        figures = _apart(placement_figures, scan, output)
        yield {
            "scan": scan.name,
            **{name: f"{value}{'°' if name == 'up' else ' %'}" for name, value in figures.items()},
        }


TABLES = {"jug": jug, "even": even, "sizes": sizes, "placement": placement}


def _modelled(scan: Path, output: Path, **settings: str) -> Path:
    """The job folder, with a model at NORMAL, which is kept where nothing has changed."""
    job = {"task": "build_model", "settings": {"photos": str(scan / "photos"), "output": str(output), **settings}}
    if "mesh" not in (end := run_job(output, job).end):
        sys.exit(f"bench_texture.py: {end.get('message')}")
    return output


def _textured(scan: Path, output: Path, size: str, **settings: Any) -> tuple[Measured, TextureFiles]:
    values = {"photos": str(scan / "photos"), "output": str(output), "texture_size": size, "threads": 2, **settings}
    measured = run_job(output, {"task": "texture_model", "settings": {**values, "texture_again": True}})
    if "texture" not in measured.end:
        sys.exit(f"bench_texture.py: {measured.end.get('message')}")
    mesh = settings.get("mesh")
    return measured, texture_files(JobFolder(output), Path(mesh) if mesh else None)


def _apart(what: Callable[..., Result], *arguments: Any, **more: Any) -> Result:
    """The result of a function in a process of its own: what this one takes of memory, jobs it starts seem to take."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(what, *arguments, **more).result()


def _true_mesh(scan: Path, cameras: Path, place: Path) -> Path:
    """The shape that a scan was rendered from, in the frame of its solve."""
    to_solve = change_of_frame(registry.read(cameras).photos, true_photos(scan))
    if to_solve is None:
        sys.exit(f"bench_texture.py: the cameras in {cameras} are not those of {scan}")
    points, faces = true_mesh(scan / "object.ply")
    vertices = points @ to_solve[:3, :3].T + to_solve[:3, 3]
    plain = np.zeros_like(vertices)
    write_ply(place, Mesh(vertices, faces, plain, np.zeros(len(vertices)), None))
    return place


def _row(seen: Seen, measured: Measured) -> Row:
    return {
        "dB": f"{seen.decibels:.2f}",
        "worst photo": f"{seen.worst:.2f}",
        "of the mask": f"{100 * seen.covered:.2f} %",
        "light taken out": "yes" if seen.light_is_removed else "no",
        **_costs(measured),
    }


def _costs(measured: Measured) -> Row:
    return {
        "used": f"{100 * measured.end['used']:.1f} %",
        "processor s": round(measured.processor),
        "wall s": round(measured.seconds),
        "peak MB": round(measured.peak_megabytes),
        "loop s": round(yardstick(), 2),
    }


if __name__ == "__main__":
    main()
