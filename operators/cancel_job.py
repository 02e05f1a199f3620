# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that cancels the running job."""

import bpy

from ..properties.typed import OperatorResult, existing
from ..session import current_job
from ..session.redraw import redraw


class SCAN_CUTOUT_OT_cancel_job(bpy.types.Operator):
    """Let the photos in flight finish, then stop; run again later to go on where it stopped"""

    bl_idname = "scan_cutout.cancel_job"
    bl_label = "Cancel Job"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """A job is running and was not cancelled yet."""
        job = current_job.now()
        if job is None:
            cls.poll_message_set("No job is running")
        elif job.is_cancelled:
            cls.poll_message_set("The job is about to end; photos in flight are waited for")
        return job is not None and not job.is_cancelled

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Ask the worker to end; who watches it tells when it has."""
        existing(current_job.now()).cancel()
        redraw(context)
        return {"FINISHED"}
