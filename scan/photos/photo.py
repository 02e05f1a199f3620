# SPDX-License-Identifier: GPL-3.0-or-later
"""Photo files: found in order, named by their relative paths. Nothing here looks at pixels, or needs Pillow."""

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..common.errors import BadUseError, PhotoError
from ..common.names import place_of
from . import mask_names
from .file_types import ALL_PHOTO_SUFFIXES, HEIC_SUFFIXES, RAW_SUFFIXES
from .other_files import what_is_there
from .twins import developed_twins
from .walk import walk

NAME_TOO_LONG = "has a name that is too long; rename it"
RAW_NOT_DEVELOPED = "is a RAW file; tick Develop RAW Photos (--develop-raw), or export it as JPEG or TIFF beside it"
_SAMPLE = 64 << 10  # bytes


@dataclass(frozen=True)
class Photo:
    """A photo file, named by its path relative to the photo folder."""

    name: PurePosixPath
    path: Path
    converted: Path | None = None
    """The folder for the JPEGs of photos that no engine reads; a HEIC or RAW photo has no working file without it."""

    @property
    def needs_jpeg(self) -> bool:
        """Whether engines get the photo as a JPEG: HEIC and RAW."""
        return needs_jpeg(self.name)

    @property
    def is_raw(self) -> bool:
        """Whether that JPEG has to be developed."""
        return self.name.suffix.lower() in RAW_SUFFIXES

    @property
    def jpeg(self) -> "Photo":
        """That JPEG, whether it is there yet or not. Raises ValueError where ``converted`` is None."""
        if self.converted is None:
            raise ValueError(f"{self.name} has no folder for its JPEG")
        name = jpeg_name(self.name)
        return Photo(name, self.converted / name)

    @property
    def working(self) -> "Photo":
        """The photo as engines get it, which its mask fits: itself, or its JPEG where it is HEIC or RAW.

        Raises PhotoError where another photo has the JPEG's name, and so its mask's; or no file can have it.
        """
        if not self.needs_jpeg:
            return self
        jpeg = self.jpeg
        try:
            is_taken = self.path.with_name(jpeg.name.name).exists()
        except OSError as error:
            raise PhotoError(NAME_TOO_LONG) if error.errno == errno.ENAMETOOLONG else cannot_read(error) from error
        if is_taken:
            raise PhotoError(f"would get the same mask as the photo {jpeg.name.name} beside it; rename one of them")
        return jpeg

    def file_stamp(self) -> tuple[int, int]:
        """Returns the size in bytes and the modification time in nanoseconds since the epoch.

        A photo whose file was replaced has another stamp. Raises PhotoError.
        """
        try:
            status = self.path.stat()
        except OSError as error:
            raise cannot_read(error) from error
        if not stat.S_ISREG(status.st_mode):  # a folder; or a pipe, at which reading would wait for ever
            raise PhotoError("is not a file")
        return status.st_size, status.st_mtime_ns

    def content_stamp(self) -> str:
        """Returns what tells the file's content from others: its size in bytes, and a SHA-256 in hexadecimal.

        That is of the first, the middle and the last 64 KiB; of all where there is no more. Raises PhotoError.
        """
        self.file_stamp()  # says what is wrong with what is no file
        digest = hashlib.sha256()
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                last = max(0, size - _SAMPLE)
                for start in (0, last // 2, last) if size > 3 * _SAMPLE else (0, _SAMPLE, 2 * _SAMPLE):
                    file.seek(start)
                    digest.update(file.read(_SAMPLE))
        except OSError as error:
            raise cannot_read(error) from error
        return f"{size}-{digest.hexdigest()}"


def needs_jpeg(name: PurePosixPath) -> bool:
    """Returns whether engines get a photo of this name as a JPEG."""
    return name.suffix.lower() in HEIC_SUFFIXES | RAW_SUFFIXES


def jpeg_name(name: PurePosixPath) -> PurePosixPath:
    """Returns the relative path of the JPEG of a HEIC or RAW photo: ``SideA/IMG_1.HEIC.jpg``."""
    return name.with_name(name.name + ".jpg")


def working_name(name: PurePosixPath) -> PurePosixPath:
    """Returns the relative path of the photo as engines get it, by which its mask is named."""
    return jpeg_name(name) if needs_jpeg(name) else name


def cannot_read(error: OSError) -> PhotoError:
    """Returns the error for a photo whose file the system does not hand over."""
    if isinstance(error, FileNotFoundError):
        return PhotoError("cannot be read (it is not there: moved, renamed or deleted)")
    if isinstance(error, PermissionError):
        return PhotoError(f"cannot be read ({error.strerror}); allow reading it, or close the program that has it open")
    return PhotoError(f"cannot be read ({error.strerror}); check the drive or folder it is in")


def find_photos(folder: Path, files: tuple[str, ...] = (), converted: Path | None = None) -> list[Photo]:
    """Returns the photos of a folder and its subfolders in the order of their names, or those that ``files`` names.

    ``converted`` is the folder for the JPEGs of HEIC and RAW photos. Links are followed, each folder once. Passed over
    are hidden files and folders, what jobs made, masks of photos (``mask_names``), and RAW files with what was
    developed of them among the photos. Raises BadUseError where there is no photo, and says what there is, or where a
    name leads out of the folder.
    """
    return find_with_developed(folder, files, converted)[0]


def find_with_developed(
    folder: Path, files: tuple[str, ...] = (), converted: Path | None = None
) -> tuple[list[Photo], dict[PurePosixPath, PurePosixPath]]:
    """Returns what ``find_photos`` does, and RAW file → the photo developed of it, of those passed over for it."""
    names = _named(folder, files)
    if not names:
        raise BadUseError(
            f"There are no photos in {folder}; JPEG, HEIC, PNG, TIFF and WebP files are read. {what_is_there(folder)}"
        )
    twins = developed_twins(names)
    return [Photo(name, folder / name, converted) for name in names if name not in twins], twins


def _named(folder: Path, files: tuple[str, ...]) -> list[PurePosixPath]:
    if files:
        return list(dict.fromkeys(map(_inside, files)))
    return mask_names.split(pictures_in(folder))[0]


def pictures_in(folder: Path) -> list[PurePosixPath]:
    """Returns the names of the photos of a folder and its subfolders, and of masks among them, in order.

    Raises BadUseError.
    """
    return sorted(
        (name for name in walk(folder) if name.suffix.lower() in ALL_PHOTO_SUFFIXES), key=lambda name: name.parts
    )


def _inside(name: str) -> PurePosixPath:
    place = place_of(name)
    if place is None:
        raise BadUseError(f"{name!r} does not name a photo inside the photo folder")
    return place
