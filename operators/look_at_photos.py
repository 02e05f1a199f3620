# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that has the scene's photo folder looked at again."""

import bpy

from ..properties.stored import settings_in
from ..properties.typed import OperatorResult
from ..session import survey


class SCAN_CUTOUT_OT_look_at_photos(bpy.types.Operator):
    """Look again at what is in the photo folder and in the output folder"""

    bl_idname = "scan_cutout.look_at_photos"
    bl_label = "Refresh"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a folder to look at."""
        words = survey.missing_photos(settings_in(context.scene))
        if words:
            cls.poll_message_set(words)
        return not words

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Ask; the sidebar shows the answer when it comes."""
        survey.ask(context)
        return {"FINISHED"}
