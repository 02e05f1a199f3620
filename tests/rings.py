# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos in rings around the origin of a world whose z is up, made by formulas: for tests of what is told from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scan.reconstruction.types import Photo


def seen(name: str, position: np.ndarray, roll: float = 0.0, wobble: np.ndarray | None = None) -> Photo:
    """A photo from a position that looks at the origin, turned about its line of sight by so many degrees clockwise.

    ``wobble`` are three small angles, in degrees, by which it then looks elsewhere.
    """
    z = -position / np.linalg.norm(position)
    x = np.cross(z, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    rotation = np.array([x, np.cross(z, x), z])
    c, s = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    rotation = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]) @ rotation
    if wobble is not None:
        rotation = small_turn(wobble) @ rotation
    return Photo(name, 1, rotation, -rotation @ position)


def small_turn(degrees: np.ndarray) -> np.ndarray:
    """The rotation about an axis by its length in degrees (Rodrigues)."""
    angle = np.radians(np.linalg.norm(degrees))
    x, y, z = degrees / max(np.linalg.norm(degrees), 1e-12)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def at(azimuth: float, elevation: float, away: float = 4.0) -> np.ndarray:
    """A place by its angles in degrees; azimuth 0 is at -y, from where they go anticlockwise as seen from above."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return away * np.array([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)])


def ring(
    side: str, number: int, elevation: float, *, roll: float = 0.0, over: float = 360.0, first: int = 0
) -> list[Photo]:
    """So many photos over a turn of so many degrees, named from ``first`` on."""
    names = (f"{side}/{first + n:04d}.jpg" if side else f"{first + n:04d}.jpg" for n in range(number))
    return [seen(name, at(over * n / number, elevation), roll) for n, name in enumerate(names)]


def walk(side: str, number: int, seed: int) -> list[Photo]:
    """Once around, by hand: places and directions stray by some degrees, the height by many."""
    random = np.random.default_rng(seed)
    photos = []
    for n in range(number):
        azimuth, elevation = 360 * n / number + random.normal(0, 4), 25 + random.normal(0, 8)
        place = at(azimuth, elevation, 4 + random.normal(0, 0.3))
        photos.append(seen(f"{side}/{n:04d}.jpg", place, wobble=random.normal(0, 3, 3)))
    return photos


def dome(side: str, number: int, seed: int) -> list[Photo]:
    """From anywhere above, by a hand that strays by a degree; every third photo is on its side."""
    random = np.random.default_rng(seed)
    photos = []
    for n in range(number):
        place = at(random.uniform(0, 360), float(np.degrees(np.arcsin(random.uniform(0, 0.95)))))
        photos.append(seen(f"{side}/{n:04d}.jpg", place, 0 if n % 3 else 90, random.normal(0, 1, 3)))
    return photos


def forward(side: str, number: int) -> list[Photo]:
    """Steps sideways along a wall."""
    wall = seen("", at(0, 10)).rotation
    places = [np.array([0.3 * n, -4.0, 0.5]) for n in range(number)]
    return [Photo(f"{side}/{n:04d}.jpg", 1, wall, -wall @ place) for n, place in enumerate(places)]


def around(side: str, number: int) -> list[Photo]:
    """From anywhere, held anyhow."""
    random = np.random.default_rng(3)
    places = random.normal(size=(number, 3))
    return [
        seen(f"{side}/{n:04d}.jpg", 4 * place / np.linalg.norm(place), random.uniform(-180, 180))
        for n, place in enumerate(places)
    ]


def turned(photos: list[Photo], turn: np.ndarray) -> list[Photo]:
    """The same photos in a world whose points are those of the former world, turned."""
    return [Photo(each.name, each.camera, each.rotation @ turn.T, each.translation) for each in photos]


def leave_solve(output: Path, photos: list[Photo]) -> Path:
    """Leave photos in a job folder as the solve of an engine, with one point at the origin; the folder of the solve.

    None of them is turned by nearly half a turn.
    """
    place = output / "engines" / "colmap" / "sparse"
    for folder in (place, output / "masks"):
        folder.mkdir(parents=True, exist_ok=True)
    (output / "job.json").write_text("{}")
    (place / "cameras.txt").write_text("1 SIMPLE_PINHOLE 320 240 300 160 120\n")
    lines = []
    for number, photo in enumerate(photos, 1):
        w = np.sqrt(1 + np.trace(photo.rotation)) / 2
        assert w > 1e-3
        twice = photo.rotation - photo.rotation.T
        quaternion = w, *(np.array([twice[2, 1], twice[0, 2], twice[1, 0]]) / (4 * w))
        lines.append(" ".join(map(str, [number, *quaternion, *photo.translation, 1, photo.name])) + "\n\n")
    (place / "images.txt").write_text("".join(lines))
    (place / "points3D.txt").write_text("1 0 0 0 200 100 50 0.5 1 0\n")
    return place
