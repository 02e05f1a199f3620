# SPDX-License-Identifier: GPL-3.0-or-later
"""What several workers share is made by one of them, and all of them get it, or the reason why not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import wait_for
from shared_once import NotMadeError, shared_once


class Factory:
    """Says, as pytest's own does, where a worker's temporary files are."""

    def __init__(self, base: Path) -> None:
        base.mkdir()
        self._base = base

    def getbasetemp(self) -> Path:
        """Where they are."""
        return self._base


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Factory]:
    """Give those of three workers."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    return [Factory(tmp_path / f"popen-gw{number}") for number in range(3)]


def test_one_makes_it_and_the_others_wait(factories):
    makes = threading.Event()
    made = []

    def make(folder):
        made.append(folder)
        makes.wait()
        (folder / "file").write_text("whole")

    def get(factory):
        folder = shared_once(factory, "thing", make)
        return folder, (folder / "file").read_text()

    with ThreadPoolExecutor(3) as workers:
        asked = [workers.submit(get, each) for each in factories]
        wait_for(lambda: made)
        assert not any(each.done() for each in asked)
        makes.set()
        got = [each.result() for each in asked]
    assert got == [(made[0], "whole")] * 3
    assert len(made) == 1


def test_the_others_are_told_why_it_was_not_made(factories):
    def make(_folder):
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        shared_once(factories[0], "thing", make)
    for each in factories[1:]:
        with pytest.raises(NotMadeError, match="ValueError: no room"):
            shared_once(each, "thing", lambda _folder: None)


def test_runs_without_workers_share_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    one, other = (shared_once(Factory(tmp_path / name), "thing", lambda _folder: None) for name in ("one", "other"))
    assert one != other
