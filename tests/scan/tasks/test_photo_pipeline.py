# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves beside soft masks: masks by their controls, cutouts, JPEGs of HEIC photos, warnings, the report.

Each is made once, again only when what it is made of changes, and without asking where the answer is there already.
"""

import json
from pathlib import PurePosixPath

import numpy as np
import pytest
from faulty_server import Answer, always, png
from PIL import Image, ImageDraw

from scan.photos.converted import as_jpeg
from scan.photos.photo import Photo
from speaking_photos import save, tags_of

GREEN = (60, 255, 60)


def files(folder):
    """Every file below a folder: relative path → modification time."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def of_mask(output, name="IMG_0001.JPG"):
    return np.asarray(Image.open(output / "masks" / f"{name}.png")) > 0


def paint(output, name="IMG_0001.JPG", mode="L", box=(0, 0, 60, 60)):
    """Add a square to a mask by hand, saved as a paint program may save it."""
    path = output / "masks" / f"{name}.png"
    mask = Image.open(path).convert("RGBA" if mode == "RGBA" else "RGB" if mode == "RGB" else "L")
    ImageDraw.Draw(mask).rectangle(
        (box[0], box[1], box[2] - 1, box[3] - 1), "white" if mode in {"RGB", "RGBA"} else 255
    )
    mask.convert(mode).save(path)
    return path.read_bytes()


def report(output):
    return json.loads((output / "report.json").read_bytes())


# Masks by their controls


def with_a_hole_and_an_island(_picture):
    soft = Image.new("L", (320, 240))
    draw = ImageDraw.Draw(soft)
    draw.ellipse((80, 40, 260, 200), 255)
    draw.ellipse((150, 100, 157, 107), 0)
    draw.rectangle((10, 10, 15, 15), 255)
    draw.ellipse((80, 40, 260, 200), None, 140)
    return png(soft)


@pytest.mark.parametrize(
    ("given", "is_so"),
    [
        ({"threshold": 200}, lambda before, after: (after <= before).all() and after.sum() < before.sum()),
        ({"fill_holes": 0.2}, lambda before, after: after[103, 153] and not before[103, 153] and after[12, 12]),
        ({"drop_islands": 0.2}, lambda before, after: before[12, 12] and not after[12, 12] and not after[103, 153]),
        ({"grow": 4}, lambda before, after: (before <= after).all() and after[12, 19] and not before[12, 19]),
        ({"grow": -4}, lambda before, after: (after <= before).all() and not after[12, 12]),
        ({"refine_edges": True}, lambda before, after: 0 < (before != after).mean() < 0.2),
    ],
)
def test_a_control_changes_the_mask_and_asks_nobody(add_photos, workers, server, output, given, is_so):
    names = add_photos(2)
    server.script = always(Answer(body=with_a_hole_and_an_island))
    assert workers.strip(server.endpoint).asked == names
    before = of_mask(output)
    server.visits.clear()
    story = workers.strip(server.endpoint, **given)
    assert (story.made, story.asked, server.visits) == (names, [], [])
    assert is_so(before, of_mask(output))
    assert workers.strip(server.endpoint, **given).made == []


# Cutouts


@pytest.mark.parametrize(
    ("kind", "cutouts"),
    [
        ("PNG", {"A/1.JPG": "A/1.JPG.png", "A/2.png": "A/2.png", "3.tif": "3.tif.png", "4.webp": "4.webp.png"}),
        ("JPEG", {"A/1.JPG": "A/1.JPG", "A/2.png": "A/2.png.jpg", "3.tif": "3.tif.jpg", "4.webp": "4.webp.jpg"}),
    ],
)
def test_cutouts_are_written_beside_the_masks(add_photo, workers, server, output, kind, cutouts):
    for name in cutouts:
        add_photo(name)
    story = workers.strip(server.endpoint, cutouts=kind, cutout_color="#ff00ff")
    assert (story.exit_code, story.of("log")[1:]) == (0, [])
    assert sorted(files(output / "cutouts")) == sorted(cutouts.values())
    for name, path in cutouts.items():
        with Image.open(output / "cutouts" / path) as cutout:
            assert (cutout.format, cutout.size) == (kind, (320, 240))
            if kind == "PNG":
                assert ((np.asarray(cutout)[..., 3] >= 128) == of_mask(output, name)).all()
            else:
                assert np.abs(np.int16(cutout.convert("RGB").getpixel((5, 5))) - (255, 0, 255)).max() <= 4
    assert workers.strip(server.endpoint, cutouts=kind, cutout_color="#ff00ff").made == []
    assert len(server.requests) == 4


