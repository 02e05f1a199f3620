# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared settings as Blender's properties."""
