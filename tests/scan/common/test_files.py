# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are whole or not there, also while somebody has the old one open."""

from pathlib import Path

import pytest

from scan.common.files import TEMPORARY_PREFIX, remove_leftovers, write_atomically


@pytest.mark.parametrize(("times", "is_written"), [(0, True), (3, True), (4, False)])
def test_a_file_that_cannot_be_replaced_for_a_moment_is_replaced_then(tmp_path, monkeypatch, times, is_written):
    """As Windows has it while a virus scanner or Blender has the file open."""
    path = tmp_path / "preview.jpg"
    path.write_bytes(b"old")
    left = [PermissionError(13, "Permission denied")] * times
    replace, waits = Path.replace, []
    monkeypatch.setattr("time.sleep", waits.append)

    def replace_later(source, target):
        if left:
            raise left.pop()
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", replace_later)
    if is_written:
        write_atomically(path, b"new")
    else:
        with pytest.raises(PermissionError):
            write_atomically(path, b"new")
    assert path.read_bytes() == (b"new" if is_written else b"old")
    assert len(waits) == min(times, 3)
    assert all(0 < seconds < 1 for seconds in waits)
    assert list(tmp_path.glob(f"{TEMPORARY_PREFIX}*")) == []


def test_what_will_not_pass_is_not_waited_for(tmp_path, monkeypatch):
    (tmp_path / "masks").mkdir()
    monkeypatch.setattr("time.sleep", None)
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "masks", b"new")


def test_what_a_killed_write_left_is_removed_and_nothing_of_others(tmp_path, monkeypatch):
    """Others begin names with .tmp-, too, and the folder may be one that a user chose."""
    (tmp_path / "mine").mkdir()
    for name in ("thesis", "0123456789ab.doc", "0123456789abc", "0123456789a", "0123456789xy"):
        (tmp_path / "mine" / f"{TEMPORARY_PREFIX}{name}").touch()
    others = sorted(tmp_path.rglob("*"))

    def die(_source, _target):
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(Path, "replace", die)
        for path in (tmp_path / "a.png", tmp_path / "mine" / "b.png"):
            with pytest.raises(KeyboardInterrupt):
                write_atomically(path, b"new")
    remove_leftovers(tmp_path, recursive=False)
    assert len(sorted(tmp_path.rglob("*"))) == len(others) + 1, "what lies below was asked to stay"
    remove_leftovers(tmp_path, recursive=True)
    assert sorted(tmp_path.rglob("*")) == others
