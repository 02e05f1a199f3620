# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a photo folder and its subfolders, by their names alone."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..common.errors import BadUseError
from ..job.folder import JobFolder


def walk(folder: Path, *, with_hidden: bool = False) -> Iterator[PurePosixPath]:
    """Yields the names of the files in a folder and its subfolders, relative to it, in no order.

    Links are followed, each folder once. What jobs left in a folder that is their output is passed over, and so are
    hidden files and folders, unless they are asked for: then a folder that cannot be read is passed over, too.
    Otherwise it raises BadUseError.
    """
    return _walk(folder, PurePosixPath(), {os.path.realpath(folder)}, with_hidden)


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden on Linux and macOS."""
    return name.startswith(".")


def _walk(folder: Path, name: PurePosixPath, seen: set[str], with_hidden: bool) -> Iterator[PurePosixPath]:
    try:
        # Links last: a folder that is linked to as well is found under its own name.
        entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_symlink(), is_hidden(entry.name), entry.name))
        if not os.access(folder, os.X_OK):  # may be listed and yet not entered: said once, not of every file in it
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        if with_hidden:
            return
        raise BadUseError(f"The folder {folder} cannot be read ({error.strerror})") from error
    made = JobFolder(folder).made()
    for entry in entries:
        path = Path(entry.path)
        if (is_hidden(entry.name) and not with_hidden) or path in made:
            continue  # also ._IMG_1.JPG, which macOS leaves on memory cards and which is no picture
        if _is_folder(entry):
            real = os.path.realpath(path)
            if real not in seen:
                seen.add(real)
                yield from _walk(path, name / entry.name, seen, with_hidden)
        else:
            yield name / entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or leads to one. A link to nowhere, to itself or out of reach is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False
