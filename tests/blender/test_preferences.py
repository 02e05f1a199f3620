# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preferences hold reaches the worker, and what a call names goes before it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import wait_for
from faulty_server import Answer, FaultyServer
from reverse_proxy import ReverseProxy, Rules
from self_signed import self_signed

from bpy_process import Blender
from rembg_server import RembgServer

README = Path(__file__).parents[2] / "README.md"

# Arguments: the endpoints of the preferences, then what is called and with which keywords.
CALL = """
import json
import bl_ext.user_default.scan_cutout.properties.job_settings as settings

addresses, name, keywords = map(json.loads, arguments)
stored = settings.preferences(bpy.context)
stored.endpoint, *further = addresses
stored.model, stored.in_flight, stored.retry_for = "u2netp", 2, 0
for address in further:
    bpy.ops.scan_cutout.add_endpoint()
    stored.further_endpoints[-1].address = address
bpy.ops.scan_cutout.add_endpoint()                          # not filled in yet
bpy.ops.scan_cutout.add_endpoint()
bpy.ops.scan_cutout.remove_endpoint(index=len(stored.further_endpoints) - 1)
try:
    result = [sorted(getattr(bpy.ops.scan_cutout, name)(**keywords)), ""]
except RuntimeError as error:
    result = [["RuntimeError"], str(error)]
"""


def call(blender: Blender, addresses: Sequence[str], name: str, **keywords: Any) -> Any:
    return blender.run(CALL, json.dumps(addresses), json.dumps(name), json.dumps(keywords, default=str)).result


@pytest.fixture
def other() -> Iterator[FaultyServer]:
    """Give a second server."""
    with FaultyServer() as faulty:
        yield faulty


def test_all_endpoints_of_the_preferences_are_used_side_by_side(
    blender_installed: Blender,
    server: FaultyServer,
    other: FaultyServer,
    add_photos: Callable[[int], Sequence[str]],
    photos: Path,
    output: Path,
) -> None:
    names = add_photos(12)
    # One server alone cannot be quick enough: each waits until the other is asked as well.
    server.script = lambda _request: wait_for(lambda: other.requests) and Answer()
    other.script = lambda _request: wait_for(lambda: server.requests) and Answer()
    ended = call(
        blender_installed,
        [server.endpoint, other.endpoint],
        "strip_backgrounds",
        directory=photos,
        output_directory=output,
    )
    assert ended == [["FINISHED"], ""]
    assert len(server.requests) + len(other.requests) == len(names)
    assert server.requests
    assert other.requests
    settings = json.loads((output / "job.json").read_text("utf-8"))["settings"]["endpoint"]
    assert settings["further"] == [other.endpoint]
    assert settings["in_flight"] == 2


def test_an_endpoint_that_is_named_is_used_alone(
    blender_installed: Blender,
    server: FaultyServer,
    other: FaultyServer,
    add_photos: Callable[[int], Sequence[str]],
    photos: Path,
    output: Path,
) -> None:
    add_photos(4)
    addresses = ["http://127.0.0.1:9/api/remove", other.endpoint]
    folders = {"directory": photos, "output_directory": output}
    ended = call(blender_installed, addresses, "strip_backgrounds", endpoint=server.endpoint, **folders)
    assert ended == [["FINISHED"], ""]
    assert len(server.requests) == 4
    assert other.requests == []


def test_every_endpoint_is_tested(blender_installed: Blender, server: FaultyServer, other: FaultyServer) -> None:
    good = [server.endpoint, other.endpoint]
    assert call(blender_installed, good, "check_endpoint") == [["FINISHED"], ""]
    assert server.visits
    assert other.visits
    ended, words = call(
        blender_installed, ["http://127.0.0.1:9", "http://example.com", server.endpoint], "check_endpoint"
    )
    assert ended == ["RuntimeError"]
    assert "refused" in words
    assert "example.com is not this computer" in words
    assert len(server.visits) == 4, "the first one's trouble kept the others from being tested"


