# SPDX-License-Identifier: GPL-3.0-or-later
"""The task prepare_import: undistorted copies of a model's photos and masks that Blender cannot show as they are.

Of the others it only looks whether they have the shape of what the model's cameras have taken.

The copies for one set of lenses go to a job folder of their own, to which nobody else writes, so that one journal
records their making and a second import takes them up again.
"""

import io
import os
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..common.errors import OutputError, PhotoError
from ..common.files import is_file, remove_leftovers
from ..common.hashes import short_hash
from ..common.names import save_named
from ..common.text import count
from ..job.context import JobContext
from ..job.events import Log, PhotoDone, PhotoFailed, Started, StepProgress
from ..job.job_end import JobEnd
from ..job.journal import read_journal
from ..masks.mask import Mask
from ..masks.solved import check_mask, check_picture, refuse_gone, scaled_mask, scaled_picture
from ..photos.photo import Photo as PhotoFile
from ..reconstruction.copies import Copies, lens_facts
from ..reconstruction.pinhole import View, views
from ..reconstruction.readers import registry
from ..reconstruction.types import Camera
from ..reconstruction.types import Photo as SolvedPhoto
from ..reconstruction.undistort import undistortion

_JPEG_QUALITY = 92
# Each holds a whole photo twice.
_MOST_THREADS = 8


@dataclass(frozen=True, kw_only=True)
class PrepareSettings:
    """What is checked and undistorted. All are folders; there may be no photos, or no masks."""

    model: str
    photos: str = ""
    masks: str = ""
    converted: str = ""
    """Where the JPEGs of photos are that no engine reads."""


@dataclass(frozen=True)
class _Lens:
    """One camera, and how its photos are shown."""

    camera: Camera
    view: View


def run(values: dict[str, Any], context: JobContext) -> JobEnd:
    """Check a model's photos and masks, and make their undistorted copies in the job's folder.

    Raises ModelError, OutputError.
    """
    return Prepare(PrepareSettings(**values), context).run()


