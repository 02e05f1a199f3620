# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks that people have already: not taken for photos, told of, and adopted as their own."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from conftest import draw_photo
from PIL import Image

from scan.job.context import JobContext
from scan.job.folder import JobFolder
from scan.job.inbox import Inbox
from scan.job.journal import Journal
from scan.masks.adopting import adopted
from scan.tasks import adopt_masks, strip

SIZE = (320, 240)
CLOSED = "http://127.0.0.1:9/api/remove"
LEFT = np.zeros(SIZE[::-1], bool)
LEFT[:, :160] = True


@pytest.fixture
def put(photos):
    """Give a function that saves a mask by its name below the photo folder, its left half kept."""

    def put(name, kept=LEFT, white=255, **options):
        path = photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.uint8(kept * white)).save(path, **options)
        return path

    return put


@pytest.fixture
def survey(workers, photos, output, tmp_path):
    """Give a function that surveys the photo folder and returns the ``finished`` event."""

    def survey():
        job = {"task": "survey", "settings": {"photos": str(photos), "output": str(output)}}
        return workers.end(workers.start_job(JobFolder(tmp_path / "survey"), job)).finished

    return survey


def is_left(output, name):
    """Whether a mask is ours in its form, and keeps the left half."""
    with Image.open(output / "masks" / f"{name}.png") as mask:
        assert (mask.mode, mask.size, mask.format) == ("L", SIZE, "PNG")
        values = np.asarray(mask)
    assert set(np.unique(values)) <= {0, 255}
    return np.array_equal(values > 0, LEFT)


def paint(output, name):
    path = output / "masks" / f"{name}.png"
    Image.fromarray(np.uint8(~LEFT * 255)).save(path)
    return path.read_bytes()


def test_masks_are_not_taken_for_photos_and_told_of_until_they_are_adopted(
    add_photos, put, survey, workers, server, output
):
    names = add_photos(3)
    put(f"masks/{names[0]}.png")
    put("IMG_0002_mask.png")
    found = survey()
    assert (found["count"], [side["name"] for side in found["sides"]], found["formats"]) == (3, [""], {"JPEG": 3})
    said = "2 masks of your own (masks/IMG_0001.JPG.png, IMG_0002_mask.png)"
    assert found["own_masks"]["count"] == 2
    assert found["own_masks"]["inverted"] == ""
    story = workers.strip(server.endpoint)
    assert (story.made, story.exit_code) == (names, 0)
    (words,) = story.warnings
    assert found["own_masks"]["said"] == f"{said} are there, and not taken for photos"
    assert words == f"{found['own_masks']['said']}: Adopt Masks (--adopt-masks) uses them in place of the model's"
    assert survey()["own_masks"]["count"] == 2  # what the model made is not theirs
    assert workers.adopt().message == "2 masks of your own adopted. 1 photo without one"  # which has one of the model's
    assert is_left(output, names[0])
    assert is_left(output, names[1])
    assert not is_left(output, names[2])
    assert survey()["own_masks"] == {"count": 0, "said": "", "inverted": ""}
    story = workers.strip(server.endpoint)
    assert (story.made, story.warnings) == ([], [])


def test_a_strip_that_adopts_asks_for_the_rest_alone_and_keeps_them_as_what_is_painted(
    add_photos, put, workers, server, output
):
    names = add_photos(4)
    for name in names[:3]:
        put(f"masks/{Path(name).stem}.png")
    story = workers.strip(server.endpoint, adopt_masks=True)
    assert (story.made, len(server.requests), story.exit_code) == ([names[3]], 1, 0)
    assert story.message == "4 of 4 photos have a mask, 3 of them adopted now, 1 of them made now"
    assert json.loads((output / "report.json").read_bytes())["masks"][names[0]]["foreground"] == 0.5
    for given in ({}, {"threshold": 200}, {"model": "u2net"}, {"adopt_masks": True, "grow": 3}):
        workers.strip(server.endpoint, **given)
        assert all(is_left(output, name) for name in names[:3])
    (output / "masks" / f"{names[0]}.png").unlink()
    assert workers.strip(server.endpoint).asked == [names[0]]


