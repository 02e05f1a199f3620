# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned import as Blender's own data: a collection for the scan, in it a root that holds all that comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import numpy as np

from ..properties.typed import existing
from ..scan.common.errors import BadUseError, PhotoError, printable
from ..scan.reconstruction.importing import ImportPlan
from ..scan.reconstruction.placement import Shape, change_of_frame, place
from ..scan.reconstruction.settings import SceneContent
from ..scan.reconstruction.types import Floats, Photo
from . import (
    as_made,
    hiding,
    model_mesh,
    model_texture,
    photo_cameras,
    pictures,
    placing,
    point_cloud,
    replacing,
)
from .all_or_nothing import all_or_nothing


@dataclass
class Outcome:
    """What became of an import."""

    pictures: dict[str, str] = field(default_factory=dict)
    """Photos that have no picture behind their camera → why."""
    masks: dict[str, str] = field(default_factory=dict)
    """Photos whose mask is left out → why."""
    texture: str = ""
    """Why the model has no texture; empty where it has one, or there is none."""
    is_replaced: bool = False
    """Whether the scan has taken the place of an earlier import."""


def build(
    scene: bpy.types.Scene,
    plan: ImportPlan,
    content: SceneContent,
    unfit: Mapping[str, str],
    unfit_masks: Mapping[str, str],
) -> Outcome:
    """Build the scan into a scene, without the pictures and masks that are ``unfit``: photo → why.

    A picture that Blender does not open is left out as well. Where anything else goes wrong, nothing of it stays in
    the file. Where the same scan is in the scene, this takes its place (see ``replacing``), unless it shall be added,
    and stands where somebody has put that.

    With a mesh, cameras and points are there, and hidden. The reconstruction's own frame stays as it is under the root,
    which alone is placed.
    """
    outcome = Outcome(dict(unfit), dict(unfit_masks))
    with all_or_nothing():
        _build(scene, plan, content, outcome)
    return outcome


def _build(scene: bpy.types.Scene, plan: ImportPlan, content: SceneContent, outcome: Outcome) -> None:
    photos, mesh = list(plan.reconstruction.photos), plan.mesh
    shape = Shape(mesh.vertices, mesh.faces) if mesh else Shape(plan.reconstruction.points.positions)
    size = placing.size_of(photos, shape)
    parts, texture = _parts(plan, content, size, outcome)

    earlier = None if content.same_scan == "ADD" else replacing.earlier_root(scene, plan.identity)
    change = change_of_frame(replacing.photos_of(earlier), photos) if earlier is not None else None
    placement = place(content, plan.up, photos, shape, unit=scene.unit_settings.scale_length)
    placing.put_first(parts.root, placement.matrix, size, _by_hand(placement.matrix, earlier, change))
    parts.root[placing.SCAN] = plan.identity

    # From here on nothing is expected to fail.
    model = model_mesh.earlier_model(earlier, plan.mesh_file) if earlier is not None and plan.mesh_file else None
    if parts.model is not None:
        model_mesh.dress(parts.model, texture, model)
    if earlier is not None:
        replacing.replace(scene, earlier, parts, model, change)
        outcome.is_replaced = True
    else:
        # Linked last: until then no part of this is in a scene that would have to follow each step.
        scene.collection.children.link(parts.collection)
        if parts.model is not None:
            hiding.hide(scene, parts.cloud, parts.cameras)
            parts.cloud.hide_render = True  # the eye is for the viewport alone, and they would be dots on the mesh
    if parts.model is not None and plan.mesh_file:
        model_mesh.note(parts.model, plan.mesh_file)


def _by_hand(placed: Floats, earlier: bpy.types.Object | None, change: Floats | None) -> Floats | None:
    """The root's matrix (4 × 4) where somebody has put the earlier one; None where nobody has.

    That may have come from another solve, and its photos' cameras tell where it is in this one. Where they do not, as
    where they are deleted, the new one is moved from where it is ``placed`` as the earlier one was.
    """
    if earlier is None or not placing.is_put_by_hand(earlier):
        return None
    return placing.moved_by_hand(earlier) @ placed if change is None else np.array(earlier.matrix_basis) @ change


def _parts(
    plan: ImportPlan, content: SceneContent, size: float, outcome: Outcome
) -> tuple[replacing.Parts, bpy.types.Image | None]:
    """Make all of it, in no scene yet, and the texture."""
    name, photos = printable(plan.name), list(plan.reconstruction.photos)
    pinholes = [plan.views[photo.camera].pinhole for photo in photos]
    scan = bpy.data.collections.new(name)
    cameras = bpy.data.collections.new(f"{name} Cameras")
    scan.children.link(cameras)
    root = bpy.data.objects.new(name, None)
    root.empty_display_size = size * 0.2
    scan.objects.link(root)
    cloud = point_cloud.build(f"{name} Points", plan.reconstruction.points)
    scan.objects.link(cloud)
    views = []
    for photo, pinhole in zip(photos, pinholes, strict=True):
        picture = _picture(plan, photo, outcome)
        mask = _load(plan.mask(photo.name, photo.camera), photo.name, outcome.masks)
        camera = photo_cameras.build(photo, pinhole, picture, mask, size)
        if photo.name in plan.orientations:
            existing(camera.data)[photo_cameras.ORIENTATION] = plan.orientations[photo.name]
        cameras.objects.link(camera)
        views.append(camera)
    tour = photo_cameras.build_animated(f"{name} Tour", photos, pinholes, size) if content.animated_camera else None
    model = model_mesh.build(f"{name} Model", plan.mesh) if plan.mesh and plan.mesh_file else None
    for each in filter(None, (tour, model)):
        scan.objects.link(each)
    for each in filter(None, (cloud, *views, tour, model)):
        each.parent = root
    for each in filter(None, (cloud, *views, tour)):
        as_made.note(each)
    texture = None
    if model is not None and plan.texture:
        try:
            texture = model_texture.load_picture(plan.texture, packed=content.pack_texture)
        except BadUseError as error:
            outcome.texture = str(error)
    return replacing.Parts(scan, cameras, root, cloud, views, tour, model), texture


def _picture(plan: ImportPlan, photo: Photo, outcome: Outcome) -> bpy.types.Image | None:
    if plan.photos is None:
        return None
    file = plan.picture(photo.name, photo.camera)
    if file is None:
        outcome.pictures.setdefault(photo.name, f"is not in {plan.photos}")
    return _load(file, photo.name, outcome.pictures)


def _load(file: Path | None, name: str, without: dict[str, str]) -> bpy.types.Image | None:
    """A photo's picture or mask; None where there is none, or the photo is ``without``, as it is where that fails."""
    if file is None or name in without:
        return None
    try:
        return pictures.load(file)
    except PhotoError as error:
        without[name] = str(error)
        return None
