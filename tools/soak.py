# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a long run's memory stays flat: 1,000 photos of 12 megapixels through the worker and a real rembg server.

    make soak     or: python tools/soak.py [NUMBER OF PHOTOS] [SETTING=VALUE …]

The photos are a few pictures under many names. Memory is what the system says of the worker's process while it runs,
so this is for Linux. What is found goes to build/soak.json; the exit code is 1 where it is more than the promises.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import environments
from rembg_server import RembgServer
from scan.job.events import Finished, PhotoDone, PhotoFailed
from scan.job.folder import JobFolder
from scan.job.job_end import JobEnd
from scan.job.process import Worker
from scan.segmentation.settings import EndpointSettings
from scan.tasks.settings import StripSettings

HOME = environments.ROOT / "build" / "soak"
RESULT = environments.ROOT / "build" / "soak.json"
SCENES = environments.ROOT / "build" / "bench" / "scenes" / "4032x3024"
PHOTOS = 1000
SIZE = (4032, 3024)
WEIGHT = 3_800_000  # bytes: what a phone's JPEG of that size weighs
PICTURES = 3
MOST_MB = 500
MOST_GROWTH = 0.05
STRETCH = 10  # the first and the last tenth of the run are compared: 100 photos of 1,000
_TICK = 0.1


def main() -> int:
    """Run, write the result, print it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS
    changes = {name: _value(text) for name, _, text in (each.partition("=") for each in sys.argv[2:])}
    photos = _photos(count)
    output = HOME / "output"
    shutil.rmtree(output, ignore_errors=True)
    with RembgServer(HOME / "rembg.log") as server:
        endpoint = EndpointSettings(endpoint=server.endpoint)
        settings: dict[str, Any] = {"photos": str(photos), "output": str(output), "model": "u2netp", **changes}
        begin = time.monotonic()
        samples, highest, ended = _watch(StripSettings(**settings, endpoint=endpoint))
        seconds = time.monotonic() - begin
    result = _judged(samples, highest, count)
    result |= {"status": ended.status, "seconds_a_photo": round(seconds / count, 3), "settings": changes}
    RESULT.write_text(json.dumps({**result, "samples": samples}), "utf-8")
    print(json.dumps(result, indent=1))
    if not ended.is_done:
        print(ended.message, file=sys.stderr)
    return 0 if ended.is_done and result["flat"] and result["small"] else 1


def _value(text: str) -> Any:
    """A setting as it stands on the command line: a number, true or false, else a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _photos(count: int) -> Path:
    """A folder of so many names for a few pictures."""
    pictures = sorted(SCENES.rglob("*.JPG")) or _noise_pictures()
    folder = HOME / "photos"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for index in range(count):
        os.link(pictures[index % len(pictures)], folder / f"IMG_{index:04}.JPG")
    return folder


def _noise_pictures() -> list[Path]:
    """Pictures of a bright thing, with grain until they weigh what a phone's weigh."""
    folder = HOME / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.JPG" for number in range(PICTURES)]
    for number, path in enumerate(paths):
        if path.exists():
            continue
        random = np.random.default_rng(number)
        y, x = np.mgrid[: SIZE[1], : SIZE[0]]
        thing = np.hypot(x - SIZE[0] * (0.4 + 0.1 * number), y - SIZE[1] / 2) < SIZE[1] * 0.3
        plain = np.where(thing[..., None], (220, 180, 150), (60, 70, 65)).astype(np.float32)
        grain = random.normal(0, 1, (*plain.shape[:2], 1)).astype(np.float32)
        low, high = 0.0, 60.0
        for _ in range(8):
            strength = (low + high) / 2
            Image.fromarray(np.uint8(np.clip(plain + grain * strength, 0, 255))).save(path, "JPEG", quality=90)
            low, high = (strength, high) if path.stat().st_size < WEIGHT else (low, strength)
    return paths


def _watch(settings: StripSettings) -> tuple[list[tuple[int, float]], float, JobEnd]:
    """Run a strip to its end: (photos done, megabytes in memory) over and over, the most it ever had, how it ended."""
    job = {"task": "strip", "settings": asdict(settings)}
    worker = Worker([sys.executable], JobFolder(Path(settings.output)), job)
    samples: list[tuple[int, float]] = []
    done, highest = 0, 0.0
    while True:
        for event in worker.events():
            done += isinstance(event, PhotoDone | PhotoFailed)
            if isinstance(event, Finished):
                return samples, highest, event.end
        if memory := _memory(worker.pid, "VmRSS"):
            samples.append((done, memory))
            highest = max(highest, _memory(worker.pid, "VmHWM"))
        time.sleep(_TICK)


def _memory(pid: int, which: str) -> float:
    """Megabytes a process has in memory (VmRSS), or ever had (VmHWM); 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return 0.0
    kilobytes = [line.split()[1] for line in status.splitlines() if line.startswith(f"{which}:")]
    return int(kilobytes[0]) / 1024 if kilobytes else 0.0


def _judged(samples: list[tuple[int, float]], highest: float, count: int) -> dict[str, Any]:
    first, last = (statistics.mean(_tenth(samples, count, last=last)) for last in (False, True))
    return {
        "photos": count,
        "first_tenth_mb": round(first, 1),
        "last_tenth_mb": round(last, 1),
        "growth": round(last / first - 1, 4),
        "highest_mb": round(highest, 1),
        "flat": abs(last / first - 1) <= MOST_GROWTH,
        "small": highest <= MOST_MB,
    }


def _tenth(samples: list[tuple[int, float]], count: int, *, last: bool) -> list[float]:
    """Memory while the first or the last tenth of the photos was done; not the very first ones, while all is loaded."""
    some = count // STRETCH
    begin, end = (count - some, count) if last else (min(10, some // 2), some)
    return [memory for done, memory in samples if begin <= done <= end]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (environments.Missing, OSError, RuntimeError) as error:
        sys.exit(f"The soak test stopped: {error}")
