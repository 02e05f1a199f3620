# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of each view, on disk: so many photos at full size would not fit in memory."""

import io
from pathlib import Path

import numpy as np

from ..common.files import save
from .view import Bytes


class Arrays:
    """Arrays by kind and number of the view, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, kind: str, number: int, array: Bytes) -> None:
        """Keep an array. Raises OutputError."""
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        save(self._path(kind, number), buffer.getvalue())

    def bytes(self, kind: str, number: int) -> Bytes:
        """Returns a kept array of bytes."""
        array: Bytes = np.load(self._path(kind, number), allow_pickle=False)
        return array

    def mapped(self, kind: str, number: int) -> Bytes:
        """Returns a kept array of bytes that is read from the disk as it is used."""
        array: Bytes = np.load(self._path(kind, number), allow_pickle=False, mmap_mode="r")
        return array

    def move(self, number: int, new: int) -> None:
        """Give the arrays of one view another number, at which there is none, or one that is not needed any more."""
        for kind in self._folder.iterdir():
            if (path := self._path(kind.name, number)).is_file():
                path.replace(self._path(kind.name, new))

    def _path(self, kind: str, number: int) -> Path:
        return self._folder / kind / f"{number:05d}.npy"
