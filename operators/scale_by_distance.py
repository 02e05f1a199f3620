# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that gives a scan its true size, by the distance between two points of it."""

import math
from typing import Any, cast

import bmesh
import bpy
from mathutils import Vector

from ..properties.stored import settings_in
from ..properties.typed import FloatProperty, FloatVectorProperty, OperatorResult, existing, with_properties
from ..scan.common.errors import BadUseError, ScanError, printable
from ..scene import placing
from ..session import point_picking
from ..session.placing_operator import PlacingOperator

_FIRST = "Click on a point of the model   |   Esc: cancel"
_SECOND = "Click on a second point, whose distance from the first is known   |   Esc: cancel"
_MISSED = "There is no part of the scan's model; click on the model   |   Esc: cancel"

_FARTHEST = 1_000_000_000


@with_properties
class SCAN_CUTOUT_OT_scale_by_distance(PlacingOperator, bpy.types.Operator):
    """Click on two points of the model and say how far they are from each other: the scan gets its true size"""

    bl_idname = "scan_cutout.scale_by_distance"
    bl_label = "Set Scale"
    bl_options = {"REGISTER", "UNDO"}

    point_a: Vector = FloatVectorProperty(
        name="First Point",
        description="Where the first point is in the world; without points, the two selected vertices in Edit Mode",
        subtype="XYZ_LENGTH",
        options={"SKIP_SAVE"},
    )
    point_b: Vector = FloatVectorProperty(
        name="Second Point",
        description="Where the second point is in the world",
        subtype="XYZ_LENGTH",
        options={"SKIP_SAVE"},
    )
    distance: float = FloatProperty(
        name="Distance",
        description="How far the two points are from each other on the object",
        subtype="DISTANCE",
        options={"SKIP_SAVE"},
    )

    _picking: point_picking.PointPicking | None = None

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> OperatorResult:
        """Have two points picked, where none are given or selected, and then ask for their distance."""
        window = existing(context.window)
        try:
            placing.chosen_root(context)
            if self._has_points or context.mode == "EDIT_MESH":
                return self._ask(context)
            if not point_picking.has_view(window):
                raise BadUseError("Points are picked in a 3D View; open one in this window")
        except ScanError as error:
            self.report({"ERROR"}, printable(str(error)))
            return {"CANCELLED"}
        self._picking = point_picking.PointPicking(context, _FIRST)
        existing(context.window_manager).modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Take clicks on the model; views can be turned meanwhile."""
        picking = existing(self._picking)
        if event.value == "PRESS" and event.type in {"ESC", "RIGHTMOUSE"}:
            picking.end()
            return {"CANCELLED"}
        is_click = event.type == "LEFTMOUSE" and event.value == "PRESS" and not event.alt
        if not is_click or not picking.is_over_view(event):
            return {"PASS_THROUGH"}
        try:
            is_hit = picking.pick(context, event, placing.chosen_root(context))
        except ScanError as error:  # it was deleted meanwhile
            picking.end()
            self.report({"ERROR"}, printable(str(error)))
            return {"CANCELLED"}
        if not is_hit or len(picking.points) < 2:
            picking.say((_SECOND if picking.points else _FIRST) if is_hit else _MISSED)
            return {"RUNNING_MODAL"}
        picking.end()
        # A dialog belongs to an operator that begins with it. This one has changed nothing: no step to undo.
        cast("Any", bpy.ops).scan_cutout.scale_by_distance(
            "INVOKE_DEFAULT", point_a=picking.points[0], point_b=picking.points[1]
        )
        return {"CANCELLED"}

    def cancel(self, _context: bpy.types.Context) -> None:
        """Called by Blender when the window closes, another file is loaded, or the dialog is left."""
        if self._picking is not None:
            self._picking.end()

    def place(self, context: bpy.types.Context, root: bpy.types.Object) -> None:
        """Scale it about what it stands on, so that it stays on the floor."""
        if not self._has_points:
            self._take_selected(context)
        before = (self.point_a - self.point_b).length
        if not (math.isfinite(before) and before > 0):
            raise BadUseError("The two points are the same, or none are given; choose two that are apart")
        if not 0 < self.distance <= _FARTHEST:
            raise BadUseError(f"The distance must be larger than 0 and at most {_FARTHEST:,}, not {self.distance:g}")
        if context.mode == "EDIT_MESH":
            bpy.ops.object.mode_set(mode="OBJECT")  # what is undone in Edit Mode is the mesh alone
        existing(context.view_layer).update()
        placing.grow(placing.read(root), self.distance / before)
        if self.options.is_invoke:  # from now on it is this that counts, and no height that was known
            cast("Any", settings_in(context.scene)).height = 0

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the dialog."""
        layout = existing(self.layout)
        layout.use_property_split = True
        layout.prop(self, "distance")

    @property
    def _has_points(self) -> bool:
        return all(self.properties.is_property_set(name) for name in ("point_a", "point_b"))

    def _ask(self, context: bpy.types.Context) -> OperatorResult:
        if not self._has_points:
            self._take_selected(context)
        if not self.properties.is_property_set("distance"):
            self.distance = (self.point_a - self.point_b).length
        return existing(context.window_manager).invoke_props_dialog(self)

    def _take_selected(self, context: bpy.types.Context) -> None:
        """Take the vertices that are selected in Edit Mode. Raises BadUseError."""
        edited = context.object
        selected: list[Vector] = []
        if context.mode == "EDIT_MESH" and edited is not None:
            vertices = bmesh.from_edit_mesh(cast("bpy.types.Mesh", edited.data)).verts
            selected = [edited.matrix_world @ each.co for each in vertices if each.select]
        if len(selected) != 2:
            raise BadUseError(
                "Two points are needed: select two vertices of the model in Edit Mode, or leave Edit Mode and pick them"
            )
        self.point_a, self.point_b = selected
