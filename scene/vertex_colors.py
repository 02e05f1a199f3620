# SPDX-License-Identifier: GPL-3.0-or-later
"""Vertices with colours, and a material that shows them: what points and meshes of a scan have in common."""

from typing import cast

import bpy
import numpy as np
import numpy.typing as npt

from ..properties.typed import existing
from ..scan.reconstruction.types import Floats

COLOR = "Color"
"""The name of the attribute."""


def mesh_of(name: str, positions: Floats, colors: npt.NDArray[np.uint8] | None) -> bpy.types.Mesh:
    """Make a mesh of vertices alone; ``colors`` are red, green and blue in sRGB, and white where there are none."""
    count = len(positions)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(count)
    if count:  # in 4.2, what has no vertices has no positions either
        position = cast("bpy.types.FloatVectorAttribute", mesh.attributes["position"])
        position.data.foreach_set("vector", positions.astype(np.float32).ravel())
    channels = np.ones((count, 4), dtype=np.float32)
    if colors is not None:
        channels[:, :3] = colors / np.float32(255)
    color = cast("bpy.types.ByteColorAttribute", mesh.color_attributes.new(COLOR, "BYTE_COLOR", "POINT"))
    color.data.foreach_set("color_srgb", channels.ravel())
    mesh.update()
    return mesh


def material_of(name: str, shader: str, socket: str) -> tuple[bpy.types.Material, bpy.types.Node]:
    """Make a material of one shader, which has the colours at ``socket``; the shader's node is for further settings."""
    material = bpy.data.materials.new(name)
    if not material.use_nodes:  # from 5.0 on it always is, and setting it is a warning
        material.use_nodes = True
    tree = existing(material.node_tree)
    nodes = tree.nodes
    nodes.clear()
    color, shown, output = (nodes.new(kind) for kind in ("ShaderNodeAttribute", shader, "ShaderNodeOutputMaterial"))
    cast("bpy.types.ShaderNodeAttribute", color).attribute_name = COLOR
    tree.links.new(color.outputs["Color"], shown.inputs[socket])
    tree.links.new(shown.outputs[0], output.inputs["Surface"])
    for column, node in enumerate((color, shown, output)):
        node.location = (column * 300, 0)
    return material, shown
