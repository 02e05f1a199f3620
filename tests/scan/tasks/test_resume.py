# SPDX-License-Identifier: GPL-3.0-or-later
"""Running again does only what is missing, or what other settings change."""

import errno
import hashlib
import json
import threading

import numpy as np
import pytest
from conftest import draw_photo
from faulty_server import Answer
from PIL import Image

from scan.common.errors import BadUseError
from scan.job import folder
from scan.job.folder import JobFolder


def masks(output):
    return {path.name: path.read_bytes() for path in (output / "masks").iterdir()}


def written(output):
    """When each picture was written, in nanoseconds."""
    return {path: path.stat().st_mtime_ns for path in output.rglob("*.*") if path.suffix in {".jpg", ".png"}}


@pytest.fixture
def done(add_photos, workers, server):
    """Give the names of three photos that have their masks; the server has forgotten that it was asked."""
    names = add_photos(3)
    story = workers.strip(server.endpoint)
    assert (story.made, story.asked, story.exit_code) == (names, names, 0)
    server.visits.clear()
    server.requests.clear()
    return names


def test_a_second_run_does_nothing_and_asks_nobody(done, output, workers, server):
    before = written(output)
    story = workers.strip(server.endpoint)
    assert (story.made, story.exit_code, story.finished["photos"]["done"]) == ([], 0, 3)
    assert server.visits == []
    assert written(output) == before
    assert story.of("progress")[0]["done"] == story.of("progress")[0]["total"] == len(done)


def test_a_second_run_needs_no_server(done, workers, server):
    server.stop()
    assert workers.strip(server.endpoint).exit_code == 0
    assert workers.strip(server.endpoint, threshold=60).made == done


def test_another_threshold_makes_new_masks_without_asking(done, output, workers, server):
    before = masks(output)
    story = workers.strip(server.endpoint, threshold=250)
    assert (story.made, story.asked) == (done, [])
    assert server.visits == []
    after = masks(output)
    for name, content in before.items():
        soft = np.asarray(Image.open(output / "soft" / name))
        mask = np.asarray(Image.open(output / "masks" / name))
        assert after[name] != content
        assert np.array_equal(mask, np.where(soft >= 250, 255, 0))
    assert workers.strip(server.endpoint, threshold=128).made == done
    assert masks(output) == before


def test_another_model_or_proxy_size_asks_again(done, workers, server):
    assert workers.strip(server.endpoint, model="isnet-general-use").asked == done
    assert {request.fields["model"] for request in server.requests} == {b"isnet-general-use"}
    assert workers.strip(server.endpoint, model="isnet-general-use", proxy_size=256).asked == done
    assert len(server.requests) == 6


@pytest.mark.usefixtures("done")
def test_another_server_with_the_same_model_is_not_asked(workers):
    nobody = "http://127.0.0.1:9"
    assert workers.strip(nobody).exit_code == 0


@pytest.mark.usefixtures("done")
def test_a_changed_photo_is_asked_about_again(output, add_photo, workers, server):
    before = masks(output)
    add_photo("IMG_0002.JPG", Image.new("RGB", (300, 200), "white"))
    story = workers.strip(server.endpoint)
    assert (story.made, story.asked) == (["IMG_0002.JPG"], ["IMG_0002.JPG"])
    assert len(server.requests) == 1
    after = masks(output)
    changed = after.pop("IMG_0002.JPG.png")
    assert Image.open(output / "masks" / "IMG_0002.JPG.png").size == (300, 200)
    assert changed != before.pop("IMG_0002.JPG.png")
    assert after == before


@pytest.mark.usefixtures("done")
def test_a_new_photo_is_the_only_one_that_is_done(add_photo, workers, server):
    add_photo("A_new_one.JPG")
    assert workers.strip(server.endpoint).made == ["A_new_one.JPG"]
    assert len(server.requests) == 1


@pytest.mark.usefixtures("done")
def test_a_deleted_mask_is_made_again_without_asking(output, workers, server):
    before = masks(output)
    (output / "masks" / "IMG_0002.JPG.png").unlink()
    story = workers.strip(server.endpoint)
    assert (story.made, story.asked) == (["IMG_0002.JPG"], [])
    assert server.visits == []
    assert masks(output) == before


