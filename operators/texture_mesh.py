# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that paints any mesh of the scene with what the photos of a scan show."""

from typing import Any

import bpy

from ..properties import job_settings
from ..properties.declared import given, operator_properties
from ..properties.stored import Settings
from ..scan.common.declared import help_of, names_of
from ..scan.common.errors import BadUseError
from ..scan.reconstruction.settings import SceneContent
from ..scan.texturing.settings import TextureSettings
from ..scene import remodelled
from ..session import steps, survey
from ..session.job_operator import JobOperator

_OTHERS = {"mesh", *names_of(SceneContent)} - {"pack_texture"}
"""Settings of a texture and of a scan in the scene that a mesh which is there does not have."""


class SCAN_CUTOUT_OT_texture_mesh(JobOperator, bpy.types.Operator):
    """Texture the active mesh, such as a remodelled or decimated model, from the photos of the scan it stands in"""

    bl_idname = "scan_cutout.texture_mesh"
    bl_label = "Texture Active Mesh"
    bl_options = {"UNDO"}

    __annotations__ = operator_properties(TextureSettings, SceneContent, without=_OTHERS)

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip: the button that keeps the UVs has no label."""
        if properties.keep_uvs:
            return help_of(TextureSettings, "keep_uvs")
        return ""  # the class's own

    @classmethod
    def missing(cls, shown: Settings) -> str:
        """There are photos and cameras, and a mesh is active."""
        try:
            remodelled.check(bpy.context.object)
        except BadUseError as error:
            return str(error)
        return survey.missing_photos(shown) or survey.missing_results(shown)

    def plan(self, context: bpy.types.Context, shown: dict[str, Any]) -> steps.Steps:
        """Make the texture and show it on the mesh. Raises BadUseError."""
        wanted = {**shown, **given(self.properties, TextureSettings, SceneContent)}
        settings = job_settings.texture_settings(context, wanted)
        return steps.texture_mesh(settings, context.object, packed=job_settings.scene_content(wanted).pack_texture)
