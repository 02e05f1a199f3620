# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture of a scan's mesh: its UV map, its picture, and a material that shows it."""

import hashlib
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import cast

import bpy
import numpy as np
import numpy.typing as npt

from ..properties.typed import existing
from ..scan.common.errors import BadUseError, PhotoError
from . import pictures
from .all_or_nothing import remove_unused
from .photo_cameras import noted
from .vertex_colors import COLOR

UV_MAP = "UVMap"
"""The name of the UV map."""
PICTURE = "scan_cutout_texture"
"""Custom property of a picture that came from a scan."""


def set_uvs(mesh: bpy.types.Mesh, uvs: npt.NDArray[np.float32]) -> None:
    """Give a mesh the UVs of its corners, corners × 2, in its map of that name, which is the one that counts then."""
    layer = mesh.uv_layers.get(UV_MAP) or mesh.uv_layers.new(name=UV_MAP, do_init=False)
    layer = existing(layer)
    layer.uv.foreach_set("vector", np.ascontiguousarray(uvs, np.float32).ravel())
    mesh.uv_layers.active = layer
    layer.active_render = True


def load_picture(file: Path, *, packed: bool) -> bpy.types.Image:
    """Load a texture, into the .blend or from beside it. Raises BadUseError where Blender cannot show it."""
    try:
        image = pictures.load(file, is_own=True)
    except PhotoError as error:
        raise BadUseError(f"The texture {file} {error}") from error
    if not np.array(image.size).all():  # asked for that, Blender reads the file
        bpy.data.images.remove(image)
        raise BadUseError(f"The texture {file} is damaged; make it again with Texture Again")
    image[PICTURE] = True
    if packed:
        image.pack()
    return image


def own(material: bpy.types.Material, users: AbstractSet[bpy.types.ID] = frozenset()) -> bpy.types.Material:
    """A material that may be changed; where it is linked, or others than these use it, a copy."""
    others = bpy.data.user_map(subset={material})[material] - users
    return cast("bpy.types.Material", material.copy()) if material.library or others else material


def can_show(material: bpy.types.Material) -> bool:
    """Whether a material has, or comes to have, the shader whose color a texture can be."""
    return not material.use_nodes or _shader(material) is not None


def show_picture(material: bpy.types.Material, image: bpy.types.Image) -> None:
    """Have a material show a texture: in place of the texture or of the vertex colors that it shows; else as its color.

    Everything else of the material stays as it is. One without a Principled shader is an artist's own, and has the
    texture at hand. A texture that nobody shows any more is gone then.
    """
    if not material.use_nodes:  # before 5.0
        material.use_nodes = True
    if nodes := _textures(material):
        for node in nodes:
            earlier, node.image = existing(node.image), image
            remove_unused({earlier})
        return
    tree = existing(material.node_tree)
    picture = cast("bpy.types.ShaderNodeTexImage", tree.nodes.new("ShaderNodeTexImage"))
    picture.image = image
    shader = _shader(material)
    if colors := [node for node in _of_kind(material, "ATTRIBUTE") if _names_colors(node)]:
        _replace(tree, colors[0], picture)
    elif shader is not None:
        picture.location = (shader.location[0] - 300, shader.location[1])
        tree.links.new(existing(picture.outputs)["Color"], shader.inputs["Base Color"])


def show_colors(material: bpy.types.Material) -> None:
    """Have a material that shows a texture show the colors of the vertices in its place, as before it had any."""
    tree = existing(material.node_tree)
    for node in _textures(material):
        colors = tree.nodes.new("ShaderNodeAttribute")
        cast("bpy.types.ShaderNodeAttribute", colors).attribute_name = COLOR
        image = existing(node.image)
        _replace(tree, node, colors)
        remove_unused({image})


def _of_kind(material: bpy.types.Material, kind: str) -> list[bpy.types.Node]:
    return [node for node in material.node_tree.nodes if node.type == kind] if material.node_tree else []


def _shader(material: bpy.types.Material) -> bpy.types.Node | None:
    return next(iter(_of_kind(material, "BSDF_PRINCIPLED")), None)


def picture_nodes(material: bpy.types.Material) -> list[bpy.types.ShaderNodeTexImage]:
    """The nodes of a material that show pictures, or would if they had any."""
    return [cast("bpy.types.ShaderNodeTexImage", node) for node in _of_kind(material, "TEX_IMAGE")]


def _textures(material: bpy.types.Material) -> list[bpy.types.ShaderNodeTexImage]:
    """Those that show the texture of a scan."""
    return [node for node in picture_nodes(material) if node.image is not None and PICTURE in noted(node.image)]


def _names_colors(node: bpy.types.Node) -> bool:
    return cast("bpy.types.ShaderNodeAttribute", node).attribute_name == COLOR and node.outputs["Color"].is_linked


def _replace(tree: bpy.types.NodeTree, old: bpy.types.Node, new: bpy.types.Node) -> None:
    """Have one node's color go wherever another's goes, which is removed."""
    new.location = old.location
    for link in list(old.outputs["Color"].links or ()):
        tree.links.new(new.outputs["Color"], existing(link.to_socket))
    tree.nodes.remove(old)


def state(mesh: bpy.types.Mesh) -> list[object]:
    """What tells whether somebody has unwrapped a mesh anew, or painted on its texture."""
    found: list[object] = []
    for layer in mesh.uv_layers:
        uvs = np.empty(2 * len(layer.uv), np.float32)
        layer.uv.foreach_get("vector", uvs)
        found.append(hashlib.sha256(uvs.tobytes()).hexdigest())
    for material in filter(None, mesh.materials):
        for image in (existing(node.image) for node in _textures(material)):
            packed = image.packed_file
            found += [image.is_dirty, packed.size if packed else 0]
    return found
