# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal and the files beside it: whole lines and whole files, whatever happens."""

import json
import threading
from pathlib import Path

import pytest

from scan.errors import OutputError
from scan.files import write_atomically
from scan.journal import Journal, JournalTail, read_journal

FULL = Path("/dev/full")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


def test_a_missing_journal_is_an_empty_story(path):
    assert read_journal(path) == []


def test_what_is_written_is_read_in_order_with_run_and_time(path):
    journal = Journal(path, "r1")
    journal.write("started", photos=2)
    journal.write("photo_done", photo="ü \udcff\n.jpg")
    started, done = read_journal(path)  # without closing: every line is flushed
    assert (started["event"], started["run"], started["photos"]) == ("started", "r1", 2)
    assert done["photo"] == "ü \udcff\n.jpg"
    assert started["time"] <= done["time"]
    assert path.read_bytes().isascii()


def test_another_run_adds_and_takes_nothing_away(path):
    for run in ("r1", "r2"):
        journal = Journal(path, run)
        journal.write("started")
        journal.close()
    assert [event["run"] for event in read_journal(path)] == ["r1", "r2"]
    assert [event["run"] for event in JournalTail(path, "r2", 0).read()] == ["r2"]


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_a_torn_line_is_passed_over_ended_and_never_cut_off(path, cut):
    Journal(path, "r1").write("started")
    Journal(path, "r1").write("photo_done", photo="1.jpg")
    torn = path.read_bytes()[:-cut]
    path.write_bytes(torn)
    tail = JournalTail(path, "r2", len(torn))
    journal = Journal(path, "r2")
    journal.write("started")
    assert path.read_bytes().startswith(torn + b"\n")
    events = read_journal(path)
    # Cut by its line end alone, the line still tells what it told.
    assert [event["event"] for event in events] == ["started", *["photo_done"] * (cut == 1), "started"]
    assert [event["run"] for event in tail.read()] == ["r2"]


@pytest.mark.parametrize("line", [b"\n", b"nonsense\n", b"[1, 2]\n", b"\xff\xfe\n", b'"text"\n', b"\0\0\0\0\n"])
def test_lines_that_are_no_events_are_passed_over(path, line):
    path.write_bytes(line)
    Journal(path, "r1").write("started")
    assert [event["event"] for event in read_journal(path)] == ["started"]


def test_a_tail_reads_only_whole_lines_of_its_own_run(path):
    tail = JournalTail(path, "me", 0)
    assert tail.read() == []
    line = b'{"event": "log", "run": "me", "n": 1}\n'
    path.write_bytes(b'{"event": "log", "run": "other"}\n' + line[:20])
    assert tail.read() == []
    with path.open("ab") as file:
        file.write(line[20:] + b'{"torn": \n[1]\n' + line)
    assert [event["n"] for event in tail.read()] == [1, 1]
    assert tail.read() == []


def test_many_threads_write_whole_lines(path):
    journal = Journal(path, "r1")

    def write(thread):
        for number in range(200):
            journal.write("log", thread=thread, number=number, text="x" * 300)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = path.read_bytes().splitlines()
    assert len({(event["thread"], event["number"]) for event in map(json.loads, lines)}) == 1600 == len(lines)


def test_a_late_thread_has_no_story_to_tell_and_hears_of_it(path):
    journal = Journal(path, "r1")
    journal.finish()
    with pytest.raises(OutputError, match="The run is over"):
        journal.write("mask_announced")
    assert [event["event"] for event in read_journal(path)] == ["finished"]


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")
def test_a_disk_that_takes_nothing_is_an_expected_failure():
    journal = Journal(FULL, "r1")
    with pytest.raises(OutputError, match="cannot be written"):
        journal.write("started")
    journal.close()


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "a" / "b" / "mask.png"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [each.name for each in path.parent.iterdir()] == ["mask.png"]


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_beside_it(tmp_path):
    (tmp_path / "mask.png").mkdir()
    (tmp_path / "mask.png" / "old").touch()
    with pytest.raises(OSError, match=r"."):
        write_atomically(tmp_path / "mask.png", b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["mask.png"]
    assert (tmp_path / "mask.png" / "old").exists()
