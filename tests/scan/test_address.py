# SPDX-License-Identifier: GPL-3.0-or-later
"""What users type as an endpoint, and which of it is this computer."""

import pytest

from scan.address import Endpoint
from scan.errors import BadUseError


@pytest.mark.parametrize(
    ("text", "url", "base"),
    [
        ("http://localhost:7000/api/remove", "http://localhost:7000/api/remove", "http://localhost:7000"),
        ("http://localhost:7000", "http://localhost:7000/api/remove", "http://localhost:7000"),
        (" http://LocalHost:7000/ \n", "http://localhost:7000/api/remove", "http://localhost:7000"),
        ("https://gpu.example/rembg/api/remove/", "https://gpu.example/rembg/api/remove", "https://gpu.example/rembg"),
        ("http://[::1]:7000", "http://[::1]:7000/api/remove", "http://[::1]:7000"),
    ],
)
def test_an_address_becomes_the_endpoint_and_the_root_of_its_server(text, url, base):
    endpoint = Endpoint.parse(text)
    assert (endpoint.url, endpoint.base) == (url, base)


@pytest.mark.parametrize(
    "text",
    [
        *("", "localhost:7000", "ftp://localhost", "http://", "http://:7000", "http://localhost:70000"),
        *("http://localhost:0", "http://localhost:port", "http://[::1", "file:///etc/passwd", "/api/remove"),
        *("http://my..server:7000", f"http://{'a' * 64}.example", "http://.example"),
    ],
)
def test_what_is_no_address_is_refused_with_an_example(text):
    with pytest.raises(BadUseError, match="http://localhost:7000/api/remove"):
        Endpoint.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *("http://me:s3cret@localhost:7000", "http://s3cret@localhost:99999"),
        *("http://localhost:7000/?token=s3cret", "http://localhost:7000/#s3cret"),
    ],
)
def test_an_address_with_a_secret_in_it_is_refused_without_repeating_it(text):
    with pytest.raises(BadUseError, match="use the token") as refusal:
        Endpoint.parse(text)
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "[::1]"])
def test_loopback_is_told_by_its_name(host):
    assert Endpoint.parse(f"http://{host}:7000").is_loopback


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "192.168.1.2", "localhost.example", "127.0.0.1.example", "[fe80::1]", "gpu", "127.0.0.1%2eevil"],  # noqa: S104
)
def test_everything_else_is_another_computer(host):
    assert not Endpoint.parse(f"http://{host}:7000").is_loopback


def test_the_host_that_is_judged_is_the_host_that_is_asked():
    """Text behind a bracket is ignored by one reader of addresses and taken for the host by another."""
    try:
        endpoint = Endpoint.parse("http://[::1]evil.example")
    except BadUseError:
        return  # newer Pythons refuse it themselves
    assert "evil" not in endpoint.url
