# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench-window``: what a running job costs the Blender it was started in.

A run over 200 photos, against a real rembg server on the same cores, while an animation plays in a real Blender window
that is drawn in software: once started in Blender and shown in its sidebar, once the same worker started from outside,
so that the difference is ours and not the server's. Rounds take turns; the medians count. Then how long Cancel takes,
with that server, and with one that takes requests and never answers; how long a worker outlives a killed Blender; and
how long the preview takes to follow a setting.
Writes ``build/bench_window.json``, prints the README's table, and fails where a number is past its limit.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import build
import environments
from blender_window import TARGET, Room, WindowBlender
from rembg_server import RembgServer

sys.path.insert(0, str(environments.ROOT))
sys.path.insert(0, str(environments.ROOT / "tests"))

from faulty_server import Answer, FaultyServer, always

from scan.job.folder import JobFolder
from scan.job.process import Worker

HOME = environments.BUILD / "bench-window"
RESULT = environments.BUILD / "bench_window.json"
ORIGINALS = environments.ROOT / "tests" / "data" / "turntable" / "photos"
PHOTOS = 200
ROUNDS = 2
KILLS = 3
SCRIPT = Path(__file__).with_name("bench_window_script.py")

LIMITS = {
    "first": 1.0,  # seconds, as the next three
    "cancel_most": 2.0,
    "cancel_hanging_most": 2.0,  # not the request, whose own timeout is minutes
    "gone_most": 5.0,
    "tick_p50": 0.5,  # milliseconds
    "tick_p99": 2.0,
    "preview_p50": 1.0,  # seconds
    "preview_tick_p95": 20.0,  # milliseconds: a tick with an answer loads its picture
}
GAPS = ("frame_mean", "frame_p95", "timer_mean", "timer_p95")
MOST_ADDED = 0.1  # to each of these gaps

Row = dict[str, float]


def main() -> None:
    """Measure, write the result, print the table."""
    environments.ensure("rembg")
    shutil.rmtree(HOME, ignore_errors=True)
    photos = HOME / "photos"
    photos.mkdir(parents=True)
    originals = sorted(ORIGINALS.rglob("*.JPG"))
    for index in range(PHOTOS):
        os.link(originals[index % len(originals)], photos / f"IMG_{index:04}.JPG")
    rounds: dict[str, list[Row]] = {"outside": [], "inside": []}
    ticks: list[float] = []
    # A short path: sockets in it have 108 letters at most.
    with tempfile.TemporaryDirectory(prefix="scan_cutout_") as home, Room() as room:
        build.build(only=TARGET.platform, output=HOME / "dist")
        blender = WindowBlender(room, Path(home)).install(HOME / "dist" / build.zip_name(TARGET))
        with RembgServer(HOME / "rembg.log") as server:
            for number in range(ROUNDS):
                for way, rows in rounds.items():
                    row, more_ticks = _measure(blender, way, photos, HOME / f"output-{way}-{number}", server.endpoint)
                    rows.append(row)
                    ticks += more_ticks
                    print(f"{way}: {rows[-1]}", file=sys.stderr, flush=True)
            cancelled = _cancel(blender, "cancel", photos, server.endpoint)
            gone = _kill(blender, photos, server.endpoint)
            followed, preview_ticks = _preview(blender, photos, server.endpoint)
        with FaultyServer() as hanging:
            hanging.script = always(Answer(hang=True))
            cancelled_hanging = _cancel(blender, "cancel hanging", photos, hanging.endpoint)
    medians = {
        way: {name: statistics.median(row[name] for row in rows) for name in rows[0]} for way, rows in rounds.items()
    }
    medians["inside"].update(
        tick_p50=_share(ticks, 0.5),
        tick_p99=_share(ticks, 0.99),
        tick_most=max(ticks),
        cancel_most=max(cancelled),
        cancel_hanging_most=max(cancelled_hanging),
        gone_most=max(gone),
        preview_p50=_share(followed, 0.5),
        preview_tick_p95=_share(preview_ticks, 0.95) * 1000,
        preview_tick_most=max(preview_ticks) * 1000,
    )
    result = {"date": dt.date.today().isoformat(), "cores": os.cpu_count(), **medians}  # noqa: DTZ011
    RESULT.write_text(json.dumps(result, indent=1), "utf-8")
    print("\n".join([*_table(result), "", f"({RESULT})"]))
    if exceeded := _exceeded(result):
        sys.exit("Past the limit: " + "; ".join(exceeded))


