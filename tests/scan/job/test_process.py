# SPDX-License-Identifier: GPL-3.0-or-later
"""The watching side: whatever becomes of a worker, its story ends with ``finished``."""

import _thread
import dataclasses
import json
import re
import signal
import sys
import threading

import pytest
from conftest import journal_lines, wait_for
from faulty_server import Answer, always
from in_process import as_line

from scan.common.errors import BadUseError
from scan.job.events import Finished
from scan.job.folder import JobFolder
from scan.job.process import Worker

pytestmark = pytest.mark.process


@pytest.fixture
def job(add_photos, workers, server):
    """Give a job of four photos."""
    add_photos(4)
    return {"task": "strip", "settings": dataclasses.asdict(workers.settings(server.endpoint))}


def is_done(event):
    return event["event"] == "photo_done"


def test_a_story_has_a_beginning_and_an_end(add_photos, workers, server, output):
    names = add_photos(3)
    story = workers.strip(server.endpoint)
    assert sorted(event["photo"] for event in story.of("mask_announced")) == names
    assert [event["event"] for event in story if event["event"] not in {"log", "mask_announced"}] == [
        "started", "progress", "photo_done", "photo_done", "photo_done", "contact_sheet", "finished",
    ]  # fmt: skip
    assert story.of("started")[0]["photos"] == story.of("progress")[0]["total"] == 3
    assert len({event["run"] for event in story}) == 1
    assert story.finished["message"] == "3 of 3 photos have a mask"
    assert story == [event for event in journal_lines(output / "journal.jsonl") if event["run"] == story[0]["run"]]
    report = json.loads((output / "report.json").read_bytes())
    assert report["photos"] == {"found": 3, "done": 3, "made": 3, "failed": []} == story.finished["photos"]
    assert report["versions"]["model"] == "rembg 2.0.86"
    assert report["settings"]["photos"] == str(workers.photos)
    assert report["seconds"] > 0
    assert names == story.made


def test_a_worker_that_is_killed_ends_its_story_with_what_to_do(add_photos, workers, server, output):
    add_photos(9)
    server.script = lambda request: Answer(hang=request.number > 0)
    worker = workers.start(server.endpoint)
    workers.until(worker, is_done)
    worker.kill()
    story = workers.end(worker)
    assert (story.finished["status"], story.exit_code) == ("failed", 1)
    assert f"ended unexpectedly (exit code {-9 if sys.platform != 'win32' else 1})" in story.message
    assert f"{output / 'worker.log'} may say why. What was done is kept, run again to go on" in story.message
    assert worker.events() == []


def test_a_python_that_ends_at_once_is_told_the_same_way(workers, job, output):
    worker = Worker([sys.executable, "-c", "print('hello from a sitecustomize')"], JobFolder(output), job)
    story = workers.end(worker)
    assert "ended unexpectedly (exit code 0)" in story.message
    worker.cancel()


def test_a_python_that_lacks_a_package_is_told_and_logged(workers, job, output):
    worker = Worker([sys.executable, "-c", "import no_such_package"], JobFolder(output), job)
    assert "worker.log may say why" in workers.end(worker).message
    assert "No module named 'no_such_package'" in (output / "worker.log").read_text()


def test_a_defect_ends_in_words_and_its_trace_in_the_log(workers, output):
    job = {"task": "check_programs", "settings": {"executables": 5}}
    story = workers.end(Worker([sys.executable], JobFolder(output), job))
    assert "An unexpected error ended the job" in story.message
    assert "AttributeError: 'int' object has no attribute 'get'" in (output / "worker.log").read_text()


def test_the_log_is_the_story_for_a_person(add_photos, photos, workers, server, output):
    add_photos(2)
    (photos / "IMG_0002.JPG").write_bytes(b"")
    workers.strip(server.endpoint)
    lines = (output / "worker.log").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in lines)
    begun, *others, ended = (line[20:] for line in lines)
    assert begun == "strip begins"
    assert "IMG_0002.JPG failed: is empty (0 bytes); copy it from the camera again" in others
    assert ended.startswith("some_failed: 1 of 2 photos have a mask")


@pytest.mark.parametrize("name", ["journal.jsonl", "worker.log", "job.json", ".lock"])
def test_a_folder_whose_own_files_cannot_be_written_is_refused(job, output, name):
    (output / name).mkdir(parents=True)
    with pytest.raises(BadUseError, match=r"cannot be written \(.*\); choose another one"):
        Worker([sys.executable], JobFolder(output), job)


def test_a_job_that_was_replaced_before_its_worker_read_it_gives_way(job, output):
    first = JobFolder(output).prepare(job)
    second = JobFolder(output).prepare(job)
    assert JobFolder(output).read(second) == json.loads(json.dumps(job))
    with pytest.raises(BadUseError, match=r"Another run was started .* at the same moment"):
        JobFolder(output).read(first)


def test_stories_gives_every_event_and_the_folder_is_free_after_the_last(job, output, workers):
    for threshold in (100, 101, 102):
        job["settings"]["threshold"] = threshold
        worker = Worker([sys.executable], JobFolder(output), job)
        for event in worker.iter_events():
            if isinstance(event, Finished):
                break  # as a caller does that reads no further
        assert event.end.details["photos"]["made"] == 4
    assert workers.strip(job["settings"]["endpoint"]["endpoint"], threshold=102).made == []


@pytest.fixture
def hears_ctrl_c():
    """Have this process hear Ctrl-C, which it ignores where a shell started it in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hears_ctrl_c")
def test_stories_goes_on_after_ctrl_c(job, output, server):
    """What a terminal's Ctrl-C does to a script: it cancels, and then reads on until ``finished``."""
    server.script = lambda request: Answer(hang=request.number > 0)
    worker = Worker([sys.executable], JobFolder(output), job)
    story = map(as_line, worker.iter_events())
    events = [next(story)]
    while not is_done(events[-1]):
        events.append(next(story))

    def read_on():
        threading.Timer(0.1, _thread.interrupt_main).start()
        events.extend(story)

    with pytest.raises(KeyboardInterrupt):
        read_on()
    worker.cancel()
    events += story
    assert (events[-1]["event"], events[-1]["status"]) == ("finished", "cancelled")
    assert sum(map(is_done, events)) == events[-1]["photos"]["done"]


def test_looking_for_news_waits_for_nothing(job, output, server, workers):
    """The server never answers: a look that waited for news would not come back."""
    server.script = always(Answer(hang=True))
    worker = Worker([sys.executable], JobFolder(output), job)
    wait_for(lambda: server.requests)
    worker.events()
    assert worker.events() == []
    worker.cancel()
    assert workers.end(worker).finished["status"] == "cancelled"
