# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program for an engine: its output into a log that is read along, its end in words, nothing left behind."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ...common.errors import Cancelled, EngineError
from . import supervisor

NOTE = "process.json"
"""Name of the file in an engine's folder that says which process works there."""
_TICK = 0.1
# How long a supervisor may take to end its engine before it is killed itself, in seconds.
_GRACE = 5.0
_FULL = 8_000_000
"""So many bytes free, or fewer, and a failure is put down to the disk."""
_TAIL = 20_000
_DISK_WORDS = re.compile(rb"no space left|disk is full|disk full|file too large|not enough space", re.IGNORECASE)
_MEMORY_WORDS = re.compile(rb"bad_alloc|out of memory|cannot allocate memory|MemoryError", re.IGNORECASE)
_ERROR_WORDS = re.compile(r"error|failed|^[EF]\d{8} ", re.IGNORECASE)

if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NO_WINDOW
else:
    _FLAGS = 0


@dataclass(frozen=True)
class Program:
    """A command and how it is run. The same for every step of one engine's solve."""

    title: str
    """What messages call it."""
    folder: Path
    """Where it works: its current folder."""
    log: Path
    note: Path
    """The file that names the running process, for a start after a crash."""
    cancel: threading.Event
    environment: Mapping[str, str]
    """Environment variables, over those of this process."""

    def run(self, command: Sequence[str], doing: str, on_line: Callable[[str], None]) -> None:
        """Run a command to its end. ``doing`` says what for ("matching features"), ``on_line`` gets its output.

        Raises EngineError with what happened and what to do, and Cancelled once it is ended for that.
        """
        self.note.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            log.write(f"\n$ {subprocess.list2cmdline(command)}\n".encode(errors="backslashreplace"))
        start = self.log.stat().st_size
        process = _start([str(self.note), str(self.log), *command], self.environment, folder=self.folder)
        reader = _Reader(self.log, start, on_line)
        answer = b""
        try:
            while process.poll() is None:
                if self.cancel.is_set():
                    raise Cancelled
                reader.read()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_TICK)
            if process.stdout:
                answer = process.stdout.read()
        finally:
            _end(process)
            supervisor.end_left_over(self.note)  # where the supervisor had to be killed, or was
        reader.read(last=True)
        self._judge(_told(answer, process.returncode), start, doing)

    def _judge(self, told: dict[str, Any], start: int, doing: str) -> None:
        """Raise EngineError unless all went well."""
        if "error" in told:
            raise EngineError(
                f"{self.title} could not be started ({told['error']}); check its path, or choose another engine"
            )
        if (code := int(told["exit"])) != 0:
            raise EngineError(f"{self._reason(code, start, doing)}. Its log: {self.log}")

    def _reason(self, code: int, start: int, doing: str) -> str:
        tail = _tail(self.log, start)
        kept = "what it had done is kept, run again to go on"
        if _DISK_WORDS.search(tail) or code == _too_large() or is_full(self.folder):
            return f"{self.title} stopped while {doing}: {full(self.folder)}"
        if _MEMORY_WORDS.search(tail) or code == -9:
            ended = "was ended by the system" if code == -9 else "stopped"
            return (
                f"{self.title} {ended} while {doing}, perhaps for want of memory; close other programs or choose a "
                f"lower quality; {kept}"
            )
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        words = _last_words(tail)
        return f"{self.title} ended {how} while {doing}{f' ({words})' if words else ''}; {kept}"


def ask(command: Sequence[str], environment: Mapping[str, str], patience: float) -> tuple[int, str]:
    """Run a command that is soon over: its exit code, and all that it said. It never outlives the worker either.

    Raises OSError where it cannot be started, and TimeoutExpired once it is ended after so many seconds.
    """
    with tempfile.TemporaryFile() as said:  # a pipe may fill up
        process = _start(["", "", *command], environment, said=said)
        answer = b""
        try:
            process.wait(patience)
            if process.stdout:
                answer = process.stdout.read()
        finally:
            _end(process)
        told = _told(answer, process.returncode)
        if "error" in told:
            raise OSError(None, told["error"])
        said.seek(0)
        return int(told["exit"]), said.read().decode("utf-8", "replace")


def _start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    folder: Path | None = None,
    said: IO[bytes] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a supervisor, in a folder, and with standard error to a file."""
    return subprocess.Popen(
        [sys.executable, "-I", supervisor.__file__, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=said,
        cwd=folder,
        env={**os.environ, **environment},
        creationflags=_FLAGS,
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a supervisor and what it supervises; return when both are gone, or the supervisor had to be killed."""
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def _told(answer: bytes, supervisor_code: int) -> dict[str, Any]:
    """What a supervisor said in the end; a failure where it came to no end."""
    try:
        return dict(json.loads(answer.splitlines()[-1]))
    except (IndexError, ValueError):
        return {"exit": supervisor_code or 1}


def end_left_over(engines: Path) -> None:
    """End the engines that a crash left at work below the folder ``engines``, ``<output>/engines``."""
    for note in engines.glob(f"*/{NOTE}"):
        supervisor.end_left_over(note)


def is_full(folder: Path) -> bool:
    """Whether the disk that holds a folder has no room, so that whatever failed there probably failed for that."""
    try:
        return shutil.disk_usage(folder).free < _FULL
    except OSError:
        return False


def full(folder: Path) -> str:
    """The same in words, with what to do."""
    return f"the disk of {folder} is full; make room, then run again, what it had done is kept"


class _Reader:
    """Hands on what is added to a log, line by line."""

    def __init__(self, log: Path, start: int, on_line: Callable[[str], None]) -> None:
        self._log = log
        self._offset = start
        self._rest = b""
        self._on_line = on_line

    def read(self, *, last: bool = False) -> None:
        with self._log.open("rb") as file:
            file.seek(self._offset)
            added = file.read()
        self._offset += len(added)
        *lines, self._rest = (self._rest + added).replace(b"\r", b"\n").split(b"\n")
        for line in [*lines, self._rest] if last else lines:
            self._on_line(line.decode("utf-8", "replace"))


def _too_large() -> int:
    """The exit code of a program that was ended for writing more than it may."""
    return -int(getattr(signal, "SIGXFSZ", 0)) or 1 << 40


def _tail(log: Path, start: int) -> bytes:
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - _TAIL))
        return file.read()


def _last_words(tail: bytes) -> str:
    """The last line that speaks of an error, shortened and without what a logging library puts before it."""
    lines = tail.decode("utf-8", "replace").splitlines()
    telling = [line for line in lines if _ERROR_WORDS.search(line)]
    if not telling:
        return ""
    words = re.sub(r"^[EFWI]\d{8} [\d:.]+ +\d+ ", "", telling[-1]).strip()
    return words if len(words) <= 160 else f"{words[:157]}…"