def test_no_server_is_needed_where_all_masks_are_there(add_photos, put, workers, output):
    names = add_photos(3)
    for name in names:
        put(f"{name}.mask.png")
    story = workers.strip(CLOSED, adopt_masks=True, retry_for=0.0, cutouts="PNG")
    assert (story.exit_code, story.made, story.finished["photos"]["adopted"]) == (0, names, 3)  # their cutouts
    alpha = np.asarray(Image.open(output / "cutouts" / f"{names[0]}.png").getchannel("A"))
    assert (alpha[:, 2:158].min(), alpha[:, 162:].max()) == (255, 0)
    assert not list((output / "soft").iterdir())


def test_how_far_it_is_is_told(add_photos, put, workers):
    for name in add_photos(21):
        put(f"masks/{name}.png")
    (told,) = workers.adopt().of("progress")
    assert (told["step"], told["done"], told["total"]) == ("Adopting masks", 20, 21)


def test_a_name_that_does_not_fit_fails_that_photo_alone(add_photo, put, workers, server):
    long = f"{'a' * 248}.jpg"
    for name in ("1.jpg", long):
        add_photo(name)
        put(f"masks/{Path(name).stem}.png")
    words = "has a name that does not fit the output folder's file system ("
    story = workers.adopt()
    assert (story.exit_code, story.finished["photos"]["adopted"], list(story.failed)) == (4, 1, [long])
    assert story.failed[long].startswith(words)
    story = workers.strip(server.endpoint, adopt_masks=True)
    assert (story.exit_code, [event["photo"] for event in story.of("photo_failed")]) == (4, [long])
    assert story.failed[long].startswith(words)


def test_masks_of_a_model_give_way_and_painted_ones_stay(add_photos, put, workers, server, output):
    names = add_photos(3)
    workers.strip(server.endpoint)
    for name in names:
        put(f"masks/{name}.png")
    painted = paint(output, names[1])
    assert workers.adopt().message == "2 masks of your own adopted, 1 was there already or painted on"
    assert (output / "masks" / f"{names[1]}.png").read_bytes() == painted
    assert is_left(output, names[0])
    painted = paint(output, names[0])  # on one that was adopted
    assert workers.adopt(threshold=200).message == "1 mask of your own adopted, 2 were there already or painted on"
    assert (output / "masks" / f"{names[0]}.png").read_bytes() == painted
    (output / "journal.jsonl").unlink()  # whose they are cannot be told any more
    assert workers.adopt().message == "0 masks of your own adopted, 3 were there already or painted on"


def test_a_mask_that_was_changed_since_is_adopted_again(add_photos, put, survey, output, workers):
    names = add_photos(2)
    for name in names:
        put(f"masks/{name}.png", ~LEFT)
    workers.adopt()
    assert not is_left(output, names[0])
    assert survey()["own_masks"]["count"] == 0
    put(f"masks/{names[0]}.png")
    assert survey()["own_masks"]["count"] == 1
    assert workers.adopt().message == "1 mask of your own adopted, 1 was there already or painted on"
    assert is_left(output, names[0])
    assert workers.adopt(mask_object="BLACK").message == "2 masks of your own adopted"
    assert is_left(output, names[1])


def test_masks_that_look_inverted_are_asked_about(add_photos, put, survey, workers, server, output):
    names = add_photos(3)
    disc = np.ones(SIZE[::-1], bool)
    disc[60:180, 80:240] = False
    for name in names[:2]:
        put(f"masks/{name}.png", disc)
    put(f"masks/{names[2]}.png")
    said = "2 of 3 masks of your own that were looked at keep the picture's edge and drop what is inside: they may be"
    assert survey()["own_masks"]["inverted"] == f"{said} inverted"
    for story in (workers.adopt(), workers.strip(server.endpoint, adopt_masks=True)):
        assert (story.exit_code, story.message.startswith(said)) == (2, True)
        assert "Black (--mask-object BLACK) turns them, White (--mask-object WHITE) takes" in story.message
    assert (server.requests, list((output / "masks").iterdir())) == ([], [])
    workers.adopt(mask_object="WHITE")
    kept = np.asarray(Image.open(output / "masks" / f"{names[0]}.png")) > 0
    assert np.array_equal(kept, disc)
    workers.adopt(mask_object="BLACK")
    kept = np.asarray(Image.open(output / "masks" / f"{names[0]}.png")) > 0
    assert np.array_equal(kept, ~disc)


