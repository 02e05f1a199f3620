# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench-mesh``: the model of the repository's scans, compared with the shapes that they were rendered from.

- ``jug``: the repository's scan at every quality, and the hull of its masks alone;
- ``idol``: a second painted object, with deep sockets and ears;
- ``spoilt``: the jug with three of its forty masks spoilt;
- ``hard``: objects with hardly any texture, with a gloss, and thin ones, beside their hulls;
- ``growth``: time and memory with the number of photos and with their resolution;
- ``same``: the idol from the oldest Python and numpy, the newest, and those of Debian's Blender, vertex by vertex.

The masks of jug and idol are made by the project's own strip from a real rembg server with u2netp, and their cameras by
its own solve; the hard objects have true masks and cameras, since no solve finds them. Figures are of the file that a
user gets (60,000 faces), and of the one with all faces. Beside every time stands that of one fixed loop in numpy, so
that machines compare. Prints tables in Markdown, and adds them to ``build/bench-mesh.json``. Linux only.

    python tools/bench_mesh.py [--tables jug idol spoilt hard growth same] [--qualities DRAFT NORMAL HIGH]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench_mesh_scans import debian_python, hull_mesh, true_model, versions_of, wheels
from bench_scan import print_tables, stripped
from PIL import Image, ImageDraw

import environments
from bench_solve import Measured, run_job, solve

sys.path.insert(0, str(environments.ROOT))
from scan.reconstruction.ply import read_ply
from scan.reconstruction.readers import registry

DATA = environments.ROOT / "tests" / "data"
JUG, OBJECTS = DATA / "turntable", DATA / "objects"
HOME = environments.BUILD / "bench-mesh"
RESULT = environments.BUILD / "bench-mesh.json"
HARD = ("plain", "glossy", "thin")
QUALITIES = ("DRAFT", "NORMAL", "HIGH")
SPOILT = {
    "upright/IMG_0004.JPG": "all white",
    "upright/IMG_0013.JPG": "a blob added",
    "flipped/IMG_0030.JPG": "the handle cut off",
}
NUMBERS = (10, 20, 40, 100, 200)
MEGAPIXELS = (1, 4, 12)

Row = dict[str, Any]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--tables", nargs="*", choices=TABLES, default=list(TABLES), help="default: all")
    parser.add_argument("--qualities", nargs="*", choices=QUALITIES, default=list(QUALITIES), help="of jug and idol")
    options = parser.parse_args()
    print_tables({name: partial(TABLES[name], options.qualities) for name in options.tables}, RESULT)


def jug(qualities: list[str]) -> Iterator[Row]:
    """The repository's scan."""
    yield from _scan(JUG, solved(JUG), qualities)


def idol(qualities: list[str]) -> Iterator[Row]:
    """The second object."""
    yield from _scan(OBJECTS / "idol", solved(OBJECTS / "idol"), qualities)


def spoilt(_qualities: list[str]) -> Iterator[Row]:
    """The jug at NORMAL, as it is and with spoilt masks."""
    output = solved(JUG)
    for label, photos in (("as they are", {}), ("three spoilt", SPOILT)):
        masks = HOME / "spoilt"
        shutil.rmtree(masks, ignore_errors=True)
        shutil.copytree(output / "masks", masks)
        for photo, what in photos.items():
            _spoil(masks / f"{photo}.png", what)
        measured = _build(JUG, output, "NORMAL", mask_folder=str(masks))
        yield {"masks": label, **_figures(JUG, output, [Path(measured.end["mesh"])])[0], **_costs(measured)}


def hard(_qualities: list[str]) -> Iterator[Row]:
    """Objects that stereo finds hard, with true masks and cameras."""
    for name in HARD:
        scan, output = OBJECTS / name, HOME / name
        true_model(scan, output)
        hull = hull_mesh(scan, output)
        measured = _build(scan, output, "NORMAL", cameras=str(output / "sparse"), mask_folder=str(scan / "true_masks"))
        for label, row in zip(
            ("hull", "model"), _figures(scan, output, [hull, Path(measured.end["mesh"])]), strict=True
        ):
            yield {"object": name, "mesh": label, **row, **(_costs(measured) if label == "model" else _no_costs())}


