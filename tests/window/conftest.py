# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender window for tests, with the extension installed from its zip.

How to write a window test: ask for ``window``, and give it a script whose function ``steps`` yields what to wait for
(a condition, or Blender's next rounds) and returns what the test wants to know::

    def test_the_sidebar_opens(window: WindowBlender) -> None:
        run = window.run('''
            def steps():
                yield sidebar("Scan Cutout")             # open, with this tab in front
                check(region("UI").width > 100, "the sidebar is narrow")
                yield click(*(yield from find("scan_cutout.check_endpoint")))    # the button of an operator
                yield move(800, 500)                     # pixels from the lower left corner
                yield press("N")                         # what such a call returns lets Blender handle it
                yield until(lambda: region("UI").width <= 1, "the sidebar to close")
                shot("closed")                           # <folder>/closed.png
                return region("UI").width
        ''')
        assert run.result <= 1                           # raises with the console where a step or a check failed
        assert brightness(run.folder / "closed.png") > 20

``arguments`` are what ``run`` was given besides the script; tools/run_in_window.py has all that scripts find, and
tools/blender_window.py all that tests do: ``start`` instead of ``run`` to do something from outside meanwhile
(``until``, ``screen.picture``, ``end`` to kill Blender), ``workers()`` and ``wait_until_gone()`` for what is left,
``command("strip", …)`` for the command line. No wait has a limit of its own: pytest-timeout ends a test, and the error
then tells what was waited for, has the console, and names a picture of the screen. After each test the console has to
be free of tracebacks and drawing errors: ``run.complaints`` has them, and a test that wants to see some adds them to
``window.expected``. A dozen tests are in the gate; the others are marked ``full``.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faulty_server import FaultyServer
from job_scripts import HeldServer
from PIL import Image

import build
import window_setup
from blender_window import TARGET, Room, WindowBlender
from rembg_server import RembgServer


@pytest.fixture(scope="session")
def room() -> Iterator[Room]:
    """Give the room that windows live in, one for all tests; where there can be none, skip, or fail where CI is set."""
    reason = window_setup.reason_against()
    if not reason and build.this_platform() != TARGET.platform:
        pytest.skip(
            f"Debian's Blender is tested on {TARGET.platform}, since there is a zip with wheels for its Python."
        )
    if not reason and not window_setup.is_ready():
        reason = "The Blender window is not set up: python tools/window_setup.py"
    if reason:
        # Windows and macOS have no Debian: what cannot be there is not missing.
        if os.environ.get("CI") and sys.platform.startswith("linux"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with Room() as opened:
        yield opened


@pytest.fixture(scope="session")
def _installed(room: Room, tmp_path_factory: pytest.TempPathFactory) -> WindowBlender:
    folder = tmp_path_factory.mktemp("window-installed")
    build.build(only=TARGET.platform, output=folder / "dist")
    zipped = folder / "dist" / build.zip_name(TARGET)
    return WindowBlender(room, folder / "home").install(zipped, is_coarse=not os.environ.get("README_PICTURES"))


@pytest.fixture
def window(_installed: WindowBlender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowBlender]:
    """Give a Blender with the extension installed and enabled, for this one test."""
    home = tmp_path_factory.mktemp("window")
    blender = _installed.copy(home)
    yield blender
    complaints = blender.close()
    # The runs, with their pictures and consoles, stay for whoever wants to see what happened.
    shutil.rmtree(home / "user")
    assert not [line for line in complaints if line not in blender.expected]


@pytest.fixture
def held_rembg(rembg: RembgServer, server: FaultyServer, tmp_path: Path) -> HeldServer:
    """Give a server for a job that has to go on for as long as a test wants it to, however fast the server is."""
    held = HeldServer(server.endpoint, tmp_path / "go")
    server.script = server.passed_on(rembg.endpoint, 8, held.gate)
    return held


@pytest.fixture
def scan(photos: Path, turntable: Path) -> Path:
    """Give a folder with two photos of one side of the turntable scan and one of the other."""
    for name in ("upright/IMG_0001.JPG", "upright/IMG_0006.JPG", "flipped/IMG_0021.JPG"):
        (photos / name).parent.mkdir(exist_ok=True)
        shutil.copy2(turntable / "photos" / name, photos / name)
    return photos


@pytest.fixture
def keep() -> Callable[..., None]:
    """Give a function that keeps pictures of the screen for the README, beside each other, in ``$README_PICTURES``.

    ``keep(name, [path, …], (left, top, right, bottom))``: of each picture, that part. ``make pictures`` sets the
    variable; without it the pictures are opened and cut all the same, so that what does not work is seen.
    """

    def keep(name: str, paths: list[Path], box: tuple[int, int, int, int]) -> None:
        parts = [Image.open(path).convert("RGB").crop(box) for path in paths]
        gap = 12
        width = sum(part.width + gap for part in parts) - gap
        picture = Image.new("RGB", (width, parts[0].height), "white")
        for number, part in enumerate(parts):
            picture.paste(part, (number * (part.width + gap), 0))
        if folder := os.environ.get("README_PICTURES"):
            # Interfaces have few colours: half the bytes, and nobody sees it.
            picture.quantize(256, dither=Image.Dither.NONE).save(Path(folder) / f"{name}.png", optimize=True)

    return keep
