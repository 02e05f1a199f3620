# SPDX-License-Identifier: GPL-3.0-or-later
"""From any spelling of an address the one endpoint is found, and what is tested is what is used."""

import contextlib
import json

import pytest
from faulty_server import NO_PICTURE, Answer, FaultyServer
from reverse_proxy import ReverseProxy, Rules

BEHIND_A_PREFIX = Rules(routes={"/rembg/": "/"})


class At(FaultyServer):
    """A server that is rembg below one path, and nothing elsewhere."""

    def __init__(self, path):
        super().__init__()
        self._places = {f"{path}/openapi.json", f"{path}/api/remove"}

    def received(self, method, path, headers, body):
        """Look up what to do about a request."""
        request, answer = super().received(method, path, headers, body)
        return request, answer if path in self._places else Answer(404, body=b"")


@pytest.fixture
def behind(rembg):
    """Give a function that puts a proxy with some rules before the real server."""
    with contextlib.ExitStack() as opened:
        yield lambda rules, **given: opened.enter_context(ReverseProxy(rembg.endpoint, rules, **given))


@pytest.mark.parametrize(
    "spelling", ["/rembg", "/rembg/", "/rembg/api", "/rembg/api/", "/rembg/api/remove", "/rembg/docs"]
)
def test_behind_a_prefix_the_test_asks_what_the_work_asks(behind, add_photos, workers, spelling, output):
    names = add_photos(1)
    proxy = behind(BEHIND_A_PREFIX)
    endpoint = f"{proxy.url}/rembg/api/remove"
    story = workers.check_endpoint(proxy.url + spelling)
    assert (story.exit_code, story.finished["endpoint"], story.finished["version"]) == (0, endpoint, "2.0.86")
    assert "u2netp" in story.finished["models"]
    assert (f" models at {endpoint}" in story.message) == (spelling != "/rembg/api/remove")
    story = workers.strip(proxy.url + spelling)
    assert (story.made, story.exit_code) == (names, 0)
    assert proxy.pictures == ["/rembg/api/remove"]
    assert json.loads((output / "report.json").read_bytes())["versions"]["model"] == "rembg 2.0.86"


@pytest.mark.parametrize(
    ("spelling", "host"),
    [
        ("http://localhost:{port}/api", "localhost"),
        ("http://0.0.0.0:{port}", "127.0.0.1"),
        ("http://0.0.0.0:{port}/api", "127.0.0.1"),
        ("INFO:     Uvicorn running on http://0.0.0.0:{port} (Press CTRL+C to quit)", "127.0.0.1"),
        ("127.0.0.1:{port}", "127.0.0.1"),
        ("http://127.0.0.1:{port}/docs", "127.0.0.1"),
        ("http://127.0.0.1:{port}/openapi.json", "127.0.0.1"),
        ("http://127.0.0.1:{port}/gradio_api/info", "127.0.0.1"),
        ("http://127.0.0.1:{port}/api/remove/", "127.0.0.1"),
    ],
)
def test_what_rembg_itself_prints_and_its_pages_lead_to_it(rembg, workers, spelling, host):
    story = workers.check_endpoint(spelling.format(port=rembg.port))
    assert (story.exit_code, story.finished["endpoint"]) == (0, f"http://{host}:{rembg.port}/api/remove")


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        (Rules(routes={"/cutout": "/api/remove"}), "/cutout"),
        (Rules(routes={"/api/remove": "/api/remove"}), "/api/remove"),
        (Rules(forbidden=("/openapi.json", "/docs")), "/api/remove"),
    ],
    ids=["another path", "that path alone", "its description forbidden"],
)
def test_a_proxy_that_lets_through_the_endpoint_alone_is_enough(behind, add_photos, workers, rules, path, output):
    names = add_photos(1)
    proxy = behind(rules)
    story = workers.check_endpoint(proxy.url + path)
    assert (story.exit_code, story.message) == (0, "rembg answers")
    found = [story.finished[each] for each in ("endpoint", "version", "models")]
    assert found == [proxy.url + path, "", []]
    story = workers.strip(proxy.url + path)
    assert (story.made, story.exit_code) == (names, 0)
    assert proxy.pictures == [path]
    assert json.loads((output / "report.json").read_bytes())["versions"]["model"] == "rembg"


def test_a_description_without_its_endpoint_is_not_enough(behind, workers):
    proxy = behind(Rules(routes={"/openapi.json": "/openapi.json", "/x/": "/"}))
    story = workers.check_endpoint(proxy.url)
    assert story.exit_code == 3
    assert f"What answers at {proxy.url} is not a rembg server" in story.message


def test_an_endpoint_that_lets_nobody_in_fails_the_test_not_the_run(behind, workers):
    proxy = behind(Rules(login="me:pass", guarded="/api/remove"))
    story = workers.check_endpoint(proxy.url)
    assert story.exit_code == 3
    assert f"{proxy.url}/api/remove asks for a user name and a password" in story.message


def test_where_no_rembg_is_all_places_that_were_asked_are_named(workers, server):
    server.openapi = Answer(404, body=b"")
    root = f"http://127.0.0.1:{server.port}"
    story = workers.check_endpoint(f"{root}/rembg/api")
    assert story.exit_code == 3
    assert story.message.startswith(
        f"What answers at {root}/rembg/api and at {root}/rembg and at {root} is not a rembg server; check the address"
    )


@pytest.mark.parametrize(
    "answer", [Answer(422, body=b"{}"), Answer(422, body=b'{"detail": "odd"}'), Answer(body=b"[]")]
)
def test_what_only_looks_like_rembg_is_none(workers, server, answer):
    server.openapi, server.without_picture = Answer(404, body=b""), answer
    assert workers.check_endpoint(server.endpoint).exit_code == 3
    server.without_picture = NO_PICTURE
    assert workers.check_endpoint(server.endpoint).exit_code == 0


def test_spellings_of_one_server_are_one_server(add_photos, workers):
    names = add_photos(6)
    with At("") as server:
        root = f"http://127.0.0.1:{server.port}"
        story = workers.strip(f"{root}/api", further=(f"{root}/docs", f"http://0.0.0.0:{server.port}"), in_flight=1)
        assert (story.made, story.exit_code, server.most_in_flight) == (names, 0, 1)
    same = "leads to it, and another endpoint does already; remove one"
    assert story.warnings == [
        f"Going on without {root}/api/remove: {root}/docs {same}",
        f"Going on without {root}/api/remove: http://0.0.0.0:{server.port} {same}",
    ]


def test_a_photo_whose_kept_answer_is_damaged_is_asked_of_the_endpoint_that_is_found(add_photos, workers, output):
    (name,) = add_photos(1)
    with At("/rembg") as server:
        endpoint = f"http://127.0.0.1:{server.port}/rembg"
        assert workers.strip(endpoint).made == [name]
        (soft,) = (output / "soft").iterdir()
        soft.write_bytes(soft.read_bytes()[:40])
        assert workers.strip(endpoint, threshold=60).made == [name]
        assert {request.path for request in server.requests} == {"/rembg/api/remove"}
        assert len(server.requests) == 2
