# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench-scan``: the repository's scan solved, and compared with the cameras it was rendered with.

- ``why``: what is handed over: raw photos, black cutouts, photos with masks;
- ``solve``: the solve as it was before it looked at the object's pixels, and as it is now, step by step;
- ``far``: 16 photos of 6 megapixels from further away, on a patterned cloth; rendered first where they are not there
  (half an hour, into ``build/far``);
- ``many``: time and memory for up to 500 photos, which are those of the scan several times.

Masks are made by the project's own strip from a real rembg server with u2netp, but for ``far``, which has the true
ones. Prints tables in Markdown, and adds them to ``build/bench-scan.json``. Linux only: processor time is read there.

    python tools/bench_scan.py [--tables why solve far many] [--engines COLMAP COLMAP_EXECUTABLE]
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import environments
from bench_cameras import Pose, compare, read_poses, truth_of
from bench_solve import HOME, Measured, old_version, solve
from rembg_server import RembgServer

sys.path.insert(0, str(environments.ROOT))
from scan.engines.engine import make_engine
from scan.job.events import Finished
from scan.job.folder import JobFolder
from scan.job.process import Worker
from scan.segmentation.settings import EndpointSettings
from scan.tasks.settings import StripSettings

SCAN = environments.ROOT / "tests" / "data" / "turntable"
FAR = environments.BUILD / "far"
RESULT = environments.BUILD / "bench-scan.json"
ENGINES = {"COLMAP": "embedded", "COLMAP_EXECUTABLE": "executable"}
MOST = {"NORMAL": (0.05, 0.03), "HIGH": (0.025, 0.02)}
"""Quality → what the median errors must not pass: position in percent, rotation in degrees."""
TIMES = (100, 200, 500)
"""Photos in the table ``many``."""
ROLL = 1.5
"""Degrees about the middle of the photo."""

Row = dict[str, Any]


