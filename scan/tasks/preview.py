# SPDX-License-Identifier: GPL-3.0-or-later
"""The task preview: one photo with its mask's outline, drawn anew whenever a setting changes.

It may work beside a strip in the same output folder: of that, it only reads.
"""

import io
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from ..common.declared import check, from_json
from ..common.errors import EndpointError, ScanError, printable
from ..common.files import save
from ..job.context import JobContext
from ..job.events import PhotosCarried, Previewed, PreviewFailed, PreviewWaiting, Started
from ..job.folder import JobFolder
from ..job.history import last_records, left_masks
from ..job.inbox import Message
from ..job.job_end import JobEnd
from ..job.journal import read_journal
from ..job.priority import lower_priority
from ..job.records import PhotoRecord
from ..job.settings import check_photo_folder
from ..masks.mask import make_mask
from ..masks.renamed import Named, find_renamed
from ..masks.saved_masks import binary, is_painted, kept_mask, kept_soft_mask
from ..masks.settings import MaskSettings, grow
from ..photos.converted import as_jpeg, is_converted
from ..photos.photo import Photo, find_photos, working_name
from ..photos.pixels import Proxy, make_proxy, to_upright
from ..review.contact_sheet import OUTLINE
from ..segmentation.segmenter import Segmenter, make_segmenter, model_key
from ..segmentation.server_pool import Listener
from ..segmentation.settings import SoftMaskSettings
from .settings import StripSettings

