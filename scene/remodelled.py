# SPDX-License-Identifier: GPL-3.0-or-later
"""Any mesh in the scene, such as one that an artist has remodelled: read for a texture, and given one."""

from pathlib import Path
from typing import cast

import bpy
import numpy as np

from ..properties.typed import existing
from ..scan.common.errors import BadUseError
from ..scan.reconstruction.types import Floats, Mesh
from . import model_mesh, model_texture, placing


def check(thing: bpy.types.Object | None) -> bpy.types.Object:
    """The object, if a texture can be made for it. Raises BadUseError."""
    if thing is None or thing.type != "MESH":
        raise BadUseError("There is no active mesh; select the one that shall be textured")
    data = cast("bpy.types.Mesh", thing.data)
    if thing.library or existing(data).library:
        raise BadUseError(f"{thing.name} is linked from another file; make it local first")
    if thing.mode != "OBJECT":
        raise BadUseError(f"{thing.name} is in {thing.mode.replace('_', ' ').title()} Mode; go to Object Mode first")
    if any(each.show_viewport for each in thing.modifiers):
        raise BadUseError(
            f"{thing.name} has modifiers; apply them first, for a texture lies on the mesh that comes of them"
        )
    if not len(data.polygons):
        raise BadUseError(f"{thing.name} has no faces")
    return thing


def read(context: bpy.types.Context, thing: bpy.types.Object | None) -> Mesh:
    """The mesh of an object in the frame of the scan's cameras, triangulated. Raises BadUseError."""
    thing = check(thing)
    data = cast("bpy.types.Mesh", thing.data)
    root = placing.chosen_root(context)
    existing(context.view_layer).update()
    matrix = np.linalg.inv(np.array(root.matrix_world)) @ np.array(thing.matrix_world)
    places = np.empty(3 * len(data.vertices), np.float32)
    data.vertices.foreach_get("co", places)
    vertices: Floats = places.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    data.calc_loop_triangles()
    count = len(data.loop_triangles)
    faces, polygons = np.empty(3 * count, np.int32), np.empty(count, np.int32)
    data.loop_triangles.foreach_get("vertices", faces)
    data.loop_triangles.foreach_get("polygon_index", polygons)
    uvs = None
    if (layer := data.uv_layers.active) is not None:
        found = np.empty(2 * len(data.loops), np.float32)
        layer.uv.foreach_get("vector", found)
        uvs = found.reshape(-1, 2)[_loops(data)]
    faces = faces.reshape(-1, 3)
    if np.linalg.det(matrix[:3, :3]) < 0:
        faces = faces[:, [0, 2, 1]]  # a mirrored object is seen from outside the other way round
        uvs = None if uvs is None else uvs[:, [0, 2, 1]]
    return Mesh(
        vertices=vertices,
        faces=faces,
        normals=np.zeros_like(vertices),
        quality=np.zeros(len(vertices)),
        colors=None,
        uvs=uvs,
        polygons=polygons,
    )


def show(thing: bpy.types.Object, uvs: Floats, picture: Path, *, packed: bool) -> None:
    """Give an object the UVs of its triangles, m × 3 × 2, and a material with the texture. Raises BadUseError.

    A material that it has keeps all but its color. Other objects with the same mesh or material show it, too.
    """
    data = cast("bpy.types.Mesh", check(thing).data)
    data.calc_loop_triangles()
    loops = _loops(data)
    if loops.shape != uvs.shape[:2]:
        raise BadUseError(f"{thing.name} was changed while its texture was made; texture it again")
    if np.linalg.det(np.array(thing.matrix_world)[:3, :3]) < 0:
        loops = loops[:, [0, 2, 1]]
    whole = np.zeros((len(data.loops), 2), np.float32)
    whole[loops.ravel()] = uvs.reshape(-1, 2)
    model_texture.set_uvs(data, whole)
    material = next((each for each in data.materials if each is not None), None)
    if material is None:
        material = model_mesh.dull_material(thing.name)
        data.materials.append(material)
    model_texture.show_picture(material, model_texture.load_picture(picture, packed=packed))


def _loops(data: bpy.types.Mesh) -> "np.ndarray[tuple[int, int], np.dtype[np.int32]]":
    """Triangles × 3: the corners of a mesh's polygons that are those of its triangles."""
    found = np.empty(3 * len(data.loop_triangles), np.int32)
    data.loop_triangles.foreach_get("loops", found)
    return found.reshape(-1, 3)
