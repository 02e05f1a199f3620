# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps driven to their end while Blender waits: for scripts, the command line and ``blender -b``."""

import sys
from collections.abc import Callable
from dataclasses import replace

import bpy

from ..properties import job_settings
from ..scan.job.events import Event, Finished, Log, Paused, PhotoDone, PhotoFailed, StepProgress
from ..scan.job.job_end import JobEnd
from ..scan.job.process import Worker
from ..scan.job.requirements import refuse_missing
from .steps import Job, Steps


def drive(context: bpy.types.Context, steps: Steps, report: Callable[[JobEnd], None]) -> JobEnd:
    """Take every step, with a line on stderr for all that happens, and return how it ended.

    ``report`` gets the end of each job but the last one. Raises ScanError where a step cannot be taken.
    """
    try:
        job = next(steps)
        while True:
            ended = run_blocking(context, job)
            job = steps.send(ended)
            report(ended)
    except StopIteration as end:
        result: JobEnd = end.value
        return result


def run_blocking(context: bpy.types.Context, job: Job) -> JobEnd:
    """Run a job to its end, and return how it ended. Ctrl-C cancels it in good order.

    Raises BadUseError where the job cannot be started.
    """
    worker = start(context, job)
    events, lines = worker.iter_events(), _Lines()
    event = Event()
    while not isinstance(event, Finished):
        try:  # all of it, since Ctrl-C may come while a line is written
            event = next(events)
            if line := lines.of(event):
                _print(line)
        except KeyboardInterrupt:
            worker.cancel()
    return _reported(event)


class _Lines:
    """What a job prints while Blender waits for it."""

    def __init__(self) -> None:
        self._done = self._total = 0

    def of(self, event: Event) -> str:
        """Returns the line for the next event; empty where it has none."""
        match event:
            case StepProgress():
                self._done, self._total = event.done + event.failed, event.total
                return f"{event.step}: {self._done}/{self._total}" if event.step else ""
            case PhotoDone():
                return self._counted(f"{event.photo} ({event.seconds:.2f} s)")
            case PhotoFailed():
                return self._counted(f"{event.photo} failed: {event.reason}")
            case Paused():
                return f"Waiting: {event.reason}"
            case Log():
                return event.text
        return ""

    def _counted(self, text: str) -> str:
        self._done += 1
        # What fails at first sight does so before the photos are counted.
        return f"{self._done}/{self._total} {text}" if self._total else text


def _reported(event: Finished) -> JobEnd:
    """Returns the end, with what finds its run in the journal: the command line's reports name both."""
    return replace(event.end, details={"event": event.name, "run": event.run, "time": event.time, **event.end.details})


def start(context: bpy.types.Context, job: Job) -> Worker:
    """Start a worker on a job. Raises BadUseError where it cannot be started."""
    refuse_missing()
    return Worker([sys.executable, *bpy.app.python_args], job.folder, job.content, job_settings.token(context))


def _print(text: str) -> None:
    # A file name may hold what the terminal cannot show.
    print(f"Scan Cutout: {text}".encode(errors="backslashreplace").decode(), file=sys.stderr, flush=True)
