# SPDX-License-Identifier: GPL-3.0-or-later
"""What the events of a job come to so far: for whoever shows it while it goes on."""

import time
from collections import deque
from dataclasses import dataclass, field

from .events import Event, Log, Paused, PhotoDone, PhotoFailed, StepProgress

LATEST = 4
"""How many of the last photos a panel shows."""
_LINES = 50
# A rate is given once so many seconds have passed: before, it is the start that is measured.
_SETTLED = 2.0


@dataclass
class Progress:
    """Counts, names and reasons, fed with the events of one job."""

    step: str = ""
    """What the engine calls the present step; empty for a strip."""
    done: int = 0
    failed: int = 0
    total: int = 0
    waiting: str = ""
    """Why nothing happens just now; empty while something does."""
    failures: dict[str, str] = field(default_factory=dict)
    """Photo → reason."""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES))
    """What the job had to say since the last photo, oldest first."""
    warnings: list[str] = field(default_factory=list)
    """What a person should look at when the job has ended, oldest first."""
    _begin: float = field(default_factory=time.monotonic)
    _first: int = 0

    def take(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case StepProgress():
                self._count(event)
            case PhotoDone():
                self.done += 1
                self.lines.clear()
                self.waiting = ""
            case PhotoFailed():
                # Photos that fail before the first count are in it.
                self.failed += bool(self.total)
                self.failures[event.photo] = event.reason
                self.waiting = ""
            case Paused():
                self.waiting = event.reason
            case Log():
                self.lines.append(event.text)
                if event.level == "warning":
                    self.warnings.append(event.text)

    @property
    def factor(self) -> float:
        """How much is done, from 0 to 1."""
        return min((self.done + self.failed) / self.total, 1.0) if self.total else 0.0

    def rate(self) -> float | None:
        """Photos a second (or whatever the step counts); None while that is not known."""
        passed = time.monotonic() - self._begin
        counted = self.done + self.failed - self._first
        return counted / passed if counted and passed >= _SETTLED else None

    def seconds_left(self) -> float | None:
        """How long this step will go on; None while that is not known."""
        rate = self.rate()
        return (self.total - self.done - self.failed) / rate if rate else None

    def _count(self, event: StepProgress) -> None:
        fresh = not self.total or event.step != self.step
        self.step = event.step
        self.done, self.failed, self.total = event.done, event.failed, event.total
        self.waiting = ""
        if fresh:
            self._begin = time.monotonic()
            self._first = self.done + self.failed
