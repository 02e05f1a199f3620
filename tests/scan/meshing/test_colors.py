# SPDX-License-Identifier: GPL-3.0-or-later
"""Vertices have the colours that photos show, those that none shows the colours around them."""

import numpy as np
from mesh_scenes import SPHERE, THREADS, around, pose, shot, sphere

from scan.meshing.colors import vertex_colors
from scan.views.raster import depth_map

RED, BLUE = (220, 30, 20), (10, 60, 200)


def photographed(poses):
    """Views of a ball that is red on one side of x and blue on the other, and their pictures."""
    photos = [shot(SPHERE, at, size=96) for at in poses]
    pictures = []
    for each in photos:
        picture = np.full((96, 96, 3), 70, np.uint8)
        rows, columns = np.nonzero(np.isfinite(each.seen.depth))
        points = each.view.to_world(each.seen.depth[rows, columns], rows, columns)
        picture[rows, columns] = np.where(points[:, :1] > 0, RED, BLUE)
        pictures.append(picture)
    return [each.view for each in photos], pictures


def colored(poses, surface):
    views, pictures = photographed(poses)
    depths = [depth_map(surface, view.halved(1)) for view in views]
    return vertex_colors(surface, views, depths, pictures.__getitem__, THREADS)


def test_each_side_has_its_colour():
    surface = sphere()
    colors = colored(around(), surface)
    assert colors.dtype == np.uint8
    x = surface.vertices[:, 0]
    np.testing.assert_allclose(colors[x > 0.1], np.tile(RED, ((x > 0.1).sum(), 1)), atol=3)
    np.testing.assert_allclose(colors[x < -0.1], np.tile(BLUE, ((x < -0.1).sum(), 1)), atol=3)


def test_what_no_photo_shows_has_the_colour_around_it():
    surface = sphere()
    colors = colored([pose(0, 15), pose(0, -15)], surface)  # only red is seen
    np.testing.assert_allclose(colors, np.tile(RED, (len(colors), 1)), atol=6)


def test_what_nothing_is_known_of_is_grey():
    (color,) = np.unique(colored([], sphere(times=1)), axis=0)
    assert color.tolist() == [128, 128, 128]


def test_the_side_that_is_turned_away_takes_no_colour_from_the_one_before_it():
    surface = sphere()
    colors = colored([pose(0, 0), pose(180, 0)], surface)
    x = surface.vertices[:, 0]
    np.testing.assert_allclose(colors[x > 0.3], np.tile(RED, ((x > 0.3).sum(), 1)), atol=3)
    np.testing.assert_allclose(colors[x < -0.3], np.tile(BLUE, ((x < -0.3).sum(), 1)), atol=3)
