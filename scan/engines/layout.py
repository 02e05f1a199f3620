# SPDX-License-Identifier: GPL-3.0-or-later
"""Lays out photos the way an engine wants them, without a pixel encoded anew."""

import contextlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..common.errors import EngineError, PhotoError
from ..common.files import cannot_write
from ..common.names import same_to_some_disk
from .engine import ScanPhoto

# What no program stumbles over: no spaces, no accents, nothing that a list of names or a shell reads as something else.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*", re.ASCII)
_LONGEST = 100
"""Bytes of a plain name. Files are made under it in a folder that lies deep, with suffixes to it."""


def plain_names(photos: Sequence[ScanPhoto]) -> dict[str, str]:
    """Photo → the name the engine gets for it: its own where that is plain, otherwise a number that cannot be taken.

    Of names that some disk takes for one, the first alone is plain, since files are made under them.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for number, photo in enumerate(photos):
        same = same_to_some_disk(photo.name)
        is_plain = len(photo.name) <= _LONGEST and same not in taken and _PLAIN.fullmatch(photo.name)
        taken.add(same)
        names[photo.name] = photo.name if is_plain else f"={number:05}{_plain_suffix(photo.photo.path.suffix)}"
    return names


def _plain_suffix(suffix: str) -> str:
    return suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]+", suffix, re.ASCII) else ""


def link_photo(photo: ScanPhoto, place: Path) -> None:
    """Make a photo appear at ``place``: a link where the system allows it, otherwise a copy.

    Only for programs known never to write to a photo. Raises OutputError, and EngineError where the photo is gone.
    """
    source = photo.photo.path.resolve()
    if _is_there(source, place):
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        for link in (place.symlink_to, place.hardlink_to):
            with contextlib.suppress(OSError):  # Windows without developer mode; other disks, FAT
                link(source)
                return
        shutil.copyfile(source, place)
    except OSError as error:
        with contextlib.suppress(OSError):
            place.unlink(missing_ok=True)
        refuse_missing(photo)
        raise cannot_write(place, error) from error


def refuse_missing(photo: ScanPhoto) -> None:
    """Raise EngineError where a photo is gone."""
    try:
        photo.photo.file_stamp()
    except PhotoError as gone:
        raise EngineError(f"{photo.name} {gone}; put it back, then run again") from gone


def _is_there(source: Path, place: Path) -> bool:
    """Whether what an earlier run on the same key left at ``place`` is still the photo.

    The key names the photo by size and time, but not where it lies: a link may lead to where that was once. A copy
    is of the same photo, though not a whole one where the run was killed.
    """
    try:
        if place.is_symlink():
            return place.resolve() == source
        return place.stat().st_size == source.stat().st_size
    except OSError:
        return False
