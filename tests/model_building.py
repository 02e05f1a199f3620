# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests of the task build_model: builds of a known solid, which spend much less than in the product."""

import dataclasses
import json
from contextlib import contextmanager

import numpy as np
import pytest
from conftest import PhotoWatch, Workers
from mesh_scenes import PLACE, SOLID, Lens, around

from scan.job.folder import JobFolder
from scan.meshing.efforts import EFFORTS
from scan.meshing.settings import ModelSettings
from scan.reconstruction.models import full_model_file, model_file, model_report
from scan.reconstruction.ply import read_ply
from scan.views.surface import Surface, is_closed, volume

AROUND, FEW = tuple(around(16)), tuple(around(8))
WIDE = Lens("OPENCV", 240, 180, (290.0, 293.0, 118.0, 93.0, -0.15, 0.06, 0.002, -0.001))
TALL = Lens("SIMPLE_RADIAL", 180, 240, (275.0, 92.0, 117.0, 0.12))
DRAFT = dataclasses.replace(EFFORTS["DRAFT"], edge=88, coarse=40, fine=48, depths=16, others=3, narrow=(9, 5))
HASTY = dataclasses.replace(DRAFT, edge=64, coarse=32, fine=32, depths=8, spreads=True)


@contextmanager
def small_efforts():
    """What is not about how good a mesh is is in a haste, and called NORMAL."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EFFORTS, "DRAFT", DRAFT)
        patch.setitem(EFFORTS, "NORMAL", HASTY)
        yield


class Build:
    """Builds in one output folder."""

    def __init__(self, workers, scan, output):
        self.workers, self.scan = workers, scan
        self.folder = JobFolder(output)

    def start(self, quality="NORMAL", **given):
        """Start a worker."""
        settings = {
            "photos": str(self.scan.photos),
            "output": str(self.folder.root),
            "cameras": str(self.scan.cameras),
            "mask_folder": str(self.scan.masks),
            "model_quality": quality,
            "threads": 2,
            **given,
        }
        return self.workers.start_job(
            self.folder, {"task": "build_model", "settings": dataclasses.asdict(ModelSettings(**settings))}
        )

    def run(self, quality="NORMAL", **given):
        """Build, and give the whole story."""
        return self.workers.end(self.start(quality, **given))

    @property
    def mesh(self):
        """The reduced one."""
        return read_ply(model_file(self.folder))

    @property
    def full(self):
        """With all its faces."""
        return read_ply(full_model_file(self.folder))

    @property
    def report(self):
        """How it was made."""
        return json.loads(model_report(self.folder).read_bytes())


def built_once(scan, output, quality):
    """The story of a build, and where it was done; for tests that only look."""
    watch = PhotoWatch()
    runner = Build(Workers(watch, scan.photos, output), scan, output)
    story = runner.run(quality)
    watch.check()
    assert story.exit_code == 0, story.message
    return story, runner


def closed(mesh):
    """The surface of a mesh, which is closed and has an inside."""
    surface = Surface(mesh.vertices.astype(np.float32), mesh.faces.astype(np.int64))
    assert is_closed(surface)
    assert volume(Surface(PLACE.to_unit(mesh.vertices).astype(np.float32), surface.faces), surface.faces) > 3
    return surface


def error(vertices):
    """How far vertices in the unit frame are from the solid, in its radii: the root of the mean square."""
    return float(np.sqrt((SOLID.distances(vertices) ** 2).mean()))


def error_of(mesh):
    """As ``error``, of a mesh in the scan's world."""
    return error(PLACE.to_unit(mesh.vertices))
