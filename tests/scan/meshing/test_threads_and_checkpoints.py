# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on threads keeps its order and hears of a cancel; what was made once is on disk and not made again."""

import threading

import numpy as np
import pytest
from mesh_scenes import sphere

from scan.common.errors import Cancelled, OutputError
from scan.meshing.checkpoints import Checkpoints
from scan.views.arrays import Arrays
from scan.views.threads import Workers, until_cancelled


@pytest.fixture
def threads():
    workers = Workers(3, threading.Event())
    yield workers
    workers.close()


def test_results_come_in_the_order_of_the_items(threads):
    """The first of each three ends last: it waits for the others."""
    events = [threading.Event() for _ in range(30)]

    def work(number):
        if number % 3 == 0:
            assert events[number + 2].wait(60)
        events[number].set()
        return number * number

    assert list(threads.map(work, range(30))) == [number * number for number in range(30)]


def test_items_are_taken_a_few_ahead_only(threads):
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    results = threads.map(str, items())
    assert [next(results) for _ in range(10)] == [str(number) for number in range(10)]
    assert len(taken) < 20


def test_what_is_done_until_a_cancel_is_returned_and_its_errors_are_raised():
    assert until_cancelled(lambda: 42, threading.Event()) == 42
    with pytest.raises(OutputError, match="full"):
        until_cancelled(fail, threading.Event())


def fail():
    raise OutputError("The disk is full")


def test_a_cancel_does_not_wait_for_what_is_at_work():
    cancel, go_on, has_ended = threading.Event(), threading.Event(), threading.Event()

    def held():
        cancel.set()
        assert go_on.wait(60)
        has_ended.set()

    with pytest.raises(Cancelled):
        until_cancelled(held, cancel)
    assert not has_ended.is_set()
    go_on.set()
    assert has_ended.wait(60)


def test_after_a_cancel_no_more_begins(threads):
    begun = []

    def work(number):
        begun.append(number)
        if number == 5:
            threads.cancel.set()
        return number

    with pytest.raises(Cancelled):
        list(threads.map(work, range(1000)))
    assert 5 in begun
    assert len(begun) < 20
    with pytest.raises(Cancelled):
        list(threads.map(work, range(3)))
    with pytest.raises(Cancelled):
        threads.stop_if_cancelled()


def test_an_exception_comes_out_where_its_result_would(threads):
    def work(number):
        if number == 4:
            raise KeyError(number)
        return number

    results = threads.map(work, range(10))
    assert [next(results) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(KeyError, match="4"):
        next(results)
    assert list(threads.map(work, range(3))) == [0, 1, 2]


def test_a_surface_is_made_once_and_then_read(tmp_path):
    made = []

    def make():
        made.append(1)
        return sphere(1.0, 2)

    first = Checkpoints(tmp_path / "work").surface("wide", make)
    again = Checkpoints(tmp_path / "work").surface("wide", make)
    assert len(made) == 1
    for each in (first, again):
        np.testing.assert_array_equal(each.vertices, sphere(1.0, 2).vertices)
        np.testing.assert_array_equal(each.faces, sphere(1.0, 2).faces)
    assert again.vertices.dtype == np.float32
    assert again.faces.dtype == np.int64
    Checkpoints(tmp_path / "work").surface("other", make)
    assert len(made) == 2


def test_a_stage_that_ends_early_leaves_nothing(tmp_path):
    def cancelled():
        raise Cancelled

    with pytest.raises(Cancelled):
        Checkpoints(tmp_path).surface("wide", cancelled)
    assert list(tmp_path.iterdir()) == []


def test_arrays_come_back_as_they_were_kept(tmp_path):
    arrays = Arrays(tmp_path / "views")
    random = np.random.default_rng(1)
    kept = {(kind, number): random.integers(0, 256, (4, 5 + number), np.uint8) for kind in "ab" for number in range(3)}
    for (kind, number), array in kept.items():
        arrays.put(kind, number, array)
    for (kind, number), array in kept.items():
        np.testing.assert_array_equal(Arrays(tmp_path / "views").bytes(kind, number), array)
    arrays.move(2, 0)
    for kind in "ab":
        np.testing.assert_array_equal(arrays.bytes(kind, 0), kept[kind, 2])
        np.testing.assert_array_equal(arrays.bytes(kind, 1), kept[kind, 1])


def test_a_disk_that_takes_nothing_is_told(tmp_path):
    (tmp_path / "views").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        Arrays(tmp_path / "views").put("a", 0, np.zeros((2, 2), np.uint8))
    with pytest.raises(OutputError, match="cannot be written"):
        Checkpoints(tmp_path / "views").surface("wide", lambda: sphere(1.0, 1))
