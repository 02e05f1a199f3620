# SPDX-License-Identifier: GPL-3.0-or-later
"""Few photos that together show a surface squarely, and faces labelled by them in large pieces."""

import numpy as np
from mesh_scenes import ring, sphere, view_from

from scan.texturing.labels import AXES, choose, connected, label_faces, neighbouring_faces
from scan.views.surface import Surface, face_normals

BALL = sphere(1.0, 3)
NORMALS = face_normals(BALL) / np.linalg.norm(face_normals(BALL), axis=1, keepdims=True)
AREAS = np.linalg.norm(face_normals(BALL), axis=1)


def cosines_of(poses):
    """How squarely each face of the ball is seen, 0 where it is turned away; photos × m."""
    return np.float32([np.maximum(NORMALS @ view_from(at).position / 4 - 0.25, 0) for at in poses])


def labelled(poses):
    seen = cosines_of(poses)
    chosen, cosines = choose(len(seen), seen.__getitem__, AREAS)
    return label_faces(NORMALS, chosen, cosines, neighbouring_faces(BALL))


def test_neighbours_share_an_edge():
    one, other = neighbouring_faces(BALL)
    assert len(one) == 3 * len(BALL.faces) // 2
    shared = [len(set(BALL.faces[a]) & set(BALL.faces[b])) for a, b in zip(one, other, strict=True)]
    assert set(shared) == {2}


def test_at_an_edge_of_three_faces_all_hang_together():
    faces = np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4], [2, 3, 4]])
    one, other = neighbouring_faces(Surface(np.zeros((5, 3), np.float32), faces))
    assert connected(4, one, other).tolist() == [0, 0, 0, 1]


def test_the_photo_that_shows_most_is_chosen_first_and_one_that_adds_nothing_never():
    seen = np.float32([[0, 0.5, 0.5, 0], [0.9, 0.9, 0.9, 0], [0, 0, 0, 0.8], [0.9, 0.9, 0.9, 0]])
    chosen, cosines = choose(4, seen.__getitem__, np.ones(4, np.float32))
    assert chosen == [1, 2]
    np.testing.assert_allclose(cosines, seen[[1, 2]], atol=1 / 255)


def test_areas_count():
    """One large face weighs more than many small ones."""
    seen = np.float32([[1, 1, 1, 0], [0, 0, 0, 1]])
    assert choose(2, seen.__getitem__, np.float32([1, 1, 1, 9]))[0] == [1, 0]


def test_no_more_photos_are_chosen_than_are_of_use():
    chosen, _ = choose(60, cosines_of(ring(60)).__getitem__, AREAS)
    assert 4 <= len(chosen) <= 16
    assert len(set(chosen)) == len(chosen)


def test_a_face_is_labelled_by_a_photo_that_shows_it_about_as_well_as_any():
    labels = labelled(ring(8))
    count = len(labels.chosen)
    photos = labels.label < count
    given = labels.scores[np.arange(len(labels.label)), labels.label]
    best = labels.scores[:, :count].max(1)
    assert (given[photos] > 0).all()
    assert np.quantile(given[photos] / best[photos], 0.02) > 0.3
    # Nothing that a photo shows is unwrapped along an axis.
    assert (photos == (best > 0)).mean() > 0.98


def test_neighbours_like_the_same_label():
    """Cosines that are not certain make no islands."""
    seen = cosines_of(ring(8)) * np.random.default_rng(1).uniform(0.8, 1, (8, len(BALL.faces))).astype(np.float32)
    chosen, cosines = choose(8, seen.__getitem__, AREAS)
    one, other = neighbours = neighbouring_faces(BALL)
    labels = label_faces(NORMALS, chosen, cosines, neighbours)
    alone = labels.scores.argmax(1)
    assert (labels.label[one] != labels.label[other]).sum() < 0.9 * (alone[one] != alone[other]).sum()


def test_what_no_photo_shows_is_labelled_by_the_axis_that_it_faces():
    chosen, cosines = choose(2, np.zeros((2, len(BALL.faces)), np.float32).__getitem__, AREAS)
    assert chosen == []
    labels = label_faces(NORMALS, chosen, cosines, neighbouring_faces(BALL))
    assert labels.scores.shape == (len(BALL.faces), AXES)
    strongest = np.abs(NORMALS).argmax(1) + 3 * (NORMALS[np.arange(len(NORMALS)), np.abs(NORMALS).argmax(1)] < 0)
    assert (labels.label == strongest).mean() > 0.9
    assert (labels.scores[np.arange(len(NORMALS)), labels.label] > 0).all()


def test_connected_parts_are_found_however_long_they_are():
    count = 500
    order = np.random.default_rng(3).permutation(count)
    chain = order[:300]
    found = connected(count, chain[:-1], chain[1:])
    assert len(np.unique(found[chain])) == 1
    assert len(np.unique(found)) == 201
    assert connected(3, chain[:0], chain[:0]).tolist() == [0, 1, 2]
