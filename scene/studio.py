# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is photographed in: a light grey backdrop, soft light, and a camera that sees all of it as it turns.

The studio is made for a model that stands at the origin and measures about one unit: see ``stand``.
"""

from math import cos, pi, radians, sin
from typing import Any, cast

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..properties.typed import existing

_LENS = 70.0  # millimetres, of a picture 36 wide: little perspective
_ELEVATION = radians(14)
_MARGIN = 1.15
# Linear. Together, sky and suns light a white surface that faces the first of them to about 0.9.
_BACKDROP = 0.8
_SKY = 0.5
# Where light comes from, how far the source reaches, which makes shadows soft, and its watts for each square metre.
# As suns: so the backdrop is lit alike everywhere, and nothing depends on the model's size.
_LIGHTS = (
    ((-0.8, -1.0, 1.2), radians(50), 1.1),
    ((1.2, -0.7, 0.5), radians(60), 0.35),
    ((0.3, 1.0, 0.8), radians(50), 0.35),
)


def stand(mesh: bpy.types.Mesh) -> tuple[float, float]:
    """Move and scale a mesh with vertices so that it stands in the middle; its largest radius, and its height, then.

    Its axis is the middle of its bounding box, and its lowest point is on the floor.
    """
    places = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", places)
    places = places.reshape(-1, 3)
    low, high = places.min(axis=0), places.max(axis=0)
    foot = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    radius = float(np.linalg.norm((places - foot)[:, :2], axis=1).max())
    height = float(high[2] - low[2])
    size = max(2 * radius, height)
    mesh.transform(Matrix.Scale(1 / size, 4) @ Matrix.Translation((-foot).tolist()))
    return radius / size, height / size


def build(scene: bpy.types.Scene, radius: float, height: float) -> list[bpy.types.ID]:
    """Build the studio into a scene, for a model of this size; all that was made for it."""
    camera = bpy.data.cameras.new("Turntable Camera")
    camera.lens, camera.sensor_fit, camera.sensor_width = _LENS, "HORIZONTAL", 36.0
    seen = bpy.data.objects.new(camera.name, camera)
    seen.matrix_world = _camera_place(radius, height, scene.render.resolution_x, scene.render.resolution_y)
    backdrop = _backdrop()
    behind = bpy.data.objects.new(backdrop.name, backdrop)
    made: list[bpy.types.ID] = [seen, camera, behind, backdrop, existing(backdrop.materials[0])]
    scene.collection.objects.link(behind)
    scene.collection.objects.link(seen)
    scene.camera = seen
    for place, reach, power in _LIGHTS:
        lamp = cast("bpy.types.SunLight", bpy.data.lights.new("Turntable Light", "SUN"))
        lamp.angle, lamp.energy = reach, power
        light = bpy.data.objects.new(lamp.name, lamp)
        light.matrix_world = Vector(place).to_track_quat("Z", "Y").to_matrix().to_4x4()
        scene.collection.objects.link(light)
        made += [light, lamp]
    scene.world = _world()
    return [*made, scene.world]


def _camera_place(radius: float, height: float, width_pixels: int, height_pixels: int) -> Matrix:
    """A camera in front of the model, a little above, that has all of it in the picture whichever way it is turned.

    Each point of the cylinder around the model has to be within the picture: seen from the middle of it along the
    view, so far to the side and so far ahead, it is if the camera is far enough back.
    """
    back = Vector((0, -cos(_ELEVATION), sin(_ELEVATION)))
    right, up = Vector((1, 0, 0)), Vector((0, sin(_ELEVATION), cos(_ELEVATION)))
    wide = 36 / 2 / _LENS / _MARGIN
    high = wide * height_pixels / width_pixels
    middle = Vector((0, 0, height / 2))
    distance = 0.0
    for step in range(32):
        angle = 2 * pi * step / 32
        for level in (0.0, height):
            point = Vector((radius * cos(angle), radius * sin(angle), level)) - middle
            beside = max(abs(point @ right) / wide, abs(point @ up) / high)
            distance = max(distance, beside + point @ back)
    turn = Matrix([right.to_tuple(), up.to_tuple(), back.to_tuple()]).transposed().to_4x4()
    return Matrix.Translation((middle + distance * back).to_tuple()) @ turn


def _backdrop() -> bpy.types.Mesh:
    """A floor that goes over into a wall in a wide bow, so that no edge is seen."""
    bow, far, side, up = 6.0, 8.0, 60.0, 60.0
    bend = [(far + bow * sin(angle), bow * (1 - cos(angle))) for angle in np.linspace(0, pi / 2, 24)]
    profile = [(-60.0, 0.0), *bend, (far + bow, up)]
    vertices = [(x, y, z) for y, z in profile for x in (-side, side)]
    faces = [(2 * row, 2 * row + 1, 2 * row + 3, 2 * row + 2) for row in range(len(profile) - 1)]
    mesh = bpy.data.meshes.new("Turntable Backdrop")
    mesh.from_pydata(vertices, [], faces)
    mesh.shade_smooth()
    material = bpy.data.materials.new(mesh.name)
    _use_nodes(material)
    shader = next(each for each in existing(material.node_tree).nodes if each.type == "BSDF_PRINCIPLED")
    cast("Any", shader.inputs["Base Color"]).default_value = (_BACKDROP, _BACKDROP, _BACKDROP, 1)
    cast("Any", shader.inputs["Roughness"]).default_value = 1
    mesh.materials.append(material)
    return mesh


def _world() -> bpy.types.World:
    world = bpy.data.worlds.new("Turntable Sky")
    _use_nodes(world)
    nodes = existing(world.node_tree).nodes
    sky = next(each for each in nodes if each.type == "BACKGROUND")
    cast("Any", sky.inputs["Color"]).default_value = (1, 1, 1, 1)
    cast("Any", sky.inputs["Strength"]).default_value = _SKY
    return world


def _use_nodes(data: bpy.types.Material | bpy.types.World) -> None:
    if not data.use_nodes:  # from 5.0 on it always does, and setting it is a warning
        data.use_nodes = True
