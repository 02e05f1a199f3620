# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sees: draws state, changes nothing but properties."""

from . import preferences


def register() -> None:
    """Register all that is drawn."""
    preferences.register()


def unregister() -> None:
    """Take it back."""
    preferences.unregister()
