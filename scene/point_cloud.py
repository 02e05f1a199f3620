# SPDX-License-Identifier: GPL-3.0-or-later
"""The triangulated points as a mesh of vertices that Geometry Nodes show as small coloured balls."""

from typing import Any, Literal, cast

import bpy
import numpy as np

from ..properties.typed import existing
from ..scan.reconstruction.types import Points
from .vertex_colors import material_of, mesh_of

# Past this the viewport shows a random choice of the points; renders always show all.
_SHOWN = 300_000
# The kinds of sockets, of which the stubs know none.
_GEOMETRY: Any = "NodeSocketGeometry"
_NUMBER: Any = "NodeSocketFloat"


def build(name: str, points: Points) -> bpy.types.Object:
    """Make the object. It is in no collection yet."""
    cloud = bpy.data.objects.new(name, mesh_of(name, points.positions, points.colors))
    modifier = cast("bpy.types.NodesModifier", cloud.modifiers.new(name="Points", type="NODES"))
    # What the inputs of a modifier start with are the group's defaults: set there, no version's way to set an input
    # matters here.
    modifier.node_group = _node_group(name, _radius(points), min(1.0, _SHOWN / max(1, len(points.positions))))
    return cloud


def materials_of(group: bpy.types.NodeTree) -> list[bpy.types.Material]:
    """The materials that a group of nodes gives to what it shows."""
    sockets = [each.inputs["Material"] for each in group.nodes if each.type == "SET_MATERIAL"]
    found = (cast("bpy.types.NodeSocketMaterial", each).default_value for each in sockets)
    return [each for each in found if each is not None]


def _radius(points: Points) -> float:
    """About half the gap between neighbours, if the points lie on a surface as large as where most of them are."""
    if len(points.positions) < 2:
        return 0.01
    low, high = np.percentile(points.positions, (5, 95), axis=0)
    extent = float(np.linalg.norm(high - low)) or 1.0
    return float(np.clip(0.3 * extent / np.sqrt(len(points.positions)), extent / 2000, extent / 200))


def _node_group(name: str, radius: float, share: float) -> bpy.types.NodeTree:
    group = cast("bpy.types.GeometryNodeTree", bpy.data.node_groups.new(name, "GeometryNodeTree"))
    group.is_modifier = True
    interface = existing(group.interface)
    interface.new_socket("Geometry", in_out="OUTPUT", socket_type=_GEOMETRY)
    interface.new_socket("Geometry", in_out="INPUT", socket_type=_GEOMETRY)
    _number(interface, "Radius", radius, "DISTANCE", "Size of each point")
    _number(interface, "Viewport Share", share, "FACTOR", "How many of the points are shown outside of renders", 1.0)

    nodes, link = group.nodes, group.links.new
    given, shown = nodes.new("NodeGroupInput"), nodes.new("NodeGroupOutput")
    chance, left_out = nodes.new("FunctionNodeRandomValue"), _math(nodes, "GREATER_THAN")
    in_viewport, hidden = nodes.new("GeometryNodeIsViewport"), _math(nodes, "MULTIPLY")
    kept, points = _math(nodes, "SUBTRACT"), nodes.new("GeometryNodeMeshToPoints")
    set_material = nodes.new("GeometryNodeSetMaterial")
    # Without light: the photos that the colours come from were lit already.
    material, _ = material_of(name, "ShaderNodeEmission", "Color")
    # A point is hidden if it is in the viewport, and chance is not below the share. Numbers stand for true and false.
    link(next(output for output in chance.outputs if output.type == "VALUE"), left_out.inputs[0])
    link(given.outputs["Viewport Share"], left_out.inputs[1])
    link(left_out.outputs[0], hidden.inputs[0])
    link(in_viewport.outputs[0], hidden.inputs[1])
    cast("bpy.types.NodeSocketFloat", kept.inputs[0]).default_value = 1.0
    link(hidden.outputs[0], kept.inputs[1])
    link(given.outputs["Geometry"], points.inputs["Mesh"])
    link(kept.outputs[0], points.inputs["Selection"])
    link(given.outputs["Radius"], points.inputs["Radius"])
    link(points.outputs[0], set_material.inputs["Geometry"])
    cast("bpy.types.NodeSocketMaterial", set_material.inputs["Material"]).default_value = material
    link(set_material.outputs[0], shown.inputs[0])
    for column, node in enumerate((chance, left_out, in_viewport, hidden, kept, given, points, set_material, shown)):
        node.location = (column * 180, 0)
    return group


def _math(nodes: bpy.types.Nodes, operation: Literal["GREATER_THAN", "MULTIPLY", "SUBTRACT"]) -> bpy.types.Node:
    node = nodes.new("ShaderNodeMath")
    cast("bpy.types.ShaderNodeMath", node).operation = operation
    return node


def _number(
    interface: bpy.types.NodeTreeInterface, name: str, value: float, subtype: str, words: str, most: float = 3.4e38
) -> None:
    socket: Any = interface.new_socket(name, in_out="INPUT", socket_type=_NUMBER, description=words)
    socket.subtype, socket.default_value, socket.min_value, socket.max_value = subtype, value, 0.0, most
