# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person is told of a photo folder before the work begins, and of what earlier jobs left."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from built_models import ball, leave_model, leave_texture
from conftest import draw_photo
from faulty_server import Answer
from PIL import ExifTags, Image

from scan.job.folder import JobFolder
from scan.reconstruction.models import texture_files


@pytest.fixture
def survey(workers, photos, output, tmp_path):
    """Give a function that surveys the photo folder and returns the ``finished`` event."""

    def survey(**given):
        settings = {"photos": str(photos), "output": str(output), **given}
        job = {"task": "survey", "settings": settings}
        return workers.end(workers.start_job(JobFolder(tmp_path / "survey"), job)).finished

    return survey


@pytest.fixture
def add(add_photo):
    """Give a function that adds a photo with a camera's EXIF."""

    def add(name, focal=50.0, model="Acme One", orientation=0, **options):
        exif = Image.Exif()
        exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Acme", model
        if orientation:
            exif[ExifTags.Base.Orientation] = orientation
        if focal:
            exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLength] = focal
        return add_photo(name, exif=exif, **options)

    return add


def test_a_good_folder_is_counted_and_not_warned_of(add, survey):
    for name in ("1.jpg", "A/1.JPEG", "A/2.png", "B/under/1.jpg"):
        add(name)
    found = survey()
    assert (found["status"], found["exit_code"], found["count"]) == ("done", 0, 4)
    assert found["sides"] == [{"name": "", "count": 1}, {"name": "A", "count": 2}, {"name": "B/under", "count": 1}]
    assert found["formats"] == {"JPEG": 3, "PNG": 1}
    assert (found["notes"], found["warnings"]) == ([], [])
    assert found["thumbnails"] == []
    assert found["message"] == "4 photos in 3 folders"
    assert found["output"] == {"masks": 0, "failed": {}, "report": False, "contact_sheet": False, "solved": []}


def test_what_a_person_should_look_at_is_said(add, survey, photos):
    for number in range(4):
        add(f"{number}.jpg", focal=None if number == 1 else 50.0)
    add("4.jpg", model="Acme Two")
    add("5.webp")
    (photos / "6.CR3").write_bytes(b"raw")
    (photos / "7.nef").write_bytes(b"raw")
    (photos / "8.HEIC").write_bytes(b"heic")
    (photos / "9.jpg").write_bytes(b"")
    found = survey()
    raw, heic, webp, empty, blind, cameras = found["warnings"]
    assert raw == (
        "2 RAW photos (.CR3, .NEF) cannot be read as RAW: tick Develop RAW Photos, or export JPEG or TIFF files into "
        "the same folder"
    )
    assert heic.startswith("1 HEIC photo will be converted to JPEG")
    assert webp.startswith("1 photo left out (5.webp): it is a WEBP file, which COLMAP does not read; save it as JPEG")
    assert empty.startswith("1 photo left out (9.jpg): it is empty (0 bytes)")
    assert blind.startswith("1 photo without a focal length in EXIF (1.jpg)")
    assert cameras.startswith("3 cameras, zooms, sizes or orientations")
    assert "Acme One, 50 mm, 320 × 240 (3)" in cameras
    assert found["formats"] == {"JPEG": 6, "RAW": 2, "WebP": 1, "HEIC": 1}


def test_raw_photos_that_will_be_developed_count(add, survey, photos):
    add("1.jpg")
    for name in ("6.CR3", "7.nef"):
        (photos / name).write_bytes(b"raw")
    found = survey(develop_raw=True)
    assert found["warnings"] == ["2 RAW photos (.CR3, .NEF) will be developed to JPEG in the output folder"]
    assert any("needs at least 3 photos, and there is only 1" in text for text in survey()["warnings"])