_LONG_EDGE = 1024  # of the picture, in pixels
_OUTLINE_WIDTH = 2
_DIMMED = [level * 6 // 10 for level in range(256)] * 3
_QUALITY = 90
_KEPT = 16  # answers in memory
# Requests at a time: one may hang, and the newest photo is asked for all the same.
_REQUESTS = 2
_ADVICE = "make room"  # on the disk of the temporary files: there is no other folder to choose


@dataclass(frozen=True)
class _Wish:
    """What a message asks for."""

    message: Message
    began: float
    """When it was read, by the monotonic clock."""

    @property
    def photo(self) -> str:
        """The name of the photo."""
        return str(self.message.get("photo", ""))

    @property
    def number(self) -> int:
        """The number of the message, which every event about it has."""
        number = self.message.get("number")
        return number if isinstance(number, int) else 0


@dataclass(frozen=True)
class _View:
    """The photo that is looked at."""

    photo: Photo
    file_stamp: tuple[int, int]
    working: Photo
    """As engines get it: itself, or the JPEG of a HEIC or RAW photo."""
    proxy: Proxy
    dimmed: Image.Image


@dataclass(frozen=True)
class _Made:
    """What was made of a photo."""

    record: PhotoRecord
    name: str
    """Of the photo, as it was called then."""

    @property
    def working_name(self) -> PurePosixPath:
        """Of the photo as engines got it: what was made bears that."""
        return working_name(PurePosixPath(self.name))


def run(values: dict[str, Any], context: JobContext) -> JobEnd:
    """Answer messages until standard input closes; ``values`` are the settings of a strip."""
    settings = from_json(StripSettings, values)
    if settings.backend == "EMBEDDED":
        lower_priority()
    return Preview(settings, context).run()


class Preview:
    """Answers messages, of which only the newest counts, until there will be no more."""

    def __init__(self, settings: StripSettings, context: JobContext) -> None:
        """Pictures go to the job's folder, which is another one than the strip's output. Raises BadUseError."""
        check_photo_folder(settings.photos)
        self._settings = settings
        self._folder = context.folder
        self._file = context.folder.root / "preview.jpg"
        self._output = JobFolder(Path(settings.output))
        self._journal = context.journal
        self._token = context.token
        self._inbox = context.inbox
        self._wish: _Wish | None = None
        self._view: _View | None = None
        self._awaited = ""
        """Names the answer that the wish waits for."""
        self._answers: OrderedDict[str, Image.Image] = OrderedDict()
        self._asked: dict[str, Future[Image.Image]] = {}
        self._pool = ThreadPoolExecutor(_REQUESTS)
        self._opened: tuple[object, Segmenter] | None = None
        self._photos: list[Photo] = []
        self._records: tuple[object, dict[str, _Made]] = (None, {})
        """The state of the journal, and what it says then."""
        self._renamed: tuple[int, dict[str, Named]] = (-1, {})
        """How often photos were carried to other names, and what is to be carried still: earlier name → photo."""
        self._painted: tuple[object, Image.Image | None] = (None, None)

    def run(self) -> JobEnd:
        """Answer messages until standard input closes. Raises BadUseError where there are no photos."""
        self._photos = find_photos(Path(self._settings.photos))
        names = tuple(str(photo.name) for photo in self._photos)
        self._journal.write(Started(task="preview", photos=len(names), names=names))
        while not self._inbox.cancel.is_set():
            if (message := self._inbox.newest()) is not None:
                self._wish, self._awaited = _Wish(message, time.monotonic()), ""
            try:
                self._take_answers()
                if self._wish:
                    self._grant(self._wish)
            except ScanError as error:
                if wish := self._wish:
                    reason = printable(str(error))
                    self._journal.write(PreviewFailed(photo=wish.photo, number=wish.number, reason=reason))
                self._wish = None
        self._pool.shutdown(wait=False, cancel_futures=True)
        return JobEnd.done("The preview has ended")

    def _take_answers(self) -> None:
        """Keep the answers that have come. Raises what became of the one that is waited for."""
        trouble: BaseException | None = None
        for key in [key for key, asked in self._asked.items() if asked.done()]:
            error = (asked := self._asked.pop(key)).exception()
            if error is None:
                self._keep(key, asked.result())
            elif key == self._awaited or not isinstance(error, ScanError):  # that is, a defect
                trouble = error
        if trouble is not None:
            raise trouble

    def _grant(self, wish: _Wish) -> None:
        """Show what is wished for; or ask for what is needed first, and leave the wish open. Raises ScanError."""
        settings = self._wished(wish.message)
        view = self._look(wish.photo)
        made = self._last_records().get(str(view.photo.name))
        mask = self._painted_mask(view, made) if made else None
        is_painted = mask is not None
        if mask is None:
            file_stamp = made.record.stamp_of_keys(view.file_stamp) if made else view.file_stamp
            key = settings.soft_key(file_stamp, model_key(settings))
            answer = self._answer(key, made)
            if answer is None:
                self._ask(key, view, settings, wish)
                return
            mask = _mask(answer, view.proxy, settings)
        self._write(_drawn(view, mask))
        self._wish = None
        # To be painted on, a mask has to be where it stays.
        mask_path = self._output.mask(view.working.name) if made and made.working_name == view.working.name else None
        self._journal.write(
            Previewed(
                photo=wish.photo,
                number=wish.number,
                picture_path=str(self._file),
                size=view.proxy.size,
                orientation=view.proxy.orientation,
                working_path=str(view.working.path),
                mask_path=str(mask_path) if mask_path and mask_path.is_file() else "",
                foreground=round(float(np.mean(np.asarray(mask) > 0)), 4),
                is_painted=is_painted,
                seconds=round(time.monotonic() - wish.began, 3),
            )
        )

    def _wished(self, message: Message) -> StripSettings:
        given = {**message.get("mask", {}), **message.get("answer", {})}
        settings = from_json(StripSettings, {**vars(self._settings), "endpoint": {}, **given})
        check(settings, MaskSettings)
        return replace(settings, endpoint=self._settings.endpoint)

    def _look(self, name: str) -> _View:
        """The photo of that name, decoded unless it is the one of the last time."""
        (photo,) = find_photos(Path(self._settings.photos), (name,), self._output.converted)
        file_stamp = photo.file_stamp()
        if self._view is None or (self._view.photo, self._view.file_stamp) != (photo, file_stamp):
            self._view = None  # two of them need not be held
            working = self._working(photo)
            proxy = make_proxy(working, _LONG_EDGE)
            self._view = _View(photo, file_stamp, working, proxy, proxy.picture.point(_DIMMED))
        return self._view

    def _working(self, photo: Photo) -> Photo:
        """Returns the photo as engines get it; a JPEG that no run has made yet is made in the preview's own folder."""
        working = photo.working
        if not photo.needs_jpeg or is_converted(photo):
            return working
        in_own_folder = replace(photo, converted=self._folder.converted)
        return as_jpeg(in_own_folder, develop_raw=self._settings.develop_raw)

    def _last_records(self) -> dict[str, _Made]:
        """What the output folder's journal says of each photo, read again where it has grown.

        Of a photo that has another name since, it is what the next strip carries along.
        """
        try:
            status = self._output.journal.stat()
        except OSError:
            return {}
        state = (status.st_mtime_ns, status.st_size)
        if self._records[0] != state:
            events = read_journal(self._output.journal)
            records = last_records(events)
            carried = sum(isinstance(event, PhotosCarried) for event in events)
            if self._renamed[0] != carried:
                renamed = find_renamed(
                    self._photos, records, Path(self._settings.photos), self._output, left_masks(events)
                )
                self._renamed = (carried, renamed.moves)
            made = {name: _Made(record, name) for name, record in records.items() if name not in self._renamed[1]}
            made |= {now.name: _Made(records[name], name) for name, now in self._renamed[1].items() if name in records}
            self._records = (state, made)
        return self._records[1]

    def _painted_mask(self, view: _View, made: _Made) -> Image.Image | None:
        """The mask that was painted on, upright at the size of the picture; None where none was."""
        try:
            status = self._output.mask(made.working_name).stat()
        except OSError:
            return None
        record = made.record
        state = (view.working, made.name, status.st_mtime_ns, status.st_size, record.mask_sha256, record.announced)
        if self._painted[0] != state:
            mask = None
            if is_painted(self._output, made.working_name, record):
                painted = kept_mask(self._output, made.working_name, view.proxy.stored_size)
                whole = to_upright(painted.image(), view.proxy.orientation)
                mask = binary(whole.resize(view.proxy.size, Image.Resampling.BOX))
            self._painted = (state, mask)
        return self._painted[1]

    def _answer(self, key: str, made: _Made | None) -> Image.Image | None:
        """The soft mask that is called ``key``, from memory or the output folder; None where it must be asked for."""
        if key not in self._answers and made is not None and made.record.soft_key == key:
            kept = kept_soft_mask(self._output, made.working_name, made.record)
            if kept is not None:
                self._keep(key, _no_larger(kept))
        if key in self._answers:
            self._answers.move_to_end(key)
        return self._answers.get(key)

    def _keep(self, key: str, answer: Image.Image) -> None:
        self._answers[key] = answer
        while len(self._answers) > _KEPT:
            self._answers.popitem(last=False)

    def _ask(self, key: str, view: _View, settings: StripSettings, wish: _Wish) -> None:
        """Have the model asked, as soon as it is free, and show the photo alone meanwhile."""
        settings.check()
        if self._awaited != key:
            self._awaited = key
            self._write(view.proxy.picture)
            self._journal.write(
                PreviewWaiting(photo=wish.photo, number=wish.number, picture_path=str(self._file), size=view.proxy.size)
            )
        if key in self._asked or len(self._asked) >= (1 if settings.backend == "EMBEDDED" else _REQUESTS):
            return
        self._asked[key] = self._pool.submit(self._soft_mask, view.working, settings)
        self._asked[key].add_done_callback(lambda _asked: self._inbox.wake())

    def _soft_mask(self, working: Photo, settings: StripSettings) -> Image.Image:
        """What the model makes of a photo. In a thread of its own."""
        asked = [getattr(settings, each.name) for each in fields(SoftMaskSettings)]
        try:
            opened = self._opened
            if opened is None or opened[0] != asked:
                # Whoever looks at the preview can try again, and need not be kept waiting for a server that is away.
                impatient = replace(settings, endpoint=replace(settings.endpoint, retry_for=0.0))
                answers = make_segmenter(impatient, self._token, Listener(), self._inbox.cancel, at_first=_REQUESTS)
                answers.open()
                self._opened = opened = (asked, answers)
            proxy = make_proxy(working, settings.proxy_size)
            return _no_larger(opened[1].ask(proxy).image)
        except EndpointError:
            self._opened = None
            raise

    def _write(self, picture: Image.Image) -> None:
        buffer = io.BytesIO()
        # Colour at full resolution, or the outline frays.
        picture.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
        save(self._file, buffer.getvalue(), _ADVICE)


def _mask(answer: Image.Image, proxy: Proxy, settings: MaskSettings) -> Image.Image:
    """The mask that the settings make of a soft mask, upright at the size of the picture."""
    scaled = settings.at_scale(max(proxy.size) / max(proxy.stored_size))
    grey = proxy.picture.convert("L") if settings.refine_edges else None
    return make_mask(answer, 1, proxy.size, scaled, grey).image()


def _no_larger(soft: Image.Image) -> Image.Image:
    """A soft mask no larger than the picture is."""
    soft = soft.copy()
    soft.thumbnail((_LONG_EDGE, _LONG_EDGE))
    return soft


def _drawn(view: _View, mask: Image.Image) -> Image.Image:
    """The photo, its background dimmed, the mask's outline around what is kept."""
    picture = Image.composite(view.proxy.picture, view.dimmed, mask)
    kept = np.asarray(mask)
    picture.paste(OUTLINE, mask=Image.fromarray(grow(kept, _OUTLINE_WIDTH) ^ kept))
    return picture
