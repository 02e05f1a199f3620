# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos that have other names than when their masks were made, known by their content. Nothing is written here."""

import contextlib
import os
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from ..common.errors import PhotoError
from ..common.hashes import hash_file
from ..job.folder import JobFolder
from ..job.records import PhotoRecord
from ..photos.photo import Photo, needs_jpeg, working_name

_Key = tuple[bool, object]
"""Whether engines get a photo as a JPEG, and its content stamp or its file stamp: what has the same is the same photo.

What was made of the one kind has no place beside the other: its names have another ending.
"""


@dataclass(frozen=True)
class Named:
    """A photo under the name that it has now."""

    name: str
    file_stamp: tuple[int, int]


@dataclass
class Renamed:
    """What became of photos that have masks, and are not under the names by which these were made."""

    moves: dict[str, Named] = field(default_factory=dict)
    """Earlier name → the photo as it is now."""
    shared: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Earlier name → names of the photos that it may be: there are several alike, or there were."""
    taken: dict[str, str] = field(default_factory=dict)
    """Earlier name → name of the photo, for which somebody has put another mask there already."""
    gone: list[str] = field(default_factory=list)
    """Earlier names of photos that are nowhere."""


def mask_of(folder: JobFolder, name: str) -> Path:
    """Returns the file of the mask of the photo with this name."""
    return folder.mask(working_name(PurePosixPath(name)))


def find_renamed(
    photos: Sequence[Photo],
    records: Mapping[str, PhotoRecord],
    root: Path,
    folder: JobFolder,
    left: Collection[str] = (),
) -> Renamed:
    """Returns where the photos of those records are that have another file under their name in ``root``, or none.

    Only photos as large as one that is looked for are read, and none that has the name and the file stamp of its
    record. A record of 0.1.0 goes by the file stamp, which renaming keeps. ``left`` are names that were given up
    before: they yield to later names of the same photo.
    """
    look = _Look(photos, records, root)
    renamed = Renamed()
    given: set[str] = set()
    for key, names in look.lost.items():
        now = [name for name in look.open[key] if name not in given]
        claims = [name for name in names if name not in left] or names
        if len(claims) == len(now) == 1 and not look.settled[key]:
            renamed.moves[claims[0]] = look.named(now[0])
            given.add(now[0])
        elif now:
            renamed.shared |= dict.fromkeys(claims, (*now, *look.settled[key]))
        renamed.gone += [name for name in names if name in look.missing and not (now and name in claims)]
    renamed.moves = {name: now for name, now in renamed.moves.items() if _fits(mask_of(folder, now.name))}
    renamed.taken = _taken(renamed.moves, records, folder)
    renamed.moves = {name: now for name, now in renamed.moves.items() if name not in renamed.taken}
    return renamed


def _taken(moves: Mapping[str, Named], records: Mapping[str, PhotoRecord], folder: JobFolder) -> dict[str, str]:
    """Returns earlier name → name, where somebody's mask is in the place that a mask would have."""
    taken = {}
    for name, now in moves.items():
        source, place = mask_of(folder, name), mask_of(folder, now.name)
        # Where there is a record, the mask is another photo's, and makes room. Who renamed a photo by hand may have
        # renamed its mask, too; and upper and lower case may be the same to a disk.
        if now.name in records or not (source.exists() and place.exists()) or source.samefile(place):
            continue
        if hash_file(source) != hash_file(place):
            taken[name] = now.name
    return taken


def _fits(path: Path) -> bool:
    """Whether a file can have this name; where not, the strip says so of the photo."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


class _Look:
    """The photos that are there, and the records whose photo is not where it was."""

    def __init__(self, photos: Sequence[Photo], records: Mapping[str, PhotoRecord], root: Path) -> None:
        self.missing: set[str] = set()
        """Names of records under which there is no file at all."""
        self.lost: dict[_Key, list[str]] = defaultdict(list)
        """Names of records whose photo is not there. Those without a content stamp are last, being the oldest."""
        self.open: dict[_Key, list[str]] = defaultdict(list)
        """Names of photos that have no record."""
        self.settled: dict[_Key, list[str]] = defaultdict(list)
        """Names of photos that are where their record is."""
        self._there = {str(photo.name): photo for photo in photos}
        self._records = records
        self._root = root
        self._stamps = {name: stamp for name, photo in self._there.items() if (stamp := _stamp(photo))}
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # of a scan that was copied, all photos may have to be read
            at_home = pool.map(self._is_home, records)
            lost = [name for name, is_home in zip(records, at_home, strict=True) if not is_home]
        for name in sorted(lost, key=lambda name: (not records[name].content, name)):
            self.lost[needs_jpeg(PurePosixPath(name)), records[name].content or records[name].file_stamp].append(name)
        if lost:
            self._sort({*lost})

    def named(self, name: str) -> Named:
        """Returns the photo that has this name now."""
        return Named(name, self._stamps[name])

    def _is_home(self, name: str) -> bool:
        """Whether the photo of a record is under its name, as far as can be told."""
        record = self._records[name]
        photo = self._there.get(name) or Photo(PurePosixPath(name), self._root / name)
        if name not in self._there:
            try:
                status = photo.path.stat()
            except (FileNotFoundError, NotADirectoryError):
                self.missing.add(name)
                return False
            except OSError:
                return True
            # To this disk, it may be another spelling of the name of a photo that is there.
            if status.st_ino and (status.st_dev, status.st_ino) in self._inodes:
                return False
        stamp = self._stamps.get(name) or _stamp(photo)
        if stamp in {None, record.file_stamp, record.seen_stamp}:
            return True
        return record.content is not None and record.content == _content(photo)

    @cached_property
    def _inodes(self) -> frozenset[tuple[int, int]]:
        """What the photos that are there are to the disk, whatever they are called: device and number."""
        found = set()
        for photo in self._there.values():
            with contextlib.suppress(OSError):
                status = photo.path.stat()
                found.add((status.st_dev, status.st_ino))
        return frozenset(found)

    def _sort(self, lost: Collection[str]) -> None:
        """Have the photos by what they are known by."""
        sizes = {self._records[name].file_stamp[0] for name in lost if self._records[name].content}
        settled = {name for name in self._stamps if name in self._records and name not in lost}
        unread = [name for name, (size, _) in self._stamps.items() if name not in settled and size in sizes]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            contents = dict(zip(unread, pool.map(lambda name: _content(self._there[name]), unread), strict=True))
        contents |= {name: self._records[name].content for name in settled}
        for name, stamp in self._stamps.items():
            known = self.settled if name in settled else self.open
            for key in filter(None, (stamp, contents.get(name))):
                known[needs_jpeg(PurePosixPath(name)), key].append(name)


def _stamp(photo: Photo) -> tuple[int, int] | None:
    try:
        return photo.file_stamp()
    except PhotoError:
        return None


def _content(photo: Photo) -> str | None:
    try:
        return photo.content_stamp()
    except PhotoError:
        return None
