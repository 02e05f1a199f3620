# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks share that compute for minutes with the photos, masks and cameras of a solved scan."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..common.errors import Cancelled, NoModelError, PhotoError
from ..common.hashes import hash_file
from ..job.context import JobContext
from ..job.events import Started
from ..job.job_end import JobEnd
from ..job.priority import lower_priority
from ..reconstruction.readers import registry
from ..reconstruction.types import Reconstruction
from ..views.settings import SolvedScan
from ..views.shots import Source
from ..views.threads import Workers, until_cancelled

_DISK_LEFT = 200 << 20


def run_on(
    settings: SolvedScan,
    context: JobContext,
    task: str,
    start: Callable[[Reconstruction, Workers], Callable[[], JobEnd]],
    cancelled: str,
) -> JobEnd:
    """Do what ``start`` returns for the reconstruction of a scan, and return how it ended, with the seconds it took.

    ``cancelled`` is what is said where it was. Raises BadUseError, of a reconstruction that cannot be read, before
    anything is written.
    """
    begin = time.monotonic()
    reconstruction = registry.read(registry.find(Path(settings.cameras or settings.output)))
    lower_priority()
    context.journal.write(Started(task=task, photos=len(reconstruction.photos)))
    workers = Workers(settings.worker_threads, context.cancel)
    try:
        end = until_cancelled(start(reconstruction, workers), context.cancel)
    except Cancelled:
        return JobEnd.cancelled(cancelled)
    finally:
        workers.close()
    return replace(end, details={**end.details, "seconds": round(time.monotonic() - begin, 3)})


def file_facts(sources: Sequence[Source]) -> list[tuple[str, tuple[int, int] | None, str]]:
    """The files that something is made of: for each photo its name, its file's stamp, and the hash of its mask."""
    return [(source.photo.name, _stamp(source), hash_file(source.mask) if source.mask else "") for source in sources]


def refuse_full_disk(work: Path, needed: float, root: Path, what: str, done: str) -> None:
    """Raise NoModelError where so many bytes have no room in a folder, which is made, while ``what`` is ``done``."""
    work.mkdir(parents=True, exist_ok=True)
    needed += _DISK_LEFT
    if (free := shutil.disk_usage(work).free) < needed:
        raise NoModelError(
            f"{what} takes {needed / 1e9:.1f} GB on the disk of {root} while it is {done}, and {free / 1e9:.1f} GB are "
            "free; make room"
        )


def end_facts(found: int, done: int, failed: Mapping[str, str]) -> dict[str, Any]:
    """What a report says of the photos: of ``found`` that have a camera, so many count; ``failed`` has the reasons."""
    return {
        "status": "some_failed" if failed else "done",
        "exit_code": PhotoError.exit_code if failed else 0,
        "photos": {
            "found": found,
            "done": done,
            "failed": [{"photo": name, "reason": reason} for name, reason in sorted(failed.items())],
        },
    }


def _stamp(source: Source) -> tuple[int, int] | None:
    try:
        return source.file.file_stamp()
    except PhotoError:
        return None  # it is left out, with the reason
