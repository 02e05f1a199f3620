# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that want a user name and a password, and refusals that are not rembg's own."""

import base64
import json

import numpy as np
import pytest
import requests
from faulty_server import Answer, FaultyServer, always
from PIL import Image
from reverse_proxy import ReverseProxy, Rules

from scan.common.errors import BadUseError
from scan.segmentation.identity import Identity
from scan.segmentation.refusals import is_proxied

LOGIN = "me:pa55 w\u00f6rd:too"
ASCII_LOGIN = "me:pa55word"


def basic(login):
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def asks(*schemes):
    return Answer(401, body=b"", headers={"WWW-Authenticate": ", ".join(schemes)})


def everything_in(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("login", [ASCII_LOGIN, LOGIN])
def test_a_user_name_and_a_password_go_through_the_token(rembg, add_photos, workers, output, login):
    names = add_photos(2)
    with ReverseProxy(rembg.endpoint, Rules(routes={"/rembg/": "/"}, login=login)) as proxy:
        assert workers.check_endpoint(f"{proxy.url}/rembg", login).exit_code == 0
        story = workers.strip(f"{proxy.url}/rembg", f" {login}\n")
    assert (story.made, story.exit_code) == (names, 0)
    # As a token first, once a process, unless that cannot be; and no picture goes with what is refused.
    first = [f"Bearer {login}"] if login.isascii() else []
    expected = [*first, *[basic(login)] * 2, *first, *[basic(login)] * 4]
    assert proxy.logins == [each for each in expected if each]
    assert len(proxy.pictures) == 2
    for secret in (login, login.partition(":")[2], basic(login).partition(" ")[2]):
        assert secret.encode() not in everything_in(output.parent)


def test_whoever_never_asks_for_a_user_name_gets_the_token_as_it_is(add_photos, workers, server):
    names = add_photos(1)
    assert workers.strip(server.endpoint, ASCII_LOGIN).made == names
    assert {visit.headers["authorization"] for visit in server.visits} == {f"Bearer {ASCII_LOGIN}"}


def test_a_header_that_was_copied_whole_is_no_part_of_the_token(workers, server):
    workers.check_endpoint(server.endpoint, "Bearer  abc")
    assert server.visits[0].headers["authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    ("token", "challenge", "words"),
    [
        ("", ['Basic realm="Bearer"'], "asks for a user name and a password; write them as user:password into"),
        ("abc", ["Basic realm=x"], "asks for a user name and a password, and the token is not of that form; write"),
        ("me:wrong", ['basic realm="x", charset="UTF-8"'], "refuses the user name or the password; correct the token"),
        ("", ["Bearer"], "asks for a token, or refuses the one it got; set the token in the preferences"),
        ("", ["Basic realm=x", "Bearer"], "asks for a token, or refuses the one it got"),
        ("me:wrong", ["Basic realm=x", "Bearer"], "asks for a token, or refuses the one it got"),
        ("me:wrong", ["Digest nonce=abc"], "asks to log in by Digest, which Scan Cutout cannot"),
        ("", ["Negotiate", "NTLM"], "asks to log in by Negotiate or Ntlm, which"),
        ("abc", [], "asks for a token, or refuses the one it got"),
    ],
)
def test_who_asks_to_log_in_is_told_of_in_words(workers, server, token, challenge, words):
    server.openapi = asks(*challenge)
    story = workers.check_endpoint(server.endpoint, token)
    assert story.exit_code == 3
    assert f"{server.endpoint} {words}" in story.message
    assert "SCAN_CUTOUT_TOKEN" in story.message or "have its proxy ask for Basic" in story.message
    sent = [visit.headers.get("authorization") for visit in server.visits]
    is_tried_twice = ":" in token and any("asic" in each for each in challenge)
    assert sent == ([f"Bearer {token}", basic(token)] if is_tried_twice else [f"Bearer {token}" if token else None])


def test_a_password_that_a_server_says_back_is_found_nowhere(add_photos, workers, server, output):
    add_photos(7)
    login = 'me:hun"ter2'

    def repeat(request):
        said = request.headers["authorization"]
        if said.startswith("Bearer"):
            return asks("Basic realm=x")
        encoded = said.removeprefix("Basic ")
        return {
            2: Answer(400, body=f"you are {login}".encode()),
            3: Answer(400, body=json.dumps({"detail": [login, 'hun"ter2']}).encode()),
            4: Answer(400, body=f"you sent {encoded}".encode()),
            5: Answer(400, body=b'the password hun"ter2 is odd'),
            6: Answer(403, body=encoded.encode(), headers={"Via": encoded, "Server": login}),
        }.get(request.number, Answer())

    server.script = repeat
    story = workers.strip(server.endpoint, login, in_flight=1)
    assert len(story.failed) == 4
    assert story.exit_code == 3
    for secret in (login, 'hun"ter2', r"hun\"ter2", basic(login).partition(" ")[2]):
        assert secret not in " ".join([story.message, *story.failed.values()])
        assert secret.encode() not in everything_in(output)
    assert b"***" in everything_in(output)


@pytest.mark.parametrize("token", ["two\nlines:x", "na\u00efve", "tab\there:x"])
def test_what_not_even_basic_can_carry_is_refused(token):
    with pytest.raises(BadUseError, match="The token holds characters"):
        Identity(token)


@pytest.fixture
def forward_proxy(monkeypatch):
    """Give a server that the proxy variables name, in all their spellings."""
    with FaultyServer() as there:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{there.port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield there


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "refuses access: rembg itself does not, it is a proxy or a firewall in front of it; ask who looks"),
        ("abc", "refuses access; check the token in the preferences or in SCAN_CUTOUT_TOKEN, or ask who looks"),
    ],
)
def test_a_403_is_the_proxys_and_its_name_is_told(rembg, add_photos, workers, token, words):
    add_photos(2)
    with ReverseProxy(rembg.endpoint, Rules(forbidden=("/api/", "/openapi"))) as proxy:
        for story in (workers.check_endpoint(proxy.url, token), workers.strip(proxy.url, token)):
            assert story.exit_code == 3
            assert f"{proxy.url}/api/remove {words}" in story.message
            assert "(403 from nginx/1.24.0: 403 Forbidden nginx)" in story.message


