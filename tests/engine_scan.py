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
from PIL import Image

from scan.job import JobFolder
from scan.process import Worker
from scan.settings import ReconstructSettings

SIZE = (640, 480)
PATIENCE = 900.0
EMBEDDED, EXECUTABLE = "COLMAP", "COLMAP_EXECUTABLE"


def need_executable() -> None:
    """Skip a test where there is no COLMAP executable; in CI, where .ci/run sees to it, fail."""
    if shutil.which("colmap") is None:
        words = "there is no program colmap on PATH (on Debian: apt install colmap)"
        if os.environ.get("CI") and sys.platform == "linux":
            pytest.fail(words)
        pytest.skip(words)


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
    """Runs reconstruct jobs on one photo folder and one job folder."""

    def __init__(self, photos: Path, output: Path) -> None:
        self.photos, self.output = photos, output
        self._workers: list[Worker] = []

    def start(self, engine: str = EMBEDDED, **given: Any) -> Worker:
        """Start a worker."""
        values = {"quality": "DRAFT", "photos": str(self.photos), "output": str(self.output), **given}
        settings = ReconstructSettings(engine=engine, **values)
        job = {"task": "reconstruct", "settings": dataclasses.asdict(settings)}
        worker = Worker([sys.executable], JobFolder(self.output), job)
        self._workers.append(worker)
        return worker

    def run(self, engine: str = EMBEDDED, **given: Any) -> list[dict[str, Any]]:
        """Run a job to its end and give its story."""
        return until(self.start(engine, **given), lambda _event: False)

    def close(self) -> None:
        """Leave nothing behind."""
        for worker in self._workers:
            worker.kill()

    def engine_processes(self) -> list[int]:
        """The processes at work for this job folder, other than workers."""
        return [pid for pid, place, words in processes() if _is_below(place, self.output) or self._is_minder(words)]

    def wait_for_silence(self, longest: float = 60.0) -> None:
        """Fail where an engine is still there after so many seconds."""
        deadline = time.monotonic() + longest
        while self.engine_processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self.engine_processes() == []

    def work(self, engine: str = EMBEDDED) -> list[Path]:
        """The work folders of an engine."""
        return sorted((self.output / "engines" / engine.lower()).glob("work-*"))

    def _is_minder(self, words: str) -> bool:
        return "minder.py" in words and str(self.output) in words


def until(worker: Worker, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Read a worker's story up to a wanted event, or all of it."""
    story: list[dict[str, Any]] = []
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for event in worker.events():
            story.append(event)
            if wanted(event) or event["event"] == "finished":
                return story
        time.sleep(0.005)
    worker.kill()
    raise AssertionError(f"the worker is still busy: {story}")


def processes() -> Iterator[tuple[int, Path, str]]:
    """Process id, current folder and command line of what runs; only Linux tells."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if state not in {"Z", "X"}:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield int(entry.name), (entry / "cwd").readlink(), words


def _is_below(place: Path, folder: Path) -> bool:
    return folder in (place, *place.parents)


def kill(pid: int) -> None:
    """End a process at once."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def freeze(pid: int) -> None:
    """Stop a process where it stands, and return when it does: until then, its other threads still run."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "T":
            return
        time.sleep(0.005)
    raise AssertionError(f"process {pid} does not stop")


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
