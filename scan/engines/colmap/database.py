# SPDX-License-Identifier: GPL-3.0-or-later
"""COLMAP's database: what is read from it and written to it, whichever version made it.

The tables are those of COLMAP's ``scene/database_sqlite.cc``, 3.8 to 4.2. Rows are copied with all columns that the
version has; rigs and frames, where it has them (from 3.12 on), are one camera and one photo each.
"""

import contextlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...common.errors import EngineError
from .crops import Crop
from .steps import LEAST_MATCHES

_KEYPOINT = 6
"""Columns of a keypoint: x, y, a11, a12, a21, a22 in pixels."""
_DESCRIPTOR = 128
_PAIR = 2147483647
"""``pair_id`` is the smaller image_id times this, plus the larger one."""
_OF_PHOTOS = ("images", "frames", "frame_data", "keypoints", "descriptors", "pose_priors")


@dataclass(frozen=True)
class Features:
    """The features of a photo."""

    scales: npt.NDArray[np.float32]
    """Of n features, in pixels."""
    descriptors: npt.NDArray[np.uint8]
    """n × 128."""


def create(cameras: Path, place: Path, camera_of: Mapping[str, str]) -> None:
    """Make a database of photos that have no features yet.

    ``cameras`` is a database with one photo of each lens, and the camera that COLMAP read from its EXIF. ``camera_of``
    is the name of each photo → the name of the one in ``cameras`` that was taken through the same lens. Raises
    EngineError.
    """
    part = place.with_suffix(".part")
    part.unlink(missing_ok=True)
    with open_database(cameras) as source, open_database(part) as target:
        source.backup(target)
        lenses = dict(target.execute("SELECT name, camera_id FROM images"))
        tables = _tables(target)
        for table in (table for table in _OF_PHOTOS if table in tables):
            target.execute(f"DELETE FROM {table}")  # noqa: S608 - its name is one of those above
        rigs = dict(target.execute("SELECT ref_sensor_id, rig_id FROM rigs")) if "rigs" in tables else {}
        for number, (name, lens) in enumerate(camera_of.items(), 1):
            camera = lenses[lens]
            target.execute("INSERT INTO images (image_id, name, camera_id) VALUES (?, ?, ?)", (number, name, camera))
            if rigs:
                target.execute("INSERT INTO frames (frame_id, rig_id) VALUES (?, ?)", (number, rigs[camera]))
                target.execute(
                    "INSERT INTO frame_data (frame_id, data_id, sensor_id, sensor_type) VALUES (?, ?, ?, 0)",
                    (number, number, camera),
                )
        target.commit()
    part.replace(place)


def move_features(crops: Path, place: Path, moved: Mapping[str, tuple[str, Crop]], most: int) -> None:
    """Move the features of crops to the photos they were cut out of, the ``most`` largest of each at most.

    ``moved`` is the name in the database ``crops`` → the photo's name in the database ``place``, and the crop. Photos
    in which nothing was found get an empty entry. Raises EngineError.
    """
    with open_database(crops) as source, open_database(place) as target:
        photos = dict(target.execute("SELECT name, image_id FROM images"))
        found = dict(source.execute("SELECT name, image_id FROM images"))
        for name, (photo, crop) in moved.items():
            if name not in found:
                continue  # COLMAP could not read it
            row = _row(source, "keypoints", found[name])
            keypoints = _keypoints(row)
            # A stable order, so that the same features are kept each time.
            largest = np.sort(np.argsort(-_scales(keypoints), kind="stable")[:most])
            _insert(target, "keypoints", row, photos[photo], crop.to_photo(keypoints[largest]))
            row = _row(source, "descriptors", found[name])
            _insert(target, "descriptors", row, photos[photo], _descriptors(row)[largest])
        target.commit()


def copy_without(source: Path, place: Path, photos: Collection[str]) -> None:
    """Copy a database; the photos named have no features and no matches in the copy. Raises EngineError."""
    part = place.with_suffix(".part")
    part.unlink(missing_ok=True)
    with open_database(source) as old, open_database(part) as new:
        old.backup(new)
        numbers = {number for name, number in new.execute("SELECT name, image_id FROM images") if name in photos}
        for table in ("keypoints", "descriptors"):
            new.executemany(f"DELETE FROM {table} WHERE image_id = ?", [(number,) for number in numbers])  # noqa: S608
        for table in ("matches", "two_view_geometries"):
            pairs = [pair for (pair,) in new.execute(f"SELECT pair_id FROM {table}")]  # noqa: S608
            gone = [(pair,) for pair in pairs if numbers & {*divmod(pair, _PAIR)}]
            new.executemany(f"DELETE FROM {table} WHERE pair_id = ?", gone)  # noqa: S608
        new.commit()
    part.replace(place)


