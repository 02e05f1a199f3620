# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reader of reconstructions is to the rest of the extension."""

from pathlib import Path
from typing import Protocol

from ..types import Reconstruction


class Reader(Protocol):
    """Reads one format. A file of this folder that has a ``READER`` is known to ``registry``; nothing else names it.

    A *place* is what ``read`` takes: a folder or a file, whichever the format is.
    """

    label: str
    """The program that writes the format, as menus and messages call it."""
    holds: str
    """What a user is to look for, such as "cameras.bin, images.bin and points3D.bin"."""
    suffixes: tuple[str, ...]
    """The suffixes of its files, such as ".bin": what may be dropped on the 3D View."""

    def place_of(self, path: Path) -> Path | None:
        """The place that a folder or a file is, or belongs to; None where it is none of this format."""

    def written(self, place: Path) -> int:
        """When the place was written, in nanoseconds since the epoch. Raises OSError."""

    def size(self, place: Path) -> int:
        """A number that is the larger, the more photos are in it. Raises OSError."""

    def read(self, place: Path) -> Reconstruction:
        """Read all of it. Raises ModelError, naming the file that is at fault."""
