# SPDX-License-Identifier: GPL-3.0-or-later
"""A reader in one file, as tests add one: what the toy engine writes, a list of photos."""

import json
from pathlib import Path

import numpy as np

from ..types import Camera, Photo, Points, Reconstruction


class ToyReader:
    """See ``Reader``. A place is the file ``scene.toy``."""

    label = "Toy"
    holds = "scene.toy"
    suffixes = (".toy",)

    def place_of(self, path: Path) -> Path | None:
        """See ``Reader.place_of``."""
        file = path / "scene.toy" if path.is_dir() else path
        return file if file.suffix == ".toy" and file.is_file() else None

    def written(self, place: Path) -> int:
        """See ``Reader.written``."""
        return place.stat().st_mtime_ns

    def size(self, place: Path) -> int:
        """See ``Reader.size``."""
        return place.stat().st_size

    def read(self, place: Path) -> Reconstruction:
        """See ``Reader.read``."""
        names = json.loads(place.read_text())
        photos = tuple(Photo(name, 1, np.eye(3), np.array([number, 0.0, 4.0])) for number, name in enumerate(names))
        points = Points(np.zeros((1, 3)), np.full((1, 3), 255, np.uint8), np.full(1, 0.5))
        return Reconstruction({1: Camera(1, "SIMPLE_PINHOLE", 96, 64, (96.0, 48.0, 32.0))}, photos, points)


READER = ToyReader()
