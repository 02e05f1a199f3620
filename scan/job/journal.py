# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a job: ``journal.jsonl``, an event a line as JSON, appended and flushed.

``scan.job.events`` has the events. Progress bars, resume, reports and tests all read this file.
"""

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from ..common.errors import OutputError
from ..common.files import cannot_write
from .events import Event, Finished, Log, Paused, PhotoFailed, Started, from_json
from .job_end import JobEnd


class Journal:
    """The writing end. Safe to call from several threads; one process at a time (see JobFolder.lock)."""

    def __init__(self, path: Path, run: str, log: TextIO | None = None) -> None:
        """``log`` gets, line by line, what a person should know."""
        self._path = path
        self._run = run
        self._log = log
        self._guard = threading.Lock()
        torn = _ends_torn(path)
        self._file = path.open("ab")
        if torn:
            # A line that a killed worker tore stays as it is, ended here, and readers pass over it. Cutting
            # it off would move the place from which a Blender is reading on.
            self._file.write(b"\n")

    def write(self, event: Event) -> None:
        """Append an event, marked with the run and the time.

        Raises OutputError where the disk does not take it, and what it did not take is tried again with the next event;
        and after ``finish`` or ``close``, so that nothing of a late thread follows the last event.
        """
        with self._guard:
            self._append(event)

    def finish(self, end: JobEnd) -> None:
        """Append ``finished``, which nothing follows, and close the file. Raises OutputError as ``write`` does."""
        with self._guard:
            self._append(Finished(end=end))
            self._close()

    def close(self) -> None:
        """Close the file."""
        with self._guard:
            self._close()

    def _append(self, event: Event) -> None:
        if self._file.closed:
            raise OutputError("The run is over")
        line = json.dumps(replace(event, run=self._run, time=round(time.time(), 3)).to_json())
        try:
            self._file.write(line.encode("ascii") + b"\n")
            self._file.flush()
        except OSError as error:
            raise cannot_write(self._path, error) from error
        if self._log is not None and (text := _as_text(event)):
            with contextlib.suppress(OSError):  # no room: the journal's next line fails, too
                print(time.strftime("%Y-%m-%d %H:%M:%S"), text, file=self._log, flush=True)

    def _close(self) -> None:
        with contextlib.suppress(OSError):  # of a full disk, ``write`` has said so
            self._file.close()


class JournalTail:
    """The watching end: what was added since the last look. One short read a call, never a wait."""

    def __init__(self, path: Path, run: str, start: int) -> None:
        self._path = path
        self._run = run
        self._offset = start
        self._rest = b""

    def read(self) -> list[Event]:
        """The whole lines that were added since the last call and belong to this run.

        A file that is not there, or cannot be read now (a share that is away, a virus scanner), has nothing new yet.
        """
        try:
            if self._path.stat().st_size == self._offset:
                return []  # as most times; cheaper than opening it
            with self._path.open("rb") as file:
                file.seek(self._offset)
                added = file.read()
        except OSError:
            return []
        self._offset += len(added)
        *lines, self._rest = (self._rest + added).split(b"\n")
        return [event for event in _parse(lines) if event.run == self._run]


def read_journal(path: Path) -> list[Event]:
    """Returns every event of every run, oldest first; none where there is no file. Raises OSError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    return list(_parse(content.split(b"\n")))


def _as_text(event: Event) -> str:
    """Returns an event as a line for a person; empty for those that are not for one."""
    match event:
        case Started():
            return f"{event.task} begins"
        case Log():
            return event.text
        case PhotoFailed():
            return f"{event.photo} failed: {event.reason}"
        case Paused():
            return f"Waiting: {event.reason}"
        case Finished():
            return f"{event.end.status}: {event.end.message}"
    return ""


def _parse(lines: Sequence[bytes]) -> Iterator[Event]:
    for line in lines:
        try:
            event = from_json(json.loads(line))
        except ValueError:
            continue  # torn by a kill, or the empty end
        if event is not None:
            yield event


def _ends_torn(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:
        return False  # not there, or empty
