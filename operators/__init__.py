# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user can do, one operator a file, and the same from the command line."""

import bpy

from ..properties import scene_settings
from ..session import command_line, current_job, job_operator, live_preview, queries, survey, thumbnails
from .add_endpoint import SCAN_CUTOUT_OT_add_endpoint
from .cancel_job import SCAN_CUTOUT_OT_cancel_job
from .check_endpoint import SCAN_CUTOUT_OT_check_endpoint
from .check_programs import SCAN_CUTOUT_OT_check_programs
from .choose_model import SCAN_CUTOUT_OT_choose_model
from .choose_photo import SCAN_CUTOUT_OT_choose_photo
from .copy_docker_command import SCAN_CUTOUT_OT_copy_docker_command
from .import_reconstruction import SCAN_CUTOUT_FH_import_reconstruction, SCAN_CUTOUT_OT_import_reconstruction
from .leave_mask import SCAN_CUTOUT_OT_leave_mask
from .look_at_photos import SCAN_CUTOUT_OT_look_at_photos
from .look_through_photo import SCAN_CUTOUT_OT_look_through_photo
from .open_path import SCAN_CUTOUT_OT_open_path
from .paint_mask import SCAN_CUTOUT_OT_paint_mask
from .preview_photo import SCAN_CUTOUT_OT_preview_photo
from .reconstruct import SCAN_CUTOUT_OT_reconstruct
from .remove_endpoint import SCAN_CUTOUT_OT_remove_endpoint
from .save_mask import SCAN_CUTOUT_OT_save_mask
from .scan_to_scene import SCAN_CUTOUT_OT_scan_to_scene
from .step_photo import SCAN_CUTOUT_OT_step_photo
from .stop_preview import SCAN_CUTOUT_OT_stop_preview
from .strip_backgrounds import SCAN_CUTOUT_OT_strip_backgrounds
from .watch_job import SCAN_CUTOUT_OT_watch_job

_register_classes, _unregister_classes = bpy.utils.register_classes_factory(
    (
        SCAN_CUTOUT_OT_check_endpoint,
        SCAN_CUTOUT_OT_look_at_photos,
        SCAN_CUTOUT_OT_open_path,
        SCAN_CUTOUT_OT_add_endpoint,
        SCAN_CUTOUT_OT_remove_endpoint,
        SCAN_CUTOUT_OT_check_programs,
        SCAN_CUTOUT_OT_choose_model,
        SCAN_CUTOUT_OT_copy_docker_command,
        SCAN_CUTOUT_OT_strip_backgrounds,
        SCAN_CUTOUT_OT_reconstruct,
        SCAN_CUTOUT_OT_scan_to_scene,
        SCAN_CUTOUT_OT_watch_job,
        SCAN_CUTOUT_OT_cancel_job,
        SCAN_CUTOUT_OT_import_reconstruction,
        SCAN_CUTOUT_FH_import_reconstruction,
        SCAN_CUTOUT_OT_look_through_photo,
        SCAN_CUTOUT_OT_preview_photo,
        SCAN_CUTOUT_OT_step_photo,
        SCAN_CUTOUT_OT_choose_photo,
        SCAN_CUTOUT_OT_stop_preview,
        SCAN_CUTOUT_OT_paint_mask,
        SCAN_CUTOUT_OT_save_mask,
        SCAN_CUTOUT_OT_leave_mask,
    )
)


def register() -> None:
    """Register the operators and the command."""
    scene_settings.register()
    _register_classes()
    current_job.register()
    live_preview.register()
    survey.register()
    command_line.register()


def unregister() -> None:
    """Take all of it back, and end what is running."""
    command_line.unregister()
    survey.unregister()
    queries.unregister()
    live_preview.unregister()
    current_job.unregister()
    job_operator.stop_timer(bpy.context)
    thumbnails.unregister()
    _unregister_classes()
    scene_settings.unregister()
