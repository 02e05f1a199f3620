# SPDX-License-Identifier: GPL-3.0-or-later
"""The surfaces between the stages of a build, on disk: a run that was cancelled goes on from the last of them."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..common.files import save
from ..views.surface import Surface


class Checkpoints:
    """Surfaces by the names of their stages, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def surface(self, stage: str, make: Callable[[], Surface]) -> Surface:
        """The surface of a stage: what was kept, else what ``make`` returns, which is kept. Raises OutputError."""
        path = self._folder / f"{stage}.npz"
        if path.is_file():
            with np.load(path, allow_pickle=False) as kept:
                return Surface(kept["vertices"], kept["faces"])
        surface = make()
        buffer = io.BytesIO()
        np.savez(buffer, vertices=surface.vertices, faces=surface.faces)
        save(path, buffer.getvalue())
        return surface
