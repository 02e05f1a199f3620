# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that builds a mesh of the object."""

from typing import Any

import bpy

from ..properties import job_settings
from ..properties.declared import given, operator_properties
from ..properties.stored import Settings
from ..scan.common.declared import help_of
from ..scan.meshing.settings import ModelSettings
from ..session import steps, survey
from ..session.job_operator import JobOperator


class SCAN_CUTOUT_OT_build_model(JobOperator, bpy.types.Operator):
    """Build a closed mesh of the object from the photos, their masks and their cameras"""

    bl_idname = "scan_cutout.build_model"
    bl_label = "Build Model"
    # Not REGISTER: Repeat Last would start it anew, and Blender's list of operators cannot hold one that goes on then.
    bl_options = set()

    __annotations__ = operator_properties(ModelSettings)

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip: the button that builds again has no label."""
        if properties.model_again:
            return help_of(ModelSettings, "model_again")
        return ""  # the class's own

    @classmethod
    def missing(cls, shown: Settings) -> str:
        """There are photos, masks and cameras."""
        return survey.missing_photos(shown) or survey.missing_masks(shown) or survey.missing_results(shown)

    def plan(self, context: bpy.types.Context, shown: dict[str, Any]) -> steps.Steps:
        """Build the mesh. Where none can be built, that is an error."""
        wanted = {**shown, **given(self.properties, ModelSettings)}
        return steps.build_model(job_settings.model_settings(context, wanted))
