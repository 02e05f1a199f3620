# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared settings as Blender's properties: those of the scene, and where a job's come from."""

from . import scene_settings


def register() -> None:
    """Give every scene its settings."""
    scene_settings.register()


def unregister() -> None:
    """Take them out."""
    scene_settings.unregister()
