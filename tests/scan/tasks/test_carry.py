# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos and their folders get other names: masks go along, what was painted above all, and nothing is asked again."""

import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import draw_photo
from PIL import Image
from renamed_scan import Scan, painted_on

from scan.photos.photo import Photo

OLD = Path(__file__).parents[2] / "data" / "job_0.1.0"
needs_links = pytest.mark.skipif(os.name == "nt", reason="Windows lets only administrators make symbolic links")


@pytest.fixture
def scan(workers, server):
    return Scan(workers, server)


@pytest.fixture
def stripped(scan, add_photos):
    return painted_on(scan, add_photos)


@pytest.mark.parametrize(
    "names",
    [
        {"IMG_0002.JPG": "turned.jpeg"},
        {f"IMG_000{number}.JPG": f"Top/IMG_000{number}.JPG" for number in (1, 2, 3)},
        {"IMG_0001.JPG": "A/IMG_0001.JPG", "IMG_0002.JPG": "B/IMG_0001.JPG", "IMG_0003.JPG": "B/IMG_0002.JPG"},
        {"IMG_0001.JPG": "IMG_0002.JPG", "IMG_0002.JPG": "IMG_0001.JPG"},
        {"IMG_0001.JPG": "IMG_0002.JPG", "IMG_0002.JPG": "IMG_0003.JPG", "IMG_0003.JPG": "IMG_0004.JPG"},
        {"IMG_0003.JPG": "IMG_0001.JPG", "IMG_0002.JPG": "IMG_0003.JPG", "IMG_0001.JPG": "IMG_0002.JPG"},
    ],
    ids=["one", "a side", "sorted into sides", "swapped", "shifted", "in a ring"],
)
def test_all_that_was_made_of_photos_goes_along_with_them(stripped, names):
    before = stripped.shown()
    expected = {names.get(name, name): made for name, made in before.items()}
    stripped.move(names)
    story = stripped.strip_alone(cutouts="PNG")
    assert (story.exit_code, story.made, story.warnings) == (0, [], [])
    assert stripped.shown() == expected
    carried = (
        "1 mask was carried to its photo's new name"
        if len(names) == 1
        else (f"{len(names)} masks were carried to their photos' new names")
    )
    assert story.message == f"3 of 3 photos have a mask, 0 of them made now. {carried}"
    assert stripped.report()["carried"] == names
    assert sorted(stripped.report()["masks"]) == sorted(names.get(name, name) for name in before)
    # From now on they are as if they had always been called so.
    again = stripped.strip_alone(cutouts="PNG")
    assert (again.exit_code, again.made, again.of("photos_carried"), again.warnings) == (0, [], [], [])
    painted = names.get("IMG_0002.JPG", "IMG_0002.JPG")
    ours = sorted({*expected} - {painted})
    other = stripped.strip_alone(threshold=200, cutouts="PNG")
    assert (other.made, other.asked) == (ours, [])
    assert stripped.files()[painted] == stripped.painted
    assert not [path for path in stripped.output.rglob("*") if path.is_dir() and not [*path.iterdir()]]
    assert not [*stripped.output.glob(".carried-*")]


def test_a_side_of_the_turntable_is_renamed(turntable, scan):
    for side, first in (("upright", 1), ("flipped", 21)):
        (scan.photos / side).mkdir()
        for number in range(first, first + 3):
            name = f"{side}/IMG_{number:04}.JPG"
            shutil.copy2(turntable / "photos" / name, scan.photos / name)
    scan.strip()
    painted = scan.paint("upright/IMG_0002.JPG")
    before = scan.files()
    (scan.photos / "upright").rename(scan.photos / "standing")
    story = scan.strip_alone()
    assert (story.exit_code, story.made) == (0, [])
    assert scan.files() == {name.replace("upright", "standing"): content for name, content in before.items()}
    assert scan.files()["standing/IMG_0002.JPG"] == painted
    assert sorted(path.name for path in (scan.output / "masks").iterdir()) == ["flipped", "standing"]


def test_nothing_is_read_of_photos_that_are_where_they_were(stripped, add_photo, monkeypatch):
    """Nor of new ones that no record can be of, having another size."""
    add_photo("new.jpg", draw_photo((640, 480)))
    (stripped.photos / "IMG_0001.JPG").rename(stripped.photos / "other.jpg")
    read = []
    stamp = Photo.content_stamp
    monkeypatch.setattr(Photo, "content_stamp", lambda photo: read.append(str(photo.name)) or stamp(photo))
    assert stripped.strip(cutouts="PNG").asked == ["new.jpg"]
    assert {*read} == {"other.jpg", "new.jpg"}
    assert read.count("new.jpg") == 1, "for its own record"
    read.clear()
    stripped.strip_alone(cutouts="PNG")
    assert read == []


