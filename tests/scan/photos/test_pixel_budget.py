# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos at full size are held a few at a time, whatever number of threads wants them."""

import queue
import threading
from contextlib import contextmanager

import hypothesis_settings  # noqa: F401 - how property tests run
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scan.job.folder import JobFolder
from scan.job.journal import Journal
from scan.masks.mask import Answer, as_png
from scan.photos.photo import find_photos
from scan.photos.pixel_budget import PixelBudget
from scan.tasks.photo_pipeline import PhotoPipeline


class Holders:
    """Threads that hold room of a budget until they are let go. None is looked at before it holds or waits."""

    def __init__(self, most: int) -> None:
        news = queue.SimpleQueue()

        class Telling(threading.Condition):
            def wait(self, timeout=None):
                news.put(None)
                return super().wait(timeout)

        condition, threading.Condition = threading.Condition, Telling
        try:
            self._budget = PixelBudget(most)
        finally:
            threading.Condition = condition
        self._news = news
        self._threads, self._let_go = {}, {}
        self.waiting, self.holding = {}, {}

    def begin(self, pixels: int) -> None:
        """Start a thread that wants so much room."""
        number = len(self._threads)
        self.waiting[number], self._let_go[number] = pixels, threading.Event()
        self._threads[number] = threading.Thread(target=self._hold, args=(number, pixels), daemon=True)
        self._threads[number].start()
        self._hear(1)

    def end(self, number: int) -> None:
        """Let one go. Whoever waits then looks whether there is room now."""
        del self.holding[number]
        self._let_go[number].set()
        self._threads[number].join()
        self._hear(len(self.waiting))

    def _hold(self, number: int, pixels: int) -> None:
        with self._budget.hold(pixels):
            self._news.put(number)
            self._let_go[number].wait()

    def _hear(self, count: int) -> None:
        for _ in range(count):
            number = self._news.get()
            if number is not None:
                self.holding[number] = self.waiting.pop(number)


@settings(max_examples=40)
@given(wanted=st.lists(st.integers(0, 130), min_size=1, max_size=8), data=st.data())
@example(wanted=[40, 40, 40, 40, 10, 90], data=None)
@example(wanted=[500, 1, 0], data=None)
@example(wanted=[1, 500, 0], data=None)
def test_as_much_is_held_at_once_as_there_is_room_for_and_no_more(wanted, data):
    """One that is larger than all the room is let through alone; who needs none does not wait."""
    holders, left = Holders(100), list(wanted)
    while left or holders.holding:
        if left and (data is None or not holders.holding or data.draw(st.booleans())):
            holders.begin(left.pop(0))
        else:
            one = min(holders.holding) if data is None else data.draw(st.sampled_from(sorted(holders.holding)))
            holders.end(one)
        held = sum(holders.holding.values())
        assert held <= 100 or len([pixels for pixels in holders.holding.values() if pixels]) == 1
        assert all(pixels and held and held + pixels > 100 for pixels in holders.waiting.values())
    assert not holders.waiting


def test_room_is_given_back_by_who_fails():
    budget = PixelBudget(100)
    for _ in range(3):
        try:
            with budget.hold(100):
                raise OSError("for a test")
        except OSError:
            pass
    with budget.hold(100):
        pass


@pytest.mark.parametrize(
    ("options", "held"), [({}, 0), ({"progressive": True}, 320 * 240)], ids=["baseline", "progressive"]
)
def test_a_progressive_photo_takes_room_for_all_its_pixels(
    add_photo, photos, output, workers, monkeypatch, options, held
):
    """Of a baseline JPEG hardly more is decoded than the proxy; of a progressive one, the decoder holds everything."""
    add_photo("1.jpg", **options)
    asked = []

    @contextmanager
    def hold(_self, pixels):
        asked.append(pixels)
        yield

    monkeypatch.setattr(PixelBudget, "hold", hold)
    folder = JobFolder(output)
    folder.make_mask_folders()
    journal = Journal(folder.journal, "run")
    answers = Answered()
    pipeline = PhotoPipeline(workers.settings("http://localhost"), folder, answers, journal)
    (photo,) = find_photos(photos)
    pipeline.make(photo, pipeline.plan(photo, None))
    journal.close()
    assert asked == [held, 0], "for the proxy, and for the mask"


class Answered:
    """Stands for a server that answers with the proxy's own brightness."""

    model_key = ""

    def ask(self, proxy):
        """The proxy's brightness as a soft mask."""
        soft = proxy.picture.convert("L")
        return Answer(soft, as_png(soft))
