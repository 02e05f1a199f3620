# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of which the journal does not know that they were made here: somebody's, kept like what is painted by hand."""

import json

import numpy as np
import pytest
from conftest import draw_photo
from faulty_server import Answer
from PIL import Image

CLOSED = "http://127.0.0.1:9/api/remove"


@pytest.fixture
def put_mask(output):
    """Give a function that saves a mask by hand, the left half of it kept, and returns the file's bytes."""

    def put(name, size=(320, 240), mode="L"):
        path = output / "masks" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        mask = Image.new("L", size)
        mask.paste(255, (0, 0, size[0] // 2, size[1]))
        mask.convert(mode).save(path)
        return path.read_bytes()

    return put


def masks(output):
    return {path.name.removesuffix(".png"): path.read_bytes() for path in (output / "masks").iterdir()}


def forget_photos(output):
    """Leave the journal of a first run that was killed between its last masks and its word on them."""
    journal = output / "journal.jsonl"
    later = (b'"photo_done"', b'"contact_sheet"', b'"finished"')
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if not any(event in line for event in later)))


def test_masks_made_by_hand_before_the_first_run_are_kept_and_told_once(add_photos, workers, server, output, put_mask):
    one, two, new = add_photos(3)
    put = {one: put_mask(one), two: put_mask(two, mode="RGBA")}
    story = workers.strip(server.endpoint)
    assert (story.made, story.asked, story.exit_code) == ([new], [new], 0)
    assert story.message == "3 of 3 photos have a mask, 1 of them made now"
    assert (story.of("progress")[0]["done"], story.of("progress")[0]["total"]) == (2, 3)
    (words,) = story.warnings
    assert words.startswith("2 masks were there already that the journal does not know: kept")
    assert words.endswith(f"delete them in {output / 'masks'} to have them made anew")
    told = json.loads((output / "report.json").read_bytes())["masks"]
    assert [(told[name]["foreground"], told[name]["box"]) for name in put] == [(0.5, [0, 0, 160, 240])] * 2
    for given, made in [({}, []), ({"threshold": 200}, [new]), ({"model": "u2net"}, [new])]:
        story = workers.strip(server.endpoint, **given)
        assert (story.made, story.warnings) == (made, [])
        assert masks(output).items() >= put.items()
    (output / "masks" / f"{one}.png").unlink()
    story = workers.strip(server.endpoint)
    assert (story.asked, story.warnings) == ([one, new], [])
    assert masks(output)[two] == put[two]
    assert workers.strip(server.endpoint).made == []


def test_a_mask_that_was_found_is_what_cutouts_follow_and_may_be_painted_on(add_photos, workers, output, put_mask):
    (name,) = add_photos(1)
    put = put_mask(name)

    def strip(**given):
        story = workers.strip(CLOSED, cutouts="PNG", retry_for=0.0, **given)
        assert (story.exit_code, story.asked, list((output / "soft").iterdir())) == (0, [], [])
        alpha = np.asarray(Image.open(output / "cutouts" / f"{name}.png").getchannel("A"))
        return story.made, (alpha >= 128).mean()

    assert strip() == ([name], 0.5)
    assert strip(threshold=200) == ([], 0.5)
    assert masks(output) == {name: put}
    Image.new("L", (320, 240), 255).save(output / "masks" / f"{name}.png")
    assert strip(threshold=200) == ([name], 1.0)
    assert strip(threshold=200) == ([], 1.0)


def test_a_mask_that_was_found_is_kept_for_another_photo_of_that_name_and_told(
    add_photo, workers, server, output, put_mask
):
    add_photo("1.jpg")
    put = put_mask("1.jpg")
    workers.strip(server.endpoint)
    add_photo("1.jpg", draw_photo(number=77))
    (words,) = workers.strip(server.endpoint).warnings
    assert words.startswith("1.jpg was replaced since its mask was painted on")
    assert (masks(output), server.visits) == ({"1.jpg": put}, [])


