# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are whole or not there, also while somebody has the old one open."""

from pathlib import Path

import pytest

from scan.files import TEMPORARY_PREFIX, write_atomically


@pytest.mark.parametrize(("times", "is_written"), [(0, True), (3, True), (4, False)])
def test_a_file_that_cannot_be_replaced_for_a_moment_is_replaced_then(tmp_path, monkeypatch, times, is_written):
    """As Windows has it while a virus scanner or Blender has the file open."""
    path = tmp_path / "preview.jpg"
    path.write_bytes(b"old")
    left = [PermissionError(13, "Permission denied")] * times
    replace = Path.replace

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
    assert list(tmp_path.glob(f"{TEMPORARY_PREFIX}*")) == []


def test_what_will_not_pass_is_not_waited_for(tmp_path, monkeypatch):
    (tmp_path / "masks").mkdir()
    monkeypatch.setattr("time.sleep", None)
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "masks", b"new")
