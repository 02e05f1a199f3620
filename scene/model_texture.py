# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture of a scan's mesh: its UV map, its picture, and a material that shows it."""

import hashlib
from pathlib import Path
from typing import cast

import bpy
import numpy as np
import numpy.typing as npt

from ..properties.typed import existing
from .photo_cameras import noted, stored_path

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
    """Load a texture, into the .blend or from beside it."""
    image = bpy.data.images.load(stored_path(file), check_existing=False)
    image[PICTURE] = True
    if packed:
        image.pack()
    return image


def shows_picture(material: bpy.types.Material) -> bool:
    """Whether a material shows the texture of a scan."""
    return _shown_in(material) is not None


def show_picture(material: bpy.types.Material, image: bpy.types.Image) -> None:
    """Have a material show a texture: in place of the texture or of the vertex colors that it shows; else as its color.

    Everything else of the material stays as it is.
    """
    tree = existing(material.node_tree)
    if (shown := _shown_in(material)) is not None:
        shown.image = image
        return
    shader = next((node for node in tree.nodes if node.type == "BSDF_PRINCIPLED"), None)
    if shader is None:
        return  # an artist's own
    socket = shader.inputs["Base Color"]
    for link in list(socket.links or ()):
        colors = existing(link.from_node)
        tree.links.remove(link)
        if colors.type == "ATTRIBUTE":
            tree.nodes.remove(colors)
    picture = cast("bpy.types.ShaderNodeTexImage", tree.nodes.new("ShaderNodeTexImage"))
    picture.image = image
    picture.location = (shader.location[0] - 300, shader.location[1])
    tree.links.new(existing(picture.outputs)["Color"], socket)


def _shown_in(material: bpy.types.Material) -> bpy.types.ShaderNodeTexImage | None:
    tree = material.node_tree
    nodes = (
        [cast("bpy.types.ShaderNodeTexImage", node) for node in tree.nodes if node.type == "TEX_IMAGE"] if tree else []
    )
    return next((node for node in nodes if node.image is not None and PICTURE in noted(node.image)), None)


def state(mesh: bpy.types.Mesh) -> list[object]:
    """What tells whether somebody has unwrapped a mesh anew, or painted on its texture."""
    found: list[object] = []
    for layer in mesh.uv_layers:
        uvs = np.empty(2 * len(layer.uv), np.float32)
        layer.uv.foreach_get("vector", uvs)
        found += [layer.name, hashlib.sha256(uvs.tobytes()).hexdigest()]
    for material in mesh.materials:
        for node in material.node_tree.nodes if material and material.node_tree else ():
            image = cast("bpy.types.ShaderNodeTexImage", node).image if node.type == "TEX_IMAGE" else None
            if image is not None:
                packed = image.packed_file
                found += [image.is_dirty, packed.size if packed else 0]
    return found