def _measure(blender: WindowBlender, way: str, photos: Path, output: Path, endpoint: str) -> tuple[Row, list[float]]:
    """One run over all photos in a fresh window, and how long each of our ticks took in it, in milliseconds."""
    running = blender.start(SCRIPT, way, photos, output, endpoint)
    if way == "outside":
        running.until((running.folder / "ready").exists)
        _strip(photos, output, endpoint)
        (running.folder / "over").touch()
    row, ticks = running.wait().result
    masks = len(list((output / "masks").rglob("*.png")))
    if masks != PHOTOS:
        raise RuntimeError(f"{masks} of {PHOTOS} photos have a mask; {output} says why")
    return row, ticks


def _cancel(blender: WindowBlender, way: str, photos: Path, endpoint: str) -> list[float]:
    """How many seconds each of a few Cancels took until another job could be started."""
    seconds: list[float] = blender.start(SCRIPT, way, photos, HOME / f"output-{way}", endpoint).wait().result
    print(f"{way}: {seconds}", file=sys.stderr, flush=True)
    return seconds


def _kill(blender: WindowBlender, photos: Path, endpoint: str) -> list[float]:
    """For how many seconds there was a worker after each of a few Blenders was killed in mid-run."""
    seconds = []
    for number in range(KILLS):
        running = blender.start(SCRIPT, "kill", photos, HOME / f"output-kill-{number}", endpoint)
        running.until((running.folder / "ready").exists)
        began = time.monotonic()
        running.end()
        while blender.workers():
            time.sleep(0.02)
        seconds.append(time.monotonic() - began)
    print(f"kill: {seconds}", file=sys.stderr, flush=True)
    return seconds


def _preview(blender: WindowBlender, photos: Path, endpoint: str) -> tuple[list[float], list[float]]:
    """How many seconds the preview took to follow each of a few changes, and each of its ticks."""
    seconds, ticks = blender.run(SCRIPT, "preview", photos, HOME / "output-preview", endpoint).result
    print(f"preview: {seconds}", file=sys.stderr, flush=True)
    return seconds, ticks


def _share(values: list[float], share: float) -> float:
    """The value that so large a share of all is not above."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def _strip(photos: Path, output: Path, endpoint: str) -> None:
    settings = {
        "photos": str(photos),
        "output": str(output),
        "model": "u2netp",
        "endpoint": {"endpoint": endpoint},
    }
    worker = Worker([sys.executable], JobFolder(output), {"task": "strip", "settings": settings})
    for _ in worker.iter_events():
        pass


def _exceeded(result: dict[str, Any]) -> list[str]:
    inside, outside = result["inside"], result["outside"]
    past = [f"{name} {inside[name]:.2f}, not {most}" for name, most in LIMITS.items() if inside[name] > most]
    added = {name: inside[name] / outside[name] - 1 for name in GAPS}
    return past + [f"{name} {more:+.1%}, not {MOST_ADDED:+.0%}" for name, more in added.items() if more > MOST_ADDED]


def _table(result: dict[str, Any]) -> list[str]:
    lines = [
        f"A run over {PHOTOS} photos beside a playing animation, {result['cores']} cores, {result['date']}:",
        "",
        "| | worker started from outside | started in Blender |",
        "|---|--:|--:|",
    ]
    for name, words in {
        "frame_mean": "gap between frames, mean, ms",
        "frame_p95": "gap between frames, 95 of 100 below, ms",
        "timer_mean": "gap between timer events of 20 ms, mean, ms",
        "timer_p95": "gap between timer events, 95 of 100 below, ms",
        "seconds": "whole run, s",
    }.items():
        lines.append(f"| {words} | {result['outside'][name]:.1f} | {result['inside'][name]:.1f} |")
    for name, words in {
        "first": "from the button to the first progress, s",
        "cancel_most": "from Cancel to free, longest, s",
        "cancel_hanging_most": "the same with a server that hangs, s",
        "gone_most": "from a killed Blender to no worker left, longest, s",
        "preview_p50": "from a changed setting to its preview, median, s",
    }.items():
        lines.append(f"| {words} | – | {result['inside'][name]:.2f} |")
    for name, words in {"tick_p50": "median", "tick_p99": "99 of 100 below", "tick_most": "longest"}.items():
        lines.append(f"| our own tick, {words}, ms | – | {result['inside'][name]:.2f} |")
    for name, words in {"preview_tick_p95": "95 of 100 below", "preview_tick_most": "longest"}.items():
        lines.append(f"| the preview's tick, {words}, ms | – | {result['inside'][name]:.2f} |")
    return lines


if __name__ == "__main__":
    try:
        main()
    except (environments.Missing, subprocess.CalledProcessError, OSError, RuntimeError) as error:
        sys.exit(f"The benchmark stopped: {error}")