def test_one_mask_that_fills_the_picture_is_no_reason_to_ask(add_photos, put, output, workers):
    names = add_photos(3)
    for name in names[:2]:
        put(f"masks/{name}.png")
    disc = np.ones(SIZE[::-1], bool)
    disc[60:180, 80:240] = False
    put(f"masks/{names[2]}.png", disc)
    assert workers.adopt().message == "3 masks of your own adopted"
    assert np.array_equal(np.asarray(Image.open(output / "masks" / f"{names[2]}.png")) > 0, disc)


def test_the_mask_of_a_run_that_was_killed_is_not_somebodys(add_photos, put, workers, server, output):
    names = add_photos(2)
    workers.strip(server.endpoint)
    journal = output / "journal.jsonl"  # as it was before the run's word on the photos
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if b'"photo_done"' not in line))
    for name in names:
        put(f"masks/{name}.png")
    assert workers.adopt().message == "2 masks of your own adopted"
    assert all(is_left(output, name) for name in names)


def test_what_is_refused_is_named_and_fails_its_photo_alone(add_photos, put, workers, server, output):
    names = add_photos(3)
    put(f"masks/{names[0]}.png")
    put(f"masks/{names[1]}.png", LEFT[:100])
    story = workers.adopt()
    reason = "has 320 × 240 pixels and a mask of your own, masks/IMG_0002.JPG.png, of another shape, 320 × 100"
    assert (story.exit_code, story.finished["status"]) == (4, "some_failed")
    assert story.failed[names[1]].startswith(reason)
    assert f"1 failed: {names[1]} {reason}" in story.message
    told = story.finished["photos"]
    assert (told["found"], told["done"], told["adopted"], [each["photo"] for each in told["failed"]]) == (
        3,
        1,
        1,
        [names[1]],
    )
    story = workers.strip(server.endpoint, adopt_masks=True)
    assert (story.made, list(story.failed), story.exit_code) == ([names[2]], [names[1]], 4)
    assert workers.strip(server.endpoint).made == [names[1]]  # unless it is told to adopt, nothing is in the way
    assert is_left(output, names[0])


def test_turned_photos_say_where_a_mask_could_be_upright(add_photo, put, output, workers):
    for name, turn in (("1.jpg", 3), ("2.jpg", 6), ("3.jpg", 6)):
        add_photo(name, draw_photo(SIZE), orientation=turn)
    put("masks/1.png")
    put("masks/2.png")
    put("masks/3.png", np.rot90(LEFT, -1))
    story = workers.adopt()
    assert [is_left(output, f"{number}.jpg") for number in (1, 2, 3)] == [True, True, True]
    (words,) = story.warnings
    assert words.startswith("1 mask of your own (masks/1.png) could be upright, or the way the photo is stored")


def test_masks_beside_the_photo_folder_and_in_the_output_folder_are_found(add_photos, put, output, workers):
    names = add_photos(5)
    put("../masks/IMG_0001.png")
    put("../photos_masks/IMG_0002.JPG.png")
    put("../output/masks/IMG_0003.png")
    put(".mask/IMG_0004.png")  # RealityScan's
    put("../output/masks/IMG_0005.JPG.png")  # where ours are: it is the photo's already
    assert workers.adopt().message == "4 masks of your own adopted. 1 photo without one"
    assert all(is_left(output, name) for name in names)


def test_the_masks_of_another_job_are_not_ones_own(add_photos, put, tmp_path, workers):
    add_photos(1)
    put("../masks/IMG_0001.JPG.png")
    (tmp_path / "job.json").write_text("{}")
    story = workers.adopt()
    assert story.exit_code == 2
    assert story.message.startswith("There are no masks of your own for the photos in")


def test_masks_of_more_than_one_photo_and_more_than_one_mask_are_named(add_photo, put, workers, server, survey):
    for name in ("A/1.jpg", "B/1.jpg", "B/2.jpg"):
        add_photo(name)
    put("masks/1.png")
    put("B/2_mask.png")
    put("masks/B/2.png")
    *_, doubled, unclear = survey()["warnings"]
    assert doubled.startswith("1 photo with more than one mask of your own, of which the first counts: B/2.jpg has ")
    assert doubled.endswith("B/2_mask.png, masks/B/2.png")
    assert unclear.startswith(
        "1 mask of your own could be that of more than one photo: masks/1.png that of A/1.jpg or B/1.jpg. Name"
    )
    story = workers.strip(server.endpoint, adopt_masks=True)
    assert (story.made, story.warnings) == (["A/1.jpg", "B/1.jpg"], [doubled, unclear])


