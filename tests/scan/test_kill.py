# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker killed outright, again and again: what is journaled is never made twice, and nothing is torn."""

import collections
import hashlib
import random
import time

from faulty_server import Answer, always
from PIL import Image

from scan.journal import read_journal

KILLS = 10


def test_a_worker_killed_at_random_moments_makes_every_mask_once(photos, output, add_photos, workers, server):
    names = add_photos(40)
    server.script = always(Answer(delay=0.1))
    # Full resolution sends the files themselves: so the server can tell which photo it was asked about.
    photo_of = {hashlib.sha256((photos / name).read_bytes()).digest(): name for name in names}
    dice = random.Random(2)  # noqa: S311 - no secret
    for kill in range(KILLS):
        worker = workers.start(server.endpoint, proxy_size=0, in_flight=2)
        # Two of the kills fall anywhere in the start, the others when there is work in the worker's hands.
        if kill not in {3, 7}:
            workers.until(worker, lambda event: event["event"] == "started")
        begin, longest, made = time.monotonic(), dice.uniform(0.0, 0.5), 0
        # No more than two a time, so that there is work left for all the kills on a quick machine.
        while time.monotonic() - begin < longest and made < 2:
            made += sum(event["event"] == "photo_done" for event in worker.events())
            time.sleep(0.002)
        worker.kill()
        story = workers.end(worker)
        assert "ended unexpectedly" in story.message, f"kill {kill} came too late"

    story = workers.strip(server.endpoint, proxy_size=0)
    assert story.exit_code == 0

    events = read_journal(output / "journal.jsonl")
    journaled = [event for event in events if event["event"] == "photo_done"]
    assert collections.Counter(event["photo"] for event in journaled) == dict.fromkeys(names, 1)
    assert len(journaled) > len(story.made), "some were made before the last run"
    done_at = {event["photo"]: event["time"] for event in journaled}
    for request in server.requests:
        photo = photo_of[hashlib.sha256(request.fields["file"]).digest()]
        assert request.time <= done_at[photo] + 0.001, f"{photo} was asked about again"
    for folder in ("masks", "soft"):
        found = sorted(path.name for path in (output / folder).iterdir())
        assert found == [f"{name}.png" for name in names]
        for name in found:
            image = Image.open(output / folder / name)
            image.load()
            assert (image.size, image.mode) == ((320, 240), "L")
            assert folder == "soft" or set(image.tobytes()) == {0, 255}
    assert list(output.rglob(".tmp-*")) == []
