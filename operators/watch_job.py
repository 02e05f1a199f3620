# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that watches a running job on, after the one that began has let go."""

import bpy

from ..properties.typed import OperatorResult
from ..session.job_operator import Watching


class SCAN_CUTOUT_OT_watch_job(Watching, bpy.types.Operator):
    """Follow the running job"""

    bl_idname = "scan_cutout.watch_job"
    bl_label = "Watch Job"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> OperatorResult:
        """Watch from now on."""
        return self.watch(context)
