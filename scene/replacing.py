# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan that is there already, and the new import of it that takes its place.

Root and collections stay what they are, and with them what an artist has parented to the one or put into the other.
Each camera of a photo, the points and the model take the places of those of an earlier import: in collections, as the
scene's camera, in whatever else uses them, and with their names. What somebody has worked on stays beside it.
"""

from dataclasses import dataclass
from typing import cast

import bpy
import numpy as np
from mathutils import Matrix

from ..properties.typed import existing
from ..scan.reconstruction.types import Floats, Photo
from . import hiding, model_mesh, photo_cameras, placing, point_cloud
from .all_or_nothing import remove_unused
from .as_made import is_as_made
from .photo_cameras import PHOTO, noted


@dataclass(frozen=True, eq=False)
class Parts:
    """What an import makes."""

    collection: bpy.types.Collection
    cameras: bpy.types.Collection
    """In that one: the cameras of photos."""
    root: bpy.types.Object
    cloud: bpy.types.Object
    photos: list[bpy.types.Object]
    tour: bpy.types.Object | None
    model: bpy.types.Object | None


def earlier_root(scene: bpy.types.Scene, identity: str) -> bpy.types.Object | None:
    """The root of the same scan in a scene; None where it is not there. Of several, the active one, else the last."""
    roots = [each for each in scene.objects if noted(each).get(placing.SCAN) == identity and each.type == "EMPTY"]
    own = [each for each in roots if not each.library and not each.override_library]
    active = placing.root_of(scene.view_layers[0].objects.active)
    return active if active in own else max(own, key=lambda each: each.session_uid, default=None)


def photos_of(root: bpy.types.Object) -> list[Photo]:
    """The photos of a scan's cameras that nobody has moved."""
    return [photo_cameras.photo_of(each) for each in placing.cameras_of(root) if is_as_made(each)]


def replace(
    scene: bpy.types.Scene,
    root: bpy.types.Object,
    new: Parts,
    model: bpy.types.Object | None,
    change: Floats | None,
) -> None:
    """Put what was made into the place of the scan of a root, which is in the scene; ``new.root`` is where it shall be.

    ``model`` is the earlier one whose place the new one takes; where it is None, there is none, or somebody's work.
    ``change`` is the matrix (4 × 4) from the world of the new solve to that of the earlier one; None where that is not
    known: then what stays of it stays where it is in the world.
    """
    old = _made_here(root) + ([model] if model is not None and new.model is not None else [])
    staying = [each for each in root.children if each not in old]
    has_model = any(map(model_mesh.is_model, root.children))
    home = next(iter(root.users_collection), scene.collection)
    rings = [each.users_collection[0] for each in placing.cameras_of(root) if each.users_collection]
    ring = rings[0] if rings else new.cameras
    if not rings:  # somebody has removed all of them
        home.children.link(ring)

    by_role = {_role(each): each for each in old}
    _move(root, staying, new.root, change)
    names: list[tuple[bpy.types.ID, str]] = []
    for made in filter(None, (*new.photos, new.cloud, new.tour, new.model)):
        earlier = by_role.get(_role(made))
        made.parent = root
        if earlier is None:
            place = ring if photo_cameras.is_photo(made) else home
            if place != new.cameras:  # where it is already
                place.objects.link(made)
        else:
            names += [(each, its.name) for each, its in zip(_made_of(made), _made_of(earlier), strict=False)]
            _succeed(earlier, made)
    _remove([*old, new.root], [each for each in (new.cameras, new.collection) if each != ring])
    for made_again, name in names:  # which is free now
        made_again.name = name
    if new.model is not None and not (has_model and rings) and all(map(photo_cameras.is_of_photo, ring.objects)):
        hiding.hide(scene, new.cloud, ring)
        new.cloud.hide_render = True


def _made_here(root: bpy.types.Object) -> list[bpy.types.Object]:
    """The cameras and points of a scan on which nobody has worked; of copies of them, the one that was first."""
    first: dict[str, bpy.types.Object] = {}
    for each in sorted(filter(is_as_made, root.children), key=lambda each: each.session_uid):
        first.setdefault(_role(each), each)
    return list(first.values())


def _role(thing: bpy.types.Object) -> str:
    """What an object is to its scan: the camera of which photo, or what else."""
    if photo_cameras.is_photo(thing):
        return f"photo {noted(thing.data)[PHOTO]}"
    return "tour" if thing.type == "CAMERA" else "points" if is_as_made(thing) else "model"


def _move(
    root: bpy.types.Object, staying: list[bpy.types.Object], wanted: bpy.types.Object, change: Floats | None
) -> None:
    """Put the root where it shall be; what stays below it stands as it did to the object that was scanned."""
    before, after = np.array(root.matrix_basis), np.array(wanted.matrix_basis)
    if not _is_same(before, after):
        root.matrix_basis = wanted.matrix_basis
    back = np.linalg.inv(after) @ before if change is None else np.linalg.inv(change)
    for each in staying:
        if not _is_same(back, np.eye(4)):
            each.matrix_parent_inverse = Matrix(back.tolist()) @ each.matrix_parent_inverse
        if photo_cameras.is_photo(each):
            del existing(each.data)[PHOTO]  # it is somebody's own camera now, and the photo has another
    root.empty_display_size = wanted.empty_display_size
    for name, value in placing.notes(wanted).items():
        root[name] = value


def _is_same(one: Floats, other: Floats) -> bool:
    return np.allclose(one, other, rtol=1e-5, atol=1e-5 * float(np.abs(other).max()))


def _succeed(earlier: bpy.types.Object, made: bpy.types.Object) -> None:
    """Have an object be whatever another one is to the file."""
    for name in ("hide_render", "hide_viewport", "hide_select"):
        setattr(made, name, getattr(earlier, name))
    earlier.user_remap(made)


def _remove(things: list[bpy.types.Object], collections: list[bpy.types.Collection]) -> None:
    """Remove objects, and of what they are made all that nothing else uses."""
    parts = {part for each in things for part in _made_of(each)[1:]}
    for each in things:
        if isinstance(each.data, bpy.types.Camera):
            parts |= {picture.image for picture in each.data.background_images if picture.image is not None}
    bpy.data.batch_remove([*things, *collections])
    remove_unused(parts)


def _made_of(thing: bpy.types.Object) -> list[bpy.types.ID]:
    """An object, and what is made with it and has its name."""
    parts: list[bpy.types.ID | None] = [thing, thing.data]
    for owner in filter(None, (thing, thing.data)):
        animated: bpy.types.AnimData | None = getattr(owner, "animation_data", None)
        parts.append(animated.action if animated else None)
    for modifier in thing.modifiers:
        if modifier.type == "NODES":
            group = cast("bpy.types.NodesModifier", modifier).node_group
            parts += [group, *(point_cloud.materials_of(group) if group else ())]
    parts += [slot.material for slot in thing.material_slots]
    return [each for each in parts if each is not None]