def test_a_found_mask_of_another_size_is_told_and_not_replaced(add_photos, workers, server, output, put_mask):
    bad, good = add_photos(2)
    put = put_mask(bad, size=(160, 120))
    for _ in range(2):
        story = workers.strip(server.endpoint)
        assert (list(story.failed), masks(output)[bad]) == ([bad], put)
        assert "has 320 × 240 pixels and a mask with 160 × 120; save the mask" in story.failed[bad]
    put_mask(bad)
    story = workers.strip(server.endpoint)
    assert (story.made, story.exit_code) == ([], 0)
    assert story.warnings[0].startswith("1 mask was there already")
    assert story.message == "2 of 2 photos have a mask, 0 of them made now"
    assert len(server.requests) == 1, f"only {good} was ever asked for"


def test_what_is_no_picture_is_no_mask(add_photos, workers, server, output, put_mask):
    (name,) = add_photos(1)
    path = output / "masks" / f"{name}.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(put_mask(name)[:60])
    story = workers.strip(server.endpoint)
    assert (story.asked, story.exit_code, story.warnings) == ([name], 0, [])
    Image.open(path).load()


def test_without_the_journal_all_masks_are_kept(add_photos, workers, server, output):
    names = add_photos(2)
    workers.strip(server.endpoint)
    before = masks(output)
    (output / "journal.jsonl").unlink()
    server.visits.clear()
    story = workers.strip(server.endpoint, threshold=200)
    assert (story.made, story.exit_code, server.visits) == ([], 0, [])
    assert story.warnings[0].startswith("2 masks were there already")
    assert masks(output) == before
    for path in (output / "masks").iterdir():
        path.unlink()
    assert workers.strip(server.endpoint).asked == names


@pytest.mark.parametrize("kills", [1, 2])
def test_a_first_run_that_was_killed_makes_its_own_masks_anew(add_photos, workers, server, output, kills):
    names = add_photos(3)
    for threshold in range(250, 250 - kills, -1):
        assert workers.strip(server.endpoint, threshold=threshold).asked == names
        forget_photos(output)
    killed = masks(output)
    story = workers.strip(server.endpoint)
    assert (story.asked, story.exit_code, story.warnings) == (names, 0, [])
    assert all(content != killed[name] for name, content in masks(output).items())


def test_what_is_painted_after_a_first_run_was_killed_is_kept(add_photos, workers, server, output, put_mask):
    first, *others = add_photos(3)
    workers.strip(server.endpoint)
    forget_photos(output)
    put = put_mask(first)
    story = workers.strip(server.endpoint, threshold=200)
    assert (story.asked, masks(output)[first]) == (others, put)
    assert story.warnings[0].startswith("1 mask was there already")


def test_a_mask_for_a_new_photo_is_kept_in_a_folder_with_a_journal(
    add_photos, add_photo, workers, server, output, put_mask
):
    add_photos(2)
    assert workers.strip(CLOSED, retry_for=0.0).exit_code == 3
    put = put_mask("IMG_0002.JPG")
    assert workers.strip(server.endpoint).asked == ["IMG_0001.JPG"]
    add_photo("new.jpg")
    new = put_mask("new.jpg")
    story = workers.strip(server.endpoint)
    assert (story.made, len(story.warnings), len(server.requests)) == ([], 1, 1)
    assert masks(output).items() >= {"IMG_0002.JPG": put, "new.jpg": new}.items()


def test_a_mask_that_is_saved_while_the_first_run_makes_it_is_kept(add_photos, workers, server, output, put_mask):
    (name,) = add_photos(1)

    def script(_request):
        put_mask(name)
        return Answer()

    server.script = script
    story = workers.strip(server.endpoint)
    assert (story.made, story.exit_code) == ([name], 0)
    assert story.warnings == [f"{name}: a mask was there already, and is kept; delete it to have it made anew"]
    assert masks(output) == {name: put_mask(name)}
    assert workers.strip(server.endpoint, threshold=200).made == []
