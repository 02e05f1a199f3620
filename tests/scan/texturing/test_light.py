# SPDX-License-Identifier: GPL-3.0-or-later
"""Light and exposures from samples that are made of formulas."""

import numpy as np
import pytest
from mesh_scenes import ring

from scan.texturing.light import TERMS, basis, find, fit, sides_of
from scan.texturing.samples import Samples

PLACES = 800
POSES = ring(7, 40.0) + ring(5, -20.0)
"""From one height alone, what is light from above and what is paint that is brighter above cannot be told apart."""


def samples_of(shine, exposures=None, poses=POSES):
    """Places on a ball, each with an albedo; ``shine`` returns the light's logarithm, n, of normals in camera axes."""
    random = np.random.default_rng(8)
    points = random.normal(size=(PLACES, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    albedo = random.uniform(-2, -0.5, (PLACES, 3))
    parts = []
    for number, at in enumerate(poses):
        turned = points @ at.rotation.T
        seen = np.nonzero(turned[:, 2] < -0.3)[0]
        light = (
            albedo[seen] + shine(number, turned[seen])[:, None] + (exposures[number] if exposures is not None else 0)
        )
        parts.append((seen, np.full(len(seen), number), light, turned[seen]))
    place, photo, light, normals = (np.concatenate(each) for each in zip(*parts, strict=True))
    single = [np.asarray(each, np.float32) for each in (light, normals, 0.1 * normals, np.ones(len(place)))]
    return Samples(place, photo, *single), albedo


def lamp(_number, normals):
    return 0.5 * normals[:, 0] - 0.3 * normals[:, 1] + 0.1 * normals[:, 0] * normals[:, 2]


def dark(_number, normals):
    return np.zeros(len(normals))


def albedo_of(light, samples):
    """What a light says of the albedo of each sample, in logarithms."""
    found = np.empty_like(samples.light)
    for number in np.unique(samples.photo):
        mine = samples.photo == number
        found[mine] = samples.light[mine] - np.log(light.at(number, samples.normals[mine], samples.points[mine]))
    return found


def off_by(light, samples, albedo):
    off = albedo_of(light, samples) - albedo[samples.place]
    return float(np.abs(off - np.median(off, axis=0)).mean())


def test_a_light_that_stands_still_is_found():
    samples, albedo = samples_of(lamp)
    light, is_lit = find(samples, np.zeros(12, np.int64))
    assert is_lit
    assert light.terms.shape == (1, TERMS, 3)
    assert off_by(light, samples, albedo) < 0.04
    assert off_by(fit(samples, np.zeros(12, np.int64), with_light=False), samples, albedo) > 0.1


def test_a_mean_of_the_light_stays_as_it_is_no_light_but_exposure():
    samples, albedo = samples_of(lambda number, normals: lamp(number, normals) + 0.4 - 0.5 * normals[:, 2])
    light, _ = find(samples, np.zeros(12, np.int64))
    shone = (samples.light - albedo[samples.place]).mean(0)
    np.testing.assert_allclose((albedo_of(light, samples) - albedo[samples.place]).mean(0), shone, atol=0.03)


def test_exposures_are_found_with_and_without_a_light():
    exposures = np.random.default_rng(2).normal(0, 0.3, (12, 3))
    for shine in (lamp, dark):
        samples, albedo = samples_of(shine, exposures=exposures)
        light, is_lit = find(samples, np.zeros(12, np.int64))
        assert is_lit == (shine is lamp)
        assert np.ptp(light.exposure - exposures, axis=0).max() < 0.06
        assert off_by(light, samples, albedo) < 0.03


def test_gloss_on_some_samples_changes_little():
    samples, albedo = samples_of(lamp)
    is_glossy = np.random.default_rng(0).random(len(samples.place)) < 0.08
    samples.light[is_glossy] += 1.5
    light, _ = find(samples, np.zeros(12, np.int64))
    off = (albedo_of(light, samples) - albedo[samples.place])[~is_glossy]
    assert np.abs(off - np.median(off)).mean() < 0.03


def two_sides(offset=0.0):
    """From above under one lamp, and from below, the other way up, under another."""
    sides = np.repeat([0, 1], 8)
    poses = ring(5, 50.0) + ring(3, 0.0) + ring(5, -50.0, 20.0) + ring(3, 0.0, 40.0)

    def shine(number, normals):
        return lamp(0, normals) if number < 8 else 0.6 * normals[:, 1] * normals[:, 0] - 0.4 * normals[:, 0] + offset

    return samples_of(shine, poses=poses), sides


@pytest.mark.parametrize("offset", [0.0, -0.9])
def test_each_side_has_a_light_of_its_own_and_they_agree(offset):
    (samples, albedo), sides = two_sides(offset)
    light, is_lit = find(samples, sides)
    assert is_lit
    assert off_by(light, samples, albedo) < 0.05
    one, _ = find(samples, np.zeros_like(sides))
    assert off_by(one, samples, albedo) > 2 * off_by(light, samples, albedo)


def test_sides_that_show_nothing_in_common_keep_their_brightness():
    (samples, albedo), sides = two_sides(-0.9)
    apart = samples.place + PLACES * (samples.photo >= 8)
    light, _ = find(Samples(apart, *list(vars(samples).values())[1:]), sides)
    for side in (0, 1):
        mine = sides[samples.photo] == side
        before = (samples.light - albedo[samples.place])[mine].mean(0)
        after = (albedo_of(light, samples) - albedo[samples.place])[mine].mean(0)
        np.testing.assert_allclose(after - before, np.median(after - before), atol=0.03)


def test_beyond_what_samples_show_light_goes_no_further():
    samples, _ = samples_of(lamp)
    light, _ = find(samples, np.zeros(12, np.int64))
    found = light.at(0, np.float32([[9, 0, 0], [-9, 0, 0]]), np.zeros((2, 3), np.float32))
    shone = np.exp(lamp(0, samples.normals))
    assert found.max() < 1.3 * shone.max() / shone.min()
    assert found.min() > 0.75 * shone.min() / shone.max()


@pytest.mark.parametrize("photos", [0, 1])
def test_from_nothing_or_one_photo_there_is_no_light(photos):
    samples, _ = samples_of(lamp, poses=ring(1))
    if not photos:
        samples = Samples(*(each[:0] for each in vars(samples).values()))
    light, is_lit = find(samples, np.zeros(1, np.int64))
    assert not is_lit
    np.testing.assert_array_equal(
        light.at(0, np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)), np.ones((3, 3))
    )


def test_a_photo_without_samples_is_exposed_as_the_others():
    samples, albedo = samples_of(lamp)
    light, _ = find(samples, np.zeros(14, np.int64))
    assert light.exposure.shape == (14, 3)
    assert off_by(light, samples, albedo) < 0.04
    assert np.abs(light.exposure[12:] - light.exposure[:12].mean(0)).max() < 0.02


def test_the_basis_is_spherical_harmonics_and_place():
    """Of all normals, each but those of the place is without a mean, and they do not depend on one another."""
    normals = np.random.default_rng(0).normal(size=(200_000, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    found = basis(normals, np.full_like(normals, 5))
    assert found.shape == (len(normals), TERMS)
    np.testing.assert_array_equal(found[:, 8:], 5)
    harmonics = found[:, :8]
    np.testing.assert_allclose(harmonics.mean(0), 0, atol=0.01)
    products = harmonics.T @ harmonics / len(normals)
    np.testing.assert_allclose(products - np.diag(np.diag(products)), 0, atol=0.01)


def test_a_side_is_a_folder():
    assert sides_of(["B/1.jpg", "A/2.jpg", "B/3.jpg", "x.jpg"]).tolist() == [2, 1, 2, 0]
