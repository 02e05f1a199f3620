# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that has a photogrammetry program find the cameras."""

import bpy
from bpy.props import StringProperty

from ..scan.errors import ScanError
from . import driver
from .reconstruct_properties import ReconstructProperties


class SCAN_CUTOUT_OT_reconstruct(ReconstructProperties, bpy.types.Operator):
    """Find the cameras and points of a scan from its photos and their masks"""

    bl_idname = "scan_cutout.reconstruct"
    bl_label = "Reconstruct"
    bl_options = {"REGISTER"}

    directory: StringProperty(  # type: ignore[valid-type]
        name="Photos",
        description="Folder with the photos; unset, the one that the output folder's masks were made of",
        subtype="DIR_PATH",
    )
    output_directory: StringProperty(  # type: ignore[valid-type]
        name="Output",
        description="Folder with the masks, where the results go too",
        subtype="DIR_PATH",
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Block until the engine is done. Photos that could not be placed are a warning, anything worse an error."""
        given = {
            **self.given_to_engine(),
            "photos": bpy.path.abspath(self.directory),
            "output": bpy.path.abspath(self.output_directory),
        }
        try:
            finished = driver.run_reconstruct(context, driver.reconstruct_settings(context, given))
        except ScanError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return driver.report_finished(self, finished)
