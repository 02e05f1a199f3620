# SPDX-License-Identifier: GPL-3.0-or-later
"""Solved photos as Blender cameras: axes, lens and shift, background pictures, and the way back to a render size.

A Blender camera looks along its -z with y up, a solved one along +z with y down. Its sensor is as wide as the
picture (``sensor_fit`` HORIZONTAL), so that lens and shift do not depend on what the scene's render size is just now.
"""

from collections.abc import Mapping
from typing import Any, TypeGuard, cast

import bpy
import numpy as np
from mathutils import Matrix

from ..properties.typed import existing
from ..scan.common.errors import printable
from ..scan.reconstruction.types import Photo, Pinhole

PHOTO = "scan_cutout_photo"
"""Custom property of a photo's camera data: the photo's name."""
SIZE = "scan_cutout_size"
"""Custom property of a photo's camera data: width and height of its picture, in pixels."""
ORIENTATION = "scan_cutout_orientation"
"""Custom property of a photo's camera data: the photo's EXIF orientation, 1 to 8, where it is known."""

_SENSOR_WIDTH = 36.0
_MASK_ALPHA = 0.5
_AXES = np.diag([1.0, -1.0, -1.0])


def pose(photo: Photo) -> Matrix:
    """Camera to world, in the reconstruction's own frame and Blender's camera axes."""
    matrix = np.eye(4)
    matrix[:3, :3] = photo.rotation.T @ _AXES
    matrix[:3, 3] = photo.position
    return Matrix(matrix.tolist())


def photo_of(camera: bpy.types.Object) -> Photo:
    """The opposite: name and pose of the photo whose camera this is. It is of no camera of a reconstruction."""
    place, turn, _ = (camera.matrix_parent_inverse @ camera.matrix_basis).decompose()
    rotation = _AXES @ np.array(turn.to_matrix()).T
    return Photo(noted(camera.data)[PHOTO], 0, rotation, -rotation @ np.array(place))


def set_lens(data: bpy.types.Camera, pinhole: Pinhole) -> None:
    """Give a camera the lens and shift that show what the pinhole camera shows."""
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = _SENSOR_WIDTH
    data.lens = pinhole.focal / pinhole.width * _SENSOR_WIDTH
    # Both in widths of the picture; y of the picture goes down, that of the shift goes up.
    data.shift_x = (pinhole.width / 2 - pinhole.center_x) / pinhole.width
    data.shift_y = (pinhole.center_y - pinhole.height / 2) / pinhole.width
    data[SIZE] = (pinhole.width, pinhole.height)


def build(
    photo: Photo, pinhole: Pinhole, picture: bpy.types.Image | None, mask: bpy.types.Image | None, scale: float
) -> bpy.types.Object:
    """Make the camera of a photo, its picture behind it and its mask at hand. It is in no collection yet.

    ``scale`` is the size of the scene, by which the camera is drawn and clips.
    """
    data = bpy.data.cameras.new(printable(photo.name))
    data[PHOTO] = photo.name
    set_lens(data, pinhole)
    _set_size(data, scale)
    if picture is not None:
        _add_background(data, picture, 1.0)
        data.show_background_images = True
    if mask is not None:
        background = _add_background(data, mask, _MASK_ALPHA)
        existing(existing(background.image).colorspace_settings).is_data = True
        background.show_background_image = False
        background.display_depth = "FRONT"
    camera = bpy.data.objects.new(printable(photo.name), data)
    camera.rotation_mode = "QUATERNION"
    camera.matrix_basis = pose(photo)
    return camera


def set_clip(data: bpy.types.Camera, scale: float) -> None:
    """Have a camera clip as a scene that is so large in the world asks for.

    Blender scales with a camera's parents how it is drawn, and not where it clips.
    """
    data.clip_start = scale * 0.001
    data.clip_end = scale * 1000


def noted(data: bpy.types.ID | None) -> Mapping[str, Any]:
    """The custom properties of a camera's data, which is a mapping of them without having the type of one."""
    return cast("Mapping[str, Any]", data)


def is_photo(thing: bpy.types.Object | None) -> TypeGuard[bpy.types.Object]:
    """Whether an object is the camera of a photo."""
    return thing is not None and thing.type == "CAMERA" and PHOTO in noted(thing.data)


def is_of_photo(camera: bpy.types.Object | None) -> TypeGuard[bpy.types.Object]:
    """Whether an object is a camera made here, or the animated one."""
    return camera is not None and camera.type == "CAMERA" and SIZE in noted(camera.data)


def show_size_of(scene: bpy.types.Scene, camera: bpy.types.Object) -> None:
    """Make the scene render pictures of the size of the camera's photo, with square pixels."""
    render = scene.render
    render.resolution_x, render.resolution_y = noted(camera.data)[SIZE]
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0


def build_animated(name: str, photos: list[Photo], pinholes: list[Pinhole], scale: float) -> bpy.types.Object:
    """Make one camera that is at each photo's place for one frame, beginning at frame 1. It is in no collection yet.

    The render size cannot be animated: where pictures differ in shape, width and lens stay right, height is cut.
    """
    data = bpy.data.cameras.new(name)
    _set_size(data, scale)
    camera = bpy.data.objects.new(name, data)
    camera.rotation_mode = "QUATERNION"
    previous = None
    for frame, (photo, pinhole) in enumerate(zip(photos, pinholes, strict=True), 1):
        location, rotation, _ = pose(photo).decompose()
        if previous is not None:
            rotation.make_compatible(previous)  # q and -q are the same, but not on the way from one to the next
        previous = rotation
        camera.location, camera.rotation_quaternion = location, rotation
        set_lens(data, pinhole)
        for target, path in ((camera, "location"), (camera, "rotation_quaternion")):
            target.keyframe_insert(path, frame=frame)
        for path in ("lens", "shift_x", "shift_y"):
            data.keyframe_insert(path, frame=frame)
    set_lens(data, pinholes[0])
    return camera


def _add_background(data: bpy.types.Camera, image: bpy.types.Image, alpha: float) -> bpy.types.CameraBackgroundImage:
    background = data.background_images.new()
    background.image = image
    background.alpha = alpha
    # The picture has the shape of the camera's frame, as soon as the scene renders pictures of its size.
    background.frame_method = "FIT"
    return background


def _set_size(data: bpy.types.Camera, scale: float) -> None:
    data.display_size = scale * 0.08
    set_clip(data, scale)
