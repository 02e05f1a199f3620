# SPDX-License-Identifier: GPL-3.0-or-later
"""The task adopt_masks: masks that somebody has made elsewhere become the masks of their photos, without a model.

From then on they are kept as those that are painted on are. The task strip does it, too, where it is asked to.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..common.declared import from_json
from ..common.errors import BadUseError, Cancelled, PhotoError, printable
from ..common.files import is_file
from ..common.hashes import hash_file
from ..common.names import save_named
from ..common.text import count, some
from ..job.context import JobContext
from ..job.events import Event, Log, MaskFound, PhotoFailed, Started, StepProgress
from ..job.folder import JobFolder, refuse_overlap
from ..job.history import announced_masks, last_records, made_masks
from ..job.job_end import JobEnd
from ..job.journal import Journal, read_journal
from ..job.records import PhotoRecord
from ..masks.adopting import adopted, inverted
from ..masks.own_masks import MaskFile, OwnMasks, find_own_masks
from ..masks.saved_masks import foreign_size
from ..masks.settings import ObjectInMasks
from ..photos.converted import as_jpeg, pixels_to_convert
from ..photos.header import read_facts
from ..photos.photo import Photo, find_photos
from ..photos.pixel_budget import PixelBudget
from ..photos.pixels import NO_MEMORY
from .carry import carry, with_others
from .settings import AdoptSettings

_SAY = (
    "Say what the object is in them: Object in Masks Black (--mask-object BLACK) turns them, White "
    "(--mask-object WHITE) takes them as they are"
)
_BLACK = "black"
_ADOPTING, _NOTED_EVERY = "Adopting masks", 20


def run(values: dict[str, Any], context: JobContext) -> JobEnd:
    """Adopt the masks that are there. Raises BadUseError before anything is written; OutputError."""
    settings = from_json(AdoptSettings, values)
    settings.check()
    folder, journal = context.folder, context.journal
    photos = find_photos(Path(settings.photos), settings.files, folder.converted)
    for place in {photo.path.parent for photo in photos}:
        refuse_overlap(place, folder.root)  # again, since a linked folder lies elsewhere
    root, events = Path(settings.photos), read_journal(folder.journal)
    own = find_own_masks(root, photos, folder, made_masks(events))
    known = Adoption(photos, own, folder, events).known()
    if not known:
        why = "name a mask as its photo is, with .png behind it, in a folder called masks"
        raise BadUseError(
            "; ".join([f"There are no masks of your own for the photos in {settings.photos}", *(own.doubts() or [why])])
        )
    folder.make_mask_folders()
    journal.write(Started(task="adopt_masks", photos=len(photos)))
    events += carry(with_others(photos, root, settings.files, folder), events, root, folder, journal)
    adoption = Adoption(photos, own, folder, events, develop_raw=settings.develop_raw)
    failed: dict[str, str] = {}

    def fail(name: str, error: PhotoError | MemoryError) -> None:
        failed[name] = NO_MEMORY if isinstance(error, MemoryError) else printable(str(error))
        journal.write(PhotoFailed(photo=name, reason=failed[name]))

    try:
        made = adoption.adopt(settings, settings.threshold, journal, context.cancel, fail)
    except Cancelled:
        return JobEnd.cancelled("Cancelled. Masks that were adopted so far are kept")
    if words := about_cutouts(made, last_records(events), folder):
        journal.write(Log(level="warning", text=words))
    said = f"{count(len(made), 'mask')} of your own adopted"
    if there := len(known) - len(made) - len(failed):
        said += f", {there} {'was' if there == 1 else 'were'} there already or painted on"
    if without := [photo for photo in photos if photo not in known]:
        said += f". {count(len(without), 'photo')} without one"
        if not all(map(adoption.has_mask, without)):
            said += ": strip the backgrounds to have the rest made"
    told = [{"photo": name, "reason": reason} for name, reason in sorted(failed.items())]
    facts = {"found": len(photos), "done": len(known) - len(failed), "adopted": len(made), "failed": told}
    if not failed:
        return JobEnd.done(said, photos=facts)
    named = some([f"{each['photo']} {each['reason']}" for each in told])
    return JobEnd.some_failed(f"{said}. {len(failed)} failed: {named}", photos=facts)


class Adoption:
    """What becomes of somebody's masks in a job folder. A mask there that was painted on is never replaced."""

    def __init__(
        self,
        photos: Sequence[Photo],
        own: OwnMasks,
        folder: JobFolder,
        events: Iterable[Event],
        *,
        develop_raw: bool = False,
    ) -> None:
        """``own`` are the masks of ``photos`` that lie elsewhere; ``events`` are those of the job so far.

        ``develop_raw`` is whether RAW photos are developed that were not yet, so that masks can be fitted to them.
        """
        self._photos = photos
        self._own = own
        self._folder = folder
        self._develop_raw = develop_raw
        events = list(events)
        self._records = last_records(events)
        self._announced = announced_masks(events)
        self._budget = PixelBudget()

    def known(self) -> set[Photo]:
        """Returns the photos of which there are such masks, adopted or not."""
        return {*self._own.files, *self._misfits}

    def pending(self, how: Callable[[Photo], str] = lambda _: "") -> dict[Photo, MaskFile]:
        """Returns photo → the mask that could be adopted for it, and was not yet; or was otherwise than ``how``.

        That is what a photo's record would have as ``adopted_as``; by itself, anything.
        """
        found = {}
        for photo in self._photos:
            if file := self._misfits.get(photo):
                found[photo] = file
            elif (files := self._own.files.get(photo)) and self._is_pending(photo, files[0], how(photo)):
                found[photo] = files[0]
        return found

    def has_mask(self, photo: Photo) -> bool:
        """Returns whether a photo has any mask."""
        try:
            return is_file(self._folder.mask(photo.working.name))
        except PhotoError:
            return False

    def adopt(
        self,
        wished: ObjectInMasks,
        threshold: int,
        journal: Journal,
        cancel: threading.Event,
        fail: Callable[[str, PhotoError | MemoryError], None],
    ) -> list[str]:
        """Adopt what is pending and return the names of these photos; ``fail`` is told of those whose mask is refused.

        Raises BadUseError, before anything is written, where the masks look inverted and ``wished`` does not say what
        they are; Cancelled and OutputError. What was said of a photo's mask before holds until something else is said.
        """

        def reading(photo: Photo) -> _Reading:
            is_black = {"BLACK": True, "WHITE": False}.get(wished.mask_object, self._was_black(photo))
            return _Reading(threshold, is_object_black=is_black)

        pending = self.pending(lambda photo: reading(photo).words)
        open_files = [file for photo, file in pending.items() if not self._was_black(photo)]
        if wished.mask_object == "ASK" and (words := may_be_inverted(open_files, threshold)):
            raise BadUseError(f"{words}. {_SAY}")

        def one(photo: Photo) -> _Made | None:
            if cancel.is_set():
                raise Cancelled
            try:
                made = self._adopt(photo, pending[photo], reading(photo))
            except (PhotoError, MemoryError) as error:
                fail(str(photo.name), error)
                return None
            if made is not None:
                _note(str(photo.name), made, journal)
            return made

        masks: dict[str, _Made] = {}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for number, (photo, made) in enumerate(zip(pending, pool.map(one, pending), strict=True), 1):
                masks |= {str(photo.name): made} if made else {}
                if number % _NOTED_EVERY == 0:
                    journal.write(StepProgress(step=_ADOPTING, done=number, total=len(pending)))
        for words in (
            *self._own.doubts(),
            *_about_either([made.file.name for made in masks.values() if made.is_either]),
        ):
            journal.write(Log(level="warning", text=words))
        return list(masks)

    @cached_property
    def _misfits(self) -> dict[Photo, MaskFile]:
        """Photo → somebody's mask that is where its own should be, and of another size."""
        return {photo: file for photo in self._photos if (file := self._misfit(photo))}

    def _is_pending(self, photo: Photo, file: MaskFile, how: str) -> bool:
        try:
            working = photo.working
        except PhotoError:
            return False  # which says what is wrong when it is stripped
        record, path = self._record(photo), self._folder.mask(working.name)
        disk = hash_file(path)
        if file.path == path:
            return self._misfit(photo) is not None
        if disk and disk == record.mask_sha256 and record.adopted_sha256:
            return hash_file(file.path) != record.adopted_sha256 or how not in {"", record.adopted_as}
        return not disk or foreign_size(self._folder, working.name, record) is None

    def _misfit(self, photo: Photo) -> MaskFile | None:
        """Somebody's mask that is where the photo's own should be, and of another size; None without one."""
        try:
            working, record = photo.working, self._record(photo)
            size = foreign_size(self._folder, working.name, record)
            is_same = size == record.stored_size and photo.file_stamp() in {record.file_stamp, record.seen_stamp}
            if size is None or is_same or size == read_facts(working).size:
                return None
        except PhotoError:
            return None
        path = self._folder.mask(working.name)
        return MaskFile(str(path.relative_to(self._folder.root.parent)), path)

    def _was_black(self, photo: Photo) -> bool:
        """Whether the object is black in the mask that was adopted for a photo."""
        return (self._record(photo).adopted_as or "").startswith(_BLACK)

    def _record(self, photo: Photo) -> PhotoRecord:
        name = str(photo.name)
        return self._records.get(name) or PhotoRecord(announced=tuple(self._announced.get(name, ())))

    def _adopt(self, photo: Photo, file: MaskFile, reading: "_Reading") -> "_Made | None":
        """Write a photo's mask; None where somebody has painted on it meanwhile. Raises PhotoError, OutputError."""
        file_stamp, content_stamp, adopted_sha256 = photo.file_stamp(), photo.content_stamp(), hash_file(file.path)
        warnings: list[str] = []
        working = self._working(photo, warnings)
        photographed = read_facts(working)
        size, turn = photographed.size, photographed.orientation
        with self._budget.hold(size[0] * size[1]):
            made = adopted(file, size, turn, reading.threshold, is_object_black=reading.is_object_black)
            content, facts = made.mask.encode(), made.mask.facts()
        if not self._is_pending(photo, file, reading.words):
            return None
        save_named(self._folder.mask(working.name), content)
        record = replace(
            self._record(photo),
            file_stamp=file_stamp,
            seen_stamp=None,
            content=content_stamp,
            mask_key="",
            mask_sha256=hashlib.sha256(content).hexdigest(),
            stored_size=size,
            orientation=turn,
            asked=False,
            adopted_sha256=adopted_sha256,
            adopted_as=reading.words,
            **facts,
        )
        return _Made(file, record, made.is_either, tuple(warnings))

    def _working(self, photo: Photo, warnings: list[str]) -> Photo:
        """The photo as engines get it, converted where it has to be. Raises PhotoError, OutputError."""
        if not photo.needs_jpeg:
            return photo
        with self._budget.hold(pixels_to_convert(photo)):
            return as_jpeg(photo, warnings, develop_raw=self._develop_raw)


