# SPDX-License-Identifier: GPL-3.0-or-later
"""The task strip, the first half of the work: every photo of a folder gets its mask."""

import contextlib
import json
import os
import threading
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.declared import from_json
from ..common.errors import BadUseError, Cancelled, EndpointError, OutputError, PhotoError, ScanError, printable
from ..common.files import save
from ..common.hashes import short_hash
from ..job.context import JobContext
from ..job.events import (
    ContactSheetDrawn,
    Event,
    Log,
    Paused,
    PhotoDone,
    PhotoFailed,
    PhotoStands,
    Started,
    StepProgress,
)
from ..job.folder import refuse_overlap
from ..job.history import announced_masks, last_failures, last_records, made_masks
from ..job.job_end import JobEnd
from ..job.journal import read_journal
from ..job.priority import lower_priority
from ..job.records import PhotoRecord
from ..masks.own_masks import about_own_masks, find_own_masks
from ..masks.unfit_names import unfit_photos
from ..photos.other_files import about_others
from ..photos.photo import Photo, find_with_developed
from ..photos.pixels import NO_MEMORY
from ..photos.twins import about_developed
from ..review.contact_sheet import ContactSheet
from ..review.thumbnails import LatestThumbnails
from ..segmentation import model_notes
from ..segmentation.segmenter import make_segmenter
from ..segmentation.server_pool import Listener
from .adopt_masks import Adoption, about_cutouts
from .carry import carry, with_others
from .outcome import Outcome
from .photo_pipeline import Made, PhotoPipeline, Plan
from .settings import StripSettings

# Photos being decoded or written while others wait for their answer: enough to keep the model busy.
_EXTRA_THREADS = 4
_LOADING = "Waiting for the first mask; the server may be loading its model"
_DRAWING, _NOTED_EVERY = "Drawing the contact sheet", 20
# How long a stopping run waits for the answers in flight, in seconds.
_GRACE = 1.5


@dataclass(frozen=True)
class _Task:
    """A photo for which something is to be made."""

    photo: Photo
    plan: Plan

    @property
    def name(self) -> str:
        return str(self.photo.name)


def run(values: dict[str, Any], context: JobContext) -> JobEnd:
    """Make the masks that are missing, and write the report.

    Raises BadUseError before any photo is sent, OutputError where the report cannot be written.
    """
    settings = from_json(StripSettings, values)
    settings.check()
    if settings.backend == "EMBEDDED":
        lower_priority()
    outcome = Strip(settings, context).run()
    report = json.dumps(outcome.report(values), indent=1).encode()
    try:
        save(context.folder.report, report, f"{outcome.message}. Make room, then run again")
    except OutputError:
        if outcome.trouble is None:  # else that is what the user should read
            raise
    return outcome.end()


