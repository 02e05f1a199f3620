# SPDX-License-Identifier: GPL-3.0-or-later
"""From photos, masks and cameras on disk to views of the object: what each shows, and what is left out."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from mesh_scenes import LANDSCAPE, PLACE, SOLID, THREADS, Lens, around, view_from, write_scan
from PIL import Image, ImageDraw

from scan.common.errors import NoModelError
from scan.reconstruction.readers import registry
from scan.views.arrays import Arrays
from scan.views.prepare import keep_all, left_out_words, look
from scan.views.shots import COLOR, GREY, MASK, Box, sources_of, working_scale

BENT = Lens("OPENCV", 180, 240, (280.0, 284.0, 92.0, 117.0, -0.12, 0.05, 0.002, -0.001))
COUNT = 8


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Photos of a straight and of a bent lens in turns."""
    return write_scan(tmp_path_factory.mktemp("shots"), around(COUNT - 4), (LANDSCAPE, BENT))


@pytest.fixture
def scan(original, tmp_path):
    """A copy, to be harmed."""
    shutil.copytree(original.root, tmp_path / "scan")
    return type(original)(tmp_path / "scan", original.names)


def shots_of(scan, edge=1000.0):
    reconstruction = registry.read(registry.find(scan.cameras))
    sources = sources_of(reconstruction, scan.photos, scan.masks, scan.root / "converted")
    return look(sources, edge, THREADS)


def kept(scan, folder, edge=1000.0):
    """Shots, and what is kept of each."""
    arrays = Arrays(folder)
    shots = keep_all(shots_of(scan, edge), arrays, THREADS)
    return shots, [
        SimpleNamespace(view=view, **{kind: arrays.bytes(kind, number) for kind in (COLOR, GREY, MASK)})
        for number, view in enumerate(shots.views)
    ]


@pytest.mark.parametrize("edge", [1000.0, 80.0], ids=["as large as the photos", "smaller"])
def test_views_show_the_solid_where_it_is(original, tmp_path, edge):
    """Whatever the lens, the resolution and the part: what a view has at a pixel is what lies behind it."""
    shots, found = kept(original, tmp_path, edge)
    assert len(found) == COUNT
    for each in found:
        view = each.view
        position = PLACE.to_unit(shots.frame.to_world(view.position[None]))[0]
        rows, columns = np.indices((view.height, view.width)).reshape(2, -1)
        far = shots.frame.to_world(view.to_world(np.full(len(rows), 9, np.float32), rows, columns))
        depths = SOLID.depths(position, PLACE.to_unit(far) - position)
        met = np.isfinite(depths).reshape(view.height, view.width)
        assert ((each.mask > 127) == met).mean() > 0.99
        points = position + np.where(np.isfinite(depths), depths, 0)[:, None] * (PLACE.to_unit(far) - position)
        deep = met & (np.abs(each.mask.astype(int) - 255) == 0)
        paint = SOLID.paint(points).reshape(met.shape)
        error = np.abs(each.color[..., 0].astype(float) - paint)[deep]
        assert np.median(error) < 12
        assert each.grey.shape == each.mask.shape == met.shape == each.color.shape[:2]


def test_the_unit_frame_is_that_of_the_solid(original):
    frame = shots_of(original).frame
    assert np.linalg.norm(PLACE.to_unit(frame.center[None])) < 0.2
    assert 0.9 * PLACE.size < frame.radius < 1.3 * PLACE.size


def test_the_object_is_as_large_as_the_edge_wants_and_never_enlarged(original):
    def sizes(edge):
        return [np.sqrt(part.size[0] * part.size[1]) for part in shots_of(original, edge).parts]

    assert np.median(sizes(60.0)) == pytest.approx(60, abs=30)
    assert np.median(sizes(60.0)) < np.median(sizes(100.0)) < np.median(sizes(1000.0))
    assert sizes(1000.0) == sizes(5000.0)
    assert all(side % 4 == 0 for part in shots_of(original, 77.0).parts for side in part.size)
    for part in shots_of(original).parts:
        assert (part.width, part.height) == part.size


def test_the_working_scale_counts_on_the_usual_box():
    boxes = [Box(0, 0, 100, 100), Box(10, 10, 210, 60), Box(0, 0, 2000, 3000)]
    assert working_scale(boxes, 50.0) == pytest.approx(0.5)
    assert working_scale(boxes, 400.0) == 1.0


def parts_of(scan, edge=1000.0):
    """Photo → its part."""
    shots = shots_of(scan, edge)
    return {source.photo.name: part for source, part in zip(shots.sources, shots.parts, strict=True)}


def widened(scan, number, box):
    """Let a mask keep a rectangle, too."""
    with Image.open(scan.mask(number)) as mask:
        mask.load()
    ImageDraw.Draw(mask).rectangle(box, 255)
    mask.save(scan.mask(number))


def test_a_photo_that_ends_within_the_object_says_so(scan):
    assert {part.ends for part in parts_of(scan).values()} == {(False, False, False, False)}
    widened(scan, 0, (100, 100, 239, 140))
    widened(scan, 2, (100, 100, 140, 179))
    parts = parts_of(scan)
    assert parts[scan.names[0]].ends == (False, False, True, False)
    assert parts[scan.names[2]].ends == (False, False, False, True)
    assert parts[scan.names[0]].left + parts[scan.names[0]].width > 240


