# SPDX-License-Identifier: GPL-3.0-or-later
"""Several rembg servers side by side: they share the work, and a run goes on as long as one of them does."""

import json
import threading

import numpy as np
import pytest
import requests
from conftest import journaled
from faulty_server import OPENAPI, Answer, FaultyServer, always
from PIL import Image

NOBODY = "http://127.0.0.1:9/api/remove"


@pytest.fixture
def other():
    """Give a second server, which does what it is told to."""
    with FaultyServer() as faulty:
        yield faulty


def pictures(server):
    return [request.fields["file"] for request in server.requests]


def without_model(name):
    text = json.dumps(OPENAPI).replace(name, "something-else")
    return Answer(body=text.encode(), content_type="application/json")


def test_two_servers_share_the_photos(add_photos, workers, server, other, output):
    names = add_photos(24)

    def shares(own, theirs):
        """Two at a time where there may be two, and no server far ahead, however the machine hands out its time."""

        def script(request):
            if request.number == 1:
                own.wait_until(lambda: len(own.requests) > 2)
            elif request.number < 12:
                own.wait_until(lambda: request.number <= len(theirs.requests) + 4)
            return Answer()

        return script

    server.script, other.script = shares(server, other), shares(other, server)
    story = workers.strip(server.endpoint, further=(other.endpoint,), in_flight=2)
    assert (story.made, story.exit_code) == (names, 0)
    assert (server.most_in_flight, other.most_in_flight) == (2, 2)
    assert min(len(server.requests), len(other.requests)) >= 6
    assert len(set(pictures(server) + pictures(other))) == len(server.requests) + len(other.requests) == 24
    report = json.loads((output / "report.json").read_bytes())
    assert report["bytes"]["sent"] == sum(map(len, pictures(server) + pictures(other)))
    assert report["versions"]["model"] == "rembg 2.0.86"
    assert report["settings"]["endpoint"]["further"] == [other.endpoint]
    assert story.warnings == []


def test_a_real_server_and_another_give_the_masks_of_one(turntable, rembg, workers, tmp_path, server, other):
    names = tuple(f"upright/IMG_00{number:02}.JPG" for number in range(1, 7))
    alone = tmp_path / "alone"
    given = {"photos": turntable / "photos", "files": names}
    workers.strip(rembg.endpoint, output=alone, **given)

    def from_the_real_one(picture):
        fields = {"model": "u2netp", "om": "true"}
        return requests.post(rembg.endpoint, files={"file": picture}, data=fields, timeout=900).content

    def lives_on(request):
        if request.number > 0:  # or it may have done all before the first one is asked again
            other.wait_until(lambda: len(server.requests) > 1)
        return Answer(body=from_the_real_one)

    # The first one dies under its second photo.
    server.script = lambda request: Answer(reset=request.number > 0, body=from_the_real_one)
    other.script = lives_on
    together = tmp_path / "together"
    story = workers.strip(
        server.endpoint, further=(other.endpoint,), output=together, retry_for=0.5, in_flight=1, **given
    )
    assert (story.made, story.failed, story.exit_code) == (list(names), {}, 0)
    assert len(server.requests) > 1
    assert len(story.warnings) == 1
    for name in names:
        one, two = (np.asarray(Image.open(folder / "masks" / f"{name}.png")) for folder in (alone, together))
        assert np.array_equal(one, two)
    # Whichever answered: another run has nothing to ask.
    assert workers.strip(rembg.endpoint, output=together, **given).made == []


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (Answer(reset=True), "The connection to {url} was lost, for"),
        (Answer(401, body=b"expired"), "{url} asks for a token"),
        (Answer(307, headers={"Location": "http://elsewhere.example"}), "{url} redirects to http://elsewhere.example"),
        (Answer(422, body=b"odd"), "The server gave no mask for 8 photos in a row (the server refused it (422: odd)"),
    ],
)
def test_the_photos_of_a_server_that_goes_away_are_done_by_the_other(add_photos, workers, server, other, end, words):
    names = add_photos(24)
    other.script = lambda request: Answer() if request.number < 3 else end

    def script(request):
        # Or it might do all before the other has failed as often as it takes, be it ever so late. A thread that waits
        # here does not ask the other: so the wait grows with the requests.
        failures = min(8 if end.status == 422 else 1, request.number)
        server.wait_until(lambda: not failures or len(other.requests) >= 3 + failures)
        return Answer()

    server.script = script
    story = workers.strip(server.endpoint, further=(other.endpoint,), in_flight=2, retry_for=0.5)
    assert (story.made, story.failed, story.exit_code) == (names, {}, 0)
    (warning,) = story.warnings
    assert warning.startswith(f"Going on without {other.endpoint}: {words.format(url=other.endpoint)}")
    assert story.of("paused") == [], "the other one works on"


