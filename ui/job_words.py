# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a job is, in few words: for wherever it is shown."""

from ..session.current_job import RunningJob


def counted(job: RunningJob) -> str:
    """How much of the present step is done."""
    progress = job.progress
    return f"{progress.done + progress.failed} of {progress.total}" if progress.total else "Starting…"


def pace(job: RunningJob) -> str:
    """How fast it goes and how long it will; empty while that is not known."""
    progress = job.progress
    rate, left = progress.rate(), progress.seconds_left()
    if job.is_cancelled or progress.waiting or rate is None or left is None:
        return ""
    # What an engine's step counts may be features or images of its own: only photos have a pace that means something.
    speed = "" if progress.step else f"{rate:.1f} photos/s, "
    return f"{speed}{duration(left)} left"


def duration(seconds: float) -> str:
    """A time as a clock shows it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
