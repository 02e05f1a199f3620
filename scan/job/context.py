# SPDX-License-Identifier: GPL-3.0-or-later
"""What every task of the worker is given beside its settings."""

import threading
from dataclasses import dataclass, field

from .folder import JobFolder
from .inbox import Inbox
from .journal import Journal


@dataclass(frozen=True)
class JobContext:
    """The job that a task works for."""

    folder: JobFolder
    journal: Journal
    token: str = ""
    """The token of a rembg server behind a proxy; empty for none. A secret: it goes into no file."""
    inbox: Inbox = field(default_factory=Inbox)
    """What Blender says while the task runs."""

    @property
    def cancel(self) -> threading.Event:
        """Set once the job shall end."""
        return self.inbox.cancel
