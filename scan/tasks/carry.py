# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks, and all else that was made of photos, go along when photos or their folders get other names."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..common.errors import BadUseError
from ..common.text import count, some, were
from ..cutouts.cutout import CutoutKind, cutout_name
from ..job import relocation
from ..job.events import Event, Log, MasksLeft, PhotosCarried
from ..job.folder import JobFolder
from ..job.history import last_records, left_masks
from ..job.journal import Journal
from ..masks.renamed import Named, Renamed, find_renamed, mask_of
from ..photos.photo import Photo, find_photos, jpeg_name, needs_jpeg, working_name


@dataclass
class _Files:
    """What becomes of the files of a job."""

    places: dict[Path, Path] = field(default_factory=dict)
    """File → its new place."""
    dropped: list[Path] = field(default_factory=list)
    """Those that are in their new places then, or are made anew."""
    set_aside: list[str] = field(default_factory=list)
    """Names that a photo has now and another one had, whose mask makes room."""


def carry(
    photos: Sequence[Photo], events: Sequence[Event], root: Path, folder: JobFolder, journal: Journal
) -> list[PhotosCarried]:
    """Bring masks, and what else was made, to the names that their photos have now in the photo folder ``root``.

    ``events`` are those of earlier runs; what is returned comes after them, and is in the journal. What a run that was
    killed has begun is finished first. No mask is replaced or removed. Raises OutputError.
    """
    relocation.finish(folder.root, {event.relocation for event in events if isinstance(event, PhotosCarried)})
    records, left = last_records(events), left_masks(events)
    renamed = find_renamed(photos, records, root, folder, left)
    files = _files(renamed.moves, records, folder)
    carried = []
    if renamed.moves:
        name = relocation.gather(folder.root, files.places, files.dropped)
        moves = tuple((earlier, now.name, now.file_stamp) for earlier, now in renamed.moves.items())
        journal.write(event := PhotosCarried(relocation=name, moves=moves))
        carried.append(event)
        relocation.finish(folder.root, {name})
    _tell(renamed, files.set_aside, left, folder, journal)
    return carried


def with_others(photos: Sequence[Photo], root: Path, files: tuple[str, ...], folder: JobFolder) -> Sequence[Photo]:
    """Returns the photos of a run; where these are but some of the folder ``root``, namely ``files``, all of it."""
    if not files:
        return photos
    try:
        others = find_photos(root, converted=folder.converted)
    except BadUseError:  # none that are found without being named
        others = []
    return list({photo.name: photo for photo in (*others, *photos)}.values())


def _files(moves: Mapping[str, Named], records: Collection[str], folder: JobFolder) -> _Files:
    files = _Files()
    stale = []
    for earlier, now in moves.items():
        for file, place in zip(_made_of(earlier, folder), _made_of(now.name, folder), strict=True):
            if file.is_file():
                files.places[file] = place
            elif place != mask_of(folder, now.name):  # a mask there is one that a person renamed, or makes room
                stale.append(place)
        if now.name in records and now.name not in moves and (mask := mask_of(folder, now.name)).is_file():
            files.places[mask] = _free_place(folder.masks_of_gone_photos, mask.relative_to(folder.masks))
            files.set_aside.append(now.name)
    places = {*files.places.values()}
    files.dropped += [file for file in stale if file.is_file() and file not in files.places]
    # Upper and lower case may be the same to a disk: then a file is in its new place already.
    files.dropped += [
        file
        for file, place in files.places.items()
        if file not in places and not (place.exists() and file.samefile(place))
    ]
    return files


def _made_of(name: str, folder: JobFolder) -> list[Path]:
    """Every file that may have been made of the photo with this name, the mask first."""
    photo = PurePosixPath(name)
    working = working_name(photo)
    return [
        folder.mask(working),
        folder.soft_mask(working),
        *(folder.cutouts / cutout_name(working, kind) for kind in CutoutKind),
        *([folder.converted / jpeg_name(photo)] if needs_jpeg(photo) else []),
    ]


def _free_place(folder: Path, name: Path) -> Path:
    """A place in a folder for a file of this name, beside those that are there."""
    place, number = folder / name, 1
    while place.exists():
        number += 1
        place = (folder / name).with_stem(f"{name.stem}.{number}")
    return place


def _tell(
    renamed: Renamed, set_aside: Sequence[str], left: Collection[str], folder: JobFolder, journal: Journal
) -> None:
    """Say what was carried, and of what was not, once, why."""

    def warn(text: str) -> None:
        journal.write(Log(level="warning", text=text))

    if moves := [f"{earlier} → {now.name}" for earlier, now in renamed.moves.items()]:
        journal.write(Log(text=f"What was made of {count(len(moves), 'photo')} goes by other names: {some(moves)}"))
    if set_aside:
        warn(
            f"{count(len(set_aside), 'mask')} made room for those of other photos, which have these names now: "
            f"{some(set_aside)}; kept in {folder.masks_of_gone_photos}"
        )
    if shared := _news(renamed.shared, left, folder):
        groups = defaultdict(list)
        for name in shared:
            groups[renamed.shared[name]].append(name)
        alike = [f"{', '.join(names)} (before: {', '.join(earlier)})" for names, earlier in groups.items()]
        warn(
            f"{were(len(shared), 'mask')} not carried along, since photos have the same content: {some(alike)}; "
            f"rename those that you painted on in {folder.masks}"
        )
    if taken := _news(renamed.taken, left, folder):
        others = [f"{renamed.taken[name]} (before: {name})" for name in taken]
        warn(f"{were(len(taken), 'mask')} not carried along, since the photo has another one now: {some(others)}")
    if gone := _news(renamed.gone, left, folder):
        them, photos = ("it", "its photo") if len(gone) == 1 else ("them", "their photos")
        warn(
            f"{were(len(gone), 'mask')} left in {folder.masks}, since there is no photo for {them} any more: "
            f"{some(gone)}. Should {photos} come back, under whatever name, a strip uses {them} again"
        )
    if told := [*shared, *taken, *gone]:
        journal.write(MasksLeft(photos=tuple(told)))


def _news(names: Collection[str], left: Collection[str], folder: JobFolder) -> list[str]:
    """Those whose mask is there, and of which the user was not told."""
    return [name for name in names if name not in left and mask_of(folder, name).is_file()]
