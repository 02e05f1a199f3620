# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a job folder that change places, all of them or none, whenever the worker is killed.

First they are put side by side into a folder of their own, with a list of where each belongs. Then the journal says
that it is decided. Only then they go to their places; whatever is left of that is done by the next run.
"""

import contextlib
import errno
import json
import secrets
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from ..common.errors import OutputError
from ..common.files import cannot_write, put_in_place, write_atomically

_PREFIX = ".carried-"
_PLAN = "plan.json"


def gather(root: Path, places: Mapping[Path, Path], dropped: Collection[Path]) -> str:
    """Put files of the job folder ``root`` where ``finish`` finds them, and return the name of this relocation.

    ``places`` is file → its new place, ``dropped`` are the files to be removed when all are in theirs. Nothing has
    changed yet: what is not decided is forgotten. Raises OutputError.
    """
    name = secrets.token_hex(4)
    waiting = root / (_PREFIX + name)
    try:
        waiting.mkdir()
        for number, file in enumerate(places):
            _link(file, waiting / str(number))
        plan = {
            "places": [_relative(place, root) for place in places.values()],
            "dropped": [_relative(file, root) for file in dropped],
        }
        write_atomically(waiting / _PLAN, json.dumps(plan).encode("ascii"))
    except OSError as error:
        raise cannot_write(waiting, error) from error
    return name


def finish(root: Path, decided: Collection[str]) -> None:
    """Bring the files of all decided relocations to their places, and forget what was never decided.

    Raises OutputError where a file cannot be put into its place; the next call goes on.
    """
    for waiting in root.glob(_PREFIX + "*"):
        if waiting.name.removeprefix(_PREFIX) in decided:
            _place(root, waiting)
        shutil.rmtree(waiting, ignore_errors=True)


def _place(root: Path, waiting: Path) -> None:
    try:
        plan = json.loads((waiting / _PLAN).read_bytes())
    except FileNotFoundError:
        return  # all is done, but for the folder
    except (OSError, ValueError) as error:
        raise OutputError(f"{waiting} cannot be read ({error}); restore it from a backup, or remove it") from error
    for number, place in enumerate(plan["places"]):
        if (file := waiting / str(number)).exists():
            path = root / place
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                _move(file, path)
            except OSError as error:
                raise cannot_write(path, error, "close the program that has it open, then run again") from error
    for each in plan["dropped"]:
        with contextlib.suppress(OSError):  # somebody has it open: it is in its new place all the same
            (root / each).unlink(missing_ok=True)
            for folder in PurePosixPath(each).parents[:-2]:  # not masks/ itself
                (root / folder).rmdir()
    try:
        (waiting / _PLAN).unlink()  # done once: what has these names from now on is something else
    except OSError as error:
        raise cannot_write(waiting, error, "close the program that has it open, then run again") from error


def _link(file: Path, place: Path) -> None:
    try:
        place.hardlink_to(file)
    except OSError:  # FAT, some network drives
        shutil.copy2(file, place)


def _move(file: Path, path: Path) -> None:
    try:
        put_in_place(file, path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        write_atomically(path, file.read_bytes())  # a folder of the job is a link to another disk


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