# Arguments: a server's address as it was typed, a token, a certificate's file, photos, an output folder.
KEEP = """
import bl_ext.user_default.scan_cutout.properties.job_settings as settings

typed, token, certificate, photos, output = arguments
stored = settings.preferences(bpy.context)
stored.endpoint, stored.token, stored.certificate, stored.model = typed, token, certificate, "u2netp"
for address in (typed, "http://127.0.0.1:9/rembg"):
    bpy.ops.scan_cutout.add_endpoint()
    stored.further_endpoints[-1].address = address
bpy.context.preferences.is_dirty = False
try:
    bpy.ops.scan_cutout.check_endpoint()
except RuntimeError as error:
    refusal = str(error)
kept = [stored.endpoint, *(each.address for each in stored.further_endpoints)]
is_dirty = bpy.context.preferences.is_dirty
stored.further_endpoints.clear()
ended = sorted(bpy.ops.scan_cutout.strip_backgrounds(directory=photos, output_directory=output))
stored.endpoint = typed  # one that was never tested
ended += sorted(bpy.ops.scan_cutout.strip_backgrounds(directory=photos, output_directory=output + "/again"))
result = [kept, is_dirty, refusal, ended]
"""


@pytest.mark.compat
def test_what_test_connection_finds_is_what_the_preferences_hold(
    blender_installed: Blender,
    rembg: RembgServer,
    add_photos: Callable[[int], Sequence[str]],
    photos: Path,
    output: Path,
    tmp_path: Path,
) -> None:
    """Over https with a certificate that the server gave itself, behind a prefix and a password."""
    add_photos(1)
    certificate, both = self_signed(tmp_path, "IP:127.0.0.1")
    rules = Rules(routes={"/rembg/": "/"}, login="me:pa55word")
    with ReverseProxy(rembg.endpoint, rules, certificate=both) as proxy:
        kept, is_dirty, refusal, ended = blender_installed.run(
            KEEP, f"{proxy.url}/rembg/", rules.login, certificate, photos, output
        ).result
    found = f"{proxy.url}/rembg/api/remove"
    assert kept == [found, found, "http://127.0.0.1:9/rembg"]
    assert is_dirty, "Blender does not save the preferences"
    assert "No server answers at http://127.0.0.1:9/rembg" in refusal
    assert ended == ["FINISHED", "FINISHED"]
    assert proxy.pictures == ["/rembg/api/remove"] * 2
    for folder in (output, output / "again"):
        job = (folder / "job.json").read_text("utf-8")
        assert json.loads(job)["settings"]["endpoint"]["certificate"] == str(certificate)
        assert "pa55word" not in job


def test_an_answer_that_comes_later_is_that_of_the_address_that_was_found(
    blender_installed: Blender, rembg: RembgServer
) -> None:
    """As the preferences' button has it, which waits for nothing."""
    code = """
    import time
    import bl_ext.user_default.scan_cutout.properties.job_settings as settings
    from bl_ext.user_default.scan_cutout.session import found_endpoint, queries

    stored, asked = settings.preferences(bpy.context), arguments[0]
    stored.endpoint = asked
    other = stored.further_endpoints.add()
    other.address = "http://127.0.0.1:9"
    for address in (asked, other.address):
        queries.ask(
            bpy.context, queries.of_endpoint(address), {"task": "check_endpoint", "settings": {"endpoint": address}},
            lambda answer, address=address: found_endpoint.keep(bpy.context, address, answer),
        )
    while queries._look() is not None:
        time.sleep(0.02)
    answers = [queries.answer(queries.of_endpoint(each)) for each in (stored.endpoint, other.address, asked)]
    result = [stored.endpoint, other.address, [each and each.status for each in answers]]
    """
    kept = blender_installed.run(code, rembg.endpoint.removesuffix("/remove")).result
    assert kept == [rembg.endpoint, "http://127.0.0.1:9", ["done", "failed", None]]


def test_the_docker_command_is_the_one_in_the_readme(blender_installed: Blender) -> None:
    command = blender_installed.run("""
        from bl_ext.user_default.scan_cutout.operators import copy_docker_command
        result = copy_docker_command.DOCKER_COMMAND
    """).result
    assert f"\n{command}\n" in README.read_text("utf-8")
