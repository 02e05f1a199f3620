# SPDX-License-Identifier: GPL-3.0-or-later
"""A solved scan on disk whose world lies askew, and what scripts in Blender ask of it: for tests of where it is put."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from built_models import box, leave_model
from rings import leave_solve, ring, small_turn, turned

from scan.reconstruction.types import Mesh

TURN = small_turn(np.array([40.0, -70.0, 25.0]))
"""How the world of the solve lies."""
SIZE = (1.0, 1.4, 2.0)
UPSIDE_DOWN = np.diag([1.0, -1.0, -1.0])

BEGIN = """
import json
import math
import numpy as np
from mathutils import Vector
from bpy_extras.object_utils import world_to_camera_view

scene = bpy.context.scene

def bring(folder=arguments[0], **given):
    bpy.ops.scan_cutout.import_reconstruction(directory=folder, **given)
    bpy.context.view_layer.update()

def models():
    return [each for each in bpy.data.objects if "scan_cutout_model" in each.keys()]

def root():
    return models()[-1].parent

def camera(name):
    return [each for each in root().children if each.type == "CAMERA" and each.data.get("scan_cutout_photo") == name][0]

def ends():
    # Of the model in the world: least and largest x, y and z.
    bpy.context.view_layer.update()
    (model,) = models()
    places = np.array([model.matrix_world @ each.co for each in model.data.vertices])
    return [places.min(0).tolist(), places.max(0).tolist()]

def top():
    # Where in the world the top of the object is.
    bpy.context.view_layer.update()
    return list(models()[0].matrix_world @ Vector(json.loads(arguments[-1])))

def matrix():
    return [list(row) for row in root().matrix_basis]

def refused(operator, **given):
    try:
        getattr(bpy.ops.scan_cutout, operator)(**given)
    except RuntimeError as error:
        return str(error)
    return ""
"""
FACTS = (
    BEGIN
    + """
def everything():
    kinds = {each.identifier for each in bpy.data.bl_rna.properties if each.type == "COLLECTION"} - {"all_ids"}
    return {kind: sorted(each.name for each in getattr(bpy.data, kind)) for kind in kinds}

def photos():
    return [each for each in bpy.data.objects if each.type == "CAMERA" and "scan_cutout_photo" in each.data]

def seen():
    # Where in the pictures of two cameras the model's vertices are.
    bpy.context.view_layer.update()
    return [[list(world_to_camera_view(scene, camera(name), models()[-1].matrix_world @ each.co))[:2]
             for each in models()[-1].data.vertices] for name in ("up/0000.jpg", "down/0003.jpg")]

def mine(name, parent=None, place=(0.5, 0.5, 0.5)):
    thing = bpy.data.objects.new(name, None)
    thing.parent, thing.location = parent, place
    bpy.context.view_layer.update()
    return thing

def where(thing, of=None):
    bpy.context.view_layer.update()
    of = of or models()[-1]
    return list(of.matrix_world.inverted() @ thing.matrix_world.translation)
"""
)
"""Also what there is in the file, and where in the world and in the pictures it is."""
TOP = json.dumps((TURN @ [0, 0, 1.0]).tolist())
PHOTOS = [*ring("up", 10, 20.0), *turned(ring("down", 8, 20.0), UPSIDE_DOWN)]


def make_scan(output: Path, turn: np.ndarray = TURN, scale: float = 1.0) -> Path:
    """A solve with another ``turn`` and ``scale`` is another solve of the same photos."""
    points, faces = box(SIZE, 0.2)
    photos = turned(PHOTOS, turn)
    photos = [type(each)(each.name, 1, each.rotation, scale * each.translation) for each in photos]
    normals = points / np.linalg.norm(points, axis=1, keepdims=True) @ turn.T
    mesh = Mesh(scale * points @ turn.T, faces, normals, np.ones(len(points)), None)
    leave_model(output, leave_solve(output, photos), mesh)
    return output
