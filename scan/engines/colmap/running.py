# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the steps of a solve in its work folder and passes on how far they are."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ...common.errors import Cancelled
from ...common.files import save
from ..engine import EngineFolder, Watch
from ..programs.program import Program
from .steps import Commands, Step


class Runner:
    """Runs one COLMAP in one work folder. ``work`` is that folder, ``place`` the engine's."""

    def __init__(self, commands: Commands, place: EngineFolder, work: Path, watch: Watch) -> None:
        self.commands = commands
        self.place = place
        self.work = work
        self.watch = watch

    def run(
        self,
        step: Step,
        doing: str,
        pattern: re.Pattern[str] | None = None,
        progress: Callable[[re.Match[str]], tuple[int, int]] | None = None,
    ) -> None:
        """Run a step to its end. ``doing`` says what for ("matching photos").

        What is printed and fits ``pattern`` becomes progress: how much is done, and of how much. Raises EngineError
        with what happened and what to do, and Cancelled.
        """

        def on_line(line: str) -> None:
            if pattern and progress and (found := pattern.search(line)):
                self.watch.progress(*progress(found))

        program = Program(
            title=self.commands.title,
            folder=self.work,
            log=self.place.log,
            note=self.place.note,
            cancel=self.watch.cancel,
            environment=self.commands.environment,
        )
        program.run(self.commands.command(step), doing, on_line)

    def list(self, name: str, lines: Sequence[str]) -> Path:
        """Write a list for COLMAP, whole or not at all; give its name in the work folder. Raises OutputError."""
        save(self.work / name, "".join(f"{line}\n" for line in lines).encode("ascii"))
        return Path(name)

    def progress(self, done: int, total: int) -> None:
        """So much of a step of our own is done. Raises Cancelled where the job was cancelled."""
        self.stop_if_cancelled()
        self.watch.progress(done, total)

    def stop_if_cancelled(self) -> None:
        """Raise Cancelled where the job was cancelled."""
        if self.watch.cancel.is_set():
            raise Cancelled