def growth(_qualities: list[str]) -> Iterator[Row]:
    """With true cameras and masks; at DRAFT with the number of photos, at NORMAL with their size."""
    for number in NUMBERS:
        yield _grown(f"{number} photos", "DRAFT", number, 1.0)
    for megapixels in MEGAPIXELS:
        yield _grown(f"40 photos of {megapixels} MP", "NORMAL", 40, (megapixels * 1e6 / (1280 * 960)) ** 0.5)


def _grown(label: str, quality: str, number: int, scale: float) -> Row:
    scan, output = HOME / "grown" / "scan", HOME / "grown" / "output"
    shutil.rmtree(HOME / "grown", ignore_errors=True)
    true_model(JUG, output, number=number, scale=scale, scan_copy=scan)
    measured = _build(scan, output, quality, cameras=str(output / "sparse"), mask_folder=str(scan / "true_masks"))
    return {"scan": label, "quality": quality, **_costs(measured)}


def same(_qualities: list[str]) -> Iterator[Row]:
    """The idol with true masks and cameras, with all faces."""
    scan, output = OBJECTS / "idol", HOME / "same"
    first: Path | None = None
    true_model(scan, output)
    pythons = {
        "cp311": environments.python_of("bpy-4.2.23"),
        "cp313": environments.python_of("bpy-5.2.3"),
        "cp314": debian_python(HOME / "debian-python"),
    }
    for tag, python in pythons.items():
        packages = wheels(tag, HOME / "packages")
        measured = _build(
            scan,
            output,
            "NORMAL",
            python,
            packages,
            cameras=str(output / "sparse"),
            mask_folder=str(scan / "true_masks"),
            faces=0,
        )
        mesh = HOME / f"same-{tag}.ply"
        shutil.copyfile(measured.end["mesh"], mesh)
        first = first or mesh
        yield {
            "python, numpy": versions_of(python),
            "vertices": len(read_ply(mesh).vertices),
            "farthest apart": "" if mesh == first else f"{_farthest_apart(first, mesh):.4f} %",
            **_costs(measured),
        }


def _farthest_apart(first: Path, other: Path) -> float:
    """In percent of the diagonal: between vertices of the same number, else from a vertex to the first's surface."""
    points, others = (read_ply(path).vertices for path in (first, other))
    if points.shape == others.shape:
        diagonal = np.linalg.norm(np.ptp(points, axis=0))
        return float(100 * np.linalg.norm(others - points, axis=1).max() / diagonal)
    command = [str(environments.python_of("bpy-5.2.3")), str(Path(__file__).with_name("mesh_apart.py"))]
    return float(subprocess.run([*command, str(first), str(other)], check=True, capture_output=True, text=True).stdout)


TABLES = {"jug": jug, "idol": idol, "spoilt": spoilt, "hard": hard, "growth": growth, "same": same}


def yardstick() -> float:
    """Seconds of one fixed loop in numpy: the kind of work that a model is made of."""
    values = np.random.default_rng(0).random(1 << 18, dtype=np.float32)
    places = np.random.default_rng(1).integers(0, len(values), len(values))
    begin = time.process_time()
    for _ in range(400):
        seen = values[places]
        seen *= values
        np.sqrt(seen + values, out=seen)
    return time.process_time() - begin


def solved(scan: Path) -> Path:
    """The job folder of a scan with masks and cameras, both the project's own."""
    output = stripped(scan, HOME / f"{scan.name}-output")
    if not (output / "engines" / "colmap" / "sparse").is_dir():
        solve(scan / "photos", output, engine="COLMAP", quality="NORMAL")
    return output


