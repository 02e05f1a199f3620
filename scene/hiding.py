# SPDX-License-Identifier: GPL-3.0-or-later
"""What is hidden as a user hides it, with the eye in the outliner, by which it is shown again."""

from collections.abc import Iterator

import bpy

from ..properties.typed import existing


def hide(scene: bpy.types.Scene, thing: bpy.types.Object, collection: bpy.types.Collection) -> None:
    """Hide an object and a collection of a scene."""
    for layer in scene.view_layers:
        # The object first: so Blender brings up to date what the layer has.
        thing.hide_set(True, view_layer=layer)
        for each in _all(existing(layer.layer_collection)):
            if each.collection == collection:
                each.hide_viewport = True


def show(layer: bpy.types.ViewLayer, thing: bpy.types.Object) -> None:
    """Show an object, and with it the collections that it is in, as far as the view layer has it."""
    if thing.name in layer.objects:
        thing.hide_set(False, view_layer=layer)
    for each in _all(existing(layer.layer_collection)):
        if thing.name in existing(each.collection).all_objects:
            each.hide_viewport = False


def _all(top: bpy.types.LayerCollection) -> Iterator[bpy.types.LayerCollection]:
    yield top
    for each in top.children:
        yield from _all(each)
