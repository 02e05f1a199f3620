# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made once for all workers of pytest-xdist, though each of them has session fixtures of its own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

_TICK = 0.05


class NotMadeError(Exception):
    """What was to be shared could not be made; the message is the reason that the worker gave who tried."""


def shared_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Give the folder ``name`` of this run, filled by ``make``: the first worker calls it, the others wait.

    Where it fails, the others raise NotMadeError with the same words.
    """
    base = tmp_path_factory.getbasetemp()
    # Each worker has a folder of its own in that of the run; without workers, the parent is shared by many runs.
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared" / name
    place.parent.mkdir(exist_ok=True)
    told = place.with_name(f"{name}.json")
    try:
        place.mkdir()
    except FileExistsError:
        while not told.exists():
            time.sleep(_TICK)
    else:
        _make(place, told, make)
    words = json.loads(told.read_text(encoding="utf-8"))
    if words is not None:
        raise NotMadeError(words)
    return place


def _make(place: Path, told: Path, make: Callable[[Path], object]) -> None:
    words: str | None = None
    try:
        make(place)
    except BaseException as error:
        words = f"{type(error).__name__}: {error}"
        raise
    finally:
        half = told.with_suffix(".half")
        half.write_text(json.dumps(words), encoding="utf-8")
        half.replace(told)  # so that nobody reads a part of it
