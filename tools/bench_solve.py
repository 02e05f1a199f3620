# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one solve and measures each of its steps; with the code of an earlier commit, too."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import environments

HOME = environments.BUILD / "bench-scan"
BEFORE = "634b8e0"
"""The last commit that solved as version 0.1.0 did."""
_SCRIPT = Path(__file__).with_name("bench_solve_script.py")
STEPS = {
    "Finding": "features",
    "Comparing": "pairs",
    "Matching": "matching",
    "Placing": "placing",
    "Coloring": "colors",
}
"""First word of a step → its column."""


@dataclass
class Measured:
    """What a job took: processor seconds by step, and what its end says."""

    seconds: float
    processor: float
    peak_megabytes: float
    """Of the largest process."""
    steps: dict[str, float] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)


def old_version() -> Path | None:
    """The code as it was before; None where this clone is too shallow to have it."""
    place = HOME / "before"
    if place.exists():
        return place
    part = place.with_suffix(".tar")
    part.parent.mkdir(parents=True, exist_ok=True)
    command = ["git", "archive", "--output", str(part), BEFORE]
    if subprocess.run(command, cwd=environments.ROOT, check=False, capture_output=True).returncode:
        return None
    with tarfile.open(part) as archive:
        archive.extractall(place, filter="data")
    part.unlink()
    return place


def solve(photos: Path, output: Path, *, code: Path = environments.ROOT, **settings: Any) -> Measured:
    """Solve from nothing with the code in a folder. ``settings`` are those of a reconstruct job."""
    shutil.rmtree(output / "engines" / settings["engine"].lower(), ignore_errors=True)
    job = {"task": "reconstruct", "settings": {"photos": str(photos), "output": str(output), **settings}}
    return run_job(output, job, code)


def run_job(
    output: Path,
    job: dict[str, Any],
    code: Path = environments.ROOT,
    python: Path = Path(sys.executable),
    packages: Path | None = None,
) -> Measured:
    """Run a job of the worker in a folder, with the code in another, and measure it.

    ``packages`` is a folder of what the ``python`` does not have.
    """
    begin = time.monotonic()
    command = [str(python), str(_SCRIPT), str(code), str(output), json.dumps(job)]
    environment = {**os.environ, **({"PYTHONPATH": str(packages)} if packages else {})}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    lines = process.stdout or ()
    marks: list[tuple[str, float]] = []
    end: dict[str, Any] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word in STEPS:
            marks.append((STEPS[word], _tree_seconds(process.pid)))
        elif word == "end":
            end = json.loads(rest)
            marks.append(("", _tree_seconds(process.pid)))
    _, _, usage = os.wait4(process.pid, 0)
    steps: dict[str, float] = {}
    # What comes before the first step is a look at the photos' headers, and the cameras that COLMAP reads from them.
    marks.insert(0, ("features", 0.0))
    for (name, start), (_, stop) in itertools.pairwise(marks):
        steps[name] = steps.get(name, 0.0) + stop - start
    seconds = time.monotonic() - begin
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, steps, end)


def _tree_seconds(pid: int) -> float:
    """Processor time of a process, of those it has started, and of theirs (man 5 proc)."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = entry.read_text("utf-8", "replace").rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
            ticks[int(entry.parent.name)] = sum(map(int, fields[11:15]))
    todo, total = [pid], 0
    while todo:
        one = todo.pop()
        total += ticks.get(one, 0)
        todo += children.get(one, [])
    return total / os.sysconf("SC_CLK_TCK")
