# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that goes all the way: photos, masks, cameras, scene."""

import bpy
from bpy.props import BoolProperty

from ..scan.errors import ScanError
from ..scan.reconstruction.importing import ImportSettings
from . import driver
from .reconstruct_properties import ReconstructProperties
from .scene_import import import_scan
from .strip_properties import StripProperties


class SCAN_CUTOUT_OT_scan_to_scene(StripProperties, ReconstructProperties, bpy.types.Operator):
    """Strip the backgrounds, find the cameras and bring them into the scene, in one go"""

    bl_idname = "scan_cutout.scan_to_scene"
    bl_label = "Scan to Scene"
    bl_options = {"REGISTER", "UNDO"}

    animated_camera: BoolProperty(  # type: ignore[valid-type]
        name="Animated Camera",
        description="Add one camera that goes through all photos, one a frame",
        default=False,
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Block until the scan is in the scene.

        Each step goes on where an earlier run ended. Photos that failed or could not be placed are a warning;
        anything worse is an error, and what was done before it is kept.
        """
        stripping = self.given()
        solving = {**self.given_to_engine(), **{name: stripping[name] for name in ("photos", "output", "files")}}
        try:
            finished = driver.run_strip(context, driver.strip_settings(context, stripping))
            if driver.report_finished(self, finished) == {"CANCELLED"}:
                return {"CANCELLED"}
            finished = driver.run_reconstruct(context, driver.reconstruct_settings(context, solving))
            if driver.report_finished(self, finished) == {"CANCELLED"}:
                return {"CANCELLED"}
            settings = ImportSettings(directory=finished["results"])
            said, is_whole = import_scan(context, settings, animated_camera=self.animated_camera)
        except ScanError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO" if is_whole else "WARNING"}, said)
        return {"FINISHED"}
