# SPDX-License-Identifier: GPL-3.0-or-later
"""The turntable scan as a Blender scene: jug, plate, room, lamps, camera. Needs bpy; metres, the room's frame.

Image textures only: Cycles on the CPU is about five times slower with procedural ones.
"""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import turntable_object as jug
from mathutils import Matrix, Vector
from turntable_frames import FOCAL_MM, OBJECT_HEIGHT, SENSOR_HEIGHT_MM, Side, room_from_camera
from turntable_paint import Sheet, box, disc, motif, rgb, scatter, speckle, stroke, write_png

TABLE = -0.020
"""Height of the table's top; the plate's top is the room's zero."""
PLATE_RADIUS, PLATE_THICKNESS = 0.270, 0.012


# ---- the object ------------------------------------------------------------------------------------------------------


def _mesh_object(name: str, part: jug.Part, scale: float = 0.001) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata((part.points * scale).tolist(), [], part.faces)
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", part.corners.astype(np.float32).ravel())
    mesh.validate()
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def build_jug() -> bpy.types.Object:
    """Join the parts to one watertight mesh, painted by its UVs, without a material yet."""
    solid = _mesh_object("jug", jug.body())
    for part, operation in (
        (jug.handle(), "UNION"),
        (jug.spout(), "UNION"),
        (jug.lug(), "UNION"),
        (jug.cavity(), "DIFFERENCE"),
    ):
        tool = _mesh_object("tool", part)
        modifier = solid.modifiers.new("join", "BOOLEAN")
        modifier.solver, modifier.operation, modifier.object = "MANIFOLD", operation, tool
        joined = bpy.data.meshes.new_from_object(solid.evaluated_get(bpy.context.evaluated_depsgraph_get()))
        solid.modifiers.clear()
        solid.data = joined
        bpy.data.objects.remove(tool)
    solid.data.shade_smooth()
    solid.data.set_sharp_from_angle(angle=np.radians(38))
    return solid


def triangles(thing: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 3) float32 in the object's own frame and triangles (m, 3) int32."""
    mesh = thing.data
    mesh.calc_loop_triangles()
    points = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", points)
    faces = np.empty(len(mesh.loop_triangles) * 3, np.int32)
    mesh.loop_triangles.foreach_get("vertices", faces)
    return points.reshape(-1, 3), faces.reshape(-1, 3)


# ---- materials -------------------------------------------------------------------------------------------------------


def _material(name: str, colour=None, image: Path | None = None) -> bpy.types.Material:
    """Matt, in one colour or with an image."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    shader, output = nodes.new("ShaderNodeBsdfDiffuse"), nodes.new("ShaderNodeOutputMaterial")
    links.new(shader.outputs["BSDF"], output.inputs["Surface"])
    if image is None:
        shader.inputs["Color"].default_value = (*(c**2.2 for c in colour), 1.0)
    else:
        texture = nodes.new("ShaderNodeTexImage")
        texture.image = bpy.data.images.load(str(image))
        links.new(texture.outputs["Color"], shader.inputs["Color"])
    return material


def _painted(name: str, sheet: Sheet, folder: Path) -> bpy.types.Material:
    path = folder / f"{name}.png"
    write_png(path, sheet.eight_bit())
    return _material(name, image=path)


# ---- the room --------------------------------------------------------------------------------------------------------


def _panel(name: str, corners: list, material: bpy.types.Material, uv=(0.0, 0.0, 1.0, 1.0)) -> None:
    """A rectangle by its corners (anticlockwise from the lower left), painted with a part of an image."""
    u0, v0, u1, v1 = uv
    part = jug.Part(np.array(corners, float), [(0, 1, 2, 3)], np.array([(u0, v0), (u1, v0), (u1, v1), (u0, v1)]))
    _mesh_object(name, part, 1.0).data.materials.append(material)


def _block(name: str, low, high, material: bpy.types.Material, uv=(0.0, 0.0, 1.0, 1.0), top=None) -> None:
    """A box by two corners: front (towards -y), both sides and top."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    _panel(name, [(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)], material, uv)
    _panel(name, [(x0, y1, z0), (x0, y0, z0), (x0, y0, z1), (x0, y1, z1)], material, uv)
    _panel(name, [(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)], material, uv)
    _panel(name, [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)], top or material, uv)


