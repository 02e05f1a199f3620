# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos whose names a program might stumble over go the whole way: masks, cameras, and back to their own files."""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from engine_scan import EMBEDDED, EXECUTABLE, copy_scan, need
from faulty_server import Answer, png
from model_building import small_efforts
from model_texturing import small_textures
from PIL import Image

from scan.engines.settings import ReconstructSettings
from scan.job.folder import JobFolder
from scan.meshing.settings import ModelSettings
from scan.reconstruction.importing import plan_import
from scan.reconstruction.settings import ImportSettings
from scan.texturing.settings import TextureSettings

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.name == "nt", reason="Windows itself takes few of these names"),
]
NAMES = [
    "\\root.JPG",
    "C:.JPG",
    "n" * 247 + ".JPG",
    "A: top/IMG?1*|<>.JPG",
    "A: top/x\\..\\..\\back.JPG",
    "A: top/ leading.JPG",
    'A: top /-rf "quo\'te".JPG',
    "B\n/#1 %20 cafe\u0301\r.JPG",
    "B\n/=00001.JPG",
    "B\n/caf\u00e9 😀.JPG",
    "B\n/" + "ü" * 100 + ".JPG",
    "B\n/=00001.jpg.JPG",
]
if sys.platform == "linux":
    NAMES[9] = "B\n/caf\udce9 😀.JPG"  # no UTF-8


@pytest.fixture(scope="module")
def scan(turntable, tmp_path_factory):
    """Give a folder with photos under these names, and the true mask of each by its name."""
    place = tmp_path_factory.mktemp("names")
    plain = copy_scan(turntable, place / "plain", place / "true", len(NAMES))
    for name, original in zip(NAMES, plain, strict=True):
        (place / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(place / "plain" / original, place / "photos" / name)
    return place / "photos", [
        (place / "plain" / original, place / "true" / "masks" / f"{original}.png") for original in plain
    ]


def tiny(picture) -> np.ndarray:
    return np.asarray(picture.convert("RGB").resize((24, 18)), float)


def masks_of(pairs):
    """Give what answers a picture with the true mask of the photo that it is most like."""
    known = [(tiny(Image.open(photo)), mask) for photo, mask in pairs]

    def answer(request):
        with Image.open(io.BytesIO(request.fields["file"])) as picture:
            here = tiny(picture)
            size = picture.size
        _, mask = min(known, key=lambda each: np.abs(each[0] - here).sum())
        with Image.open(mask) as image:
            return Answer(body=png(image.convert("L").resize(size)))

    return answer


def solved(engine, scan, workers, server):
    """The masks and cameras of these photos, as an import finds them."""
    need(engine)
    photos, pairs = scan
    server.script = masks_of(pairs)
    story = workers.strip(server.endpoint, photos=photos)
    assert (story.made, story.failed) == (sorted(NAMES), {})
    settings = ReconstructSettings(engine=engine, quality="DRAFT", photos=str(photos), output=str(workers.output))
    story = run(workers, workers.output, "reconstruct", settings)
    assert story.finished["registered"] == len(NAMES), story.message
    return plan_import(ImportSettings(directory=str(workers.output)))


def run(workers, folder, task, settings):
    """The story of a job that did all that it was asked for."""
    story = workers.end(workers.start_job(JobFolder(folder), {"task": task, "settings": dataclasses.asdict(settings)}))
    assert story.finished["status"] == "done", story.message
    return story


@pytest.mark.parametrize("engine", [EMBEDDED, EXECUTABLE])
def test_photos_of_any_name_get_masks_and_cameras_and_are_found_again(engine, scan, workers, server):
    plan = solved(engine, scan, workers, server)
    assert sorted(photo.name for photo in plan.reconstruction.photos) == sorted(NAMES)
    assert plan.up.side in {"A: top", "A: top ", "B\n", "."}
    for photo in plan.reconstruction.photos:
        assert (plan.photos / photo.name).samefile(scan[0] / photo.name)
        assert Path(f"{plan.masks / photo.name}.png").is_file()
    assert sorted(plan.orientations) == sorted(NAMES)


def test_a_model_with_its_texture_is_made_of_photos_of_any_name(scan, output, workers, server):
    plan = solved(EMBEDDED, scan, workers, server)
    with small_efforts(), small_textures():
        of = {"photos": str(scan[0]), "output": str(output)}
        for task, settings in (
            ("build_model", ModelSettings(**of, model_quality="NORMAL")),
            ("texture_model", TextureSettings(**of, texture_size="1K")),
        ):
            story = run(workers, output, task, settings)
            assert story.finished["photos"]["done"] == len(NAMES)
    assert plan_import(ImportSettings(directory=str(output))).texture is not None
    story = workers.end(workers.start_job(JobFolder(plan.copies.root), plan.job))
    assert story.made == sorted(NAMES)
    for photo in plan.reconstruction.photos:
        assert plan.picture(photo.name, photo.camera).is_file()
        assert plan.mask(photo.name, photo.camera).is_file()
