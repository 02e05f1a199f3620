# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker killed outright, again and again: what is journaled is never made twice, and nothing is torn."""

import collections
import hashlib
import random
import threading
import time

import pytest
from conftest import journaled
from faulty_server import Answer, always
from PIL import Image

KILLS = 10
ANSWERED = 3
"""So many photos a run, so that there is work left for all the kills; then the server hangs, and the run with it."""


@pytest.mark.process
def test_a_worker_killed_at_random_moments_makes_every_mask_once(photos, output, add_photos, workers, server):
    names = add_photos(40)
    guard, asked = threading.Lock(), collections.Counter()

    def script(request):
        with guard:
            asked[request.headers["authorization"]] += 1
            return Answer(delay=0.1, hang=asked[request.headers["authorization"]] > ANSWERED)

    server.script = script
    # Full resolution sends the files themselves: so the server can tell which photo it was asked about. And each run
    # has a token of its own, so that a request of a worker that is dead by now is told from those of the next one.
    photo_of = {hashlib.sha256((photos / name).read_bytes()).digest(): name for name in names}
    done_before = {}

    def start(run):
        done_before[f"Bearer run-{run}"] = {event["photo"] for event in journaled(output)}
        return workers.start(server.endpoint, f"run-{run}", proxy_size=0, in_flight=2)

    dice = random.Random(2)  # noqa: S311 - no secret
    for kill in range(KILLS):
        worker = start(kill)
        # Two of the kills fall anywhere in the start, two after a mask, the others when there is work in the worker's
        # hands.
        if kill not in {3, 7}:
            wanted = "photo_done" if kill in {1, 5} else "started"
            workers.until(worker, lambda event, wanted=wanted: event["event"] == wanted)
        time.sleep(dice.uniform(0.0, 0.5))
        worker.kill()
        story = workers.end(worker)
        assert "ended unexpectedly" in story.message, f"kill {kill} came too late"

    server.script = always(Answer())
    story = workers.end(start(KILLS))
    assert story.exit_code == 0

    events = journaled(output)
    assert collections.Counter(event["photo"] for event in events) == dict.fromkeys(names, 1)
    assert len(events) > len(story.made), "some were made before the last run"
    sent = collections.Counter()
    for request in server.requests:
        run, photo = request.headers["authorization"], photo_of[hashlib.sha256(request.fields["file"]).digest()]
        assert photo not in done_before[run], f"{photo} was asked about again"
        sent[run, photo] += 1
    assert max(sent.values()) == 1
    for folder in ("masks", "soft"):
        found = sorted(path.name for path in (output / folder).iterdir())
        assert found == [f"{name}.png" for name in names]
        for name in found:
            image = Image.open(output / folder / name)
            image.load()
            assert (image.size, image.mode) == ((320, 240), "L")
            assert folder == "soft" or set(image.tobytes()) == {0, 255}
    assert list(output.rglob(".tmp-*")) == []
