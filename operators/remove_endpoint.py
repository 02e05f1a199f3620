# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that removes one of the further endpoints of the preferences."""

import bpy

from ..properties import job_settings
from ..properties.typed import IntProperty, OperatorResult, existing, with_properties


@with_properties
class SCAN_CUTOUT_OT_remove_endpoint(bpy.types.Operator):
    """Do not use this server any more"""

    bl_idname = "scan_cutout.remove_endpoint"
    bl_label = "Remove Endpoint"
    bl_options = {"INTERNAL"}

    index: int = IntProperty()

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Take its address out."""
        existing(job_settings.preferences(context)).further_endpoints.remove(self.index)
        existing(context.preferences).is_dirty = True
        return {"FINISHED"}
