# SPDX-License-Identifier: GPL-3.0-or-later
"""How large the picture is that the model is given, and Full Resolution: from the sidebar, scripts and the command."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from faulty_server import FaultyServer
from PIL import Image

from bpy_process import Blender

# Arguments: the calls of the operator, or the lines of the command, as JSON; tells of each how it ended.
OPERATOR = """
import json
result = []
for keywords in json.loads(arguments[0]):
    try:
        result.append(sorted(bpy.ops.scan_cutout.strip_backgrounds(**keywords))[0])
    except RuntimeError as error:
        result.append(str(error))
"""
COMMAND = """
import json
from bl_ext.user_default.scan_cutout.session import command_line
result = [command_line.run(line) for line in json.loads(arguments[0])]
"""


@pytest.fixture
def photo(add_photo: Callable[..., Path]) -> bytes:
    """Give the bytes of a photo in the photo folder that is larger than every proxy."""
    return add_photo("IMG_0001.JPG", Image.effect_noise((2400, 1800), 60).convert("RGB")).read_bytes()


def sent(server: FaultyServer) -> list[tuple[int, bytes]]:
    """Give the long edge and the bytes of every picture that the server was given."""
    pictures = [request.fields["file"] for request in server.requests]
    return [(max(Image.open(io.BytesIO(picture)).size), picture) for picture in pictures]


def test_a_script_chooses_the_proxy_or_the_photo_itself(
    blender_installed: Blender, server: FaultyServer, photo: bytes, photos: Path, tmp_path: Path
) -> None:
    choices: Sequence[dict[str, object]] = (
        {},
        {"proxy_size": 512},
        {"full_resolution": True},
        {"proxy_size": 0},
        {"proxy_size": 512, "full_resolution": True},
        {"proxy_size": 512, "full_resolution": False},
    )
    folders = {"directory": str(photos), "endpoint": server.endpoint, "model": "u2netp"}
    calls = [
        {**folders, "output_directory": str(tmp_path / str(number)), **choice} for number, choice in enumerate(choices)
    ]
    assert blender_installed.run(OPERATOR, json.dumps(calls)).result == ["FINISHED"] * len(calls)
    pictures = sent(server)
    assert [edge for edge, _ in pictures] == [1024, 512, 2400, 2400, 2400, 512]
    assert [picture for edge, picture in pictures if edge == 2400] == [photo] * 3, "the photo was encoded again"


@pytest.mark.usefixtures("photo")
def test_a_size_that_no_run_takes_is_refused(
    blender_installed: Blender, server: FaultyServer, photos: Path, output: Path
) -> None:
    """Blender itself would change it to the next one that is allowed, and say nothing."""
    folders = {"directory": str(photos), "output_directory": str(output), "endpoint": server.endpoint}
    calls = [{**folders, "proxy_size": size} for size in (-1, 1, 255, 8193)]
    for words in blender_installed.run(OPERATOR, json.dumps(calls)).result:
        assert "Proxy Size must be 0 (Full Resolution) or from 256 to 8192 pixels" in words
    lines = [
        ["strip", "--photos", str(photos), "--output", str(output), "--proxy-size", str(size)] for size in (1, 255)
    ]
    lines.append([*lines[0], "--full-resolution"])
    assert blender_installed.run(COMMAND, json.dumps(lines)).result == [2, 2, 2]
    assert server.visits == []
    assert not output.exists()


def test_the_command_chooses_the_proxy_or_the_photo_itself(
    blender_installed: Blender, server: FaultyServer, photo: bytes, photos: Path, tmp_path: Path
) -> None:
    given = ["strip", "--photos", str(photos), "--endpoint", server.endpoint, "--model", "u2netp"]
    lines = [
        [*given, "--output", str(tmp_path / str(number)), *choice]
        for number, choice in enumerate((["--proxy-size", "512"], ["--full-resolution"], []))
    ]
    assert blender_installed.run(COMMAND, json.dumps(lines)).result == [0, 0, 0]
    pictures = sent(server)
    assert [edge for edge, _ in pictures] == [512, 2400, 1024]
    assert pictures[1][1] == photo


def test_what_the_sidebar_sets_is_what_a_run_takes(blender_installed: Blender) -> None:
    code = """
    from bl_ext.user_default.scan_cutout.session import live_preview
    settings = bpy.context.scene.scan_cutout
    def taken():
        return settings.given().get("proxy_size"), live_preview._wished(bpy.context, bpy.context.scene).proxy_size
    result = [taken()]
    settings.proxy_size = 1
    result.append(taken())
    settings.full_resolution = True
    result.append(taken())
    settings.full_resolution = False
    result.append(taken())
    """
    assert blender_installed.run(code).result == [[None, 1024], [256, 256], [0, 0], [256, 256]]
