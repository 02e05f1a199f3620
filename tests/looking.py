# SPDX-License-Identifier: GPL-3.0-or-later
"""A preview that is looked at."""

import dataclasses

from scan.job.folder import JobFolder


class Looking:
    """A preview that runs, and what it was told and said."""

    def __init__(self, workers, folder, settings):
        self.file = folder / "preview.jpg"
        self._workers = workers
        self._number = 0
        job = {"task": "preview", "settings": dataclasses.asdict(settings)}
        self.worker = workers.start_job(JobFolder(folder), job)
        workers.until(self.worker, lambda event: event["event"] == "started")

    def ask(self, photo, answer=None, **mask):
        """Send a message, and give its number."""
        self._number += 1
        message = {"photo": photo, "mask": mask, "answer": answer or {"model": "u2netp"}, "number": self._number}
        self.worker.send(message)
        return self._number

    def until(self, number, *events):
        """Wait for the first of these events about a message; every event until then."""
        wanted = events or ("previewed", "preview_failed")
        return self._workers.until(self.worker, lambda event: event["event"] in wanted and event["number"] == number)

    def show(self, photo, answer=None, **mask):
        """Send a message, and give what became of it."""
        return self.until(self.ask(photo, answer, **mask))[-1]

    def end(self):
        """Close it, and give the last event."""
        self.worker.cancel()
        return self._workers.end(self.worker).finished
