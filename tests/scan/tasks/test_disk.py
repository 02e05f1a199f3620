# SPDX-License-Identifier: GPL-3.0-or-later
"""The output folder stops taking files in mid-run: one sentence, and what is done is kept."""

import os
import re
import shutil
import subprocess
import sys
import threading

import pytest
from conftest import journaled, wait_for
from faulty_server import Answer
from PIL import Image


def assert_goes_on(workers, server, names, made, **given):
    """With room again, the rest is done."""
    story = workers.strip(server.endpoint, **given)
    assert story.exit_code == 0
    assert set(names) - set(made) <= set(story.made)
    assert story.finished["photos"]["done"] == len(names)


def assert_tells_what_is_done(story, photos):
    """The journal may take the last lines a moment later than they were first tried, when the message is made."""
    told = int(re.search(rf"(\d+) of {photos} done, run again to go on", story.message)[1])
    assert told <= len(story.made) <= told + 8, "as many as are worked on at once"


def whole_masks(output):
    found = sorted((output / "masks").iterdir())
    for path in found:
        Image.open(path).load()
    return [path.name.removesuffix(".png") for path in found]


@pytest.mark.parametrize("folder", ["masks", "soft"])
def test_a_folder_that_is_lost_in_mid_run_stops_it_with_a_sentence(add_photos, workers, server, output, folder):
    names = add_photos(20)

    def script(request):
        if request.number == 3:
            wait_for(lambda: len(journaled(output)) == 3)  # or a late one would make the folder anew
            (output / folder).rename(output / "lost")
            (output / folder).write_text("in the way")
        return Answer()

    server.script = script
    story = workers.strip(server.endpoint, in_flight=1)
    assert (story.finished["status"], story.exit_code) == ("stopped", 1)
    assert f"{output / folder}" in story.message
    assert "cannot be written" in story.message
    assert len(story.made) == 3
    assert "3 of 20 done, run again to go on" in story.message
    assert story.failed == {}
    # Each of the five threads may send one more, and then has to write what it got.
    assert len(server.requests) <= 4 + 5
    (output / folder).unlink()
    (output / "lost").rename(output / folder)
    assert set(story.made) <= set(whole_masks(output))
    assert_goes_on(workers, server, names, story.made)


@pytest.fixture
def small_disk(output):
    """Give a function that mounts a small disk as the output folder."""
    if sys.platform != "linux" or os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root on Linux can mount a small disk")

    def mount(kilobytes):
        output.mkdir()
        options = f"size={kilobytes}k"
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", output], check=False).returncode:
            pytest.skip("mounting is not allowed here")

    yield mount
    subprocess.run(["umount", output], check=False)


def test_a_disk_that_is_full_stops_the_run_with_a_sentence(add_photos, workers, server, output, small_disk):
    names = add_photos(40)
    small_disk(200)
    story = workers.strip(server.endpoint, threshold=60)
    assert (story.finished["status"], story.exit_code) == ("stopped", 1)
    assert "cannot be written (No space left on device); make room, or choose another folder" in story.message
    assert_tells_what_is_done(story, 40)
    assert 0 < len(story.made) < 40
    assert story.failed == {}
    assert set(story.made) <= set(whole_masks(output))
    assert len(server.requests) < 40
    assert list(output.rglob(".tmp-*")) == []
    subprocess.run(["mount", "-o", "remount,size=9000k", output], check=True)
    assert_goes_on(workers, server, names, story.made, threshold=60)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit the files of a running process")
@pytest.mark.process
@pytest.mark.parametrize("limit", [300, 4000])
def test_a_journal_that_takes_no_more_ends_the_run_with_a_sentence(add_photos, workers, server, output, limit):
    """With few bytes allowed a file, the journal itself is what cannot be written; the end comes by another way."""
    import resource  # noqa: PLC0415 - not there on Windows

    names = add_photos(30)
    started = threading.Event()

    def script(request):
        if request.number == 0:
            server.wait_until(started.is_set)
            used = (output / "journal.jsonl").stat().st_size
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (used + limit, used + limit))
        return Answer()

    server.script = script
    worker = workers.start(server.endpoint)
    started.set()
    story = workers.end(worker)
    assert (story.finished["status"], story.exit_code) == ("stopped", 1)
    assert "cannot be written (File too large)" in story.message
    assert_tells_what_is_done(story, 30)
    assert len(story.made) < 30
    assert_goes_on(workers, server, names, story.made)
    for path in (output / "soft").iterdir():
        Image.open(path).load()


def test_a_report_that_cannot_be_written_is_told(add_photos, workers, server, output):
    names = add_photos(2)
    (output / "report.json").mkdir(parents=True)
    story = workers.strip(server.endpoint)
    assert story.exit_code == 1
    assert "report.json cannot be written" in story.message
    assert "2 of 2 photos have a mask" in story.message
    (output / "report.json").rmdir()
    assert_goes_on(workers, server, names, names)


def test_a_contact_sheet_that_cannot_be_written_is_told(add_photos, workers, server, output):
    names = add_photos(2)
    (output / "contact_sheet.jpg").mkdir(parents=True)
    story = workers.strip(server.endpoint)
    assert story.exit_code == 1
    assert "contact_sheet.jpg cannot be written" in story.message
    assert "2 of 2 done, run again to go on" in story.message
    (output / "contact_sheet.jpg").rmdir()
    assert_goes_on(workers, server, names, names)
    assert (output / "contact_sheet.jpg").is_file()
