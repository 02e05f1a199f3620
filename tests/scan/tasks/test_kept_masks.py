# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in a job folder when a run begins: kept where it holds, made anew where not, told where that matters."""

import json
import struct
import zlib
from pathlib import PurePosixPath

import numpy as np
import pytest
from conftest import draw_photo
from faulty_server import Answer, always
from PIL import Image, ImageDraw

from scan.common.errors import PhotoError
from scan.cutouts import cutout
from scan.job.context import JobContext
from scan.job.folder import JobFolder
from scan.job.journal import Journal
from scan.masks.saved_masks import kept_mask
from scan.tasks import photo_pipeline
from scan.tasks.strip import Strip

CLOSED = "http://127.0.0.1:9/api/remove"


def paint(output, name="IMG_0001.JPG"):
    path = output / "masks" / f"{name}.png"
    mask = Image.open(path).copy()
    ImageDraw.Draw(mask).rectangle((0, 0, 60, 60), 255)
    mask.save(path)


def claims(width, height):
    """A grey PNG that promises so many pixels and holds none."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(5000))) + chunk(b"IEND", b"")


def half_transparent(path):
    alpha = np.asarray(Image.open(path).getchannel("A"))
    return int(((alpha > 0) & (alpha < 255)).sum())


@pytest.mark.parametrize("content", [None, claims(30000, 30000)], ids=["smaller", "bomb"])
def test_a_mask_of_another_size_is_somebodys_and_is_told_not_replaced(add_photos, workers, server, output, content):
    first, *others = add_photos(3)
    workers.strip(server.endpoint)
    path = output / "masks" / f"{first}.png"
    if content is None:
        Image.new("L", (160, 120), 255).save(path)
    else:
        path.write_bytes(content)
    left = path.read_bytes()
    for given in ({}, {"threshold": 200}):
        story = workers.strip(server.endpoint, **given)
        assert list(story.failed) == [first]
        assert "has 320 × 240 pixels and a mask with " in story.failed[first]
        assert "or delete it to have it made again" in story.failed[first]
        assert path.read_bytes() == left
    assert story.made == others
    with pytest.raises(PhotoError, match="and a mask with"):
        kept_mask(JobFolder(output), PurePosixPath(path.relative_to(output / "masks").with_suffix("")), (320, 240))


def erased(mode):
    """A white mask of which all but the right quarter was erased, as a paint program saves that."""
    mask = Image.new("RGBA", (320, 240), (255, 255, 255, 0))
    mask.paste((255, 255, 255, 255), (240, 0, 320, 240))
    if mode in {"RGBA", "LA"}:
        return mask.convert(mode), {}
    levels = mask.getchannel("A").point([254] * 128 + [255] * 128)
    if mode == "P":
        levels = levels.point([0] * 255 + [1])
        levels.putpalette([255, 255, 255] * 2)
    return levels.convert("RGB") if mode == "RGB" else levels, {
        "transparency": {"P": 0, "L": 254, "RGB": (254, 254, 254)}[mode]
    }


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "RGB"])
def test_what_was_erased_to_transparency_is_not_kept(add_photos, workers, server, output, mode):
    name, _ = add_photos(2)
    workers.strip(server.endpoint)
    mask, options = erased(mode)
    path = output / "masks" / f"{name}.png"
    mask.save(path, **options)
    assert Image.open(path).mode == mode
    assert np.asarray(Image.open(path).convert("L")).min() > 250, "white, where nobody asks for its alpha"
    assert workers.strip(server.endpoint, cutouts="PNG").asked == []
    alpha = np.asarray(Image.open(output / "cutouts" / f"{name}.png").getchannel("A"))
    assert (alpha.max(initial=0, where=np.arange(320) < 230), alpha[:, 250:].min()) == (0, 255)
    told = json.loads((output / "report.json").read_bytes())["masks"][name]
    assert (told["foreground"], told["box"]) == (0.25, [240, 0, 320, 240])


def test_a_mask_that_is_all_transparent_keeps_nothing(tmp_path):
    folder = JobFolder(tmp_path)
    path = folder.mask(PurePosixPath("1.jpg"))
    path.parent.mkdir()
    Image.new("LA", (32, 24), (255, 0)).save(path)
    mask = kept_mask(folder, PurePosixPath("1.jpg"), (32, 24))
    assert mask.facts()["foreground"] == 0


def test_a_cutout_of_a_painted_mask_follows_the_photo(add_photo, workers, server, output):
    add_photo("1.png")
    workers.strip(server.endpoint, cutouts="PNG")
    paint(output, "1.png")
    workers.strip(server.endpoint, cutouts="PNG")
    add_photo("1.png", draw_photo(number=77))
    story = workers.strip(server.endpoint, cutouts="PNG")
    assert story.asked == []
    assert "was replaced since its mask was painted on" in story.warnings[0]
    cutout = Image.open(output / "cutouts" / "1.png")
    opaque = np.asarray(cutout.getchannel("A")) == 255
    assert (np.asarray(cutout.convert("RGB"))[opaque] == np.asarray(draw_photo(number=77))[opaque]).all()


def test_alpha_matting_that_never_was_asked_for_gives_no_alpha(add_photos, workers, server, output):
    """A painted mask is not asked for again; what is kept of its answer is a model's blur."""
    (name,) = add_photos(1)
    workers.strip(server.endpoint, cutouts="PNG")
    paint(output, name)
    workers.strip(server.endpoint, cutouts="PNG")
    hard = half_transparent(output / "cutouts" / f"{name}.png")
    assert workers.strip(server.endpoint, cutouts="PNG", alpha_matting=True).asked == []
    assert half_transparent(output / "cutouts" / f"{name}.png") == hard


