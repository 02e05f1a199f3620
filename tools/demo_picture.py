# SPDX-License-Identifier: GPL-3.0-or-later
"""Run in Blender by demo.py: bring the solved scan into an empty scene, save it, hand it on, and take pictures of it.

The arguments are the job folder, the object's height in metres and the photo that the model is rendered like;
``scan.blend``, ``scan.glb``, ``turntable.png``, ``scan.png`` and ``model.png`` go there. For ``scan.png``, every
camera holds up its photo, since Blender renders no cameras; they, and the lights, are not in the scene that is saved.
"""

from collections import Counter

import bpy
from mathutils import Vector

FOLDER, HEIGHT, PHOTO = arguments[0], float(arguments[1]), arguments[2]  # noqa: F821 - run_in_bpy.py gives them
CARD = 0.17  # how far before its camera a photo is held up, of the way to the object


def main():
    """Import, save, hand on, render; what came into the scene, in numbers."""
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    bpy.ops.scan_cutout.import_reconstruction(directory=FOLDER, height=HEIGHT)
    bpy.context.view_layer.update()
    cameras = [thing for thing in bpy.data.objects if thing.type == "CAMERA"]
    model = next(thing for thing in bpy.data.objects if "scan_cutout_model" in thing)
    points = next(thing for thing in bpy.data.objects if thing.type == "MESH" and thing != model)
    bpy.ops.wm.save_as_mainfile(filepath=f"{FOLDER}/scan.blend", compress=True)
    bpy.ops.scan_cutout.export_model(filepath=f"{FOLDER}/scan.glb", overwrite=True)
    bpy.ops.scan_cutout.render_turntable(filepath=f"{FOLDER}/turntable.png", overwrite=True)
    facts = {"cameras": len(cameras), "points": len(points.data.vertices), **facts_of(model)}
    facts["handed_on"] = handed_on(model)

    middle = model.matrix_world @ (sum((Vector(corner) for corner in model.bound_box), Vector()) / 8)
    reach = sum((camera.matrix_world.translation - middle).length for camera in cameras) / len(cameras)
    light()
    render_like(next(camera for camera in cameras if camera.data["scan_cutout_photo"] == PHOTO), (0.45, 0.45, 0.45))
    for camera in cameras:
        hold_up(camera, reach * CARD)
    take_picture(middle + Vector((0.45, -2.2, 1.95)) * reach, middle)
    return facts


def facts_of(model):
    """How many faces it has, how many edges that are not between two of them, how it stands, and its texture's size."""
    mesh = model.data
    between = Counter(edge for face in mesh.polygons for edge in face.edge_keys)
    open_edges = sum(faces != 2 for faces in between.values())
    heights = [(model.matrix_world @ vertex.co).z for vertex in mesh.vertices]
    return {
        "faces": len(mesh.polygons),
        "open_edges": open_edges,
        "texture": picture_of(model).size[0],
        "lowest": min(heights),
        "height": max(heights) - min(heights),
    }


def picture_of(model):
    """The texture of a model."""
    return next(node.image for node in model.data.materials[0].node_tree.nodes if node.type == "TEX_IMAGE")


def bounds(model):
    """The model's box in the world."""
    corners = [model.matrix_world @ vertex.co for vertex in model.data.vertices]
    return [pick(corner[axis] for corner in corners) for axis in range(3) for pick in (min, max)]


def handed_on(model):
    """Whether Blender, given the GLB, has the same model: how far its box is off, and how far its texture's pixels."""
    before = set(bpy.data.objects)
    bpy.ops.import_scene.gltf(filepath=f"{FOLDER}/scan.glb")
    bpy.context.view_layer.update()
    (again,) = [thing for thing in bpy.data.objects if thing not in before and thing.type == "MESH"]
    boxes = zip(bounds(model), bounds(again), strict=True)
    pictures = [list(picture_of(each).pixels) for each in (model, again)]
    result = {
        "box": max(abs(one - other) for one, other in boxes),
        "pixels": max(abs(one - other) for one, other in zip(*pictures, strict=True)),
    }
    for thing in [each for each in bpy.data.objects if each not in before]:
        bpy.data.objects.remove(thing)
    return result


def light():
    """Light the model from the left, and a little from the right; the photos shine by themselves."""
    for turn, energy in (((0.9, 0.0, -0.7), 2.6), ((1.0, 0.0, 0.9), 1.0)):
        sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
        sun.rotation_euler, sun.data.energy, sun.data.angle = turn, energy, 0.5
        bpy.context.scene.collection.objects.link(sun)


def hold_up(camera, distance):
    """Put the camera's photo before it, where it fills its view."""
    corners = [corner / -corner.z * distance for corner in camera.data.view_frame(scene=bpy.context.scene)]
    place = camera.matrix_world.normalized()  # it is as large as the scan
    mesh = bpy.data.meshes.new("Card")
    mesh.from_pydata([place @ corner for corner in corners], [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new()
    for loop, uv in zip(layer.data, ((1, 1), (1, 0), (0, 0), (0, 1)), strict=True):
        loop.uv = uv
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


def render_like(camera, sky):
    """Render the model from the camera of a photo, on nothing."""
    bpy.ops.scan_cutout.look_through_photo(camera=camera.name)
    render(sky, "model.png", is_transparent=True)


def take_picture(place, target):
    """Render from one place to another, against a dark ground."""
    scene = bpy.context.scene
    eye = bpy.data.objects.new("Overview", bpy.data.cameras.new("Overview"))
    scene.collection.objects.link(eye)
    eye.location = place
    eye.rotation_euler = (target - place).to_track_quat("-Z", "Y").to_euler()
    eye.data.angle = 0.82
    scene.camera = eye
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 1280, 720, 100
    render((0.012, 0.012, 0.014), "scan.png", is_transparent=False)


def render(sky, name, *, is_transparent):
    """Render what the scene's camera sees, below a sky of this color."""
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("Sky")
    scene.world.color = sky
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 24
    scene.view_settings.view_transform = "Standard"
    scene.render.film_transparent = is_transparent
    scene.render.filepath = f"{FOLDER}/{name}"
    bpy.ops.render.render(write_still=True)


result = main()
