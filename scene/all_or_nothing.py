# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made in a .blend and not finished is taken out again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Remove all data-blocks that are made in here, where an error of whatever kind ends it."""
    before = _everything()
    try:
        yield
    except BaseException:
        bpy.data.batch_remove(_everything() - before)
        raise


def remove_unused(ids: set[bpy.types.ID]) -> None:
    """Remove those data-blocks that nothing uses: they would be in the .blend until it is saved and opened again.

    Also those among them that only others among them use.
    """
    while True:
        # Blender 4.2 counts the users of a picture wrong where a material was copied.
        users = bpy.data.user_map(subset=ids) if ids else {}
        gone = {each for each in ids if not users.get(each) and not each.use_fake_user and not each.library}
        if not gone:
            return
        bpy.data.batch_remove(gone)
        ids = ids - gone


def _everything() -> set[bpy.types.ID]:
    kinds = [each.identifier for each in bpy.data.bl_rna.properties if each.type == "COLLECTION"]
    lists: list[Any] = [getattr(bpy.data, kind) for kind in kinds]
    return {each for kind in lists for each in kind}
