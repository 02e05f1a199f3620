# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that asks a rembg server who it is."""

import tempfile
from dataclasses import asdict
from pathlib import Path

import bpy
from bpy.props import StringProperty

from ..scan.errors import ScanError
from ..scan.job import JobFolder
from . import driver


class SCAN_CUTOUT_OT_check_endpoint(bpy.types.Operator):
    """Ask the rembg server for its version and its models"""

    bl_idname = "scan_cutout.check_endpoint"
    bl_label = "Test Connection"
    bl_options = {"REGISTER"}

    endpoint: StringProperty(  # type: ignore[valid-type]
        name="Endpoint",
        description="Address of the rembg server; unset, the one in the preferences",
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Report what answers; an error where nothing does, or nothing that is rembg."""
        given = {"endpoint": self.endpoint} if self.properties.is_property_set("endpoint") else {}
        try:
            settings = driver.endpoint_settings(context, given)
            settings.check()
            # A job like any other, so that a server that hangs hangs a process and not Blender.
            with tempfile.TemporaryDirectory(prefix="scan_cutout_") as folder:
                job = {"task": "check_endpoint", "settings": asdict(settings)}
                finished = driver.run_blocking(context, JobFolder(Path(folder)), job)
        except ScanError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return driver.report_finished(self, finished)
