# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal and the files beside it: whole lines and whole files, whatever happens."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis_settings import IN_ONE_FOLDER

from scan.common.errors import OutputError
from scan.common.files import write_atomically
from scan.job.events import Log, MaskAnnounced, PhotoDone, PhotoFailed, Started, StepProgress
from scan.job.job_end import JobEnd
from scan.job.journal import Journal, JournalTail, read_journal
from scan.job.records import PhotoRecord

FULL = Path("/dev/full")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


def test_a_missing_journal_is_an_empty_story(path):
    assert read_journal(path) == []


def test_what_is_written_is_read_in_order_with_run_and_time(path):
    journal = Journal(path, "r1")
    journal.write(Started(task="strip", photos=2))
    journal.write(PhotoFailed(photo="ü \udcff\n.jpg"))
    started, failed = read_journal(path)  # without closing: every line is flushed
    assert (started.name, started.run, started.photos) == ("started", "r1", 2)
    assert failed.photo == "ü \udcff\n.jpg"
    assert 0 < started.time <= failed.time
    assert path.read_bytes().isascii()


def test_another_run_adds_and_takes_nothing_away(path):
    for run in ("r1", "r2"):
        journal = Journal(path, run)
        journal.write(Started())
        journal.close()
    assert [event.run for event in read_journal(path)] == ["r1", "r2"]
    assert [event.run for event in JournalTail(path, "r2", 0).read()] == ["r2"]


texts, numbers = st.text(max_size=8), st.integers()
records = st.builds(
    PhotoRecord,
    file_stamp=st.tuples(numbers, numbers),
    mask_sha256=st.text(min_size=1, max_size=8),
    centroid=st.none() | st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)),
    no_cutout=st.none() | texts,
)
written_events = st.lists(
    st.builds(Log, text=texts, photo=st.none() | texts)
    | st.builds(StepProgress, step=texts, done=numbers)
    | st.builds(PhotoDone, photo=texts, record=st.none() | records, seconds=st.floats(allow_nan=False)),
    max_size=4,
)
STARTED, DONE = Started(task="strip"), PhotoDone(photo="1.jpg")


@settings(suppress_health_check=IN_ONE_FOLDER, max_examples=100)
@given(runs=st.lists(st.tuples(written_events, st.integers(0, 120)), min_size=1, max_size=4))
@example(runs=[([STARTED], 0), ([DONE], 1), ([STARTED], 0)])
@example(runs=[([STARTED], 0), ([DONE], 2), ([STARTED], 0)])
@example(runs=[([Log(text='{"event": "log"}\n\udcff')], 12), ([], 0), ([STARTED], 0)])
def test_wherever_kills_tear_a_journal_nothing_is_lost_before_and_nothing_is_made_up(path, runs):
    """Each run writes its events and is killed: what it wrote last is cut by so many bytes."""
    path.unlink(missing_ok=True)
    expected = []
    for run, (written, cut) in enumerate(runs):
        before = path.read_bytes() if path.exists() else b""
        tail = JournalTail(path, f"r{run}", len(before))
        journal = Journal(path, f"r{run}")
        for event in written:
            journal.write(event)
        journal.close()
        content = path.read_bytes()
        assert content.startswith(before), "what is there stays where it is, torn or not"
        in_journal = [replace(event, run=f"r{run}") for event in written]
        assert list(map(without_time, tail.read())) == in_journal

        left = max(len(content) - cut, len(before))
        path.write_bytes(content[:left])
        # What has all its bytes is read, also without the line's end.
        ends = [at + len(line) for at, line in lines_of(content, len(before)) if line]
        whole = sum(end <= left for end in ends)
        expected += in_journal[:whole]
        assert list(map(without_time, read_journal(path))) == expected


def lines_of(content, begin):
    """Where each line begins from a place on, and the line."""
    for line in content[begin:].split(b"\n"):
        yield begin, line
        begin += len(line) + 1


def without_time(event):
    return replace(event, time=0.0)


lines = st.builds(
    lambda run, text: json.dumps({"event": "log", "run": run, "text": text}).encode(),
    st.sampled_from(["me", "other", ""]),
    st.integers(0, 9) | st.text(max_size=3),
)
others = st.sampled_from(
    [b"", b"nonsense", b"[1, 2]", b'{"torn": ', b"\xff\xfe", b'"text"', b"{}", b"\0\0", b'{"event": "later"}']
)


@settings(suppress_health_check=IN_ONE_FOLDER, max_examples=100)
@given(story=st.lists(lines | others, max_size=8), past=st.integers(0, 8), cuts=st.lists(st.integers(0, 400)))
def test_a_tail_tells_what_the_journal_tells_in_whatever_pieces_it_comes(path, story, past, cuts):
    path.unlink(missing_ok=True)
    start = sum(len(line) + 1 for line in story[:past])
    content = b"".join(line + b"\n" for line in story)
    tail, told, at = JournalTail(path, "me", start), [], start
    if start:
        path.write_bytes(content[:start])
    for cut in [*sorted(start + cut for cut in cuts), len(content)]:
        with path.open("ab") as file:
            file.write(content[at:cut])
        at = max(at, min(cut, len(content)))
        told += tail.read()
    assert tail.read() == []
    path.write_bytes(content[start:])
    assert told == [event for event in read_journal(path) if event.run == "me"]


@pytest.mark.parametrize("line", [b"\n", b"nonsense\n", b"[1, 2]\n", b"\xff\xfe\n", b'"text"\n', b"\0\0\0\0\n"])
def test_lines_that_are_no_events_are_passed_over(path, line):
    path.write_bytes(line)
    Journal(path, "r1").write(Started())
    assert [event.name for event in read_journal(path)] == ["started"]


def test_a_tail_reads_only_whole_lines_of_its_own_run(path):
    tail = JournalTail(path, "me", 0)
    assert tail.read() == []
    line = b'{"event": "log", "run": "me", "text": "1"}\n'
    path.write_bytes(b'{"event": "log", "run": "other"}\n' + line[:20])
    assert tail.read() == []
    with path.open("ab") as file:
        file.write(line[20:] + b'{"torn": \n[1]\n' + line)
    assert [event.text for event in tail.read()] == ["1", "1"]
    assert tail.read() == []


def test_many_threads_write_whole_lines(path):
    journal = Journal(path, "r1")

    def write(thread):
        for number in range(200):
            journal.write(Log(text=f"{thread} {number} " + "x" * 300))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = path.read_bytes().splitlines()
    assert len({event["text"] for event in map(json.loads, lines)}) == 1600 == len(lines)


def test_a_late_thread_has_no_story_to_tell_and_hears_of_it(path):
    journal = Journal(path, "r1")
    journal.finish(JobEnd.done("All is done"))
    with pytest.raises(OutputError, match="The run is over"):
        journal.write(MaskAnnounced())
    assert [event.name for event in read_journal(path)] == ["finished"]


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")
def test_a_disk_that_takes_nothing_is_an_expected_failure():
    journal = Journal(FULL, "r1")
    with pytest.raises(OutputError, match="cannot be written"):
        journal.write(Started())
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
