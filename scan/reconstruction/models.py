# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a scan on disk, and whether it is of the cameras that are imported."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..common.hashes import hash_file, short_hash
from ..job.folder import JobFolder
from .types import Reconstruction


def model_file(folder: JobFolder) -> Path:
    """The mesh for use, reduced to the faces that were asked for."""
    return folder.model / "model.ply"


def full_model_file(folder: JobFolder) -> Path:
    """The mesh with all its faces."""
    return folder.model / "full.ply"


def model_report(folder: JobFolder) -> Path:
    """How it was made."""
    return folder.model / "report.json"


@dataclass(frozen=True)
class TextureFiles:
    """What a texture is kept in."""

    mesh: Path
    """The mesh with its places on the texture."""
    picture: Path
    report: Path
    """How it was made."""


def texture_files(folder: JobFolder, mesh: Path | None = None) -> TextureFiles:
    """Those of the model of a job, or of another mesh."""
    name = f"{mesh.stem}_" if mesh else ""
    return TextureFiles(
        mesh=folder.model / f"{name}textured.ply",
        picture=folder.model / f"{name}texture.png",
        report=folder.model / f"{name}texture.json",
    )


def camera_key(reconstruction: Reconstruction) -> str:
    """Names the frame and the cameras of a reconstruction: a model fits those it was made of, and no others."""
    cameras = [
        (each.identifier, each.model, each.width, each.height, each.parameters)
        for _, each in sorted(reconstruction.cameras.items())
    ]
    poses = [
        (photo.name, photo.camera, photo.rotation.tolist(), photo.translation.tolist())
        for photo in reconstruction.photos
    ]
    return short_hash(cameras, poses)


def find_texture(model: Path) -> TextureFiles | None:
    """What the texture of a model is kept in; None where it has none, or one that was made of another mesh."""
    files = texture_files(JobFolder(model.parents[1]))
    try:
        report = json.loads(files.report.read_bytes())
        is_its = isinstance(report, dict) and report.get("mesh_hash") == hash_file(model)
    except (OSError, ValueError):
        return None
    return files if is_its and files.mesh.is_file() and files.picture.is_file() else None


def find_model(place: Path, reconstruction: Reconstruction) -> Path | None:
    """The mesh that was made of a reconstruction, whose place is ``place``; None without one.

    It is looked for in the job folder that the place lies in.
    """
    for root in (place, *place.parents):
        folder = JobFolder(root)
        try:
            report = json.loads(model_report(folder).read_bytes())
        except (OSError, ValueError):
            continue
        is_its = isinstance(report, dict) and report.get("cameras") == camera_key(reconstruction)
        return model_file(folder) if is_its and model_file(folder).is_file() else None
    return None
