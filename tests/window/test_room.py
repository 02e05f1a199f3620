# SPDX-License-Identifier: GPL-3.0-or-later
"""The room that windows live in harms nothing outside, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import environments
import window_setup
from blender_window import Room, WindowBlender

pytestmark = pytest.mark.full


def test_nothing_that_is_mounted_in_the_room_is_seen_outside(room: Room, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("seen in the room", encoding="utf-8")
    shown = room.start(["cat", str(tmp_path / "file")], {}, stdout=subprocess.PIPE, text=True)
    assert shown.communicate() == ("seen in the room", None)
    mounted = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    assert str(window_setup.WINDOW) not in mounted
    # So these are empty to whatever deletes the Debian.
    for folder in (environments.ROOT, tmp_path, Path("/proc")):
        inside = window_setup.DEBIAN / folder.relative_to("/")
        assert not inside.exists() or list(inside.iterdir()) == []


@pytest.mark.usefixtures("room")  # where there is one, mounting is possible
def test_a_folder_with_a_mount_in_it_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "debian" / "dev").mkdir(parents=True)
    (tmp_path / "machine").mkdir()
    (tmp_path / "machine" / "file").touch()
    # In a namespace of its own, where a mount that the test would leave behind is nobody's either.
    script = f"""
        mount --bind {tmp_path}/machine {tmp_path}/debian/dev
        cd {environments.ROOT}/tools
        {sys.executable} -c 'import pathlib, window_setup; window_setup.remove(pathlib.Path("{tmp_path}/debian"))'
    """
    done = subprocess.run(["unshare", "--mount", "sh", "-euc", script], capture_output=True, text=True, check=False)
    assert "Something is mounted at" in done.stderr
    assert (tmp_path / "machine" / "file").exists()


def test_all_that_is_in_a_room_ends_with_the_process_that_made_it(room: Room, tmp_path: Path) -> None:
    folders = [str(environments.ROOT / "tools"), str(environments.ROOT / "vendor")]
    code = f"""
import sys
sys.path[:0] = {folders}
from blender_window import Room, Screen, WindowBlender
from pathlib import Path
with Room() as room:
    screen = Screen(room, WindowBlender(room, Path({str(tmp_path)!r})).environment)
    print(screen.display, flush=True)
    input()
"""
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert other.stdout
    assert other.stdout.readline().startswith(":")
    there = WindowBlender(room, tmp_path)
    assert there.processes() != []
    other.kill()
    other.communicate()
    there.wait_until_gone()