def test_raw_files_with_a_twin_are_noted_and_not_counted(add, survey, photos):
    for number in range(3):
        add(f"DSC_{number}.JPG")
        (photos / f"DSC_{number}.NEF").write_bytes(b"raw")
        (photos / f"DSC_{number}.xmp").write_bytes(b"sidecar")
    found = survey()
    assert (found["count"], found["formats"], found["warnings"]) == (3, {"JPEG": 3}, [])
    (note,) = found["notes"]
    assert note.startswith("3 RAW files passed over, since what was developed of them is there (DSC_0.NEF as DSC_0.JPG")


def test_shots_that_are_there_twice_are_warned_of(add, survey, photos):
    for number in range(3):
        add(f"IMG_{number}.JPG")
    (photos / "IMG_0.HEIC").write_bytes(b"heic")
    (words,) = (text for text in survey()["warnings"] if "twice" in text)
    assert words.startswith("1 shot is there twice (IMG_0.HEIC and IMG_0.JPG)")


def test_pictures_that_are_passed_over_are_named(add, survey, photos):
    for number in range(3):
        add(f"{number}.jpg")
    (photos / "A").mkdir()
    (photos / "A" / "b.avif").write_bytes(b"picture")
    assert survey()["warnings"] == ["1 other picture (A/b.avif) is passed over: save as JPEG, PNG or TIFF"]
    (photos / "a.gif").write_bytes(b"picture")
    found = survey()
    assert found["warnings"] == ["2 other pictures (A/b.avif, a.gif) are passed over: save as JPEG, PNG or TIFF"]
    assert (found["count"], found["formats"]) == (3, {"JPEG": 3})


@pytest.mark.skipif(os.name == "nt", reason="Windows limits whole paths, too")
def test_a_name_that_fits_no_mask_is_a_photo_without_one(add, survey):
    for name in ("a.jpg", "b.jpg", "n" * 251 + ".jpg"):
        add(name)
    found = survey()
    assert (found["count"], found["output"]["masks"]) == (3, 0)


def test_a_film_among_photos_is_named_and_that_of_a_live_photo_is_not(add, survey, photos):
    for number in range(3):
        add(f"{number}.jpg")
    (photos / "1.MOV").write_bytes(b"film")
    assert survey()["warnings"] == []
    (photos / "turntable.mp4").write_bytes(b"film")
    assert survey()["warnings"] == [
        (
            "1 video (turntable.mp4) is passed over: export its frames as JPEG or PNG files, with Blender's Video "
            "Sequencer or ffmpeg"
        )
    ]


def test_a_photo_that_cannot_be_used_is_named_before_the_work(add, survey, photos):
    for number in range(3):
        add(f"{number}.jpg")
    whole = (photos / "0.jpg").read_bytes()
    (photos / "endless.jpg").write_bytes(whole[:-2])
    assert survey()["warnings"] == []
    (photos / "short.jpg").write_bytes(whole[:-900])
    assert survey()["warnings"] == [
        (
            "1 photo left out (short.jpg): it cannot be decoded (it was cut short, and lacks its last rows); copy it "
            "from the camera again"
        )
    ]


def test_jpegs_of_all_names_are_jpegs(add, survey):
    for name in ("1.jpe", "2.jfif", "3.JPG"):
        add(name, format="JPEG")
    add("4.mpo")
    found = survey()
    assert (found["formats"], found["warnings"]) == ({"JPEG": 4}, [])


@pytest.mark.parametrize(("number", "warned"), [(2, True), (3, False)])
def test_too_few_photos_are_said_too(add, survey, number, warned):
    for each in range(number):
        add(f"{each}.jpg")
    warnings = [text for text in survey()["warnings"] if "needs at least 3 photos, and there are only 2" in text]
    assert len(warnings) == warned


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"photos": "/no/such/folder"}, "There is no photo folder '/no/such/folder'"),
        ({"photos": __file__}, f"{__file__!r} is a file; choose the folder that holds the photos"),
        ({}, "There are no photos in"),
        ({}, "files are read. The folder is empty"),
    ],
)
def test_a_folder_without_photos_is_refused(survey, given, words):
    found = survey(**given)
    assert (found["status"], found["exit_code"]) == ("failed", 2)
    assert words in found["message"]


