# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are one shot, told by their names: a RAW file and what was developed of it; a camera's HEIC and JPEG."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from ..common.text import count, some
from .file_types import HEIC_SUFFIXES, JPEG_SUFFIXES, PHOTO_SUFFIXES, RAW_SUFFIXES

# A PNG is often the mask of a photo: in a folder of their own, or named like the photo and its kind.
_DEVELOPED = (PHOTO_SUFFIXES | HEIC_SUFFIXES) - {".png"}
_NO_EXPORTS = frozenset({"", "mask", "masks"})
_FOLDERS_OF_RAW = frozenset({"raws", *(suffix[1:] for suffix in RAW_SUFFIXES)})
_OF_CAMERAS = JPEG_SUFFIXES | HEIC_SUFFIXES | RAW_SUFFIXES | {".tif", ".tiff"}


def developed_twins(names: Iterable[PurePosixPath]) -> dict[PurePosixPath, PurePosixPath]:
    """Returns RAW file → the photo that was developed of it, as cameras and programs name and place them.

    ``DSC_1.JPG`` of ``DSC_1.NEF``, in any case, or ``DSC_1.NEF.jpg``; beside it, or in a folder there, where programs
    export to. Of RAW files in a folder ``RAW``, or ``NEF`` and so on, also beside that folder, or in another one there.
    Of PNGs only ``DSC_1.png`` beside it.
    """
    raws: list[PurePosixPath] = []
    at: dict[tuple[PurePosixPath, str], PurePosixPath] = {}
    below: dict[tuple[PurePosixPath, str], PurePosixPath] = {}
    for name in names:
        if name.suffix.lower() in RAW_SUFFIXES:
            raws.append(name)
        elif name.suffix.lower() == ".png":
            if PurePosixPath(name.stem).suffix.lower() not in RAW_SUFFIXES:
                at.setdefault((name.parent, name.stem.casefold()), name)
        elif name.suffix.lower() in _DEVELOPED:
            at.setdefault((name.parent, name.stem.casefold()), name)
            if name.parent.name.casefold() not in _NO_EXPORTS:
                below.setdefault((name.parent.parent, name.stem.casefold()), name)
    twins = {}
    for raw in raws:
        places = [(at, raw.parent), (below, raw.parent)]
        if raw.parent.name.casefold() in _FOLDERS_OF_RAW:
            places += [(at, raw.parent.parent), (below, raw.parent.parent)]
        looks = ((where, (place, title.casefold())) for where, place in places for title in (raw.stem, raw.name))
        if (twin := next((where[key] for where, key in looks if key in where), None)) is not None:
            twins[raw] = twin
    return twins


def about_developed(twins: Mapping[PurePosixPath, PurePosixPath]) -> str:
    """Why RAW files are passed over; empty where there are none."""
    if not twins:
        return ""
    pairs = some([f"{raw} as {twin}" for raw, twin in twins.items()], 2)
    them = "it" if len(twins) == 1 else "them"
    return f"{count(len(twins), 'RAW file')} passed over, since what was developed of {them} is there ({pairs})"


def about_shots_twice(names: Iterable[PurePosixPath]) -> str:
    """What to do where a camera or a program has saved a shot in two kinds of file, both of them photos; or empty."""
    shots = defaultdict(list)
    for name in names:
        if name.suffix.lower() in _OF_CAMERAS:
            shots[name.parent, name.stem.casefold()].append(str(name))
    twice = [" and ".join(files) for files in shots.values() if len(files) > 1]
    if not twice:
        return ""
    are = "shot is" if len(twice) == 1 else "shots are"
    return (
        f"{len(twice):,} {are} there twice ({some(twice, 2)}), and each file counts as a photo of its own: move one "
        "kind out of the folder"
    )
