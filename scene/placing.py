# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a scan stands: told from, and changed on, its root alone. All that is below it stays in the solve's own frame.

A scan's root is the empty whose children are the cameras of photos.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import bpy
import numpy as np
from mathutils import Matrix

from ..properties.typed import existing
from ..scan.common.errors import BadUseError
from ..scan.common.text import count, some
from ..scan.reconstruction.placement import Shape
from ..scan.reconstruction.types import Floats, Photo
from . import model_mesh, photo_cameras

BY_HAND = "scan_cutout_placed"
"""Custom property of a root: somebody has placed the scan with an operator. Where it came is not so."""
SCAN = "scan_cutout_scan"
"""Custom property of a root: which scan it is (see ``ImportPlan.identity``)."""
CAME = "scan_cutout_came"
"""Custom property of a root: the matrix (row by row) with which it came, or would have, had nobody put it elsewhere."""


@dataclass(frozen=True, eq=False)
class Scan:
    """What a scene knows of a scan. All but the root is in the solve's own frame."""

    root: bpy.types.Object
    photos: tuple[Photo, ...]
    """In the order of their names."""
    orientations: dict[str, int]
    """EXIF orientations by the photos' names, as far as they are known."""
    shape: Shape

    @property
    def matrix(self) -> Floats:
        """From the solve's frame to the root's parent, or the world: 4 × 4."""
        return np.array(self.root.matrix_basis)

    @property
    def scale(self) -> float:
        """Units of the root's parent, or the world's, in one of the solve's frame."""
        return _scale_of(self.matrix)


def root_of(thing: bpy.types.Object | None) -> bpy.types.Object | None:
    """The root of the scan that an object is, or belongs to; None where it belongs to none."""
    while thing is not None and not (thing.type == "EMPTY" and cameras_of(thing)):
        thing = thing.parent
    return thing


def chosen_root(context: bpy.types.Context) -> bpy.types.Object:
    """The root of the active object's scan, else of the scene's only one. Raises BadUseError."""
    root = root_of(context.object)
    if root is None:
        scene = existing(context.scene)
        photos = [each for each in scene.objects if photo_cameras.is_photo(each)]
        roots = {each.parent for each in photos if each.parent and each.parent.type == "EMPTY"}
        if len(roots) > 1:
            names = some(sorted(each.name for each in roots), 5)
            raise BadUseError(f"There are {count(len(roots), 'scan')} in the scene: {names}; select one of them")
        if not roots:
            raise BadUseError("There is no scan in the scene; import a reconstruction first")
        (root,) = roots
    if root.library is not None:
        raise BadUseError(f"The scan {root.name} is linked from another file; place it there, or make it local")
    return root


def read(root: bpy.types.Object) -> Scan:
    """What there is of a scan: its photos, and its model's shape, else its points'."""
    cameras = cameras_of(root)
    photos = sorted(map(photo_cameras.photo_of, cameras), key=lambda photo: photo.name)
    notes = [photo_cameras.noted(each.data) for each in cameras]
    orientations = {
        each[photo_cameras.PHOTO]: each[photo_cameras.ORIENTATION]
        for each in notes
        if photo_cameras.ORIENTATION in each
    }
    return Scan(root, tuple(photos), orientations, _shape(root))


def size_of(photos: Sequence[Photo], shape: Shape) -> float:
    """How large a scan is in its own frame: the usual distance of a photo from the middle of what it shows."""
    places = np.array([photo.position for photo in photos])
    middle = np.median(shape.points if len(shape.points) else places, axis=0)
    size = float(np.median(np.linalg.norm(places - middle, axis=1)))
    return size if 1e-6 < size < 1e9 else 1.0


def put(scan: Scan, matrix: Floats) -> None:
    """Put a scan where somebody wants it by this matrix of its root (4 × 4)."""
    _place(scan.root, matrix, size_of(scan.photos, scan.shape))
    scan.root[BY_HAND] = True


def grow(scan: Scan, factor: float) -> None:
    """Make a scan so many times as large, about the middle of its foot. The scene is up to date."""
    world = np.array(scan.root.matrix_world)
    bounds = scan.shape.bounds(world[:3, :3])
    foot = world[:3, 3].copy()
    if bounds is not None:
        low, high = bounds
        foot += [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]
    about = np.diag([factor, factor, factor, 1.0])
    about[:3, 3] = (1 - factor) * foot
    parent = world @ np.linalg.inv(scan.matrix)
    put(scan, np.linalg.inv(parent) @ about @ parent @ scan.matrix)


def put_first(root: bpy.types.Object, placed: Floats, size: float, by_hand: Floats | None) -> None:
    """Put a scan that was just built: ``by_hand`` where somebody has put it (4 × 4 both), else as it is ``placed``."""
    _place(root, placed, size)
    root[CAME] = np.array(root.matrix_basis).ravel().tolist()
    if by_hand is not None:
        _place(root, by_hand, size)
        root[BY_HAND] = True


def is_put_by_hand(root: bpy.types.Object) -> bool:
    """Whether somebody has put an imported scan where it is, with an operator or without."""
    return BY_HAND in notes(root) or not np.allclose(_came(root), np.array(root.matrix_basis), rtol=1e-5, atol=1e-6)


def moved_by_hand(root: bpy.types.Object) -> Floats:
    """How somebody has moved an imported scan from where it came, in the space of the root's parent: 4 × 4."""
    now: Floats = np.array(root.matrix_basis)
    return now @ np.linalg.inv(_came(root))


def notes(root: bpy.types.Object) -> dict[str, Any]:
    """What is kept with a root: the custom properties of it that are ours."""
    return {name: value for name, value in photo_cameras.noted(root).items() if name in {SCAN, CAME, BY_HAND}}


def _came(root: bpy.types.Object) -> Floats:
    return np.array(notes(root)[CAME], float).reshape(4, 4)


def _place(root: bpy.types.Object, matrix: Floats, size: float) -> None:
    root.matrix_basis = Matrix(matrix.tolist())
    for each in root.children:
        if photo_cameras.is_of_photo(each):
            photo_cameras.set_clip(cast("bpy.types.Camera", each.data), size * _scale_of(matrix))


def _scale_of(matrix: Floats) -> float:
    return float(abs(np.linalg.det(matrix[:3, :3])) ** (1 / 3))


def cameras_of(root: bpy.types.Object) -> list[bpy.types.Object]:
    """The cameras of a scan's photos."""
    return [each for each in root.children if photo_cameras.is_photo(each)]


def _shape(root: bpy.types.Object) -> Shape:
    meshes = [each for each in root.children if each.type == "MESH"]
    models = [each for each in meshes if model_mesh.MODEL in photo_cameras.noted(each)]
    points, faces, start = [np.empty((0, 3))], [np.empty((0, 3), np.int32)], 0
    for each in models or meshes:
        if each.mode == "EDIT":
            each.update_from_editmode()
        data = cast("bpy.types.Mesh", each.data)
        places = np.empty(3 * len(data.vertices), np.float32)
        data.vertices.foreach_get("co", places)
        matrix = np.array(each.matrix_parent_inverse @ each.matrix_basis)
        points.append(places.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])
        data.calc_loop_triangles()
        corners = np.empty(3 * len(data.loop_triangles), np.int32)
        data.loop_triangles.foreach_get("vertices", corners)
        faces.append(corners.reshape(-1, 3) + start)
        start += len(data.vertices)
    triangles = np.concatenate(faces)
    return Shape(np.concatenate(points), triangles if len(triangles) else None)