def test_a_damaged_cutout_is_made_again(add_photos, workers, server, output):
    first, *_ = add_photos(3)
    workers.strip(server.endpoint, cutouts="PNG")
    path = output / "cutouts" / f"{first}.png"
    whole = path.read_bytes()
    path.write_bytes(b"")
    story = workers.strip(server.endpoint, cutouts="PNG")
    assert (story.made, story.asked, path.read_bytes()) == ([first], [], whole)
    assert story.message == "3 of 3 photos have a mask, 0 of them and 1 cutout made now"
    assert story.finished["photos"]["made"] == 0, "no mask was"


def test_masks_and_cutouts_that_a_run_makes_are_counted_apart(add_photos, add_photo, workers, server):
    add_photos(3)
    story = workers.strip(server.endpoint, cutouts="PNG")
    assert (story.message, story.finished["photos"]["made"]) == ("3 of 3 photos have a mask", 3)
    add_photo("new.jpg")
    story = workers.strip(server.endpoint, cutouts="JPEG")
    assert story.message == "4 of 4 photos have a mask, 1 of them and 4 cutouts made now"
    assert story.finished["photos"]["made"] == 1
    add_photo("newer.jpg")
    assert workers.strip(server.endpoint).message == "5 of 5 photos have a mask, 1 of them made now"


def test_cutouts_that_show_earlier_masks_are_told_once(add_photos, workers, server, output):
    add_photos(3)
    workers.strip(server.endpoint, cutouts="PNG")
    (words,) = workers.strip(server.endpoint, threshold=200).warnings
    assert words.startswith("3 cutouts show earlier masks: strip with Cutouts once more, or delete what is in ")
    assert str(output / "cutouts") in words
    assert workers.strip(server.endpoint, threshold=200).warnings == []


def test_what_needs_no_server_is_made_while_it_is_away(add_photos, add_photo, workers, server):
    names = add_photos(3)
    workers.strip(server.endpoint)
    add_photo("new.jpg")
    story = workers.strip(CLOSED, threshold=200, retry_for=0)
    assert (story.made, story.exit_code) == (names, 3)
    assert "3 of 4 done, run again to go on" in story.message


def test_a_run_that_is_cancelled_counts_the_masks_that_stand(add_photos, workers, server):
    names = add_photos(4)
    workers.strip(server.endpoint)
    (workers.photos / "slow.jpg").write_bytes((workers.photos / names[0]).read_bytes())
    server.script = always(Answer(hang=True))
    worker = workers.start(server.endpoint, cutouts="PNG")
    workers.until(worker, lambda event: event["event"] == "log")  # that the one photo is asked for
    worker.cancel()
    story = workers.end(worker)
    assert story.message.startswith("Cancelled: 4 of 5 photos have a mask")


def test_the_report_names_no_mask_that_is_gone(add_photos, photos, photo_watch, workers, server, output):
    first, *others = add_photos(3)
    workers.strip(server.endpoint)
    (output / "masks" / f"{first}.png").unlink()
    (photos / first).write_bytes(b"no photo any more")
    photo_watch.remember(photos)
    story = workers.strip(server.endpoint)
    assert list(story.failed) == [first]
    assert list(json.loads((output / "report.json").read_bytes())["masks"]) == others


@pytest.fixture
def strip(workers, server, output):
    """Give a function that strips in this process, with PNG cutouts, and returns the outcome."""

    def strip():
        settings = workers.settings(server.endpoint, cutouts="PNG")
        folder = JobFolder(output)
        journal = Journal(folder.journal, folder.prepare({"task": "strip", "settings": {}}))
        try:
            return Strip(settings, JobContext(folder, journal)).run()
        finally:
            journal.close()

    return strip


@pytest.mark.parametrize("first", ["made by the run", "saved before it", "saved while it asks"])
def test_a_mask_that_is_saved_while_its_cutout_is_made_gets_another(
    add_photos, workers, server, strip, output, monkeypatch, first
):
    """In this process, which can be stopped between the two."""
    (name,) = add_photos(1)

    def save(left):
        mask = Image.new("L", (320, 240))
        mask.paste(255, (left, 0, 320, 240))
        mask.save(output / "masks" / f"{name}.png")

    def save_and_answer(_request):
        save(240)
        return Answer()

    def save_meanwhile(*given):
        made = cutout.make_cutout(*given)
        save(160)
        return made

    if first == "saved before it":
        workers.strip(server.endpoint)
        save(240)
    elif first == "saved while it asks":
        server.script = save_and_answer
    monkeypatch.setattr(photo_pipeline, "make_cutout", save_meanwhile)
    assert strip().status == "done"
    monkeypatch.undo()
    story = workers.strip(server.endpoint, cutouts="PNG")
    assert (story.made, story.asked, story.exit_code) == ([name], [], 0)
    alpha = np.asarray(Image.open(output / "cutouts" / f"{name}.png").getchannel("A"))
    assert (alpha[:, :150].max(), alpha[:, 170:].min()) == (0, 255)
    assert workers.strip(server.endpoint, cutouts="PNG").made == []


def test_a_cutout_without_memory_costs_no_mask_and_no_further_answer(add_photos, server, strip, monkeypatch):
    """In this process, since no worker runs out of memory on demand at just that place."""
    names = add_photos(2)

    def no_memory(*_):
        raise MemoryError

    monkeypatch.setattr(cutout, "_encode_png", no_memory)
    outcome = strip()
    assert (outcome.exit_code, outcome.done, sorted(outcome.no_cutouts)) == (4, 2, names)
    assert all("needs more memory" in reason for reason in outcome.no_cutouts.values())
    monkeypatch.undo()
    server.visits.clear()
    assert strip().no_cutouts == {}
    assert server.visits == []
