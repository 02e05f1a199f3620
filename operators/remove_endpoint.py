# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that removes one of the further endpoints of the preferences."""

import bpy
from bpy.props import IntProperty

from ..properties import job_settings


class SCAN_CUTOUT_OT_remove_endpoint(bpy.types.Operator):
    """Do not use this server any more"""

    bl_idname = "scan_cutout.remove_endpoint"
    bl_label = "Remove Endpoint"
    bl_options = {"INTERNAL"}

    index: IntProperty()  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take its address out."""
        job_settings.preferences(context).further_endpoints.remove(self.index)
        context.preferences.is_dirty = True
        return {"FINISHED"}
