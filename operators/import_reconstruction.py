# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that brings a solved scan into the scene, and what may be dropped on the viewport for it."""

from typing import Any

import bpy
from bpy.props import StringProperty

from ..properties.scan_properties import RELATIVE, ImportProperties
from ..scan.reconstruction.importing import ImportSettings
from ..session import steps, survey
from ..session.job_operator import JobOperator

# The folders of one import are not those of the next.
_ONCE = {"SKIP_SAVE", "HIDDEN"} | RELATIVE


class SCAN_CUTOUT_OT_import_reconstruction(ImportProperties, JobOperator, bpy.types.Operator):
    """Bring the cameras and points of a COLMAP model into the scene, with the photos behind the cameras"""

    bl_idname = "scan_cutout.import_reconstruction"
    bl_label = "Import Reconstruction"
    bl_options = {"UNDO"}

    directory: StringProperty(  # type: ignore[valid-type]
        name="Model",
        description="Folder of the COLMAP model (cameras, images and points3D), or one that holds such folders",
        subtype="DIR_PATH",
        options=_ONCE,
    )
    filepath: StringProperty(  # type: ignore[valid-type]
        name="File",
        description="Instead of the folder, one of the model's files",
        subtype="FILE_PATH",
        options=_ONCE,
    )
    filter_glob: StringProperty(default="*.bin;*.txt", options={"HIDDEN"})  # type: ignore[valid-type]
    photos_directory: StringProperty(  # type: ignore[valid-type]
        name="Photos",
        description="Folder with the photos that were solved; empty to look for it beside the model",
        options={"SKIP_SAVE"},
    )
    masks_directory: StringProperty(  # type: ignore[valid-type]
        name="Masks",
        description="Folder with a mask for each photo; empty to look for it beside the model",
        options={"SKIP_SAVE"},
    )
    output_directory: StringProperty(  # type: ignore[valid-type]
        name="Copies",
        description="Folder that gets a folder with undistorted copies of photos that Blender's cameras cannot show as "
        "they are; empty to have it with the model",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def missing(cls, shown: bpy.types.PropertyGroup) -> str:
        """Something was found."""
        return survey.missing_results(shown)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Import what was dropped; else ask for the folder."""
        if self.directory or self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def plan(self, context: bpy.types.Context, _shown: dict[str, Any]) -> steps.Steps:
        """Bring it in. With an error the scene stays as it was."""
        return steps.import_scan(self._settings(), context.scene.session_uid, animated_camera=self.animated_camera)

    def _settings(self) -> ImportSettings:
        absolute = bpy.path.abspath
        return ImportSettings(
            directory=absolute(self.directory),
            filepath=absolute(self.filepath),
            photos=absolute(self.photos_directory),
            masks=absolute(self.masks_directory),
            output=absolute(self.output_directory),
        )


class SCAN_CUTOUT_FH_import_reconstruction(bpy.types.FileHandler):
    """Takes the files of a COLMAP model that are dropped on the 3D View"""

    bl_idname = "SCAN_CUTOUT_FH_import_reconstruction"
    bl_label = "COLMAP Model"
    bl_import_operator = SCAN_CUTOUT_OT_import_reconstruction.bl_idname
    # Anything may be in files of these kinds; nothing else of Blender wants them there, and the operator says what it
    # does not know.
    bl_file_extensions = ".bin;.txt"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Only where objects are."""
        return context.area is not None and context.area.type in {"VIEW_3D", "OUTLINER"}
