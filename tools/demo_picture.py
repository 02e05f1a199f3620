# SPDX-License-Identifier: GPL-3.0-or-later
"""Run in Blender by demo.py: bring the solved scan into an empty scene, save it, and render a picture of it.

The argument is the job folder; ``scan.blend`` and ``scan.png`` go there. For the picture, every camera holds up its
photo, since Blender renders no cameras; they, and the lights, are not in the scene that is saved.
"""

from collections import Counter

import bpy
from mathutils import Vector

FOLDER = arguments[0]  # noqa: F821 - run_in_bpy.py gives it
CARD = 0.17  # how far before its camera a photo is held up, of the way to the object


def main():
    """Import, save, render; what came into the scene, in numbers."""
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    bpy.ops.scan_cutout.import_reconstruction(directory=FOLDER)
    bpy.context.view_layer.update()
    cameras = [thing for thing in bpy.data.objects if thing.type == "CAMERA"]
    model = next(thing for thing in bpy.data.objects if "scan_cutout_model" in thing)
    points = next(thing for thing in bpy.data.objects if thing.type == "MESH" and thing != model)
    stand_up(cameras)
    bpy.ops.wm.save_as_mainfile(filepath=f"{FOLDER}/scan.blend", compress=True)

    middle = model.matrix_world @ (sum((Vector(corner) for corner in model.bound_box), Vector()) / 8)
    reach = sum((camera.matrix_world.translation - middle).length for camera in cameras) / len(cameras)
    for camera in cameras:
        hold_up(camera, reach * CARD)
    light()
    take_picture(middle + Vector((0.45, -2.2, 1.95)) * reach, middle)
    return {"cameras": len(cameras), "points": len(points.data.vertices), **facts_of(model.data)}


def facts_of(mesh):
    """How many faces it has, how many edges that are not between two of them, and how many colours."""
    between = Counter(edge for face in mesh.polygons for edge in face.edge_keys)
    colors = {tuple(each.color) for each in mesh.color_attributes["Color"].data}
    open_edges = sum(faces != 2 for faces in between.values())
    return {"faces": len(mesh.polygons), "open_edges": open_edges, "colors": len(colors)}


def stand_up(cameras):
    """Turn the scan so that the cameras of the standing object stand upright: COLMAP does not know what is up."""
    ups = [camera.matrix_world.to_3x3().col[1] for camera in cameras if "upright" in camera.data["scan_cutout_photo"]]
    root = cameras[0]
    while root.parent:
        root = root.parent
    # The cameras look down on the object a little; all around it, that cancels out.
    turn = sum(ups, Vector()).rotation_difference(Vector((0, 0, 1)))
    root.rotation_mode = "QUATERNION"
    root.rotation_quaternion = turn @ root.matrix_world.to_quaternion()
    bpy.context.view_layer.update()


def light():
    """Light the model from the left, and a little from the right; the photos shine by themselves."""
    for turn, energy in (((0.9, 0.0, -0.7), 2.6), ((1.0, 0.0, 0.9), 1.0)):
        sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
        sun.rotation_euler, sun.data.energy, sun.data.angle = turn, energy, 0.5
        bpy.context.scene.collection.objects.link(sun)


def hold_up(camera, distance):
    """Put the camera's photo before it, where it fills its view."""
    corners = [corner / -corner.z * distance for corner in camera.data.view_frame(scene=bpy.context.scene)]
    mesh = bpy.data.meshes.new("Card")
    mesh.from_pydata([camera.matrix_world @ corner for corner in corners], [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new()
    for loop, place in zip(layer.data, ((1, 1), (1, 0), (0, 0), (0, 1)), strict=True):
        loop.uv = place
    material = bpy.data.materials.new("Card")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    picture, light, out = (nodes.new(f"ShaderNode{kind}") for kind in ("TexImage", "Emission", "OutputMaterial"))
    picture.image = camera.data.background_images[0].image
    links.new(picture.outputs["Color"], light.inputs["Color"])
    links.new(light.outputs["Emission"], out.inputs["Surface"])
    mesh.materials.append(material)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Card", mesh))


def take_picture(place, target):
    """Render from one place to another, against a dark ground."""
    scene = bpy.context.scene
    eye = bpy.data.objects.new("Overview", bpy.data.cameras.new("Overview"))
    scene.collection.objects.link(eye)
    eye.location = place
    eye.rotation_euler = (target - place).to_track_quat("-Z", "Y").to_euler()
    eye.data.angle = 0.82
    scene.camera = eye
    scene.world = bpy.data.worlds.new("Ground")
    scene.world.color = (0.012, 0.012, 0.014)
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 24
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 1280, 720, 100
    scene.render.filepath = f"{FOLDER}/scan.png"
    bpy.ops.render.render(write_still=True)


result = main()
