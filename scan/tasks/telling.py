# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task that computes for minutes writes into the journal meanwhile."""

from ..job.events import Log, StepProgress
from ..job.journal import Journal
from ..views.threads import Workers

_PARTS = 100


class Telling:
    """Progress and warnings of one task."""

    def __init__(self, step: str, journal: Journal, workers: Workers) -> None:
        self._step = step
        self._journal = journal
        self._workers = workers
        self._doing, self._done = "", -1
        self.warnings: list[str] = []
        """All that were written."""

    def warn(self, *warnings: str) -> None:
        """Write those that are not empty."""
        for words in filter(None, warnings):
            self.warnings.append(words)
            self._journal.write(Log(level="warning", text=words))

    def tell(self, doing: str, share: float) -> None:
        """Write what is being done and how much is, where that is news. Raises Cancelled: then nothing is."""
        self._workers.stop_if_cancelled()
        if doing != self._doing:
            self._doing = doing
            self._journal.write(Log(level="info", text=doing))
        if (done := round(share * _PARTS)) != self._done:
            self._done = done
            self._journal.write(StepProgress(step=self._step, done=done, total=_PARTS))
