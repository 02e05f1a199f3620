# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished model in a scene, made by script: what tests of export and turntable begin their scripts with."""

MAKE_MODEL = """
import bmesh
import numpy as np
from math import radians

SIZE = 64
scene = bpy.context.scene

def picture(file_format="PNG", path=None):
    # No two columns alike, and no two rows. Packed where there is no path.
    image = bpy.data.images.new("Texture", SIZE, SIZE)
    across, down = np.meshgrid(np.linspace(0, 1, SIZE), np.linspace(0, 1, SIZE))
    pixels = np.stack([across, down, 0.5 + 0 * across, 1 + 0 * across], axis=-1).astype(np.float32)
    image.pixels.foreach_set(pixels.ravel())
    image.file_format = file_format
    if path:
        image.filepath_raw = str(path)
        image.save()
    else:
        image.pack()
    return image

def material_of(image):
    material = bpy.data.materials.new("Finished")
    if not material.use_nodes:
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(each for each in nodes if each.type == "BSDF_PRINCIPLED")
    if image:
        node = nodes.new("ShaderNodeTexImage")
        node.image = image
    else:
        node = nodes.new("ShaderNodeAttribute")
        node.attribute_name = "Color"
    links.new(node.outputs["Color"], shader.inputs["Base Color"])
    return material

def make_model(image, name="Vase Model"):
    # A closed body of quads with a seam in its UVs, or with colours where there is no picture; 2 wide, 2 deep, 3 high.
    mesh = bpy.data.meshes.new(name)
    inside = bmesh.new()
    inside.loops.layers.uv.new("UVMap")
    bmesh.ops.create_uvsphere(inside, u_segments=16, v_segments=8, radius=1, calc_uvs=True)
    inside.to_mesh(mesh)
    inside.free()
    for vertex in mesh.vertices:
        vertex.co.z *= 1.5
    if not image:
        mesh.uv_layers.remove(mesh.uv_layers[0])
        color = mesh.color_attributes.new("Color", "BYTE_COLOR", "POINT")
        for vertex, each in zip(mesh.vertices, color.data):
            each.color_srgb = (0.9, 0.1, 0.1, 1) if vertex.co.z > 0 else (0.1, 0.1, 0.9, 1)
    mesh.materials.append(material_of(image))
    model = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(model)
    model["scan_cutout_model"] = {"file": "", "state": ""}
    return model

def make_scan(image, **more):
    # As it comes from a solve: y down, anywhere, any size. Upright and on the floor by its root alone.
    root = bpy.data.objects.new("Vase", None)
    scene.collection.objects.link(root)
    model = make_model(image, **more)
    model.parent = root
    model.location = (0, 0.5, 0)
    model.rotation_euler.x = radians(90)
    root.rotation_euler.x = radians(-90)
    root.scale = (0.2, 0.2, 0.2)
    root.location = (3, 0, 0.4)     # 0.4 wide, 0.4 deep, 0.6 high; centre at (3, 0, 0.3)
    scene.unit_settings.scale_length = 0.5
    bpy.context.view_layer.update()
    return model

def bounds(objects):
    points = np.array([each.matrix_world @ vertex.co for each in objects for vertex in each.data.vertices])
    return [points.min(axis=0).tolist(), points.max(axis=0).tolist()]

def everything():
    # All that an artist would miss, and what is selected.
    # Blender 4.2 counts the users of a picture wrong where a material is copied.
    ids = {name: [(each.name, name == "images" or each.users) for each in getattr(bpy.data, name)]
           for name in ("objects", "meshes", "materials", "images", "scenes", "cameras", "lights", "worlds", "actions",
                        "collections", "node_groups")}
    told = [ids, [each.name for each in bpy.context.selected_objects], bpy.context.object and bpy.context.object.name]
    told += [[*row] for each in bpy.data.objects for row in each.matrix_world]
    render = scene.render
    told += [render.engine, render.filepath, render.resolution_x, render.resolution_y, scene.frame_current]
    told += [render.image_settings.file_format, scene.view_settings.view_transform, scene.camera and scene.camera.name]
    return repr(told)
"""