def _scan(scan: Path, output: Path, qualities: list[str]) -> Iterator[Row]:
    hull = hull_mesh(scan, output)
    yield {"quality": "hull alone", "faces": "", **_figures(scan, output, [hull])[0], **_no_costs()}
    for quality in qualities:
        measured = _build(scan, output, quality)
        meshes = [Path(measured.end["mesh"]), Path(measured.end["full_mesh"])]
        for number, row in enumerate(_figures(scan, output, meshes)):
            faces = measured.end["full_faces" if number else "faces"]
            yield {"quality": quality, "faces": f"{faces:,}", **row, **(_no_costs() if number else _costs(measured))}


def _build(
    scan: Path,
    output: Path,
    quality: str,
    python: Path = Path(sys.executable),
    packages: Path | None = None,
    **settings: Any,
) -> Measured:
    settings = {"photos": str(scan / "photos"), "output": str(output), "model_quality": quality, **settings}
    job = {"task": "build_model", "settings": {"threads": 2, "model_again": True, **settings}}
    measured = run_job(output, job, python=python, packages=packages)
    if "mesh" not in measured.end:
        sys.exit(f"bench_mesh.py: {measured.end.get('message')}")
    return measured


def _figures(scan: Path, output: Path, meshes: list[Path]) -> list[Row]:
    """What ``mesh_measure.py`` says of meshes, a row for each."""
    place = output / "sparse" if (output / "sparse").is_dir() else output
    reconstruction = registry.read(registry.find(place))
    poses = {photo.name: photo.position.tolist() for photo in reconstruction.photos}
    (HOME / "poses.json").write_text(json.dumps(poses), encoding="utf-8")
    command = [str(environments.python_of("bpy-5.2.3")), str(Path(__file__).with_name("mesh_measure.py"))]
    command += ["--scan", str(scan), "--poses", str(HOME / "poses.json"), "--output", str(HOME / "figures.json")]
    subprocess.run([*command, *map(str, meshes)], check=True, stdout=subprocess.DEVNULL)
    figures = json.loads((HOME / "figures.json").read_text(encoding="utf-8"))
    return [_row(figures[str(mesh)]) for mesh in meshes]


def _row(figures: dict[str, Any]) -> Row:
    seen, concave, result, normals = (figures[name] for name in ("visible", "concave", "result", "normals"))
    shape = figures["topology"]
    is_closed = not (shape["edges_not_of_two_faces"] or shape["edges_twice_in_one_direction"])
    row = {
        "visible": _percent(seen["mean"]),
        "≤ 0.25 %": f"{seen['within_0.25']:.1f}",
        "concave": _percent(concave["mean"]),
        "≤ 1 %": f"{concave['within_1']:.1f}",
        "result p95": _percent(result["p95"]),
        "normals": f"{normals['median']:.1f}° / {normals['p90']:.1f}°",
        "closed": "yes" if is_closed else "no",
        "parts": shape["components"],
        "Euler": shape["euler"],
    }
    if hole := figures.get("hole"):
        row["spout"] = f"{hole['depth']} of {hole['depth_shown']}"
    return row


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f} %"


def _costs(measured: Measured) -> Row:
    return {
        "processor s": round(measured.processor),
        "wall s": round(measured.seconds),
        "peak MB": round(measured.peak_megabytes),
        "loop s": round(yardstick(), 2),
    }


def _no_costs() -> Row:
    return dict.fromkeys(("processor s", "wall s", "peak MB", "loop s"), "")


def _spoil(path: Path, what: str) -> None:
    with Image.open(path) as opened:
        mask = opened.convert("L")
    left, upper, right, _ = mask.getbbox() or (0, 0, *mask.size)
    draw = ImageDraw.Draw(mask)
    if what == "all white":
        draw.rectangle((0, 0, *mask.size), fill=255)
    elif what == "a blob added":
        size = (right - left) // 3
        draw.ellipse((left - size, upper, left + size, upper + 2 * size), fill=255)
    else:
        draw.rectangle((left + 3 * (right - left) // 4, 0, *mask.size), fill=0)
    mask.save(path)


if __name__ == "__main__":
    main()
