# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender keeps for the extension: the settings of a scene, and the preferences."""

from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from .scene_settings import ScanCutoutSettings

    Settings = ScanCutoutSettings

    class Preferences(bpy.types.AddonPreferences):
        """The extension's preferences, which ``ui`` registers and draws."""

        model: str
        endpoint: str

        def __getattr__(self, name: str) -> Any:
            """Any declared setting of the preferences."""

else:  # scene_settings needs this module
    Preferences, Settings = bpy.types.AddonPreferences, bpy.types.PropertyGroup

NAME = "scan_cutout"
"""The property of a scene that holds its settings, once ``scene_settings`` has registered it."""


def settings_in(scene: bpy.types.Scene | None) -> Settings:
    """The settings of a scene, which the sidebar shows; a context's scene is never None, whatever the stubs say."""
    found: Settings = getattr(scene, NAME)
    return found
