# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator behind an entry of the list of models."""

import bpy

from ..properties import job_settings
from ..properties.typed import OperatorResult, StringProperty, existing, with_properties
from ..scan.segmentation import model_notes


@with_properties
class SCAN_CUTOUT_OT_choose_model(bpy.types.Operator):
    """Use this model"""

    bl_idname = "scan_cutout.choose_model"
    bl_label = "Choose Model"
    bl_options = {"INTERNAL"}

    model: str = StringProperty()

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Say as the tooltip what is to be known of the model."""
        return model_notes.note(properties.model)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Write it into the preferences."""
        existing(job_settings.preferences(context)).model = self.model
        existing(context.preferences).is_dirty = True
        return {"FINISHED"}
