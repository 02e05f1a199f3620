# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an import finds what belongs to a model: its photos, its masks, and their undistorted copies."""

import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from ..common.hashes import short_hash
from ..job.folder import JobFolder
from .types import Camera

# What folders of models are called by programs; a scan is not called so.
_NO_NAME = re.compile(r"sparse|dense|colmap|engines|models?|undistorted(-[0-9a-f]{8})?|\d+", re.IGNORECASE)
# Names the way copies are made; raised when that changes, so that old ones are made anew.
_RECIPE = 1


class Copies:
    """Names every undistorted copy. The whole name of the photo stays, so that no two are confused."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def photo(self, name: str) -> Path:
        """The copy of a photo."""
        return self.root / "photos" / f"{name}.jpg"

    def mask(self, name: str) -> Path:
        """The copy of its mask."""
        return self.root / "masks" / f"{name}.png"


def lens_facts(camera: Camera) -> list[object]:
    """All that decides, beside photo and mask, what a copy shows."""
    return [_RECIPE, *astuple(camera)]


def copies_folder(cameras: Iterable[Camera]) -> str:
    """What to call the folder with the copies that were made for these lenses.

    Nobody else writes to a folder of this name, and copies for other lenses go to another: a .blend that was saved
    shows its own for ever.
    """
    return f"undistorted-{short_hash(*map(lens_facts, cameras))[:8]}"


@dataclass(frozen=True)
class Places:
    """Where what belongs to a model is, and what to call the scan."""

    photos: Path | None
    """None where they were not found, as with masks."""
    masks: Path | None
    name: str
    copies: Path
    """The folder for that of the copies."""


def find_places(model: Path) -> Places:
    """What can be told from where a model lies: in a job folder, or in a project as COLMAP lays it out.

    ``model`` is an absolute path.
    """
    copies = _place_of_copies(model)
    for folder in (model, *model.parents):
        if (folder / "job.json").is_file() and (folder / "masks").is_dir():
            return Places(JobFolder(folder).photos(), folder / "masks", folder.name or "Scan", copies)
    project = next((folder for folder in (model, *model.parents) if not _NO_NAME.fullmatch(folder.name)), model)
    return Places(_folder(project / "images"), _folder(project / "masks"), project.name or "Scan", copies)


def scan_of(model: Path) -> Path:
    """The job folder of which an engine has left the model as its result; any other model's own folder.

    ``model`` is an absolute path.
    """
    engine = model.parent
    job = JobFolder(engine.parent.parent)
    return job.root if engine.parent == job.engines and job.settings.is_file() else model


def _place_of_copies(model: Path) -> Path:
    """The model's own folder, or the engine's in a job folder, since the next solve does away with its models."""
    for folder in model.parents:
        job = JobFolder(folder.parent.parent)
        if folder.parent == job.engines and job.settings.is_file():
            return folder
    return model


def _folder(path: Path) -> Path | None:
    return path if path.is_dir() else None
