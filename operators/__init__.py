# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user can do, one operator a file, and the same from the command line."""

import bpy

from . import command_line
from .check_endpoint import SCAN_CUTOUT_OT_check_endpoint
from .import_reconstruction import SCAN_CUTOUT_FH_import_reconstruction, SCAN_CUTOUT_OT_import_reconstruction
from .look_through_photo import SCAN_CUTOUT_OT_look_through_photo
from .reconstruct import SCAN_CUTOUT_OT_reconstruct
from .scan_to_scene import SCAN_CUTOUT_OT_scan_to_scene
from .strip_backgrounds import SCAN_CUTOUT_OT_strip_backgrounds

_register_classes, _unregister_classes = bpy.utils.register_classes_factory(
    (
        SCAN_CUTOUT_OT_check_endpoint,
        SCAN_CUTOUT_OT_strip_backgrounds,
        SCAN_CUTOUT_OT_reconstruct,
        SCAN_CUTOUT_OT_scan_to_scene,
        SCAN_CUTOUT_OT_import_reconstruction,
        SCAN_CUTOUT_FH_import_reconstruction,
        SCAN_CUTOUT_OT_look_through_photo,
    )
)


def register() -> None:
    """Register the operators and the command."""
    _register_classes()
    command_line.register()


def unregister() -> None:
    """Take all of it back."""
    command_line.unregister()
    _unregister_classes()
