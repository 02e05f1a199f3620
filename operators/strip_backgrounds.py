# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that makes a mask for every photo of a folder."""

from typing import Any

import bpy
from bpy.props import CollectionProperty, IntProperty, StringProperty

from ..scan.errors import ScanError
from . import driver


class SCAN_CUTOUT_OT_strip_backgrounds(bpy.types.Operator):
    """Make a mask for every photo of a folder and its subfolders, with the background removed by rembg"""

    bl_idname = "scan_cutout.strip_backgrounds"
    bl_label = "Strip Backgrounds"
    bl_options = {"REGISTER"}

    directory: StringProperty(  # type: ignore[valid-type]
        name="Photos",
        description="Folder with the photos; each subfolder is one side of the scan",
        subtype="DIR_PATH",
    )
    files: CollectionProperty(  # type: ignore[valid-type]
        name="Files",
        description="Photos in that folder; none means all of them, subfolders included",
        type=bpy.types.OperatorFileListElement,
    )
    output_directory: StringProperty(  # type: ignore[valid-type]
        name="Output",
        description="Folder for masks and reports, outside of the photo folder; an earlier run there is continued",
        subtype="DIR_PATH",
    )
    endpoint: StringProperty(  # type: ignore[valid-type]
        name="Endpoint",
        description="Address of the rembg server; unset, the one in the preferences",
    )
    model: StringProperty(  # type: ignore[valid-type]
        name="Model",
        description="Name of the rembg model; unset, the one in the preferences",
    )
    threshold: IntProperty(  # type: ignore[valid-type]
        name="Threshold",
        description="How sure the model must be of a pixel for it to be kept",
        default=128,
        min=1,
        max=255,
    )
    proxy_size: IntProperty(  # type: ignore[valid-type]
        name="Proxy Size",
        description="Long edge in pixels of what the server is sent; 0 sends the photo file itself",
        default=1024,
        min=0,
        max=8192,
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Block until every photo is done or failed.

        An error (nothing done, server away, bad use) is reported as such, which makes a calling script fail; photos
        that failed among others are a warning, and named in ``report.json``.
        """
        try:
            finished = driver.run_strip(context, driver.strip_settings(context, self._given()))
        except ScanError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return driver.report_finished(self, finished)

    def _given(self) -> dict[str, Any]:
        given: dict[str, Any] = {
            "photos": bpy.path.abspath(self.directory),
            "output": bpy.path.abspath(self.output_directory),
            "files": tuple(each.name for each in self.files),
        }
        for name in ("endpoint", "model", "threshold", "proxy_size"):
            if self.properties.is_property_set(name):
                given[name] = getattr(self, name)
        return given
