# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps driven to their end while Blender waits: for scripts, the command line and ``blender -b``."""

import sys
import tempfile
from collections.abc import Callable

import bpy

from ..properties import job_settings
from ..scan.common.errors import OutputError
from ..scan.job.job_end import JobEnd
from ..scan.job.journal import Event
from ..scan.job.process import Worker
from ..scan.job.requirements import refuse_missing
from .steps import Job, Steps


def drive(context: bpy.types.Context, steps: Steps, tell: Callable[[JobEnd], None]) -> JobEnd:
    """Take every step, with a line on stderr for all that happens, and return how it ended.

    ``tell`` hears how each job but the last one ended. Raises ScanError where a step cannot be taken.
    """
    try:
        job = next(steps)
        while True:
            ended = run_blocking(context, job)
            job = steps.send(ended)
            tell(ended)
    except StopIteration as end:
        result: JobEnd = end.value
        return result


def run_blocking(context: bpy.types.Context, job: Job) -> JobEnd:
    """Run a job to its end, and return how it ended. Ctrl-C cancels it in good order.

    Raises BadUseError where the job cannot be started.
    """
    worker = start(context, job)
    events = worker.iter_events()
    total = done = 0

    def tell_photo(words: str) -> None:
        # What fails at first sight does so before the photos are counted.
        _tell(f"{done}/{total} {words}" if total else words)

    event: Event = {"event": ""}
    while event["event"] != "finished":
        try:  # all of it, since Ctrl-C may come while a line is written
            event = next(events)
            match event["event"]:
                case "progress":
                    done, total = event["done"] + event["failed"], event["total"]
                    if "step" in event:
                        _tell(f"{event['step']}: {done}/{total}")
                case "photo_done":
                    done += 1
                    tell_photo(f"{event['photo']} ({event['seconds']:.2f} s)")
                case "photo_failed":
                    done += 1
                    tell_photo(f"{event['photo']} failed: {event['reason']}")
                case "paused":
                    _tell(f"Waiting: {event['reason']}")
                case "log":
                    _tell(event["text"])
        except KeyboardInterrupt:
            worker.cancel()
    return JobEnd.from_json(event)


def start(context: bpy.types.Context, job: Job) -> Worker:
    """Start a worker on a job. Raises BadUseError where it cannot be started."""
    refuse_missing()
    return Worker([sys.executable, *bpy.app.python_args], job.folder, job.content, job_settings.token(context))


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for a small job, which goes with what is returned. Raises OutputError."""
    try:
        return tempfile.TemporaryDirectory(prefix="scan_cutout_", ignore_cleanup_errors=True)
    except OSError as error:
        raise OutputError(
            f"No folder for temporary files can be made ({error.strerror}); make room on the disk where this computer "
            "keeps them, then try again"
        ) from error


def _tell(text: str) -> None:
    # A file name may hold what the terminal cannot show.
    print(f"Scan Cutout: {text}".encode(errors="backslashreplace").decode(), file=sys.stderr, flush=True)
