# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's panels for the steps of the work, each with its button."""

from pathlib import Path

import bpy

from ..operators.build_model import SCAN_CUTOUT_OT_build_model
from ..operators.import_reconstruction import SCAN_CUTOUT_OT_import_reconstruction
from ..operators.look_through_photo import SCAN_CUTOUT_OT_look_through_photo
from ..operators.reconstruct import SCAN_CUTOUT_OT_reconstruct
from ..operators.strip_backgrounds import SCAN_CUTOUT_OT_strip_backgrounds
from ..properties.stored import Settings, settings_in
from ..properties.typed import existing
from ..scan.common.declared import names_of
from ..scan.common.text import count
from ..scan.engines import catalog
from ..scan.engines.settings import shown_settings
from ..scan.job.folder import JobFolder
from ..scan.reconstruction.settings import SceneContent
from ..session import survey
from .sidebar_panel import SidebarPanel, draw_work, open_file, say


class SCAN_CUTOUT_PT_strip(SidebarPanel, bpy.types.Panel):
    """A mask for every photo"""

    bl_label = "Strip"

    def draw_settings(self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: Settings) -> None:
        """Draw the button, and what it has made."""
        found, output = survey.found(settings), survey.output_state(settings)
        if output.get("masks"):
            masks, photos = (
                output["masks"],
                found and found.details.get("count"),
            )  # unknown where the photos are not there any more
            said = count(masks, "mask") if photos is None else f"{masks} of {photos} photos have a mask"
            say(layout, said, "CHECKMARK" if masks == photos else "INFO")
        layout.operator(SCAN_CUTOUT_OT_strip_backgrounds.bl_idname, icon="MOD_MASK")
        if output.get("contact_sheet"):
            sheet = JobFolder(Path(settings.output)).contact_sheet
            open_file(layout, sheet, "Contact Sheet", "IMGDISPLAY", "See all photos with the outlines of their masks")


class SCAN_CUTOUT_PT_reconstruct(SidebarPanel, bpy.types.Panel):
    """The cameras of the photos, and the points they share"""

    bl_label = "Reconstruct"

    def draw_settings(self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: Settings) -> None:
        """Draw the engine's settings, the button, and what was found."""
        whole = layout.column()
        whole.use_property_split = False  # the engines' names are long
        whole.prop(settings, "engine", text="")
        column = layout.column()
        for name in shown_settings(settings.engine):
            column.prop(settings, name)
        output = survey.output_state(settings)
        for solved in output.get("solved", ()):
            label = catalog.entry(solved["engine"]).label
            say(layout, f"{label} placed {solved['registered']} of {solved['total']} photos", "CHECKMARK")
        is_solved = any(solved["engine"] == settings.engine for solved in output.get("solved", ()))
        draw_work(layout, SCAN_CUTOUT_OT_reconstruct.bl_idname, "CON_CAMERASOLVER", "again" if is_solved else "")


class SCAN_CUTOUT_PT_model(SidebarPanel, bpy.types.Panel):
    """A mesh of the object"""

    bl_label = "Model"

    def draw_header(self, context: bpy.types.Context) -> None:
        """Draw whether Scan to Scene takes this step."""
        existing(self.layout).prop(settings_in(context.scene), "build_model", text="")

    def draw_settings(self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: Settings) -> None:
        """Draw how fine it is, the button, and what was built."""
        column = layout.column()
        column.prop(settings, "model_quality")
        faces = column.column()
        faces.active = not settings.all_faces
        faces.prop(settings, "faces")
        column.prop(settings, "all_faces")
        model = survey.model(settings)
        if model:
            say(layout, f"Model with {count(model['faces'], 'face')}", "CHECKMARK")
        again = "model_again" if model else ""
        for button in draw_work(layout, SCAN_CUTOUT_OT_build_model.bl_idname, "MESH_DATA", again):
            button.cameras_directory = survey.results(settings)


class SCAN_CUTOUT_PT_import(SidebarPanel, bpy.types.Panel):
    """The scan in the scene"""

    bl_label = "Import"

    def draw_settings(self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: Settings) -> None:
        """Draw the button, and those that go from photo to photo."""
        column = layout.column()
        column.prop(settings, "animated_camera")
        column.prop(settings, "same_scan")
        bring = existing(layout.operator(SCAN_CUTOUT_OT_import_reconstruction.bl_idname, icon="IMPORT"))
        bring.directory = survey.results(settings)
        for name in names_of(SceneContent):
            setattr(bring, name, getattr(settings, name))
        row = layout.row(align=True)
        look = SCAN_CUTOUT_OT_look_through_photo.bl_idname
        existing(row.operator(look, text="", icon="TRIA_LEFT")).step = -1
        row.operator(look)
        existing(row.operator(look, text="", icon="TRIA_RIGHT")).step = 1