def test_a_copy_with_another_time_is_known_and_not_asked_about(stripped):
    side = stripped.photos / "Top"
    side.mkdir()
    for path in [*stripped.photos.glob("*.JPG")]:
        shutil.copyfile(path, side / path.name)
        os.utime(side / path.name, ns=(10**18, 10**18))
        path.unlink()
    for _ in range(2):
        story = stripped.strip_alone(cutouts="PNG")
        assert (story.exit_code, story.made, story.warnings) == (0, [], [])
    assert stripped.strip_alone(threshold=200, cutouts="PNG").made == ["Top/IMG_0001.JPG", "Top/IMG_0003.JPG"]
    assert stripped.files()["Top/IMG_0002.JPG"] == stripped.painted
    story = stripped.strip_alone(threshold=200, cutouts="PNG")
    assert (story.exit_code, story.made) == (0, [])


def test_a_painted_mask_of_a_photo_that_was_only_touched_is_no_news(stripped):
    os.utime(stripped.photos / "IMG_0002.JPG", ns=(10**18, 10**18))
    story = stripped.strip_alone(cutouts="PNG")
    assert story.warnings == []
    assert stripped.files()["IMG_0002.JPG"] == stripped.painted


def test_of_photos_that_are_alike_nothing_is_carried_and_both_are_named_once(scan, add_photo):
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        add_photo(name, draw_photo(number=5 if name != "3.jpg" else 6))
    scan.strip()
    painted = scan.paint("1.jpg", 0), scan.paint("2.jpg", 40), scan.paint("3.jpg", 80)
    scan.move({f"{number}.jpg": f"Top/{number}.jpg" for number in (1, 2, 3)})
    story = scan.strip()
    assert story.asked == ["Top/1.jpg", "Top/2.jpg"]
    (words,) = story.warnings
    assert words.startswith("2 masks were not carried along, since photos have the same content: ")
    assert "Top/1.jpg, Top/2.jpg (before: 1.jpg, 2.jpg)" in words
    left = scan.files()
    assert (left["1.jpg"], left["2.jpg"], left["Top/3.jpg"]) == painted
    assert "3.jpg" not in left
    assert scan.strip().warnings == []
    assert scan.files() == left


def test_of_two_alike_one_of_which_stays_nothing_is_carried_either(scan, add_photo):
    for name in ("1.jpg", "2.jpg"):
        add_photo(name, draw_photo(number=5))
    scan.strip()
    painted = scan.paint("1.jpg")
    scan.move({"1.jpg": "Top/1.jpg"})
    story = scan.strip()
    assert story.asked == ["Top/1.jpg"]
    assert "Top/1.jpg, 2.jpg (before: 1.jpg)" in story.warnings[0]
    assert scan.files()["1.jpg"] == painted


def test_a_copy_beside_the_photo_takes_no_mask_from_it(stripped):
    before = stripped.files()
    (stripped.photos / "Top").mkdir()
    shutil.copy2(stripped.photos / "IMG_0002.JPG", stripped.photos / "Top" / "IMG_0002.JPG")
    story = stripped.strip(cutouts="PNG")
    assert (story.asked, story.warnings) == (["Top/IMG_0002.JPG"], [])
    assert stripped.files().items() >= before.items()


@pytest.mark.parametrize("is_old", [False, True])
def test_a_mask_at_the_new_name_is_never_replaced(stripped, is_old):
    if is_old:
        stripped.forget_contents()
    own = Image.new("L", (320, 240))
    own.paste(255, (0, 0, 160, 240))
    place = stripped.output / "masks" / "new.jpg.png"
    own.save(place)
    content = place.read_bytes()
    stripped.move({"IMG_0002.JPG": "new.jpg"})
    story = stripped.strip_alone()
    assert "1 mask was not carried along, since the photo has another one now: new.jpg (before: IMG_0002.JPG)" in (
        story.warnings
    )
    assert (stripped.files()["new.jpg"], stripped.files()["IMG_0002.JPG"]) == (content, stripped.painted)
    assert stripped.strip_alone().warnings == []
    # From now on it is the one that goes along.
    stripped.move({"new.jpg": "newer.jpg"})
    story = stripped.strip_alone()
    assert (story.exit_code, story.made, story.warnings) == (0, [], [])
    assert (stripped.files()["newer.jpg"], stripped.files()["IMG_0002.JPG"]) == (content, stripped.painted)