class Strip:
    """One run over one photo folder. What is there already is kept."""

    def __init__(self, settings: StripSettings, context: JobContext) -> None:
        """Cancelled, ``run`` returns early. Raises BadUseError where there is no such model."""
        self._settings = settings
        self._folder = folder = context.folder
        self._journal = context.journal
        self._cancel = context.cancel
        self._stop = threading.Event()  # no new photo, no new try: cancelled, or in trouble
        self._trouble: ScanError | None = None
        listener = Listener(on_wait=self._note_pause, on_loss=self._warn)
        self._answers = make_segmenter(settings, context.token, listener, self._stop)
        self._pipeline = PhotoPipeline(settings, folder, self._answers, self._journal)
        self._thumbnails = LatestThumbnails(folder.thumbnails)
        self._paused = False
        self._guard = threading.Lock()
        self._made: set[str] = set()
        self._cutouts = 0
        self._adopted: list[str] = []
        self._failed: dict[str, str] = {}

    def run(self) -> Outcome:
        """Make what is missing. Raises BadUseError and OutputError before any photo is sent.

        Later trouble is in the outcome.
        """
        begin = time.monotonic()
        root = Path(self._settings.photos)
        photos, developed = find_with_developed(root, self._settings.files, self._folder.converted)
        for folder in {photo.path.parent for photo in photos}:
            refuse_overlap(folder, self._folder.root)  # again, since a linked folder lies elsewhere
        self._folder.make_mask_folders()
        self._journal.write(Started(task="strip", photos=len(photos)))
        for words in about_others(root) if not self._settings.files else ():
            self._warn(words)
        events = read_journal(self._folder.journal)
        everything = with_others(photos, root, self._settings.files, self._folder)
        carried = carry(everything, events, root, self._folder, self._journal)
        events += carried
        self._adopt_masks(photos, events)
        if self._adopted:
            events = read_journal(self._folder.journal)
        if words := about_developed(developed):
            self._journal.write(Log(text=words))
        self._sheet = ContactSheet([str(photo.name) for photo in photos])
        tasks = self._plan(photos, events)
        done = len(photos) - len(tasks) - len(self._failed)
        self._journal.write(StepProgress(done=done, failed=len(self._failed), total=len(photos)))
        model = ""
        pool = ThreadPoolExecutor(self._answers.at_once + _EXTRA_THREADS)
        try:
            model = self._work(pool, tasks)
        except (EndpointError, OutputError) as error:
            self._end(error)
        finally:
            # Threads that still hang in a request are left behind: the worker leaves by os._exit.
            pool.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(OutputError):  # a disk that is full has ended the run already
            self._warn_of_cutouts(events)
        # A run in trouble that has made no mask ends at once.
        if self._made or not self._trouble:
            self._keep_sheet(photos, events)
        masks = self._present_records(photos)
        return Outcome(
            photos=len(photos),
            done=len((masks.keys() | self._made) - self._failed.keys()),
            made=len(self._made),
            adopted=len(self._adopted),
            cutouts=self._cutouts,
            carried={earlier: name for event in carried for earlier, name, _ in event.moves},
            failed=dict(sorted(self._failed.items())),
            developed={str(raw): str(twin) for raw, twin in developed.items()},
            masks=masks,
            wants_cutouts=self._settings.cutouts != "NONE",
            seconds=time.monotonic() - begin,
            model=model,
            traffic=self._answers.traffic(),
            cancelled=self._cancel.is_set(),
            trouble=self._trouble,
        )

    def _adopt_masks(self, photos: list[Photo], events: list[Event]) -> None:
        """Adopt somebody's own masks, or say that they are there. ``events`` are those of the job so far.

        Raises BadUseError where they may be inverted, and OutputError.
        """
        settings = self._settings
        own = find_own_masks(Path(settings.photos), photos, self._folder, made_masks(events))
        adoption = Adoption(photos, own, self._folder, events, develop_raw=settings.develop_raw)
        if not settings.adopt_masks:
            pending = list(adoption.pending().values())
            if words := about_own_masks(pending):
                them = "it" if len(pending) == 1 else "them"
                self._warn(f"{words}: Adopt Masks (--adopt-masks) uses {them} in place of the model's")
            for words in own.doubts():
                self._warn(words)
            return
        with contextlib.suppress(Cancelled):  # which the rest of the run notices as well
            self._adopted = adoption.adopt(settings, settings.threshold, self._journal, self._cancel, self._fail)

    def _plan(self, photos: list[Photo], events: list[Event]) -> list[_Task]:
        """Returns what is to be done. ``events`` are those of earlier runs."""
        announced, failures = announced_masks(events), last_failures(events)
        records = last_records(events)
        for name, reason in unfit_photos(photos, self._folder).items():
            if name not in self._failed:  # else it was told of when its mask was to be adopted
                self._fail(name, PhotoError(reason))
        unknown = [photo for photo in photos if str(photo.name) not in records and str(photo.name) not in self._failed]
        records |= self._find_masks(unknown, announced)
        tasks = []
        for photo in photos:
            name = str(photo.name)
            if name in self._failed:
                continue
            try:
                plan = self._pipeline.plan(photo, records.get(name), announced.get(name, ()))
            except (PhotoError, MemoryError) as error:
                self._fail(name, error)
                continue
            if plan:
                tasks.append(_Task(photo, plan))
            elif name in failures:  # or it would be taken for one that fails still
                self._journal.write(PhotoStands(photo=name))
        return tasks

    def _find_masks(self, photos: list[Photo], announced: dict[str, set[str]]) -> dict[str, PhotoRecord]:
        """Returns photo → record of the masks that are there for photos of which the journal has none."""

        def find(photo: Photo) -> PhotoRecord | None:
            if not self._cancel.is_set():
                try:
                    return self._pipeline.find_mask(photo, announced.get(str(photo.name), ()))
                except (PhotoError, MemoryError) as error:
                    self._fail(str(photo.name), error)
            return None

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            looks = zip(photos, pool.map(find, photos), strict=True)
            found = {str(photo.name): record for photo, record in looks if record is not None}
        if found:
            masks, them = ("1 mask was", "it") if len(found) == 1 else (f"{len(found)} masks were", "them")
            self._warn(
                f"{masks} there already that the journal does not know: kept, as what is painted by hand; "
                f"delete {them} in {self._folder.masks} to have {them} made anew"
            )
        return found

    def _work(self, pool: ThreadPoolExecutor, tasks: list[_Task]) -> str:
        """Make all that is planned: first what needs no server, which may be away. Returns what answered, if it did."""
        asking = [task for task in tasks if task.plan.asks]
        opened = pool.submit(self._answers.open) if asking else None
        self._wait_for([pool.submit(self._do, task) for task in tasks if not task.plan.asks])
        if opened is None:
            return ""
        self._wait_for([opened])
        if self._stop.is_set():
            return ""
        if note := model_notes.note(self._settings.model):
            self._warn(note)
        # A server may have to load its model, even to download it: ``Segmenter`` sends it one photo alone at first, and
        # the others are decoded meanwhile.
        if not self._answers.is_warm:
            self._journal.write(Log(text=_LOADING))
        self._wait_for([pool.submit(self._do, task) for task in asking])
        return opened.result()

    def _wait_for(self, futures: Sequence[Future[Any]]) -> None:
        """Wait until all have ended, or the run stops: then no longer than a moment."""
        pending = set(futures)
        while pending and not self._stop.is_set():
            finished, pending = wait(pending, timeout=0.1)
            for future in finished:
                future.result()  # a defect surfaces here
            if self._cancel.is_set():
                self._stop.set()
        if self._stop.is_set():
            wait([future for future in pending if not future.cancel()], timeout=_GRACE)

    def _do(self, task: _Task) -> None:
        """One photo from file to journal."""
        if self._stop.is_set():
            return
        begin = time.monotonic()
        try:
            made = self._pipeline.make(task.photo, task.plan)
            thumbnail = self._show(task.name, made)
            seconds = round(time.monotonic() - begin, 3)
            self._journal.write(PhotoDone(photo=task.name, record=made.record, thumbnail=thumbnail, seconds=seconds))
            with self._guard:  # what the journal does not know of is made again
                if task.plan.makes_mask:
                    self._made.add(task.name)
                if self._settings.cutouts != "NONE" and made.record.cutout_key is not None:
                    self._cutouts += 1
            # Only now: whoever shows the events takes a photo that is done for the end of the waiting.
            self._paused = False
            for warning in made.warnings:
                self._journal.write(Log(level="warning", photo=task.name, text=f"{task.name}: {warning}"))
        except (PhotoError, MemoryError) as error:
            self._fail(task.name, error)
        except (BadUseError, EndpointError, OutputError) as error:  # bad use: a model that proves to be none so late
            self._end(error)
        except Exception:  # noqa: BLE001 - a defect with one photo is not the end of the others
            traceback.print_exc()
            self._fail(task.name, PhotoError(f"met an unexpected error; {self._folder.log} says where"))

    def _show(self, name: str, made: Made) -> str | None:
        """Draw a photo on the contact sheet, and return the file of its thumbnail, if it gets one."""
        if made.picture is None:
            return None
        mask = made.thumbnail(self._sheet.cell_size)
        self._sheet.add(name, made.picture, mask)
        return self._thumbnails.add(made.picture, mask)

    def _end(self, error: ScanError) -> None:
        """Stop the run, for the first reason that there is."""
        with self._guard:
            if not self._stop.is_set():
                self._trouble = error
                self._stop.set()

    def _fail(self, name: str, error: PhotoError | MemoryError) -> None:
        reason = NO_MEMORY if isinstance(error, MemoryError) else printable(str(error))
        with self._guard:
            self._failed[name] = reason
        self._journal.write(PhotoFailed(photo=name, reason=reason))
        self._paused = False  # as whoever shows the events takes it: of a wait that goes on, another event is written

    def _warn(self, text: str) -> None:
        self._journal.write(Log(level="warning", text=text))

    def _note_pause(self, reason: str) -> None:
        if not self._paused:  # once an outage, not once a photo and try
            self._paused = True
            self._journal.write(Paused(reason=reason))

    def _present_records(self, photos: list[Photo]) -> dict[str, PhotoRecord]:
        """Returns photo → record for every photo that has a mask."""
        records = last_records(read_journal(self._folder.journal))
        known = [photo for photo in photos if str(photo.name) in records]
        present = {str(photo.name): self._pipeline.present_record(photo, records[str(photo.name)]) for photo in known}
        return {name: record for name, record in present.items() if record is not None}

    def _warn_of_cutouts(self, events: list[Event]) -> None:
        """Cutouts of an earlier run are not made anew where none are asked for: then they show other masks."""
        if self._settings.cutouts != "NONE":
            return
        if words := about_cutouts((*self._made, *self._adopted), last_records(events), self._folder):
            self._warn(words)

    def _keep_sheet(self, photos: list[Photo], events: list[Event]) -> None:
        """Have the contact sheet show what there is. ``events`` are those of earlier runs."""
        shows = self._to_show(photos)  # before they are looked at: what is painted meanwhile is drawn by the next run
        drawn = [event.shows for event in events if isinstance(event, ContactSheetDrawn)]
        if drawn[-1:] != [shows] or not self._folder.contact_sheet.is_file():
            self._make_sheet(photos, shows)

    def _to_show(self, photos: list[Photo]) -> str:
        """Names what a contact sheet is to show: the photos, which of them failed, and the masks that are there."""
        cells = [(name := str(photo.name), name in self._failed, self._pipeline.changed(photo)) for photo in photos]
        return short_hash(*cells)

    def _make_sheet(self, photos: list[Photo], shows: str) -> None:
        """Write the contact sheet, with the photos that this run had no need to open."""
        for name in list(self._failed):
            self._sheet.add_failed(name)
        undrawn = (photo for photo in photos if not self._sheet.is_drawn(str(photo.name)))
        rest = [photo for photo in undrawn if self._pipeline.changed(photo) is not None]
        try:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                for number, _ in enumerate(pool.map(self._draw, rest), 1):
                    if number % _NOTED_EVERY == 0:
                        self._journal.write(StepProgress(step=_DRAWING, done=number, total=len(rest)))
            if self._cancel.is_set():
                return
            save(self._folder.contact_sheet, self._sheet.encode())
            self._journal.write(ContactSheetDrawn(shows=shows))
        except OutputError as error:
            self._end(error)

    def _draw(self, photo: Photo) -> None:
        # A photo that lost one of its files meanwhile has an empty cell, as one that has no mask yet.
        with contextlib.suppress(PhotoError, OSError, SyntaxError):
            if not self._cancel.is_set():
                self._sheet.add(str(photo.name), *self._pipeline.thumbnails(photo, self._sheet.cell_size))
