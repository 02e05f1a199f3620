# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that brings a solved scan into the scene, and what may be dropped on the viewport for it."""

import bpy
from bpy.props import BoolProperty, StringProperty

from ..scan.errors import BadUseError, ScanError
from ..scan.job import JobFolder
from ..scan.reconstruction.importing import ImportPlan, ImportSettings, plan_import
from . import driver, scene_building

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
            plan = plan_import(self._settings())
            unfit = _prepare(context, plan)
        except ScanError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        scene_building.build(context, plan, animated_camera=self.animated_camera)
        self._tell(plan, unfit)
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

    def _tell(self, plan: ImportPlan, unfit: str) -> None:
        photos = plan.reconstruction.photos
        bare = sum(plan.picture(photo.name, photo.camera) is None for photo in photos)
        points = plan.reconstruction.points
        said = f"{plan.name}: {len(photos)} cameras and {len(points.positions)} points"
        known = points.errors[points.errors >= 0]
        if len(known):
            said += f", which miss the photos by {known.mean():.2f} pixels on average"
        if plan.photos is None:
            said += "; their photos were not found, name their folder to have them behind the cameras"
        elif bare:
            said += f"; {bare} have no picture behind them: " + (unfit or f"not all are in {plan.photos}")
        self.report({"WARNING" if bare else "INFO"}, said)


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


def _prepare(context: bpy.types.Context, plan: ImportPlan) -> str:
    """Have the worker make the undistorted copies, if any; what is wrong with those that failed. Raises ScanError."""
    if plan.job is None:
        return ""
    finished = driver.run_blocking(context, JobFolder(plan.copies.root), plan.job)
    if finished["status"] not in {"done", "some_failed"}:
        raise BadUseError(finished["message"])
    return finished["message"] if finished["status"] == "some_failed" else ""
