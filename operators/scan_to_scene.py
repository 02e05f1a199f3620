# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that goes all the way: photos, masks, cameras, scene."""

from typing import Any

import bpy

from ..properties import job_settings
from ..properties.reconstruct_properties import ReconstructProperties
from ..properties.scan_properties import ImportProperties, read
from ..properties.strip_properties import StripProperties
from ..session import steps, survey
from ..session.job_operator import JobOperator


class SCAN_CUTOUT_OT_scan_to_scene(
    StripProperties, ReconstructProperties, ImportProperties, JobOperator, bpy.types.Operator
):
    """Strip the backgrounds, find the cameras and bring them into the scene, in one go"""

    bl_idname = "scan_cutout.scan_to_scene"
    bl_label = "Scan to Scene"
    # Not REGISTER: Adjust Last Operation would run all of it again, and Blender would wait for it.
    bl_options = {"UNDO"}

    @classmethod
    def missing(cls, shown: bpy.types.PropertyGroup) -> str:
        """There are photos."""
        return survey.missing_photos(shown)

    def plan(self, context: bpy.types.Context, shown: dict[str, Any]) -> steps.Steps:
        """Take all steps, each from where an earlier run ended.

        Photos that failed, could not be placed or are missing behind their camera are a warning; anything worse is an
        error, and what was done before it is kept.
        """
        stripping = self.given(shown)
        solving = {**self.given_to_engine(shown), **{name: stripping[name] for name in ("photos", "output", "files")}}
        importing = {**shown, **read(self.properties, ImportProperties.__annotations__)}
        return steps.scan_to_scene(
            job_settings.strip_settings(context, stripping),
            job_settings.reconstruct_settings(context, solving),
            context.scene.session_uid,
            animated_camera=importing.get("animated_camera", False),
        )