def photo_names(place: Path) -> set[str]:
    """The photos in a database. Raises EngineError."""
    with open_database(place) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM images")}


def feature_counts(place: Path) -> dict[str, int]:
    """Name of a photo → its features; photos whose features were never looked for are missing. Raises EngineError."""
    with open_database(place) as connection:
        return dict(connection.execute("SELECT name, rows FROM images JOIN keypoints USING (image_id)"))


def each_with_features(place: Path, photos: Iterable[str]) -> Iterator[Features]:
    """The features of each of these photos. Raises EngineError."""
    with open_database(place) as connection:
        numbers = dict(connection.execute("SELECT name, image_id FROM images"))
        for photo in photos:
            keypoints = _keypoints(_row(connection, "keypoints", numbers[photo]))
            yield Features(_scales(keypoints), _descriptors(_row(connection, "descriptors", numbers[photo])))


def pairs_without_matches(place: Path, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those pairs of photos, by their names, that have not been compared. Raises EngineError."""
    with open_database(place) as connection:
        numbers = dict(connection.execute("SELECT name, image_id FROM images"))
        compared = {pair for (pair,) in connection.execute("SELECT pair_id FROM matches")}
    return [(one, other) for one, other in pairs if _pair_id(numbers[one], numbers[other]) not in compared]


def add_matches(place: Path, pair: tuple[str, str], found: npt.NDArray[np.uint32]) -> None:
    """Put the matches of two photos, k × 2 places in their features, into a database. Raises EngineError."""
    with open_database(place) as connection:
        words = "SELECT image_id FROM images WHERE name = ?"
        one, other = (connection.execute(words, (name,)).fetchone()[0] for name in pair)
        if one > other:
            found = found[:, ::-1]
        values = (_pair_id(one, other), len(found), 2, found.tobytes())
        connection.execute("INSERT INTO matches (pair_id, rows, cols, data) VALUES (?, ?, ?, ?)", values)
        connection.commit()


def matched_pairs(place: Path) -> int:
    """How many pairs of photos show the same thing. Raises EngineError."""
    with open_database(place) as connection:
        words = "SELECT count(*) FROM two_view_geometries WHERE rows >= ?"
        return int(connection.execute(words, (LEAST_MATCHES,)).fetchone()[0])


@contextlib.contextmanager
def open_database(place: Path) -> Iterator[sqlite3.Connection]:
    """A connection that is closed afterwards. Raises EngineError where the database cannot be used."""
    try:
        with contextlib.closing(sqlite3.connect(place, timeout=10)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise EngineError(f"The database {place} cannot be used ({error}); remove it, then run again") from error


def is_sound(place: Path) -> bool:
    """Whether the database is whole, as far as SQLite can tell."""
    try:
        with contextlib.closing(sqlite3.connect(place, timeout=10)) as connection:
            return bool(connection.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.Error:
        return False


def _pair_id(one: int, other: int) -> int:
    return _PAIR * min(one, other) + max(one, other)


def _row(connection: sqlite3.Connection, table: str, number: int) -> dict[str, Any]:
    """The row of an image in a table; empty where there is none."""
    cursor = connection.execute(f"SELECT * FROM {table} WHERE image_id = ?", (number,))  # noqa: S608
    names = [column[0] for column in cursor.description]
    found = cursor.fetchone()
    return dict(zip(names, found, strict=True)) if found else {}


def _keypoints(row: dict[str, Any]) -> npt.NDArray[np.float32]:
    return np.frombuffer(row.get("data") or b"", np.float32).reshape(-1, _KEYPOINT)


def _descriptors(row: dict[str, Any]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(row.get("data") or b"", np.uint8).reshape(-1, _DESCRIPTOR)


def _insert(
    connection: sqlite3.Connection,
    table: str,
    row: dict[str, Any],
    number: int,
    values: npt.NDArray[np.float32] | npt.NDArray[np.uint8],
) -> None:
    """Put a row in a table for another image and with other values, and all else as it was."""
    changed = {**row, "image_id": number, "rows": len(values), "cols": values.shape[1], "data": values.tobytes()}
    names, places = ", ".join(changed), ", ".join("?" * len(changed))
    connection.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({places})", list(changed.values()))  # noqa: S608


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _scales(keypoints: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """``FeatureKeypoint::ComputeScaleX`` of colmap/feature/types.cc."""
    return np.asarray(np.hypot(keypoints[:, 2], keypoints[:, 4]), np.float32)