def test_a_name_that_is_too_long_for_a_mask_costs_none(stripped):
    name = "x" * 251 + ".JPG"
    stripped.move({"IMG_0001.JPG": "1.JPG", "IMG_0002.JPG": name})
    story = stripped.strip()
    assert list(story.failed) == [name]
    assert (stripped.report()["carried"], story.warnings) == ({"IMG_0001.JPG": "1.JPG"}, [])
    stripped.move({name: "2.JPG"})
    assert stripped.strip_alone().exit_code == 0
    assert stripped.files()["2.JPG"] == stripped.painted


def test_masks_that_a_person_has_renamed_as_well_stay_what_they_were(stripped):
    before = stripped.files()
    for folder in (stripped.photos, stripped.output / "masks"):
        (folder / "Top").mkdir()
        for path in [*folder.glob("IMG*")]:
            path.rename(folder / "Top" / path.name)
    story = stripped.strip_alone()
    assert (story.exit_code, story.made, story.warnings) == (0, [], [])
    assert stripped.files() == {f"Top/{name}": content for name, content in before.items()}
    assert stripped.strip_alone(threshold=200).made == ["Top/IMG_0001.JPG", "Top/IMG_0003.JPG"]
    assert stripped.files()["Top/IMG_0002.JPG"] == stripped.painted


def test_masks_without_a_photo_are_named_once_and_used_when_it_comes_back(stripped, tmp_path):
    before = stripped.files()
    for name in ("IMG_0001.JPG", "IMG_0002.JPG"):
        shutil.move(stripped.photos / name, tmp_path / name)
    (words,) = stripped.strip_alone().warnings
    assert words.startswith("2 masks were left in ")
    assert "IMG_0001.JPG, IMG_0002.JPG" in words
    assert stripped.strip_alone().warnings == []
    assert stripped.files() == before
    shutil.move(tmp_path / "IMG_0002.JPG", stripped.photos / "back.jpg")
    story = stripped.strip_alone()
    assert (story.exit_code, story.made, story.warnings) == (0, [], [])
    assert stripped.files()["back.jpg"] == stripped.painted
    (stripped.photos / "back.jpg").unlink()
    (words,) = stripped.strip_alone().warnings
    assert words.startswith("1 mask was left in ")


def test_the_mask_of_a_photo_that_is_gone_makes_room_and_is_kept(stripped):
    """The painted photo is deleted, and those behind it close up."""
    third = stripped.files()["IMG_0003.JPG"]
    (stripped.photos / "IMG_0002.JPG").unlink()
    stripped.move({"IMG_0003.JPG": "IMG_0002.JPG"})
    story = stripped.strip_alone(cutouts="PNG")
    assert (story.exit_code, story.made) == (0, [])
    (words,) = story.warnings
    assert words.startswith("1 mask made room for those of other photos")
    assert stripped.files()["IMG_0002.JPG"] == third
    assert stripped.files("masks_of_gone_photos") == {"IMG_0002.JPG": stripped.painted}
    assert stripped.strip_alone(cutouts="PNG").warnings == []


def test_masks_that_made_room_do_not_take_the_place_of_each_other(stripped):
    before = stripped.output / "masks_of_gone_photos" / "IMG_0002.JPG.png"
    before.parent.mkdir()
    before.write_bytes(b"of an earlier photo")
    (stripped.photos / "IMG_0002.JPG").unlink()
    stripped.move({"IMG_0003.JPG": "IMG_0002.JPG"})
    stripped.strip_alone(cutouts="PNG")
    assert before.read_bytes() == b"of an earlier photo"
    assert stripped.files("masks_of_gone_photos")["IMG_0002.JPG.2"] == stripped.painted


@pytest.mark.parametrize("is_other_gone", [False, True])
def test_a_photo_without_its_soft_mask_does_not_get_that_of_another(stripped, is_other_gone):
    (stripped.output / "soft" / "IMG_0001.JPG.png").unlink()
    if is_other_gone:
        (stripped.photos / "IMG_0003.JPG").unlink()
        stripped.move({"IMG_0001.JPG": "IMG_0003.JPG"})
    else:
        stripped.move({"IMG_0001.JPG": "IMG_0003.JPG", "IMG_0003.JPG": "IMG_0001.JPG"})
    stripped.strip_alone(cutouts="PNG")
    assert "IMG_0003.JPG" not in stripped.files("soft")
    assert stripped.strip(cutouts="PNG", threshold=200).asked == ["IMG_0003.JPG"]