def main() -> None:
    """Run the command line. Exits with 1 where masks miss what they must reach."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--tables", nargs="*", choices=TABLES, default=list(TABLES), help="default: all")
    parser.add_argument("--engines", nargs="*", choices=ENGINES, default=list(ENGINES), help="of solve and far")
    options = parser.parse_args()
    missed: list[str] = []

    def judged(name: str) -> Iterator[Row]:
        for row in TABLES[name](options.engines):
            if not row.pop("is_right", True):
                missed.append(f"{name}, {row['COLMAP']} {row.get('quality', '')}".strip())
            yield row

    print_tables({name: partial(judged, name) for name in options.tables}, RESULT)
    if missed:
        sys.exit(f"bench_scan.py: missed what must be reached: {'; '.join(missed)}")


def print_tables(tables: Mapping[str, Callable[[], Iterable[Row]]], result: Path) -> None:
    """Make tables by their names, print them in Markdown, and add them to a file of results."""
    made = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
    for name, rows_of in tables.items():
        rows = []
        for row in rows_of():
            rows.append(row)
            print(f"{name}: {row}", file=sys.stderr, flush=True)
        today = dt.datetime.now(dt.UTC).date().isoformat()
        print(f"\n{name}, {today}, {os.cpu_count()} cores\n\n{table(rows)}\n", flush=True)
        made[name] = {"date": today, "cores": os.cpu_count(), "rows": rows}
        result.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def table(rows: list[Row]) -> str:
    """Rows as a Markdown table; each has the same columns."""
    names = list(rows[0])
    lines = [" | ".join(names), "|".join("---" if isinstance(rows[0][name], str) else "--:" for name in names)]
    return "\n".join(
        f"| {line} |" for line in [*lines, *(" | ".join(str(row[name]) for name in names) for row in rows)]
    )


def why(_engines: list[str]) -> Iterator[Row]:
    """What is handed over, at NORMAL."""
    photos, masks = SCAN / "photos", stripped()
    black = HOME / "black_photos"
    for photo in sorted(photos.rglob("*.JPG")):
        name = photo.relative_to(photos)
        _black_cutout(photo, masks / "masks" / f"{name}.png", black / name)
    for label, given, output in (
        ("raw photos", photos, HOME / "raw"),
        ("black cutouts", black, HOME / "black"),
        ("photos + masks", photos, masks),
    ):
        measured = solve(given, output, engine="COLMAP", quality="NORMAL", masks=output == masks)
        errors = _errors(measured, SCAN)
        yield {
            "handed over": label,
            "COLMAP": _version("COLMAP"),
            "registered": f"{measured.end.get('registered', 0)} of 40",
            "models": measured.end.get("models", 0),
            "position": _percent(errors.get("position")),
            "rotation": _degrees(errors.get("rotation")),
            "processor s": round(measured.processor),
            "wall s": round(measured.seconds),
            "is_right": output != masks or _is_right(errors, "NORMAL"),
        }


def solves(engines: list[str]) -> Iterator[Row]:
    """Before and now; and by how much two runs differ."""
    photos, output, before = SCAN / "photos", stripped(), old_version()
    for engine in engines:
        if before:
            yield _row("before", solve(photos, output, code=before, engine=engine, quality="NORMAL"), engine, "NORMAL")
        first = {}
        for quality in ("DRAFT", "NORMAL", "NORMAL", "HIGH"):
            measured = solve(photos, output, engine=engine, quality=quality)
            poses = read_poses(Path(measured.end["results"]))
            row = _row("now", measured, engine, quality)
            if quality in first:
                row["runs differ"] = _percent(compare(poses, first[quality])["position"])
            first[quality] = poses
            yield row


def far(engines: list[str]) -> Iterator[Row]:
    """The scan from further away."""
    output, before = HOME / "far", old_version()
    if not (FAR / "true_masks").exists():
        _render_far()
    shutil.rmtree(output, ignore_errors=True)
    shutil.copytree(FAR / "true_masks", output / "masks")
    for engine in engines:
        for code, label in ((before, "before"), (environments.ROOT, "now")):
            if code:
                measured = solve(FAR / "photos", output, code=code, engine=engine, quality="NORMAL")
                yield _row(label, measured, engine, "NORMAL", FAR)


def many(_engines: list[str]) -> Iterator[Row]:
    """The photos of the scan several times, rolled further each time, so that no two are the same."""
    photos, output = HOME / "many" / "photos", HOME / "many" / "output"
    for number in TIMES:
        shutil.rmtree(HOME / "many", ignore_errors=True)
        for index in range(number):
            _repeat(index, photos, output / "masks")
        measured = solve(photos, output, engine="COLMAP", quality="NORMAL")
        truth = dict(_rolled(index)[2:] for index in range(number))
        errors = compare(read_poses(Path(measured.end["results"])), truth) if "results" in measured.end else {}
        yield {
            "photos": number,
            "placed": measured.end.get("registered", 0),
            "position": _percent(errors.get("position")),
            "rotation": _degrees(errors.get("rotation")),
            "points": measured.end.get("points", 0),
            **{f"{name} s": round(measured.steps.get(name, 0)) for name in _columns()},
            "processor s": round(measured.processor),
            "wall s": round(measured.seconds),
            "peak MB": round(measured.peak_megabytes),
            "COLMAP": _version("COLMAP"),
        }


TABLES = {"why": why, "solve": solves, "far": far, "many": many}


def _columns() -> list[str]:
    return ["features", "pairs", "matching", "placing", "colors"]


def _row(label: str, measured: Measured, engine: str, quality: str, scan: Path = SCAN) -> Row:
    errors, end = _errors(measured, scan), measured.end
    return {
        "code": label,
        "COLMAP": _version(engine),
        "quality": quality,
        "placed": f"{end.get('registered', 0)} of {len(truth_of(scan))}",
        "position, median / worst": f"{_percent(errors.get('position'))} / {_percent(errors.get('position_worst'))}",
        "rotation": _degrees(errors.get("rotation")),
        "points": end.get("points", 0),
        **{name: round(measured.steps.get(name, 0), 1) for name in _columns()},
        "processor s": round(measured.processor, 1),
        "wall s": round(measured.seconds, 1),
        "runs differ": "",
        "is_right": label == "before" or scan != SCAN or _is_right(errors, quality),
    }


def _errors(measured: Measured, scan: Path) -> dict[str, Any]:
    return compare(read_poses(Path(measured.end["results"])), truth_of(scan)) if "results" in measured.end else {}


def _is_right(errors: dict[str, Any], quality: str) -> bool:
    position, rotation = MOST.get(quality, (0.2, 0.1))
    return bool(errors) and errors["position"] <= position and errors["rotation"] <= rotation


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f} %"


def _degrees(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}°"


def _version(engine: str) -> str:
    return f"{make_engine(engine).look().version} {ENGINES[engine]}"


def stripped(scan: Path = SCAN, output: Path = HOME / "masks") -> Path:
    """The job folder with the masks of a scan, by default the repository's."""
    environments.ensure("rembg")
    with RembgServer(HOME / "rembg.log") as server:
        settings = StripSettings(
            photos=str(scan / "photos"),
            output=str(output),
            model="u2netp",
            endpoint=EndpointSettings(endpoint=server.endpoint),
        )
        job = {"task": "strip", "settings": dataclasses.asdict(settings)}
        events = Worker([sys.executable], JobFolder(output), job).iter_events()
        ended = next(event.end for event in events if isinstance(event, Finished))
    if not ended.is_done:
        sys.exit(f"bench_scan.py: {ended.message}")
    return output


