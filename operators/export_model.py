# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that writes the model to a file for other programs."""

import bpy

from ..properties.declared import operator_properties
from ..properties.typed import OperatorResult
from ..scan.common.errors import ScanError, printable
from ..scan.export.settings import ExportSettings
from ..scan.export.targets import MODELS
from ..session.file_asking import FileAsking, browser_properties
from ..session.handing_on import exported


class SCAN_CUTOUT_OT_export_model(FileAsking, bpy.types.Operator):
    """Write the model to a file: .glb or .usdz in metres to show it, .obj or .ply in millimetres to print it"""

    bl_idname = "scan_cutout.export_model"
    bl_label = "Export Model"
    bl_options = set()  # not REGISTER: Repeat Last would ask for the file that is there by then

    suffix = MODELS[0]

    __annotations__ = {
        **operator_properties(ExportSettings, browsed=("export", "overwrite")),
        **browser_properties(MODELS),
    }

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a model."""
        return cls.finds_model(context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Write it. Scene and selection stay as they are."""
        try:
            said = exported(context, ExportSettings(**self.wanted(ExportSettings)))
        except ScanError as error:
            self.report({"ERROR"}, printable(str(error)))
            return {"CANCELLED"}
        self.report({"INFO"}, printable(said))
        return {"FINISHED"}