def _wood(width: float, height: float, density: float, ground: str, seed: int, planks: int = 6) -> Sheet:
    sheet = Sheet(width, height, density, rgb(ground), seed)
    for cell, cell_y, strength in ((260, 21, 0.12), (120, 5, 0.14), (60, 1.8, 0.16), (25, 0.9, 0.12)):
        sheet.shade(sheet.noise(cell, cell_y), strength)
    for _ in range(int(width * height / 4500)):  # knots
        x, y, size = sheet.random.uniform(0, width), sheet.random.uniform(0, height), sheet.random.uniform(2, 6)
        rings = ((size, "#4a3423"), (size * 0.7, "#6d5038"), (size * 0.4, "#33241a"))
        layers = [(lambda px, py, r=r: np.hypot(px * 0.6, py) - r, rgb(shade)) for r, shade in rings]
        sheet.stamp(x, y, size * 2, 0.0, layers)
    for plank in range(1, planks):
        sheet.band(height * plank / planks - 0.7, height * plank / planks + 0.7, rgb("#2b2019"))
    return sheet


def _wallpaper(width: float, height: float, density: float, seed: int) -> Sheet:
    sheet = Sheet(width, height, density, rgb("#9a9d93"), seed)
    muted = [rgb(c) for c in ("#71786e", "#9da095", "#7c7a6e", "#686f6e", "#97948a", "#83827a")]
    taken = scatter(sheet, (14, 24), 2500, 1.05, lambda x, y, r: motif(sheet, x, y, r, muted))
    scatter(sheet, (4, 8), 9000, 1.1, lambda x, y, r: motif(sheet, x, y, r, muted), taken)
    speckle(sheet, 1.1, (0.5, 1.5), [rgb(c) for c in ("#3c4140", "#c9c8ba", "#6d5a4a", "#e0dccb")])
    for cell, strength in ((90, 0.10), (6, 0.08), (2, 0.07)):
        sheet.shade(sheet.noise(cell), strength)
    return sheet


def _poster(width: float, height: float, density: float, colours: list[str], seed: int) -> Sheet:
    """Blocks of colour, a sun, hills, lines of print."""
    palette = [rgb(c) for c in colours]
    sheet = Sheet(width, height, density, palette[0], seed)
    dice = sheet.random
    sun = [(disc(width * 0.24), palette[1]), (disc(width * 0.19), palette[2])]
    sheet.stamp(width * dice.uniform(0.3, 0.7), height * 0.3, width, 0.0, sun)
    for i in range(5):
        top = height * (0.38 + 0.08 * i)
        sheet.band(top, height * 0.8, tuple(0.85 * c for c in palette[1 + i % 3]), height * 0.05, width / 4)
    sheet.band(height * 0.8, height, palette[3])
    for row in np.arange(height * 0.83, height * 0.97, 7.0):
        x = 10.0
        while x < width - 12:
            word = dice.uniform(3, 14)
            sheet.stamp(x + word / 2, row, word, 0.0, [(box(word, 3.6), palette[0])])
            x += word + 2.5
    for _ in range(int(width * height / 500)):
        size = dice.uniform(1, 5)
        sheet.stamp(
            dice.uniform(0, width),
            dice.uniform(0, height * 0.8),
            size * 2,
            dice.uniform(0, 6),
            [(stroke(2 * size, size * 0.5), palette[dice.integers(4)])],
        )
    speckle(sheet, 2.5, (0.4, 1.2), palette)
    sheet.shade(sheet.noise(3), 0.08)
    return sheet


def _spines(count: int, density: float, seed: int) -> Sheet:
    """Book spines side by side, 30 mm wide and 220 mm high each."""
    sheet = Sheet(30.0 * count, 220.0, density, (0.3, 0.3, 0.3), seed)
    dice = sheet.random
    cloth = [rgb(c) for c in ("#65564b", "#4e5a52", "#555a62", "#7d745c", "#6e6a62", "#5d4c4c", "#858070", "#4d4a44")]
    ink = [rgb(c) for c in ("#cbbd94", "#1e1b1a", "#d7d2c4", "#a68a4e")]
    for i in range(count):
        x = 30.0 * i + 15
        sheet.stamp(x, 110, 120, 0.0, [(box(30, 230), cloth[dice.integers(len(cloth))])])
        colour = ink[dice.integers(len(ink))]
        for y in dice.uniform(8, 212, int(dice.integers(2, 6))):
            sheet.stamp(x, y, 20, 0.0, [(box(30, dice.uniform(0.8, 4)), colour)])
        top = dice.uniform(30, 60)
        while top < 170:  # the title, read from top to bottom
            long = dice.uniform(3, 12)
            for across in (-4.0, 4.0):
                sheet.stamp(x + across, top + long / 2, 14, 0.0, [(box(dice.uniform(3, 6), long), colour)])
            top += long + dice.uniform(1.5, 6)
    speckle(sheet, 3.0, (0.3, 0.9), [*ink, *cloth])
    for cell, strength in ((20, 0.10), (1.2, 0.14)):
        sheet.shade(sheet.noise(cell), strength)
    return sheet


