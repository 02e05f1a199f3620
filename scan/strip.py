# SPDX-License-Identifier: GPL-3.0-or-later
"""The first half of the work: every photo of a folder gets its mask."""

import contextlib
import errno
import hashlib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from . import models
from .contact_sheet import ContactSheet
from .errors import BadUseError, EndpointError, OutputError, PhotoError, ScanError
from .files import write_atomically
from .job import JobFolder, refuse_overlap
from .journal import Event, Journal, read_journal
from .masks import encode_mask, foreground_share, make_mask, read_soft_mask
from .photos import Photo, find_photos, make_proxy
from .rembg import RembgClient
from .report import Outcome
from .settings import StripSettings

# Photos being decoded or written while others wait for the server: enough to keep it busy.
_EXTRA_THREADS = 2
# So many photos in a row with no mask ever before, and it is the server, not the photos.
_FIRST_FAILURES = 3
_LOADING = "Waiting for the first mask; the server may be loading its model"
# How long a stopping run waits for the answers in flight, in seconds.
_GRACE = 1.5
# What the file system says of a name it cannot take, or of a file where the mask's folder should be.
_UNFIT_NAME = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOTDIR, errno.EISDIR, errno.EEXIST})


@dataclass(frozen=True)
class _Task:
    """A photo whose mask is missing or out of date. The keys name what it shall be made with."""

    photo: Photo
    soft_key: str
    mask_key: str
    answered: Event | None
    """The journal's word on the soft mask, where it need not be asked for again."""

    @property
    def name(self) -> str:
        return str(self.photo.name)


@dataclass(frozen=True)
class _SoftMask:
    """A server's answer and what lays it over the photo. Sizes are width and height in pixels."""

    image: Image.Image
    orientation: int
    stored_size: tuple[int, int]
    picture: Image.Image | None = None
    """The upright proxy, where it was decoded for this."""


