# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that adds an endpoint to those of the preferences."""

import bpy

from ..properties import job_settings
from ..properties.typed import OperatorResult, existing


class SCAN_CUTOUT_OT_add_endpoint(bpy.types.Operator):
    """Add another rembg server; photos are shared out among all of them"""

    bl_idname = "scan_cutout.add_endpoint"
    bl_label = "Add Endpoint"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Add an empty address for the user to fill in."""
        existing(job_settings.preferences(context)).further_endpoints.add()
        existing(context.preferences).is_dirty = True
        return {"FINISHED"}
