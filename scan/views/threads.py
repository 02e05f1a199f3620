# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on several threads: numpy lets go of the interpreter while it computes."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from ..common.errors import Cancelled

_LOOK = 0.1
"""Seconds between two looks at whether it was cancelled."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Workers:
    """A few threads. What they are given stops within one item once ``cancel`` is set."""

    def __init__(self, threads: int, cancel: threading.Event) -> None:
        self._pool = ThreadPoolExecutor(threads)
        self._threads = threads
        self.cancel = cancel

    def map(self, work: Callable[[_In], _Out], items: Iterable[_In]) -> Iterator[_Out]:
        """Yields the results in the order of the items, a few of which are at work ahead. Raises Cancelled."""
        pending: deque[Future[_Out]] = deque()
        try:
            for item in items:
                if len(pending) > self._threads:
                    yield pending.popleft().result()
                self.stop_if_cancelled()
                pending.append(self._pool.submit(work, item))
            while pending:
                yield pending.popleft().result()
                self.stop_if_cancelled()
        finally:
            for future in pending:
                future.cancel()

    def stop_if_cancelled(self) -> None:
        """Raises Cancelled once the job shall end."""
        if self.cancel.is_set():
            raise Cancelled

    def close(self) -> None:
        """Let the threads end, each after what it is at."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def until_cancelled(work: Callable[[], _Out], cancel: threading.Event) -> _Out:
    """Returns what ``work`` does, which is done in a thread of its own.

    Raises Cancelled as soon as ``cancel`` is set: some of numpy's steps take seconds, and nobody waits for them. They
    are left to the end of the process, or to the next look at ``cancel``.
    """
    pool = ThreadPoolExecutor(1)
    try:
        future = pool.submit(work)
        while not wait([future], _LOOK).done:
            if cancel.is_set():
                raise Cancelled
        return future.result()
    finally:
        pool.shutdown(wait=False)
