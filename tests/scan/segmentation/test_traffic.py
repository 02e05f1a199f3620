# SPDX-License-Identifier: GPL-3.0-or-later
"""What a whole run sends, how much at a time, to whom, and what of it is kept to itself."""

import json
import threading

import pytest
from conftest import journaled
from faulty_server import Answer, FaultyServer, always

TOKEN = "s3cret-Token/with+odd=signs"  # noqa: S105 - made up


def everything_in(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("in_flight", [1, 3])
def test_the_first_picture_goes_alone_and_then_so_many_at_a_time_over_kept_connections(
    add_photos, workers, server, in_flight
):
    names = add_photos(12)
    first_answered = threading.Event()
    together = threading.Barrier(in_flight)
    too_early = []

    def script(request):
        if request.number == 0:
            server.wait(0.5)  # long enough for others to come, if they did not wait for this answer
            first_answered.set()
        elif not first_answered.is_set():
            too_early.append(request.number)
        if 1 <= request.number <= in_flight:
            together.wait()  # so many are there at a time, however late each of them is
        return Answer()

    server.script = script
    story = workers.strip(server.endpoint, in_flight=in_flight)
    assert story.made == names
    assert too_early == []
    assert server.most_in_flight == in_flight
    assert len(server.requests) == 12
    assert server.connections <= in_flight + 1


def test_after_a_bad_first_photo_the_next_one_goes_alone(photos, add_photos, workers, server):
    (photos / "0.jpg").write_bytes(b"nothing")
    add_photos(4)
    in_flight_at_first = []

    def script(request):
        if request.number < 2:
            in_flight_at_first.append(server.most_in_flight)
        return Answer(400, body=b"odd") if request.number == 0 else Answer()

    server.script = script
    story = workers.strip(server.endpoint)
    assert in_flight_at_first == [1, 1]
    assert len(story.failed) == 2, "the one that is no photo, and whichever was asked about first"
    assert "0.jpg" in story.failed
    assert len(story.made) == 3


def test_a_server_that_gives_no_mask_at_all_is_not_asked_about_every_photo(add_photos, workers, server):
    add_photos(8)
    server.script = always(Answer(422, body=b'{"detail": "this model is broken"}'))
    story = workers.strip(server.endpoint)
    assert len(server.requests) == 3
    assert story.exit_code == 3
    assert "no mask for the first 3 photos (the server refused it (422: this model is broken))" in story.message
    assert "0 of 8 done, run again to go on" in story.message


def test_a_4xx_for_one_photo_leaves_the_others(add_photos, workers, server):
    names = add_photos(5)
    server.script = lambda request: Answer(413, body=b"too large") if request.number == 2 else Answer()
    story = workers.strip(server.endpoint, in_flight=1)
    assert list(story.failed.values()) == ["the server refused it (413: too large)"]
    assert sorted([*story.made, *story.failed]) == names
    assert story.exit_code == 4


def masks_before(count, answer, output, server):
    """So many good masks, then always ``answer``: once they are journaled, since one on its way is not counted."""

    def script(request):
        if request.number < count:
            return Answer()
        server.wait_until(lambda: len(journaled(output)) == count)
        return answer

    return script


def test_a_token_that_runs_out_in_mid_run_stops_it_with_what_is_done_kept(add_photos, workers, server, output):
    add_photos(6)

    server.script = masks_before(3, Answer(401, body=b"expired"), output, server)
    story = workers.strip(server.endpoint, in_flight=1)
    assert story.exit_code == 3
    assert "asks for a token" in story.message
    assert "3 of 6 done, run again to go on" in story.message
    assert len(list((output / "masks").iterdir())) == 3
    assert len(server.requests) == 4
    server.script = always(Answer())
    assert len(workers.strip(server.endpoint).made) == 3


def test_an_overload_is_waited_out_and_told_once(add_photos, workers, server):
    names = add_photos(8)
    busy = {3: Answer(503), 4: Answer(429, headers={"Retry-After": "1"}), 5: Answer(reset=True), 6: Answer(502)}
    server.script = lambda request: busy.get(request.number, Answer())
    story = workers.strip(server.endpoint, retry_for=30.0)
    assert (story.made, story.failed, story.exit_code) == (names, {}, 0)
    assert 1 <= len(story.of("paused")) <= 4
    assert len(server.requests) == 12


def test_the_token_is_sent_and_found_nowhere_even_if_the_server_repeats_it(add_photos, workers, server, output):
    add_photos(9)

    def repeat(request):
        token = request.headers["authorization"].removeprefix("Bearer ")
        return {
            1: Answer(400, body=f"you sent {token}".encode()),
            2: Answer(400, body=json.dumps({"detail": token}).encode()),
            3: Answer(418, reason=f"Bad {token}", body=b""),
            4: Answer(503, reason=token),
            5: Answer(500, body=token.encode() * 30),
            6: Answer(200, body=token.encode()),
            8: Answer(307, headers={"Location": f"http://elsewhere.example/?{token}"}),
        }.get(request.number, Answer())

    server.script = repeat
    story = workers.strip(server.endpoint, TOKEN, in_flight=1, retry_for=30.0)
    assert story.exit_code == 3  # for the redirect
    assert len(story.failed) == 3
    assert {visit.headers["authorization"] for visit in server.visits} == {f"Bearer {TOKEN}"}
    assert TOKEN not in json.dumps(story)
    files = everything_in(output)
    assert {"journal.jsonl", "job.json", "report.json", "worker.log"} <= files.keys()
    assert [name for name, content in files.items() if TOKEN.encode() in content] == []
    assert b"***" in files["journal.jsonl"]


@pytest.mark.parametrize("token", ["", TOKEN, f"  {TOKEN}\n"])
def test_checking_an_endpoint_sends_the_token_if_there_is_one(workers, server, token):
    assert workers.check_endpoint(server.endpoint, token).exit_code == 0
    assert server.visits[0].headers.get("authorization") == (f"Bearer {TOKEN}" if token else None)


def test_a_token_that_cannot_be_sent_is_refused_and_found_nowhere(add_photos, workers, server, output):
    add_photos(1)
    story = workers.strip(server.endpoint, "s3cret\nline")
    assert story.exit_code == 2
    assert "The token holds characters" in story.message
    assert [name for name, content in everything_in(output).items() if b"s3cret" in content] == []
    assert server.visits == []


@pytest.fixture
def proxy(monkeypatch):
    """Give a server that the proxy variables name, in all their spellings."""
    with FaultyServer() as there:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{there.port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield there


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_traffic_goes_past_any_proxy(proxy, add_photos, workers, server, host):
    names = add_photos(2)
    endpoint = f"http://{host}:{server.port}"
    assert workers.check_endpoint(endpoint).exit_code == 0
    assert workers.strip(endpoint).made == names
    assert proxy.visits == []
    assert len(server.requests) == 2


def test_traffic_to_elsewhere_goes_through_the_proxy(proxy, add_photos, workers):
    names = add_photos(2)
    story = workers.strip("http://gpu.example:7000/rembg/api/remove", TOKEN, online=True)
    assert story.made == names
    assert {visit.path for visit in proxy.visits} == {
        "http://gpu.example:7000/rembg/openapi.json",
        "http://gpu.example:7000/rembg/api/remove",
    }


@pytest.mark.parametrize("token", ["", TOKEN])
def test_passwords_of_netrc_are_not_sent(proxy, add_photos, workers, server, tmp_path, monkeypatch, token):
    """Neither to another computer, here behind a proxy, nor to this one."""
    (tmp_path / ".netrc").write_text("default login me password hunter2\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    names = add_photos(1)
    assert workers.strip("http://gpu.example:7000", token, online=True).made == names
    assert workers.strip(f"http://127.0.0.1:{server.port}", token, model="u2net").made == names
    assert server.visits
    assert proxy.visits
    sent = {visit.headers.get("authorization") for visit in [*server.visits, *proxy.visits]}
    assert sent == {f"Bearer {token}" if token else None}


def test_a_redirect_is_not_followed_in_a_run(add_photos, workers, server):
    add_photos(3)
    with FaultyServer() as elsewhere:
        server.script = always(Answer(307, headers={"Location": elsewhere.endpoint}))
        story = workers.strip(server.endpoint, TOKEN)
        assert elsewhere.visits == []
    assert story.exit_code == 3
    assert f"redirects to {elsewhere.endpoint}, which is not followed" in story.message
    assert len(server.requests) == 1


def test_a_server_that_breaks_down_in_mid_run_stops_it_before_every_photo_has_failed(
    add_photos, workers, server, output
):
    names = add_photos(16)

    server.script = masks_before(2, Answer(422, body=b"out of memory"), output, server)
    story = workers.strip(server.endpoint, in_flight=1)
    assert (story.finished["status"], story.exit_code) == ("stopped", 3)
    assert "no mask for 8 photos in a row" in story.message
    assert "2 of 16 done, run again to go on" in story.message
    assert len(story.made) + len(story.failed) < len(names)
    server.script = always(Answer())
    assert workers.strip(server.endpoint, in_flight=1).exit_code == 0
