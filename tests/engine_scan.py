# SPDX-License-Identifier: GPL-3.0-or-later
"""A piece of the repository's scan, small enough to be solved in seconds, and what tests of engines need besides."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import LocalWorker, as_line
from PIL import Image

from scan.engines.settings import ReconstructSettings
from scan.job.events import Finished
from scan.job.folder import JobFolder
from scan.job.process import Worker

SIZE = (480, 360)
EMBEDDED, EXECUTABLE = "COLMAP", "COLMAP_EXECUTABLE"
ENDED = {"Z", "X"}
"""States of a process that is not there any more but in name (man 5 proc)."""


def need_executable() -> None:
    """Skip a test where there is no COLMAP executable; in CI, where .ci/run sees to it, fail."""
    if shutil.which("colmap") is None:
        words = "there is no program colmap on PATH (on Debian: apt install colmap)"
        if os.environ.get("CI") and sys.platform == "linux":
            pytest.fail(words)
        pytest.skip(words)


def need(engine: str) -> None:
    """Skip or fail as ``need_executable`` where an engine is the executable."""
    if engine == EXECUTABLE:
        need_executable()


def copy_scan(source: Path, photos: Path, output: Path, count: int = 8) -> list[str]:
    """Put neighbouring photos of the turntable's first side, scaled down, and their true masks into a job.

    Returns the photos' names.
    """
    originals = sorted((source / "photos").rglob("*.JPG"))
    side = [path for path in originals if path.parent.name == "upright"][:count]
    names = []
    for path in side:
        name = path.relative_to(source / "photos")
        with Image.open(path) as photo, Image.open(source / "true_masks" / f"{name}.png") as mask:
            (photos / name).parent.mkdir(parents=True, exist_ok=True)
            photo.resize(SIZE, Image.Resampling.LANCZOS).save(photos / name, quality=95, exif=photo.info["exif"])
            (output / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
            small = mask.convert("L").resize(SIZE, Image.Resampling.NEAREST).point([0] * 128 + [255] * 128)
            small.save(output / "masks" / f"{name}.png")
        names.append(name.as_posix())
    return names


class Solves:
    """Runs reconstruct jobs on one photo folder and one job folder.

    The job runs in a thread of the tests, unless ``own_process`` gives it a worker's process. COLMAP has processes of
    its own in either case.
    """

    def __init__(self, photos: Path, output: Path, *, own_process: bool = False) -> None:
        self.photos, self.output = photos, output
        self._own_process = own_process
        self._workers: list[Worker | LocalWorker] = []

    def start(self, engine: str = EMBEDDED, **given: Any) -> Worker | LocalWorker:
        """Start a worker."""
        values = {"quality": "DRAFT", "photos": str(self.photos), "output": str(self.output), **given}
        settings = ReconstructSettings(engine=engine, **values)
        job = {"task": "reconstruct", "settings": dataclasses.asdict(settings)}
        folder = JobFolder(self.output)
        worker = Worker([sys.executable], folder, job) if self._own_process else LocalWorker(folder, job)
        self._workers.append(worker)
        return worker

    def run(self, engine: str = EMBEDDED, **given: Any) -> list[dict[str, Any]]:
        """Run a job to its end and give its story."""
        return until(self.start(engine, **given))

    def close(self) -> None:
        """Leave nothing behind."""
        for worker in self._workers:
            worker.kill()

    def engine_processes(self) -> list[int]:
        """The processes at work for this job folder, other than workers."""
        return [pid for pid, place, words in processes() if _is_below(place, self.output) or self._is_minder(words)]

    def wait_for_silence(self) -> None:
        """Wait until no engine is there any more."""
        while self.engine_processes():
            time.sleep(0.02)

    def work(self, engine: str = EMBEDDED) -> list[Path]:
        """The work folders of an engine."""
        return sorted((self.output / "engines" / engine.lower()).glob("work-*"))

    def _is_minder(self, words: str) -> bool:
        return "supervisor.py" in words and str(self.output) in words


def until(
    worker: Worker | LocalWorker, wanted: Callable[[dict[str, Any]], bool] = lambda _event: False
) -> list[dict[str, Any]]:
    """Read a worker's story up to a wanted event, or all of it."""
    story: list[dict[str, Any]] = []
    while True:
        for event in map(as_line, worker.events()):
            story.append(event)
            if wanted(event) or event["event"] == "finished":
                return story
        time.sleep(0.005)


def processes() -> Iterator[tuple[int, Path, str]]:
    """Process id, current folder and command line of what runs; only Linux tells."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if state_of(entry) not in ENDED:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield int(entry.name), (entry / "cwd").readlink(), words


def state_of(entry: Path) -> str:
    """What a process is doing, in one letter (man 5 proc); OSError where there is none."""
    return (entry / "stat").read_text().rpartition(")")[2].split()[0]


def _is_below(place: Path, folder: Path) -> bool:
    return folder in (place, *place.parents)


def kill(pid: int) -> None:
    """End a process at once."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def freeze(pid: int) -> None:
    """Stop a process where it stands, and return when it does: until then, its other threads still run.

    Raises ProcessLookupError where it has ended.
    """
    os.kill(pid, signal.SIGSTOP)
    while (state := state_of(Path("/proc") / str(pid))) != "T":
        if state in ENDED:
            raise ProcessLookupError(pid)
        time.sleep(0.005)


STEPS = {
    "Finding": ('"Extract"', "feature_extractor --"),
    "Matching": ('"Match"', "matches_importer --"),
    "Placing": ('"Map"', "mapper --"),
}
"""What is in the command of each of the engines in a step. A program that is asked for its options is in none."""


def _frozen(solves: Solves, step: str) -> int | None:
    """Stop what does the work of a step, neither supervisor nor worker; its process id."""
    for pid, place, command in processes():
        is_engine = "work-" in place.name and place.is_relative_to(solves.output) and "supervisor.py" not in command
        if is_engine and any(word in command for word in STEPS[step]):
            with contextlib.suppress(OSError):  # it ended just now
                freeze(pid)
                return pid
    return None


def caught(
    solves: Solves, engine: str, step: str, before: Callable[[], None] | None = None
) -> tuple[Worker | LocalWorker, int]:
    """Start a solve and stop its engine in a step, so that it does not end by itself: the worker, and the engine's id.

    On a loaded machine a step may be over before it is seen. Then ``before`` comes, and another try.
    """
    while True:
        if before:
            before()
        worker = solves.start(engine)
        while not any(isinstance(event, Finished) for event in worker.events()):
            if pid := _frozen(solves, step):
                return worker, pid
            time.sleep(0.01)
        if not before:
            shutil.rmtree(solves.output / "engines")


def small_disk(place: Path, megabytes: int) -> bool:
    """Mount a disk of that size at ``place``; False where this system does not let us."""
    place.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


def observations(model: Path) -> dict[str, list[tuple[float, float]]]:
    """Photo → where in it the features lie, in pixels, of COLMAP's ``images.bin`` (see its doc/format.rst)."""
    content = (model / "images.bin").read_bytes()
    (count,) = struct.unpack_from("<Q", content)
    found, at = {}, 8
    for _ in range(count):
        end = content.index(b"\0", at + 64)
        (number,) = struct.unpack_from("<Q", content, end + 1)
        values = struct.unpack_from("<" + "ddq" * number, content, end + 9)
        found[content[at + 64 : end].decode()] = list(zip(values[::3], values[1::3], strict=True))
        at = end + 9 + 24 * number
    return found