def test_masks_that_are_nobodys_for_sure_are_no_reason_to_begin(add_photo, put, workers):
    for name in ("A/1.jpg", "B/1.jpg"):
        add_photo(name)
    put("masks/1.png")
    story = workers.adopt()
    assert story.exit_code == 2
    assert "; 1 mask of your own could be that of more than one photo: masks/1.png that of" in story.message


def test_a_heic_photo_takes_a_mask_of_its_own_name(photos, put, output, workers, survey):
    heic, jpeg = photos / "IMG_1.HEIC", output / "converted" / "IMG_1.HEIC.jpg"
    heic.write_bytes(b"heic")
    jpeg.parent.mkdir(parents=True)
    draw_photo(SIZE).save(jpeg)
    shutil.copystat(heic, jpeg)  # by which the JPEG is known to be this photo's
    put("masks/IMG_1.HEIC.png")
    assert survey()["own_masks"]["count"] == 1
    assert workers.adopt().message == "1 mask of your own adopted"
    assert is_left(output, "IMG_1.HEIC.jpg")


def test_a_photo_that_cannot_be_read_is_named(photos, put, workers, output):
    (photos / "IMG_1.JPG").write_bytes(b"damaged")
    put("masks/IMG_1.png")
    story = workers.adopt()
    assert story.failed.keys() == {"IMG_1.JPG"}
    assert not list((output / "masks").iterdir())


def test_what_cannot_be_written_ends_it_with_what_to_do(add_photos, put, workers, server, output):
    (name,) = add_photos(1)
    put(f"masks/{name}.png")
    (output / "masks" / f"{name}.png" / "in the way").mkdir(parents=True)
    for story in (workers.adopt(), workers.strip(server.endpoint, adopt_masks=True)):
        assert story.exit_code == 1
        assert f"{name}.png cannot be written (Is a directory)" in story.message
    assert server.requests == []


@pytest.mark.parametrize("task", [adopt_masks, strip])
def test_cancelled_it_begins_nothing_more(add_photos, put, workers, server, output, task):
    (name,) = add_photos(1)
    put(f"masks/{name}.png")
    folder, inbox = JobFolder(output), Inbox()
    output.mkdir()
    inbox.cancel.set()
    settings = asdict(workers.settings(server.endpoint, adopt_masks=True))
    if task is adopt_masks:
        settings = {each: settings[each] for each in ("photos", "output")}
    journal = Journal(folder.journal, "1")
    end = task.run(settings, JobContext(folder, journal, inbox=inbox))
    journal.close()
    assert (end.exit_code, server.requests, list((output / "masks").iterdir())) == (130, [], [])


def test_what_somebody_paints_meanwhile_is_kept(add_photos, put, output, workers, monkeypatch):
    names = add_photos(1)
    put(f"masks/{names[0]}.png")

    def painting(*given, **more):
        (output / "masks").mkdir(exist_ok=True)
        paint(output, names[0])
        return adopted(*given, **more)

    monkeypatch.setattr(adopt_masks, "adopted", painting)
    assert workers.adopt().message == "0 masks of your own adopted, 1 was there already or painted on"
    assert not is_left(output, names[0])


def test_a_mask_of_another_size_where_the_photos_own_should_be_is_scaled_in_place(
    add_photos, put, workers, server, survey, output
):
    names = add_photos(4)
    put(f"../output/masks/{names[0]}.png", LEFT[::2, ::2])
    put(f"../output/masks/{names[1]}.png", LEFT[:100])
    put(f"../output/masks/{names[2]}.png", ~LEFT)  # fits, and is kept as it is
    put(f"masks/{names[0]}.png", ~LEFT)
    assert survey()["own_masks"]["count"] == 2
    story = workers.strip(server.endpoint)
    assert story.made == [names[3]]
    assert (
        "and a mask with 160 × 120; save the mask at the photo's size, have Adopt Masks scale it"
        in story.failed[names[0]]
    )
    story = workers.adopt()
    assert story.message.startswith("1 mask of your own adopted. 2 photos without one")
    assert story.failed.keys() == {names[1]}
    assert is_left(output, names[0])
    assert not is_left(output, names[2])
    assert workers.strip(server.endpoint).failed.keys() == {names[1]}
    assert is_left(output, names[0])
