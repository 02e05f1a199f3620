# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that looks at the scene from where a photo was taken, with the photo's own frame."""

from collections.abc import Iterable
from typing import cast

import bpy

from ..properties.typed import IntProperty, OperatorResult, StringProperty, existing, with_properties
from ..scene.hiding import show
from ..scene.photo_cameras import PHOTO, SIZE, is_of_photo, is_photo, noted, show_size_of


@with_properties
class SCAN_CUTOUT_OT_look_through_photo(bpy.types.Operator):
    """Look through the camera of a photo and set the scene's render size to the photo's"""

    bl_idname = "scan_cutout.look_through_photo"
    bl_label = "Look Through Photo"
    bl_options = {"REGISTER", "UNDO"}

    camera: str = StringProperty(
        name="Camera",
        description="Name of the photo's camera; empty for the selected one, else the scene's",
        options={"SKIP_SAVE"},
    )
    step: int = IntProperty(
        name="Step",
        description="How many photos to go on from that one: 1 for the next, -1 for the one before",
        default=0,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """There is a photo to look through."""
        # Not all objects of the scene, which may be many, are looked at whenever a panel is drawn.
        if any(SIZE in noted(each) for each in bpy.data.cameras):
            return True
        cls.poll_message_set("There is no camera of a photo in the scene; import a reconstruction first")
        return False

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Change the scene's camera and render size, show the camera, and change the view where there is one."""
        camera = self._chosen(context)
        if camera is None:
            self.report({"ERROR"}, f"{self.camera or 'What is selected'} is not the camera of a photo; choose another")
            return {"CANCELLED"}
        scene = existing(context.scene)
        scene.camera = camera
        show(existing(context.view_layer), camera)  # Blender draws no picture behind a camera that is hidden
        show_size_of(scene, camera)
        if context.area is not None and context.area.type == "VIEW_3D":
            space = cast("bpy.types.SpaceView3D", context.space_data)
            existing(space.region_3d).view_perspective = "CAMERA"
        return {"FINISHED"}

    def _chosen(self, context: bpy.types.Context) -> bpy.types.Object | None:
        """The camera that the properties and the selection mean; None where it is none of a photo."""
        scene = existing(context.scene)
        if self.camera:
            start = scene.objects.get(self.camera)
        else:
            # Stepping goes on from what is looked through; else the selection counts.
            wanted = [scene.camera, context.object] if self.step else [context.object, scene.camera]
            start = next(filter(is_of_photo, [*wanted, *_photos(scene.objects), *scene.objects]), None)
        if is_of_photo(start):
            return _stepped(start, self.step) if self.step else start
        return None


def _stepped(camera: bpy.types.Object, step: int) -> bpy.types.Object:
    """The photo so many further on in the same scan, the last one being followed by the first."""
    photos = _photos(camera.parent.children if camera.parent else camera.users_scene[0].objects)
    if camera in photos:
        return photos[(photos.index(camera) + step) % len(photos)]
    return photos[0] if photos else camera  # from the animated camera to the first photo


def _photos(objects: Iterable[bpy.types.Object]) -> list[bpy.types.Object]:
    """The cameras of photos, in the order of the photos' names."""
    return sorted(filter(is_photo, objects), key=lambda each: noted(each.data)[PHOTO].split("/"))