def test_cutouts_are_made_later_without_asking_and_each_kind_beside_the_other(add_photos, workers, server, output):
    names = add_photos(2)
    workers.strip(server.endpoint)
    masks = files(output / "masks")
    server.visits.clear()
    story = workers.strip(server.endpoint, cutouts="PNG")
    assert (story.made, story.asked, story.exit_code) == (names, [], 0)
    assert workers.strip(server.endpoint, cutouts="JPEG").made == names
    assert sorted(files(output / "cutouts")) == sorted([*names, *(f"{name}.png" for name in names)])
    assert files(output / "masks") == masks, "the masks are as they were"
    assert server.visits == []
    assert workers.strip(server.endpoint).made == [], "a run without cutouts has nothing to do"


def test_a_cutout_that_cannot_be_made_is_told_in_every_run_until_it_can(photos, add_photo, workers, server, output):
    add_photo("cmyk.jpg", Image.new("CMYK", (320, 240)))
    add_photo("a.tif")
    add_photo("a.tif.jpg")
    for _ in range(2):
        story = workers.strip(server.endpoint, cutouts="JPEG")
        assert (story.exit_code, story.finished["status"]) == (4, "some_failed"), "a batch must not go on without it"
        assert story.finished["no_cutouts"] == report(output)["no_cutouts"]
        assert "3 of 3 photos have a mask" in story.message
        assert "2 without a cutout: a.tif: would be named like" in story.message
        told = report(output)["no_cutouts"]
        assert sorted(told) == ["a.tif", "cmyk.jpg"]
        assert "CMYK" in told["cmyk.jpg"]
    (photos / "a.tif.jpg").rename(photos / "b.jpg")
    (output / "cutouts" / "a.tif.jpg").unlink()
    story = workers.strip(server.endpoint, cutouts="JPEG")
    assert (output / "cutouts" / "a.tif.jpg").is_file()
    assert sorted(report(output)["no_cutouts"]) == ["cmyk.jpg"]
    assert report(output)["no_cutouts"] != {}
    assert workers.strip(server.endpoint).finished["message"] == "3 of 3 photos have a mask, 0 of them made now"


def test_alpha_matting_gives_a_cutout_its_alpha_and_the_mask_still_counts(add_photos, workers, server, output):
    """A strand of hair stays half there; what the mask's controls drop is not in the cutout either."""
    (name,) = add_photos(1)

    def matted(_picture):
        alpha = Image.new("L", (320, 240))
        draw = ImageDraw.Draw(alpha)
        draw.ellipse((80, 40, 260, 200), 255)
        draw.line((170, 36, 170, 40), 90)  # a strand
        draw.rectangle((10, 10, 15, 15), 255)  # an island
        picture = Image.new("RGBA", alpha.size)
        picture.putalpha(alpha)
        return png(picture)

    server.script = always(Answer(body=matted))
    story = workers.strip(server.endpoint, alpha_matting=True, drop_islands=0.2, cutouts="PNG")
    assert story.exit_code == 0
    alpha = np.asarray(Image.open(output / "cutouts" / f"{name}.png"))[..., 3]
    kept = of_mask(output, name)
    assert 80 <= alpha[38, 170] <= 100
    assert alpha[12, 12] == 0
    assert ((alpha >= 128) == kept).all()
    assert workers.strip(server.endpoint, alpha_matting=True, drop_islands=0.2, cutouts="PNG").made == []


