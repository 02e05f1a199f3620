# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of photos: judged here and nowhere else, by the rules of the system and of the disk they are on.

A name is relative to the photo folder, with forward slashes. What it may hold is the system's business: to Linux and
macOS a colon, a backslash or a line's end is a letter like any other.
"""

import errno
import os
import re
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath

from .errors import PhotoError, printable
from .files import TEMPORARY_PREFIX, cannot_write, write_atomically

# What every disk takes: letters of ASCII, figures and a few signs, not many of them, and none of Windows' devices.
_ON_ANY_DISK = re.compile(
    r"(?!(?:CON|PRN|AUX|NUL|COM\d|LPT\d)(?:\.|$))[A-Z0-9_](?:[A-Z0-9_.+ ()-]{0,98}[A-Z0-9_+()-])?",
    re.ASCII | re.IGNORECASE,
)
_UNFIT = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ})


def place_of(name: str, *, windows: bool = os.name == "nt") -> PurePosixPath | None:
    """Where a name lies below a folder, whichever that is; None where it leads out of it or is of no file there.

    Nothing is opened or written under a name that somebody else chose, as in a model, unless it went through here.
    ``windows`` is whether Windows' rules hold: there a backslash parts folders, and what has a colon is a drive, or a
    hidden part of a file.
    """
    path = PurePosixPath(PureWindowsPath(name).as_posix() if windows else name)
    leads_out = path.is_absolute() or ".." in path.parts or "\0" in name or (windows and ":" in name)
    return path if path.parts and not leads_out else None


def find_name(given: str, names: Collection[str]) -> str | None:
    """Returns the one of some names that a person means: that very one, or the only one that a disk may take for it.

    So is ``top`` the folder ``Top``, an accent the same in both ways to write it, and ``?`` what nobody can write. None
    where there is none.
    """
    place = place_of(given) or PurePosixPath(given)
    if str(place) in names:
        return str(place)
    wanted = _alike(PurePosixPath(printable(str(place))))
    alike = [name for name in names if _alike(PurePosixPath(printable(name))) == wanted]
    return alike[0] if len(alike) == 1 else None


def same_to_some_disk(name: str) -> str:
    """Returns a text that is the same for all names that some disk takes for one."""
    return "/".join(_alike(PurePosixPath(name)))


def unfit(results: Mapping[str, PurePosixPath], folder: Path) -> dict[str, str]:
    """Returns photo → why no result can be kept under its name on the disk of a folder, and what to do.

    ``results`` is photo → the file that is to be made for it, relative to a folder like this one. The disk itself is
    asked, of names that not every disk takes, or not beside others, with empty files that are gone again afterwards.
    Of two that are one to it, the first can stay. Raises OSError where it takes no files at all.
    """
    doubtful = _doubtful(results)
    if not doubtful:
        return {}
    refused: dict[str, str] = {}
    made: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=folder) as root:
        for photo in doubtful:
            place = Path(root) / results[photo]
            try:
                _make(place)
            except OSError as error:
                if reason := _clash(place, Path(root), made):
                    refused[photo] = reason
                elif is_unfit(error):
                    refused[photo] = does_not_fit(error)
                else:
                    raise
            else:
                made[photo] = place
    return refused


def is_unfit(error: OSError) -> bool:
    """Returns whether a file cannot be made since the disk does not take its name."""
    return error.errno in _UNFIT


def does_not_fit(error: OSError) -> str:
    """Returns the reason why a photo failed of which nothing can be kept under its name."""
    return f"has a name that does not fit the output folder's file system ({error.strerror}); rename it"


def save_named(path: Path, content: bytes) -> None:
    """Write a file that bears a photo's name. Raises PhotoError where that is at fault, else OutputError."""
    try:
        write_atomically(path, content)
    except OSError as error:
        raise PhotoError(does_not_fit(error)) if is_unfit(error) else cannot_write(path, error) from error


def _alike(path: PurePosixPath) -> tuple[str, ...]:
    """The parts of a path without what some disk does not tell apart.

    That is upper and lower case (Windows, macOS), the two ways to write an accent (macOS), and spaces and dots at a
    name's end (FAT, exFAT).
    """
    return tuple(unicodedata.normalize("NFC", part).casefold().rstrip(" .") for part in path.parts)


def _doubtful(results: Mapping[str, PurePosixPath]) -> list[str]:
    """The photos whose results not every disk can keep, or not all of them beside each other, in their order."""
    below: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for photo, result in results.items():
        parts = _alike(result)
        for number in range(1, len(parts) + 1):
            below[parts[:number]].add(photo)
    clashing = (others for result in results.values() if len(others := below[_alike(result)]) > 1)
    doubtful = set().union(*clashing)
    doubtful |= {photo for photo, result in results.items() if not all(map(_ON_ANY_DISK.fullmatch, result.parts))}
    return [photo for photo in results if photo in doubtful]


def _make(place: Path) -> None:
    """Make an empty file, and the folders it is in. Raises OSError, also where it is there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.open("xb").close()


def _clash(place: Path, root: Path, made: Mapping[str, Path]) -> str:
    """Why a file cannot be made below a folder, where one of those that were made is in the way; else empty."""
    for photo, other in made.items():
        if _is_same(place, other):
            return f"has a name that the output folder's disk takes for that of {photo}; rename one of them"
        if any(_is_same(each, other) for each in _folders(place, root)) or any(
            _is_same(place, each) for each in _folders(other, root)
        ):
            return f"cannot have a mask beside {photo}, whose mask or folder is called like that; rename one of them"
    return ""


def _folders(place: Path, root: Path) -> list[Path]:
    return [each for each in place.parents if root in each.parents]


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one is not there
        return False
