# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos that cannot be used: each fails with its reason, and the rest goes on."""

import dataclasses
import json
import os
import re
import struct
import sys
import threading
import zlib
from pathlib import Path

import pytest
from faulty_server import Answer
from PIL import Image

from scan.engines.settings import ReconstructSettings
from scan.job.context import JobContext
from scan.job.folder import JobFolder
from scan.job.journal import Journal
from scan.tasks.photo_pipeline import PhotoPipeline
from scan.tasks.strip import Strip
from scan.tasks.survey import SurveySettings


def png_that_claims(width, height):
    """A PNG file whose header promises so many pixels, with hardly any behind it."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9999))) + chunk(b"IEND", b"")
    )


def test_every_bad_photo_fails_with_its_reason_and_the_rest_goes_on(photos, output, add_photo, workers, server):
    good = [add_photo(name).name for name in ("a.jpg", "m.png", "z.tif")]
    bad = {
        "bomb.png": (png_that_claims(60000, 60000), "60000 × 60000 pixels; more than 250 megapixels"),
        "cut.jpg": (add_photo("cut.jpg").read_bytes()[:-2000], "cannot be decoded"),
        "cut.png": (add_photo("cut.png").read_bytes()[:-200], "cannot be decoded"),
        "empty.jpg": (b"", "is empty (0 bytes); copy it from the camera again"),
        "letter.jpg": (b"Dear camera,\n" * 99, "is not a JPEG, HEIC, PNG, TIFF or WebP picture"),
        "page.png": (b"<!DOCTYPE html><title>404</title>", "is not a JPEG, HEIC, PNG, TIFF or WebP picture"),
        "picture.gif.jpg": (b"GIF89a" + bytes(99), "is a GIF file, which is not read; save it as JPEG, PNG or TIFF"),
        "raw.CR2": (b"II*\0" + bytes(99), "is a RAW file; tick Develop RAW Photos (--develop-raw), or export it"),
        "raw.dng": (b"II*\0" + bytes(99), "is a RAW file; tick Develop RAW Photos (--develop-raw), or export it"),
        "phone.HEIC": (b"\0\0\0\x18ftypheic" + bytes(99), "cannot be decoded"),
    }
    for name, (content, _) in bad.items():
        (photos / name).write_bytes(content)

    story = workers.strip(server.endpoint)

    assert story.made == good
    assert {name: bad[name][1] in reason for name, reason in story.failed.items()} == dict.fromkeys(bad, True)
    assert (story.finished["status"], story.exit_code) == ("some_failed", 4)
    assert "3 of 13 photos have a mask" in story.message
    assert "10 failed: bomb.png: claims" in story.message
    assert "and 7 more, see report.json" in story.message
    report = json.loads((output / "report.json").read_bytes())
    assert report["photos"]["failed"] == [
        {"photo": name, "reason": reason} for name, reason in sorted(story.failed.items())
    ]
    assert sorted(path.name for path in (output / "masks").iterdir()) == [f"{name}.png" for name in good]
    assert len(server.requests) == len(good)


def test_all_photos_bad_is_a_failure_with_one_line_each(photos, workers, server):
    for name in ("1.jpg", "2.jpg"):
        (photos / name).write_bytes(b"nothing")
    story = workers.strip(server.endpoint)
    assert (story.finished["status"], story.exit_code) == ("all_failed", 4)
    assert sorted(story.failed) == ["1.jpg", "2.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="Windows limits whole paths: the photo could not be made either")
def test_a_name_that_fits_no_mask_is_a_failed_photo(add_photo, workers, server):
    longest = "n" * 251 + ".jpg"  # 255 bytes, the most there are; the mask's name has four more
    just_fits = "n" * 247 + ".jpg"
    for name in ("a.jpg", longest, just_fits, "z.jpg"):
        add_photo(name)
    story = workers.strip(server.endpoint)
    assert story.made == ["a.jpg", just_fits, "z.jpg"]
    assert "name that does not fit the output folder's file system" in story.failed[longest]
    assert "rename it" in story.failed[longest]
    assert len(server.requests) == 3


def test_a_photo_and_a_folder_that_want_the_same_name_are_told_apart(add_photo, workers, server):
    """masks/a.jpg.png cannot be both a mask and a folder."""
    add_photo("a.jpg")
    add_photo("a.jpg.png/b.jpg")
    story = workers.strip(server.endpoint)
    assert story.made == ["a.jpg"]
    assert story.failed == {
        "a.jpg.png/b.jpg": "cannot have a mask beside a.jpg, whose mask or folder is called like that; rename one of "
        "them"
    }
    assert len(server.requests) == 1


def test_a_folder_in_the_place_of_a_mask_fails_one_photo(output, add_photo, workers, server):
    for name in ("a.jpg", "b.jpg"):
        add_photo(name)
    (output / "masks" / "a.jpg.png").mkdir(parents=True)
    story = workers.strip(server.endpoint)
    assert story.made == ["b.jpg"]
    assert "name that does not fit" in story.failed["a.jpg"]


def test_a_photo_that_goes_away_in_mid_run_fails_alone(photos, photo_watch, add_photos, workers, server):
    names = add_photos(20)

    def remove_the_last(request):
        if request.number == 0:
            (photos / names[-1]).unlink()
            photo_watch.remember(photos)
        return Answer()

    server.script = remove_the_last
    story = workers.strip(server.endpoint, in_flight=1)
    # A few photos are decoded ahead, but not so many.
    assert story.made == names[:-1]
    assert story.failed == {names[-1]: "cannot be read (it is not there: moved, renamed or deleted)"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes among files")
@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("survey", "1 photo left out (pipe.jpg): it is not a file"),
        ("reconstruct", "Only 2 of 3 photos can go to COLMAP, which needs at least 3; pipe.jpg: is not a file"),
    ],
)
def test_a_look_at_the_photos_does_not_wait_at_a_pipe(photos, add_photos, workers, output, task, words):
    add_photos(2)
    os.mkfifo(photos / "pipe.jpg")
    settings = SurveySettings(photos=str(photos))
    if task == "reconstruct":
        settings = ReconstructSettings(photos=str(photos), output=str(output), masks=False)
    worker = workers.start_job(JobFolder(output), {"task": task, "settings": dataclasses.asdict(settings)})
    finished = workers.until(worker, lambda event: event["event"] == "finished").finished
    assert words in [*finished.get("warnings", ()), finished["message"]]


def test_bad_photos_first_do_not_stop_the_run(photos, add_photos, workers, server):
    for number in range(5):
        (photos / f"0{number}.jpg").write_bytes(b"nothing")
    names = add_photos(2)
    story = workers.strip(server.endpoint)
    assert story.made == names
    assert len(story.failed) == 5


def test_a_photo_that_was_bad_is_tried_again(photos, add_photos, workers, server):
    (name,) = add_photos(1)
    whole = (photos / name).read_bytes()
    (photos / name).write_bytes(whole[:500])
    assert list(workers.strip(server.endpoint).failed) == [name]
    (photos / name).write_bytes(whole)
    story = workers.strip(server.endpoint)
    assert (story.made, story.exit_code) == ([name], 0)


def test_a_header_that_claims_more_than_the_file_can_hold_is_told_before_memory_is_taken(photos, workers, server):
    (photos / "lie.png").write_bytes(png_that_claims(8000, 6000))
    story = workers.strip(server.endpoint)
    assert list(story.failed) == ["lie.png"]
    assert "claims 8000 × 6000 pixels, which its" in story.failed["lie.png"]
    assert "bytes cannot hold; copy it from the camera again" in story.failed["lie.png"]


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit the memory of a running process")
def test_a_photo_that_is_too_large_for_the_memory_fails_alone(add_photo, workers, server):
    import resource  # noqa: PLC0415 - not there on Windows

    for name in ("a.jpg", "b.jpg"):
        add_photo(name)
    add_photo("large.jpg", Image.effect_noise((9000, 8000), 4).convert("RGB"), quality=20)
    started = threading.Event()

    def script(request):
        if request.number == 0:
            server.wait_until(started.is_set)
            status = Path(f"/proc/{worker.pid}/status").read_text()
            used = 1024 * int(re.search(r"VmSize:\s+(\d+)", status)[1])
            resource.prlimit(worker.pid, resource.RLIMIT_AS, (used + 40_000_000,) * 2)
        return Answer()

    server.script = script
    worker = workers.start(server.endpoint)
    started.set()
    story = workers.end(worker)
    assert story.made == ["a.jpg", "b.jpg"]
    assert "needs more memory than is free; close other programs" in story.failed["large.jpg"]
    assert story.finished["status"] == "some_failed"


def test_a_defect_with_one_photo_is_not_the_end_of_the_others(add_photos, workers, server, output, monkeypatch, capsys):
    names = add_photos(4)
    settings = workers.settings(server.endpoint)
    output.mkdir()
    journal = Journal(output / "journal.jsonl", "run")
    make = PhotoPipeline.make

    def fail_once(pipeline, photo, plan):
        if photo.name.name == names[1]:
            raise ZeroDivisionError("for a test")
        return make(pipeline, photo, plan)

    monkeypatch.setattr(PhotoPipeline, "make", fail_once)
    outcome = Strip(settings, JobContext(JobFolder(output), journal)).run()
    journal.close()
    assert (outcome.status, outcome.done) == ("some_failed", 3)
    assert outcome.failed == {names[1]: f"met an unexpected error; {output / 'worker.log'} says where"}
    assert "ZeroDivisionError: for a test" in capsys.readouterr().err


def test_pictures_that_are_passed_over_are_told(photos, add_photo, workers, server):
    add_photo("a.jpg")
    (photos / "b.avif").write_bytes(b"a picture of another kind")
    story = workers.strip(server.endpoint)
    assert (story.made, story.exit_code) == (["a.jpg"], 0)
    (warning,) = [event["text"] for event in story.of("log") if event["level"] == "warning"]
    assert warning == "1 other picture (b.avif) is passed over: save as JPEG, PNG or TIFF"
    (photos / "c.mp4").write_bytes(b"a film")
    _, film = [event["text"] for event in workers.strip(server.endpoint).of("log") if event["level"] == "warning"]
    assert film.startswith("1 video (c.mp4) is passed over: export its frames as JPEG or PNG files")
