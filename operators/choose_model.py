# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator behind an entry of the list of models."""

import bpy
from bpy.props import StringProperty

from ..properties import job_settings
from ..scan.segmentation import model_notes


class SCAN_CUTOUT_OT_choose_model(bpy.types.Operator):
    """Use this model"""

    bl_idname = "scan_cutout.choose_model"
    bl_label = "Choose Model"
    bl_options = {"INTERNAL"}

    model: StringProperty()  # type: ignore[valid-type]

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Say as the tooltip what is to be known of the model."""
        return model_notes.note(properties.model)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write it into the preferences."""
        job_settings.preferences(context).model = self.model
        context.preferences.is_dirty = True
        return {"FINISHED"}
