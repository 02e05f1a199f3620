# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of one's own where photos get other names, or are developed, or where what was said before holds."""

import numpy as np
import pytest
from PIL import Image
from raw_files import dng

CLOSED = "http://127.0.0.1:9/api/remove"
LEFT = np.zeros((240, 320), bool)
LEFT[:, :160] = True


def save(path, kept=LEFT):
    """Save a mask, and give the file's bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.uint8(kept * 255)).save(path)
    return path.read_bytes()


def is_left(output, name):
    with Image.open(output / "masks" / f"{name}.png") as mask:
        return np.array_equal(np.asarray(mask) > 0, LEFT)


@pytest.fixture
def add(add_photo, photos):
    """Give a function that adds photos, no two of them alike, and returns their names."""
    return lambda *names: [add_photo(name).relative_to(photos).as_posix() for name in names]


def rename_side(photos, names):
    (photos / "standing").rename(photos / "upright")
    return [name.replace("standing", "upright") for name in names]


@pytest.mark.parametrize("only", [False, True], ids=["all", "some"])
def test_what_was_painted_goes_along_with_a_renamed_side_before_masks_are_adopted(
    add, workers, server, photos, output, only
):
    names = add(*(f"standing/{number}.JPG" for number in range(3)))
    workers.strip(server.endpoint)
    painted = save(output / "masks" / f"{names[1]}.png", ~LEFT)
    first, second, third = rename_side(photos, names)
    for name in ("0", "1"):
        save(photos / "masks" / f"{name}.png")
    story = workers.adopt(**({"files": [first, second]} if only else {}))
    assert story.finished["photos"]["adopted"] == 1
    assert story.message.startswith("1 mask of your own adopted, 1 was there already or painted on")
    assert is_left(output, first)
    assert (output / "masks" / f"{second}.png").read_bytes() == painted
    story = workers.strip(CLOSED, retry_for=0.0)  # the third photo's mask has gone along as well
    assert (story.exit_code, story.made, story.warnings) == (0, [], [])
    assert sorted(path.name for path in (output / "masks").iterdir()) == ["upright"]
    assert not is_left(output, third)


def test_masks_that_do_not_follow_their_side_become_no_photos(add, workers, photos):
    names = add(*(f"standing/{number}.JPG" for number in range(2)))
    files = [photos / "masks" / "standing" / f"{number}.JPG.png" for number in range(2)]
    for file in files:
        save(file)
    workers.strip(CLOSED, retry_for=0.0, adopt_masks=True)
    rename_side(photos, names)
    story = workers.strip(CLOSED, retry_for=0.0)
    assert (story.exit_code, story.finished["photos"]["found"]) == (0, 2)
    shown = ", ".join(str(file.relative_to(photos)) for file in files)
    assert story.warnings == [
        f"2 masks of your own belong to no photo that is there, and nothing is made of them: {shown}"
    ]


def test_masks_that_do_not_follow_their_photos_new_names_are_named_and_not_silently_photos(
    add, workers, server, photos
):
    names = add(*(f"standing/{number}.JPG" for number in range(2)))
    for number in range(2):
        save(photos / "masks" / "standing" / f"{number}.png")
    workers.strip(server.endpoint, adopt_masks=True)
    rename_side(photos, names)
    said = (
        "2 pictures are named as masks are, and taken for photos, since no photos are there that they belong to: "
        "masks/standing/0.png, masks/standing/1.png. If they are masks, rename or move them as their photos were"
    )
    story = workers.strip(server.endpoint)
    assert story.warnings == [said]
    (photos / "masks" / "standing").rename(photos / "masks" / "upright")
    assert said not in workers.strip(server.endpoint).warnings


@pytest.mark.parametrize("name", ["masks/{}.png", "{}.mask.png", "masks/front/{}.JPG.png"])
def test_the_mask_of_a_photo_that_was_removed_becomes_no_photo(add, workers, photos, name):
    add("front/0.JPG", "front/1.JPG")
    folder = photos if name.startswith("masks/") else photos / "front"
    for number in range(3):
        save(folder / name.format(number))
    story = workers.strip(CLOSED, retry_for=0.0, adopt_masks=True)
    assert (story.exit_code, story.finished["photos"]["found"]) == (0, 2)
    alone = (folder / name.format(2)).relative_to(photos)
    said = f"1 mask of your own belongs to no photo that is there, and nothing is made of it: {alone}"
    assert story.warnings == [said]
    story = workers.strip(CLOSED, retry_for=0.0, files=("front/1.JPG", str(alone)))  # unless somebody says so
    assert story.finished["photos"]["found"] == 2
    assert said not in story.warnings


def test_a_scan_of_masks_is_not_doubted(add, workers, server):
    add("mask_1.png", "mask_2.png")
    assert workers.strip(server.endpoint).warnings == []


def test_a_mask_named_after_the_raw_file_is_that_of_the_photo_developed_of_it(add, photos, output, workers):
    for number in range(3):
        (name,) = add(f"{number}.JPG")
        (photos / f"{number}.DNG").write_bytes(dng(Image.open(photos / name)))
        save(photos / ["masks/0.DNG.png", "1.DNG.mask.png", "masks/2.png"][number])
    story = workers.adopt()
    assert (story.message, story.warnings) == ("3 masks of your own adopted", [])
    assert all(is_left(output, f"{number}.JPG") for number in range(3))


def test_what_was_painted_on_a_developed_photo_is_offered_to_its_twin_that_came_later(
    add, workers, server, photos, output
):
    for number in range(3):
        (name,) = add(f"{number}.JPG")
        (photos / f"{number}.DNG").write_bytes(dng(Image.open(photos / name)))
        (photos / name).unlink()
    save(photos / "2.mask.png")
    workers.strip(server.endpoint, develop_raw=True, adopt_masks=True)
    save(output / "masks" / "1.DNG.jpg.png", ~LEFT)
    for number in range(3):
        add(f"{number}.JPG")
    story = workers.strip(server.endpoint)
    file = "output/masks/1.DNG.jpg.png"
    (words,) = story.warnings
    assert words.startswith(f"2 masks of your own ({file}, 2.mask.png) are there, and not taken for photos: ")
    assert workers.adopt().finished["photos"] == {"found": 3, "done": 2, "adopted": 2, "failed": []}
    assert [is_left(output, f"{number}.JPG") for number in range(3)] == [False, False, True]
    assert np.array_equal(np.asarray(Image.open(output / "masks" / "1.JPG.png")) > 0, ~LEFT)


@pytest.mark.parametrize("by_strip", [False, True])
def test_cutouts_that_show_the_masks_from_before_are_named(add, workers, server, photos, output, by_strip):
    add("1.JPG", "2.JPG")
    workers.strip(server.endpoint, cutouts="PNG")
    save(photos / "masks" / "1.png")
    story = workers.strip(CLOSED, retry_for=0.0, adopt_masks=True) if by_strip else workers.adopt()
    said = f"strip with Cutouts once more, or delete what is in {output / 'cutouts'}"
    assert story.warnings == [f"1 cutout shows an earlier mask: {said}"]
    story = workers.strip(CLOSED, retry_for=0.0, cutouts="PNG")
    assert (story.exit_code, story.warnings) == (0, [])


def resized(photos, name, size):
    """Put a photo of another size in the place of one that is there."""
    Image.open(photos / name).resize(size).save(photos / name)


def test_a_painted_mask_has_to_fit_the_photo_that_takes_the_place_of_its_own(add, workers, server, photos, output):
    names = add("1.JPG", "2.JPG")
    workers.strip(server.endpoint)
    path = output / "masks" / "1.JPG.png"
    painted = save(path)
    workers.strip(server.endpoint)
    resized(photos, names[0], (640, 480))  # exported once more, larger
    for _ in range(2):
        story = workers.strip(server.endpoint)
        assert (story.exit_code, path.read_bytes()) == (4, painted)
        assert story.failed["1.JPG"].startswith("has 640 × 480 pixels and a mask with 320 × 240; save the mask at the")
    assert workers.adopt().message == "1 mask of your own adopted. 1 photo without one"
    assert np.array_equal(np.asarray(Image.open(path)) > 0, LEFT.repeat(2, 0).repeat(2, 1))
    story = workers.strip(server.endpoint, cutouts="PNG")
    assert (story.exit_code, story.asked, story.warnings) == (0, [], [])
    resized(photos, names[0], (160, 120))
    mask = save(path, LEFT[::2, ::2])  # by hand, as the reason says
    story = workers.strip(server.endpoint, cutouts="PNG")
    assert (story.exit_code, story.asked, path.read_bytes()) == (0, [], mask)
    assert Image.open(output / "cutouts" / "1.JPG.png").size == (160, 120)


def test_one_mask_is_spoken_of_as_one(add, workers, server, photos):
    add("1.JPG")
    save(photos / "1_mask.png")
    (words,) = workers.strip(server.endpoint).warnings
    assert "is there, and not taken for a photo: Adopt Masks (--adopt-masks) uses it in" in words


def test_what_was_said_of_black_and_white_holds_until_something_else_is_said(add, photos, output, workers):
    """Masks whose object fills the left half keep too little of the border to look inverted, or not."""
    for number in range(2):
        add(f"{number}.JPG")
        save(photos / "masks" / f"{number}.png", ~LEFT)
    workers.adopt(mask_object="BLACK")
    assert is_left(output, "0.JPG")
    for given in ({"adopt_masks": True}, {"adopt_masks": True, "threshold": 100}):
        assert workers.strip(CLOSED, retry_for=0.0, **given).exit_code == 0
        assert all(is_left(output, f"{number}.JPG") for number in range(2))
    save(photos / "masks" / "0.png", LEFT)
    workers.adopt()
    assert [is_left(output, f"{number}.JPG") for number in range(2)] == [False, True]
    workers.adopt(mask_object="WHITE")
    assert [is_left(output, f"{number}.JPG") for number in range(2)] == [True, False]


def test_inverted_masks_are_asked_about_once(add, photos, workers):
    border = np.ones_like(LEFT)
    border[60:180, 80:240] = False
    add("1.JPG")
    save(photos / "masks" / "1.png", border)
    assert "may be inverted" in workers.adopt().message
    assert workers.adopt(mask_object="BLACK").message == "1 mask of your own adopted"
    assert workers.adopt(threshold=100).message == "1 mask of your own adopted"
