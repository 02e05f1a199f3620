# SPDX-License-Identifier: GPL-3.0-or-later
"""Any mesh in the scene, such as one that an artist has remodelled: read for a texture, and given one."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import bpy
import numpy as np
import numpy.typing as npt

from ..properties.typed import existing
from ..scan.common.errors import BadUseError
from ..scan.reconstruction.placement import change_of_frame
from ..scan.reconstruction.types import Floats, Mesh, Photo
from . import model_mesh, model_texture, placing

_SAME = 1e-5
"""How far UVs that were kept may be from what they were, by rounding."""


def check(thing: bpy.types.Object | None) -> bpy.types.Object:
    """The object, if a texture can be made for it. Raises BadUseError."""
    if thing is None or thing.type != "MESH":
        raise BadUseError("There is no active mesh; select the one that shall be textured")
    data = cast("bpy.types.Mesh", thing.data)
    if thing.library or existing(data).library:
        raise BadUseError(f"{thing.name} is linked from another file; make it local first")
    mode = "EDIT" if data.is_editmode else thing.mode  # a linked copy may be the one that is edited
    if mode != "OBJECT":
        raise BadUseError(f"{thing.name} is in {mode.replace('_', ' ').title()} Mode; go to Object Mode first")
    if any(each.show_viewport for each in thing.modifiers):
        raise BadUseError(
            f"{thing.name} has modifiers; apply them first, for a texture lies on the mesh that comes of them"
        )
    if not len(data.polygons):
        raise BadUseError(f"{thing.name} has no faces")
    for slot in _slots(thing):
        if slot.material is not None and not model_texture.can_show(slot.material):
            raise BadUseError(
                f"The material {slot.material.name} of {thing.name} has no Principled BSDF, whose color the texture "
                "could be; add one, or take the material off the object"
            )
    return thing


def read(
    context: bpy.types.Context, thing: bpy.types.Object | None, photos: Sequence[Photo], *, with_uvs: bool
) -> Mesh:
    """The mesh of an object in the world of a solve, triangulated; with the UVs of the active map, if they are wanted.

    The object stands in the scan that these photos of the solve are of, wherever that is in the scene, and whichever
    solve of its photos it came from. Raises BadUseError.
    """
    thing = check(thing)
    data = cast("bpy.types.Mesh", thing.data)
    if with_uvs and data.uv_layers.active is None:
        raise BadUseError(f"{thing.name} has no UV map that could be kept; unwrap it first, or leave Keep UVs off")
    root = placing.chosen_root(context)
    change = change_of_frame(placing.read(root).photos, photos)
    if change is None:
        raise BadUseError(
            f"The cameras of the scan {root.name} in the scene are not those in the output folder; choose its folder, "
            "or import the reconstruction again"
        )
    existing(context.view_layer).update()
    try:
        matrix = np.linalg.inv(np.array(root.matrix_world) @ change) @ np.array(thing.matrix_world)
    except np.linalg.LinAlgError as error:
        raise BadUseError(f"The scan {root.name} is scaled to nothing; give its root another scale") from error
    places = np.empty(3 * len(data.vertices), np.float32)
    data.vertices.foreach_get("co", places)
    vertices: Floats = places.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    loops, faces, polygons = _triangles(data)
    if np.linalg.det(matrix[:3, :3]) < 0:  # a mirrored object is seen from outside the other way round
        loops, faces = _mirrored(loops), _mirrored(faces)
    return Mesh(
        vertices=vertices,
        faces=faces,
        normals=np.zeros_like(vertices),
        quality=np.zeros(len(vertices)),
        colors=None,
        uvs=_uvs(data)[loops] if with_uvs else None,
        polygons=polygons,
    )


def show(thing: bpy.types.Object, made: Mesh, picture: Path, *, packed: bool, keep_uvs: bool) -> None:
    """Give an object a texture that was made for it: the UVs that ``made`` has, and materials that show the picture.

    With ``keep_uvs`` the active UV map stays as it is, and is the one that is rendered. Materials keep all but their
    color; those that other objects use stay as they are, and this one gets copies. Raises BadUseError where the mesh
    is not the one any more that was read.
    """
    data = cast("bpy.types.Mesh", check(thing).data)
    is_untouched = model_mesh.is_as_it_came(thing)
    loops, faces, _ = _triangles(data)
    if np.array_equal(_mirrored(faces), made.faces):
        loops = _mirrored(loops)
    elif not np.array_equal(faces, made.faces):
        raise BadUseError(f"{thing.name} was changed while its texture was made; texture it again")
    uvs = existing(made.uvs)
    if not keep_uvs:
        whole = np.zeros((len(data.loops), 2), np.float32)
        whole[loops.ravel()] = uvs.reshape(-1, 2)
        model_texture.set_uvs(data, whole)
    elif (layer := data.uv_layers.active) is not None and np.allclose(_uvs(data)[loops], uvs, atol=_SAME):
        layer.active_render = True
    else:
        raise BadUseError(f"{thing.name} was unwrapped anew while its texture was made; texture it again")
    _show_picture(thing, model_texture.load_picture(picture, packed=packed))
    if is_untouched:
        model_mesh.note_again(thing)


def _show_picture(thing: bpy.types.Object, image: bpy.types.Image) -> None:
    data = cast("bpy.types.Mesh", thing.data)
    if not thing.material_slots:
        data.materials.append(None)
    users = {data, *(each for each in bpy.data.objects if each.data == data)}
    for slot in _slots(thing):
        found = slot.material
        slot.material = model_mesh.dull_material(thing.name) if found is None else model_texture.own(found, users)
        model_texture.show_picture(existing(slot.material), image)


def _slots(thing: bpy.types.Object) -> list[bpy.types.MaterialSlot]:
    """Those whose materials the faces show."""
    data, slots = cast("bpy.types.Mesh", thing.data), thing.material_slots
    numbers = np.zeros(len(data.polygons), np.int32)
    data.polygons.foreach_get("material_index", numbers)
    # What has a higher number than there are slots shows the last one.
    return [slots[number] for number in np.unique(np.minimum(numbers, len(slots) - 1)).tolist()] if slots else []


def _triangles(data: bpy.types.Mesh) -> "tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]":
    """A mesh's triangles: their loops and their vertices, m × 3, and the polygons that they are parts of."""
    data.calc_loop_triangles()
    count = len(data.loop_triangles)
    found = np.empty(3 * count, np.int32), np.empty(3 * count, np.int32), np.empty(count, np.int32)
    for name, values in zip(("loops", "vertices", "polygon_index"), found, strict=True):
        data.loop_triangles.foreach_get(name, values)
    loops, vertices, polygons = found
    return loops.reshape(-1, 3), vertices.reshape(-1, 3), polygons


def _mirrored(corners: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return corners[:, [0, 2, 1]]


def _uvs(data: bpy.types.Mesh) -> npt.NDArray[np.float32]:
    """Of all loops, n × 2, in the active map."""
    layer = existing(data.uv_layers.active)
    found = np.empty(2 * len(data.loops), np.float32)
    layer.uv.foreach_get("vector", found)
    return found.reshape(-1, 2)
