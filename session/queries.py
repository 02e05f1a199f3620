# SPDX-License-Identifier: GPL-3.0-or-later
"""Small jobs beside the big one: questions that a worker answers while Blender goes on.

Each has a name; asking it anew replaces the answer. Nobody waits: a timer looks whether an answer has come, and panels
draw what is there.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bpy

from ..scan.common.errors import ScanError
from ..scan.common.files import temporary_folder
from ..scan.job.events import Finished
from ..scan.job.folder import JobFolder
from ..scan.job.job_end import JobEnd
from ..scan.job.process import Worker
from . import driver
from .redraw import redraw
from .steps import Job

ENDPOINTS = "check_endpoint "
"""How the names of questions to servers begin."""

_TICK = 0.1
_PATIENCE = 0.0  # Blender waits meanwhile, and nothing is lost with a question


class _Question:
    def __init__(
        self, context: bpy.types.Context, title: str, content: dict[str, Any], then: Callable[[JobEnd], None] | None
    ) -> None:
        self._folder: TemporaryDirectory[str] | None = None
        self._worker: Worker | None = None
        self._then = then
        self.answer: JobEnd | None = None
        try:
            # Kept as long as the answer, which may name files in it.
            self._folder = temporary_folder()
            self._worker = driver.start(context, Job(title, JobFolder(Path(self._folder.name)), content))
        except ScanError as error:
            self._take(JobEnd.of(error))

    def look(self) -> bool:
        """Whether the answer has come just now."""
        if self.answer is None and self._worker is not None:
            try:
                events = self._worker.events()
            except OSError as error:
                self._worker.end(_PATIENCE)
                self._take(JobEnd.of(ScanError(str(error))))
                return True
            for event in events:
                if isinstance(event, Finished):
                    self._take(event.end)
                    return True
        return False

    def _take(self, answer: JobEnd) -> None:
        self.answer = answer
        if self._then is not None:
            self._then(answer)

    def end(self) -> None:
        if self.answer is None and self._worker is not None:
            self._worker.end(_PATIENCE)
        if self._folder is not None:
            self._folder.cleanup()


_questions: dict[str, _Question] = {}


def ask(
    context: bpy.types.Context, name: str, content: dict[str, Any], then: Callable[[JobEnd], None] | None = None
) -> None:
    """Have a worker do ``content`` (its ``task`` and ``settings``); what it says is then ``answer(name)``.

    Where no worker can be started, that is the answer. ``then`` is called with it when it comes.
    """
    forget(name)
    _questions[name] = _Question(context, name, content, then)
    if not bpy.app.timers.is_registered(_look):
        bpy.app.timers.register(_look, first_interval=_TICK, persistent=True)
    redraw(context)


def of_endpoint(address: str) -> str:
    """The name of the question to a server at an address, as the user wrote it."""
    return f"{ENDPOINTS}{address}"


def answer(name: str) -> JobEnd | None:
    """How a question ended; None while it has not come, or was never asked for."""
    return _questions[name].answer if name in _questions else None


def is_asked(name: str) -> bool:
    """Whether an answer is on its way."""
    return name in _questions and _questions[name].answer is None


def rename(name: str, other: str) -> None:
    """Let a question have another name, and what had that one go."""
    if name in _questions:
        forget(other)
        _questions[other] = _questions.pop(name)


def forget(name: str) -> None:
    """Drop a question and its answer."""
    if question := _questions.pop(name, None):
        question.end()


def forget_all(start: str) -> None:
    """Drop every question whose name starts so, and its answer."""
    for name in [name for name in _questions if name.startswith(start)]:
        forget(name)


def _look() -> float | None:
    # A copy: who is told of an answer may rename its question.
    come = [question for question in list(_questions.values()) if question.look()]
    if come:
        redraw(bpy.context)
    return _TICK if any(question.answer is None for question in _questions.values()) else None


def unregister() -> None:
    """Drop every question."""
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)
    forget_all("")
