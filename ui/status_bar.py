# SPDX-License-Identifier: GPL-3.0-or-later
"""The running job in Blender's status bar, whatever editor is open."""

import bpy

from ..operators.cancel_job import SCAN_CUTOUT_OT_cancel_job
from ..properties.typed import existing
from ..session import current_job
from .job_words import counted, pace

_PLACE = "STATUSBAR_HT_header"
_BAR = 12  # widths of a button


def register() -> None:
    """Add it."""
    getattr(bpy.types, _PLACE).append(_draw)


def unregister() -> None:
    """Take it out."""
    getattr(bpy.types, _PLACE).remove(_draw)


def _draw(header: bpy.types.Header, _context: bpy.types.Context) -> None:
    job = current_job.now()
    if job is None:
        return
    row = existing(header.layout).row(align=True)
    row.separator(factor=2)
    row.label(text=_said(job))
    bar = row.row(align=True)
    bar.ui_units_x = _BAR
    bar.progress(factor=job.progress.factor, text=f"{job.title}: {counted(job)}")
    row.operator(SCAN_CUTOUT_OT_cancel_job.bl_idname, text="", icon="CANCEL")


def _said(job: current_job.RunningJob) -> str:
    if job.is_cancelled:
        return "Cancelling…"
    return "Waiting…" if job.progress.waiting else pace(job)