@pytest.mark.parametrize("what", ["painted", "colour", "deleted", "threshold", "mask deleted"])
def test_a_cutout_is_made_again_when_what_it_is_made_of_changes(add_photos, workers, server, output, what):
    names = add_photos(2)
    workers.strip(server.endpoint, cutouts="JPEG")
    before = {name: (output / "cutouts" / name).read_bytes() for name in names}
    changed, given = names[:1], {"cutouts": "JPEG"}
    if what == "painted":
        paint(output)
    elif what == "deleted":
        (output / "cutouts" / names[0]).unlink()
    elif what == "mask deleted":
        (output / "masks" / f"{names[0]}.png").unlink()
    else:
        changed = names
        given |= {"cutout_color": "#00ff00"} if what == "colour" else {"threshold": 250}
    story = workers.strip(server.endpoint, **given)
    assert (story.made, story.asked, story.exit_code) == (changed, [], 0)
    after = {name: (output / "cutouts" / name).read_bytes() for name in names}
    differs = [name for name in names if before[name] != after[name]]
    assert differs == ([] if "deleted" in what else changed)
    assert workers.strip(server.endpoint, **given).made == []
    assert len(server.requests) == 2


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "RGBA", "P", "LA"])
def test_a_painted_mask_of_any_kind_is_what_the_cutout_and_the_sheet_follow(add_photos, workers, server, output, mode):
    names = add_photos(2)
    workers.strip(server.endpoint, cutouts="PNG")
    facts = report(output)["masks"]
    painted = paint(output, mode=mode)
    story = workers.strip(server.endpoint, cutouts="PNG", threshold=200)
    assert (story.made, story.asked, story.exit_code) == (names, [], 0), story.message
    assert (output / "masks" / f"{names[0]}.png").read_bytes() == painted
    with Image.open(output / "cutouts" / f"{names[0]}.png") as cutout:
        assert np.asarray(cutout)[:50, :50, 3].min() == 255
    told = report(output)["masks"]
    assert told[names[0]]["box"][:2] == [0, 0]
    assert told[names[0]]["foreground"] > facts[names[0]]["foreground"]
    # And once more with nothing but the sheet and the report to make.
    assert workers.strip(server.endpoint, cutouts="PNG", threshold=200).made == []
    assert report(output)["masks"][names[0]] == told[names[0]]


def test_a_refused_cutout_keeps_its_mask_and_warns(add_photo, workers, server, output):
    add_photo("A.JPG")
    add_photo("B.JPG", Image.new("CMYK", (320, 240), (0, 90, 200, 10)))
    story = workers.strip(server.endpoint, cutouts="PNG")
    assert (story.made, story.failed, story.exit_code) == (["A.JPG", "B.JPG"], {}, 4)
    (warning,) = [event for event in story.of("log") if "cutout" in event["text"]]
    assert (warning["level"], warning["photo"]) == ("warning", "B.JPG")
    assert warning["text"].startswith("B.JPG: no cutout was made: it has CMYK colours, which a cutout cannot keep")
    assert (output / "masks" / "B.JPG.png").exists()
    assert sorted(files(output / "cutouts")) == ["A.JPG.png"]
    again = workers.strip(server.endpoint, cutouts="PNG")
    assert (again.made, again.asked) == (["B.JPG"], []), "what was in the way might be gone"
    assert workers.strip(server.endpoint, cutouts="JPEG").made == ["A.JPG", "B.JPG"]


def test_a_cutout_never_takes_the_name_of_another_photos(add_photo, workers, server, output):
    add_photo("A.tif")
    add_photo("A.tif.png")
    story = workers.strip(server.endpoint, cutouts="PNG")
    assert story.made == ["A.tif", "A.tif.png"]
    assert [event["photo"] for event in story.of("log") if "rename one of them" in event["text"]] == ["A.tif"]
    assert sorted(files(output / "cutouts")) == ["A.tif.png"]


@pytest.mark.parametrize(("name", "kind", "cutout"), [("A.jpg", "JPEG", "A.jpg"), ("A.jpg", "PNG", "A.jpg.png")])
def test_a_cutout_says_all_that_the_photo_says(photos, workers, server, output, name, kind, cutout):
    source = save(photos / name, orientation=6)
    assert workers.strip(server.endpoint, cutouts=kind).exit_code == 0
    said, says = (
        tags_of(path, "EXIF", "MakerNotes", "XMP", "ICC_Profile") for path in (source, output / "cutouts" / cutout)
    )
    assert said["EXIF:IFD0:Orientation"] == "Rotate 90 CW"
    assert len(said) > 40
    assert says == said


