# SPDX-License-Identifier: GPL-3.0-or-later
"""How a turntable is asked for: the same on the command line of another Blender."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from scan.common.errors import BadUseError
from scan.common.options import add_options, as_arguments, given_of
from scan.export.settings import ExportSettings, TurntableSettings


@pytest.mark.parametrize(
    "settings",
    [
        TurntableSettings(turntable="/a place/vase.png"),
        TurntableSettings(turntable="--odd.mp4", overwrite=True, turntable_frames=7, turntable_samples=1),
    ],
)
def test_settings_are_what_their_arguments_say(settings: TurntableSettings) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, TurntableSettings, required=("turntable",))
    assert TurntableSettings(**given_of(vars(parser.parse_args(as_arguments(settings))))) == settings


def test_the_command_takes_more_than_one_file_to_export_to() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, ExportSettings)
    given = given_of(vars(parser.parse_args(["--export", "a.glb", "--export", "b.ply", "--overwrite"])))
    assert given == {"export": ("a.glb", "b.ply"), "overwrite": True}
    assert given_of(vars(parser.parse_args([]))) == {}
    assert "may be given more than once" in " ".join(parser.format_help().split())


def test_a_picture_is_one_frame_and_its_size_may_be_odd(tmp_path: Path) -> None:
    picture = TurntableSettings(turntable=str(tmp_path / "vase.png"), turntable_width=161)
    picture.check()
    assert picture.frames == 1
    clip = TurntableSettings(turntable=str(tmp_path / "vase.MP4"), turntable_frames=5)
    clip.check()
    assert clip.frames == 5
    for size in ({"turntable_width": 161}, {"turntable_height": 161}):
        with pytest.raises(BadUseError, match="must be even"):
            TurntableSettings(turntable=str(tmp_path / "vase.mp4"), **size).check()