def _black_cutout(photo: Path, mask: Path, place: Path) -> None:
    """The object on black, as people make it who have a program that takes no masks; EXIF kept."""
    with Image.open(photo) as picture, Image.open(mask) as kept:
        black = Image.new("RGB", picture.size)
        black.paste(picture, mask=kept)
        place.parent.mkdir(parents=True, exist_ok=True)
        black.save(place, "JPEG", quality=95, subsampling=0, exif=picture.info["exif"])


def _repeat(index: int, photos: Path, masks: Path) -> None:
    """Put a photo of the scan and its true mask into a folder, rolled further each time round: one camera for all."""
    original, degrees, name, _ = _rolled(index)
    with Image.open(SCAN / "photos" / original) as photo, Image.open(SCAN / "true_masks" / f"{original}.png") as mask:
        for folder in (photos, masks):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        rolled = photo.rotate(degrees, Image.Resampling.BICUBIC)
        rolled.save(photos / name, quality=95, exif=photo.info["exif"])
        mask.rotate(degrees, Image.Resampling.NEAREST).save(masks / f"{name}.png")


def _rolled(index: int) -> tuple[str, float, str, Pose]:
    """A photo of the scan, by how many degrees it is rolled, the name of the copy and where that stands."""
    truth = truth_of(SCAN)
    original = sorted(truth)[index % len(truth)]
    turn = index // len(truth)
    degrees = ROLL * turn
    side, _, file = original.rpartition("/")
    angle = math.radians(degrees)  # Pillow turns anticlockwise, and a camera's y points down
    roll = np.array([[math.cos(angle), math.sin(angle), 0], [-math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    pose = truth[original]
    return original, degrees, f"{side}/{turn:02}_{file}", Pose(roll @ pose.rotation, pose.centre)


def _render_far() -> None:
    bpy = environments.ensure("bpy-5.2.3")
    command = [
        str(bpy),
        "tests/data/render_turntable.py",
        "--output",
        str(FAR),
        "--size",
        "3000x2000",
        "--photos",
        "1-16",
    ]
    command += ["--away", "1.25", "--rug", "--samples", "4", "--finish-python", sys.executable]
    subprocess.run(command, cwd=environments.ROOT, check=True)


if __name__ == "__main__":
    try:
        main()
    except (environments.Missing, OSError, RuntimeError) as error:
        sys.exit(f"bench_scan.py: {error}")
