# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a scan on its own, as it stands in the world, in a scene that is there for a moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import bpy
from mathutils import Matrix

from ..properties.typed import existing
from ..scan.common.errors import BadUseError
from ..scan.common.text import some
from .model_mesh import is_model

NO_MODEL = "There is no model of a scan in the scene; import one that was built"


def has_model(context: bpy.types.Context) -> bool:
    """Whether there is a model to choose."""
    return any(map(is_model, existing(context.view_layer).objects))


def chosen_model(context: bpy.types.Context) -> bpy.types.Object:
    """The model that is meant: the active object, else the only one of the scene. Raises BadUseError."""
    objects = existing(context.view_layer).objects  # what is excluded from it has neither modifiers nor a place
    active = objects.active
    if active is not None and is_model(active):
        return active
    models = [each for each in objects if is_model(each)]
    if not models:
        raise BadUseError(NO_MODEL)
    if len(models) > 1:
        names = some([each.name for each in models])
        raise BadUseError(f"There is more than one model in the scene ({names}); select the one that is meant")
    return models[0]


@contextmanager
def scene_of(
    context: bpy.types.Context, model: bpy.types.Object, name: str, scale: float
) -> Iterator[tuple[bpy.types.Scene, bpy.types.Object]]:
    """Give a scene with nothing but a copy of a model, that goes again with all that the copy is made of.

    The copy has the model's modifiers and its place in the world applied, and then is ``scale`` times as large; its
    materials are the model's own. Nothing else of the file changes, nor what is selected. Raises BadUseError where the
    model has no faces.
    """
    model.update_from_editmode()
    graph = context.evaluated_depsgraph_get()
    seen = model.evaluated_get(graph)
    if not cast("bpy.types.Mesh", seen.data).polygons:
        raise BadUseError(f"The model {model.name} has no faces; choose another, or build it again")
    mesh = bpy.data.meshes.new_from_object(seen, preserve_all_data_layers=True, depsgraph=graph)
    mesh.name = name
    for index, slot in enumerate(model.material_slots):
        mesh.materials[index] = slot.material  # which may be the object's, and not the mesh's
    world = seen.matrix_world.copy()
    mesh.transform(Matrix.Scale(scale, 4) @ world)
    if world.is_negative:
        mesh.flip_normals()
    scene, copy = bpy.data.scenes.new(name), bpy.data.objects.new(name, mesh)
    try:
        scene.collection.objects.link(copy)
        yield scene, copy
    finally:
        bpy.data.objects.remove(copy)
        bpy.data.meshes.remove(mesh)
        bpy.data.scenes.remove(scene)


def in_scene(context: bpy.types.Context, scene: bpy.types.Scene) -> object:
    """Have Blender's operators work on a scene that no window shows: what a ``with`` statement takes."""
    return cast("object", context.temp_override(scene=scene, view_layer=scene.view_layers[0]))
