# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that has a photogrammetry program find the cameras."""

from typing import Any

import bpy
from bpy.props import StringProperty

from ..properties import job_settings
from ..properties.reconstruct_properties import ReconstructProperties
from ..properties.scan_properties import RELATIVE
from ..session import steps, survey
from ..session.job_operator import JobOperator


class SCAN_CUTOUT_OT_reconstruct(ReconstructProperties, JobOperator, bpy.types.Operator):
    """Find the cameras and points of a scan from its photos and their masks"""

    bl_idname = "scan_cutout.reconstruct"
    bl_label = "Reconstruct"
    # Not REGISTER: Repeat Last would start it anew, and Blender's list of operators cannot hold one that goes on then.
    bl_options = set()

    directory: StringProperty(  # type: ignore[valid-type]
        name="Photos",
        description="Folder with the photos; unset, the one that the output folder's masks were made of",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
    )
    output_directory: StringProperty(  # type: ignore[valid-type]
        name="Output",
        description="Folder with the masks, where the results go too",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
    )

    @classmethod
    def missing(cls, shown: bpy.types.PropertyGroup) -> str:
        """There are photos and, where they are to be used, masks."""
        return survey.missing_photos(shown) or survey.missing_masks(shown)

    def plan(self, context: bpy.types.Context, shown: dict[str, Any]) -> steps.Steps:
        """Find the cameras. Photos that could not be placed are a warning, anything worse an error."""
        given = {
            **self.given_to_engine(shown),
            "photos": bpy.path.abspath(self.directory) or shown.get("photos", ""),
            "output": bpy.path.abspath(self.output_directory) or shown.get("output", ""),
        }
        return steps.reconstruct(job_settings.reconstruct_settings(context, given))
