# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that puts a scan that is in the scene upright on the floor."""

from typing import Any

import bpy

from ..properties.declared import given, operator_properties
from ..properties.stored import settings_in
from ..properties.typed import OperatorResult, existing
from ..scan.common.declared import names_of
from ..scan.common.errors import printable
from ..scan.reconstruction.placement import place
from ..scan.reconstruction.settings import PlacementSettings
from ..scan.reconstruction.upright import check_names, find_up
from ..scene import placing
from ..session.placing_operator import PlacingOperator

_NOT_ASKED = ("upright",)
_ASKED = [name for name in names_of(PlacementSettings) if name not in _NOT_ASKED]


class SCAN_CUTOUT_OT_stand_upright(PlacingOperator, bpy.types.Operator):
    """Put the scan upright on the floor at the origin, as the photos' cameras tell, its front forward"""

    bl_idname = "scan_cutout.stand_upright"
    bl_label = "Stand Upright"
    bl_options = {"REGISTER", "UNDO"}

    __annotations__ = operator_properties(PlacementSettings, without=_NOT_ASKED)

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip: the button beside the front has no label."""
        if properties.front:
            return "Turn the scan so that this photo shows its front, and keep that as the front"
        return ""  # the class's own

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> OperatorResult:
        """Take from the sidebar what the call leaves open, and show there what it does not."""
        shown: Any = settings_in(context.scene)
        for name in _ASKED:
            if self.properties.is_property_set(name):
                setattr(shown, name, getattr(self.properties, name))
            else:
                setattr(self.properties, name, getattr(shown, name))
        return self.execute(context)

    def place(self, context: bpy.types.Context, root: bpy.types.Object) -> None:
        """Place it. Without a height it keeps its scale; where the photos do not tell what is up, that is a warning."""
        settings = PlacementSettings(**given(self.properties, PlacementSettings))
        settings.check_placement()
        scan = placing.read(root)
        check_names(settings, [photo.name for photo in scan.photos])
        up = find_up(scan.photos, settings.up_side, scan.orientations)
        unit = existing(context.scene).unit_settings.scale_length
        placement = place(settings, up, scan.photos, scan.shape, unit=unit, scale=scan.scale)
        placing.put(scan, placement.matrix)
        self.report({"WARNING" if up.direction is None else "INFO"}, printable(f"{root.name}: {up.said}"))