@pytest.mark.parametrize("what", ["deleted", "torn", "emptied"])
@pytest.mark.usefixtures("done")
def test_without_its_soft_mask_a_mask_is_asked_for_again(output, workers, server, what):
    before = masks(output)
    (output / "masks" / "IMG_0002.JPG.png").unlink()
    soft = output / "soft" / "IMG_0002.JPG.png"
    if what == "deleted":
        soft.unlink()
    else:
        soft.write_bytes(soft.read_bytes()[: 200 if what == "torn" else 0])
    story = workers.strip(server.endpoint)
    assert (story.made, story.asked) == (["IMG_0002.JPG"], ["IMG_0002.JPG"])
    assert len(server.requests) == 1
    assert masks(output) == before


def test_a_mask_painted_on_by_hand_is_kept(done, output, workers, server):
    path = output / "masks" / done[0]
    path = path.with_name(path.name + ".png")
    mask = Image.open(path).copy()
    mask.paste(255, (0, 0, 40, 40))
    mask.save(path)
    painted = path.read_bytes()
    assert workers.strip(server.endpoint).made == []
    assert workers.strip(server.endpoint, threshold=200).made == done[1:]
    assert path.read_bytes() == painted


def test_a_mask_painted_on_for_another_photo_of_that_name_is_kept_and_told(output, add_photo, workers, server):
    add_photo("IMG_1.jpg")
    workers.strip(server.endpoint)
    path = output / "masks" / "IMG_1.jpg.png"
    Image.new("L", (320, 240), 255).save(path)
    painted = path.read_bytes()
    assert workers.strip(server.endpoint).of("log") == []
    add_photo("IMG_1.jpg", draw_photo(number=77).transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    for _ in range(2):
        (warning,) = workers.strip(server.endpoint).of("log")
        assert warning["text"].startswith("IMG_1.jpg was replaced since its mask was painted on")
    assert path.read_bytes() == painted


def test_a_mask_painted_on_while_a_run_makes_it_anew_is_kept(done, output, workers, server):
    path = output / "masks" / f"{done[0]}.png"
    mask = Image.open(path).copy()
    mask.paste(255, (0, 0, 40, 40))
    go_on = threading.Event()

    def script(_request):
        server.wait_until(go_on.is_set)
        return Answer()

    server.script = script
    worker = workers.start(server.endpoint, post_process=True, in_flight=1)
    workers.until(worker, lambda event: event["event"] == "log")  # that the first photo is asked for
    mask.save(path)
    go_on.set()  # not before: half a mask would be read as none
    painted = path.read_bytes()
    assert workers.end(worker).finished["status"] == "done"
    assert path.read_bytes() == painted
    assert workers.strip(server.endpoint, threshold=200).made == done[1:]
    assert path.read_bytes() == painted


def forget_the_end(output):
    """Leave the journal of a worker that was killed after its last mask, before it told of the photo."""
    journal = output / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    last_done = max(index for index, line in enumerate(lines) if b'"photo_done"' in line)
    kept = [line for line in lines[:last_done] if b'"photo_done"' not in line or json.loads(line)["asked"]]
    journal.write_bytes(b"".join(kept))


@pytest.mark.parametrize("kills", [1, 2])
def test_a_mask_of_a_run_that_was_killed_is_not_taken_for_painting(done, output, workers, server, kills):
    before = masks(output)
    for threshold in range(250, 250 - kills, -1):
        assert workers.strip(server.endpoint, threshold=threshold).made == done
        forget_the_end(output)
        assert masks(output) != before
    story = workers.strip(server.endpoint)
    assert (story.made, story.asked, story.exit_code) == (done, [], 0)
    assert masks(output) == before


def test_a_soft_mask_of_a_run_that_was_killed_is_not_taken_for_another_models(done, output, workers, server):
    assert workers.strip(server.endpoint, model="u2net").asked == done
    forget_the_end(output)
    assert workers.strip(server.endpoint, threshold=200).asked == done


def test_a_mask_painted_on_after_a_run_that_was_killed_is_kept(done, output, workers, server):
    assert workers.strip(server.endpoint, threshold=250).made == done
    forget_the_end(output)
    path = output / "masks" / f"{done[0]}.png"
    mask = Image.open(path).copy()
    mask.paste(255, (0, 0, 40, 40))
    mask.save(path)
    painted = path.read_bytes()
    assert workers.strip(server.endpoint).made == done[1:]
    assert path.read_bytes() == painted


@pytest.mark.parametrize("left", [0, 150], ids=["empty", "torn"])
@pytest.mark.usefixtures("done")
def test_what_a_power_cut_left_of_a_mask_is_not_taken_for_painting(output, workers, server, left):
    before = masks(output)
    path = output / "masks" / "IMG_0002.JPG.png"
    path.write_bytes(path.read_bytes()[:left])
    story = workers.strip(server.endpoint)
    assert (story.made, story.asked) == (["IMG_0002.JPG"], [])
    assert masks(output) == before


@pytest.mark.usefixtures("done")
def test_a_torn_last_line_of_the_journal_is_passed_over_and_healed(output, workers, server):
    journal = output / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    last_done = max(index for index, line in enumerate(lines) if b'"photo_done"' in line)
    name = json.loads(lines[last_done])["photo"]
    torn = b"".join(lines[:last_done]) + lines[last_done][:60]
    journal.write_bytes(torn)
    story = workers.strip(server.endpoint)
    assert (story.made, story.exit_code) == ([name], 0)
    assert journal.read_bytes().startswith(torn + b"\n")
    bad = [line for line in journal.read_bytes().splitlines() if not line.endswith(b"}")]
    assert bad == [lines[last_done][:60]]
    assert workers.strip(server.endpoint).made == []


def test_without_journal_and_masks_all_is_done_again(done, output, workers, server):
    (output / "journal.jsonl").unlink()
    for path in (output / "masks").iterdir():  # which would be kept, since somebody may have made them
        path.unlink()
    assert workers.strip(server.endpoint).asked == done


@pytest.mark.usefixtures("done")
def test_half_written_files_of_a_killed_run_are_removed(output, workers, server):
    left = [folder / ".tmp-0123456789ab" for folder in (output, output / "masks", output / "soft" / "side")]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    workers.strip(server.endpoint)
    assert [path for path in left if path.exists()] == []


def test_a_run_that_was_killed_before_its_contact_sheet_gets_one(done, output, workers, server):
    journal = output / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if b'"contact_sheet"' not in line))
    (output / "contact_sheet.jpg").write_bytes(b"an older one")
    story = workers.strip(server.endpoint)
    assert (story.made, server.visits) == ([], [])
    sheet = Image.open(output / "contact_sheet.jpg")
    assert np.asarray(sheet.convert("L")).max() > 200, f"the masks of {done} are drawn"


