# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that makes a mask for every photo of a folder."""

from typing import Any

import bpy
from bpy.props import BoolProperty

from ..properties import job_settings
from ..properties.declared import given, operator_properties
from ..properties.stored import Settings
from ..scan.tasks.settings import StripSettings
from ..session import steps, survey
from ..session.job_operator import JobOperator


class SCAN_CUTOUT_OT_strip_backgrounds(JobOperator, bpy.types.Operator):
    """Make a mask for every photo of a folder and its subfolders, with the background removed by rembg"""

    bl_idname = "scan_cutout.strip_backgrounds"
    bl_label = "Strip Backgrounds"
    # Not REGISTER: Repeat Last would start it anew, and Blender's list of operators cannot hold one that goes on then.
    bl_options = set()

    __annotations__ = {
        **operator_properties(StripSettings),
        # Changes the tooltip alone: every run does what is missing.
        "retry": BoolProperty(options={"HIDDEN", "SKIP_SAVE"}),
    }

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Say what it does to photos that have failed."""
        if properties.retry:
            return "Strip again what failed, and what the settings have changed since; other masks stay as they are"
        return ""  # the class's own

    @classmethod
    def missing(cls, shown: Settings) -> str:
        """There are photos."""
        return survey.missing_photos(shown)

    def plan(self, context: bpy.types.Context, shown: dict[str, Any]) -> steps.Steps:
        """Make the masks; photos that have theirs already keep it."""
        wanted = {**shown, **given(self.properties, StripSettings)}
        return steps.strip(job_settings.strip_settings(context, wanted))
