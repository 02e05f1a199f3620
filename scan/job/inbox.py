# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender says to a worker that runs: messages, a line of JSON each, and by closing, that it shall end."""

import contextlib
import json
import os
import queue
import threading
from typing import Any

Message = dict[str, Any]


class Inbox:
    """The worker's standard input. ``listen`` runs in a thread of its own; the rest is for all others."""

    def __init__(self) -> None:
        self.cancel = threading.Event()
        """Set once the job shall end: it was cancelled, or Blender is gone."""
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def listen(self) -> None:
        """Read until standard input is closed."""
        rest = b""
        # Not sys.stdin: its lock, held by a thread that waits in a read, would keep the interpreter from ending.
        while added := os.read(0, 1 << 16):
            *lines, rest = (rest + added).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):  # a line of something else is no message
                    if isinstance(message := json.loads(line), dict):
                        self.put(message)
        self.cancel.set()
        self.wake()

    def put(self, message: Message) -> None:
        """Add a message."""
        self._messages.put(message)

    def wake(self) -> None:
        """Let ``newest`` return, with no message where there is none."""
        self._messages.put(None)

    def newest(self) -> Message | None:
        """Wait for messages, or to be woken, and return the last message that came; older ones count no more."""
        newest = self._messages.get()
        with contextlib.suppress(queue.Empty):
            while True:
                message = self._messages.get_nowait()
                newest = newest if message is None else message
        return newest
