# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture files as Blender's images, and why one is none."""

import os
from pathlib import Path

import bpy

from ..properties.typed import existing
from ..scan.common.errors import PhotoError


def load(file: Path, *, is_own: bool = False) -> bpy.types.Image:
    """Load a picture, which Blender reads when it is first shown; as an image of its own, or one that others use.

    Raises PhotoError, with the reason, where Blender does not open the file.
    """
    path = stored_path(file)
    try:
        image = bpy.data.images.load(path, check_existing=not is_own)
        # A preview's own is in no saved file.
        if image.is_runtime_data:
            image = bpy.data.images.load(path, check_existing=False)
    except RuntimeError as error:
        raise PhotoError(_why(file, str(error))) from error
    if image.has_data and not image.is_dirty:
        image.reload()  # the file may be another than the one that was shown
    return image


def stored_path(file: Path) -> str:
    """Relative to the .blend where the user wants that and it can be."""
    path = str(file.absolute())
    if bpy.data.filepath and existing(bpy.context.preferences).filepaths.use_relative_paths:
        try:
            return bpy.path.relpath(path)
        except ValueError:
            pass  # on another drive
    return path


def _why(file: Path, said: str) -> str:
    if os.sep == "/" and "\\" in str(file.absolute()):
        return "cannot be shown: Blender takes the backslash in its path for the end of a folder's name; rename it"
    # Blender's sentence ends with what the system said.
    return f"cannot be opened by Blender ({said.strip().rpartition(': ')[2]}); look whether it is there"
