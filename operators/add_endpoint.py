# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that adds an endpoint to those of the preferences."""

import bpy

from ..properties import job_settings


class SCAN_CUTOUT_OT_add_endpoint(bpy.types.Operator):
    """Add another rembg server; photos are shared out among all of them"""

    bl_idname = "scan_cutout.add_endpoint"
    bl_label = "Add Endpoint"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add an empty address for the user to fill in."""
        job_settings.preferences(context).further_endpoints.add()
        context.preferences.is_dirty = True
        return {"FINISHED"}
