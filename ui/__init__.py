# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sees: draws state, changes nothing but properties."""

from . import menus, preferences


def register() -> None:
    """Register all that is drawn."""
    preferences.register()
    menus.register()


def unregister() -> None:
    """Take it back."""
    menus.unregister()
    preferences.unregister()
