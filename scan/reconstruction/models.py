# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a scan on disk, and whether it is of the cameras that are imported."""

import json
from pathlib import Path

from ..common.hashes import short_hash
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
