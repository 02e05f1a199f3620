# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests of the task texture_model: textures of a known solid in a scan on disk, small ones."""

import dataclasses
import json
from contextlib import contextmanager

import numpy as np
import pytest
from conftest import PhotoWatch, Workers
from mesh_scenes import PLACE, SOLID, around, hull_of, shot, write_scan
from PIL import Image

from scan.job.folder import JobFolder
from scan.reconstruction.models import model_file, texture_files
from scan.reconstruction.ply import read_ply, write_ply
from scan.reconstruction.types import Mesh
from scan.texturing import samples
from scan.texturing.settings import TextureSettings

POSES = tuple(around(6))


@contextmanager
def small_textures():
    """A quarter as wide as in the product, and the light of fewer places."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TextureSettings, "size", property(lambda self: int(self.texture_size[:-1]) * 256))
        patch.setattr(samples, "_PLACES", 3000)
        yield


def mesh_of(outlines=POSES, samples_across=24):
    """The solid, in the scan's world."""
    surface = hull_of([shot(SOLID, at, size=96).outline for at in outlines], samples_across)
    vertices = PLACE.size * surface.vertices.astype(float) @ PLACE.turn.T + np.array(PLACE.middle)
    count = len(vertices)
    normals = np.tile([0.0, 0.0, 1.0], (count, 1))
    return Mesh(vertices, surface.faces.astype(np.int32), normals, np.ones(count), None)


def scan_of(folder):
    """Photos, masks and cameras."""
    return write_scan(folder, POSES)


class Texturing:
    """Textures in one output folder, in which there is a model."""

    def __init__(self, workers, scan, output, mesh):
        self.workers, self.scan = workers, scan
        self.folder = JobFolder(output)
        if mesh is not None:
            write_ply(model_file(self.folder), mesh)

    def start(self, **given):
        """Start a worker."""
        settings = {
            "photos": str(self.scan.photos),
            "output": str(self.folder.root),
            "cameras": str(self.scan.cameras),
            "mask_folder": str(self.scan.masks),
            "texture_size": "1K",
            "threads": 2,
            **given,
        }
        return self.workers.start_job(
            self.folder, {"task": "texture_model", "settings": dataclasses.asdict(TextureSettings(**settings))}
        )

    def run(self, **given):
        """Make a texture, and give the whole story."""
        return self.workers.end(self.start(**given))

    @property
    def files(self):
        """Of the model's texture."""
        return texture_files(self.folder)

    @property
    def picture(self):
        """The texture, height × width × 3."""
        with Image.open(self.files.picture) as picture:
            return np.asarray(picture)

    @property
    def mesh(self):
        """The textured one."""
        return read_ply(self.files.mesh)

    @property
    def report(self):
        """How it was made."""
        return json.loads(self.files.report.read_bytes())

    def stamps(self):
        """When each file of the model was written."""
        return {path.name: path.stat().st_mtime_ns for path in self.folder.model.iterdir()}


def textured_once(scan, output, mesh, **given):
    """The story of a texture, and where it was made; for tests that only look."""
    watch = PhotoWatch()
    runner = Texturing(Workers(watch, scan.photos, output), scan, output, mesh)
    story = runner.run(**given)
    watch.check()
    assert story.exit_code == 0, story.message
    return story, runner


def error(mesh, picture):
    """How far the colors at the faces' middles are from the paint, in grey values: the mean."""
    size = len(picture)
    at = mesh.uvs.mean(1) * size
    found = picture[np.clip(size - at[:, 1], 0, size - 1).astype(int), np.clip(at[:, 0], 0, size - 1).astype(int)]
    true = SOLID.paint(PLACE.to_unit(mesh.vertices[mesh.faces].mean(1)))[:, None] * [1.0, 0.9, 0.8]
    return float(np.abs(found - true).mean())
