# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from COLMAP's database and written to it, by both engines' own COLMAP; and the look at all pairs."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from engine_scan import EMBEDDED, EXECUTABLE, need

from scan.common.errors import EngineError
from scan.engines.colmap import database, nearest
from scan.engines.colmap.alike import common_features, largest
from scan.engines.colmap.crops import Crop
from scan.engines.colmap.database import Features

CREATE = "import sys, pycolmap; pycolmap.Database.open(sys.argv[1]).close()"


@pytest.fixture(params=[EMBEDDED, EXECUTABLE])
def empty(request, tmp_path):
    """Give an empty database of the engine's COLMAP, and its name."""
    need(request.param)
    place = tmp_path / "empty.db"
    if request.param == EMBEDDED:
        command = [sys.executable, "-c", CREATE, str(place)]
    else:
        command = [shutil.which("colmap"), "database_creator", "--database_path", str(place)]
    subprocess.run(command, check=True, capture_output=True, env={"QT_QPA_PLATFORM": "offscreen"})
    return place


def add_photo(place, number, name, keypoints=None, camera=None):
    """Add a photo as COLMAP does, with a camera of its own unless one is given."""
    with sqlite3.connect(place) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if camera is None:
            camera = number
            connection.execute("INSERT INTO cameras VALUES (?, 2, 640, 480, ?, 1)", (camera, bytes(32)))
            if "rigs" in tables:
                connection.execute("INSERT INTO rigs VALUES (?, ?, 0)", (camera, camera))
        connection.execute("INSERT INTO images (image_id, name, camera_id) VALUES (?, ?, ?)", (number, name, camera))
        if "frames" in tables:
            connection.execute("INSERT INTO frames VALUES (?, ?)", (number, camera))
            connection.execute("INSERT INTO frame_data VALUES (?, ?, ?, 0)", (number, number, camera))
        if keypoints is not None:
            descriptors = np.arange(len(keypoints) * 128).reshape(-1, 128).astype(np.uint8)
            values = (number, len(keypoints), 6, np.float32(keypoints).tobytes())
            connection.execute("INSERT INTO keypoints VALUES (?, ?, ?, ?)", values)
            columns = [row[1] for row in connection.execute("PRAGMA table_info(descriptors)")]
            row = {"image_id": number, "type": 0, "rows": len(keypoints), "cols": 128, "data": descriptors.tobytes()}
            places = ", ".join("?" * len(columns))
            connection.execute(f"INSERT INTO descriptors VALUES ({places})", [row[column] for column in columns])  # noqa: S608
    connection.close()


def rows(place, words):
    with database.open_database(place) as connection:
        return connection.execute(words).fetchall()


@pytest.mark.engine
def test_photos_of_one_lens_share_the_camera_that_was_read_for_one_of_them(empty, tmp_path):
    add_photo(empty, 1, "first.jpg", [[1, 1, 1, 0, 0, 1]])
    add_photo(empty, 2, "turned.jpg", [[1, 1, 1, 0, 0, 1]])
    place = tmp_path / "database.db"
    lenses = {"a.jpg": "turned.jpg", "first.jpg": "first.jpg", "turned.jpg": "turned.jpg", "b.jpg": "first.jpg"}
    database.create(empty, place, lenses)
    assert rows(place, "SELECT image_id, name, camera_id FROM images ORDER BY image_id") == [
        (1, "a.jpg", 2),
        (2, "first.jpg", 1),
        (3, "turned.jpg", 2),
        (4, "b.jpg", 1),
    ]
    assert rows(place, "SELECT count(*) FROM cameras") == [(2,)]
    assert database.feature_counts(place) == {}
    assert database.is_sound(place)
    if rows(place, "SELECT count(*) FROM sqlite_master WHERE name = 'frames'") == [(1,)]:
        frames = rows(place, "SELECT frame_id, rig_id, data_id, sensor_id FROM frames JOIN frame_data USING (frame_id)")
        assert frames == [(1, 2, 1, 2), (2, 1, 2, 1), (3, 2, 3, 2), (4, 1, 4, 1)]


@pytest.mark.engine
def test_features_of_crops_move_to_the_photos_and_the_largest_are_kept(empty, tmp_path):
    place, crops = tmp_path / "database.db", tmp_path / "crops.db"
    shutil.copy(empty, crops)
    add_photo(empty, 1, "1.jpg")
    add_photo(empty, 2, "2.jpg")
    add_photo(empty, 3, "3.jpg")
    database.create(empty, place, {"1.jpg": "1.jpg", "2.jpg": "2.jpg", "3.jpg": "3.jpg"})
    shapes = [[0, 0, 3, 0, 4, 0], [10, 20, 1, 0, 0, 1], [1, 2, 0, 0, 2, 0], [5, 5, 0.5, 0, 0, 1]]
    add_photo(crops, 1, "2.jpg.bmp", shapes)
    add_photo(crops, 2, "1.jpg.bmp", np.zeros((0, 6)))
    crop = Crop(100, 50, 40, 80, size=(20, 40))
    names = {f"{name}.bmp": (name, crop) for name in ("1.jpg", "2.jpg", "3.jpg")}
    database.move_features(crops, place, names, 3)
    assert database.feature_counts(place) == {"1.jpg": 0, "2.jpg": 3}, "and none of the third, which was not read"
    (content,) = rows(place, "SELECT data FROM keypoints WHERE image_id = 2")[0]
    moved = np.frombuffer(content, np.float32).reshape(-1, 6)
    assert moved.tolist() == [[100, 50, 6, 0, 8, 0], [120, 90, 2, 0, 0, 2], [102, 54, 0, 0, 4, 0]]
    (features,) = database.each_with_features(place, ["2.jpg"])
    assert features.scales.tolist() == [10, 2, 4]
    assert features.descriptors[:, 0].tolist() == [0, 128, 0]


