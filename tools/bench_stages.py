# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the client's processor time goes, photo by photo: the last table of ``make bench``.

Processor time, the least of several tries, so that what else runs on the machine counts little.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from PIL import Image, ImageFilter

sys.path.insert(0, str(Path(__file__).parents[1]))

from scan.masks.mask import make_mask, read_soft_mask
from scan.photos.photo import Photo
from scan.photos.pixels import make_proxy
from scan.review.contact_sheet import ContactSheet
from scan.tasks.settings import StripSettings

_TRIES = 6
_SETTINGS = StripSettings(photos="", output="")


def table(scenes: Path) -> list[str]:
    """The table for the photos of a folder of rendered scenes, in milliseconds."""
    rows: dict[str, list[float]] = {}
    for path in sorted(scenes.glob("*/photos/*/*.JPG")):
        for stage, seconds in _stages(path).items():
            rows.setdefault(stage, []).append(seconds * 1000)
    lines = ["| of a 12-megapixel photo | ms of processor time |", "|---|--:|"]
    return lines + [f"| {stage} | {statistics.mean(times):.0f} |" for stage, times in rows.items()]


def _stages(path: Path) -> dict[str, float]:
    photo = Photo(PurePosixPath(path.name), path)
    proxy = make_proxy(photo, _SETTINGS.proxy_size)
    truth = Path(str(path).replace("/photos/", "/true_masks/") + ".png")
    # As soft as a model's answer.
    soft = Image.open(truth).resize(proxy.size).filter(ImageFilter.GaussianBlur(2))
    buffer = io.BytesIO()
    soft.save(buffer, "PNG")
    mask = make_mask(soft, proxy.orientation, proxy.stored_size, _SETTINGS)
    sheet = ContactSheet([path.name])
    return {
        "decode to the proxy": _time(lambda: make_proxy(photo, _SETTINGS.proxy_size)),
        "encode the proxy": _time(proxy.encode),
        "decode the answer": _time(lambda: read_soft_mask(buffer.getvalue(), soft.size)),
        "mask at full size": _time(lambda: make_mask(soft, proxy.orientation, proxy.stored_size, _SETTINGS)),
        "mask as PNG": _time(mask.encode),
        "facts for the report": _time(mask.facts),
        "cell of the contact sheet": _time(
            lambda: sheet.add(path.name, proxy.picture, mask.reduced(sheet.cell_size)),
        ),
    }


def _time(work: Callable[[], object]) -> float:
    work()
    seconds = []
    for _ in range(_TRIES):
        begin = time.process_time()
        work()
        seconds.append(time.process_time() - begin)
    return min(seconds)
