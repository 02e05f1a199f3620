# SPDX-License-Identifier: GPL-3.0-or-later
"""A job folder that version 0.1.0 has left is resumed: nothing is asked, and what was painted stays.

``tests/data/job_0.1.0`` was made with that version: a strip of four photos (one turned, one HEIC, one torn), then a
mask painted on, then a strip with PNG cutouts.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scan.job.folder import JobFolder

OLD = Path(__file__).parents[2] / "data" / "job_0.1.0"


def results(output):
    """Relative path → content of every mask, soft mask, cutout and JPEG of the job."""
    folders = ("masks", "soft", "cutouts", "converted")
    files = [path for name in folders for path in (output / name).rglob("*") if path.is_file()]
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def resume(photos, output, workers, server):
    """Give a function that strips a copy of the job anew, with its own settings and those that are given."""
    shutil.copytree(OLD / "photos", photos, dirs_exist_ok=True)
    shutil.copytree(OLD / "output", output)
    lines = [json.loads(line) for line in (output / "journal.jsonl").read_text("utf-8").splitlines()]
    times = {line["photo"]: line["identity"][1] for line in lines if line["event"] == "photo_done"}
    for name, modified in times.items():
        os.utime(photos / name, ns=(modified, modified))
    modified = times["IMG_3.HEIC"]
    os.utime(output / "converted" / "IMG_3.HEIC.jpg", ns=(modified, modified))
    job = json.loads((output / "job.json").read_bytes())
    del job["run"]
    folders = {"photos": str(photos), "output": str(output)}

    def run(**given):
        endpoint = {**job["settings"]["endpoint"], "endpoint": server.endpoint}
        settings = {**job["settings"], **folders, "endpoint": endpoint, **given}
        return workers.end(workers.start_job(JobFolder(output), {"task": job["task"], "settings": settings}))

    return run


def test_nothing_is_asked_and_nothing_changes(resume, output, server):
    before, reported = results(output), json.loads((OLD / "output" / "report.json").read_bytes())
    story = resume()
    assert (story.made, list(story.failed), story.exit_code) == ([], ["IMG_4.JPG"], 4)
    assert server.requests == []
    assert results(output) == before
    report = json.loads((output / "report.json").read_bytes())
    assert report["masks"] == reported["masks"]
    assert report["photos"] == reported["photos"]
    assert story.message == "3 of 4 photos have a mask, 0 of them made now. " + reported["message"].partition(". ")[2]


def test_another_threshold_makes_anew_what_was_not_painted(resume, output, server):
    before = results(output)
    story = resume(threshold=200)
    assert (story.made, story.asked, story.exit_code) == (["IMG_1.JPG", "IMG_3.HEIC"], [], 4)
    assert server.requests == []
    after = results(output)
    names = ("IMG_1.JPG", "IMG_3.HEIC.jpg")
    changed = {f"{folder}/{name}.png" for folder in ("masks", "cutouts") for name in names}
    assert after.keys() == before.keys()
    assert {name for name, content in after.items() if content != before[name]} == changed
    for name in names:
        soft = np.asarray(Image.open(output / "soft" / f"{name}.png"))
        assert np.array_equal(np.asarray(Image.open(output / "masks" / f"{name}.png")), np.where(soft >= 200, 255, 0))
