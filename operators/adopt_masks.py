# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that makes masks that somebody has already the masks of their photos."""

from typing import Any

import bpy

from ..properties import job_settings
from ..properties.declared import given, operator_properties
from ..properties.stored import Settings
from ..scan.tasks.settings import AdoptSettings
from ..session import steps, survey
from ..session.job_operator import JobOperator


class SCAN_CUTOUT_OT_adopt_masks(JobOperator, bpy.types.Operator):
    """Take the masks of your own that lie among or beside the photos; later runs keep them, as those you paint on"""

    bl_idname = "scan_cutout.adopt_masks"
    bl_label = "Adopt Masks"
    # Not REGISTER: Repeat Last would start it anew, and Blender's list of operators cannot hold one that goes on then.
    bl_options = set()

    __annotations__ = operator_properties(AdoptSettings)

    @classmethod
    def missing(cls, shown: Settings) -> str:
        """There are photos."""
        return survey.missing_photos(shown)

    def plan(self, context: bpy.types.Context, shown: dict[str, Any]) -> steps.Steps:
        """Adopt the masks. Where there are none, that is an error."""
        wanted = {**shown, **given(self.properties, AdoptSettings)}
        return steps.adopt_masks(job_settings.adopt_settings(wanted))