def test_a_strip_of_some_photos_leaves_the_others_alone(stripped):
    before = stripped.files()
    story = stripped.strip_alone(files=("IMG_0001.JPG",))
    assert (story.warnings, stripped.files()) == ([], before)
    (stripped.photos / "Top").mkdir()
    stripped.move({name: f"Top/{name}" for name in before})
    story = stripped.strip_alone(files=("Top/IMG_0001.JPG",))
    assert (story.message, story.warnings) == (
        "1 of 1 photos have a mask, 0 of them made now. 3 masks were carried to their photos' new names",
        [],
    )
    assert stripped.files() == {f"Top/{name}": content for name, content in before.items()}


@needs_links
def test_another_spelling_of_the_same_name_is_another_name(stripped):
    """A disk to which upper and lower case are the same has one file under both; here, a link makes it so."""
    stripped.move({f"IMG_000{number}.JPG": f"top/IMG_000{number}.JPG" for number in (1, 2, 3)})
    stripped.strip_alone()
    before = stripped.files()
    for folder in (stripped.photos, stripped.output / "masks", stripped.output / "soft"):
        (folder / "top").rename(folder / "Top")
        (folder / "top").symlink_to("Top")
    story = stripped.strip_alone()
    assert (story.exit_code, story.made, story.warnings) == (0, [], [])
    assert story.message.endswith("3 masks were carried to their photos' new names")
    for folder in ("masks", "soft"):
        (stripped.output / folder / "top").unlink()
    assert stripped.files() == {name.replace("top", "Top"): content for name, content in before.items()}
    assert stripped.strip_alone(threshold=200).made == ["Top/IMG_0001.JPG", "Top/IMG_0003.JPG"]


def copy_of_0_1_0(scan):
    """Leave the job of 0.1.0 in the scan's folders, its painted mask among it, and give its settings."""
    shutil.copytree(OLD / "photos", scan.photos, dirs_exist_ok=True)
    shutil.copytree(OLD / "output", scan.output)
    lines = [json.loads(line) for line in (scan.output / "journal.jsonl").read_text("utf-8").splitlines()]
    for line in lines:
        if line["event"] == "photo_done":
            os.utime(scan.photos / line["photo"], ns=(line["identity"][1],) * 2)
    modified = (scan.photos / "IMG_3.HEIC").stat().st_mtime_ns
    os.utime(scan.output / "converted" / "IMG_3.HEIC.jpg", ns=(modified, modified))
    settings = json.loads((scan.output / "job.json").read_bytes())["settings"]
    return {name: settings[name] for name in ("model", "cutouts", "proxy_size")}


def test_a_job_of_0_1_0_goes_by_size_and_time(scan):
    given = copy_of_0_1_0(scan)
    names = {"IMG_1.JPG": "A/1.JPG", "Side/IMG_2.JPG": "IMG_1.JPG", "IMG_3.HEIC": "B/3.heic"}
    before = {folder: scan.files(folder) for folder in ("masks", "soft", "cutouts", "converted")}
    scan.move(names)
    story = scan.strip(**given)
    assert (story.asked, list(story.failed)) == ([], ["IMG_4.JPG"])
    assert scan.report()["carried"] == names
    working = names | {"IMG_3.HEIC.jpg": "B/3.heic.jpg"}
    for folder, files_before in before.items():
        assert scan.files(folder) == {working[name]: content for name, content in files_before.items()}


@pytest.mark.parametrize("is_old", [False, True])
def test_photos_with_one_size_and_time_are_told_by_their_content_alone(scan, add_photo, is_old):
    for number in (1, 2):
        path = add_photo(f"{number}.tif", draw_photo(number=number))
        os.utime(path, ns=(10**18, 10**18))
    scan.strip()
    painted = scan.paint("1.tif")
    if is_old:
        scan.forget_contents()
    scan.move({"1.tif": "Top/1.tif", "2.tif": "Top/2.tif"})
    story = scan.strip()
    assert story.asked == (["Top/1.tif", "Top/2.tif"] if is_old else [])
    assert len(story.warnings) == is_old
    assert scan.files()["1.tif" if is_old else "Top/1.tif"] == painted
