# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that brings a solved scan into the scene, and what may be dropped on the viewport for it."""

from typing import Any

import bpy
from bpy.props import StringProperty

from ..properties.declared import given, operator_properties
from ..properties.stored import Settings
from ..properties.typed import OperatorResult, existing
from ..scan.reconstruction.readers import registry
from ..scan.reconstruction.settings import ImportSettings
from ..session import steps, survey
from ..session.job_operator import JobOperator


class SCAN_CUTOUT_OT_import_reconstruction(JobOperator, bpy.types.Operator):
    """Bring the cameras and points of a reconstruction into the scene, and the model that was built of it"""

    bl_idname = "scan_cutout.import_reconstruction"
    bl_label = "Import Reconstruction"
    bl_options = {"REGISTER", "UNDO"}

    __annotations__ = {
        **operator_properties(ImportSettings, browsed=("directory", "filepath")),
        # What it shows.
        "filter_glob": StringProperty(
            default=";".join(f"*{suffix}" for suffix in registry.suffixes()), options={"HIDDEN"}
        ),
    }

    @classmethod
    def missing(cls, shown: Settings) -> str:
        """Something was found."""
        return survey.missing_results(shown)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> OperatorResult:
        """Import what was dropped; else ask for the folder."""
        if self.properties.directory or self.properties.filepath:
            return self.execute(context)
        existing(context.window_manager).fileselect_add(self)
        return {"RUNNING_MODAL"}

    def plan(self, context: bpy.types.Context, _shown: dict[str, Any]) -> steps.Steps:
        """Bring it in. With an error the scene stays as it was."""
        # Blender ticks it as it was the last time, which does not count as set.
        kept = ("animated_camera", "same_scan", "upright", "pack_texture")
        ticked = {name: getattr(self.properties, name) for name in kept}
        settings = ImportSettings(**ticked | given(self.properties, ImportSettings))
        return steps.import_scan(settings, existing(context.scene).session_uid)


class SCAN_CUTOUT_FH_import_reconstruction(bpy.types.FileHandler):
    """Takes the files of a reconstruction that are dropped on the 3D View"""

    bl_idname = "SCAN_CUTOUT_FH_import_reconstruction"
    bl_label = "Reconstruction"
    bl_import_operator = SCAN_CUTOUT_OT_import_reconstruction.bl_idname
    # Anything may be in files of these kinds; nothing else of Blender wants them there, and the operator says what it
    # does not know.
    bl_file_extensions = ";".join(registry.suffixes())

    @classmethod
    def poll_drop(cls, context: bpy.types.Context | None) -> bool:
        """Only where objects are."""
        return context is not None and context.area is not None and context.area.type in {"VIEW_3D", "OUTLINER"}
