# SPDX-License-Identifier: GPL-3.0-or-later
"""Photo files: found in order, named by their relative paths. Nothing here looks at pixels, or needs Pillow."""

import errno
import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..common.errors import BadUseError, PhotoError
from . import mask_names
from .file_types import HEIC_SUFFIXES, OTHER_SUFFIXES, PHOTO_SUFFIXES, RAW_SUFFIXES

NAME_TOO_LONG = "has a name that is too long; rename it"


@dataclass(frozen=True)
class Photo:
    """A photo file, named by its path relative to the photo folder."""

    name: PurePosixPath
    path: Path
    converted: Path | None = None
    """The folder for the JPEGs of photos that no engine reads; a HEIC photo has no working file without it."""

    @property
    def is_heic(self) -> bool:
        """Whether engines get the photo as a JPEG."""
        return is_heic(self.name)

    @property
    def jpeg(self) -> "Photo":
        """The JPEG of a HEIC photo, whether it is there yet or not. Raises ValueError where ``converted`` is None."""
        if self.converted is None:
            raise ValueError(f"{self.name} has no folder for its JPEG")
        name = jpeg_name(self.name)
        return Photo(name, self.converted / name)

    @property
    def working(self) -> "Photo":
        """The photo as engines get it, which its mask fits: itself, or its JPEG where it is HEIC.

        Raises PhotoError where another photo has the JPEG's name, and so its mask's; or no file can have it.
        """
        if not self.is_heic:
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


def is_heic(name: PurePosixPath) -> bool:
    """Returns whether engines get a photo of this name as a JPEG."""
    return name.suffix.lower() in HEIC_SUFFIXES


def jpeg_name(name: PurePosixPath) -> PurePosixPath:
    """Returns the relative path of the JPEG of a HEIC photo: ``SideA/IMG_1.HEIC.jpg``."""
    return name.with_name(name.name + ".jpg")


def cannot_read(error: OSError) -> PhotoError:
    """Returns the error for a photo whose file the system does not hand over."""
    if isinstance(error, FileNotFoundError):
        return PhotoError("cannot be read (it is not there: moved, renamed or deleted)")
    if isinstance(error, PermissionError):
        return PhotoError(f"cannot be read ({error.strerror}); allow reading it, or close the program that has it open")
    return PhotoError(f"cannot be read ({error.strerror}); check the drive or folder it is in")


def find_photos(folder: Path, files: tuple[str, ...] = (), converted: Path | None = None) -> list[Photo]:
    """Returns the photos of a folder and its subfolders in the order of their names, or those that ``files`` names.

    ``converted`` is the folder for the JPEGs of HEIC photos. Links are followed, each folder once. Hidden files and
    folders are passed over, and so are masks of photos (``mask_names``). Raises BadUseError where there is no photo, or
    a name leads out of the folder.
    """
    if files:
        return [Photo(name, folder / name, converted) for name in dict.fromkeys(map(_inside, files))]
    found = [Photo(name, folder / name, converted) for name in mask_names.split(pictures_in(folder))[0]]
    if not found:
        raise BadUseError(f"There are no photos in {folder}; JPEG, HEIC, PNG, TIFF and WebP files are read")
    return found


def pictures_in(folder: Path) -> list[PurePosixPath]:
    """Returns the names of the photos of a folder and its subfolders, and of masks among them, in order.

    Raises BadUseError.
    """
    return _found(folder, PHOTO_SUFFIXES | HEIC_SUFFIXES | RAW_SUFFIXES)


def passed_over(folder: Path) -> list[PurePosixPath]:
    """Returns the names of the pictures that ``find_photos`` passes over, of kinds that are not read, in order.

    Raises BadUseError.
    """
    return _found(folder, OTHER_SUFFIXES)


def _found(folder: Path, suffixes: Collection[str]) -> list[PurePosixPath]:
    walk = _walk(folder, PurePosixPath(), {os.path.realpath(folder)}, suffixes)
    return sorted(walk, key=lambda name: name.parts)


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/") if os.name == "nt" else name)
    has_drive = os.name == "nt" and PureWindowsPath(name).drive
    if path.is_absolute() or has_drive or ".." in path.parts or not path.parts:
        raise BadUseError(f"{name!r} does not name a photo inside the photo folder")
    return path


def _walk(folder: Path, name: PurePosixPath, seen: set[str], suffixes: Collection[str]) -> Iterator[PurePosixPath]:
    try:
        # Links last: a folder that is linked to as well is found under its own name.
        entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_symlink(), entry.name))
        if not os.access(folder, os.X_OK):  # may be listed and yet not entered: said once, not of every file in it
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise BadUseError(f"The folder {folder} cannot be read ({error.strerror})") from error
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith("."):
            continue  # also ._IMG_1.JPG, which macOS leaves on memory cards and which is no picture
        if _is_folder(entry):
            real = os.path.realpath(path)
            if real not in seen:
                seen.add(real)
                yield from _walk(path, name / entry.name, seen, suffixes)
        elif path.suffix.lower() in suffixes:
            yield name / entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or leads to one. A link to nowhere, to itself or out of reach is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False
