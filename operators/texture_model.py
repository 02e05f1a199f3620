# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that paints the model with what the photos show."""

from typing import Any

import bpy

from ..properties import job_settings
from ..properties.declared import given, operator_properties
from ..properties.stored import Settings
from ..scan.common.declared import help_of
from ..scan.texturing.settings import TextureSettings
from ..session import steps, survey
from ..session.job_operator import JobOperator


class SCAN_CUTOUT_OT_texture_model(JobOperator, bpy.types.Operator):
    """Make the texture of the model in the output folder from the photos, without the light of the lamps"""

    bl_idname = "scan_cutout.texture_model"
    bl_label = "Texture Model"
    # Not REGISTER: Repeat Last would start it anew, and Blender's list of operators cannot hold one that goes on then.
    bl_options = set()

    __annotations__ = operator_properties(TextureSettings)

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip: the button that does it again has no label."""
        if properties.texture_again:
            return help_of(TextureSettings, "texture_again")
        return ""  # the class's own

    @classmethod
    def missing(cls, shown: Settings) -> str:
        """There are photos, cameras and a model."""
        return survey.missing_photos(shown) or survey.missing_results(shown) or survey.missing_model(shown)

    def plan(self, context: bpy.types.Context, shown: dict[str, Any]) -> steps.Steps:
        """Make the texture. Where none can be made, that is an error."""
        wanted = {**shown, **given(self.properties, TextureSettings)}
        return steps.texture_model(job_settings.texture_settings(context, wanted))
