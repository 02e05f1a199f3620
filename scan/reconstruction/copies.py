# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an import finds what belongs to a model: its photos, its masks, and their undistorted copies."""

from dataclasses import dataclass
from pathlib import Path

from ..job import JobFolder

# What folders of models are called by programs; a scan is not called so.
_NO_NAMES = frozenset({"sparse", "dense", "colmap", "engines", "model", "models", "undistorted"})


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


@dataclass(frozen=True)
class Places:
    """Where the photos of a model are, where their masks are (None: not found), and what to call the scan."""

    photos: Path | None
    masks: Path | None
    name: str


def find_places(model: Path) -> Places:
    """What can be told from where a model lies: in a job folder, or in a project as COLMAP lays it out."""
    for folder in (model, *model.parents):
        if (folder / "job.json").is_file() and (folder / "masks").is_dir():
            return Places(JobFolder(folder).photos(), folder / "masks", folder.name or "Scan")
    project = next((folder for folder in (model, *model.parents) if not _is_no_name(folder.name)), model)
    return Places(_folder(project / "images"), _folder(project / "masks"), project.name or "Scan")


def _is_no_name(name: str) -> bool:
    return name.lower() in _NO_NAMES or name.isdigit()


def _folder(path: Path) -> Path | None:
    return path if path.is_dir() else None
