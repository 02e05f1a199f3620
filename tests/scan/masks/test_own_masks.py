# SPDX-License-Identifier: GPL-3.0-or-later
"""Where masks of a person's own lie."""

import os
from pathlib import Path

import pytest

from scan.job.folder import JobFolder
from scan.masks.own_masks import find_own_masks
from scan.photos.photo import find_photos


@pytest.fixture
def found(photos, tmp_path):
    """Give a function that adds empty files beside the photo folder and in it, and returns photo → masks."""

    def found(*names, output=None):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        own = find_own_masks(photos, find_photos(photos), output and JobFolder(tmp_path / output))
        return {str(photo.name): [mask.name for mask in masks] for photo, masks in own.files.items()}

    return found


def test_each_mask_is_found_once_and_the_nearest_is_the_first(found):
    names = [
        "photos/1.JPG",
        "photos/masks/1.png",
        "photos/1_mask.png",
        "masks/1.png",
        "Photos_Mask/1.png",
        "mask/1.png",
    ]
    first, *rest = found(*names, "photos/.mask/1.png", "output/masks/1.png", output="output")["1.JPG"]
    assert first == "1_mask.png"
    assert rest == [
        *("masks/1.png", ".mask/1.png", "../Photos_Mask/1.png", "../mask/1.png", "../masks/1.png"),
        "output/masks/1.png",
    ]


def test_a_mask_in_the_folder_beside_that_is_the_outputs_is_found_once(found, tmp_path):
    assert found("photos/1.JPG", "masks/1.png", output=".") == {"1.JPG": [f"{tmp_path.name}/masks/1.png"]}
    assert found("masks/1.JPG.png", output=".") == {"1.JPG": [f"{tmp_path.name}/masks/1.png"]}  # the photo's own


def test_in_the_output_folder_a_mask_lies_where_the_photo_does(found):
    assert found("photos/A/1.JPG", "output/masks/1.png", "output/masks/1.JPG.png", output="output") == {}
    assert found("output/masks/A/1.mask.png", output="output") == {"A/1.JPG": ["output/masks/A/1.mask.png"]}


def test_each_side_has_its_own_hidden_folder(found):
    names = ["photos/A/1.JPG", "photos/B/1.JPG", "photos/A/.mask/1.png", "photos/B/.mask/1.png"]
    assert found(*names) == {"A/1.JPG": ["A/.mask/1.png"], "B/1.JPG": ["B/.mask/1.png"]}


def test_photos_that_are_named_have_masks_beside_a_folder_that_cannot_be_read(found, photos, monkeypatch):
    found("photos/1.JPG", "photos/A/2.JPG", "masks/1.png")
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != photos / "A")
    own = find_own_masks(photos, find_photos(photos, ("1.JPG",)), None)
    assert [[mask.name for mask in masks] for masks in own.files.values()] == [["../masks/1.png"]]
