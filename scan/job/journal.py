# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of a job: ``journal.jsonl``, one JSON object a line, appended and flushed.

Events: ``started``, ``photo_done``, ``photo_failed``, ``paused``, ``progress``, ``log``, ``finished``; ahead of a mask
``mask_announced``, and ahead of a soft mask that takes the place of an earlier one ``soft_announced``; ``mask_found``
where one stands that the journal does not know; ``photo_stands`` where a photo failed before and nothing is left to do
for it; ``contact_sheet`` once that is written; of a preview ``preview_waiting``, ``previewed``, ``preview_failed``.
Each carries ``event``, ``run`` (which start of the worker wrote it) and ``time`` (seconds since the epoch). Progress
bars, resume, reports and tests all read this file.
"""

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from ..common.errors import OutputError
from ..common.files import cannot_write
from .job_end import JobEnd

Event = dict[str, Any]


class Journal:
    """The writing end. Safe to call from several threads; one process at a time (see JobFolder.lock)."""

    def __init__(self, path: Path, run: str, log: TextIO | None = None) -> None:
        """``log`` is told in words, too, what a person should know."""
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

    def write(self, event: str, **facts: Any) -> None:
        """Append one event.

        Raises OutputError where the disk does not take it, and what it did not take is tried again with the next event;
        and after ``finish`` or ``close``, so that no word of a late thread follows the last one.
        """
        with self._guard:
            self._append(event, facts)

    def finish(self, end: JobEnd) -> None:
        """Append ``finished``, which nothing follows, and close the file. Raises OutputError as ``write`` does."""
        with self._guard:
            self._append("finished", end.to_json())
            self._close()

    def close(self) -> None:
        """Close the file."""
        with self._guard:
            self._close()

    def _append(self, event: str, facts: dict[str, Any]) -> None:
        if self._file.closed:
            raise OutputError("The run is over")
        line = json.dumps({"event": event, "run": self._run, "time": round(time.time(), 3), **facts})
        try:
            self._file.write(line.encode("ascii") + b"\n")
            self._file.flush()
        except OSError as error:
            raise cannot_write(self._path, error) from error
        if self._log is not None and (words := _in_words(event, facts)):
            with contextlib.suppress(OSError):  # no room: the journal's next line tells
                print(time.strftime("%Y-%m-%d %H:%M:%S"), words, file=self._log, flush=True)

    def _close(self) -> None:
        with contextlib.suppress(OSError):  # a full disk was told of by ``write``
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
        return [event for event in _parse(lines) if event.get("run") == self._run]


def read_journal(path: Path) -> list[Event]:
    """Every event of every run, oldest first. A missing file is an empty story."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    return list(_parse(content.split(b"\n")))


def _in_words(event: str, facts: dict[str, Any]) -> str:
    match event:
        case "started":
            return f"{facts['task']} begins"
        case "log":
            return str(facts["text"])
        case "photo_failed":
            return f"{facts['photo']} failed: {facts['reason']}"
        case "paused":
            return f"Waiting: {facts['reason']}"
        case "finished":
            return f"{facts['status']}: {facts['message']}"
    return ""


def _parse(lines: list[bytes]) -> Iterator[Event]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue  # torn by a kill, or the empty end
        if isinstance(event, dict):
            yield event


def _ends_torn(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:
        return False  # not there, or empty
