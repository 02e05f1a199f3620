# SPDX-License-Identifier: GPL-3.0-or-later
"""Run in Blender by demo.py: bring the solved scan into an empty scene, save it, and render a picture of it.

The argument is the job folder; ``scan.blend`` and ``scan.png`` go there.
"""

import math
from pathlib import Path

from mathutils import Vector

folder = Path(arguments[0])  # noqa: F821 - run_in_bpy.py gives it
context = bpy.context  # noqa: F821 - and this
for thing in list(context.scene.objects):
    bpy.data.objects.remove(thing)  # noqa: F821
bpy.ops.scan_cutout.import_reconstruction(directory=str(folder))  # noqa: F821

scene = context.scene
cameras = [thing for thing in scene.objects if thing.type == "CAMERA"]
points = next(thing for thing in scene.objects if thing.type == "MESH")
context.view_layer.update()

# The picture is taken from outside the ring of cameras, a little above it.
places = [camera.matrix_world.translation for camera in cameras]
middle = sum((points.matrix_world @ Vector(corner) for corner in points.bound_box), Vector()) / 8
reach = max((place - middle).length for place in places)
eye = bpy.data.objects.new("Overview", bpy.data.cameras.new("Overview"))  # noqa: F821
scene.collection.objects.link(eye)
eye.location = middle + Vector((0.9, -1.6, 1.1)) * reach * 1.35
eye.rotation_euler = (middle - eye.location).to_track_quat("-Z", "Y").to_euler()
eye.data.angle = math.radians(50)
scene.camera = eye

render = scene.render
render.engine = "CYCLES"
scene.cycles.samples = 32
render.resolution_x, render.resolution_y, render.resolution_percentage = 1280, 800, 100
render.filepath = str(folder / "scan.png")
scene.world = bpy.data.worlds.new("Studio")  # noqa: F821
scene.world.use_nodes = True
scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.8, 0.8, 0.8, 1)
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scan.blend"), compress=True)  # noqa: F821
bpy.ops.render.render(write_still=True)  # noqa: F821
result = f"{len(cameras)} cameras and {len(points.data.vertices)} points"
