# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench``: how fast backgrounds are removed, ways compared side by side, and how good the masks are.

Photos: views of the repository's own scene, rendered at 12 and 24 megapixels with grain until the JPEG weighs what a
phone's weighs. All ways are measured in one run against one rembg server on the same cores, each in a process of its
own; what counts is the ratio to the floor, which is the same server fed with 320-pixel pictures.
Writes ``build/bench.json`` and prints the README's tables.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bench_stages
import bench_ways
import numpy as np
from PIL import Image

import environments
from rembg_server import RembgServer

HOME = environments.BUILD / "bench"
RESULT = environments.BUILD / "bench.json"
RENDERER = environments.ROOT / "tests" / "data" / "render_turntable.py"
# Photos of the turntable scan and the zoom they are taken with: one of the jug standing, one of it flipped, which keep
# their distance, and one that fills the picture.
SCENES = {"distant": ("1,27", "1"), "close": ("9", "1.35")}
SIZES = {"12 MP": ("4032x3024", "3.8M"), "24 MP": ("6000x4000", "7.5M")}
# Photos a way is measured with: as many as a scan has, since the start is part of it; fewer where each takes long.
COPIES = 64
SLOW_COPIES = 24
ROUNDS = 3  # the median of so many counts
PROXIES = {
    "512": "ours: masks, proxy 512",
    "1024": "ours: masks",
    "2048": "ours: masks, proxy 2048",
    "full": "ours: masks, full resolution",
}

# What is promised: the most a way may take, in floors; how much faster masks are than four full photos in flight; how
# alike the masks of proxies and of full photos are, and that the true masks are as near to the ones as to the others.
MOST = {"ours: masks": 1.4, "ours: masks + JPEG cutouts": 1.8}
FASTER = 3.5
LEAST_IOU = 0.99
NO_DIFFERENCE = 0.0005  # of IoU: a fifth of a pixel along the jug's edge

Row = dict[str, float]


def main() -> int:
    """Measure, write the result, print the tables; the exit code is 1 where a promise is not kept."""
    environments.ensure("rembg")
    for name in SIZES:
        _render(name)
    photos = _photos("12 MP", COPIES)
    few_photos = _photos("12 MP", SLOW_COPIES)
    result: dict[str, Any] = {"date": dt.date.today().isoformat(), "cores": os.cpu_count()}  # noqa: DTZ011
    with RembgServer(HOME / "rembg.log") as server:
        _measure("floor", few_photos, server)  # the server loads its model
        result["ways"] = _ways(photos, few_photos, server)
        result["masks"] = {name: _quality(name, server) for name in SIZES}
    RESULT.write_text(json.dumps(result, indent=1), "utf-8")
    stages = bench_stages.table(_scenes("12 MP"))
    print("\n".join([*_table_of_ways(result), "", *stages, "", *_table_of_masks(result), "", f"({RESULT})"]))
    broken = _broken(result)
    print("\n".join(broken), file=sys.stderr)
    return 1 if broken else 0


def _broken(result: dict[str, Any]) -> list[str]:
    """The promises that these numbers do not keep, in sentences."""
    ways = result["ways"]
    words = [
        f"{way} take {ways[way]['ratio']:.2f} times the floor, more than {most}"
        for way, most in MOST.items()
        if ways[way]["ratio"] > most
    ]
    faster = ways["full photos, 4 at a time"]["seconds"] / ways["ours: masks"]["seconds"]
    if faster < FASTER:
        words.append(f"Masks are {faster:.1f} times as fast as four full photos in flight, not {FASTER}")
    for name, rows in result["masks"].items():
        usual, full = rows["1024"], rows["full"]
        if usual["full"] < LEAST_IOU or usual["true"] < full["true"] - NO_DIFFERENCE:
            words.append(f"Masks of proxies of {name} are not those of full photos: IoU {usual['full']:.4f}")
    return words


def _scenes(name: str) -> Path:
    return HOME / "scenes" / SIZES[name][0]


def _render(name: str) -> None:
    """Render the scenes at a size, once: it takes minutes a picture."""
    size, weight = SIZES[name]
    for scene, (photos, zoom) in SCENES.items():
        output = _scenes(name) / scene
        if not (output / "cameras.json").exists():
            bpy = environments.ensure("bpy-5.2.3")
            what = ["--size", size, "--photos", photos, "--zoom", zoom, "--samples", "4", "--target-bytes", weight]
            subprocess.run([bpy, RENDERER, "--output", output, *what, "--finish-python", sys.executable], check=True)


