# SPDX-License-Identifier: GPL-3.0-or-later
"""A solve that is cancelled or whose worker dies leaves no process behind, and can be gone on with."""

from __future__ import annotations

import random
import sys
import time

import pytest
from conftest import wait_for
from engine_scan import EMBEDDED, EXECUTABLE, Solves, caught, copy_scan, freeze, kill, need, until

pytestmark = [
    pytest.mark.process,
    pytest.mark.timeout(300),  # COLMAP runs in each
    pytest.mark.skipif(sys.platform != "linux", reason="asks /proc who is still there"),
]
ENGINES = pytest.mark.parametrize("engine", [EMBEDDED, EXECUTABLE])
COUNT = 6


@pytest.fixture
def solves(turntable, tmp_path):
    """Give ``Solves`` on a few photos and their masks, with a worker's process for each."""
    copy_scan(turntable, tmp_path / "photos", tmp_path / "output", COUNT)
    made = Solves(tmp_path / "photos", tmp_path / "output", own_process=True)
    yield made
    made.close()
    for pid in made.engine_processes():
        kill(pid)


def show_cancelled(solves, story):
    """Show that a story ended with a cancel, and nothing is left at work."""
    solves.wait_for_silence()
    assert not list((solves.output / "engines").glob("*/process.json"))
    assert (story[-1]["status"], story[-1]["exit_code"]) == ("cancelled", 130), story[-1]
    assert "run again to go on" in story[-1]["message"]


@ENGINES
def test_cancelled_in_any_step_it_leaves_nothing_and_starts_again(solves, engine):
    """The engine stands still and would never end by itself: that the run ends shows that nobody waits for it."""
    need(engine)
    for step in ("Finding", "Matching", "Placing"):
        worker, _ = caught(solves, engine, step)
        worker.cancel()
        show_cancelled(solves, until(worker))
    finished = solves.run(engine)[-1]
    assert (finished["registered"], finished["status"]) == (COUNT, "done")


@pytest.mark.full
@ENGINES
def test_cancelled_at_random_moments_it_leaves_nothing_and_starts_again(solves, engine):
    """Such as between two steps."""
    need(engine)
    dice = random.Random(4)  # noqa: S311 - moments of a test, not secrets
    for _ in range(4):
        worker = solves.start(engine)
        until(worker, lambda event: event["event"] == "started")
        time.sleep(dice.uniform(0.0, 4.0))
        worker.cancel()
        story = until(worker)
        if story[-1]["status"] == "done":
            break
        show_cancelled(solves, story)
    finished = solves.run(engine)[-1]
    assert (finished["registered"], finished["status"]) == (COUNT, "done")


@pytest.mark.parametrize("engine", [EMBEDDED, pytest.param(EXECUTABLE, marks=pytest.mark.full)])
def test_a_worker_killed_outright_leaves_no_engine(solves, engine):
    need(engine)
    for step in ("Finding", "Matching"):
        worker, _ = caught(solves, engine, step)
        worker.kill()
        until(worker)
        solves.wait_for_silence()
    assert solves.run(engine)[-1]["registered"] == COUNT


def test_an_engine_whose_minder_was_killed_too_ends_at_the_next_start(solves):
    worker, engine = caught(solves, EMBEDDED, "Finding")
    wait_for(lambda: any(note.read_text().endswith("}") for note in (solves.output / "engines").glob("*/process.json")))
    for pid in solves.engine_processes():
        if pid != engine:
            freeze(pid)  # so that it does not see the pipe close
    worker.kill()
    for pid in solves.engine_processes():
        if pid != engine:
            kill(pid)
    until(worker)
    wait_for(lambda: solves.engine_processes() == [engine])
    again = solves.start()
    until(again, lambda event: event["event"] == "started")
    wait_for(lambda: engine not in solves.engine_processes())
    assert until(again)[-1]["registered"] == COUNT
