# SPDX-License-Identifier: GPL-3.0-or-later
"""Have drawn anew what shows the state of a job, and nothing else."""

import bpy

from ..properties.typed import existing

_REGIONS = {"VIEW_3D": "UI", "IMAGE_EDITOR": "UI", "PREFERENCES": "WINDOW"}
_OURS = "SCAN_CUTOUT_OT_"


def redraw(context: bpy.types.Context) -> None:
    """Tag sidebars, preferences and the status bar of every window."""
    for window in existing(context.window_manager).windows:
        for area in window.screen.areas:
            for region in area.regions:
                if region.type == _REGIONS.get(area.type):
                    region.tag_redraw()
        # Text that another tool shows there stays.
        if any(not each.bl_idname.startswith(_OURS) for each in window.modal_operators):
            continue
        # The status bar is no area of the screen; this is the one way for Python to have it drawn. It draws that of the
        # context's window, and crashes where a timer, after a file was loaded, has a workspace without a window.
        with context.temp_override(window=window):
            window.workspace.status_text_set(None)
