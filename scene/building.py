# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned import as Blender's own data: a collection for the scan, in it a root that holds all that comes of it."""

from math import radians

import bpy
import numpy as np

from ..scan.common.errors import printable
from ..scan.reconstruction.importing import ImportPlan
from ..scan.reconstruction.settings import SceneContent
from ..scan.reconstruction.types import Photo, Points
from . import hiding, model_mesh, photo_cameras, point_cloud

# The reconstruction's own frame stays as it is under the root. Its y points down, as in the picture of the first photo
# that was solved; turned like this it is Blender's -z, and what was ahead is ahead.
_ROOT_TURN = (radians(-90), 0.0, 0.0)


def build(scene: bpy.types.Scene, plan: ImportPlan, content: SceneContent) -> bpy.types.Collection:
    """Build the scan into a scene and return its collection. Nothing in here is expected to fail.

    With a mesh, cameras and points are there, and hidden; what it is the successor of goes (see ``model_mesh``).
    """
    photos = list(plan.reconstruction.photos)
    pinholes = [plan.views[photo.camera].pinhole for photo in photos]
    scale = _scale(photos, plan.reconstruction.points)

    name = printable(plan.name)
    scan = bpy.data.collections.new(name)
    cameras = bpy.data.collections.new(f"{name} Cameras")
    scan.children.link(cameras)
    root = bpy.data.objects.new(name, None)
    root.rotation_euler = _ROOT_TURN
    root.empty_display_size = scale * 0.2
    scan.objects.link(root)

    points = point_cloud.build(f"{name} Points", plan.reconstruction.points)
    points.parent = root
    scan.objects.link(points)
    for photo, pinhole in zip(photos, pinholes, strict=True):
        picture, mask = plan.picture(photo.name, photo.camera), plan.mask(photo.name, photo.camera)
        camera = photo_cameras.build(photo, pinhole, picture, mask, scale)
        camera.parent = root
        cameras.objects.link(camera)
    if content.animated_camera:
        camera = photo_cameras.build_animated(f"{name} Tour", photos, pinholes, scale)
        camera.parent = root
        scan.objects.link(camera)
    model = None
    if plan.mesh and plan.mesh_file:
        # First, so that its name is free.
        material = model_mesh.take_out_earlier(scene, plan.mesh_file)
        model = model_mesh.build(f"{name} Model", plan.mesh, material)
        model.parent = root
        scan.objects.link(model)
        model_mesh.note(model, plan.mesh_file)
    # Linked last: until then no part of this is in a scene that would have to follow each step.
    scene.collection.children.link(scan)
    if model is not None:
        hiding.hide(scene, points, cameras)
        points.hide_render = True  # the eye is for the viewport alone, and they would be dots on the mesh
    return scan


def _scale(photos: list[Photo], points: Points) -> float:
    """How large the scene is: the usual distance of a photo from the middle of what it shows."""
    places = np.array([photo.position for photo in photos])
    middle = np.median(points.positions if len(points.positions) else places, axis=0)
    scale = float(np.median(np.linalg.norm(places - middle, axis=1)))
    return scale if 1e-6 < scale < 1e9 else 1.0
