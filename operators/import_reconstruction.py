# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that brings a solved scan into the scene, and what may be dropped on the viewport for it."""

import bpy
from bpy.props import BoolProperty, StringProperty

from ..scan.errors import ScanError
from ..scan.reconstruction.importing import ImportSettings
from .scene_import import import_scan

# The folders of one import are not those of the next.
_ONCE = {"SKIP_SAVE", "HIDDEN"}


class SCAN_CUTOUT_OT_import_reconstruction(bpy.types.Operator):
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
        description="Folder for undistorted copies of photos that Blender's cameras cannot show as they are; empty "
        "for one in the model's folder",
        options={"SKIP_SAVE"},
    )
    animated_camera: BoolProperty(  # type: ignore[valid-type]
        name="Animated Camera",
        description="Add one camera that goes through all photos, one a frame",
        default=False,
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Import what was dropped; else ask for the folder."""
        if self.directory or self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Block until the scan is in the scene. With an error the scene stays as it was."""
        try:
            said, is_whole = import_scan(context, self._settings(), animated_camera=self.animated_camera)
        except ScanError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO" if is_whole else "WARNING"}, said)
        return {"FINISHED"}

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