def build_room(folder: Path, density: float, *, rug: bool) -> None:
    """Table, plate, a wall with posters, two rows of books. `density`: texels a millimetre of the near things.

    With a `rug`, a patterned cloth that does not turn lies where the plate would be.
    """
    far = density * 0.5
    table = _painted("table", _wood(1500, 900, density * 0.7, "#8a7056", 31), folder)
    _panel("table", [(-0.75, -0.45, TABLE), (0.75, -0.45, TABLE), (0.75, 0.45, TABLE), (-0.75, 0.45, TABLE)], table)
    wall = _painted("wallpaper", _wallpaper(2400, 1000, far, 32), folder)
    _panel("wall", [(-1.2, 0.60, -0.4), (1.2, 0.60, -0.4), (1.2, 0.60, 0.6), (-1.2, 0.60, 0.6)], wall)
    posters = (  # at both sides: what stands right behind the jug's rim should not have the jug's colours
        (-0.33, 0.04, 0.19, 0.25, ["#2f3f52", "#9a7a5c", "#b5a888", "#1f2a33"], 33),
        (0.235, 0.16, 0.10, 0.14, ["#9d9a8c", "#5f736b", "#7d6258", "#39424a"], 34),
        (0.355, 0.04, 0.13, 0.25, ["#4b4351", "#8d8768", "#6d8488", "#b3ad9e"], 35),
    )
    for number, (x, z, width, height, colours, seed) in enumerate(posters):
        print_ = _painted(f"poster{number}", _poster(width * 1000, height * 1000, far, colours, seed), folder)
        _panel(
            "poster",
            [
                (x - width / 2, 0.597, z),
                (x + width / 2, 0.597, z),
                (x + width / 2, 0.597, z + height),
                (x - width / 2, 0.597, z + height),
            ],
            print_,
        )
    books, count = _painted("books", _spines(26, density * 0.7, 36), folder), 26
    leaves = Sheet(40, 180, density * 0.7, rgb("#a89f8a"), 39)
    leaves.shade(leaves.noise(0.8, 60), 0.2)
    paper = _painted("paper", leaves, folder)
    dice, number = np.random.default_rng(37), 0
    for start, end in ((-0.66, -0.275), (0.25, 0.62)):  # apart, so that no edge of a book is seen through the handle
        x = start
        while x < end and number < count:
            width, height = dice.uniform(0.018, 0.042), dice.uniform(0.13, 0.21)
            front = 0.36 + dice.uniform(0.0, 0.025)
            _block(
                "book",
                (x, front, TABLE),
                (x + width, 0.55, TABLE + height),
                books,
                (number / count, 0.0, (number + 1) / count, height / 0.22),
                paper,
            )
            x, number = x + width + 0.001, number + 1
    if rug:
        _rug(folder, density)
    else:
        _plate()


def _rug(folder: Path, density: float) -> None:
    """A cloth of small motifs and threads, in which feature detectors find more than on the jug."""
    sheet = Sheet(1000, 700, density * 0.7, rgb("#7d6a5c"), 41)
    dyed = [rgb(c) for c in ("#3d4c5c", "#b09a76", "#8c4b42", "#d0c6ae", "#56654f", "#2d2a2c")]
    taken = scatter(sheet, (5, 11), 5000, 1.0, lambda x, y, r: motif(sheet, x, y, r, dyed))
    scatter(sheet, (2, 4), 20000, 1.05, lambda x, y, r: motif(sheet, x, y, r, dyed), taken)
    speckle(sheet, 3.0, (0.4, 1.2), dyed)
    for cell, strength in ((120, 0.08), (2.0, 0.12), (1.0, 0.10)):
        sheet.shade(sheet.noise(cell), strength)
    cloth = _painted("rug", sheet, folder)
    _panel("rug", [(-0.5, -0.35, 0.0), (0.5, -0.35, 0.0), (0.5, 0.35, 0.0), (-0.5, 0.35, 0.0)], cloth)