def test_an_output_folder_among_the_photos_is_warned_of(add, survey, photos):
    add("1.jpg")
    assert any("is or lies in the photo folder" in text for text in survey(output=str(photos / "out"))["warnings"])
    assert not any("is or lies in the photo folder" in text for text in survey()["warnings"])
    assert survey(output="")["output"] is None


def test_thumbnails_are_small_upright_and_spread_over_the_photos(add, survey, photos):
    for number in range(10):
        add(f"{number}.jpg", orientation=6, image=draw_photo((640, 480)))
    (photos / "1.jpg").write_bytes(b"damaged")
    found = survey(thumbnails=5)
    assert [each["photo"] for each in found["thumbnails"]] == ["3.jpg", "5.jpg", "7.jpg", "9.jpg"]
    for each in found["thumbnails"]:
        assert Path(each["file"]).parent.name == "thumbnails"
        pixels = np.load(each["file"])
        assert (pixels.dtype, pixels.shape) == (np.uint8, (128, 96, 4))
        with Image.open(photos / each["photo"]) as photo:
            upright = photo.transpose(Image.Transpose.ROTATE_270).resize((96, 128))
            assert np.abs(pixels[..., :3].astype(int) - np.asarray(upright, int)).mean() < 8
    assert len(survey(thumbnails=50)["thumbnails"]) == 9


def test_what_earlier_runs_left_is_told(add, survey, workers, server, photos):
    for number in range(4):
        add(f"{number}.jpg")
    server.script = lambda request: Answer(413, body=b"too large") if request.number in {1, 2} else Answer()
    failed = workers.strip(server.endpoint, in_flight=1).failed
    assert list(failed.values()) == ["the server refused it (413: too large)"] * 2
    told = survey()["output"]
    assert told == {
        "masks": 2,
        "failed": failed,
        "report": True,
        "contact_sheet": True,
        "solved": [],
    }
    # One of the two is tried again alone: the other is still without a mask.
    again, left = failed
    server.script = lambda _request: Answer()
    workers.strip(server.endpoint, files=(again,))
    assert survey()["output"]["failed"] == {left: failed[left]}
    (photos / left).unlink()
    assert survey()["output"] == {**told, "masks": 3, "failed": {}}


@pytest.mark.parametrize("what", ["its mask was saved smaller", "it was emptied"])
def test_a_photo_that_is_fine_again_is_not_told_as_failed(add, survey, workers, server, photos, output, what):
    bad, *others = (add(f"{number}.jpg") for number in range(3))
    workers.strip(server.endpoint)
    place = output / "masks" / "0.jpg.png" if "mask" in what else bad
    kept = place.rename(photos.with_name("kept"))
    if place == bad:
        bad.write_bytes(b"")
    else:
        Image.new("L", (32, 24)).save(place)
    failed = workers.strip(server.endpoint).failed
    assert list(failed) == [bad.name]
    assert survey()["output"]["failed"] == failed
    kept.replace(place)
    story = workers.strip(server.endpoint)
    assert (story.made, story.exit_code, story.message) == ([], 0, "3 of 3 photos have a mask, 0 of them made now")
    assert survey()["output"]["failed"] == {}
    assert [event["photo"] for event in story.of("photo_stands")] == [bad.name]
    assert workers.strip(server.endpoint).of("photo_stands") == [], "told once"
    assert len(server.requests) == 1 + len(others)


def test_a_converted_photo_is_looked_at_as_its_jpeg(add, survey, photos, output):
    heic = photos / "IMG_1.HEIC"
    heic.write_bytes(b"heic")
    made = output / "converted" / "IMG_1.HEIC.jpg"
    made.parent.mkdir(parents=True)
    shutil.move(add("IMG_1.HEIC.jpg"), made)
    (output / "masks").mkdir()
    (output / "masks" / "IMG_1.HEIC.jpg.png").write_bytes(b"mask")
    found = survey(thumbnails=3)
    assert [each["photo"] for each in found["thumbnails"]] == ["IMG_1.HEIC"]
    assert found["output"]["masks"] == 1
    assert not any("converted" in text for text in found["warnings"])
    (photos / "IMG_1.HEIC.jpg").write_bytes(made.read_bytes())
    assert any("would get the same mask as the photo IMG_1.HEIC.jpg" in text for text in survey()["warnings"])


