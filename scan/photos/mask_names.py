# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pictures in a photo folder are masks that somebody has made of other ones there, told by their names alone.

What photogrammetry programs and people call the mask of ``IMG_1.JPG``: ``IMG_1.JPG.png`` or ``IMG_1.png`` in a folder
for masks (COLMAP, Meshroom, RealityScan's ``.mask``), ``IMG_1_mask.png`` (Metashape), ``IMG_1_mask.JPG``
(OpenDroneMap), ``IMG_1.JPG.mask.png`` (RealityScan), ``IMG_1.mask.png`` (OpenMVS), ``mask_IMG_1.png``. A name counts
only where the photo is there that it belongs to, or where others beside it are masks: so a side of photos that is
called masks stays one, and the mask of a photo that somebody has removed does not become one.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from .file_types import RAW_SUFFIXES, named_kind

_FOLDER = re.compile(r"[._]?masks?", re.IGNORECASE)
_MARKED = re.compile(r"masks?[ _-](?P<behind>.+)|(?P<before>.+)[ ._-]masks?", re.IGNORECASE)

Folder = tuple[str, ...]
Names = Sequence[PurePosixPath]


@dataclass(frozen=True)
class _Claim:
    """What a name says of the photo that it may be the mask of."""

    name: PurePosixPath
    texts: Folder
    """What that photo may be called, with or without its suffix."""
    is_marked: bool
    """Whether the file's own name says that it is a mask."""
    above: Folder | None
    """The folder which the folder for masks lies in; None outside of one."""
    below: Folder
    """Where in the folder for masks it lies."""
    is_elsewhere: bool
    """Whether the folder for masks is not among the photos."""

    @property
    def depth(self) -> int:
        """How often the name says that it is a mask: what says it once may be a photo for what says it twice."""
        folders = sum(_FOLDER.fullmatch(part) is not None for part in self.name.parts[:-1])
        return folders + self.is_marked

    @property
    def series(self) -> tuple[Folder, bool, str]:
        """What masks have in common that were saved together: the folder for masks, or that of the photos; the kind."""
        place = self.name.parts[:-1] if self.above is None else self.name.parts[: len(self.above) + 1]
        return place, self.is_marked, named_kind(self.name)


def split(names: Names) -> tuple[list[PurePosixPath], dict[PurePosixPath, Names]]:
    """Returns those of the ``names`` that are photos; and mask → the photos that it may belong to.

    Of what can be nothing but a mask, since it lies among those of other photos, or is named as a photo elsewhere, that
    is none where its photo is not there.
    """
    claims = sorted(map(_claim, names), key=lambda claim: claim.depth)
    photos = _Photos()
    masks: dict[PurePosixPath, Names] = {}
    for depth in sorted({claim.depth for claim in claims}):
        same = [claim for claim in claims if claim.depth == depth]
        owners = {claim.name: photos.owners(claim) if depth else [] for claim in same}
        masks |= {name: found for name, found in owners.items() if found}
        photos.add(name for name, found in owners.items() if not found)
    series = {claim.series for claim in claims if claim.name in masks}
    owning = {photo for found in masks.values() for photo in found}
    left = [claim for claim in claims if claim.depth and claim.name not in masks and claim.name not in owning]
    masks |= {claim.name: [] for claim in left if claim.series in series or photos.has_namesake(claim)}
    return [name for name in names if name not in masks], masks


def owners_of(names: Names, photos: Names, *, only_beside: bool = False) -> dict[PurePosixPath, Names]:
    """Returns mask → the photos that it may belong to, one or more, for names in a folder for masks elsewhere.

    ``names`` are relative to that folder, which has the sides that the photos have; or no sides, where ``only_beside``
    is not set: then they have to be told from photos of another scan, too. What belongs to no photo is left out.
    """
    known = _Photos()
    known.add(photos)
    found = {name: known.owners(_claim(name, is_elsewhere=True), only_beside=only_beside) for name in names}
    return {name: owners for name, owners in found.items() if owners}


def is_named_as_mask(name: PurePosixPath) -> bool:
    """Returns whether a picture is named, or lies, as masks do, though there may be no photo that it belongs to."""
    return _claim(name).depth > 0


class _Photos:
    """Photos by what their masks may be called."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[PurePosixPath]] = defaultdict(list)
        self._by_stem: dict[str, list[PurePosixPath]] = defaultdict(list)

    def add(self, names: Iterable[PurePosixPath]) -> None:
        for name in names:
            self._by_name[name.name.casefold()].append(name)
            self._by_name[f"{name.name}.jpg".casefold()].append(name)  # what engines get for a HEIC or RAW photo
            self._by_stem[name.stem.casefold()].append(name)

    def has_namesake(self, claim: _Claim) -> bool:
        """Whether a photo in another place has the whole name, with its kind, that a file in a folder for masks has."""
        return claim.above is not None and any(text.casefold() in self._by_name for text in claim.texts)

    def owners(self, claim: _Claim, *, only_beside: bool = False) -> list[PurePosixPath]:
        """The photos that fit best; none where none does."""
        for fits in _places(claim, only_beside=only_beside):
            for photos in (self._by_name, self._by_stem):
                found = [photo for text in claim.texts for photo in photos.get(text.casefold(), ()) if fits(photo)]
                if found := list(dict.fromkeys(found)):
                    # Of a RAW file and what was developed of it, the latter is the photo.
                    return [photo for photo in found if photo.suffix.lower() not in RAW_SUFFIXES] or found
        return []


def _claim(name: PurePosixPath, *, is_elsewhere: bool = False) -> _Claim:
    marked = _MARKED.fullmatch(name.stem)
    unmarked = (marked["behind"] or marked["before"],) if marked else ()
    folders = name.parts[:-1]
    places = [place for place, part in enumerate(folders) if _FOLDER.fullmatch(part)]
    if is_elsewhere:
        return _Claim(name, (*unmarked, name.stem), marked is not None, (), folders, is_elsewhere=True)
    if not places:
        return _Claim(name, unmarked, marked is not None, None, (), is_elsewhere=False)
    above, below = folders[: places[-1]], folders[places[-1] + 1 :]
    return _Claim(name, (*unmarked, name.stem), marked is not None, above, below, is_elsewhere=False)


def _places(claim: _Claim, *, only_beside: bool) -> Iterator[Callable[[PurePosixPath], bool]]:
    """Where the photo may lie, the likeliest place first: each says of a photo whether it lies there."""
    if claim.is_marked and not only_beside:
        yield lambda photo: photo.parent == claim.name.parent
    if claim.above is None:
        return
    above, below = _folded(claim.above), _folded(claim.below)

    def is_told_apart(photo: PurePosixPath) -> bool:
        # Sides, and scans, repeat each other's names: a photo in one called masks is of the same kind as its namesake.
        return claim.is_marked or claim.name.suffix.lower() == ".png" or named_kind(claim.name) != named_kind(photo)

    def is_as_deep(photo: PurePosixPath) -> bool:
        folders = _folded(photo.parts[:-1])
        return folders[: len(above)] == above and folders[len(above) + 1 :] == below and len(folders) > len(above)

    is_sure = only_beside or not claim.is_elsewhere
    yield lambda photo: _folded(photo.parts[:-1]) == (*above, *below) and (is_sure or is_told_apart(photo))
    if only_beside:
        return
    yield lambda photo: is_as_deep(photo) and is_told_apart(photo)
    if not below:
        yield lambda photo: _folded(photo.parts[: len(above)]) == above and is_told_apart(photo)


def _folded(folders: Folder) -> Folder:
    return tuple(part.casefold() for part in folders)
