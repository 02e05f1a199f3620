# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench-scan``: why masks. The repository's scan solved from raw photos, black cutouts, and photos with masks.

The masks are made by the project's own strip from a real rembg server with u2netp. Every solve is compared with the
cameras the scan was rendered with. Prints the README's table, and writes ``build/bench-scan.json``.

    python tools/bench_scan.py [--quality NORMAL] [--only ROUTE…] [--engines ENGINE…]
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import math
import os
import shutil
import struct
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

import environments
from rembg_server import RembgServer

sys.path.insert(0, str(environments.ROOT))
from scan.engines.engine import make_engine
from scan.engines.settings import ReconstructSettings
from scan.job.events import Finished
from scan.job.folder import JobFolder
from scan.job.job_end import JobEnd
from scan.job.process import Worker
from scan.segmentation.settings import EndpointSettings
from scan.tasks.settings import StripSettings

SCAN = environments.ROOT / "tests" / "data" / "turntable"
HOME = environments.BUILD / "bench-scan"
RESULT = environments.BUILD / "bench-scan.json"
ENGINES = {"COLMAP": "embedded", "COLMAP_EXECUTABLE": "executable"}
ROUTES = {"raw": "raw photos", "black": "black cutouts", "masks": "photos + masks"}

_MOST_POSITION, _MOST_ROTATION = 0.2, 0.1


class Pose(NamedTuple):
    """A camera's turn (world to camera, 3 × 3) and its centre in the world."""

    rotation: np.ndarray
    centre: np.ndarray


def main() -> None:
    """Run the command line. Exits with 1 where the masks route misses what it must reach."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--quality", default="NORMAL")
    parser.add_argument("--only", nargs="*", choices=ROUTES, default=list(ROUTES), help="routes; default: all")
    # COLMAP 3.8 matches ten times as slowly on a processor, and the wrong ways are shown well enough by one.
    words = "default: all for the masks, the embedded one for the others"
    parser.add_argument("--engines", nargs="*", choices=ENGINES, help=words)
    options = parser.parse_args()
    routes = _prepare(options.only)
    rows = []
    for route in options.only:
        for engine in options.engines or (ENGINES if route == "masks" else [next(iter(ENGINES))]):
            photos, output = routes[route]
            row = {"route": route, "engine": engine, "quality": options.quality}
            row.update(_solve(photos, output, engine, options.quality, masks=route == "masks"))
            rows.append(row)
            print(f"{ROUTES[route]}, {ENGINES[engine]}: {row['message']}", file=sys.stderr, flush=True)
    result = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "photos": len(_truth()),
        "rows": rows,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(table(rows, len(_truth())))
    if missed := [row["engine"] for row in rows if row["route"] == "masks" and not _is_right(row)]:
        sys.exit(f"bench_scan.py: the masks route missed what it must reach, with {', '.join(missed)}")


def table(rows: list[dict[str, Any]], photos: int) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| handed over | COLMAP | registered | models | camera position error | rotation error | time |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        errors = f"{row['position']:.2f} % | {row['rotation']:.2f}°" if row.get("position") is not None else "– | –"
        lines.append(
            f"| {ROUTES[row['route']]} | {row['version']} {ENGINES[row['engine']]} | {row['registered']} of {photos} | "
            f"{row['models']} | {errors} | {row['seconds']:.0f} s |"
        )
    return "\n".join(lines)


def _is_right(row: dict[str, Any]) -> bool:
    return (
        (row["registered"], row["models"]) == (len(_truth()), 1)
        and row["position"] <= _MOST_POSITION
        and row["rotation"] <= _MOST_ROTATION
    )


def _prepare(wanted: list[str]) -> dict[str, tuple[Path, Path]]:
    """Make what the routes need; give the photo folder and the job folder of each."""
    photos, masks = SCAN / "photos", HOME / "masks"
    if set(wanted) & {"masks", "black"}:
        _strip(photos, masks)
    if "black" in wanted:
        for photo in sorted(photos.rglob("*.JPG")):
            name = photo.relative_to(photos)
            _black_cutout(photo, masks / "masks" / f"{name}.png", HOME / "black_photos" / name)
    return {
        "raw": (photos, HOME / "raw"),
        "black": (HOME / "black_photos", HOME / "black"),
        "masks": (photos, masks),
    }


def _strip(photos: Path, output: Path) -> None:
    environments.ensure("rembg")
    with RembgServer(HOME / "rembg.log") as server:
        settings = StripSettings(
            photos=str(photos),
            output=str(output),
            model="u2netp",
            endpoint=EndpointSettings(endpoint=server.endpoint),
        )
        ended = _work(output, {"task": "strip", "settings": dataclasses.asdict(settings)})
    if not ended.is_done:
        sys.exit(f"bench_scan.py: {ended.message}")


def _black_cutout(photo: Path, mask: Path, place: Path) -> None:
    """The object on black, as people make it who have a program that takes no masks; EXIF kept."""
    with Image.open(photo) as picture, Image.open(mask) as kept:
        black = Image.new("RGB", picture.size)
        black.paste(picture, mask=kept)
        place.parent.mkdir(parents=True, exist_ok=True)
        black.save(place, "JPEG", quality=95, subsampling=0, exif=picture.info["exif"])


def _solve(photos: Path, output: Path, engine: str, quality: str, *, masks: bool) -> dict[str, Any]:
    """Solve from nothing, and compare with the truth."""
    version = make_engine(engine).look().version
    shutil.rmtree(output / "engines" / engine.lower(), ignore_errors=True)
    settings = ReconstructSettings(photos=str(photos), output=str(output), engine=engine, quality=quality, masks=masks)
    before = _processor_seconds()
    begin = time.monotonic()
    ended = _work(output, {"task": "reconstruct", "settings": dataclasses.asdict(settings)})
    row = {
        "version": version,
        "message": ended.message,
        "registered": ended.details.get("registered", 0),
        "models": ended.details.get("models", 0),
        "seconds": round(time.monotonic() - begin, 1),
        "processor_seconds": round(_processor_seconds() - before, 1),
    }
    if "results" in ended.details:
        row |= compare(read_poses(Path(ended.details["results"])), _truth())
    return row


def _processor_seconds() -> float:
    """Of all processes that were waited for, theirs included: what a busy machine leaves out of the clock's time."""
    times = os.times()
    return times.children_user + times.children_system