# HEIC photos


@pytest.fixture
def heic(photos):
    """Give the name of a HEIC photo in the photo folder, as libheif and x265 make it."""
    pillow_heif = pytest.importorskip("pillow_heif", reason="makes the HEIC file")
    picture = Image.new("RGB", (320, 240), (30, 30, 30))
    ImageDraw.Draw(picture).ellipse((80, 40, 240, 200), (240, 220, 200))
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    file = pillow_heif.from_pillow(picture)
    (photos / "A").mkdir()
    file.save(photos / "A" / "IMG.HEIC", quality=90, exif=exif.tobytes())
    return "A/IMG.HEIC"


def test_a_heic_photo_is_handed_over_as_a_jpeg_that_its_mask_fits(heic, photos, workers, server, output, overlap):
    story = workers.strip(server.endpoint, cutouts="JPEG")
    assert (story.made, story.exit_code) == ([heic], 0)
    assert {name.split("/", 1)[0] for name in files(output) if name.endswith((".jpg", ".png"))} == {
        *("masks", "soft", "cutouts", "converted", "contact_sheet.jpg")
    }
    with Image.open(output / "converted" / "A" / "IMG.HEIC.jpg") as jpeg:
        assert (jpeg.size, jpeg.getexif()[0x010F]) == ((320, 240), "A camera")
    mask = Image.open(output / "masks" / "A" / "IMG.HEIC.jpg.png")
    true = Image.new("L", (320, 240))
    ImageDraw.Draw(true).ellipse((80, 40, 240, 200), 255)
    assert overlap(mask, true) > 0.97
    assert (output / "cutouts" / "A" / "IMG.HEIC.jpg").exists()

    before = files(output)
    again = workers.strip(server.endpoint, cutouts="JPEG")
    assert (again.made, again.exit_code, len(server.requests)) == ([], 0, 1)
    after = files(output)
    told = {"job.json", "journal.jsonl", "worker.log", "report.json"}
    assert {name for name in after if after[name] != before.get(name)} == told
    assert sorted(files(photos)) == [heic]


def test_a_heic_photos_jpeg_is_made_again_without_asking_and_its_painted_mask_kept(heic, workers, server, output):
    workers.strip(server.endpoint)
    painted = paint(output, "A/IMG.HEIC.jpg")
    jpeg = output / "converted" / "A" / "IMG.HEIC.jpg"
    whole = jpeg.read_bytes()
    jpeg.unlink()
    story = workers.strip(server.endpoint)
    assert (story.made, story.asked, len(server.requests)) == ([heic], [], 1)
    assert jpeg.read_bytes() == whole
    assert (output / "masks" / "A" / "IMG.HEIC.jpg.png").read_bytes() == painted
    assert workers.strip(server.endpoint).made == []


def test_a_heic_photos_mask_that_was_made_by_hand_is_kept_before_there_is_its_jpeg(heic, workers, server, output):
    path = output / "masks" / f"{heic}.jpg.png"
    path.parent.mkdir(parents=True)
    Image.new("L", (320, 240), 255).crop((-40, 0, 280, 240)).save(path)
    put = path.read_bytes()
    (warning,) = [event["text"] for event in workers.strip(server.endpoint).of("log") if event["level"] == "warning"]
    assert warning == f"{heic}: a mask was there already, and is kept; delete it to have it made anew"
    assert workers.strip(server.endpoint, threshold=200).made == []
    assert path.read_bytes() == put
    (output / "journal.jsonl").unlink()
    server.visits.clear()
    story = workers.strip(server.endpoint)
    assert (story.made, server.visits, path.read_bytes()) == ([], [], put)
    assert [event["photo"] for event in story.of("mask_found")] == [heic]


