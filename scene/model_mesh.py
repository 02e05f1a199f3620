# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh of a scan in the scene, and that of an earlier import, whose place it takes.

The earlier one is taken out only where it is as it came. In doubt an artist has worked on it, and both stand there.
"""

import hashlib
from pathlib import Path
from typing import Any, cast

import bpy
import numpy as np

from ..properties.typed import existing
from ..scan.common.hashes import short_hash
from ..scan.reconstruction.types import Mesh
from . import model_texture
from .photo_cameras import noted
from .vertex_colors import COLOR, material_of, mesh_of

MODEL = "scan_cutout_model"
"""Custom property of such an object: which file it came from, and in which state it was then."""

_SELECTED = (".uv_select_", ".vs.", ".es.")
"""How the names of attributes begin that keep what is selected of UVs; from 5.0 on to look at a mesh makes them."""
_ROUGHNESS = 0.8  # most of what is scanned is dull, and the colours have their highlights in them


def build(name: str, mesh: Mesh) -> bpy.types.Object:
    """Make the object, without a material. It is in no collection yet."""
    data = mesh_of(name, mesh.vertices, mesh.colors)
    corners = mesh.faces.astype(np.int32).ravel()
    data.loops.add(len(corners))
    data.loops.foreach_set("vertex_index", corners)
    data.polygons.add(len(mesh.faces))
    data.polygons.foreach_set("loop_start", np.arange(0, len(corners), 3, dtype=np.int32))
    data.update(calc_edges=True)
    if mesh.uvs is not None:  # before faces may be taken out
        model_texture.set_uvs(data, mesh.uvs)
    data.validate()  # it comes from a file, and faces without an area do no harm but to Blender
    data.shade_smooth()
    return bpy.data.objects.new(name, data)


def dress(model: bpy.types.Object, picture: bpy.types.Image | None, earlier: bpy.types.Object | None) -> None:
    """Give the object the material of the model whose place it takes, or one of its own where there is none.

    The material shows the ``picture``, where there is one and the mesh is unwrapped, else the vertices' colours. One
    that others use stays as it is, and the object has a copy.
    """
    data = cast("bpy.types.Mesh", model.data)
    if earlier is None:
        shown = dull_material(model.name)
    else:
        before = cast("bpy.types.Mesh", earlier.data)
        shown = model_texture.own(existing(before.materials[0]), {before})
    if picture is not None:
        model_texture.show_picture(shown, picture)
    else:
        model_texture.show_colors(shown)
    data.materials.append(shown)


def is_model(thing: bpy.types.Object) -> bool:
    """Whether an object is the model of a scan, or a copy of one, whatever was done to it since."""
    return thing.type == "MESH" and MODEL in noted(thing)


def note(model: bpy.types.Object, file: Path) -> None:
    """Keep with the object where it came from. It is parented and in its collection."""
    # IDs take dictionaries, of which the stubs know nothing.
    model[MODEL] = cast("str", {"file": _identity(file), "state": _state(model)})


def note_again(model: bpy.types.Object) -> None:
    """Keep the state it is in now: what was done to it since was our own doing."""
    model[MODEL] = cast("str", {"file": _known(model)["file"], "state": _state(model)})


def earlier_model(root: bpy.types.Object, file: Path) -> bpy.types.Object | None:
    """What came from this file and is as it came, of a scan; None where there is none, or somebody's work."""
    models = (each for each in root.children if is_as_it_came(each) and _known(each)["file"] == _identity(file))
    return next(models, None)


def is_as_it_came(model: bpy.types.Object) -> bool:
    """Whether an object is the model of a scan, on which nobody has worked."""
    if not is_model(model) or "file" not in _known(model):
        return False
    if model.library or model.override_library or existing(model.data).library:
        return False
    return _known(model).get("state") == _state(model)


def _known(model: bpy.types.Object) -> dict[str, str]:
    kept: Any = noted(model).get(MODEL)  # whatever somebody has put there
    return kept.to_dict() if hasattr(kept, "to_dict") else {}


def _identity(file: Path) -> str:
    return short_hash(str(file.resolve()))


def _state(model: bpy.types.Object) -> str:
    """Names all that an artist is likely to change, or to build on: same name, nothing was touched."""
    data = cast("bpy.types.Mesh", model.data)
    collections = model.users_collection
    # Whoever has it as child, target or second user, or has its collection as an instance.
    users = bpy.data.user_map(subset={model, data, *collections}, value_types={"OBJECT"})
    return short_hash(
        _placed(model),
        model.mode,
        sorted(each.name for each in collections),
        sorted({each.name for found in users.values() for each in found}),
        [each.name for each in model.modifiers],
        [each.name for each in model.vertex_groups],
        [each.material.name if each.material else "" for each in model.material_slots],
        sorted(
            (each.name, each.domain, each.data_type) for each in data.attributes if not each.name.startswith(_SELECTED)
        ),
        [data.animation_data is None, data.shape_keys is None],
        content(data),
        *model_texture.state(data),
    )


def _placed(thing: bpy.types.Object) -> list[object]:
    """Where an object is below its scan's root, and by what. Where that is, is kept for the next import."""
    matrix = np.array(thing.matrix_basis).tolist()
    parent = thing.parent.type if thing.parent else ""
    return [thing.name, parent, matrix, len(thing.constraints), thing.animation_data is None]


def content(data: bpy.types.Mesh) -> str:
    """A hash of positions, faces and colours."""
    positions = np.empty(3 * len(data.vertices), np.float32)
    data.vertices.foreach_get("co", positions)
    corners = np.empty(len(data.loops), np.int32)
    data.loops.foreach_get("vertex_index", corners)
    colors = np.empty(0, np.float32)
    if (found := cast("bpy.types.ByteColorAttribute | None", data.color_attributes.get(COLOR))) is not None:
        colors = np.empty(4 * len(found.data), np.float32)
        found.data.foreach_get("color", colors)
    content = hashlib.sha256()
    for values in (positions, corners, colors):
        content.update(values.tobytes())
    return content.hexdigest()


def dull_material(name: str) -> bpy.types.Material:
    """Make a material that shows the colours of a mesh's vertices."""
    material, shader = material_of(name, "ShaderNodeBsdfPrincipled", "Base Color")
    cast("bpy.types.NodeSocketFloat", shader.inputs["Roughness"]).default_value = _ROUGHNESS
    return material