@dataclass(frozen=True)
class _Reading:
    """How masks are read."""

    threshold: int
    is_object_black: bool

    @property
    def words(self) -> str:
        """For the record."""
        return f"{_BLACK if self.is_object_black else 'white'} from {self.threshold}"


@dataclass(frozen=True)
class _Made:
    """A mask that was adopted."""

    file: MaskFile
    record: PhotoRecord
    is_either: bool
    """Whether it could as well have been upright, and not as the photo is stored."""
    warnings: tuple[str, ...]
    """What the photo's JPEG lacks, where that was made for it."""


def _note(name: str, made: _Made, journal: Journal) -> None:
    """Have the journal know of a photo's mask that was adopted."""
    journal.write(MaskFound(photo=name, record=made.record))
    for warning in made.warnings:
        journal.write(Log(level="warning", photo=name, text=f"{name}: {warning}"))


def about_cutouts(changed: Iterable[str], records: Mapping[str, PhotoRecord], folder: JobFolder) -> str:
    """That cutouts show other masks than there are now of the ``changed`` photos, in a sentence; empty without one."""
    number = sum(name in records and records[name].cutout_key is not None for name in changed)
    if not number:
        return ""
    show = "1 cutout shows an earlier mask" if number == 1 else f"{number} cutouts show earlier masks"
    return f"{show}: strip with Cutouts once more, or delete what is in {folder.cutouts}"


def _about_either(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    words = (
        f"{count(len(names), 'mask')} of your own ({some(names)}) could be upright, or the way the photo is stored, "
        "which EXIF turns: taken as stored; look at the contact sheet, and turn a mask that it shows upside down"
    )
    return [words]


def may_be_inverted(files: Sequence[MaskFile], threshold: int) -> str:
    """Returns that most of some masks look inverted, in a sentence; empty where they do not."""
    number, looked_at = inverted(files, threshold)
    if number <= looked_at / 2:
        return ""
    return (
        f"{number} of {looked_at} masks of your own that were looked at keep the picture's edge and drop what is "
        "inside: they may be inverted"
    )
