# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos and masks that Blender shows as they are have the shape of what their cameras took; told from headers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import journaled
from PIL import Image

from colmap_text import write_model
from scan.job.context import JobContext
from scan.job.folder import JobFolder
from scan.job.job_end import JobEnd
from scan.job.journal import Journal
from scan.reconstruction.copies import Copies
from scan.reconstruction.types import Camera, Photo
from scan.tasks.prepare_import import Prepare, PrepareSettings

STRAIGHT = Camera(1, "PINHOLE", 1280, 960, (1300.0, 1300.0, 640.0, 480.0))
BENT = Camera(1, "SIMPLE_RADIAL", 1280, 960, (1300.0, 640.0, 480.0, 0.05))
NAMES = ("a.jpg", "b.jpg", "c.heic.jpg")


class Project:
    """Three photos through one lens, with masks; that of the last is a JPEG of a HEIC photo."""

    def __init__(self, root: Path, camera: Camera) -> None:
        self.photos, self.masks, self.converted, self.model = (
            root / name for name in ("photos", "masks", "converted", "model")
        )
        write_model(self.model, [camera], [Photo(name, 1, np.eye(3), np.array([0.0, 0, 4])) for name in NAMES])
        for folder in (self.photos, self.masks, self.converted):
            folder.mkdir()
        self.output = root / "output"
        for name in NAMES:
            self.save(name, (1280, 960))
            self.save_mask(name, (1280, 960))

    def save(self, name: str, size: tuple[int, int], **options: object) -> None:
        """Put a photo in place."""
        folder = self.converted if name == NAMES[2] else self.photos
        Image.new("RGB", size, (200, 60, 60)).save(folder / name, **{"format": "JPEG", **options})

    def save_mask(self, name: str, size: tuple[int, int]) -> None:
        """Put a mask in place whose left half is kept."""
        mask = Image.new("L", size)
        mask.paste(255, (0, 0, size[0] // 2, size[1]))
        mask.save(self.masks / f"{name}.png")

    def prepare(self, *, photos: bool = True, masks: bool = True) -> JobEnd:
        """Run the task as the worker does."""
        folder = JobFolder(self.output)
        folder.root.mkdir(exist_ok=True)
        journal = Journal(folder.journal, "run")
        settings = PrepareSettings(
            model=str(self.model),
            photos=str(self.photos) if photos else "",
            masks=str(self.masks) if masks else "",
            converted=str(self.converted),
        )
        try:
            return Prepare(settings, JobContext(folder, journal)).run()
        finally:
            journal.close()


@pytest.fixture
def straight(tmp_path: Path) -> Project:
    return Project(tmp_path, STRAIGHT)


@pytest.fixture
def bent(tmp_path: Path) -> Project:
    return Project(tmp_path, BENT)


def failed(ended: JobEnd, what: str = "photos") -> dict[str, str]:
    found: dict[str, str] = ended.details[what]["failed"]
    return found


def test_what_fits_is_done_and_copied_nowhere(straight):
    ended = straight.prepare()
    assert (ended.status, ended.message) == ("done", "3 of 3 photos fit their cameras")
    assert not (straight.output / "photos").exists()
    assert journaled(straight.output) == []


def test_a_photo_of_another_shape_is_named_with_both_sizes(straight):
    straight.save("b.jpg", (960, 1280))
    straight.save("a.jpg", (1280, 900))
    ended = straight.prepare()
    assert (ended.exit_code, list(failed(ended))) == (4, ["a.jpg", "b.jpg"])
    for name, size in (("a.jpg", "1280 × 900"), ("b.jpg", "960 × 1280")):
        words = f"the picture is {size} pixels, the camera's pictures are 1280 × 960; choose the folder with the photos"
        assert words in failed(ended)[name]
    assert "turned by a quarter" in failed(ended)["b.jpg"]
    assert "turned by a quarter" not in failed(ended)["a.jpg"]
    assert "1 of 3 photos fit their cameras; 2 failed, such as a.jpg, which does not fit" in ended.message


def test_it_is_the_stored_shape_that_counts_however_the_photo_was_held(straight):
    """Blender does not turn pictures."""
    exif = Image.Exif()
    exif[0x0112] = 6
    straight.save("a.jpg", (1280, 960), exif=exif)
    straight.save("b.jpg", (960, 1280), exif=exif)
    assert list(failed(straight.prepare())) == ["b.jpg"]


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        ((640, 480), True),
        ((5120, 3840), True),
        ((427, 320), True),
        ((426, 320), True),
        ((99, 75), True),
        ((424, 320), False),
        ((1280, 964), False),
        ((1300, 960), False),
        ((960, 960), False),
    ],
)
def test_a_photo_of_the_same_shape_fits_at_any_size(straight, size, fits):
    straight.save("a.jpg", size)
    straight.save_mask("b.jpg", size)
    ended = straight.prepare()
    assert list(failed(ended)) == ([] if fits else ["a.jpg"])
    assert list(failed(ended, "masks")) == ([] if fits else ["b.jpg"])


