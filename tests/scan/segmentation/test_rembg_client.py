# SPDX-License-Identifier: GPL-3.0-or-later
"""The rembg client and what can come back: answers that are masks, that pass, and that do not."""

import email.utils
import io
import threading
import time

import pytest
from faulty_server import Answer, always, good_mask, in_turn, png
from PIL import Image

from scan.common.errors import BadUseError, EndpointError, PhotoError
from scan.masks.mask import read_soft_mask
from scan.segmentation.rembg_client import RembgClient
from scan.segmentation.settings import EndpointSettings

SIZE = (64, 48)
FIELDS = {"model": "u2netp", "om": "true"}


@pytest.fixture
def picture():
    """Give a small encoded picture."""
    buffer = io.BytesIO()
    Image.new("RGB", SIZE, (200, 180, 160)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def client(server):
    """Give a function that makes an impatient client of the faulty server."""

    def make(token="", **given):
        waits = given.pop("waits", [])
        stop = given.pop("stop", None)
        settings = EndpointSettings(
            **{"endpoint": server.endpoint, "timeout": 60.0, "first_timeout": 60.0, "retry_for": 3.0, **given}
        )
        return RembgClient(settings, token, on_wait=waits.append, stop=stop)

    return make


def take(content):
    read_soft_mask(content, SIZE)
    return content


def ask(client, picture, *, first=False):
    return client.soft_mask(picture, "image/png", FIELDS, take, first=first)


def test_the_fields_are_sent_as_rembg_reads_them_and_its_answer_is_kept_as_it_came(client, server, picture):
    answer = ask(client(), picture)
    (request,) = server.requests
    assert request.fields == {"model": b"u2netp", "om": b"true", "file": picture}
    assert request.path == "/api/remove"
    assert answer == good_mask(picture)


def test_a_server_tells_its_version_and_models(client):
    abilities = client().capabilities()
    assert abilities.version == "2.0.86"
    assert "u2netp" in abilities.models


def test_the_real_server_tells_its_version_and_models(client, rembg):
    abilities = client(endpoint=rembg.endpoint).capabilities()
    assert abilities.version == "2.0.86"
    assert {"u2net", "u2netp", "isnet-general-use", "birefnet-general", "bria-rmbg"} <= set(abilities.models)
    assert all(name.replace("-", "").replace("_", "").isalnum() for name in abilities.models)


@pytest.mark.parametrize(
    "trouble",
    [
        Answer(429, body=b"slow down"),
        Answer(500, body=b"oops"),
        Answer(502, body=b"<h1>Bad Gateway</h1>"),
        Answer(503),
        Answer(504),
        Answer(reset=True),
        Answer(break_off=True),
        Answer(body=lambda picture: good_mask(picture)[:-40]),
        Answer(body=b""),
        Answer(body=lambda _: png(Image.new("L", (32, 24)))),
        Answer(body=lambda _: png(Image.new("RGBA", SIZE))),
    ],
    ids=["429", "500", "502", "503", "504", "reset", "broken off", "torn", "empty", "other size", "RGBA"],
)
def test_what_can_pass_is_tried_again_until_it_has(client, server, picture, trouble):
    server.script = in_turn(trouble, trouble)
    waits, stop = [], Waits()
    assert ask(client(waits=waits, retry_for=900.0, stop=stop), picture) == good_mask(picture)
    assert len(server.requests) == 3
    assert len(waits) == len(stop.seconds) == 2
    # 0.5 s and 1 s, each shortened by up to half.
    assert 0.75 <= sum(stop.seconds) <= 1.5


def test_a_timeout_is_tried_again(client, server, picture):
    server.script = in_turn(Answer(hang=True))
    waits = []
    # A loaded machine may be slow at the second one, too.
    assert ask(client(timeout=0.5, retry_for=900.0, waits=waits), picture) == good_mask(picture)
    assert waits
    assert set(waits) == {f"{server.endpoint} took longer than the timeout to answer"}


class Waits(threading.Event):
    """A run's ``stop`` that is never set, and lets nobody wait but notes for how long they would."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def wait(self, timeout=None):
        """Note a wait."""
        self.seconds.append(timeout)
        return False


def test_waits_grow_and_are_not_all_alike(client, server, picture):
    server.script = in_turn(*[Answer(502)] * 8)
    stop = Waits()
    ask(client(retry_for=60.0, stop=stop), picture)
    shares = [seconds / longest for seconds, longest in zip(stop.seconds, (0.5, 1, 2, 4, 8, 8, 8, 8), strict=True)]
    assert all(0.5 <= share <= 1 for share in shares)
    assert max(shares) - min(shares) > 0.01


def test_the_first_picture_has_a_timeout_of_its_own(client, server, picture):
    server.script = always(Answer(delay=1.0))
    patient = client(timeout=0.2, first_timeout=900.0, retry_for=0.0)
    assert not patient.has_answered
    assert ask(patient, picture, first=True)
    assert patient.has_answered
    server.script = always(Answer(hang=True))
    with pytest.raises(EndpointError, match="took longer than the timeout"):
        ask(patient, picture)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_waited_for(client, server, picture, status, form):
    def script(request):  # whose time is that of the request: the date must not be older
        value = "200" if form == "seconds" else email.utils.formatdate(time.time() + 300, usegmt=True)
        return Answer() if request.number else Answer(status, headers={"Retry-After": value})

    server.script = script
    stop = Waits()
    ask(client(retry_for=900.0, stop=stop), picture)
    (seconds,) = stop.seconds
    # A date is told in whole seconds, and some of them may have gone by before it is read.
    assert seconds == 200 if form == "seconds" else 0 < seconds <= 300


@pytest.mark.parametrize("value", ["soon", "", "-5", "²", "Wed, 99 Foo"])
def test_a_retry_after_that_makes_no_sense_is_none(client, server, picture, value):
    server.script = in_turn(Answer(429, headers={"Retry-After": value}))
    assert ask(client(), picture)


def test_a_server_that_asks_for_more_time_than_there_is_ends_the_run_at_once(client, server, picture):
    server.script = always(Answer(429, headers={"Retry-After": "3600"}))
    with pytest.raises(EndpointError, match=r"The endpoint is busy \(429 Too Many Requests\)"):
        ask(client(), picture)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(400, body=b'{"detail": "no such model"}'), r"refused it \(400: no such model\)"),
        (Answer(413, body=b"<html><h1>Too  large</h1>\n</html>"), r"refused it \(413: Too large\)"),
        (Answer(415), "refused it .415: "),
        (Answer(422, body=b'{"detail": [{"loc": ["body"], "msg": "m"}]}'), r'422: \[\{"loc": \["body"\], "msg": "m"'),
        (Answer(418, body=b""), r"418: I'm a Teapot"),
        (Answer(400, body=b"x" * 5000), "x{280,300}"),
        (Answer(400, body=b"\xff\xfe\x00"), "refused it .400: "),
    ],
)
def test_what_this_picture_alone_cannot_do_is_told_at_once_in_the_servers_words(client, server, picture, answer, words):
    server.script = always(answer)
    with pytest.raises(PhotoError, match=words) as failure:
        ask(client(), picture)
    assert len(server.requests) == 1
    assert len(str(failure.value)) < 400


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(401, body=b'{"detail": "who are you"}'), r"asks for a token.*SCAN_CUTOUT_TOKEN \(401: who are you\)"),
        (Answer(403), "refuses access: rembg itself does not, it is a proxy or a firewall in front of it"),
        (Answer(404), "ends with /api/remove"),
        (Answer(405), "ends with /api/remove"),
        (Answer(407), "HTTP_PROXY"),
        (Answer(200, body=b"<html>", content_type="text/html; charset=utf-8"), "text/html, not a mask"),
        (Answer(200, body=b"{}", content_type="application/json"), "application/json, not a mask"),
        (Answer(200, content_type="image/jpeg"), "image/jpeg, not a mask"),
        (Answer(200, content_type=None), "no content type, not a mask"),
    ],
)
def test_what_no_picture_could_change_ends_the_run_at_once(client, server, picture, answer, words):
    server.script = always(answer)
    with pytest.raises(EndpointError, match=words):
        ask(client(), picture)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(client, server, picture, status):
    server.script = always(Answer(status, headers={"Location": "/api/remove/elsewhere"}))
    with pytest.raises(EndpointError, match="redirects to /api/remove/elsewhere, which is not followed"):
        ask(client(), picture)
    server.openapi = Answer(status, headers={"Location": f"http://127.0.0.1:{server.port}/stolen"}, body=b"")
    with pytest.raises(EndpointError, match="/stolen, which is not followed"):
        client().capabilities()
    assert [visit.path for visit in server.visits] == ["/api/remove", "/openapi.json"]


def test_stacked_masks_fail_with_the_reason(client, server, picture):
    server.script = always(Answer(body=lambda _: png(Image.new("L", (SIZE[0], SIZE[1] * 3)))))
    with pytest.raises(PhotoError, match="3 masks stacked"):
        ask(client(), picture)


def test_a_picture_that_the_server_fails_on_again_and_again_fails_alone(client, server, picture):
    server.script = always(Answer(500, body=b"CUDA out of memory"))
    with pytest.raises(PhotoError, match=r"the server failed on it \(500: CUDA out of memory\) \(4 tries\)"):
        ask(client(retry_for=60.0), picture)
    assert len(server.requests) == 4


def test_nobody_listening_is_tried_for_as_long_as_is_said(client, server, picture):
    server.stop()
    waits = []
    with pytest.raises(EndpointError, match=r"No server answers at .* \(connection refused\), for .*Start the rembg"):
        ask(client(retry_for=2.0, waits=waits), picture)
    assert waits


def test_an_unknown_host_is_named(client):
    with pytest.raises(EndpointError, match=r"The host name no-such-host\.invalid is not known"):
        client(endpoint="http://no-such-host.invalid:7000", online=True).capabilities()


def test_a_wait_ends_as_soon_as_the_run_is_stopped(client, server, picture):
    server.script = always(Answer(503, headers={"Retry-After": "300"}))
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(EndpointError):
        ask(client(stop=stop, retry_for=900.0), picture)


@pytest.mark.parametrize(
    ("openapi", "words"),
    [
        (Answer(404, body=b"nothing here"), "is not a rembg server"),
        (
            Answer(200, body=b"<html>", content_type="text/html"),
            "is not a rembg server; check the address and the port",
        ),
        (Answer(200, body=b"[]"), "is not a rembg server"),
        (Answer(200, body=b'{"info": {"version": "1"}, "paths": {}}'), "is not a rembg server"),
        (Answer(403, headers={"Server": "AirTunes/775.3.1"}), "is macOS's AirPlay receiver.*another port"),
        (Answer(503), r"The endpoint is busy \(503 Service Unavailable\)"),
        (Answer(reset=True), "connection to .* was lost"),
    ],
)
def test_what_is_not_a_rembg_server_is_told_in_words(client, server, openapi, words):
    server.openapi = openapi if openapi.body is not None else Answer(**{**vars(openapi), "body": b""})
    with pytest.raises(EndpointError, match=words):
        client().capabilities()


@pytest.mark.parametrize("token", ["two\nlines", "naïve", "zero\0", "tab\there"])
def test_a_token_that_no_header_can_carry_is_refused_without_repeating_it(client, token):
    with pytest.raises(BadUseError, match="The token holds characters") as refusal:
        client(token)
    assert token not in str(refusal.value)
