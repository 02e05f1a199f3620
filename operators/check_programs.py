# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that looks for the photogrammetry programs on this computer."""

import bpy

from ..properties.typed import OperatorResult
from ..session import programs


class SCAN_CUTOUT_OT_check_programs(bpy.types.Operator):
    """Look for the photogrammetry programs and ask each for its version"""

    bl_idname = "scan_cutout.check_programs"
    bl_label = "Check Programs"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Ask; the preferences show the answer when it comes."""
        programs.ask(context)
        return {"FINISHED"}
