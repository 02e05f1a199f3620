# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sees: draws state, changes nothing but properties."""

from . import image_editor, menus, model_field, preferences, sidebar, status_bar


def register() -> None:
    """Register all that is drawn."""
    preferences.register()
    model_field.register()
    menus.register()
    status_bar.register()
    sidebar.register()
    image_editor.register()


def unregister() -> None:
    """Take it back."""
    image_editor.unregister()
    sidebar.unregister()
    status_bar.unregister()
    menus.unregister()
    model_field.unregister()
    preferences.unregister()
