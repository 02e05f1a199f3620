# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that a scene keeps for its panel and that operators take, named as in ``scan.tasks.settings``."""

from collections.abc import Iterable, Sequence
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    StringProperty,
)

from ..scan.tasks.settings import MAX_GROW, StripSettings

_CUTOUTS = (
    ("NONE", "None", "Masks only: all that most programs need"),
    ("PNG", "PNG", "Pictures with a transparent background"),
    ("JPEG", "JPEG", "Pictures with a background of one colour"),
)
_ENGINES = (
    ("COLMAP", "COLMAP (Embedded)", "COLMAP as it comes with the extension"),
    ("COLMAP_EXECUTABLE", "COLMAP (Executable)", "The COLMAP that is installed on this computer, 3.8 or later"),
)
_QUALITIES = (
    ("DRAFT", "Draft", "Smaller pictures and fewer features: 2 minutes for 40 photos on two busy cores"),
    ("NORMAL", "Normal", "What most scans need: 4 minutes for 40 photos on two busy cores"),
    ("HIGH", "High", "Larger pictures and more features; takes several times as long"),
)
_MAPPERS = (
    ("INCREMENTAL", "Incremental", "Camera after camera: slower and surer"),
    ("GLOBAL", "Global", "All cameras at once: faster for many photos"),
)
# From 4.5 on a path may begin with "//" only where that is said; before, it always may and saying so is an error.
RELATIVE = (
    {"PATH_SUPPORTS_BLEND_RELATIVE"}
    if "is_path_supports_blend_relative" in bpy.types.Property.bl_rna.properties
    else set()
)

MASK_CONTROLS = ("threshold", "fill_holes", "drop_islands", "grow", "refine_edges")
"""The settings that a mask is computed with from the soft mask, by their names."""

_DEFAULTS = StripSettings(photos="", output="")


class MaskProperties:
    """How masks and cutouts are made."""

    proxy_size: IntProperty(  # type: ignore[valid-type]
        name="Proxy Size",
        description="Long edge in pixels of what the model is given",
        default=_DEFAULTS.proxy_size,
        min=256,
        max=8192,
    )
    full_resolution: BoolProperty(  # type: ignore[valid-type]
        name="Full Resolution",
        description="Give the model the photo file itself; takes longer, and masks are hardly better",
        default=False,
    )
    threshold: IntProperty(  # type: ignore[valid-type]
        name="Threshold",
        description="How sure the model must be of a pixel for it to be kept",
        default=_DEFAULTS.threshold,
        min=1,
        max=255,
    )
    fill_holes: FloatProperty(  # type: ignore[valid-type]
        name="Fill Holes",
        description="Holes in the mask of up to this share of the picture are filled",
        default=_DEFAULTS.fill_holes,
        min=0,
        max=100,
        soft_max=5,
        subtype="PERCENTAGE",
    )
    drop_islands: FloatProperty(  # type: ignore[valid-type]
        name="Drop Islands",
        description="Patches beside the object of up to this share of the picture are dropped",
        default=_DEFAULTS.drop_islands,
        min=0,
        max=100,
        soft_max=5,
        subtype="PERCENTAGE",
    )
    grow: IntProperty(  # type: ignore[valid-type]
        name="Grow",
        description="Pixels of the photo by which the mask is grown, or shrunk where negative",
        default=_DEFAULTS.grow,
        min=-MAX_GROW,
        max=MAX_GROW,
        soft_min=-20,
        soft_max=20,
    )
    refine_edges: BoolProperty(  # type: ignore[valid-type]
        name="Refine Edges",
        description="Snap the mask's edge to the edges in the photo, at full resolution; takes longer",
        default=_DEFAULTS.refine_edges,
    )
    alpha_matting: BoolProperty(  # type: ignore[valid-type]
        name="Alpha Matting",
        description="Let the rembg server estimate how much of the object is in every pixel of the edge; slow",
        default=_DEFAULTS.alpha_matting,
    )
    matting_foreground: IntProperty(  # type: ignore[valid-type]
        name="Matting Foreground",
        description="Soft mask values above this, up to 255, are surely the object to alpha matting",
        default=_DEFAULTS.matting_foreground,
        min=0,
        max=255,
    )
    matting_background: IntProperty(  # type: ignore[valid-type]
        name="Matting Background",
        description="Soft mask values below this, down to 0, are surely background to alpha matting",
        default=_DEFAULTS.matting_background,
        min=0,
        max=255,
    )
    matting_erode: IntProperty(  # type: ignore[valid-type]
        name="Matting Erode",
        description="Pixels by which alpha matting draws both back from the edge before it looks between them",
        default=_DEFAULTS.matting_erode,
        min=0,
        max=1000,
        soft_max=40,
    )
    post_process: BoolProperty(  # type: ignore[valid-type]
        name="Post-Process",
        description="Let the rembg server smooth the mask and make it hard",
        default=_DEFAULTS.post_process,
    )
    extras: StringProperty(  # type: ignore[valid-type]
        name="Extras",
        description='More of what the server\'s model takes, as a JSON object such as {"model_path": "…"}; no secrets',
    )
    cutouts: EnumProperty(  # type: ignore[valid-type]
        name="Cutouts",
        description="Pictures to make beside the masks, for programs that take no masks",
        items=_CUTOUTS,
    )
    cutout_colour: FloatVectorProperty(  # type: ignore[valid-type]
        name="Cutout Color",
        description="Color behind the object in JPEG cutouts",
        subtype="COLOR_GAMMA",
        min=0,
        max=1,
    )


class SolveProperties:
    """How the cameras are found."""

    engine: EnumProperty(  # type: ignore[valid-type]
        name="Engine",
        description="Program that finds the cameras",
        items=_ENGINES,
    )
    quality: EnumProperty(  # type: ignore[valid-type]
        name="Quality",
        description="How closely the photos are looked at",
        items=_QUALITIES,
        default="NORMAL",
    )
    mapper: EnumProperty(  # type: ignore[valid-type]
        name="Mapper",
        description="How the cameras are put together",
        items=_MAPPERS,
    )
    masks: BoolProperty(  # type: ignore[valid-type]
        name="Use Masks",
        description="Look at the object alone; without, a background that stands still misleads the engine",
        default=True,
    )


class ImportProperties:
    """What an import brings."""

    animated_camera: BoolProperty(  # type: ignore[valid-type]
        name="Animated Camera",
        description="Add one camera that goes through all photos, one a frame",
        default=False,
    )


def read(values: bpy.types.OperatorProperties | bpy.types.PropertyGroup, names: Iterable[str]) -> dict[str, Any]:
    """Those of the properties that were set, by the names of the settings.

    Full Resolution is none of its own there, but a proxy size of 0.
    """
    given = {name: getattr(values, name) for name in names if values.is_property_set(name)}
    # Blender keeps single precision: 0.1 would come back as 0.100000001, and be another setting than 0.1.
    given.update((name, round(value, 6)) for name, value in given.items() if isinstance(value, float))
    if "full_resolution" in given:
        given["proxy_size"] = 0 if given.pop("full_resolution") else values.proxy_size
    if "cutout_colour" in given:
        given["cutout_colour"] = _hexadecimal(given["cutout_colour"])
    return given


def _hexadecimal(colour: Sequence[float]) -> str:
    return "#" + "".join(f"{round(value * 255):02x}" for value in colour)
