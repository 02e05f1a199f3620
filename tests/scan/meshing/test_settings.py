# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model cannot be made of is refused before anything is asked or written."""

import os

import pytest

from scan.common.errors import BadUseError
from scan.meshing.settings import ModelSettings


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"photos": ""}, "no photo folder"),
        ({"photos": "/nowhere"}, "no photo folder"),
        ({"output": ""}, "No output folder"),
        ({"cameras": "/nowhere"}, "no folder with cameras"),
        ({"mask_folder": "/nowhere"}, "no mask folder"),
        ({"faces": 5}, "Faces"),
        ({"faces": -1}, "Faces"),
        ({"threads": -1}, "Threads"),
        ({"memory": 0.1}, "Memory"),
        ({"model_quality": "BEST"}, "Quality"),
    ],
)
def test_settings_that_cannot_work_are_refused(photos, output, given, words):
    values = {"photos": str(photos), "output": str(output), **given}
    with pytest.raises(BadUseError, match=f"(?i){words}"):
        ModelSettings(**values).check()
    ModelSettings(photos=str(photos), output=str(output)).check()


def test_an_output_among_the_photos_is_refused(photos):
    with pytest.raises(BadUseError, match="lies in the photo folder"):
        ModelSettings(photos=str(photos), output=str(photos / "Side 0")).check()


def test_threads_are_as_many_as_asked_for_or_one_less_than_there_are_cores(photos, output):
    folders = {"photos": str(photos), "output": str(output)}
    assert ModelSettings(**folders, threads=7).worker_threads == 7
    assert ModelSettings(**folders).worker_threads == max(1, (os.cpu_count() or 1) - 1)