class Strip:
    """One run over one photo folder. What is there already is kept."""

    def __init__(
        self, settings: StripSettings, folder: JobFolder, journal: Journal, token: str, cancel: threading.Event
    ) -> None:
        """Setting ``cancel`` makes ``run`` return early."""
        self._settings = settings
        self._folder = folder
        self._journal = journal
        self._cancel = cancel
        self._stop = threading.Event()  # no new photo, no new try: cancelled, or in trouble
        self._trouble: ScanError | None = None
        self._client = RembgClient(settings.endpoint, token, on_wait=self._tell_pause, stop=self._stop)
        self._in_flight = threading.Semaphore(settings.endpoint.in_flight)
        self._paused = False
        self._guard = threading.Lock()
        self._made: set[str] = set()
        self._failed: dict[str, str] = {}
        self._refusals: list[str] = []

    def run(self) -> Outcome:
        """Make what is missing. Raises BadUseError before any photo is sent; later trouble is in the outcome."""
        begin = time.monotonic()
        photos = find_photos(Path(self._settings.photos), self._settings.files)
        for folder in {photo.path.parent for photo in photos}:
            refuse_overlap(folder, self._folder.root)  # again, since a linked folder lies elsewhere
        self._folder.make_mask_folders()
        story = read_journal(self._folder.journal)
        earlier = {str(e["photo"]): e for e in story if e["event"] == "photo_done"}
        self._journal.write("started", task="strip", photos=len(photos))
        self._sheet = ContactSheet([str(photo.name) for photo in photos])
        tasks = [task for photo in photos if (task := self._plan(photo, earlier.get(str(photo.name))))]
        done = len(photos) - len(tasks) - len(self._failed)
        self._journal.write("progress", done=done, failed=len(self._failed), total=len(photos))
        server = ""
        pool = ThreadPoolExecutor(self._settings.endpoint.in_flight + _EXTRA_THREADS)
        try:
            if any(task.answered is None for task in tasks):
                server = self._meet_server(pool)
            self._work(pool, tasks)
        except (EndpointError, OutputError) as error:
            self._end(error)
        finally:
            # Threads that still hang in a request are left behind: the worker leaves by os._exit.
            pool.shutdown(wait=False, cancel_futures=True)
        if tasks or not self._has_sheet(story):
            self._make_sheet(photos)
        return Outcome(
            photos=len(photos),
            done=done + len(self._made),
            made=len(self._made),
            failed=dict(sorted(self._failed.items())),
            seconds=time.monotonic() - begin,
            server=server,
            cancelled=self._cancel.is_set(),
            trouble=self._trouble,
        )

    def _plan(self, photo: Photo, earlier: Event | None) -> _Task | None:
        """What is to be done for a photo; None where its mask stands or it has failed already."""
        try:
            soft_key = self._settings.soft_key(photo.identity())
        except PhotoError as error:
            self._fail(str(photo.name), error)
            return None
        mask_key = self._settings.mask_key(soft_key)
        if earlier is not None:
            standing = _hash_file(self._folder.mask(photo.name))
            # A mask that differs from the one we made was painted on by hand, and is the better one.
            if standing == earlier["sha256"]:
                if earlier["mask"] == mask_key:
                    return None
            elif standing and self._is_whole(photo, tuple(earlier["stored_size"])):
                return None
        answered = earlier if earlier is not None and earlier["soft"] == soft_key else None
        if answered is not None and not self._folder.soft_mask(photo.name).exists():
            answered = None
        return _Task(photo, soft_key, mask_key, answered)

    def _is_whole(self, photo: Photo, size: tuple[int, int]) -> bool:
        """Whether the mask that stands for a photo is a picture that fits it, and not what a power cut left."""
        try:
            with Image.open(self._folder.mask(photo.name)) as mask:
                mask.load()
                return mask.size == size
        except (OSError, ValueError, SyntaxError):
            return False

    def _meet_server(self, pool: ThreadPoolExecutor) -> str:
        """The version of the server, once it is known to have the model; empty where the run was cancelled."""
        asked = pool.submit(self._client.capabilities)
        self._wait_for([asked])
        if self._stop.is_set():
            return ""
        abilities = asked.result()
        if abilities.models and self._settings.model not in abilities.models:
            raise BadUseError(
                f"The server has no model {self._settings.model!r}; it knows {', '.join(abilities.models)}"
            )
        if note := models.note(self._settings.model):
            self._journal.write("log", level="warning", text=note)
        return abilities.version

    def _work(self, pool: ThreadPoolExecutor, tasks: list[_Task]) -> None:
        futures = [pool.submit(self._do, task) for task in tasks if task.answered is not None]
        asking = [task for task in tasks if task.answered is None]
        # The server may have to load its model, even to download it: one photo alone, with much time.
        while asking and not self._client.has_answered and not self._stop.is_set():
            self._journal.write("log", level="info", text=_LOADING)
            self._wait_for([pool.submit(self._do, asking.pop(0), first=True)])
            if len(self._refusals) >= _FIRST_FAILURES and not self._client.has_answered:
                raise EndpointError(
                    f"The server gave no mask for the first {_FIRST_FAILURES} photos ({self._refusals[-1]}); "
                    "its own log says why"
                )
        self._wait_for(futures + [pool.submit(self._do, task) for task in asking])

    def _wait_for(self, futures: Sequence[Future[Any]]) -> None:
        pending = set(futures)
        while pending and not self._stop.is_set():
            finished, pending = wait(pending, timeout=0.1)
            for future in finished:
                future.result()  # a defect surfaces here
            if self._cancel.is_set():
                self._stop.set()
        for future in list(pending):
            if future.cancel():
                pending.remove(future)
        wait(pending, timeout=_GRACE)

    def _do(self, task: _Task, *, first: bool = False) -> None:
        """One photo from file to journal."""
        if self._stop.is_set():
            return
        begin = time.monotonic()
        try:
            soft = self._answered_mask(task) or self._ask(task, first=first)
            self._make_mask(task, soft, begin)
        except PhotoError as error:
            self._fail(task.name, error)
        except (EndpointError, OutputError) as error:
            self._end(error)

    def _end(self, error: ScanError) -> None:
        """Stop the run, for the first reason that there is."""
        with self._guard:
            if not self._stop.is_set():
                self._trouble = error
                self._stop.set()

    def _answered_mask(self, task: _Task) -> _SoftMask | None:
        """The soft mask of an earlier run, if there is one and it is whole."""
        if task.answered is None:
            return None
        try:
            content = self._folder.soft_mask(task.photo.name).read_bytes()
            image = read_soft_mask(content, tuple(task.answered["proxy_size"]))
        except (OSError, ValueError):
            return None
        return _SoftMask(image, task.answered["orientation"], tuple(task.answered["stored_size"]))

    def _ask(self, task: _Task, *, first: bool) -> _SoftMask:
        proxy = make_proxy(task.photo, self._settings.proxy_size)
        fields = {"model": self._settings.model, "om": "true"}
        with self._in_flight:
            if self._stop.is_set():
                raise EndpointError("The run was stopped")
            try:
                answer = self._client.soft_mask(
                    proxy.content, proxy.media_type, fields, lambda content: _check(content, proxy.size), first=first
                )
            except PhotoError as error:
                self._refusals.append(str(error))
                raise
        self._paused = False
        self._save(self._folder.soft_mask(task.photo.name), answer)
        return _SoftMask(read_soft_mask(answer, proxy.size), proxy.orientation, proxy.stored_size, proxy.picture)

    def _make_mask(self, task: _Task, soft: _SoftMask, begin: float) -> None:
        mask = make_mask(soft.image, soft.orientation, soft.stored_size, self._settings.threshold)
        content = encode_mask(mask)
        self._save(self._folder.mask(task.photo.name), content)
        if soft.picture is not None:
            self._sheet.add(task.name, soft.picture, soft.image, self._settings.threshold)
        with self._guard:
            self._made.add(task.name)
        self._journal.write(
            "photo_done",
            photo=task.name,
            soft=task.soft_key,
            mask=task.mask_key,
            sha256=hashlib.sha256(content).hexdigest(),
            stored_size=soft.stored_size,
            proxy_size=soft.image.size,
            orientation=soft.orientation,
            asked=soft.picture is not None,
            foreground=round(foreground_share(mask), 4),
            seconds=round(time.monotonic() - begin, 3),
        )

    def _fail(self, name: str, error: PhotoError) -> None:
        with self._guard:
            self._failed[name] = str(error)
        self._journal.write("photo_failed", photo=name, reason=str(error))

    def _tell_pause(self, reason: str) -> None:
        if not self._paused:  # once an outage, not once a photo and try
            self._paused = True
            self._journal.write("paused", reason=reason)

    def _save(self, path: Path, content: bytes) -> None:
        try:
            write_atomically(path, content)
        except OSError as error:
            folders_stand = self._folder.masks.is_dir() and self._folder.soft_masks.is_dir()
            if error.errno in _UNFIT_NAME and folders_stand and path != self._folder.contact_sheet:
                raise PhotoError(
                    f"its name does not fit the output folder's file system ({error.strerror}); rename it"
                ) from error
            raise OutputError(
                f"{path} cannot be written ({error.strerror}); make room, or choose another folder"
            ) from error

    def _has_sheet(self, story: list[Event]) -> bool:
        """Whether the contact sheet shows what there is: the last run that made masks went to its end."""
        told = [event for event in story if event["event"] in {"photo_done", "finished"}]
        while told and told[-1].get("status") in {"failed", "cancelled"}:
            told.pop()
        return bool(told) and told[-1]["event"] == "finished" and self._folder.contact_sheet.exists()

    def _make_sheet(self, photos: list[Photo]) -> None:
        """Write the contact sheet, with the photos that this run had no need to open."""
        for photo in photos:
            name = str(photo.name)
            if self._cancel.is_set():
                return
            if name in self._failed:
                self._sheet.add_failed(name)
            elif not self._sheet.is_drawn(name):
                # A photo that has no mask yet, or lost one of its files meanwhile, has an empty cell.
                with contextlib.suppress(PhotoError, OSError, SyntaxError):
                    soft = Image.open(self._folder.soft_mask(photo.name))
                    picture = make_proxy(photo, self._sheet.cell_size).picture
                    self._sheet.add(name, picture, soft, self._settings.threshold)
        try:
            self._save(self._folder.contact_sheet, self._sheet.encode())
        except OutputError as error:
            self._end(error)


def _check(content: bytes, size: tuple[int, int]) -> None:
    read_soft_mask(content, size)


def _hash_file(path: Path) -> str:
    """SHA-256 of a file in hexadecimal; empty where it is not there."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
