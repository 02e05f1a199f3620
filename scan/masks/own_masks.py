# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks that somebody has made of the photos: they lie among them, in a folder beside them, or in the output folder."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..common.errors import BadUseError, PhotoError
from ..common.hashes import hash_file
from ..common.text import count, either, some
from ..job.folder import JobFolder
from ..photos import mask_names
from ..photos.photo import Photo, pictures_in
from ..photos.twins import developed_twins

_LAYER = ".mask"
"""RealityScan's folder for masks, which lies hidden beside the photos."""
_STRAYS = (
    (
        "is named as a mask is, and taken for a photo, since no photo is there that it belongs to",
        "If it is a mask, rename or move it as its photo was",
    ),
    (
        "are named as masks are, and taken for photos, since no photos are there that they belong to",
        "If they are masks, rename or move them as their photos were",
    ),
)
"""Of one picture, and of several: what they are taken for, and what to do."""


@dataclass(frozen=True)
class MaskFile:
    """A mask in a file of its own."""

    name: str
    """From the photo folder, or from the one that has the output folder."""
    path: Path


@dataclass
class OwnMasks:
    """What was found."""

    files: dict[Photo, list[MaskFile]] = field(default_factory=dict)
    """Photo → its masks, of which the first counts."""
    unclear: dict[str, list[str]] = field(default_factory=dict)
    """Mask → the photos that it may belong to."""
    alone: list[str] = field(default_factory=list)
    """Masks among those of photos whose own photo is not there."""
    strays: list[str] = field(default_factory=list)
    """Photos that may be masks, whose photos have other names."""

    def doubts(self) -> list[str]:
        """What a person should know of masks that do not count, in sentences."""
        said = []
        if doubled := {photo: masks for photo, masks in self.files.items() if len(masks) > 1}:
            photo, masks = next(iter(doubled.items()))
            said.append(
                f"{count(len(doubled), 'photo')} with more than one mask of your own, of which the first counts: "
                f"{photo.name} has {some([mask.name for mask in masks])}"
            )
        if self.unclear:
            mask, photos = next(iter(self.unclear.items()))
            said.append(
                f"{count(len(self.unclear), 'mask')} of your own could be that of more than one photo: {mask} that of "
                f"{either(photos)}. Name such a mask as its photo is, with .png behind it, in a folder of the same name"
            )
        if self.alone:
            belong, them = ("belongs", "it") if len(self.alone) == 1 else ("belong", "them")
            said.append(
                f"{count(len(self.alone), 'mask')} of your own {belong} to no photo that is there, and nothing is made "
                f"of {them}: {some(self.alone)}"
            )
        if self.strays:
            be, advice = _STRAYS[len(self.strays) != 1]
            said.append(f"{count(len(self.strays), 'picture')} {be}: {some(self.strays)}. {advice}")
        return said


def about_own_masks(masks: Sequence[MaskFile]) -> str:
    """That masks are there which nobody has asked to adopt, in a sentence; empty where there are none."""
    if not masks:
        return ""
    are = "is there, and not taken for a photo" if len(masks) == 1 else "are there, and not taken for photos"
    return f"{count(len(masks), 'mask')} of your own ({some([mask.name for mask in masks])}) {are}"


def find_own_masks(
    folder: Path, photos: Sequence[Photo], output: JobFolder | None, made: Collection[str] = ()
) -> OwnMasks:
    """Returns the masks of ``photos``, which are all that ``folder`` has, or some of them.

    Those in ``output`` count that are not where its own masks are, and that no run has ``made``: SHA-256 of files. The
    mask of a RAW file is that of what was developed of it. Where ``folder`` cannot be read, though its photos were
    named, there are none among them.
    """
    names, among = mask_names.split(_pictures_in(folder) or [photo.name for photo in photos])
    twins = developed_twins(names)
    by_name = {photo.name: photo for photo in photos}
    found = OwnMasks(strays=_strays([name for name in names if name in by_name]))

    def take(owners: dict[PurePosixPath, mask_names.Names], root: Path, shown: str = "") -> None:
        for name, claimed in owners.items():
            owning = list(dict.fromkeys(twins.get(each, each) for each in claimed))
            mask = MaskFile(f"{shown}{name}", root / name)
            if not owning:
                found.alone += [mask.name] if name not in by_name else []
            elif len(owning) > 1:
                found.unclear[mask.name] = [str(each) for each in owning]
            elif photo := by_name.get(owning[0]):
                found.files.setdefault(photo, []).append(mask)

    take(among, folder)
    for side in sorted({name.parent for name in names}):
        layer = folder / side / _LAYER
        if not (layers := _pictures_in(layer)):
            continue
        here = [PurePosixPath(name.name) for name in names if name.parent == side]
        owners = mask_names.owners_of(layers, here)
        take({name: [side / each for each in owning] for name, owning in owners.items()}, layer, f"{side / _LAYER}/")
    for beside in _folders_beside(folder, output):
        take(mask_names.owners_of(_pictures_in(beside), names), beside, f"../{beside.name}/")
    if output:
        places = set(map(output.mask, _working_names(photos)))
        others = [name for name in _pictures_in(output.masks) if output.masks / name not in places]
        owners = mask_names.owners_of(others, names, only_beside=True)
        theirs = {name: each for name, each in owners.items() if hash_file(output.masks / name) not in made}
        take(theirs, output.masks, f"{output.root.name}/masks/")
    return found


def _folders_beside(folder: Path, output: JobFolder | None) -> list[Path]:
    """The folders for masks beside a photo folder, but for that of a job."""
    above = folder.resolve().parent
    if output and output.root.resolve() == above:
        return []
    wanted = {"mask", "masks", _LAYER, *(f"{folder.resolve().name}{end}".casefold() for end in ("_mask", "_masks"))}
    try:
        if JobFolder(above).settings.exists():
            return []
        return [each for each in sorted(above.iterdir()) if each.name.casefold() in wanted and each.is_dir()]
    except OSError:
        return []


def _pictures_in(folder: Path) -> list[PurePosixPath]:
    """The pictures of a folder that need not be there."""
    try:
        return pictures_in(folder) if folder.is_dir() else []
    except (BadUseError, OSError):  # it may not be looked into, and nobody has asked for it
        return []


def _strays(names: Sequence[PurePosixPath]) -> list[str]:
    """Those photos, among others, that may be masks: PNGs that are named as masks are."""
    strays = [str(name) for name in names if name.suffix.lower() == ".png" and mask_names.is_named_as_mask(name)]
    return strays if len(strays) < len(names) else []


def _working_names(photos: Iterable[Photo]) -> Iterable[PurePosixPath]:
    for photo in photos:
        try:
            yield photo.working.name
        except PhotoError:
            continue
