# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photos have names under which no mask can be kept."""

import os
from pathlib import PurePosixPath

import pytest

from scan.common.errors import OutputError
from scan.job.folder import JobFolder
from scan.masks.unfit_names import unfit_photos
from scan.photos.photo import Photo


def photo(folder, name):
    return Photo(PurePosixPath(name), folder / name, folder / "converted")


@pytest.mark.skipif(os.name == "nt", reason="Windows limits whole paths, too")
def test_the_mask_of_a_heic_photo_has_the_longer_name_of_its_jpeg(tmp_path):
    names = ["n" * 242 + ".HEIC", "n" * 243 + ".HEIC", "n" * 247 + ".jpg", "n" * 248 + ".jpg"]
    found = unfit_photos([photo(tmp_path, name) for name in names], JobFolder(tmp_path))
    assert list(found) == [names[1], names[3]]
    assert all("rename it" in reason for reason in found.values())


def test_a_photo_that_fails_for_another_reason_is_left_to_whoever_says_it(tmp_path):
    (tmp_path / "ü.HEIC.jpg").touch()
    assert unfit_photos([photo(tmp_path, "ü.HEIC")], JobFolder(tmp_path)) == {}


def test_a_folder_that_takes_no_files_ends_the_run(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        unfit_photos([photo(tmp_path, "ü.jpg")], JobFolder(tmp_path / "nowhere"))
