# SPDX-License-Identifier: GPL-3.0-or-later
"""The job that runs while Blender goes on working. There is at most one; the panel draws what it reads here.

All of it lives in this module and in the worker's folder, nothing in the .blend: undo, redo and saving do not touch it.
"""

import traceback
from collections.abc import Callable
from pathlib import Path

import bpy

from ..properties.typed import persistent
from ..scan.common.errors import BadUseError, ScanError
from ..scan.job.events import Finished, PhotoDone
from ..scan.job.folder import JobFolder
from ..scan.job.job_end import JobEnd
from ..scan.job.progress import Progress
from . import driver, thumbnails
from .steps import Job, Steps

# How long a worker is waited for that must be gone: it lets go of requests in flight after 1.5 seconds.
_PATIENCE = 3.0


class RunningJob:
    """Steps on their way, one worker after the other."""

    def __init__(self, context: bpy.types.Context, label: str, steps: Steps, *, undo: bool = False) -> None:
        """Take the first step. Raises ScanError where it cannot be taken."""
        self.label = label
        """What the user started."""
        self.root = Path()
        """The folder in which it began."""
        self.undo = undo
        """Whether what it brings is a step to undo."""
        self.window = context.window.as_pointer() if context.window else 0
        """The window in which it was started, which may be closed by now."""
        self.progress = Progress()
        """How far the present worker is."""
        self.results: list[JobEnd] = []
        """How each worker but the last one ended."""
        self.result: JobEnd | None = None
        """How all of it ended; None while it goes on."""
        self.is_cancelled = False
        self._steps = steps
        self._take(context, next(steps))
        self.root = self.folder.root

    @property
    def title(self) -> str:
        """What the present worker does."""
        return self._job.title

    @property
    def folder(self) -> JobFolder:
        """Where it does it."""
        return self._job.folder

    def tick(self, context: bpy.types.Context, may_go_on: Callable[[], bool] = lambda: True) -> bool:
        """Read what happened since the last tick, take the next step when it is time; whether anything happened.

        The next step, and the end, wait for another tick where ``may_go_on``, which is asked then, says no.
        Whatever goes wrong, the job has a result then, and nobody is left with one that never ends.
        """
        try:
            return self._tick(context, may_go_on)
        except Exception:  # noqa: BLE001 - told on the console and, as the result, to the user
            traceback.print_exc()
            self.end()
            message = f"An unexpected error ended {self.label}; the console says where. What was done is kept"
            self.result = JobEnd.of(ScanError(message))
            return True

    def _tick(self, context: bpy.types.Context, may_go_on: Callable[[], bool]) -> bool:
        events = self._worker.events(may_go_on)
        for event in events:
            self.progress.take(event)
            if isinstance(event, PhotoDone) and event.thumbnail:
                thumbnails.latest.add(self.folder.thumbnails / event.thumbnail)
            if isinstance(event, Finished):
                self._go_on(context, event.end)
        return bool(events)

    def cancel(self) -> None:
        """Have the worker finish what is in flight and leave; ticks go on until it has."""
        self.is_cancelled = True
        self._worker.cancel()

    def end(self) -> None:
        """Be rid of the worker, now; the next run goes on from its journal."""
        self._worker.end(_PATIENCE)
        self._steps.close()

    def _go_on(self, context: bpy.types.Context, ended: JobEnd) -> None:
        try:
            job = self._steps.send(ended)
            self.results.append(ended)
            self._take(context, job)
        except StopIteration as end:
            self.result = end.value
        except ScanError as error:
            self.result = JobEnd.of(error)

    def _take(self, context: bpy.types.Context, job: Job) -> None:
        self._job = job
        self.progress = Progress(warnings=self.progress.warnings)
        thumbnails.latest.clear()
        self._worker = driver.start(context, job)
        if self.is_cancelled:
            self._worker.cancel()


_now: RunningJob | None = None
_last: RunningJob | None = None


def now() -> RunningJob | None:
    """The job that is running; None if none is."""
    return _now


def last() -> RunningJob | None:
    """The job that ended last in this file, for the panel to show; None if none did."""
    return _last


def refuse_second() -> None:
    """Raise BadUseError while a job is running."""
    if _now is not None:
        raise BadUseError(
            f"{_now.label} is running in {_now.folder.root}; wait for it, or cancel it in the sidebar or the status bar"
        )


def start(context: bpy.types.Context, label: str, steps: Steps, *, undo: bool = False) -> None:
    """Start what ``now`` then tells of. Raises ScanError, and StopIteration where no worker is needed at all."""
    global _now  # noqa: PLW0603 - one job for all of Blender, whatever operator watches it
    refuse_second()
    _now = RunningJob(context, label, steps, undo=undo)


def finish() -> None:
    """The running job has its result: it is the last one now."""
    global _now, _last
    _now, _last = None, _now


def end() -> None:
    """End what is running, forget what ran."""
    global _now, _last  # noqa: PLW0603
    if _now is not None:
        _now.end()
    _now = _last = None


@persistent
def _after_load(*_file: object) -> None:
    # The scene it would have gone to is gone. Not before the load: a file that cannot be read changes nothing.
    end()


def register() -> None:
    """Be told of files that are loaded."""
    bpy.app.handlers.load_post.append(_after_load)


def unregister() -> None:
    """Leave nothing behind."""
    bpy.app.handlers.load_post.remove(_after_load)
    end()
