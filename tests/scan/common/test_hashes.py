# SPDX-License-Identifier: GPL-3.0-or-later
"""Hashes stay what version 0.1.0 made them: journals and work folders on users' disks hold them."""

import pytest

from scan.common.hashes import hash_file, short_hash


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (((1341, 1790000000123456789), 1024, [("model", "u2netp"), ("om", "true")]), "516b98714b2aa5e9"),
        (
            (
                [("Side/ü \udcff.jpg", (10, 20), None, ("Canon", "R5", "", 50.0, None, (64, 48), 1))],
                *("NORMAL", "pycolmap", "4.2.1"),
            ),
            "877c9dbf9c33c598",
        ),
        (([1, "OPENCV", 64, 48, (1.5, 0.1)],), "304b83f450703460"),
    ],
    ids=["a soft mask", "an engine's work", "a folder of copies"],
)
def test_a_short_hash_is_what_it_was(parts, expected):
    assert short_hash(*parts) == expected


def test_the_hash_of_a_file_that_is_not_there_is_empty(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    assert hash_file(tmp_path / "empty").startswith("e3b0c44298fc1c14")
    assert hash_file(tmp_path / "none") == hash_file(tmp_path) == ""
