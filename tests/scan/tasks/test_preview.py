# SPDX-License-Identifier: GPL-3.0-or-later
"""The live preview: shows what a strip would make, of the newest message only, beside a strip, and survives trouble."""

import dataclasses
import hashlib
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import draw_photo, journal_lines, wait_for
from faulty_server import Answer, always
from looking import Looking
from PIL import Image, ImageDraw, ImageOps
from raw_files import dng
from reverse_proxy import ReverseProxy, Rules

from scan.job.context import JobContext
from scan.job.folder import JobFolder
from scan.job.inbox import Inbox
from scan.job.journal import Journal
from scan.masks.settings import grow
from scan.tasks.preview import Preview

GREEN = (60, 255, 60)


@pytest.fixture
def look(workers, tmp_path):
    """Give a function that starts a preview on the photos and the output folder of the test."""
    return lambda endpoint, **given: Looking(workers, tmp_path / "preview", workers.settings(endpoint, **given))


def green_in(file):
    picture = np.asarray(Image.open(file).convert("RGB"), int)
    return np.abs(picture - GREEN).sum(axis=2) < 90


def content_of(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("mask", [{}, {"grow": 60, "fill_holes": 3.0}, {"threshold": 60, "grow": -40}])
def test_it_shows_the_mask_that_a_strip_makes(add_photo, workers, server, output, look, mask, orientation):
    add_photo("A/1.jpg", draw_photo((2400, 1800)), orientation=orientation)
    workers.strip(server.endpoint, **mask)
    shown = look(server.endpoint)
    asked = len(server.visits)
    said = shown.show("A/1.jpg", **mask)
    assert said["event"] == "previewed"
    assert not said["is_painted"]
    made = ImageOps.exif_transpose(_marked(output / "masks" / "A" / "1.jpg.png", orientation))
    assert said["size"] == ([1024, 768] if orientation == 1 else [768, 1024])
    kept = np.asarray(made.resize(said["size"], Image.Resampling.BOX)) > 127
    assert said["foreground"] == pytest.approx(kept.mean(), abs=0.004)
    picture = Image.open(shown.file)
    assert (picture.format, list(picture.size)) == ("JPEG", said["size"])
    # The outline lies around what is kept, and what is kept is as bright as the photo.
    green = green_in(shown.file)
    grown, shrunk = (grow(np.uint8(kept) * 255, pixels) > 0 for pixels in (4, -4))
    assert green.sum() > 500
    assert (green & ~(grown & ~shrunk)).sum() < 20
    photo = ImageOps.exif_transpose(Image.open(workers.photos / "A" / "1.jpg")).resize(said["size"])
    ratio = np.asarray(picture, float).sum(axis=2) / np.asarray(photo, float).sum(axis=2)
    assert np.median(ratio[shrunk]) == pytest.approx(1.0, abs=0.03)
    assert np.median(ratio[~grown]) == pytest.approx(0.6, abs=0.03)
    assert len(server.visits) == asked
    assert shown.end()["status"] == "done"


def test_it_asks_the_endpoint_that_a_strip_asks(add_photo, rembg, look):
    add_photo("1.jpg")
    with ReverseProxy(rembg.endpoint, Rules(routes={"/rembg/": "/"})) as proxy:
        assert look(f"{proxy.url}/rembg/").show("1.jpg")["event"] == "previewed"
    assert proxy.pictures == ["/rembg/api/remove"]


def _marked(path, orientation):
    image = Image.open(path)
    image.getexif()[0x0112] = orientation
    return image


def test_refined_edges_are_those_of_the_full_size(turntable, workers, tmp_path, rembg):
    """Shown is what a strip with refined edges makes, at the size of the picture."""
    name = "upright/IMG_0001.JPG"
    settings = {"photos": turntable / "photos", "output": tmp_path / "out", "refine_edges": True, "files": (name,)}
    workers.strip(rembg.endpoint, **settings)
    shown = Looking(workers, tmp_path / "preview", workers.settings(rembg.endpoint, **settings))
    said = shown.show(name, refine_edges=True)
    with Image.open(tmp_path / "out" / "masks" / f"{name}.png") as mask:
        made = np.asarray(mask.resize(said["size"], Image.Resampling.BOX)) > 127
    assert said["foreground"] == pytest.approx(made.mean(), rel=0.01)
    shown.end()


def test_a_photo_without_a_mask_is_shown_at_once_and_the_model_asked(
    add_photos, workers, rembg, output, tmp_path, look
):
    first, second = add_photos(2)
    shown = look(rembg.endpoint)
    waiting, done = shown.until(shown.ask(first))[-2:]
    assert (waiting["event"], waiting["photo"], waiting["size"]) == ("preview_waiting", first, [320, 240])
    assert (done["event"], done["photo"], done["number"]) == ("previewed", first, 1)
    assert 0 < done["foreground"] < 1
    # The answer is kept: another threshold asks nobody, which would take a word about waiting.
    again = shown.until(shown.ask(first, threshold=250))
    assert [event["event"] for event in again] == ["previewed"]
    assert again[0]["foreground"] < done["foreground"]
    assert shown.show(second)["event"] == "previewed"
    assert not output.exists()
    shown.end()
    workers.strip(rembg.endpoint, output=tmp_path / "out")
    masks = journal_lines(tmp_path / "out" / "journal.jsonl")
    (told,) = [event for event in masks if event.get("photo") == first and event["event"] == "photo_done"]
    assert done["foreground"] == pytest.approx(told["foreground"], abs=0.002)


def test_the_embedded_model_is_asked_the_same_way(add_photos, look):
    (name,) = add_photos(1)
    shown = look("http://127.0.0.1:9/api/remove", backend="EMBEDDED")
    assert shown.show(name)["event"] == "previewed"
    failed = shown.show(name, answer={"model": "no-such-model"})
    assert "no-such-model cannot be run without a server" in failed["reason"]
    assert shown.show(name, threshold=30)["event"] == "previewed"
    shown.end()


def test_other_answer_settings_ask_again(add_photos, workers, server, look):
    (name,) = add_photos(1)
    workers.strip(server.endpoint)
    shown = look(server.endpoint)
    assert shown.show(name)["event"] == "previewed"
    assert len(server.requests) == 1
    assert shown.show(name, answer={"model": "u2net"})["event"] == "previewed"
    assert shown.show(name, answer={"model": "u2netp", "post_process": True})["event"] == "previewed"
    sent = [{key: request.fields.get(key) for key in ("model", "ppm")} for request in server.requests[1:]]
    assert sent == [{"model": b"u2net", "ppm": None}, {"model": b"u2netp", "ppm": b"true"}]
    shown.end()


def test_a_mask_that_was_painted_on_is_shown_as_it_is(add_photo, workers, server, output, look):
    add_photo("1.jpg", draw_photo((2000, 1500)), orientation=6)
    workers.strip(server.endpoint)
    shown = look(server.endpoint)
    before = shown.show("1.jpg", threshold=200)
    painted = Image.new("L", (2000, 1500), 0)
    ImageDraw.Draw(painted).rectangle((0, 0, 499, 1499), 255)  # the left quarter, which is the upright photo's top
    painted.save(output / "masks" / "1.jpg.png")
    said = shown.show("1.jpg", threshold=200)
    assert (before["is_painted"], said["is_painted"]) == (False, True)
    assert said["foreground"] == pytest.approx(0.25, abs=0.002)
    green = green_in(shown.file)
    assert green.mean(axis=1).max() > 0.9
    assert abs(int(green.mean(axis=1).argmax()) - said["size"][1] // 4) <= 3
    # What is no mask of this photo is no painting.
    Image.new("L", (20, 15)).save(output / "masks" / "1.jpg.png")
    assert not shown.show("1.jpg")["is_painted"]
    shown.end()


def test_a_mask_that_a_strip_found_is_shown_as_it_is(add_photo, workers, output, look):
    add_photo("1.jpg")
    path = output / "masks" / "1.jpg.png"
    path.parent.mkdir(parents=True)
    Image.new("L", (320, 240), 255).crop((0, 0, 480, 240)).resize((320, 240), 0).save(path)
    nobody = "http://127.0.0.1:9"
    assert workers.strip(nobody).exit_code == 0
    shown = look(nobody)
    said = shown.show("1.jpg", threshold=200)
    assert (said["event"], said["is_painted"]) == ("previewed", True)
    assert said["foreground"] == pytest.approx(2 / 3, abs=0.005)
    shown.end()


def test_a_photo_that_has_another_name_since_is_shown_with_the_mask_it_will_have(
    photos, add_photos, workers, server, output, look
):
    names = add_photos(2)
    workers.strip(server.endpoint)
    painted = Image.new("L", (320, 240))
    painted.paste(255, (0, 0, 80, 240))
    painted.save(output / "masks" / f"{names[0]}.png")
    (photos / names[0]).rename(photos / "waiting")
    (photos / names[1]).rename(photos / names[0])
    (photos / "waiting").rename(photos / names[1])
    shown = look("http://127.0.0.1:9")
    first, second = (shown.show(name) for name in names)
    assert (first["is_painted"], second["is_painted"]) == (False, True)
    assert second["foreground"] == pytest.approx(0.25, abs=0.005)
    assert (first["mask_path"], second["mask_path"]) == ("", ""), "to be painted on where they stay"
    workers.strip(server.endpoint)
    first, second = (shown.show(name) for name in names)
    assert (first["is_painted"], second["is_painted"]) == (False, True)
    assert second["mask_path"] == str(output / "masks" / f"{names[1]}.png")
    shown.end()


def test_only_the_newest_message_counts(add_photo, workers, server, look):
    add_photo("1.jpg", draw_photo((3000, 2000)))
    workers.strip(server.endpoint)
    shown = look(server.endpoint)
    for threshold in range(1, 250):
        last = shown.ask("1.jpg", threshold=threshold)
    story = shown.until(last)
    numbers = [event["number"] for event in story]
    assert numbers == sorted(numbers)
    assert len(numbers) < 200
    shown.end()


def test_it_works_beside_a_strip_and_writes_nothing_into_its_folder(add_photos, workers, server, output, look):
    names = add_photos(6)
    go_on = threading.Event()

    def script(request):
        if request.number and "authorization" in request.headers:
            server.wait_until(go_on.is_set)  # the strip, which has masks to make until all are shown
        return Answer()

    server.script = script
    strip = workers.start(server.endpoint, "strip", in_flight=1)
    workers.until(strip, lambda event: event["event"] == "photo_done")
    shown = look(server.endpoint)
    assert [shown.show(name)["event"] for name in names] == ["previewed"] * 6
    go_on.set()
    assert workers.end(strip).made
    before = content_of(output)
    # Masks that the strip made since are found.
    assert [shown.show(name, threshold=90)["event"] for name in names] == ["previewed"] * 6
    shown.end()
    assert content_of(output) == before


def test_a_request_that_hangs_keeps_nobody_waiting(add_photos, workers, server, look):
    known, hanging, other, third = add_photos(4)
    workers.strip(server.endpoint, files=(known,))
    asked = len(server.requests)
    go_on = threading.Event()

    def script(request):
        if request.number == asked:
            server.wait_until(go_on.is_set)
        return Answer()

    server.script = script
    shown = look(server.endpoint)
    shown.until(shown.ask(hanging), "preview_waiting")
    while len(server.requests) == asked:
        time.sleep(0.01)
    assert shown.show(known)["event"] == "previewed"
    assert shown.show(other)["event"] == "previewed", "one that is not known is asked for beside it"
    waited = shown.ask(hanging)
    assert [event["event"] for event in shown.until(waited, "preview_waiting")] == ["preview_waiting"]
    go_on.set()
    assert shown.until(waited)[-1]["photo"] == hanging
    assert len(server.requests) == asked + 2
    assert shown.show(third)["event"] == "previewed"
    shown.end()


def test_an_answer_that_comes_late_does_not_replace_what_is_looked_at_now(add_photos, workers, server, look):
    known, slow = add_photos(2)
    workers.strip(server.endpoint, files=(known,))
    go_on = threading.Event()

    def script(_request):
        server.wait_until(go_on.is_set)
        return Answer()

    server.script = script
    shown = look(server.endpoint)
    shown.until(shown.ask(slow), "preview_waiting")
    assert shown.show(known)["photo"] == known
    content = shown.file.read_bytes()
    wait_for(lambda: len(server.requests) == 2)
    go_on.set()
    time.sleep(1.0)  # long enough for it to be shown, if it were
    assert len(server.requests) == 2
    assert shown.worker.events() == []
    assert shown.file.read_bytes() == content
    server.script = always(Answer(hang=True))
    assert shown.show(slow)["event"] == "previewed", "it was kept all the same"
    shown.end()


def test_trouble_is_told_and_the_next_message_answered(photos, add_photos, workers, server, look):
    known, unknown = add_photos(2)
    workers.strip(server.endpoint, files=(known,))
    (photos / "bad.jpg").write_bytes(b"\x00bad")
    shown = look(server.endpoint)

    def reason(photo, answer=None, **mask):
        said = shown.show(photo, answer, **mask)
        assert said["event"] == "preview_failed", said
        assert said["photo"] == photo
        return said["reason"]

    assert "is not a JPEG, HEIC, PNG, TIFF or WebP picture" in reason("bad.jpg")
    assert "cannot be read" in reason("gone.jpg")
    assert "does not name a photo inside the photo folder" in reason("../known.jpg")
    assert "Threshold must be from 1 to 255, not 0" in reason(known, threshold=0)
    assert "Unknown settings: no_such" in reason(known, no_such=1)
    assert "The server has no model 'nobody'" in reason(unknown, {"model": "nobody"})
    server.script = always(Answer(400, body=b"odd"))
    for _ in range(4):
        assert "odd" in reason(unknown)
    server.script = always(Answer())
    shown.worker.send({})
    shown.until(0)
    assert shown.show(unknown)["event"] == "previewed"
    server.stop()
    assert "No server answers at" in reason(unknown, {"model": "u2net"})
    assert shown.show(known)["event"] == "previewed"
    assert shown.end()["status"] == "done"


def test_a_server_that_hangs_holds_up_no_end(add_photos, server, look):
    (name,) = add_photos(1)
    server.script = always(Answer(hang=True))
    shown = look(server.endpoint)
    shown.until(shown.ask(name), "preview_waiting")
    while not server.requests:
        time.sleep(0.01)
    assert shown.end()["exit_code"] == 0


def test_a_folder_that_is_not_there_is_refused(workers, tmp_path):
    settings = workers.settings("http://127.0.0.1:9", photos=tmp_path / "none")
    job = {"task": "preview", "settings": dataclasses.asdict(settings)}
    finished = workers.end(workers.start_job(JobFolder(tmp_path / "preview"), job)).finished
    assert finished["exit_code"] == 2
    assert "There is no photo folder" in finished["message"]


@pytest.mark.parametrize(("times", "event"), [(2, "previewed"), (99, "preview_failed")])
def test_a_picture_that_is_being_read_is_replaced_a_moment_later(
    add_photos, workers, server, tmp_path, monkeypatch, times, event
):
    """As Windows has it, where a file that somebody reads cannot be replaced."""
    (name,) = add_photos(1)
    workers.strip(server.endpoint)
    left = [PermissionError(13, "Permission denied")] * times
    replace = Path.replace

    def replace_later(source, target):
        if left and target.name == "preview.jpg":
            raise left.pop()
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", replace_later)
    folder = JobFolder(tmp_path)
    journal = Journal(folder.journal, "run")
    inbox = Inbox()
    context = JobContext(folder, journal, inbox=inbox)
    running = threading.Thread(target=Preview(workers.settings(server.endpoint), context).run)
    running.start()
    inbox.put({"photo": name, "number": 7})
    while not (told := [each for each in journal_lines(folder.journal) if "number" in each]):
        time.sleep(0.01)
    inbox.cancel.set()
    inbox.wake()
    running.join()
    journal.close()
    assert [(each["event"], each["number"]) for each in told] == [(event, 7)]


def test_a_raw_photo_is_shown_where_it_is_to_be_developed(photos, output, server, look):
    (photos / "DSC_1.NEF").write_bytes(dng(draw_photo((640, 480))))
    shown = look(server.endpoint)
    assert shown.show("DSC_1.NEF")["reason"].startswith("is a RAW file; tick Develop RAW Photos")
    shown.end()
    shown = look(server.endpoint, develop_raw=True)
    assert shown.show("DSC_1.NEF")["size"] == [640, 480]
    shown.end()
    assert not output.exists(), "its JPEG lies with the preview"


def test_a_heic_photo_is_shown_as_its_jpeg(photos, output, server, look):
    """The JPEG of the output folder where it is as old as the photo; else one of the preview's own is made."""
    for name in ("1.HEIC", "2.HEIC"):
        (photos / name).write_bytes(b"no HEIC at all")
        jpeg = output / "converted" / f"{name}.jpg"
        jpeg.parent.mkdir(parents=True, exist_ok=True)
        draw_photo().save(jpeg)
    modified = (photos / "1.HEIC").stat().st_mtime_ns
    os.utime(output / "converted" / "1.HEIC.jpg", ns=(modified, modified))
    os.utime(output / "converted" / "2.HEIC.jpg", ns=(1, 1))
    shown = look(server.endpoint)
    assert shown.show("1.HEIC")["event"] == "previewed"
    assert "copy it from the camera again" in shown.show("2.HEIC")["reason"]
    shown.end()