def _plate() -> None:
    """The turning plate: plain, so that it carries no features round, and wider than the picture.

    A saliency model takes a plate that fits into the picture for part of the object, the more so the smaller it is.
    """
    turn = np.linspace(0, 2 * np.pi, 256, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    for name, radius, top, bottom, colour in (
        ("plate", PLATE_RADIUS, 0.0, -PLATE_THICKNESS, "#74766f"),
        ("base", 0.12, -PLATE_THICKNESS, TABLE, "#3b3733"),
    ):
        rings = np.stack([circle * radius + (0, 0, bottom), circle * radius + (0, 0, top)])
        thing = _mesh_object(name, jug.tube(rings, jug.LUG), 1.0)
        thing.data.materials.append(_material(name, rgb(colour)))


def _lamp(name: str, place, aim, size: float, watts: float, colour) -> None:
    light = bpy.data.lights.new(name, "AREA")
    light.size, light.energy, light.color = size, watts, colour
    lamp = bpy.data.objects.new(name, light)
    lamp.matrix_world = _looking(np.array(place), np.array(aim))
    bpy.context.scene.collection.objects.link(lamp)


def _looking(place: np.ndarray, aim: np.ndarray):
    turn = Vector(aim - place).to_track_quat("-Z", "Y").to_matrix().to_4x4()
    return Matrix.Translation(place) @ turn


def build_even_light() -> None:
    """The same light from everywhere, as if the room were not there: what the jug's paint looks like by itself."""
    world = bpy.data.worlds.new("world")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 1.0
    bpy.context.scene.world = world
    for thing in bpy.context.scene.objects:
        if thing.name != "jug":
            thing.visible_diffuse = thing.visible_shadow = False


def build_lights() -> None:
    """A large window at the left, a weaker one at the right, a bright ceiling: soft, as for a scan."""
    _lamp("window", (-1.0, -0.9, 1.1), (0, 0, 0.1), 0.9, 23.0, (1.0, 0.97, 0.92))
    _lamp("door", (1.2, -0.8, 0.7), (0, 0, 0.1), 0.9, 11.0, (0.92, 0.96, 1.0))
    world = bpy.data.worlds.new("world")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.9, 0.95, 1.0, 1.0)
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.45
    bpy.context.scene.world = world


# ---- the camera ------------------------------------------------------------------------------------------------------


def build_camera() -> bpy.types.Object:
    """A pinhole of the imagined sensor; the picture's height is what the sensor's height sees."""
    lens = bpy.data.cameras.new("camera")
    lens.sensor_fit, lens.sensor_height, lens.lens = "VERTICAL", SENSOR_HEIGHT_MM, FOCAL_MM
    lens.clip_start = 0.01
    camera = bpy.data.objects.new("camera", lens)
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    return camera


def place_camera(camera: bpy.types.Object, side: Side, away: float) -> None:
    """Put the camera on the side's tripod. Blender's cameras look along -z with y up."""
    camera.matrix_world = Matrix((room_from_camera(side, away) @ np.diag([1.0, -1.0, -1.0, 1.0])).tolist())


def build(
    folder: Path, object_density: float, *, rug: bool, is_even: bool
) -> tuple[bpy.types.Object, bpy.types.Object]:
    """The whole scene in an empty file: jug and camera. Textures are written to `folder`."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    thing = build_jug()
    points = triangles(thing)[0]
    reach = points[:, 2].min(), points[:, 2].max()
    assert np.allclose(reach, (0.0, OBJECT_HEIGHT), atol=1e-6), f"it stands on neither foot nor rim: {reach}"
    write_png(folder / "jug.png", jug.paint_atlas(object_density))
    thing.data.materials.clear()
    thing.data.materials.append(_material("jug", image=folder / "jug.png"))
    build_room(folder, object_density / 3.0, rug=rug)
    if is_even:
        build_even_light()
    else:
        build_lights()
    return thing, build_camera()