def test_a_mask_of_another_shape_is_left_out_and_its_photo_is_not(straight):
    straight.save_mask("a.jpg", (960, 1280))
    (straight.masks / "b.jpg.png").write_bytes(b"no picture")
    ended = straight.prepare()
    assert (ended.exit_code, failed(ended)) == (4, {})
    assert "its mask is 960 × 1280 pixels" in failed(ended, "masks")["a.jpg"]
    assert "cannot be read" in failed(ended, "masks")["b.jpg"]
    assert "2 masks left out, such as that of a.jpg, which does not fit the model" in ended.message
    assert list(failed(straight.prepare(photos=False), "masks")) == ["a.jpg", "b.jpg"]
    assert straight.prepare(masks=False).is_done


def test_the_mask_of_a_photo_that_does_not_fit_is_left_out_without_advice_of_its_own(straight):
    straight.save("a.jpg", (960, 1280))
    straight.save_mask("a.jpg", (960, 1280))  # as large as its photo: to strip it again would change nothing
    ended = straight.prepare()
    assert (list(failed(ended)), list(failed(ended, "masks"))) == (["a.jpg"], ["a.jpg"])
    assert "strip it again" not in ended.message
    assert journaled(straight.output, "log") == []


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"some text", "is not a JPEG"), (None, "put it back under that name, or solve again")],
)
def test_what_is_no_picture_is_named(straight, content, words):
    path = straight.photos / "a.jpg"
    path.unlink() if content is None else path.write_bytes(content)
    ended = straight.prepare()
    assert list(failed(ended)) == ["a.jpg"]
    assert words in failed(ended)["a.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes among files")
def test_nobody_waits_at_a_pipe(straight):
    (straight.photos / "a.jpg").unlink()
    os.mkfifo(straight.photos / "a.jpg")
    assert failed(straight.prepare()) == {"a.jpg": "is not a file"}


def test_what_only_blender_reads_is_left_to_it(tmp_path):
    names = ("a.exr", "b.tif", "c.nef")
    project = Project(tmp_path, STRAIGHT)
    write_model(project.model, [STRAIGHT], [Photo(name, 1, np.eye(3), np.array([0.0, 0, 4])) for name in names])
    (project.photos / "a.exr").write_bytes(b"v/1\1")
    (project.photos / "b.tif").write_bytes(b"II*\0\x08\0\0\0\0\0\0\0\0\0")
    (project.photos / "c.nef").write_bytes(b"II*\0\x08\0\0\0\0\0\0\0\0\0")
    assert list(failed(project.prepare())) == ["c.nef"]


def test_a_photo_behind_a_bent_lens_is_scaled_before_it_is_straightened(bent):
    whole = bent.prepare()
    assert whole.is_done, whole.message
    copies = Copies(bent.output)
    sizes = {copies.photo(name): Image.open(copies.photo(name)).size for name in NAMES}
    assert set(sizes) == {copies.photo(name) for name in NAMES}, "that of the HEIC photo as well"
    for name in NAMES:
        bent.save(name, (640, 480))
        bent.save_mask(name, (320, 240))
    assert bent.prepare().is_done
    for name in NAMES:
        with Image.open(copies.photo(name)) as photo, Image.open(copies.mask(name)) as mask:
            assert photo.size == mask.size == sizes[copies.photo(name)]
            assert set(np.unique(np.asarray(mask))) == {0, 255}
            kept = np.asarray(mask).mean(axis=0) > 127
            assert abs(int(kept.sum()) - mask.width / 2) <= 2, "half of it, as before"
    bent.save("a.jpg", (480, 640))
    assert list(failed(bent.prepare())) == ["a.jpg"]
