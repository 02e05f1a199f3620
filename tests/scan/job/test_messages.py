# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender says to a worker that runs: it arrives, the newest counts, and nobody ever waits for it."""

import json
import os
import signal
import sys
import time

import pytest

from scan.job.events import Finished
from scan.job.folder import JobFolder
from scan.job.process import Worker

pytestmark = pytest.mark.process

# In a worker's place: takes messages until one says "last", and ends with what it took and whether it was cancelled.
LISTENER = """
import json, os, sys, threading, time
sys.path.insert(0, sys.argv[2])
from scan.job.inbox import Inbox
while os.read(0, 1) != b"\\n":  # the token
    pass
inbox = Inbox()
threading.Thread(target=inbox.listen, daemon=True).start()
taken = []
while not inbox.cancel.is_set() and not (taken and taken[-1].get("last")):
    taken.append(inbox.newest() or {})
    time.sleep(0.05)
said = {"taken": taken, "cancelled": inbox.cancel.is_set()}
print(json.dumps({"event": "finished", "exit_code": 0, "message": json.dumps(said)}), flush=True)
os._exit(0)
"""


@pytest.fixture
def listener(output):
    """Give a worker that listens, and what it heard once it has ended."""
    worker = Worker([sys.executable, "-c", LISTENER], JobFolder(output), {"task": "listen", "settings": {}})
    yield worker
    worker.kill()


def heard(workers, worker):
    return json.loads(workers.end(worker).message)


def test_messages_arrive_and_the_newest_counts(workers, listener):
    for number in range(1000):
        listener.send({"number": number, "text": "é\n" * 20})
    listener.send({"last": True})
    said = heard(workers, listener)
    assert said["taken"][-1] == {"last": True}
    assert len(said["taken"]) < 1000
    numbers = [message["number"] for message in said["taken"][:-1]]
    assert numbers == sorted(set(numbers))
    assert not said["cancelled"]


def test_what_is_no_message_is_passed_over(workers, listener):
    for line in (b"\n", b"{torn\n", b"[1]\n", b"\xff\xfe\n", b'{"last": 1}\n'):
        os.write(listener._input.fileno(), line)  # noqa: SLF001 - as ``send`` never does
    assert heard(workers, listener)["taken"][-1] == {"last": 1}


def test_a_closed_input_wakes_who_waits_for_a_message(workers, listener):
    listener.send({"number": 1})
    listener.cancel()
    listener.send({"number": 2})
    said = heard(workers, listener)
    assert said["cancelled"]
    assert {"number": 2} not in said["taken"]


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes are stopped as POSIX does")
def test_sending_does_not_wait_for_a_worker_that_takes_nothing(workers, listener):
    os.kill(listener.pid, signal.SIGSTOP)
    for number in range(5000):  # more than any pipe holds
        listener.send({"number": number, "text": "x" * 100})
    listener.send({"last": True})
    os.kill(listener.pid, signal.SIGCONT)
    assert heard(workers, listener)["taken"][-1] == {"last": True}


def test_a_worker_that_is_gone_is_told_nothing(listener):
    listener.kill()
    while not any(isinstance(event, Finished) for event in listener.events()):
        time.sleep(0.01)
    listener.send({"number": 1})
