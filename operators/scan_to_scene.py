# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that goes all the way: photos, masks, cameras, model, scene."""

from typing import Any

import bpy

from ..properties import job_settings
from ..properties.declared import given, operator_properties
from ..properties.stored import Settings
from ..properties.typed import existing
from ..scan.engines.settings import ReconstructSettings
from ..scan.meshing.settings import ModelSettings
from ..scan.reconstruction.settings import SceneContent
from ..scan.tasks.settings import NOT_OF_A_SCAN, ScanSteps, StripSettings
from ..scan.texturing.settings import TextureSettings
from ..session import steps, survey
from ..session.job_operator import JobOperator

_GROUPS = (StripSettings, ReconstructSettings, ModelSettings, TextureSettings, ScanSteps, SceneContent)


class SCAN_CUTOUT_OT_scan_to_scene(JobOperator, bpy.types.Operator):
    """Strip the backgrounds, find the cameras, build and paint the model and bring all into the scene, in one go"""

    bl_idname = "scan_cutout.scan_to_scene"
    bl_label = "Scan to Scene"
    # Not REGISTER: Adjust Last Operation would run all of it again, and Blender would wait for it.
    bl_options = {"UNDO"}

    __annotations__ = operator_properties(*_GROUPS, without=NOT_OF_A_SCAN)

    @classmethod
    def missing(cls, shown: Settings) -> str:
        """There are photos."""
        return survey.missing_photos(shown)

    def plan(self, context: bpy.types.Context, shown: dict[str, Any]) -> steps.Steps:
        """Take all steps, each from where an earlier run ended.

        Photos that failed, could not be placed or are missing behind their camera are a warning, as is a model that
        cannot be built; anything worse is an error, and what was done before it is kept.
        """
        wanted = {**shown, **given(self.properties, *_GROUPS)}
        return steps.scan_to_scene(
            job_settings.strip_settings(context, wanted),
            job_settings.reconstruct_settings(context, wanted),
            job_settings.wanted_model(context, wanted),
            job_settings.wanted_texture(context, wanted),
            job_settings.scene_content(wanted),
            existing(context.scene).session_uid,
        )
