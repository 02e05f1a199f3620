# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos at full size are held a few at a time, whatever number of threads wants them."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from scan.budget import PixelBudget
from scan.job import JobFolder
from scan.journal import Journal
from scan.masks import Answer, as_png
from scan.photos import find_photos
from scan.products import Products


def test_no_more_is_held_at_once_than_there_is_room_for():
    budget = PixelBudget(100)
    guard, held, most = threading.Lock(), [0], []

    def work(pixels):
        with budget.hold(pixels):
            with guard:
                held[0] += pixels
                most.append(held[0])
            time.sleep(0.01)
            with guard:
                held[0] -= pixels

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [40, 40, 40, 40, 10, 90] * 3))
    assert 80 <= max(most) <= 100


def test_a_photo_larger_than_all_the_room_is_let_through_alone():
    budget = PixelBudget(100)
    began = threading.Event()

    def wait_for_it():
        with budget.hold(1):
            began.set()

    with ThreadPoolExecutor(1) as pool:
        with budget.hold(500):
            waiting = pool.submit(wait_for_it)
            assert not began.wait(0.1)
        waiting.result(60)
    assert began.is_set()


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
    products = Products(workers.settings("http://localhost"), folder, answers, journal)
    (photo,) = find_photos(photos)
    products.make(photo, products.plan(photo, None))
    journal.close()
    assert asked == [held, 0], "for the proxy, and for the mask"


class Answered:
    """Stands for a server that answers with the proxy's own brightness."""

    model_key = ""

    def ask(self, proxy):
        """The proxy's brightness as a soft mask."""
        soft = proxy.picture.convert("L")
        return Answer(soft, as_png(soft))
