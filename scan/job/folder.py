# SPDX-License-Identifier: GPL-3.0-or-later
"""The job folder: where a run keeps its settings, journal and results, and the lock that one worker holds."""

import contextlib
import errno
import json
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from ..common.errors import BadUseError
from ..common.files import remove_leftovers, write_atomically

RESULTS = frozenset({"masks", "masks_of_gone_photos", "soft", "cutouts", "converted", "engines", "model", "thumbnails"})
"""The folders that jobs write to."""

# The errors of a lock that another process holds: flock(2), and Windows' _locking.
_HELD = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})


class JobFolder:
    """Names every file of a job. Making one touches nothing on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = root / "job.json"
        self.journal = root / "journal.jsonl"
        self.report = root / "report.json"
        self.log = root / "worker.log"
        self.contact_sheet = root / "contact_sheet.jpg"
        self.masks = root / "masks"
        self.masks_of_gone_photos = root / "masks_of_gone_photos"
        """Masks whose photo is gone, and whose place another photo's mask has."""
        self.soft_masks = root / "soft"
        self.cutouts = root / "cutouts"
        self.converted = root / "converted"
        """JPEGs of the photos that no engine can read."""
        self.engines = root / "engines"
        self.model = root / "model"
        """The mesh, and what was used to make it."""
        self.thumbnails = root / "thumbnails"
        """The last photos of the run, small, for Blender's panel."""

    def mask(self, photo: PurePosixPath) -> Path:
        """The binary mask of a photo, which is named relative to the photo folder."""
        return self.masks / f"{photo}.png"

    def soft_mask(self, photo: PurePosixPath) -> Path:
        """The server's own answer for a photo, at proxy size, upright."""
        return self.soft_masks / f"{photo}.png"

    def photos(self) -> Path | None:
        """The photo folder of the last job; None where that is unknown or gone."""
        try:
            photos = Path(json.loads(self.settings.read_bytes())["settings"]["photos"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # no job, one of another kind, or a damaged one
        return photos if photos.is_dir() else None

    def has_run(self) -> bool:
        """Whether a job was started in the folder."""
        return self.settings.is_file() and self.journal.is_file()

    def made(self) -> frozenset[Path]:
        """What jobs have put there that pictures are among; empty where none was started."""
        return frozenset({*(self.root / name for name in RESULTS), self.contact_sheet} if self.has_run() else ())

    def prepare(self, job: dict[str, Any]) -> str:
        """Make the folder, write ``job.json`` into it, and return the name of the run.

        ``job`` holds everything the worker needs but secrets. Raises BadUseError where the folder cannot be
        written, lies among the photos, or another worker is busy in it.
        """
        if photos := job["settings"].get("photos"):
            refuse_overlap(Path(photos), self.root)  # before anything is written among them
        run = secrets.token_hex(4)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with self.lock():
                for file in (self.journal, self.log):
                    file.open("ab").close()
                write_atomically(self.settings, json.dumps({**job, "run": run}, indent=1).encode())
        except OSError as error:
            raise BadUseError(
                f"The output folder {self.root} cannot be written ({error.strerror}); choose another one"
            ) from error
        return run

    def make_mask_folders(self) -> None:
        """Make the folders that masks go to, and remove what a killed run left half written. Raises BadUseError."""
        remove_leftovers(self.root, recursive=False)  # not below: the photos may lie there
        for folder in (self.masks, self.soft_masks):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise BadUseError(
                    f"The folder {folder} cannot be made ({error.strerror}); choose another output folder"
                ) from error
        for name in RESULTS:
            remove_leftovers(self.root / name, recursive=True)

    def read(self, run: str) -> dict[str, Any]:
        """The settings that ``prepare`` wrote. Raises BadUseError if another start has replaced them since."""
        job: dict[str, Any] = json.loads(self.settings.read_bytes())
        if job.pop("run") != run:
            raise BadUseError(f"Another run was started in {self.root} at the same moment; this one gives way")
        return job

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process; the system lets go of it however the process ends.

        Raises BadUseError while another process holds it, and where the disk has no locks.
        """
        with (self.root / ".lock").open("a+b") as file:
            try:
                _lock_file(file.fileno())
            except OSError as error:
                if error.errno not in _HELD:  # some network drives have none (ENOTSUP, ENOLCK)
                    raise BadUseError(
                        f"The output folder {self.root} is on a drive that cannot lock files ({error.strerror}); "
                        "choose one on another drive"
                    ) from error
                raise BadUseError(
                    f"Another Scan Cutout job is running in {self.root}; wait for it, cancel it, or choose another "
                    "folder"
                ) from error
            yield


def refuse_overlap(photos: Path, output: Path) -> None:
    """Raise BadUseError if the output is the photo folder, lies in it, or would write among the photos."""
    photos, output = photos.resolve(), output.resolve()
    if lies_in(output, photos):
        raise BadUseError(
            f"The output folder {output} is or lies in the photo folder {photos}; choose one beside it, "
            "so that masks are never taken for photos"
        )
    if output in photos.parents and photos.relative_to(output).parts[0] in RESULTS:
        raise BadUseError(
            f"The photo folder {photos} is where a job in {output} keeps its results; choose another output"
        )


def refuse_results(photos: Path) -> None:
    """Raise BadUseError if a photo folder is, or lies in, one that jobs write masks or thumbnails to."""
    for folder in (photos.resolve(), *photos.resolve().parents):
        job = JobFolder(folder.parent)
        if folder in {job.masks, job.soft_masks, job.thumbnails} and job.has_run():
            place = job.photos()
            raise BadUseError(
                f"The folder {photos} holds what a job made of photos; choose the folder that holds the photos"
                f"{f', such as {place}' if place else ''}"
            )


def lies_in(folder: Path, other: Path) -> bool:
    """Whether a folder is another one or lies in it; neither has to be there yet."""
    folder, other = folder.resolve(), other.resolve()
    return any(_is_same(other, each) for each in (folder, *folder.parents))


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)  # asked of the disk, since upper and lower case may be the same to it
    except OSError:  # one is not there
        return one == other


if sys.platform == "win32":
    import msvcrt

    def _lock_file(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock_file(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
