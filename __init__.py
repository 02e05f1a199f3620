# SPDX-License-Identifier: GPL-3.0-or-later
"""Scan Cutout: photos of an object, background removed, turned into a 3D model without leaving Blender."""

from . import operators, properties, session, ui


def register() -> None:
    """Called by Blender when the extension is switched on."""
    properties.register()
    operators.register()
    session.register()
    ui.register()


def unregister() -> None:
    """Called by Blender when the extension is switched off."""
    ui.unregister()
    session.unregister()
    operators.unregister()
    properties.unregister()
