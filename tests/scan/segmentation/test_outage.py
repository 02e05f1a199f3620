# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server that dies in mid-run, with and without coming back."""

import shutil

import pytest
from conftest import journaled

from rembg_server import RembgServer

pytestmark = pytest.mark.process

PHOTOS = 20
AT_WORK = 8
"""Photos that a run may have an answer for and has not journaled yet: as many as its threads."""


@pytest.fixture(scope="module")
def mortal(tmp_path_factory):
    """Give a real server of its own that may be killed."""
    with RembgServer(tmp_path_factory.mktemp("mortal") / "server.log") as server:
        yield server


@pytest.fixture
def begun(add_photos, workers, mortal, output):
    """Give the names of the photos and a function that starts a run and kills its server after some masks."""
    names = add_photos(PHOTOS)

    def start(**given):
        for _ in range(5):
            worker = workers.start(mortal.endpoint, **given)
            made = []
            while len(made) < 5:
                made += workers.until(worker, lambda event: event["event"] == "photo_done").made
            mortal.kill()
            if len(journaled(output)) + AT_WORK < PHOTOS:
                return worker, made
            worker.kill()  # a loaded machine let us see its masks too late
            workers.end(worker)
            shutil.rmtree(output)
            mortal.start()
        raise AssertionError("the server did all before it could be killed")

    return names, start


def test_a_server_that_is_back_after_a_while_costs_nothing(begun, workers, mortal, output):
    names, start = begun
    worker, made = start(retry_for=900.0)
    away = workers.until(worker, lambda event: event["event"] == "paused")
    mortal.start()
    story = workers.end(worker)
    assert sorted(made + away.made + story.made) == names
    assert (story.exit_code, story.failed) == (0, {})
    assert away.of("paused")
    assert len(list((output / "masks").iterdir())) == PHOTOS


def test_a_server_that_stays_away_ends_the_run_with_what_is_done_kept(begun, workers, mortal, output):
    names, start = begun
    worker, made = start(retry_for=4.0)
    story = workers.end(worker)
    made = sorted(made + story.made)
    assert 5 <= len(made) < PHOTOS
    assert (story.finished["status"], story.exit_code, story.failed) == ("stopped", 3, {})
    assert "connection refused" in story.message
    assert f"{len(made)} of {PHOTOS} done, run again to go on" in story.message
    assert len(list((output / "masks").iterdir())) == len(made)
    assert (output / "contact_sheet.jpg").exists()

    mortal.start()
    again = workers.strip(mortal.endpoint)
    assert (again.made, again.exit_code) == (sorted(set(names) - set(made)), 0)


def test_a_server_that_is_away_from_the_start_is_told_at_once(add_photos, workers, mortal):
    add_photos(1)
    mortal.kill()
    try:
        story = workers.strip(mortal.endpoint, retry_for=900.0)
    finally:
        mortal.start()
    assert story.exit_code == 3
    assert "0 of 1 done, run again to go on" in story.message
    assert story.failed == {}
