# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are either whole or not there, and the sentence for a disk that takes no more."""

import contextlib
import errno
import os
import secrets
import tempfile
import time
from pathlib import Path

from .errors import BadUseError, OutputError

TEMPORARY_PREFIX = ".tmp-"
_RANDOM_BYTES = 6
# As a pattern no wider than our own names: others begin their files with .tmp-, too, and a folder may be theirs.
_TEMPORARY_NAMES = TEMPORARY_PREFIX + "[0-9a-f]" * (2 * _RANDOM_BYTES)
_PATIENCE = (0.02, 0.05, 0.1)  # seconds between tries
_ADVICE = "make room, or choose another folder"


def is_file(path: Path) -> bool:
    """Returns whether a file is there. None is under a name that the disk does not take, of which ``Path`` raises."""
    return os.path.isfile(path)  # noqa: PTH113 - the path's own raises before Python 3.13


def save(path: Path, content: bytes, advice: str = _ADVICE) -> None:
    """Write a file as ``write_atomically`` does. Raises OutputError, whose sentence ends with ``advice``."""
    try:
        write_atomically(path, content)
    except OSError as error:
        raise cannot_write(path, error, advice) from error


def cannot_write(path: Path, error: OSError, advice: str = _ADVICE) -> OutputError:
    """Returns the error for a file or folder that the system does not write, such as on a full disk."""
    return OutputError(f"{path} cannot be written ({error.strerror or error}); {advice}")


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` beside ``path`` under a short temporary name, then rename it into place.

    Folders are made as needed. There is no fsync: a killed process leaves the old file or the new one, and
    after a power cut the next run compares hashes. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own rather than the photo's with a suffix: that could be too long for the file system
    # where the photo's own name just fits.
    temporary = path.with_name(TEMPORARY_PREFIX + secrets.token_hex(_RANDOM_BYTES))
    try:
        temporary.write_bytes(content)
        put_in_place(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a file over another one, which on Windows has to wait while somebody has that one open.

    Virus scanners do for a moment, and Blender does while it reads a picture. Raises OSError.
    """
    for patience in _PATIENCE:
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(patience)
        else:
            return
    temporary.replace(path)


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for a small job, which goes with what is returned. Raises OutputError."""
    try:
        return tempfile.TemporaryDirectory(prefix="scan_cutout_", ignore_cleanup_errors=True)
    except OSError as error:
        raise OutputError(
            f"No folder for temporary files can be made ({error.strerror}); make room on the disk where this computer "
            "keeps them, then try again"
        ) from error


def refuse_unwritable(path: Path, what: str, advice: str) -> None:
    """Raise BadUseError, that begins with ``what``, where it is a folder, or no file can be made in its folder.

    Nothing stays, and that folder itself is not made: other settings may still be refused.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        there = next((each for each in path.parents if each.exists()), path.parent)
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise BadUseError(f"{what} ({error.strerror}); {advice}") from error


def remove_leftovers(folder: Path, *, recursive: bool) -> None:
    """Remove the files that a killed ``write_atomically`` left in ``folder``, or anywhere below it, and no others."""
    for leftover in (folder.rglob if recursive else folder.glob)(_TEMPORARY_NAMES):
        with contextlib.suppress(OSError):
            leftover.unlink()