def _photos(name: str, copies: int) -> Path:
    """A folder of so many photos of a size: the scenes under several names."""
    folder = HOME / "photos" / f"{SIZES[name][0]} {copies}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    originals = sorted(_scenes(name).glob("*/photos/*/*.JPG"))
    for index in range(copies):
        os.link(originals[index % len(originals)], folder / f"IMG_{index:04}.JPG")
    return folder


def _ways(photos: Path, few_photos: Path, server: RembgServer) -> dict[str, Row]:
    """Every way's median, the rounds interleaved, so that a slow minute of the machine meets all of them."""
    rounds: dict[str, list[Row]] = {}
    for _ in range(ROUNDS):
        for way in [each for each in bench_ways.WAYS if each not in PROXIES.values() or each == PROXIES["1024"]]:
            taken = few_photos if way in bench_ways.SLOW else photos
            rounds.setdefault(way, []).append(_measure(way, taken, server))
    ways = {way: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for way, rows in rounds.items()}
    for row in ways.values():
        row["ratio"] = row["seconds"] / ways["floor"]["seconds"]
    return ways


def _measure(way: str, photos: Path, server: RembgServer, output: Path = HOME / "output") -> Row:
    shutil.rmtree(output, ignore_errors=True)
    rembg = environments.python_of("rembg").with_name("rembg")
    command = [sys.executable, Path(bench_ways.__file__), way, photos, output, server.endpoint, rembg]
    # rembg p runs a model itself, and shall not download one.
    environment = {**os.environ, "U2NET_HOME": str(environments.MODELS)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    row: Row = json.loads(done.stdout)
    count = sum(path.is_file() for path in photos.rglob("*"))
    print(f"{way}: {row['seconds'] / count:.3f} s a photo", file=sys.stderr, flush=True)
    return {"photos": count} | {key: value / count if key != "peak_mb" else value for key, value in row.items()}


def _quality(name: str, server: RembgServer) -> dict[str, Row]:
    """For every proxy size: IoU with the masks made of full photos, and with the true ones; the worst photo counts."""
    found: dict[str, list[Row]] = {}
    for scene in SCENES:
        folder = _scenes(name) / scene
        made = {proxy: HOME / f"masks {name} {scene} {proxy}" for proxy in PROXIES}
        for proxy, way in PROXIES.items():
            _measure(way, folder / "photos", server, made[proxy])
        for mask in _mask_names(made["full"] / "masks"):
            for proxy, output in made.items():
                full = _iou(output / "masks" / mask, made["full"] / "masks" / mask)
                true = _iou(output / "masks" / mask, folder / "true_masks" / mask)
                found.setdefault(proxy, []).append({"full": full, "true": true})
    return {
        proxy: {
            "full": min(row["full"] for row in rows),
            "true": statistics.mean(row["true"] for row in rows),
            "worst_true": min(row["true"] for row in rows),
        }
        for proxy, rows in found.items()
    }


def _mask_names(folder: Path) -> Iterator[Path]:
    return (path.relative_to(folder) for path in sorted(folder.rglob("*.png")))


def _iou(one: Path, other: Path) -> float:
    """Intersection over union of two masks."""
    kept = [np.asarray(Image.open(path)) > 127 for path in (one, other)]
    return float((kept[0] & kept[1]).sum() / (kept[0] | kept[1]).sum())


def _table_of_ways(result: dict[str, Any]) -> list[str]:
    lines = [
        f"12-megapixel photos, u2netp, client and server on the same {result['cores']} cores, {result['date']}:",
        "",
        "| way | photos | seconds a photo | ratio to the floor | client CPU s | peak MB | MB sent | MB received |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for way, row in result["ways"].items():
        traffic = [f"{row[key] / 1e6:.2f}" if row[key] else "–" for key in ("sent", "received")]
        numbers = [f"{row['seconds']:.3f}", f"{row['ratio']:.2f}", f"{row['cpu_seconds']:.3f}", f"{row['peak_mb']:.0f}"]
        lines.append(f"| {way} | {row['photos']:.0f} | {' | '.join(numbers + traffic)} |")
    return lines


def _table_of_masks(result: dict[str, Any]) -> list[str]:
    lines = [
        "| proxy | photos | worst IoU with the full photo's mask | mean IoU with the true mask | worst |",
        "|---|---|--:|--:|--:|",
    ]
    for name, rows in result["masks"].items():
        for proxy, row in rows.items():
            lines.append(f"| {proxy} | {name} | {row['full']:.4f} | {row['true']:.4f} | {row['worst_true']:.4f} |")
    return lines


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (environments.Missing, subprocess.CalledProcessError, OSError, RuntimeError) as error:
        sys.exit(f"The benchmark stopped: {error}")
