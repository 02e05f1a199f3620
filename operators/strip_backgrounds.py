# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that makes a mask for every photo of a folder."""

import bpy

from ..scan.errors import ScanError
from . import driver
from .strip_properties import StripProperties


class SCAN_CUTOUT_OT_strip_backgrounds(StripProperties, bpy.types.Operator):
    """Make a mask for every photo of a folder and its subfolders, with the background removed by rembg"""

    bl_idname = "scan_cutout.strip_backgrounds"
    bl_label = "Strip Backgrounds"
    bl_options = {"REGISTER"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Block until every photo is done or failed.

        An error (nothing done, server away, bad use) is reported as such, which makes a calling script fail; photos
        that failed among others are a warning, and named in ``report.json``.
        """
        try:
            finished = driver.run_strip(context, driver.strip_settings(context, self.given()))
        except ScanError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return driver.report_finished(self, finished)