def test_a_heic_photo_beside_a_jpeg_of_its_copys_name_is_refused(heic, photos, workers, server):
    as_jpeg(Photo(PurePosixPath(heic), photos / heic, photos))
    story = workers.strip(server.endpoint, cutouts="JPEG")
    assert story.made == [f"{heic}.jpg"]
    assert story.failed == {
        heic: "would get the same mask as the photo IMG.HEIC.jpg beside it; rename one of them",
    }


def test_a_damaged_heic_photo_fails_and_the_rest_goes_on(heic, photos, add_photo, workers, server, output):
    add_photo("B.jpg")
    whole = (photos / heic).read_bytes()
    (photos / "A" / "cut.heic").write_bytes(whole[: len(whole) // 2])
    story = workers.strip(server.endpoint, cutouts="PNG")
    assert story.made == [heic, "B.jpg"]
    assert list(story.failed) == ["A/cut.heic"]
    assert "copy it from the camera again" in story.failed["A/cut.heic"]
    assert sorted(files(output / "converted")) == ["A/IMG.HEIC.jpg"]


# What is told


def cell(sheet, row, column):
    left, top = column * 244 + 4, row * 244 + 4
    return np.int16(sheet.crop((left, top, left + 240, top + 240)))


@pytest.mark.parametrize("given", [{}, {"threshold": 200}], ids=["same settings", "another threshold"])
def test_the_contact_sheet_shows_what_was_painted_by_hand(add_photos, workers, server, output, given):
    names = add_photos(2)
    workers.strip(server.endpoint)

    def outlined():
        sheet = Image.open(output / "contact_sheet.jpg").convert("RGB")
        green = np.abs(cell(sheet, 0, 0) - GREEN).max(axis=2) < 90
        return green[70:80, 30:60].any()  # the lower edge of what is painted, of which 240 of 320 pixels are shown

    assert not outlined()
    painted = paint(output, box=(0, 0, 80, 60))
    assert workers.strip(server.endpoint, **given).made == (names[1:] if given else [])
    assert (output / "masks" / f"{names[0]}.png").read_bytes() == painted
    assert outlined()


@pytest.mark.parametrize(("value", "words"), [(0, "the mask is empty"), (255, "the mask keeps nearly everything")])
def test_a_mask_that_cannot_be_right_is_warned_of(add_photos, workers, server, value, words):
    (name,) = add_photos(1)
    server.script = always(Answer(body=png(Image.new("L", (320, 240), value))))
    story = workers.strip(server.endpoint)
    assert (story.made, story.exit_code) == ([name], 0)
    (warning,) = [event for event in story.of("log") if event["level"] == "warning"]
    assert warning["photo"] == name
    assert warning["text"].startswith(f"{name}: {words}")


def test_the_report_tells_of_every_mask_and_of_the_traffic(add_photos, photos, workers, server, output):
    names = add_photos(3)
    (photos / "IMG_0004.JPG").write_bytes(b"nothing")
    server.script = lambda request: Answer(body=png(Image.new("L", (320, 240)))) if request.number == 1 else Answer()
    workers.strip(server.endpoint, in_flight=1)
    told = report(output)
    assert list(told["masks"]) == names
    empty = [name for name, facts in told["masks"].items() if facts["foreground"] == 0]
    assert len(empty) == 1
    for name in names:
        kept = of_mask(output, name)
        rows, columns = np.nonzero(kept)
        facts = told["masks"][name]
        assert facts["foreground"] == pytest.approx(kept.mean(), abs=1e-4)
        if name in empty:
            assert (facts["centroid"], facts["box"]) == (None, None)
        else:
            assert facts["centroid"] == pytest.approx([columns.mean() + 0.5, rows.mean() + 0.5], abs=0.06)
            assert facts["box"] == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    sent = sum(len(request.fields["file"]) for request in server.requests)
    received = sum((output / "soft" / f"{name}.png").stat().st_size for name in names)
    assert told["bytes"] == {"sent": sent, "received": received}
    workers.strip(server.endpoint)
    assert report(output)["masks"] == told["masks"]
    assert report(output)["bytes"] == {"sent": 0, "received": 0}
