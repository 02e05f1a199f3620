# SPDX-License-Identifier: GPL-3.0-or-later
"""RAW photos on their way through the tasks: beside what was developed of them, and alone."""

import json

import numpy as np
import pytest
from conftest import draw_photo
from PIL import Image
from raw_files import dng

from scan.job.folder import JobFolder


@pytest.fixture
def add_raw(photos):
    """Give a function that adds a RAW photo."""

    def add(name, content=None):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).write_bytes(dng(draw_photo()) if content is None else content)
        return name

    return add


def infos(story):
    return [event["text"] for event in story.of("log") if event["level"] == "info"]


def test_a_raw_file_beside_its_jpeg_is_no_photo_and_no_failure(add_photo, add_raw, workers, server, output):
    add_photo("A/DSC_1.JPG")
    add_photo("A/DSC_2.JPG")
    add_raw("A/DSC_1.NEF")
    add_raw("A/DSC_2.NEF", b"not even looked at")
    add_raw("A/DSC_1.xmp", b"sidecar")
    story = workers.strip(server.endpoint)
    assert (story.made, story.failed, story.exit_code) == (["A/DSC_1.JPG", "A/DSC_2.JPG"], {}, 0)
    assert story.message == "2 of 2 photos have a mask"
    (said,) = (text for text in infos(story) if "RAW" in text)
    assert said == (
        "2 RAW files passed over, since what was developed of them is there (A/DSC_1.NEF as A/DSC_1.JPG, A/DSC_2.NEF "
        "as A/DSC_2.JPG)"
    )
    report = json.loads((output / "report.json").read_bytes())
    assert report["developed"] == {"A/DSC_1.NEF": "A/DSC_1.JPG", "A/DSC_2.NEF": "A/DSC_2.JPG"}
    assert len(server.requests) == 2


def test_a_raw_photo_alone_fails_with_what_to_do_until_it_is_to_be_developed(
    add_raw, photos, workers, server, output, overlap
):
    raw, cut = add_raw("DSC_1.NEF"), add_raw("DSC_2.NEF", dng(draw_photo())[:-99])
    before = (photos / raw).read_bytes()
    story = workers.strip(server.endpoint)
    words = "is a RAW file; tick Develop RAW Photos (--develop-raw), or export it as JPEG or TIFF beside it"
    assert (story.made, story.failed, story.exit_code) == ([], dict.fromkeys((raw, cut), words), 4)

    story = workers.strip(server.endpoint, develop_raw=True)
    assert (story.made, story.exit_code) == ([raw], 4)
    assert story.failed == {cut: "is damaged (it ends too early); copy it from the camera again"}
    with Image.open(output / "converted" / "DSC_1.NEF.jpg") as jpeg:
        difference = np.abs(np.asarray(jpeg, np.float64) - np.asarray(draw_photo()))
    assert np.median(difference) <= 2
    mask = Image.open(output / "masks" / "DSC_1.NEF.jpg.png")
    assert overlap(mask, draw_photo().convert("L").point(lambda value: 255 if value > 127 else 0)) > 0.9
    assert (photos / raw).read_bytes() == before

    story = workers.strip(server.endpoint)
    assert (story.made, list(story.failed), story.of("photo_done")) == ([], [cut], []), "it stays developed"


def test_an_engine_is_told_why_a_raw_photo_was_not_developed(add_raw, photos, output, workers):
    add_raw("DSC_1.NEF")
    add_raw("DSC_2.NEF", dng(draw_photo())[:-99])
    add_raw("DSC_3.NEF", b"Dear camera,\n" * 99)
    given = {"photos": str(photos), "output": str(output), "masks": False, "develop_raw": True}
    end = workers.end(workers.start_job(JobFolder(output), {"task": "reconstruct", "settings": given})).finished
    assert end["exit_code"] == 2
    assert "Only 1 of 3 photos can go to COLMAP" in end["message"]
    assert "DSC_2.NEF: is damaged (it ends too early); copy it from the camera again" in end["message"]
    assert sorted(path.name for path in (output / "converted").iterdir()) == ["DSC_1.NEF.jpg"]
