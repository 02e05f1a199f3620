# SPDX-License-Identifier: GPL-3.0-or-later
"""What lives as long as Blender runs: the current job, queries, the preview, and the command line."""

import bpy

from . import command_line, current_job, job_operator, live_preview, queries, survey, thumbnails


def register() -> None:
    """Be told of what happens in Blender, and make the command known."""
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
