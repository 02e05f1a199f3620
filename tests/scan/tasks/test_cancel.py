# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is cancelled, or whose Blender is gone, ends soon and can go on later."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import journaled, wait_for
from faulty_server import Answer, always

from scan.common.errors import BadUseError
from scan.job.context import JobContext
from scan.job.folder import JobFolder
from scan.job.journal import Journal
from scan.tasks import strip
from scan.tasks.strip import Strip


def is_done(event):
    return event["event"] == "photo_done"


def cancelled(workers, worker):
    """Cancel, and give the story from there. A worker that did not hear of it would wait for its server for ever."""
    worker.cancel()
    return workers.end(worker)


def test_an_idle_machine_cancels_within_two_seconds_and_waits_for_answers_for_one():
    """Not measured: the tick at which a cancel is seen, then the wait for what is in flight."""
    assert 1 < strip._GRACE + 0.1 < 2  # noqa: SLF001


@pytest.mark.process
def test_a_cancelled_run_ends_soon_keeps_what_is_done_and_goes_on(add_photos, workers, server, output):
    names = add_photos(30)
    server.script = lambda request: Answer(hang=request.number >= 10)
    worker = workers.start(server.endpoint)
    before = workers.until(worker, is_done)
    story = cancelled(workers, worker)
    assert (story.finished["status"], story.exit_code) == ("cancelled", 130)
    done = sorted(before.made + story.made)
    assert 0 < len(done) < 30
    assert len(list((output / "masks").iterdir())) == len(done)
    assert f"Cancelled: {len(done)} of 30 photos have a mask" in story.message
    assert "Run again to go on" in story.message
    assert json.loads((output / "report.json").read_bytes())["status"] == "cancelled"

    server.script = always(Answer())
    again = workers.strip(server.endpoint, "again")  # a token, which tells its requests from late ones of the other
    assert (again.made, again.exit_code) == ([name for name in names if name not in done], 0)
    sent = [request for request in server.requests if request.headers.get("authorization") == "Bearer again"]
    assert len(sent) == 30 - len(done)


def test_answers_in_flight_are_waited_for_a_moment(add_photos, workers, server, output, monkeypatch):
    """In this process, where the moment can be as long as a loaded machine needs."""
    add_photos(9)
    monkeypatch.setattr(strip, "_GRACE", 900.0)
    go_on = threading.Event()

    def script(request):
        if request.number:
            server.wait_until(go_on.is_set)
        return Answer()

    server.script = script
    folder = JobFolder(output)
    journal = Journal(folder.journal, folder.prepare({"task": "strip", "settings": {}}))
    context = JobContext(folder, journal)
    run = Strip(workers.settings(server.endpoint, in_flight=4), context)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(run.run)
        wait_for(lambda: server.most_in_flight == 4)
        context.cancel.set()
        wait_for(run._stop.is_set)  # noqa: SLF001 - else an answer could come before the cancel is heard
        go_on.set()
        outcome = ended.result()
    journal.close()
    assert (outcome.status, outcome.made, len(server.requests)) == ("cancelled", 5, 5)


@pytest.mark.parametrize("good_answers", [0, 3])
def test_a_server_that_hangs_holds_up_no_cancel(add_photos, workers, server, output, good_answers):
    add_photos(9)
    server.script = lambda request: Answer(hang=request.number >= good_answers)
    worker = workers.start(server.endpoint)
    wanted = min(9, good_answers + 4) if good_answers else 1
    wait_for(lambda: len(server.requests) >= wanted and len(journaled(output)) == good_answers)
    story = cancelled(workers, worker)
    assert story.finished["status"] == "cancelled"
    assert f"{good_answers} of 9 photos" in story.message


@pytest.mark.parametrize("task", ["strip", "check_endpoint"])
def test_a_server_that_never_says_who_it_is_holds_up_no_cancel(add_photos, workers, server, tmp_path, task):
    add_photos(1)
    server.openapi = Answer(hang=True)
    settings = workers.settings(server.endpoint)
    values = dataclasses.asdict(settings if task == "strip" else settings.endpoint)
    worker = workers.start_job(JobFolder(tmp_path / "job"), {"task": task, "settings": values})
    wait_for(lambda: server.visits)
    story = cancelled(workers, worker)
    assert (story.finished["status"], story.exit_code) == ("cancelled", 130)


def test_a_run_that_waits_for_a_server_is_cancelled_as_well(add_photos, workers, server):
    add_photos(9)
    server.script = lambda request: Answer(503 if request.number else 200, headers={"Retry-After": "600"})
    worker = workers.start(server.endpoint, retry_for=900.0)
    workers.until(worker, lambda event: event["event"] == "paused")
    story = cancelled(workers, worker)
    assert story.finished["status"] == "cancelled"


def test_a_cancel_before_anything_happened_and_one_after_the_end_do_no_harm(add_photos, workers, server):
    names = add_photos(3)
    server.script = always(Answer(hang=True))
    worker = workers.start(server.endpoint)
    story = cancelled(workers, worker)
    assert story.finished["status"] == "cancelled"
    worker.cancel()
    assert worker.events() == []
    server.script = always(Answer())
    worker = workers.start(server.endpoint)
    assert sorted(story.made + workers.end(worker).made) == names
    worker.cancel()


def test_a_busy_folder_is_refused_and_the_run_in_it_goes_on(add_photos, workers, server):
    names = add_photos(4)
    go_on = threading.Event()

    def script(_request):
        server.wait_until(go_on.is_set)
        return Answer()

    server.script = script
    worker = workers.start(server.endpoint)
    begun = workers.until(worker, lambda event: event["event"] == "started")
    with pytest.raises(BadUseError, match=r"Another Scan Cutout job is running in .*; wait for it, cancel it"):
        workers.start(server.endpoint, threshold=5)
    go_on.set()
    story = workers.end(worker)
    assert sorted(begun.made + story.made) == names
    assert story.exit_code == 0


PARENT = """
import dataclasses, json, sys, time
from pathlib import Path
from scan.job.folder import JobFolder
from scan.job.process import Worker
job = json.loads(sys.argv[1])
worker = Worker([sys.executable], JobFolder(Path(job["settings"]["output"])), job)
print(worker.pid, flush=True)
time.sleep(600)
"""


def is_free(folder):
    try:
        with folder.lock():
            return True
    except BadUseError:
        return False


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_worker_whose_blender_is_killed_ends_as_well(photo_watch, photos, add_photos, workers, server, output):
    add_photos(30)
    photo_watch.remember(photos)
    server.script = lambda request: Answer(hang=request.number >= 10)
    job = {"task": "strip", "settings": dataclasses.asdict(workers.settings(server.endpoint))}
    root = Path(__file__).parents[3]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, json.dumps(job)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    worker = int(parent.stdout.readline())
    try:
        wait_for(lambda: journaled(output))
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        (end,) = wait_for(lambda: journaled(output, "finished"))
        assert end["status"] == "cancelled"
        wait_for(lambda: is_free(JobFolder(output)))  # a moment after its last word
    finally:
        parent.stdout.close()
        parent.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    server.script = always(Answer())
    assert workers.strip(server.endpoint).finished["photos"]["done"] == 30
