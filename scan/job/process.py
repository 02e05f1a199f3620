# SPDX-License-Identifier: GPL-3.0-or-later
"""The watching side: start a worker on a job, read its events, end it. Waits in ``end`` and ``iter_events`` only."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

from ..common.errors import ScanError
from .events import Event, Finished, from_json
from .folder import JobFolder
from .job_end import JobEnd
from .journal import JournalTail

_ROOT = Path(__file__).parents[2]
_TICK = 0.05
# Seconds. What waits for a network folder that went away cannot be killed before that answers, and Blender waits here.
_DYING = 1.0
# Of glibc alone (mallopt(3)). With an arena for every thread it keeps apart what each has freed: a third more memory
# for masks, two thirds more for JPEG cutouts, and no less time. And what is larger than 4 MB, a mask or a photo, is
# given back when it is freed; else the limit for that rises, and memory with it over some hundred photos.
_MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(4 << 20)}

if sys.platform == "win32":
    import _winapi
    import msvcrt

    _FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    _PIPE_NOWAIT = 1  # winbase.h

    def _never_wait(pipe: int) -> None:
        # os.set_blocking does the same, from Python 3.12 on.
        _winapi.SetNamedPipeHandleState(msvcrt.get_osfhandle(pipe), _PIPE_NOWAIT, None, None)

else:
    _FLAGS = 0

    def _never_wait(pipe: int) -> None:
        os.set_blocking(pipe, False)


class Worker:
    """A worker process and its journal. It ends early when ``cancel`` is called or this process dies."""

    def __init__(self, python: Sequence[str], folder: JobFolder, job: dict[str, Any], token: str = "") -> None:
        """Start ``job`` (its ``task`` and ``settings``) with the Python command ``python``.

        Raises BadUseError where the folder cannot be used.
        """
        self._folder = folder
        self._run = folder.prepare(job)
        start = folder.journal.stat().st_size if folder.journal.exists() else 0
        self._tail = JournalTail(folder.journal, self._run, start)
        self._finished = False
        self._unread: deque[Event] = deque()
        # An empty entry means "the current folder", from which nothing shall be imported.
        environment = {**os.environ, "SCAN_CUTOUT_SYS_PATH": json.dumps([path for path in sys.path if path])}
        if job["task"] == "strip":  # not a solve, whose engine has threads that allocate all the time
            environment = {**_MEMORY, **environment}
        with folder.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*python, str(_ROOT / "scan" / "bootstrap.py"), str(_ROOT), str(folder.root), self._run],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                creationflags=_FLAGS,
                # Ctrl-C in a terminal goes to Blender alone, which then asks the worker to end.
                start_new_session=sys.platform != "win32",
            )
        self._input = cast("IO[bytes]", self._process.stdin)
        self._output = cast("IO[bytes]", self._process.stdout)
        self._unsent = b""
        with contextlib.suppress(OSError):
            _never_wait(self._input.fileno())
        self.send({"token": token})

    @property
    def pid(self) -> int:
        """The process id of the worker."""
        return int(self._process.pid)

    def events(self, may_end: Callable[[], bool] = lambda: True) -> list[Event]:
        """What happened since the last call. The last event of all is ``finished``, however the worker ended.

        It comes only once the process is gone, so that the folder is free for another run; and with a later call where
        ``may_end``, which is asked then, says so.
        """
        if self._finished:
            return []
        self._send_on()
        ended = self._process.poll() is not None and may_end()  # asked before reading: nothing is written after it
        self._unread.extend(self._tail.read())
        if ended and not (self._unread and isinstance(self._unread[-1], Finished)):
            self._unread.append(self._missing_end())
        events = []
        while self._unread and (ended or not isinstance(self._unread[0], Finished)):
            events.append(self._unread.popleft())
        self._finished = ended
        return events

    def send(self, message: dict[str, Any]) -> None:
        """Say something to a task that takes messages. What a busy worker does not take at once goes with ``events``.

        A worker that is gone, or was cancelled, gets nothing.
        """
        self._unsent += json.dumps(message).encode() + b"\n"
        self._send_on()

    def _send_on(self) -> None:
        # A pipe that is full, or broken: of a worker that is gone, ``events`` has the end.
        with contextlib.suppress(OSError):
            while self._unsent and not self._input.closed and (sent := os.write(self._input.fileno(), self._unsent)):
                self._unsent = self._unsent[sent:]

    def cancel(self) -> None:
        """Ask the worker to finish what is in flight and leave. Read on until ``finished``."""
        with contextlib.suppress(OSError):  # what a worker that is gone did not read cannot be sent any more
            self._input.close()

    def kill(self) -> None:
        """End the worker at once. The next run goes on from the journal."""
        self._process.kill()

    def end(self, patience: float) -> None:
        """Cancel, wait for so many seconds at most, then kill: returns when the process is gone, or cannot die."""
        self.cancel()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_DYING)

    def iter_events(self) -> Iterator[Event]:
        """Every event as it comes, until ``finished``: for callers that have nothing else to do.

        Goes on after a KeyboardInterrupt, which a generator would not.
        """
        waiting: deque[Event] = deque()

        def next_event() -> Event | None:
            while not waiting and not self._finished:
                waiting.extend(self.events())
                if not waiting:
                    time.sleep(_TICK)
            return waiting.popleft() if waiting else None

        return iter(next_event, None)

    def _missing_end(self) -> Finished:
        """Returns the end that the worker printed where there was no journal, or that it left without one."""
        for line in self._output.read().splitlines():
            with contextlib.suppress(ValueError):  # something else that printed, such as a sitecustomize
                event = from_json(json.loads(line))
                if isinstance(event, Finished):
                    return event
        error = ScanError(
            f"The worker ended unexpectedly (exit code {self._process.returncode}); {self._folder.log} may say why. "
            "What was done is kept, run again to go on"
        )
        return Finished(run=self._run, end=JobEnd.of(error))