@pytest.mark.engine
def test_a_copy_is_without_the_features_and_matches_of_some_photos(empty, tmp_path):
    for number in (1, 2, 3):
        add_photo(empty, number, f"{number}.jpg", [[1, 1, 1, 0, 0, 1]], camera=None if number == 1 else 1)
    with sqlite3.connect(empty) as connection:
        for one, other in ((1, 2), (1, 3), (2, 3)):
            pair = 2147483647 * one + other
            connection.execute("INSERT INTO matches VALUES (?, 20, 2, NULL)", (pair,))
            connection.execute(
                "INSERT INTO two_view_geometries (pair_id, rows, cols, config) VALUES (?, 20, 2, 2)", (pair,)
            )
    connection.close()
    place = tmp_path / "again.db"
    database.copy_without(empty, place, {"2.jpg"})
    assert database.feature_counts(place) == {"1.jpg": 1, "3.jpg": 1}
    assert rows(place, "SELECT pair_id FROM matches") == [(2147483647 + 3,)]
    assert (database.matched_pairs(empty), database.matched_pairs(place)) == (3, 1)


@pytest.mark.engine
def test_matches_are_put_in_the_order_of_the_photos_numbers(empty):
    for number in (1, 2, 3):
        add_photo(empty, number, f"{number}.jpg", [[1, 1, 1, 0, 0, 1]])
    pairs = [("2.jpg", "1.jpg"), ("2.jpg", "3.jpg"), ("1.jpg", "3.jpg")]
    found = np.array([[0, 7], [3, 5]], np.uint32)
    for pair in pairs[:2]:
        database.add_matches(empty, pair, found)
    added = dict(rows(empty, "SELECT pair_id, data FROM matches"))
    assert added == {2147483647 + 2: found[:, ::-1].tobytes(), 2 * 2147483647 + 3: found.tobytes()}
    assert database.pairs_without_matches(empty, pairs) == [("1.jpg", "3.jpg")]


def test_what_is_no_database_is_named(tmp_path):
    place = tmp_path / "database.db"
    place.write_bytes(b"torn" * 1000)
    assert not database.is_sound(place)
    with pytest.raises(EngineError, match=r"database\.db cannot be used \(.*\); remove it, then run again"):
        database.feature_counts(place)


def features(descriptors):
    return Features(np.arange(len(descriptors), 0, -1).astype(np.float32), np.asarray(descriptors, np.uint8))


def test_photos_are_alike_by_the_largest_features_they_share():
    dice = np.random.default_rng(0)
    shared = dice.integers(0, 256, (60, 128))
    photos = [
        features(np.concatenate([shared[:40], dice.integers(0, 256, (30, 128))])),
        features(np.concatenate([dice.integers(0, 256, (30, 128)), shared[:40] + dice.integers(-2, 3, (40, 128))])),
        features(dice.integers(0, 256, (300, 128))),
        features(shared[40:]),
        features(np.zeros((0, 128))),
    ]
    done = []
    counts = common_features(map(largest, photos), done.append)
    assert counts.shape == (5, 5)
    assert (counts == counts.T).all()
    assert 36 <= counts[0, 1] <= 42
    assert counts.sum() - 2 * counts[0, 1] <= 8, "nothing else but chance"
    assert done == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("at_once", [1 << 24, 1000])
def test_matches_are_each_others_nearest_and_much_nearer_than_the_second(monkeypatch, at_once):
    monkeypatch.setattr(nearest, "_AT_ONCE", at_once)
    dice = np.random.default_rng(2)
    shared = dice.integers(0, 256, (70, 128))
    one = np.concatenate([shared, dice.integers(0, 256, (40, 128))]).astype(np.uint8)
    there = np.clip(shared + dice.integers(-4, 5, shared.shape), 0, 255)
    other = np.concatenate([dice.integers(0, 256, (30, 128)), there[::-1]]).astype(np.uint8)
    true = [[place, 99 - place] for place in range(70)]
    assert nearest.matches(one, other).tolist() == true
    twice = np.concatenate([other, other[-1:]])
    assert nearest.matches(one, twice).tolist() == true[1:], "the first is as near to two"
    assert nearest.matches(np.concatenate([one[:1], one]), other).tolist()[:1] == [[2, 98]], "or two are as near to it"
    assert nearest.matches(one[70:], other[:30]).tolist() == []
    assert nearest.matches(one[:0], other).shape == nearest.matches(one, other[:0]).shape == (0, 2)


def test_only_the_largest_features_count():
    dice = np.random.default_rng(1)
    shared = dice.integers(0, 256, (20, 128))
    hidden = features(np.concatenate([dice.integers(0, 256, (256, 128)), shared]))
    shown = features(np.concatenate([shared, dice.integers(0, 256, (256, 128))]))
    assert common_features(map(largest, [shown, shown]), lambda _: None)[0, 1] >= 250
    assert common_features(map(largest, [hidden, shown]), lambda _: None)[0, 1] <= 4
