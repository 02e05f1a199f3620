# SPDX-License-Identifier: GPL-3.0-or-later
"""The work itself, free of bpy: photos, masks, the rembg endpoint and the worker process.

Importable by any Python from 3.11 on that has requests, Pillow and numpy.
"""
