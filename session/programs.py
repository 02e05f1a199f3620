# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photogrammetry programs are on this computer: asked of a worker, for the preferences."""

import bpy

from ..properties import job_settings
from ..scan.job.job_end import JobEnd
from . import queries

_TASK = "check_programs"


def ask(context: bpy.types.Context) -> None:
    """Have a worker look for the programs at the paths in the preferences, and where they usually are."""
    queries.forget_all(_TASK)  # of other paths
    settings = {"executables": job_settings.executables(context)}
    queries.ask(context, _question(context), {"task": _TASK, "settings": settings})


def is_asked(context: bpy.types.Context) -> bool:
    """Whether a worker is looking."""
    return queries.is_asked(_question(context))


def answer(context: bpy.types.Context) -> JobEnd | None:
    """How the look for the present paths ended; None while that is not known."""
    return queries.answer(_question(context))


def _question(context: bpy.types.Context) -> str:
    return f"{_TASK} {sorted(job_settings.executables(context).items())}"
