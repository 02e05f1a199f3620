# SPDX-License-Identifier: GPL-3.0-or-later
"""The cameras and points of a scan, and whether somebody has worked on one since it was made."""

from collections.abc import Iterator
from typing import Any, cast

import bpy
import numpy as np

from ..properties.typed import existing
from ..scan.common.hashes import short_hash
from . import model_mesh, point_cloud
from .photo_cameras import noted

MADE = "scan_cutout_made"
"""Custom property of such an object: in which state it was made."""


def note(thing: bpy.types.Object) -> None:
    """Keep with an object how it is. It is parented."""
    thing[MADE] = _state(thing)


def is_as_made(thing: bpy.types.Object) -> bool:
    """Whether an object is a camera of a scan, or its points, and nobody has worked on it.

    What it is called, whether it is hidden, and who uses it does not count: all of this goes over to its successor.
    """
    if MADE not in noted(thing) or thing.library or thing.override_library or thing.data is None or thing.data.library:
        return False
    return bool(noted(thing)[MADE] == _state(thing))


def _state(thing: bpy.types.Object) -> str:
    curves = [curve for owner in (thing, thing.data) for curve in _curves(owner)]
    own: list[object] = [
        thing.parent is not None and thing.parent.type,
        thing.mode,
        [each.type for each in thing.constraints],
        [[each.name, *_nodes(each)] for each in thing.modifiers],
        [each.material is not None for each in thing.material_slots],
        curves,
    ]
    if not curves:  # else they move it
        places = (thing.location, thing.rotation_quaternion, thing.scale)
        own += [thing.rotation_mode, *(np.array(each).tolist() for each in places)]
    if thing.type == "MESH":
        own += [model_mesh.content(cast("bpy.types.Mesh", thing.data))]
    else:
        data = cast("bpy.types.Camera", thing.data)
        own += [data.type, data.sensor_fit, data.sensor_width, existing(data.dof).use_dof]
        own += [len(data.background_images)]  # one more is somebody's own
        own += [] if curves else [data.lens, data.shift_x, data.shift_y]
    return short_hash(*own)


def _nodes(modifier: bpy.types.Modifier) -> Iterator[object]:
    """What a modifier that is made of nodes is set to, and what its nodes and materials are."""
    group = cast("bpy.types.NodesModifier", modifier).node_group if modifier.type == "NODES" else None
    if group is None:
        return
    yield _numbers(modifier)
    yield _tree(group)
    for material in point_cloud.materials_of(group):
        yield _tree(existing(material.node_tree))


def _numbers(modifier: Any) -> list[float]:
    try:
        values = modifier.values()
    except TypeError:  # from 5.2 on
        inputs = modifier.properties.inputs
        names = [each.identifier for each in inputs.bl_rna.properties]
        values = [getattr(getattr(inputs, name, None), "value", None) for name in names]
    return [each for each in values if isinstance(each, float)]


def _tree(tree: bpy.types.NodeTree) -> list[object]:
    """The nodes of a tree, each with the numbers that its inputs have."""
    found: list[object] = [len(tree.links)]
    for node in tree.nodes:
        values = [getattr(each, "default_value", None) for each in node.inputs]
        found += [[node.type, node.mute, *(np.array(each).tolist() for each in values if _is_number(each))]]
    return found


def _is_number(value: object) -> bool:
    return np.issubdtype(np.array(value).dtype, np.number)


def _curves(owner: bpy.types.ID | None) -> Iterator[list[object]]:
    """What animates something: the path of each curve, and its keys."""
    animated = getattr(owner, "animation_data", None)
    if animated is None:
        return
    yield [len(animated.drivers), len(animated.nla_tracks)]
    action = animated.action
    for curve in _all_curves(action) if action else ():
        keys = np.empty(2 * len(curve.keyframe_points), np.float32)
        curve.keyframe_points.foreach_get("co", keys)
        yield [curve.data_path, curve.array_index, keys.tolist()]


def _all_curves(action: Any) -> Iterator[Any]:
    if hasattr(action, "fcurves"):  # before 5.0
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from bag.fcurves