def _work(output: Path, job: dict[str, Any]) -> JobEnd:
    """Run a job in a worker and give its end."""
    events = Worker([sys.executable], JobFolder(output), job).iter_events()
    return next(event.end for event in events if isinstance(event, Finished))


def _truth() -> dict[str, Pose]:
    content = json.loads((SCAN / "cameras.json").read_text(encoding="utf-8"))
    poses = {}
    for photo in content["photos"]:
        matrix = np.array(photo["camera_from_object"])
        poses[photo["photo"]] = Pose(matrix[:3, :3], -matrix[:3, :3].T @ matrix[:3, 3])
    return poses


def read_poses(model: Path) -> dict[str, Pose]:
    """The cameras of COLMAP's ``images.bin`` (see its doc/format.rst)."""
    content = (model / "images.bin").read_bytes()
    (count,) = struct.unpack_from("<Q", content)
    poses, at = {}, 8
    for _ in range(count):
        _, w, x, y, z, *translation, _ = struct.unpack_from("<I4d3dI", content, at)
        end = content.index(b"\0", at + 64)
        (observations,) = struct.unpack_from("<Q", content, end + 1)
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        poses[content[at + 64 : end].decode()] = Pose(rotation, -rotation.T @ np.array(translation))
        at = end + 9 + 24 * observations
    return poses


def compare(found: dict[str, Pose], truth: dict[str, Pose]) -> dict[str, Any]:
    """Median and largest error after the best similarity of the camera centres.

    Position in percent of the cameras' mean distance from their common middle, rotation in degrees.
    """
    names = sorted(found)
    if len(names) < 3:
        return {}
    ours = np.array([found[name].centre for name in names])
    true = np.array([truth[name].centre for name in names])
    scale, turn, shift = similarity(ours, true)
    every = np.array([pose.centre for pose in truth.values()])
    distance = np.linalg.norm(every - every.mean(axis=0), axis=1).mean()
    positions = np.linalg.norm(scale * ours @ turn.T + shift - true, axis=1) / distance * 100
    rotations = []
    for name in names:
        difference = found[name].rotation @ turn.T @ truth[name].rotation.T
        rotations.append(math.degrees(math.acos(np.clip((np.trace(difference) - 1) / 2, -1, 1))))
    return {
        "position": round(float(np.median(positions)), 4),
        "position_worst": round(float(positions.max()), 4),
        "rotation": round(float(np.median(rotations)), 4),
        "rotation_worst": round(float(max(rotations)), 4),
    }


def similarity(ours: np.ndarray, true: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, rotation and shift that lay points (n × 3) over others with the least squares (Umeyama, 1991)."""
    our_middle, true_middle = ours.mean(axis=0), true.mean(axis=0)
    ours, true = ours - our_middle, true - true_middle
    left, values, right = np.linalg.svd(true.T @ ours)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turn = left @ np.diag(signs) @ right
    scale = float((values * signs).sum() / (ours**2).sum())
    return scale, turn, true_middle - scale * turn @ our_middle


if __name__ == "__main__":
    try:
        main()
    except (environments.Missing, OSError, RuntimeError) as error:
        sys.exit(f"bench_scan.py: {error}")
