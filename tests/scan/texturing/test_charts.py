# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts: each is what one photo shows of connected faces. Laid out, none lies over another."""

from dataclasses import replace

import numpy as np
import pytest
from mesh_scenes import SOLID, around, hull_of, shots, view_from
from texture_scenes import photographed_mesh, sights

from scan.texturing.charts import Charts, charts_of, merged
from scan.texturing.labels import AXES, Labels, choose, connected, label_faces, neighbouring_faces
from scan.texturing.packing import pack
from scan.texturing.sights import faces_seen
from scan.texturing.texture import unwrapped
from scan.views.raster import flat_map
from scan.views.surface import face_normals


@pytest.fixture(scope="module")
def surface():
    """A solid with a hollow and a bump."""
    return hull_of([each.outline for each in shots(SOLID)], 48)


@pytest.fixture(scope="module")
def found(surface):
    return sights(surface, photographed_mesh(surface, around(12), 200))


@pytest.fixture(scope="module")
def labels(surface, found):
    normals = face_normals(surface)
    areas = np.linalg.norm(normals, axis=1)
    normals /= areas[:, None]
    chosen, cosines = choose(len(found), lambda number: faces_seen(surface, normals, found[number]), areas)
    return label_faces(normals, chosen, cosines, neighbouring_faces(surface))


@pytest.fixture(scope="module")
def charts(surface, found, labels):
    areas = np.linalg.norm(face_normals(surface), axis=1)
    return charts_of(surface, labels, [each.view for each in found], areas, neighbouring_faces(surface))


@pytest.fixture(scope="module")
def packed(charts):
    return pack(charts, 1024)


def both_maps(places, size):
    """Which face is seen at each texel where the last face lies uppermost, and where the first one does."""
    last = flat_map(places[..., 0], places[..., 1], size)
    first = flat_map(places[::-1, :, 0], places[::-1, :, 1], size)
    return last, np.where(first >= 0, len(places) - 1 - first, -1)


def test_every_face_has_a_chart_and_all_faces_of_one_hang_together(surface, charts):
    assert len(charts.number) == len(surface.faces)
    one, other = neighbouring_faces(surface)
    same = charts.number[one] == charts.number[other]
    parts = connected(len(charts.number), one[same], other[same])
    assert len(np.unique(parts)) == len(np.unique(charts.number)) == charts.number.max() + 1 < 40


def test_small_charts_join_others(surface, found, charts, labels):
    """Islands that chance puts into large charts are gone."""
    random = np.random.default_rng(2)
    second = np.where(labels.scores > 0.3, labels.scores, 0)
    second[np.arange(len(second)), labels.label] = 0
    is_island = (random.random(len(second)) < 0.05) & (second.max(1) > 0)
    areas, neighbours = np.linalg.norm(face_normals(surface), axis=1), neighbouring_faces(surface)
    broken = replace(labels, label=np.where(is_island, second.argmax(1), labels.label))
    one, other = neighbours
    same = broken.label[one] == broken.label[other]
    assert connected(len(broken.label), one[same], other[same]).max() > 200
    mended = charts_of(surface, broken, [each.view for each in found], areas, neighbours)
    assert mended.number.max() < charts.number.max() + 5


def test_a_chart_is_what_its_photo_shows(surface, charts, labels, found):
    """Some photo has the chart's corners where the chart has them, but for a shift and one scale."""
    projected = [np.stack(found[number].view.project(surface.vertices)[:2], 1) for number in labels.chosen]
    explained = 0
    for number in range(charts.number.max() + 1):
        mine = charts.number == number
        flat = charts.places[mine].reshape(-1, 2).astype(float)
        flat -= flat.mean(0)
        for picture in projected:
            seen = picture[surface.faces[mine]].reshape(-1, 2).astype(float)
            seen -= seen.mean(0)
            scale = (seen * flat).sum() / (seen * seen).sum()
            if scale > 0 and np.abs(flat - scale * seen).max() < 1e-3:
                explained += mine.sum()
                break
    assert explained > 0.9 * len(surface.faces)


def test_lengths_are_those_of_the_surface_where_it_faces_the_photo(surface, charts):
    flat = np.abs(np.linalg.det(charts.places[:, 1:] - charts.places[:, :1]))
    true = np.linalg.norm(face_normals(surface), axis=1)
    assert 1 < np.quantile(flat / true, 0.95) < (4 / 3) ** 2  # no face is nearer to a camera than at three quarters


def test_no_face_lies_over_another_and_none_is_mirrored(surface, packed):
    size = 1024
    last, first = both_maps(packed, size)
    over = (last != first) & (last >= 0)
    assert (last >= 0).any()
    one, other = neighbouring_faces(surface)
    beside = set(zip(one.tolist(), other.tolist(), strict=True)) | set(zip(other.tolist(), one.tolist(), strict=True))
    # Those that share an edge share the texels whose centres it runs through.
    assert all(pair in beside for pair in zip(last[over].tolist(), first[over].tolist(), strict=True))
    assert over.mean() < 0.001
    areas = np.linalg.det(packed[:, 1:] - packed[:, :1])
    assert (areas < 1e-3).all()  # y is down