def test_beyond_the_photos_end_a_part_is_black(scan, tmp_path):
    widened(scan, 0, (100, 100, 239, 140))
    shots, found = kept(scan, tmp_path / "views")
    number = [source.photo.name for source in shots.sources].index(scan.names[0])
    part, each = shots.parts[number], found[number]
    beyond = 240 - part.left
    assert 0 < beyond < part.width
    for values in (each.color, each.grey, each.mask):
        assert not values[:, beyond:].any()
        assert values[:, :beyond].any()


def test_a_mask_that_keeps_everything_gets_a_part_around_the_object_only(scan):
    before = shots_of(scan, 60.0)
    Image.new("L", (240, 180), 255).save(scan.mask(0))
    Image.new("L", (180, 240), 255).save(scan.mask(1))
    after = shots_of(scan, 60.0)
    areas = [[part.width * part.height for part in shots.parts] for shots in (before, after)]
    assert max(areas[1]) < 3.5 * max(areas[0])
    far = Lens("PINHOLE", 800, 600, (100.0, 100.0, 390.0, 310.0))  # the object is a tenth of the picture
    wide = write_scan(scan.root / "far", around(2), (far,))
    small = parts_of(wide)[wide.names[1]]
    Image.new("L", (800, 600), 255).save(wide.mask(1))
    large = parts_of(wide)[wide.names[1]]
    assert large.width < 3 * small.width
    assert not any(large.ends)


@pytest.mark.parametrize("number", [0, 1], ids=["straight", "bent"])
def test_a_mask_that_lacks_a_side_has_the_part_that_the_others_give_it(scan, number):
    """So that there is to see what it lacks; those of the others stay as they are."""
    before = parts_of(scan)
    with Image.open(scan.mask(number)) as mask:
        mask.load()
    mask.paste(0, (mask.width // 2, 0, mask.width, mask.height))
    mask.save(scan.mask(number))
    after = parts_of(scan)
    right, was_right = (parts[scan.names[number]].left + parts[scan.names[number]].width for parts in (after, before))
    assert right > was_right - 0.1 * before[scan.names[number]].width
    for name in scan.names:
        if name != scan.names[number]:
            assert after[name] == before[name]


def renamed(scan):
    """Rename a photo, and its mask as a strip does then."""
    for path in (scan.mask(3), scan.photos / scan.names[3]):
        path.rename(path.with_name(f"other {path.name}"))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda scan: scan.mask(3).unlink(), "has no mask"),
        (renamed, "put it back under that name, or solve again"),
        (lambda scan: Image.new("L", (9, 7), 255).save(scan.mask(3)), "9 × 7"),
        (lambda scan: Image.new("L", (180, 240)).save(scan.mask(3)), "all black"),
        (lambda scan: scan.mask(3).write_bytes(b"no picture"), "cannot be read"),
        (lambda scan: (scan.photos / scan.names[3]).unlink(), "cannot be read"),
        (lambda scan: Image.new("RGB", (44, 33)).save(scan.photos / scan.names[3]), "44 × 33"),
        (lambda scan: (scan.photos / scan.names[3]).write_bytes(b"\xff\xd8 no"), ""),
    ],
    ids=[
        "no mask",
        "other names",
        "small mask",
        "black mask",
        "broken mask",
        "no photo",
        "small photo",
        "broken photo",
    ],
)
def test_a_photo_that_cannot_be_used_is_left_out_with_the_reason(scan, tmp_path, harm, words):
    harm(scan)
    shots, found = kept(scan, tmp_path / "views")
    assert list(shots.left_out) == [scan.names[3]]
    assert words in shots.left_out[scan.names[3]]
    assert "1 photo left out" in left_out_words(shots.left_out)
    assert scan.names[3] in left_out_words(shots.left_out)
    assert len(shots.sources) == len(shots.parts) == len(found) == COUNT - 1
    assert scan.names[3] not in [view.name for view in shots.views]
    for each in found:  # and the others' arrays are still theirs
        assert each.mask.shape == (each.view.height, each.view.width)
        assert (each.mask > 0).mean() > 0.3


def test_without_any_left_out_there_is_nothing_to_say():
    assert left_out_words({}) == ""


def test_too_few_photos_make_no_model_and_one_of_the_reasons_is_told(scan):
    for number in range(2, COUNT):
        scan.mask(number).unlink()
    with pytest.raises(NoModelError, match=rf"at least 3 photos.*only 2; .*has no mask.*and {COUNT - 3} more photos"):
        shots_of(scan)
    for number in range(2):
        Image.new("L", (9, 9)).save(scan.mask(number))
    with pytest.raises(NoModelError, match="there is none"):
        shots_of(scan)


def test_too_few_photos_that_can_be_read_make_no_model(scan, tmp_path):
    for name in scan.names[2:]:
        (scan.photos / name).unlink()
    with pytest.raises(NoModelError, match="only 2"):
        kept(scan, tmp_path / "views")


def test_a_view_of_the_unit_frame_has_the_objects_size(original):
    """A ball of the frame's radius about its middle about fills a part."""
    for view in shots_of(original).views:
        across = 2 * view.focal_x / np.linalg.norm(view.position)
        assert 0.6 < across / (view.width - 16) < 1.5
    assert view_from(around()[0]).pixel_angle > 0