@pytest.mark.parametrize("token", ["", "abc"])
def test_a_403_that_comes_through_a_proxy_of_ours_may_be_that_ones(forward_proxy, workers, token):
    forward_proxy.openapi = Answer(403, body=b"Blocked by policy", headers={"Via": "1.1 squid"})
    story = workers.check_endpoint("http://gpu.example:7000", token, online=True)
    assert story.exit_code == 3
    assert story.message.startswith(
        "http://gpu.example:7000/api/remove is refused by the proxy that HTTP_PROXY names, or by the server behind it; "
        "ask who looks after the proxy, or name gpu.example in NO_PROXY"
    )
    assert ("it may be the token as well" in story.message) == bool(token)
    assert "(403 from 1.1 squid, BaseHTTP/" in story.message


@pytest.mark.usefixtures("forward_proxy")
def test_what_comes_encrypted_through_a_proxy_of_ours_is_not_that_ones():
    session = requests.Session()
    assert is_proxied(session, "http://gpu.example")
    assert not is_proxied(session, "https://gpu.example")
    session.trust_env = False
    assert not is_proxied(session, "http://127.0.0.1")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(403, body=b""), "refuses to connect to it (403)"),
        (Answer(407, body=b""), "asks for a password (407)"),
    ],
)
def test_a_proxy_that_connects_us_to_no_https_server_is_told_of(forward_proxy, workers, answer, words):
    forward_proxy.openapi = answer
    story = workers.check_endpoint("https://gpu.example", online=True)
    assert [visit.method for visit in forward_proxy.visits] == ["CONNECT"]
    assert story.exit_code == 3
    assert story.message == (
        f"The proxy in front of https://gpu.example/api/remove {words}. Check HTTP_PROXY and HTTPS_PROXY, or name "
        "gpu.example in NO_PROXY"
    )


SIZE_WORDS = "choose a smaller Proxy Size, or have the limit of the proxy in front of rembg raised (client_max"


def test_where_the_first_proxy_is_too_large_all_are(rembg, add_photos, workers):
    add_photos(5)
    with ReverseProxy(rembg.endpoint, Rules(body_limit=2000)) as proxy:
        story = workers.strip(proxy.url, in_flight=1)
    assert (story.exit_code, story.failed, len(proxy.pictures)) == (3, {}, 1)
    assert f"{proxy.url}/api/remove takes no picture of 0.0 MB (413); {SIZE_WORDS}" in story.message
    assert story.warnings == []


def test_of_photos_as_they_are_the_large_ones_fail_and_one_warning_says_why(add_photo, workers, server):
    sizes = {f"{number}.jpg": (640, 480) if number % 2 else (64, 48) for number in range(6)}
    for name, size in sizes.items():
        add_photo(name, _noise(size))
    server.script = lambda request: Answer(413, body=b"") if len(request.fields["file"]) > 90_000 else Answer()
    story = workers.strip(server.endpoint, in_flight=1, proxy_size=0)
    assert (story.made, story.exit_code) == (["0.jpg", "2.jpg", "4.jpg"], 4)
    assert set(story.failed.values()) == {"the server refused it (413: Request Entity Too Large)"}
    (warning,) = story.warnings
    assert warning.startswith(f"{server.endpoint} takes no picture of 0.")
    assert SIZE_WORDS in warning


def test_where_no_photo_as_it_is_is_small_enough_the_end_says_why(add_photos, workers, server):
    add_photos(5)
    server.script = always(Answer(413, body=b""))
    story = workers.strip(server.endpoint, in_flight=1, proxy_size=0)
    assert (story.exit_code, len(server.requests)) == (3, 3)
    assert story.message.startswith("The server gave no mask for the first 3 photos (the server refused it (413: ")
    assert SIZE_WORDS in story.message
    assert story.warnings == []


def _noise(size):
    return Image.fromarray(np.random.default_rng(2).integers(0, 256, (size[1], size[0], 3), np.uint8))
