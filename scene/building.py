# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned import as Blender's own data: a collection for the scan, in it a root that holds all that comes of it."""

import bpy

from ..properties.typed import existing
from ..scan.common.errors import printable
from ..scan.reconstruction.importing import ImportPlan
from ..scan.reconstruction.placement import Shape, place
from ..scan.reconstruction.settings import SceneContent
from . import hiding, model_mesh, model_texture, photo_cameras, placing, point_cloud


def build(scene: bpy.types.Scene, plan: ImportPlan, content: SceneContent) -> bpy.types.Collection:
    """Build the scan into a scene and return its collection. Nothing in here is expected to fail.

    With a mesh, cameras and points are there, and hidden; what it is the successor of goes (see ``model_mesh``), and
    where that was placed by hand, this comes to the same place. The reconstruction's own frame stays as it is under
    the root, which alone is placed.
    """
    photos = list(plan.reconstruction.photos)
    pinholes = [plan.views[photo.camera].pinhole for photo in photos]
    points, mesh = plan.reconstruction.points.positions, plan.mesh
    shape = Shape(mesh.vertices, mesh.faces) if mesh else Shape(points)
    size = placing.size_of(photos, shape)

    name = printable(plan.name)
    scan = bpy.data.collections.new(name)
    cameras = bpy.data.collections.new(f"{name} Cameras")
    scan.children.link(cameras)
    root = bpy.data.objects.new(name, None)
    root.empty_display_size = size * 0.2
    scan.objects.link(root)

    cloud = point_cloud.build(f"{name} Points", plan.reconstruction.points)
    cloud.parent = root
    scan.objects.link(cloud)
    for photo, pinhole in zip(photos, pinholes, strict=True):
        picture, mask = plan.picture(photo.name, photo.camera), plan.mask(photo.name, photo.camera)
        camera = photo_cameras.build(photo, pinhole, picture, mask, size)
        if photo.name in plan.orientations:
            existing(camera.data)[photo_cameras.ORIENTATION] = plan.orientations[photo.name]
        camera.parent = root
        cameras.objects.link(camera)
    if content.animated_camera:
        camera = photo_cameras.build_animated(f"{name} Tour", photos, pinholes, size)
        camera.parent = root
        scan.objects.link(camera)
    placement = place(content, plan.up, photos, shape, unit=scene.unit_settings.scale_length)
    model, earlier = None, None
    if mesh and plan.mesh_file:
        # First, so that its name is free.
        earlier = model_mesh.take_out_earlier(scene, plan.mesh_file)
        texture = model_texture.load_picture(plan.texture, packed=content.pack_texture) if plan.texture else None
        model = model_mesh.build(f"{name} Model", mesh, earlier.material if earlier else None, texture)
        model.parent = root
        scan.objects.link(model)
    placing.put_first(root, placement, size, earlier.root if earlier else None)
    if model is not None and plan.mesh_file:
        model_mesh.note(model, plan.mesh_file)
    # Linked last: until then no part of this is in a scene that would have to follow each step.
    scene.collection.children.link(scan)
    if model is not None:
        hiding.hide(scene, cloud, cameras)
        cloud.hide_render = True  # the eye is for the viewport alone, and they would be dots on the mesh
    return scan
