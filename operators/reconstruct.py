# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that has a photogrammetry program find the cameras."""

from typing import Any

import bpy

from ..properties import job_settings
from ..properties.declared import given, operator_properties
from ..properties.stored import Settings
from ..scan.common.declared import help_of
from ..scan.engines.settings import ReconstructSettings
from ..session import steps, survey
from ..session.job_operator import JobOperator


class SCAN_CUTOUT_OT_reconstruct(JobOperator, bpy.types.Operator):
    """Find the cameras and points of a scan from its photos and their masks"""

    bl_idname = "scan_cutout.reconstruct"
    bl_label = "Reconstruct"
    # Not REGISTER: Repeat Last would start it anew, and Blender's list of operators cannot hold one that goes on then.
    bl_options = set()

    __annotations__ = operator_properties(ReconstructSettings)

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip: the button that solves again has no label."""
        if properties.again:
            return help_of(ReconstructSettings, "again")
        return ""  # the class's own

    @classmethod
    def missing(cls, shown: Settings) -> str:
        """There are photos and, where they are to be used, masks."""
        return survey.missing_photos(shown) or (survey.missing_masks(shown) if shown.masks else "")

    def plan(self, context: bpy.types.Context, shown: dict[str, Any]) -> steps.Steps:
        """Find the cameras. Photos that could not be placed are a warning, anything worse an error."""
        wanted = {**shown, **given(self.properties, ReconstructSettings)}
        return steps.reconstruct(job_settings.reconstruct_settings(context, wanted))