def test_the_run_stops_when_the_last_one_is_gone(add_photos, workers, server, other, output):
    add_photos(20)

    def ends_last(request):
        if request.number < 4:
            return Answer()
        # A mask that is still on its way to the disk is not counted, and the other one shall be gone first.
        server.wait_until(lambda: len(journaled(output)) == 8)
        server.wait_until(lambda: any("refuses access" in event["text"] for event in journaled(output, "log")))
        return Answer(reset=True)

    server.script = ends_last
    other.script = lambda request: Answer() if request.number < 4 else Answer(403, body=b"no")
    story = workers.strip(server.endpoint, further=(other.endpoint,), in_flight=1, retry_for=0.5)
    assert (story.finished["status"], story.exit_code, story.failed) == ("stopped", 3, {})
    assert f"The connection to {server.endpoint} was lost, for" in story.message
    assert "8 of 20 done, run again to go on" in story.message
    assert [text.split(":")[0] for text in story.warnings] == ["Going on without http"]
    assert f"{other.endpoint} refuses access" in story.warnings[0]
    assert len(list((output / "masks").iterdir())) == 8
    server.script = other.script = always(Answer())
    assert len(workers.strip(server.endpoint, further=(other.endpoint,)).made) == 12


def test_a_photo_that_one_server_refuses_is_asked_of_the_other_before_it_fails(add_photos, workers, server, other):
    names = add_photos(8)
    bad, picky = [], []

    def refuses(request):
        # One photo is bad everywhere, another one for this server only.
        picture = request.fields["file"]
        with guard:
            if not bad:
                bad.append(picture)
            elif not picky and picture != bad[0]:
                picky.append(picture)
        return Answer(422, body=b"odd") if picture in bad + picky else Answer()

    def refuses_the_bad_one(request):
        other.wait_until(lambda: picky)  # or this one might do all the others first
        return Answer(422, body=b"odd") if request.fields["file"] in bad else Answer()

    guard = threading.Lock()
    server.script, other.script = refuses, refuses_the_bad_one
    story = workers.strip(server.endpoint, further=(other.endpoint,), in_flight=1)
    assert list(story.failed.values()) == ["the server refused it (422: odd)"]
    assert sorted([*story.failed, *story.made]) == names
    both = set(pictures(server)) & set(pictures(other))
    assert both == {*bad, *picky}


def test_each_server_gets_its_first_photo_alone(add_photos, workers, server, other):
    add_photos(12)
    early, beside = [], []

    def slow_at_first(own, theirs):
        answered = threading.Event()

        def script(request):
            if request.number == 0:
                own.wait_until(lambda: theirs.requests)
                beside.append(own.port)
                own.wait(0.5)  # long enough for others to come, if they did not wait for this answer
                answered.set()
            elif not answered.is_set():
                early.append(own.port)
            return Answer()

        return script

    server.script, other.script = slow_at_first(server, other), slow_at_first(other, server)
    story = workers.strip(server.endpoint, further=(other.endpoint,))
    assert story.exit_code == 0
    assert early == []
    assert sorted(beside) == sorted([server.port, other.port]), "both load their models at the same time"


@pytest.mark.parametrize("away", [0, 1])
def test_a_server_that_is_away_from_the_start_is_left_out(add_photos, workers, server, away):
    names = add_photos(3)
    addresses = [NOBODY, server.endpoint] if away == 0 else [server.endpoint, NOBODY]
    story = workers.strip(addresses[0], further=(addresses[1],))
    assert (story.made, story.exit_code) == (names, 0)
    (warning,) = story.warnings
    assert warning.startswith(f"Going on without {NOBODY}: No server answers at {NOBODY} (connection refused)")


def test_the_model_must_be_known_to_one_of_them(add_photos, workers, server, other):
    names = add_photos(3)
    other.openapi = without_model("u2netp")
    story = workers.strip(other.endpoint, further=(server.endpoint,))
    assert (story.made, story.exit_code, other.requests) == (names, 0, [])
    (warning,) = story.warnings
    assert warning.startswith(f"Going on without {other.endpoint}: The server has no model 'u2netp'; it knows u2net, ")
    server.openapi = without_model("u2netp")
    story = workers.strip(other.endpoint, further=(server.endpoint,), post_process=True)
    assert story.exit_code == 2
    assert story.message.startswith("The server has no model 'u2netp'")


def test_versions_that_differ_are_all_told(add_photos, workers, server, other, output):
    add_photos(1)
    text = json.dumps(OPENAPI).replace("2.0.86", "2.0.75")
    other.openapi = Answer(body=text.encode(), content_type="application/json")
    workers.strip(server.endpoint, further=(other.endpoint,))
    report = json.loads((output / "report.json").read_bytes())
    assert report["versions"]["model"] == "rembg 2.0.86, rembg 2.0.75"


@pytest.mark.parametrize(
    ("further", "words"),
    [
        (("http://localhost:7000/",), "http://localhost:7000/api/remove is named twice"),
        (("http://localhost:7001", "http://localhost:7001/api/remove"), ":7001/api/remove is named twice"),
        (("http://gpu.example:7000",), "gpu.example is not this computer, and Blender's online access is off"),
        (("gpu",), "The endpoint 'gpu' is not an address such as"),
    ],
)
def test_further_addresses_are_checked_as_the_first_is(add_photos, workers, further, words):
    add_photos(1)
    ended = workers.strip(endpoint="http://localhost:7000/api/remove", further=further).finished
    assert ended["exit_code"] == 2
    assert words in ended["message"]


def test_a_cancel_is_no_loss(add_photos, workers, server, other):
    add_photos(12)
    server.script = other.script = lambda request: Answer(hang=request.number > 0)
    worker = workers.start(server.endpoint, further=(other.endpoint,))
    before = workers.until(worker, lambda event: event["event"] == "photo_done")
    worker.cancel()
    story = workers.end(worker)
    assert story.finished["status"] == "cancelled"
    assert before.warnings + story.warnings == []
