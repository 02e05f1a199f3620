# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that looks for the photogrammetry programs on this computer."""

import bpy

from ..properties import job_settings
from ..session import queries


class SCAN_CUTOUT_OT_check_programs(bpy.types.Operator):
    """Look for the photogrammetry programs and ask each for its version"""

    bl_idname = "scan_cutout.check_programs"
    bl_label = "Check Programs"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask; the preferences show the answer when it comes."""
        stored = job_settings.preferences(context)
        ask_for_programs(context, stored.colmap_executable if stored else "")
        return {"FINISHED"}


def ask_for_programs(context: bpy.types.Context, colmap: str) -> None:
    """Have a worker look for the programs; ``colmap`` is the path in the preferences."""
    content = {"task": "check_programs", "settings": {"colmap_executable": bpy.path.abspath(colmap)}}
    queries.forget_all(question(""))  # of other paths
    queries.ask(context, question(colmap), content)


def question(colmap: str) -> str:
    """The name under which ``queries`` has the answer for these paths."""
    return f"check_programs {colmap}"