def test_a_solve_is_told_while_its_model_is_there(add, survey, output):
    add("1.jpg")
    place = output / "engines" / "colmap"
    (place / "sparse").mkdir(parents=True)
    (place / "report.json").write_text(json.dumps({"registered": 38, "total": 40}))
    assert survey()["output"]["solved"] == [
        {"engine": "COLMAP", "registered": 38, "total": 40, "results": str(place / "sparse"), "model": None}
    ]
    os.rename(place / "sparse", place / "gone")  # noqa: PTH104
    assert survey()["output"]["solved"] == []


def test_a_model_is_told_beside_the_cameras_that_it_was_built_of(add, survey, output):
    add("1.jpg")
    for engine in ("colmap", "colmap_executable"):
        place = output / "engines" / engine / "sparse"
        place.mkdir(parents=True)
        place.with_name("report.json").write_text(json.dumps({"registered": 1, "total": 1}))
        (place / "cameras.txt").write_text("1 SIMPLE_PINHOLE 320 240 300 160 120\n")
        (place / "images.txt").write_text(f"1 1 0 0 0 0 0 {len(engine)} 1 1.jpg\n\n")
        (place / "points3D.txt").write_text("")

    def told():
        return {each["engine"]: each["model"] for each in survey()["output"]["solved"]}

    assert told() == {"COLMAP": None, "COLMAP_EXECUTABLE": None}
    mesh = ball()
    file = leave_model(output, place, mesh)
    assert told() == {"COLMAP": None, "COLMAP_EXECUTABLE": {"faces": len(mesh.faces)}}
    (place / "points3D.txt").write_text("damaged\n")
    assert told()["COLMAP_EXECUTABLE"] is None
    (place / "points3D.txt").write_text("")
    leave_texture(output, np.zeros((16, 16, 3), np.uint8))
    assert told()["COLMAP_EXECUTABLE"] == {"faces": len(mesh.faces), "texture": {"size": 16}}
    report = texture_files(JobFolder(output)).report
    whole = json.loads(report.read_text())
    for wrong in ({**whole, "mesh_hash": "of an older one"}, {**whole, "size": None}, [], "damaged"):
        report.write_text(json.dumps(wrong))
        assert told()["COLMAP_EXECUTABLE"] == {"faces": len(mesh.faces)}
    file.unlink()
    assert told()["COLMAP_EXECUTABLE"] is None


def test_what_was_made_of_photos_that_are_away_is_told(add, survey, workers, server, photos, photo_watch):
    add("1.jpg")
    add("2.jpg")
    workers.strip(server.endpoint)
    photos.rename(photos.with_name("elsewhere"))
    try:
        told = survey()
    finally:
        photos.with_name("elsewhere").rename(photos)
        photo_watch.remember(photos)
    assert told["status"] == "failed"
    assert "There is no photo folder" in told["message"]
    assert (told["output"]["masks"], told["output"]["report"], told["output"]["contact_sheet"]) == (2, True, True)


def test_masks_that_the_next_strip_brings_along_are_told(add, survey, photos, workers, server):
    for name in ("1.jpg", "2.jpg", "3.jpg", "4.jpg"):
        add(name)
    workers.strip(server.endpoint)
    assert survey()["warnings"] == []
    (photos / "Top").mkdir()
    for name in ("1.jpg", "2.jpg"):
        (photos / name).rename(photos / "Top" / name)
    found = survey()
    assert found["warnings"] == [
        "2 photos have other names than when masks were made: Strip Backgrounds brings these along"
    ]
    assert found["output"]["masks"] == 2
    workers.strip(server.endpoint)
    found = survey()
    assert (found["warnings"], found["output"]["masks"]) == ([], 4)
