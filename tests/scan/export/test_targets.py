# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files something finished can go to: refused before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from scan.common.errors import BadUseError
from scan.export.settings import ExportSettings
from scan.export.targets import companions, texture_name


@pytest.mark.parametrize("name", ["vase.glb", "vase.GLB", "new/deeper/vase.obj", "vase.ply", "vase.tar.usdz"])
def test_a_file_in_a_folder_that_can_be_made_is_fine_and_nothing_is_made(tmp_path: Path, name: str) -> None:
    ExportSettings(export=str(tmp_path / name)).check()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["vase", "vase.stl", ".glb", "glb"])
def test_the_kinds_of_files_are_named_where_it_is_none_of_them(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadUseError, match=r"name one that ends with \.glb, \.obj, \.ply or \.usdz"):
        ExportSettings(export=str(tmp_path / name)).check()


def test_a_folder_and_a_place_below_a_file_are_no_targets(tmp_path: Path) -> None:
    (tmp_path / "folder.glb").mkdir()
    (tmp_path / "file").touch()
    for place in (tmp_path / "folder.glb", tmp_path / "file" / "vase.glb", tmp_path / "file" / "new" / "vase.glb"):
        with pytest.raises(BadUseError) as refused:
            ExportSettings(export=str(place), overwrite=True).check()
        assert str(refused.value).startswith(f"The model cannot be written as {place} (")


@pytest.mark.parametrize("taken", ["vase.obj", "vase.mtl", "vase_texture.png", "vase_texture.jpg"])
def test_what_comes_with_a_file_may_not_be_taken_either(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).touch()
    with pytest.raises(BadUseError, match="is there already"):
        ExportSettings(export=str(tmp_path / "vase.obj")).check()
    ExportSettings(export=str(tmp_path / "vase.obj"), overwrite=True).check()
    ExportSettings(export=str(tmp_path / "vase.ply")).check()


def test_companions_are_named_after_their_file() -> None:
    file = Path("a", "my.vase.obj")
    assert companions(file)[0] == Path("a", "my.vase.mtl")
    assert companions(file)[1].name == texture_name(file, 0, ".png") == "my.vase_texture.png"
    assert texture_name(file, 1, ".png") == "my.vase_texture_2.png"
    assert companions(Path("vase.glb")) == []
