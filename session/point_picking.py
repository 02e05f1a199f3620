# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that are picked on the model of a scan by clicks in a 3D View, and are marked there."""

from typing import Any, cast

import bpy
import gpu
from bpy_extras import view3d_utils
from gpu_extras.batch import batch_for_shader
from mathutils import Vector

from ..properties.typed import existing
from ..scene import placing

_COLOR = (1.0, 0.45, 0.05, 1.0)
_ARM = 9  # of a mark, in pixels of a screen without scaling
_WIDTH = 2.5


class PointPicking:
    """Collects points on the model of one scan. ``end`` has to be called."""

    def __init__(self, context: bpy.types.Context, words: str) -> None:
        """``words`` stand in the headers of the 3D Views meanwhile."""
        self.points: list[Vector] = []
        """In the world."""
        self._window = existing(context.window)
        self._handler = bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")
        self.say(words)

    def end(self) -> None:
        """Take away what is shown."""
        bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")
        self.say(None)

    def say(self, words: str | None) -> None:
        """Show words in the headers of the 3D Views; None for what is there as a rule."""
        for area in _views(self._window):
            area.header_text_set(words)
            area.tag_redraw()

    def is_over_view(self, event: bpy.types.Event) -> bool:
        """Whether the mouse is where objects are, and not over a panel."""
        return _region(self._window, event) is not None

    def pick(self, context: bpy.types.Context, event: bpy.types.Event, root: bpy.types.Object) -> bool:
        """Take the point under the mouse; False where something else than the scan's model is there, or nothing."""
        region = existing(_region(self._window, event))
        view = cast("bpy.types.RegionView3D", region.data)
        at = (event.mouse_x - region.x, event.mouse_y - region.y)
        origin = view3d_utils.region_2d_to_origin_3d(region, view, at)
        direction = view3d_utils.region_2d_to_vector_3d(region, view, at)
        scene, graph = existing(context.scene), context.evaluated_depsgraph_get()
        is_hit, place, _, _, hit, _ = scene.ray_cast(graph, origin, direction)
        if not is_hit or placing.root_of(cast("bpy.types.Object", existing(hit).original)) != root:
            return False
        self.points.append(place)
        return True

    def _draw(self) -> None:
        region, view = bpy.context.region, bpy.context.region_data
        if region is None or view is None:
            return
        found = [view3d_utils.location_3d_to_region_2d(region, view, each) for each in self.points]
        seen = [cast("Vector", each) for each in found if each is not None]  # the others are behind the viewer
        arm = _ARM * existing(bpy.context.preferences).system.ui_scale
        ends = [(-arm, -arm), (arm, arm), (-arm, arm), (arm, -arm)]
        lines = [each + Vector(end) for each in seen for end in ends]
        if len(seen) > 1:
            lines += seen
        shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
        shader.uniform_float("viewportSize", (region.width, region.height))
        shader.uniform_float("lineWidth", _WIDTH)
        shader.uniform_float("color", _COLOR)
        places: Any = [(each.x, each.y, 0.0) for each in lines]
        batch_for_shader(shader, "LINES", {"pos": places}).draw(shader)


def has_view(window: bpy.types.Window) -> bool:
    """Whether there is a 3D View to pick in."""
    return bool(_views(window))


def _views(window: bpy.types.Window) -> list[bpy.types.Area]:
    return [each for each in window.screen.areas if each.type == "VIEW_3D"]


def _region(window: bpy.types.Window, event: bpy.types.Event) -> bpy.types.Region | None:
    """The part of a 3D View that shows objects under the mouse; None where a panel, header or other editor is."""
    there = [each for area in _views(window) for each in area.regions if _is_in(each, event)]
    return there[0] if there and all(each.type == "WINDOW" for each in there) else None


def _is_in(region: bpy.types.Region, event: bpy.types.Event) -> bool:
    x, y = event.mouse_x - region.x, event.mouse_y - region.y
    return region.width > 1 and region.height > 1 and 0 <= x < region.width and 0 <= y < region.height
