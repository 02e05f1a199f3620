# SPDX-License-Identifier: GPL-3.0-or-later
"""What users type as an endpoint, and which of it is this computer."""

import ipaddress
import re
import string

import hypothesis_settings  # noqa: F401 - how property tests run
import pytest
import requests
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from urllib3.util import parse_url

from scan.common.errors import BadUseError
from scan.segmentation.address import Endpoint


@pytest.mark.parametrize(
    ("text", "url", "base"),
    [
        ("http://localhost:7000/api/remove", "http://localhost:7000/api/remove", "http://localhost:7000"),
        ("http://localhost:7000", "http://localhost:7000/api/remove", "http://localhost:7000"),
        (" http://LocalHost:7000/ \n", "http://localhost:7000/api/remove", "http://localhost:7000"),
        ("https://gpu.example/rembg/api/remove/", "https://gpu.example/rembg/api/remove", "https://gpu.example/rembg"),
        ("http://[::1]:7000", "http://[::1]:7000/api/remove", "http://[::1]:7000"),
        # What rembg and uvicorn print when they start, and what stands around an address that was copied.
        ("http://0.0.0.0:7000", "http://127.0.0.1:7000/api/remove", "http://127.0.0.1:7000"),
        ("http://[::]:7000/", "http://[::1]:7000/api/remove", "http://[::1]:7000"),
        (
            "Uvicorn running on http://0.0.0.0:7000 (Press CTRL+C to quit)",
            "http://127.0.0.1:7000/api/remove",
            "http://127.0.0.1:7000",
        ),
        ("localhost:7000", "http://localhost:7000/api/remove", "http://localhost:7000"),
        ("gpu.example:7000/rembg/", "http://gpu.example:7000/rembg", "http://gpu.example:7000/rembg"),
        ("[::1]:7000", "http://[::1]:7000/api/remove", "http://[::1]:7000"),
        ('"http://localhost:7000"', "http://localhost:7000/api/remove", "http://localhost:7000"),
        ("<https://gpu.example/>", "https://gpu.example/api/remove", "https://gpu.example"),
        ("(http://gpu:7000/api/remove)", "http://gpu:7000/api/remove", "http://gpu:7000"),
    ],
)
def test_an_address_becomes_the_endpoint_and_the_root_of_its_server(text, url, base):
    endpoint = Endpoint.parse(text)
    assert (endpoint.url, endpoint.base) == (url, base)
    assert Endpoint.parse(endpoint.url) == endpoint


@pytest.mark.parametrize(
    ("text", "bases"),
    [
        ("http://h:1", ["http://h:1"]),
        ("http://h:1/api/remove/", ["http://h:1"]),
        ("http://h:1/api/", ["http://h:1/api", "http://h:1"]),
        ("http://h:1/rembg/docs", ["http://h:1/rembg/docs", "http://h:1/rembg", "http://h:1"]),
        ("http://h:1/rembg/api/remove", ["http://h:1/rembg", "http://h:1"]),
        ("http://h:1//x", ["http://h:1//x", "http://h:1"]),
    ],
)
def test_a_server_is_looked_for_at_the_path_and_above_it(text, bases):
    places = Endpoint.parse(text).places
    assert [place.base for place in places] == bases
    assert [place.url for place in places] == [f"{base}/api/remove" for base in bases]
    assert {(place.host, place.origin) for place in places} == {("h", "http://h:1")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://localhost:7000/api/remove?model=u2net", "the model is chosen beside it, in the field Model"),
        ("localhost:7000/?model=&a=true", "the model is chosen beside it"),
        ("http://localhost:7000/?model=u2net&key=s3cret", "use the token for a key"),
        ("http://localhost:7000/?a=true", "use the token for a key"),
        ("http://one:7000, http://two:7000", "several addresses; write one, and use Add Endpoint"),
        ("http://one:7000http://two:7000", "several addresses"),
        ("http://me:s3cret@localhost:7000", "use the token instead, as user:password"),
    ],
)
def test_what_belongs_elsewhere_is_told_where(text, words):
    with pytest.raises(BadUseError, match=re.escape(words)) as refusal:
        Endpoint.parse(text)
    assert "s3cret" not in str(refusal.value)


def as_asked(host):
    """Where a server is asked that listens everywhere; any other host as it is."""
    try:
        is_everywhere = ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return host
    return ("[::1]" if ":" in host else "127.0.0.1") if is_everywhere else host