def test_a_second_worker_on_a_folder_is_refused(done, output, workers, server):
    folder = JobFolder(output)
    with folder.lock(), pytest.raises(BadUseError, match=f"Another Scan Cutout job is running in .*{output.name}"):
        workers.strip(server.endpoint)
    assert workers.strip(server.endpoint).finished["photos"]["done"] == len(done)


@pytest.mark.usefixtures("done")
def test_a_drive_without_locks_is_not_taken_for_one_on_which_a_job_runs(monkeypatch, workers, server):
    def refuse(_file):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(folder, "_lock_file", refuse)
    with pytest.raises(BadUseError, match=r"cannot lock files \(No locks available\); choose one on another drive"):
        workers.strip(server.endpoint)


def test_a_folder_is_free_as_soon_as_finished_is_read(done, workers, server):
    for threshold in range(100, 106):
        assert workers.strip(server.endpoint, threshold=threshold).made == done


def test_the_journal_names_the_mask_by_its_hash(done, output):
    events = [json.loads(line) for line in (output / "journal.jsonl").read_bytes().splitlines()]
    hashes = {event["photo"]: event["mask_sha256"] for event in events if event["event"] == "photo_done"}
    assert hashes == {
        name: hashlib.sha256((output / "masks" / f"{name}.png").read_bytes()).hexdigest() for name in done
    }
    assert all({"event", "run", "time"} <= event.keys() for event in events)
