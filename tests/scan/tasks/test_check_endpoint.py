# SPDX-License-Identifier: GPL-3.0-or-later
"""The small job behind *Test Connection*."""

import errno
import os
import socket

import pytest
import requests
import urllib3
from faulty_server import Answer, FaultyServer
from self_signed import self_signed

from scan.segmentation.address import Endpoint
from scan.segmentation.connection_errors import reason
from scan.tasks import check_endpoint


@pytest.fixture
def free_port():
    """Give a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_real_server_answers_with_its_version_and_models(rembg, workers):
    finished = workers.check_endpoint(rembg.endpoint).finished
    assert (finished["status"], finished["exit_code"], finished["version"]) == ("done", 0, "2.0.86")
    assert "u2netp" in finished["models"]
    assert finished["message"] == f"rembg 2.0.86 answers with {len(finished['models'])} models"


def test_the_bare_address_of_a_server_is_enough(rembg, workers):
    assert workers.check_endpoint(f"http://127.0.0.1:{rembg.port}").exit_code == 0


def test_nothing_listening_is_told_at_once_with_what_to_do(workers, free_port):
    story = workers.check_endpoint(f"http://127.0.0.1:{free_port}", retry_for=900.0)
    assert story.exit_code == 3
    assert "connection refused" in story.message
    assert "Start the rembg server" in story.message


def test_another_server_is_told_from_rembg(workers, server):
    server.openapi = Answer(body=b"<html>It works!</html>", content_type="text/html")
    story = workers.check_endpoint(server.endpoint)
    assert story.exit_code == 3
    assert "is not a rembg server; check the address and the port" in story.message


@pytest.mark.parametrize(
    ("openapi", "words"),
    [
        (Answer(401, body=b"who?"), "asks for a token, or refuses the one it got; set the token in the preferences"),
        (Answer(403, body=b""), "refuses access: rembg itself does not, it is a proxy or a firewall in front of it"),
        (
            Answer(403, body=b"", headers={"Server": "AirTunes/775.3.1"}),
            "macOS's AirPlay receiver, which holds port 7000: switch it off, or start rembg on another port",
        ),
        (Answer(404, body=b""), "is not a rembg server; check the address and the port"),
        (Answer(405, body=b""), "is not a rembg server; check the address and the port"),
        (Answer(503, body=b""), "is busy (503 Service Unavailable)"),
        (
            Answer(400, body=b"<center>The plain HTTP request was sent to HTTPS port</center>"),
            "wants an encrypted connection: write https:// instead of http://",
        ),
        (Answer(400, body=b"Client sent an HTTP request to an HTTPS server.\n"), "write https:// instead of http://"),
        (Answer(400, body=b"You're speaking plain HTTP to an SSL-enabled server port."), "write https:// instead"),
        (Answer(reset=True), "The connection to {url} was lost. Start the rembg server"),
        (Answer(break_off=True, body=b"{"), "The connection to {url} was lost. Start the rembg server"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(workers, server, openapi, words):
    server.openapi = openapi
    story = workers.check_endpoint(server.endpoint)
    assert story.exit_code == 3
    assert words.format(url=server.endpoint) in story.message


def test_a_server_that_hangs_is_told_of_after_ten_seconds_not_after_the_timeout(workers, server, monkeypatch):
    assert check_endpoint._PATIENCE == 10  # noqa: SLF001
    monkeypatch.setattr(check_endpoint, "_PATIENCE", 1.0)
    server.openapi = Answer(hang=True, body=b"")
    story = workers.check_endpoint(server.endpoint, timeout=900.0)
    assert story.exit_code == 3
    assert f"{server.endpoint} did not answer within 1 s: the server is very busy" in story.message


def test_https_to_a_server_without_it_is_told(workers, server):
    story = workers.check_endpoint(server.endpoint.replace("http:", "https:"))
    assert story.exit_code == 3
    assert f"https://127.0.0.1:{server.port} answers without encryption: write http:// instead" in story.message
    assert "Start the rembg server" not in story.message


@pytest.fixture
def encrypted(tmp_path):
    """Give a server that speaks TLS, with a certificate that it gave itself."""
    _, both = self_signed(tmp_path)
    with FaultyServer(certificate=both) as server:
        yield server


def test_a_certificate_that_is_not_trusted_is_told_with_the_reason(workers, encrypted):
    story = workers.check_endpoint(encrypted.endpoint)
    assert story.exit_code == 3
    assert (
        f"https://127.0.0.1:{encrypted.port} shows a certificate that this computer does not trust (self-signed "
        "certificate). Where the server is yours, choose its certificate, or that of who issued it, as Certificate in "
        "the preferences; the environment variable REQUESTS_CA_BUNDLE does as well"
    ) in story.message


def test_http_to_a_server_that_wants_tls_is_told(workers, encrypted):
    story = workers.check_endpoint(encrypted.endpoint.replace("https:", "http:"))
    assert story.exit_code == 3
    assert story.message.endswith("; or, where the server wants encrypted connections, write https://")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        # As urllib3 2 has them on Linux, macOS and Windows.
        (requests.ConnectionError("[Errno 61] Connection refused"), "No server answers at http://gpu.example:7000/"),
        (requests.ConnectionError("[WinError 10061] … the target machine actively refused it"), "connection refused"),
        (requests.ConnectionError("Failed to resolve 'gpu.example'"), "The host name gpu.example is not known"),
        (requests.ConnectionError("[Errno 11001] getaddrinfo failed"), "The host name gpu.example is not known"),
        (requests.ConnectionError("[Errno 113] No route to host"), "There is no way to gpu.example"),
        (requests.ConnectionError("[Errno 101] Network is unreachable"), "There is no way to gpu.example"),
        (requests.ConnectTimeout("timed out"), "cannot be reached (no answer within 8 s)"),
        (requests.exceptions.ProxyError("Cannot connect to proxy"), "The proxy in front of http://gpu.example:7000/"),
        (requests.exceptions.SSLError("(certificate verify failed: certificate has expired (_ssl.c:1006))"), "expired"),
        (requests.exceptions.SSLError("[SSL: RECORD_LAYER_FAILURE] record layer failure"), "without encryption"),
        (requests.ConnectionError(r"BadStatusLine('\x15\x03\x03')"), "wants an encrypted connection: write https://"),
        (requests.exceptions.SSLError("[SSL] unknown"), "No encrypted connection to http://gpu.example:7000 could"),
    ],
)
def test_every_trouble_of_the_network_has_its_words(error, words):
    assert words in reason(error, Endpoint.parse("http://gpu.example:7000"))


@pytest.mark.parametrize(
    ("beneath", "words"),
    [
        (ConnectionRefusedError(10061, "Es konnte keine Verbindung hergestellt werden"), "No server answers at"),
        (socket.gaierror(11001, "Der angegebene Host ist unbekannt"), "The host name gpu.example is not known"),
        (OSError(errno.EHOSTUNREACH, "Aucun chemin d’accès"), "There is no way to gpu.example"),
        (OSError(errno.ENETUNREACH, "Le réseau n’est pas accessible"), "There is no way to gpu.example"),
        (OSError(errno.ECONNRESET, "Die Verbindung wurde zurückgesetzt"), "was lost"),
    ],
)
def test_the_trouble_is_known_in_every_language_that_a_system_speaks(monkeypatch, beneath, words):
    def fail(*_address, **_options):
        raise beneath

    monkeypatch.setattr(urllib3.util.connection, "create_connection", fail)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)  # or the trouble would be the proxy's
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get("http://gpu.example:7000", timeout=5)
    assert words in reason(caught.value, Endpoint.parse("http://gpu.example:7000"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"endpoint": "gpu"}, "not an address such as"),
        ({"endpoint": "http://gpu.example:7000"}, "Allow Online Access"),
        ({"in_flight": 99}, "from 1 to 32"),
        ({"endpoint": "http://user:secret@localhost"}, "must not hold a user name or password; use the token instead"),
    ],
)
def test_bad_use_is_refused(workers, given, words):
    story = workers.check_endpoint(**{"endpoint": "http://localhost:7000", **given})
    assert story.exit_code == 2
    assert words in story.message
