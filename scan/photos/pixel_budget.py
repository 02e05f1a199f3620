# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of photos is held in memory at full size, whatever number of threads works on them."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Whole photos keep a core busy: more of them at once would take memory (up to 15 bytes a pixel) and no less time.
_PIXELS_A_CORE = 13_000_000


class PixelBudget:
    """Lets photos through as long as their pixels together are within bounds; one alone, however large."""

    def __init__(self, pixels: int = 0) -> None:
        """``pixels`` at once; 0 for a usual phone's photo for each core."""
        self._most = pixels or _PIXELS_A_CORE * (os.cpu_count() or 1)
        self._held = 0
        self._turn = threading.Condition()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Wait for room, and take it; who needs none does not wait."""
        with self._turn:
            self._turn.wait_for(lambda: not pixels or not self._held or self._held + pixels <= self._most)
            self._held += pixels
        try:
            yield
        finally:
            with self._turn:
                self._held -= pixels
                self._turn.notify_all()
