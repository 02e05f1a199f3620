# SPDX-License-Identifier: GPL-3.0-or-later
"""All that an import needs to know before it touches Blender: read, checked and decided without bpy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.errors import BadUseError
from ..common.files import is_file
from ..common.hashes import short_hash
from ..job.folder import JobFolder, lies_in
from ..job.history import last_records
from ..job.journal import read_journal
from .copies import Copies, copies_folder, find_places, scan_of
from .models import find_model, find_texture
from .pinhole import View, views
from .ply import read_ply
from .readers import registry
from .settings import ImportSettings
from .types import Mesh, Reconstruction
from .upright import Up, check_names, find_up


@dataclass(frozen=True, eq=False)
class ImportPlan:
    """A model with all that is known about it."""

    name: str
    """What to call the scan."""
    model: Path
    reconstruction: Reconstruction
    views: dict[int, View]
    """Camera identifier → how its photos are shown."""
    photos: Path | None
    masks: Path | None
    copies: Copies
    mesh: Mesh | None
    """What was built of these cameras; None where nothing was, or where it is not wanted."""
    mesh_file: Path | None
    """Where it lies."""
    texture: Path | None
    """The picture of its texture; None without one, then the mesh is not unwrapped."""
    orientations: dict[str, int]
    """EXIF orientations, 1 to 8, of photos by their names, as far as a job has noted them."""
    up: Up
    """Which way is up."""

    @property
    def identity(self) -> str:
        """Names the scan: that of a job folder, whichever of its engines has solved it last; else the model's own."""
        return short_hash(str(scan_of(self.model.absolute()).resolve()))

    @property
    def converted(self) -> Path:
        """Where a job folder keeps the JPEGs of photos that no engine reads."""
        return (self.masks or self.model).parent / "converted"

    @property
    def has_copies(self) -> bool:
        """Whether photos have to be undistorted, into the folder ``copies.root``, before Blender can show them."""
        return self.photos is not None and any(
            self.views[photo.camera].undistorted for photo in self.reconstruction.photos
        )

    @property
    def job(self) -> dict[str, Any] | None:
        """What the worker has to do before the scene is built, whose process decodes no pictures; None for nothing."""
        if self.photos is None and self.masks is None:
            return None
        folders = {
            "model": self.model,
            "photos": self.photos or "",
            "masks": self.masks or "",
            "converted": self.converted,
        }
        return {"task": "prepare_import", "settings": {name: str(folder) for name, folder in folders.items()}}

    def picture(self, name: str, camera: int) -> Path | None:
        """The file that fits what the camera of a photo shows; None where there is none."""
        if self.views[camera].undistorted:
            return _file(self.copies.photo(name)) if self.photos else None
        # A HEIC photo was solved as the JPEG that lies beside its mask's folder.
        return (_file(self.photos / name) or _file(self.converted / name)) if self.photos else None

    def mask(self, name: str, camera: int) -> Path | None:
        """The mask that fits that file."""
        if self.views[camera].undistorted:
            return _file(self.copies.mask(name)) if self.masks else None
        return _file(self.masks / f"{name}.png") if self.masks else None


def plan_import(settings: ImportSettings, *, with_mesh: bool = True, with_texture: bool = True) -> ImportPlan:
    """Read the model and find what belongs to it, the mesh only ``with_mesh``, its texture ``with_texture``.

    Raises BadUseError, of which ModelError is one.
    """
    settings.check_placement()
    model = registry.find(_path_of(settings))
    reconstruction = registry.read(model)
    check_names(settings, [photo.name for photo in reconstruction.photos])
    places = find_places(model.absolute())
    shown = views(reconstruction)
    mesh_file = find_model(model.absolute(), reconstruction) if with_mesh else None
    textured = find_texture(mesh_file) if mesh_file and with_texture else None
    read = textured.mesh if textured else mesh_file
    bent = copies_folder(reconstruction.cameras[number] for number in shown if shown[number].undistorted)
    orientations = _orientations((places.masks or model).parent)
    plan = ImportPlan(
        name=places.name,
        model=model,
        reconstruction=reconstruction,
        views=shown,
        photos=_given(settings.photos, "photo") or places.photos,
        masks=_given(settings.masks, "mask") or places.masks,
        copies=Copies((Path(settings.copies) if settings.copies else places.copies) / bent),
        mesh=read_ply(read) if read else None,
        mesh_file=mesh_file,
        texture=textured.picture if textured else None,
        orientations=orientations,
        up=find_up(reconstruction.photos, settings.up_side, orientations),
    )
    # That it lies in the photo folder is refused for every job.
    if plan.has_copies and plan.masks is not None and lies_in(plan.copies.root, plan.masks):
        raise BadUseError(
            f"The folder for copies {plan.copies.root} lies in the mask folder {plan.masks}; choose one beside it, so "
            "that copies are never taken for masks"
        )
    return plan


def _orientations(folder: Path) -> dict[str, int]:
    """What the journal of a job folder has of the photos' EXIF; nothing where it is no job folder."""
    try:
        events = read_journal(JobFolder(folder).journal)
    except OSError:
        return {}
    return {name: record.orientation for name, record in last_records(events).items() if record.orientation}


def _path_of(settings: ImportSettings) -> Path:
    file = Path(settings.filepath) if settings.filepath else None
    if file is not None and file.is_file():
        return file
    folder = Path(settings.directory or settings.filepath)
    if not (settings.directory or settings.filepath) or not folder.is_dir():
        raise BadUseError(f"There is no folder {str(folder)!r}; choose the folder that holds the reconstruction")
    return folder


def _given(folder: str, what: str) -> Path | None:
    if folder and not Path(folder).is_dir():
        raise BadUseError(f"There is no {what} folder {folder!r}; choose another, or leave it empty")
    return Path(folder) if folder else None


def _file(path: Path) -> Path | None:
    return path if is_file(path) else None
