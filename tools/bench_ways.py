# SPDX-License-Identifier: GPL-3.0-or-later
"""One way of removing backgrounds, run once and measured; bench.py starts this for each, so that peaks are its own.

    python bench_ways.py WAY PHOTOS OUTPUT ENDPOINT REMBG

Prints one line of JSON: seconds, cpu_seconds (of the client, all its processes), peak_mb, sent and received (bytes).
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import requests
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from scan.job.events import Finished
from scan.job.folder import JobFolder
from scan.job.process import Worker
from scan.segmentation.settings import EndpointSettings
from scan.tasks.settings import StripSettings

MODEL = "u2netp"
IN_FLIGHT = 4
FLOOR_EDGE = 320  # what the model itself looks at

Traffic = tuple[int, int]


def rembg_folder(only_mask: bool, photos: Path, output: Path, _endpoint: str, rembg: str) -> Traffic:
    """``rembg p``: the program itself over a folder, no server."""
    output.mkdir()
    flags = ["-om"] if only_mask else []
    subprocess.run([rembg, "p", "-m", MODEL, *flags, str(photos), str(output)], check=True, capture_output=True)
    return 0, 0


def full_photos(at_once: int, photos: Path, output: Path, endpoint: str, _rembg: str) -> Traffic:
    """Whole photos to the server, whole RGBA pictures back, as scripts on the internet do it."""
    pictures = [path.read_bytes() for path in sorted(photos.iterdir())]
    return _post(at_once, pictures, {"model": MODEL}, endpoint, output)


def server_alone(edge: int, photos: Path, _output: Path, endpoint: str, _rembg: str) -> Traffic:
    """Nothing but the server: pictures of one size, encoded beforehand, masks thrown away."""
    pictures = []
    for path in sorted(photos.iterdir()):
        with Image.open(path) as image:
            image.draft("RGB", (edge, edge))
            image.thumbnail((edge, edge))
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=95)
        pictures.append(buffer.getvalue())
    _ready()
    return _post(IN_FLIGHT, pictures, {"model": MODEL, "om": "true"}, endpoint, None)


def ours(changes: dict[str, Any], photos: Path, output: Path, endpoint: str, _rembg: str) -> Traffic:
    """Scan Cutout's worker, from its start to its end."""
    settings = StripSettings(
        photos=str(photos), output=str(output), model=MODEL, endpoint=EndpointSettings(endpoint=endpoint), **changes
    )
    worker = Worker([sys.executable], JobFolder(output), {"task": "strip", "settings": asdict(settings)})
    *_, finished = worker.iter_events()
    if not (isinstance(finished, Finished) and finished.end.is_done):
        raise RuntimeError(str(finished))
    traffic = json.loads((output / "report.json").read_bytes())["bytes"]
    return traffic["sent"], traffic["received"]


WAYS: dict[str, Callable[[Path, Path, str, str], Traffic]] = {
    "floor": partial(server_alone, FLOOR_EDGE),
    "server alone, 1024-pixel pictures": partial(server_alone, 1024),
    "rembg p": partial(rembg_folder, False),
    "rembg p -om": partial(rembg_folder, True),
    "full photos, 1 at a time": partial(full_photos, 1),
    "full photos, 4 at a time": partial(full_photos, 4),
    "ours: masks": partial(ours, {}),
    "ours: masks + JPEG cutouts": partial(ours, {"cutouts": "JPEG"}),
    "ours: masks + PNG cutouts": partial(ours, {"cutouts": "PNG"}),
    "ours: masks, embedded": partial(ours, {"backend": "EMBEDDED"}),
    "ours: masks, proxy 512": partial(ours, {"proxy_size": 512}),
    "ours: masks, proxy 2048": partial(ours, {"proxy_size": 2048}),
    "ours: masks, full resolution": partial(ours, {"proxy_size": 0}),
}
SLOW = {"rembg p", "rembg p -om", "full photos, 1 at a time", "full photos, 4 at a time", "ours: masks + PNG cutouts"}

_begin = time.monotonic()
_begin_cpu = 0.0


def _ready() -> None:
    """Start the clock again: what came before is not part of the way."""
    global _begin, _begin_cpu
    _begin, _begin_cpu = time.monotonic(), _cpu_seconds()


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _post(at_once: int, pictures: list[bytes], fields: dict[str, str], endpoint: str, output: Path | None) -> Traffic:
    session = requests.Session()
    session.trust_env = False

    def ask(picture: bytes) -> bytes:
        answer = session.post(endpoint, files={"file": ("photo.jpg", picture, "image/jpeg")}, data=fields, timeout=600)
        answer.raise_for_status()
        return answer.content

    if output is not None:
        output.mkdir()
    received = 0
    with ThreadPoolExecutor(at_once) as pool:
        for index, content in enumerate(pool.map(ask, pictures)):
            received += len(content)
            if output is not None:
                (output / f"{index}.png").write_bytes(content)
    return sum(map(len, pictures)), received


def main() -> None:
    """Run the way that the command line names."""
    way, photos, output, endpoint, rembg = sys.argv[1:]
    _ready()
    sent, received = WAYS[way](Path(photos), Path(output), endpoint, rembg)
    seconds, cpu_seconds = time.monotonic() - _begin, _cpu_seconds() - _begin_cpu
    # The larger of this process and the largest of its children: the client is the one or the other.
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(
        json.dumps(
            {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak / 1024, "sent": sent, "received": received}
        )
    )


if __name__ == "__main__":
    main()
