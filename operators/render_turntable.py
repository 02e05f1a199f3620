# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that renders the model: a picture of it, or a clip in which it turns."""

from typing import Any

import bpy

from ..properties import job_settings
from ..properties.declared import operator_properties
from ..scan.export.settings import TurntableSettings
from ..scan.export.targets import CLIPS, PICTURES
from ..session import steps
from ..session.file_asking import FileAsking, browser_properties
from ..session.job_operator import JobOperator


class SCAN_CUTOUT_OT_render_turntable(FileAsking, JobOperator, bpy.types.Operator):
    """Render a picture of the model from its front, or a clip in which it turns once; Blender goes on meanwhile"""

    bl_idname = "scan_cutout.render_turntable"
    bl_label = "Render Turntable"
    bl_options = set()

    suffix = PICTURES[0]

    __annotations__ = {
        **operator_properties(TurntableSettings, browsed=("turntable", "overwrite")),
        **browser_properties((*PICTURES, *CLIPS)),
    }

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a model, and no job is running."""
        return cls.finds_model(context) and super().poll(context)

    def plan(self, context: bpy.types.Context, shown: dict[str, Any]) -> steps.Steps:
        """Render it: by hand in a second Blender, of a copy of the file; by a script in this one, which waits."""
        wanted = {**shown, **self.wanted(TurntableSettings)}
        return steps.render_turntable(job_settings.turntable_settings(wanted), is_apart=self.is_by_hand)