class Prepare:
    """One run over one model. Copies that are up to date are kept."""

    def __init__(self, settings: PrepareSettings, context: JobContext) -> None:
        """Cancelled, ``run`` returns once the photos at work are done."""
        self._settings = settings
        self._folder = context.folder
        self._journal = context.journal
        self._cancel = context.cancel
        self._copies = Copies(context.folder.root)

    def run(self) -> JobEnd:
        """Check what Blender shows as it is, and make the copies that are missing.

        The end's detail ``photos`` has what failed, with the reasons; ``masks`` those masks that do not fit photos
        which Blender shows as they are. Raises ModelError and OutputError.
        """
        model = registry.read(Path(self._settings.model))
        lenses = {number: _Lens(model.cameras[number], shown) for number, shown in views(model).items()}
        shown = model.photos if self._settings.photos else ()
        photos = [photo for photo in shown if lenses[photo.camera].view.undistorted]
        straight = [photo for photo in model.photos if not lenses[photo.camera].view.undistorted]
        remove_leftovers(self._folder.root, recursive=True)
        events = read_journal(self._folder.journal)
        made = {event.photo: event.copy_key for event in events if isinstance(event, PhotoDone)}
        self._journal.write(Started(task="prepare_import", photos=len(shown)))
        failed: dict[str, str] = {}
        unfit: dict[str, str] = {}
        self._check([(photo, lenses[photo.camera].camera) for photo in straight], failed, unfit)
        todo = []
        for photo in photos:
            try:
                key = self._key(photo, lenses[photo.camera])
            except PhotoError as error:
                self._fail(photo.name, error, failed)
                continue
            if made.get(photo.name) != key or not self._is_there(photo.name):
                todo.append((photo, key))
        done = len(shown) - len(todo) - len(failed)
        self._journal.write(StepProgress(done=done, failed=len(failed), total=len(shown)))
        self._work([(photo, key, lenses[photo.camera]) for photo, key in todo], failed)
        return self._end(len(shown), failed, unfit)

    def _check(self, photos: list[tuple[SolvedPhoto, Camera]], failed: dict[str, str], unfit: dict[str, str]) -> None:
        """Look at the headers of the photos, and of their masks."""
        with ThreadPoolExecutor(_MOST_THREADS) as pool:  # on a network drive they take turns in waiting
            looks = pool.map(lambda each: self._look(*each), photos)
            for (photo, _), (of_photo, of_mask) in zip(photos, looks, strict=True):
                if of_photo:
                    self._fail(photo.name, of_photo, failed)
                if of_mask:
                    unfit[photo.name] = str(of_mask)
                if of_mask and not of_photo:  # or the photo is what has to be seen to
                    text = f"Left out: the mask of {photo.name}, which {of_mask}"
                    self._journal.write(Log(level="warning", text=text, photo=photo.name))

    def _look(self, photo: SolvedPhoto, camera: Camera) -> tuple[PhotoError | None, PhotoError | None]:
        """What is wrong with a photo and with its mask, which Blender shows as they are."""
        mask = self._mask(photo.name)
        of_photo = None
        if self._settings.photos:
            of_photo = self._wrong(lambda: check_picture(self._photo(photo.name), camera))
        return of_photo, self._wrong(lambda: check_mask(mask.path, camera)) if mask else None

    def _wrong(self, check: Callable[[], None]) -> PhotoError | None:
        try:
            if not self._cancel.is_set():
                check()
        except PhotoError as error:
            return error
        return None

    def _key(self, photo: SolvedPhoto, lens: _Lens) -> str:
        """Names a copy: same key, same copy. Raises PhotoError where the photo is not there."""
        mask = self._mask(photo.name)
        refuse_gone(self._photo(photo.name))
        return short_hash(
            lens_facts(lens.camera),
            self._photo(photo.name).file_stamp(),
            mask.file_stamp() if mask else None,
        )

    def _photo(self, name: str) -> PhotoFile:
        path = Path(self._settings.photos) / name
        converted = Path(self._settings.converted) / name
        is_converted = self._settings.converted and not path.is_file() and converted.is_file()
        return PhotoFile(PurePosixPath(name), converted if is_converted else path)

    def _mask(self, name: str) -> PhotoFile | None:
        path = Path(self._settings.masks) / f"{name}.png"
        return PhotoFile(PurePosixPath(name), path) if self._settings.masks and is_file(path) else None

    def _is_there(self, name: str) -> bool:
        copies = [self._copies.photo(name)] + ([self._copies.mask(name)] if self._mask(name) else [])
        return all(map(is_file, copies))

    def _work(self, todo: list[tuple[SolvedPhoto, str, _Lens]], failed: dict[str, str]) -> None:
        with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as pool:
            pending: dict[Future[None], str] = {pool.submit(self._make, *each): each[0].name for each in todo}
            while pending:
                finished, _ = wait(pending, timeout=0.1, return_when=FIRST_COMPLETED)
                for future in finished:
                    name = pending.pop(future)
                    try:
                        future.result()
                    except PhotoError as error:
                        self._fail(name, error, failed)
                    except OutputError:
                        pool.shutdown(cancel_futures=True)
                        raise
                if self._cancel.is_set():
                    pending = {future: name for future, name in pending.items() if not future.cancel()}

    def _make(self, photo: SolvedPhoto, key: str, lens: _Lens) -> None:
        """One photo and its mask, from file to journal."""
        begin = time.monotonic()
        picture = scaled_picture(self._photo(photo.name), lens.camera)
        made = undistortion(lens.camera, lens.view)
        buffer = io.BytesIO()
        # No EXIF: the copy is as the camera's pixels lie, and Blender does not turn pictures.
        made.apply(picture).save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        save_named(self._copies.photo(photo.name), buffer.getvalue())
        if mask := self._mask(photo.name):
            flat = made.apply_to_mask(scaled_mask(mask.path, lens.camera))
            save_named(self._copies.mask(photo.name), Mask.of(flat).encode())
        seconds = round(time.monotonic() - begin, 3)
        self._journal.write(PhotoDone(photo=photo.name, copy_key=key, seconds=seconds))

    def _fail(self, name: str, error: PhotoError, failed: dict[str, str]) -> None:
        failed[name] = str(error)
        self._journal.write(PhotoFailed(photo=name, reason=str(error)))

    def _end(self, total: int, failed: dict[str, str], unfit: dict[str, str]) -> JobEnd:
        message = f"{total - len(failed)} of {total} photos fit their cameras"
        if failed:
            name, reason = next(iter(failed.items()))
            message += f"; {len(failed)} failed, such as {name}, which {reason}"
        if masks := {name: reason for name, reason in unfit.items() if name not in failed}:
            name, reason = next(iter(masks.items()))
            message += f"; {count(len(masks), 'mask')} left out, such as that of {name}, which {reason}"
        details = {"photos": {"found": total, "failed": failed}, "masks": {"failed": unfit}}
        if self._cancel.is_set():
            return JobEnd.cancelled("Cancelled; run again to go on", **details)
        return (JobEnd.some_failed if failed or unfit else JobEnd.done)(message, **details)
