# SPDX-License-Identifier: GPL-3.0-or-later
"""What a texture cannot be made of is refused before anything is asked or written."""

import pytest

from scan.common.errors import BadUseError
from scan.texturing.settings import SIZES, TextureSettings


def folders(photos, output):
    return {"photos": str(photos), "output": str(output)}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"photos": "/nowhere"}, "no photo folder"),
        ({"output": ""}, "No output folder"),
        ({"cameras": "/nowhere"}, "no folder with cameras"),
        ({"mask_folder": "/nowhere"}, "no mask folder"),
        ({"mesh": "/nowhere.ply"}, "no mesh '/nowhere.ply'"),
        ({"texture_size": "3K"}, "Size"),
        ({"memory": 0.1}, "Memory"),
    ],
)
def test_settings_that_cannot_work_are_refused(photos, output, given, words):
    with pytest.raises(BadUseError, match=words):
        TextureSettings(**{**folders(photos, output), **given}).check()
    TextureSettings(**folders(photos, output)).check()


def test_a_size_is_a_power_of_two(photos, output):
    sizes = [TextureSettings(**folders(photos, output), texture_size=each.name).size for each in SIZES]
    assert sizes == [1024, 2048, 4096, 8192]
    assert TextureSettings(**folders(photos, output)).size == 2048
