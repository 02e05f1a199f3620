# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker in the test's own process: the same code from ``scan.worker.main`` on, without the start of a Python.

What only a process of its own can show (kill, standard input, priority, the environment) is for tests of the kind
``process``, which get ``scan.job.process.Worker`` itself.
"""

from __future__ import annotations

import contextlib
import io
import json
import threading
from typing import Any

from scan import worker
from scan.job import priority
from scan.job.events import Event, Finished, from_json
from scan.job.folder import JobFolder
from scan.job.inbox import Inbox
from scan.job.journal import JournalTail

# The threads of this process keep their priority: one that steps back would wait for all other tests.
priority._NICENESS = 0  # noqa: SLF001

_DYING = 30.0  # seconds: the test has failed already

_has_stderr = threading.Lock()
"""Held by the run whose log is ``sys.stderr``. What a second one beside it says goes there, too."""


def as_line(event: Event) -> dict[str, Any]:
    """An event as the journal has it."""
    line: dict[str, Any] = json.loads(json.dumps(event.to_json()))
    return line


class LocalWorker:
    """Runs one job in a thread. Read and cancel it as ``scan.job.process.Worker``; it cannot be killed."""

    def __init__(self, folder: JobFolder, job: dict[str, Any], token: str = "") -> None:
        """Start ``job`` (its ``task`` and ``settings``). Raises BadUseError where the folder cannot be used."""
        self._folder = folder
        self._run = folder.prepare(job)
        self._tail = JournalTail(folder.journal, self._run, folder.journal.stat().st_size)
        self._token = token
        self._inbox = Inbox()
        self._output = io.StringIO()
        self._last: list[Event] = []
        self._finished = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name=f"worker in {folder.root}", daemon=True)
        self._thread.start()

    def events(self) -> list[Event]:
        """Return what happened since the last call; ``finished`` is the last event of all, once the folder is free."""
        if self._finished:
            return []
        self._finished = not self._thread.is_alive()  # asked before reading: nothing is written after it
        events = self._last + self._tail.read()
        self._last = []
        if events and isinstance(events[-1], Finished):
            if not self._finished:
                self._last = [events.pop()]
        elif self._failure:
            raise self._failure
        elif self._finished:
            printed = map(json.loads, self._output.getvalue().splitlines())
            events += [event for event in map(from_json, printed) if event is not None]
        return events

    def join(self) -> list[Event]:
        """Wait for the end and return what is left of the story."""
        self._thread.join()
        return self.events()

    def send(self, message: dict[str, Any]) -> None:
        """Say something to a task that takes messages."""
        self._inbox.put(message)

    def cancel(self) -> None:
        """Ask the worker to finish what is in flight and leave."""
        self._inbox.cancel.set()
        self._inbox.wake()

    def kill(self) -> None:
        """Cancel, and wait for the end: a thread cannot be killed. One that hears nothing is left behind."""
        self.cancel()
        self._thread.join(_DYING)

    def _main(self) -> None:
        try:
            self._run_job()
        except BaseException as error:  # noqa: BLE001 - for the test's own thread
            self._failure = error

    def _run_job(self) -> None:
        with contextlib.ExitStack() as stack:
            if _has_stderr.acquire(blocking=False):
                stack.callback(_has_stderr.release)
                stack.enter_context(
                    contextlib.redirect_stderr(stack.enter_context(self._folder.log.open("a", encoding="utf-8")))
                )
            worker.main(self._folder.root, self._run, self._token, self._output, self._inbox)