GUTTER = 2
"""Texels around a chart, so that a renderer that looks between texels, and smaller versions, see no other one."""


def test_charts_lie_in_the_square_with_room_between_them(charts, packed):
    assert packed.min() >= GUTTER - 1e-3
    assert packed.max() <= 1024 - GUTTER + 1e-3
    faces = flat_map(packed[..., 0], packed[..., 1], 1024)
    chart = np.where(faces >= 0, charts.number[faces], -1)
    for axis in (0, 1):
        for step in range(1, 2 * GUTTER):
            one, other = np.split(chart, [step], axis)[1], np.split(chart, [-step], axis)[0]
            assert not ((one != other) & (one >= 0) & (other >= 0)).any()


def test_most_of_the_square_is_used(packed):
    assert (flat_map(packed[..., 0], packed[..., 1], 1024) >= 0).mean() > 0.55


def test_all_charts_are_laid_out_at_one_scale(charts, packed):
    before, after = (np.abs(np.linalg.det(each[:, 1:] - each[:, :1])) for each in (charts.places, packed))
    ratio = after[before > 1e-5] / before[before > 1e-5]
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=0.02)


def test_triangles_of_very_different_sizes_are_laid_out():
    """One as wide as all the others, which are many."""
    small = np.float32([[0, 0], [0.01, 0], [0, 0.01]])
    places = np.concatenate([np.float32([[[0, 0], [3, 0], [0, 0.4]]]), np.tile(small, (60, 1, 1))])
    packed = pack(Charts(np.arange(61), places), 512)
    last, first = both_maps(packed, 512)
    np.testing.assert_array_equal(last, first)
    assert packed.min() >= 0
    assert packed.max() <= 512


def test_a_polygon_stays_in_one_piece(surface, found, charts):
    """Its triangles share an edge on the texture, whatever their polygons are numbered by."""
    one, other = neighbouring_faces(surface)
    partner = np.arange(len(surface.faces))
    alone = np.ones(len(partner), bool)
    for first, second in zip(one.tolist(), other.tolist(), strict=True):
        if alone[first] and alone[second]:
            alone[first] = alone[second] = False
            partner[first] = partner[second] = min(first, second)
    polygons = 7 * partner.astype(np.int64) + 2**31
    places = unwrapped(surface, polygons, found, 512)
    pairs = np.nonzero(partner < np.arange(len(partner)))[0]

    def apart(each):
        """How many pairs do not share two corners on the texture."""
        split = 0
        for face in pairs:
            corners = {tuple(place) for place in each[face].round(2).tolist()}
            split += len(corners & {tuple(place) for place in each[partner[face]].round(2).tolist()}) != 2
        return split

    assert apart(charts.places * 1000) > 0
    assert apart(places) == 0


def strip(labels, seen):
    """Faces in a row, with scores for two photos (rows: faces)."""
    count = len(labels)
    scores = np.concatenate([np.float32(seen), np.full((count, AXES), 1e-3, np.float32)], 1)
    return Labels([0, 1], scores, np.array(labels)), (np.arange(count - 1), np.arange(1, count))


@pytest.mark.parametrize(
    ("seen", "facing", "area", "joined"),
    [
        ((0.5, 0.6), 0.5, 0.1, 0),
        ((0.05, 0.6), 0.5, 0.1, 1),
        ((0.0, 0.6), 0.5, 0.001, 0),
        ((0.0, 0.6), -0.5, 0.001, 1),
        ((0.5, 0.6), 0.5, 60.0, 1),
    ],
    ids=["seen", "too aslant", "tiny, hidden, but turned to it", "tiny and turned away", "not small"],
)
def test_a_small_chart_joins_where_it_is_seen(seen, facing, area, joined):
    labels, neighbours = strip([0, 1, 0], [(0.9, 0), seen, (0.9, 0)])
    areas = np.float32([50, area, 50])
    turned = np.full((3, 2 + AXES), -1, np.float32)
    turned[1] = facing
    assert merged(labels, turned, areas, neighbours).tolist() == [0, joined, 0]


def test_unseen_faces_are_unwrapped_along_their_axis(surface):
    """Seen from outside, half as many times as large, with no photo at all that shows them."""
    normals = face_normals(surface)
    areas = np.linalg.norm(normals, axis=1)
    normals /= areas[:, None]
    neighbours = neighbouring_faces(surface)
    labels = label_faces(normals, [], np.zeros((0, len(areas)), np.float32), neighbours)
    charts = charts_of(surface, labels, [view_from(around(1)[0])], areas, neighbours)
    flat = np.linalg.det(charts.places[:, 1:] - charts.places[:, :1])
    assert (flat < 1e-6).all()
    ratio = -flat / areas
    assert ratio.max() == pytest.approx(0.25, rel=1e-3)
    assert np.median(ratio) > 0.25 * 0.7