labels = st.from_regex(r"[a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
names = st.lists(labels, min_size=1, max_size=4).map(".".join) | st.sampled_from(["localhost", "localhost.", "gpu"])
numbers = st.ip_addresses(v=4).map(str) | st.sampled_from(["127.0.0.1", "127.8.9.10", "0.0.0.0"])  # noqa: S104
colons = (st.ip_addresses(v=6) | st.just(ipaddress.ip_address("::1"))).flatmap(
    lambda each: st.sampled_from([f"[{each}]", f"[{each.exploded}]"])
)
hosts = names | numbers | colons
ports = st.just("") | (st.integers(1, 65535) | st.sampled_from([80, 443])).map(lambda port: f":{port}")
paths = st.just("") | st.lists(st.text(string.ascii_letters + "-_.~%", min_size=1), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)


@settings(max_examples=100)
@given(st.sampled_from(["http", "https"]), hosts, ports, paths, st.data())
def test_every_spelling_of_an_address_is_the_same_endpoint(scheme, host, port, path, data):
    base = scheme + "://" + as_asked(host) + port + path.removesuffix("/api/remove")
    expected = Endpoint.parse(base + "/api/remove")
    assert (expected.url, expected.base, expected.host) == (base + "/api/remove", base, as_asked(host).strip("[]"))
    spelt = "".join(data.draw(st.sampled_from([each, each.upper()])) for each in scheme + "://" + host)
    blanks = st.text(" \t\r\n", max_size=3)
    spelt = data.draw(blanks) + spelt + port + path.removesuffix("/api/remove")
    if path and data.draw(st.booleans()):  # a path says where masks are made, and is left as it is
        assume(not path.endswith("/api/remove"))
        own = Endpoint.parse(spelt + data.draw(st.text("/", max_size=2)) + data.draw(blanks))
        assert (own.url, own.base, own.host) == (base, base, expected.host)
        return
    ends = st.sampled_from(["/api/remove"] if path else ["/api/remove", ""])
    spelt += data.draw(ends) + data.draw(st.text("/", max_size=2)) + data.draw(blanks)
    assert Endpoint.parse(spelt) == expected
    assert Endpoint.parse(expected.url) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "localhost", "gpu", "localhost:", "ftp://localhost", "http://", "http://:7000", "http://localhost:70000"),
        *("http://localhost:0", "http://localhost:port", "http://[::1", "file:///etc/passwd", "/api/remove"),
        *("http://my..server:7000", f"http://{'a' * 64}.example", "http://.example"),
    ],
)
def test_what_is_no_address_is_refused_with_an_example(text):
    with pytest.raises(BadUseError, match="http://localhost:7000/api/remove"):
        Endpoint.parse(text)


@given(hosts, st.text(string.ascii_letters + string.digits + "-_:/.%!$&'()*+,;=[] ", max_size=8), st.data())
@example("localhost:7000", "me:", None)
@example("localhost:99999", "", None)
def test_an_address_with_a_secret_in_it_is_refused_without_repeating_it(host, beside, data):
    secret = "s3cret"  # noqa: S105 - of nobody
    forms = [
        f"http://{beside}{secret}@{host}",
        f"http://{secret}{beside}@{host}",
        f"http://{host}/?{beside}={secret}",
        f"http://{host}?{secret}",
        f"http://{host}/api/remove#{beside}{secret}",
        f"{beside}{secret}@{host}",
    ]
    for text in forms if data is None else [data.draw(st.sampled_from(forms))]:
        with pytest.raises(BadUseError, match="use the token") as refusal:
            Endpoint.parse(text)
        assert secret not in str(refusal.value)


@given(hosts, ports)
@example("localhost", ":7000")
@example("LOCALHOST", "")
@example("127.0.0.1", "")
@example("127.8.9.10", "")
@example("[::1]", "")
@example("[::11]", "")
@example("0.0.0.0", "")  # noqa: S104
@example("192.168.1.2", "")
@example("gpu", "")
@example("localhost.example", "")
@example("127.0.0.1.example", "")
@example("127.0.0.1%2eevil", "")
@example("127.1", "")
@example("2130706433", "")
@example("[fe80::1]", "")
def test_only_what_is_named_so_is_this_computer(host, port):
    """127/8 and ::1 as RFC 1122 and 4291 have them, and the name localhost; nothing is looked up."""
    host = as_asked(host)
    parts = host.split(".")
    is_in_127 = len(parts) == 4 and all(part.isdigit() for part in parts) and parts[0] == "127"
    literal = host.strip("[]")
    is_one = ":" in host and literal[-1] == "1" and not literal[:-1].strip("0:")
    assert Endpoint.parse(f"http://{host}{port}").is_loopback == (host.lower() == "localhost" or is_in_127 or is_one)


PIECES = ["http://", "localhost", "127.0.0.1", "[::1]", "[", "]", "::1", "evil.example", ".", "/", "\\", ":", "7000"]
PIECES += [
    "%2e",
    "%",
    "\t",
    "\n",
    " ",
    "\u3002",
    "ⓛ",
    "\u212a",
    "\uff0f",
    "\0",
    ";",
    "\xad",
    "0x7f",
    "..",
    "api/remove",
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=6).map(lambda pieces: "http://" + "".join(pieces)))
@example("http://[::1]evil.example")  # ignored by one reader of addresses and taken for the host by another
def test_the_host_that_is_judged_is_the_host_that_is_asked(text):
    try:
        endpoint = Endpoint.parse(text)
    except BadUseError:
        return
    assert Endpoint.parse(endpoint.url).host == endpoint.host
    if endpoint.is_loopback:
        asked = requests.Request("POST", endpoint.url).prepare().url
        assert parse_url(asked).host.strip("[]") == endpoint.host
