# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that writes the model to a file for other programs."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from ..properties.declared import given, operator_properties
from ..properties.typed import OperatorResult, existing
from ..scan.common.errors import ScanError, printable
from ..scan.export.settings import ExportSettings
from ..scan.export.targets import MODELS
from ..scene.model_alone import NO_MODEL, has_model
from ..session.handing_on import exported, proposed_file


class SCAN_CUTOUT_OT_export_model(bpy.types.Operator):
    """Write the model to a file: .glb or .usdz in metres to show it, .obj or .ply in millimetres to print it"""

    bl_idname = "scan_cutout.export_model"
    bl_label = "Export Model"

    __annotations__ = {
        **operator_properties(ExportSettings, browsed=("export", "overwrite")),
        # The file browser's: what it shows, and that it asks before a file is overwritten.
        "filter_glob": StringProperty(default=";".join(f"*{suffix}" for suffix in MODELS), options={"HIDDEN"}),
        "check_existing": BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"}),
    }

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a model."""
        if has_model(context):
            return True
        cls.poll_message_set(NO_MODEL)
        return False

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> OperatorResult:
        """Ask for the file."""
        if not self.properties.filepath:
            self.properties.filepath = str(proposed_file(context, MODELS[0]))
        existing(context.window_manager).fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Write it. A file that is there is overwritten only where that was said, or where the file browser asked."""
        wanted = given(self.properties, ExportSettings)
        if self.options.is_invoke:
            wanted["overwrite"] = Path(wanted.get("export", "")).is_file()
        try:
            said = exported(context, ExportSettings(**wanted))
        except ScanError as error:
            self.report({"ERROR"}, printable(str(error)))
            return {"CANCELLED"}
        self.report({"INFO"}, printable(said))
        return {"FINISHED"}
