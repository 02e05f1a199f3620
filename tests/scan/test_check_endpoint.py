# SPDX-License-Identifier: GPL-3.0-or-later
"""The small job behind *Test Connection*."""

import socket
import time

import pytest
from faulty_server import Answer


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
    begin = time.monotonic()
    story = workers.check_endpoint(f"http://127.0.0.1:{free_port}", retry_for=60.0)
    assert time.monotonic() - begin < 20
    assert story.exit_code == 3
    assert "connection refused" in story.message
    assert "Start the rembg server" in story.message


def test_another_server_is_told_from_rembg(workers, server):
    server.openapi = Answer(body=b"<html>It works!</html>", content_type="text/html")
    story = workers.check_endpoint(server.endpoint)
    assert story.exit_code == 3
    assert "is not a rembg server; check the address and the port" in story.message


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"endpoint": "gpu"}, "not an address such as"),
        ({"endpoint": "http://gpu.example:7000"}, "Allow Online Access"),
        ({"in_flight": 99}, "from 1 to 32"),
    ],
)
def test_bad_use_is_refused(workers, given, words):
    story = workers.check_endpoint(**{"endpoint": "http://localhost:7000", **given})
    assert story.exit_code == 2
    assert words in story.message
