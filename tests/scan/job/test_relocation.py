# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that change places, on disks that do not do all that is asked of them."""

from pathlib import Path

import pytest

from scan.common.errors import OutputError
from scan.job.relocation import finish, gather


@pytest.fixture
def begin(tmp_path):
    """Give a function that gathers a mask which is to have another name, and returns the relocation's name."""

    def begin():
        mask = tmp_path / "masks" / "1.png"
        mask.parent.mkdir()
        mask.write_bytes(b"painted")
        return gather(tmp_path, {mask: tmp_path / "masks" / "A" / "2.png"}, [mask])

    return begin


def contents(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_disk_without_hard_links_has_them_copied(tmp_path, begin, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    finish(tmp_path, {begin()})
    assert contents(tmp_path) == {"masks/A/2.png": b"painted"}


def test_what_is_to_be_done_and_cannot_be_read_is_told_and_kept(tmp_path, begin):
    name = begin()
    (plan,) = tmp_path.glob("*/plan.json")
    plan.write_bytes(b"{")
    with pytest.raises(OutputError, match=r"cannot be read \(.*\); restore it from a backup, or remove it"):
        finish(tmp_path, {name})
    assert contents(tmp_path)["masks/1.png"] == b"painted"
    assert plan.is_file()


def test_a_list_that_cannot_be_removed_is_told_and_gone_through_again(tmp_path, begin, monkeypatch):
    name, unlink = begin(), Path.unlink

    def refuse(path, **given):
        if path.name == "plan.json":
            raise PermissionError(13, "Permission denied")
        unlink(path, **given)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OutputError, match="close the program that has it open, then run again"):
        finish(tmp_path, {name})
    monkeypatch.undo()
    finish(tmp_path, {name})
    assert contents(tmp_path) == {"masks/A/2.png": b"painted"}
