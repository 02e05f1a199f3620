# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot work is refused before the server hears of it."""

import os

import pytest

from scan.common.errors import BadUseError
from scan.job.folder import JobFolder, refuse_overlap


@pytest.fixture
def refused(add_photos, workers, server):
    """Give a function that tells why a run is refused, and shows that no server was asked about anything."""
    names = add_photos(1)

    def reason(**given):
        story = workers.strip(given.pop("endpoint", server.endpoint), **given)
        assert (story.exit_code, story.finished["status"]) == (2, "failed")
        assert [event["event"] for event in story] == ["finished"]
        assert server.visits == []
        return story.message

    yield reason
    assert workers.strip(server.endpoint, output=workers.output.with_name("good")).made == names


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"photos": "/is/not/there"}, "There is no photo folder '/is/not/there'"),
        ({"endpoint": "localhost"}, "not an address such as http://localhost:7000/api/remove"),
        ({"endpoint": "http://gpu.example:7000"}, "gpu.example is not this computer"),
        ({"model": "withoutbg"}, "sends every photo on to the remote service withoutbg.com"),
        ({"model": "u2net_cloth_seg"}, "answers with three masks stacked"),
        ({"model": "sam"}, "needs points or boxes"),
        ({"files": ("../IMG_0001.JPG",)}, "'../IMG_0001.JPG' does not name a photo inside the photo folder"),
        ({"files": ("/etc/passwd",)}, "does not name a photo inside the photo folder"),
        ({"threshold": 0}, "Threshold must be from 1 to 255"),
        ({"in_flight": 0}, "Requests in Flight must be from 1 to 32"),
    ],
)
def test_bad_use_is_refused_before_any_request(refused, given, words):
    assert words in refused(**given)


def test_no_photos_is_bad_use(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "There are no photos in" in refused(photos=tmp_path / "empty")


@pytest.mark.parametrize("folder", ["masks", "soft", "thumbnails", "masks/A"])
def test_masks_of_another_job_are_no_photos(add_photo, workers, server, tmp_path, folder):
    photo = add_photo("A/1.jpg")
    assert workers.strip(server.endpoint).exit_code == 0
    asked = len(server.visits)
    made = workers.output / folder
    story = workers.strip(server.endpoint, photos=made, output=tmp_path / "other")
    assert (story.exit_code, len(server.visits)) == (2, asked)
    assert story.message == (
        f"The folder {made} holds what a job made of photos; choose the folder that holds the photos, such as "
        f"{photo.parents[1]}"
    )


def test_an_output_folder_whose_masks_cannot_be_made_is_bad_use(refused, output):
    output.mkdir()
    (output / "masks").write_text("a file")
    assert f"{output / 'masks'} cannot be made" in refused()


def test_an_unknown_model_is_refused_with_those_there_are(add_photos, workers, server):
    add_photos(1)
    story = workers.strip(server.endpoint, model="u2nett")
    assert story.exit_code == 2
    assert "no model 'u2nett'; it knows u2net, u2netp, isnet-general-use" in story.message
    assert server.requests == []


def test_an_unknown_setting_is_refused(workers, server, photos, output):
    job = {"task": "strip", "settings": {"photos": str(photos), "output": str(output), "treshold": 5}}
    story = workers.end(workers.start_job(JobFolder(output), job))
    assert (story.exit_code, story.message) == (2, "Unknown settings: treshold")
    assert server.visits == []


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_an_output_folder_that_cannot_be_made_is_refused_before_a_worker_is_started(workers, tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(BadUseError, match=r"cannot be written .*; choose another one"):
        workers.start("http://127.0.0.1:9", output=tmp_path / place)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no read-only folders")
def test_an_output_folder_that_may_not_be_written_is_refused(workers, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(0o555)
    # Even root cannot write in here: the kernel's own files.
    target = locked / "output" if os.geteuid() else "/proc/output"
    with pytest.raises(BadUseError, match="cannot be written"):
        workers.start("http://127.0.0.1:9", output=target)


@pytest.mark.parametrize(
    ("photos", "output"),
    [("p", "p"), ("p", "p/out"), ("p", "p/A/out"), ("p", "o/../p/out"), ("o/masks", "o"), ("o/soft/A", "o")],
)
def test_an_output_among_the_photos_is_refused(tmp_path, photos, output):
    for folder in ("p/A", "o/masks", "o/soft/A"):
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(BadUseError, match=r"The (output|photo) folder .* choose"):
        refuse_overlap(tmp_path / photos, tmp_path / output)


@pytest.mark.parametrize(("photos", "output"), [("p", "o"), ("p", "p-out"), ("o/p", "o"), ("p/A", "p/out")])
def test_an_output_beside_or_above_the_photos_is_fine(tmp_path, photos, output):
    for folder in ("p/A", "o/p"):
        (tmp_path / folder).mkdir(parents=True)
    refuse_overlap(tmp_path / photos, tmp_path / output)


@pytest.mark.skipif(os.name == "nt", reason="Windows lets only administrators make symbolic links")
def test_a_link_hides_no_overlap(tmp_path):
    (tmp_path / "p" / "A").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "p" / "A")
    with pytest.raises(BadUseError):
        refuse_overlap(tmp_path / "p", tmp_path / "link" / "out")


@pytest.mark.parametrize("place", ["", "output"])
def test_nothing_is_written_among_the_photos_before_that_is_refused(photos, add_photos, workers, server, place):
    add_photos(1)
    with pytest.raises(BadUseError, match="is or lies in the photo folder"):
        workers.start(server.endpoint, output=photos / place)
    assert sorted(path.name for path in photos.iterdir()) == ["IMG_0001.JPG"]
    assert server.visits == []
