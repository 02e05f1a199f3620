# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that goes to a photo in the preview by its name."""

import bpy

from ..properties.typed import EnumProperty, OperatorResult, existing, with_properties
from ..scan.common.errors import printable
from ..session import live_preview
from ..session.redraw import redraw
from .step_photo import GoesToPhotos

_listed: list[tuple[str, str, str]] = []
"""What Blender was given last: it keeps no copy of the texts."""


def _list(_operator: object, _context: object) -> list[tuple[str, str, str]]:
    preview = live_preview.now()
    # By number: a name may hold what Blender cannot.
    _listed[:] = [(str(number), printable(name), "") for number, name in enumerate(preview.photos if preview else ())]
    return _listed


@with_properties
class SCAN_CUTOUT_OT_choose_photo(GoesToPhotos, bpy.types.Operator):
    """Search for a photo by its name and show it"""

    bl_idname = "scan_cutout.choose_photo"
    bl_label = "Choose Photo"
    bl_options = {"INTERNAL"}
    bl_property = "photo"

    photo: str = EnumProperty(name="Photo", items=_list, options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> OperatorResult:
        """Let the user search."""
        existing(context.window_manager).invoke_search_popup(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Ask for it; it is shown when it is there."""
        preview = existing(live_preview.now())
        preview.look_at(preview.photos[int(self.photo)])
        redraw(context)
        return {"FINISHED"}
