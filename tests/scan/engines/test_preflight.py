# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with photos or masks is said before an engine runs, with what to do."""

from __future__ import annotations

import struct
import threading

import numpy as np
import pytest
from conftest import draw_photo
from PIL import ExifTags, Image, ImageDraw

from scan.common.errors import BadUseError, Cancelled
from scan.engines.catalog import names
from scan.engines.engine import Requirements, make_engine
from scan.engines.preflight import preflight
from scan.photos.photo import find_photos

JPEG_AND_PNG = Requirements(frozenset({"JPEG", "PNG", "TIFF"}))


@pytest.fixture
def masks(tmp_path):
    return tmp_path / "masks"


@pytest.fixture
def add(photos, masks):
    """Give a function that adds a photo with EXIF and a mask."""

    def add(name, mask="good", size=(320, 240), focal=50.0, orientation=0, **options):
        path = photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Acme", "Acme One"
        if focal:
            exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLength] = focal
        if orientation:
            exif[ExifTags.Base.Orientation] = orientation
        draw_photo(size).save(path, exif=exif, **options)
        picture = {
            "good": lambda: draw_mask(size),
            "black": lambda: Image.new("L", size, 0),
            "white": lambda: Image.new("L", size, 255),
            "inverted": lambda: draw_mask(size).point(lambda value: 255 - value),
            "soft": lambda: draw_mask(size).point(lambda value: value // 2 + 60),
            "painted": lambda: draw_mask(size).convert("RGBA"),
            "erased": lambda: Image.merge("LA", (Image.new("L", size, 255), draw_mask(size))),
            "key": lambda: draw_mask(size),
            "half": lambda: draw_mask((size[0] // 2, size[1] // 2)),
            "turned": lambda: draw_mask(size[::-1]),
        }.get(mask)
        place = masks / f"{name}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        if picture:
            picture().save(place, **({"transparency": 255} if mask == "key" else {}))
        elif mask == "torn":
            draw_mask(size).save(place)
            place.write_bytes(place.read_bytes()[:60])

    return add


def draw_mask(size):
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse((size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2), 255)
    return mask


@pytest.fixture
def look(photos, masks):
    """Give a function that runs preflight."""

    def look(requirements=JPEG_AND_PNG, *, use_masks=True, cancel=None, title="COLMAP"):
        mask_of = (lambda photo: masks / f"{photo.name}.png") if use_masks else None
        return preflight(find_photos(photos), mask_of, requirements, title, cancel or threading.Event())

    return look


def warnings(found):
    return [finding.text for finding in found.findings if finding.level == "warning"]


def test_a_good_scan_is_told_of_and_not_warned_of(add, look):
    for name in ("A/1.jpg", "A/2.jpg", "B/1.jpg", "B/2.jpg"):
        add(name)
    found = look()
    assert warnings(found) == []
    assert [finding.text for finding in found.findings] == [
        "One camera: Acme One, 50 mm, 320 × 240",
        "2 sides: A (2), B (2)",
    ]
    assert [photo.name for photo in found.photos] == ["A/1.jpg", "A/2.jpg", "B/1.jpg", "B/2.jpg"]
    assert found.left_out == {}


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        ("missing", "has no mask; strip its background first"),
        ("black", "has a mask that is all black and keeps nothing; strip it again with another model"),
        ("half", "is 320 × 240 pixels and its mask 160 × 120; strip it again"),
        ("turned", "is 320 × 240 pixels and its mask 240 × 320; strip it again"),
        ("torn", "has a mask that cannot be decoded"),
    ],
)
def test_a_photo_with_a_bad_mask_is_left_out_and_named(add, look, mask, words):
    for number in range(4):
        add(f"{number}.jpg", mask if number == 2 else "good")
    found = look()
    assert [photo.name for photo in found.photos] == ["0.jpg", "1.jpg", "3.jpg"]
    assert words in found.left_out["2.jpg"]
    (warning,) = warnings(found)
    assert warning.startswith("1 photo left out (2.jpg): ")
    assert words in warning


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        ("missing", "No photo can go to COLMAP: each of the 4 has no mask; strip its background first"),
        ("black", "No photo can go to COLMAP: each of the 4 has a mask that is all black and keeps nothing; strip it "),
    ],
)
def test_masks_that_are_all_bad_are_refused_in_one_sentence(add, look, mask, words):
    for number in range(4):
        add(f"{number}.jpg", mask)
    with pytest.raises(BadUseError) as refusal:
        look()
    assert str(refusal.value).startswith(words)
    assert str(refusal.value).count(". ") == 0


def test_too_few_that_are_left_are_refused_with_the_reason(add, look):
    for number in range(5):
        add(f"{number}.jpg", "good" if number < 2 else "black")
    with pytest.raises(
        BadUseError, match=r"Only 2 of 5 photos .* at least 3; 2\.jpg and 2 more: has a mask that is all"
    ):
        look()


@pytest.mark.parametrize("count", [1, 2])
def test_two_photos_are_too_few(add, look, count):
    for number in range(count):
        add(f"{number}.jpg")
    with pytest.raises(BadUseError, match=rf"at least 3 photos, and there (is|are) only {count}; take 20 to 60"):
        look()


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        ("white", "4 masks all white, so that the background is kept (0.jpg, 1.jpg, 2.jpg and 1 more)"),
        ("inverted", "4 of 4 masks keep the picture's edge and drop what is inside: they may be inverted"),
        ("soft", "4 masks not plain black and white (0.jpg, 1.jpg, 2.jpg and 1 more); grey from 128 on counts as"),
        ("painted", "4 masks not plain black and white"),
    ],
)
def test_doubtful_masks_are_used_with_a_warning(add, look, mask, words):
    for number in range(4):
        add(f"{number}.jpg", mask)
    found = look()
    assert len(found.photos) == 4
    assert any(words in text for text in warnings(found)), warnings(found)
    assert any("not plain black and white" in text for text in warnings(found)) == (mask not in {"white", "inverted"})


def test_what_was_erased_to_transparency_keeps_nothing(add, look):
    for number in range(3):
        add(f"{number}.jpg", "erased")
    add("key.jpg", "key")
    found = look()
    assert not any("all white" in text or "inverted" in text for text in warnings(found))
    assert any("3 masks not plain black and white" in text for text in warnings(found))
    assert "keeps nothing" in found.left_out["key.jpg"], "the colour that it keeps is the transparent one"


def test_no_masks_at_all_is_warned_of(add, look):
    for number in range(3):
        add(f"{number}.jpg", "missing")
    found = look(use_masks=False)
    assert [photo.mask_sha256 for photo in found.photos] == [None] * 3
    assert "No masks are used" in warnings(found)[0]


def test_missing_focal_lengths_and_mixed_cameras_are_warned_of(add, look):
    add("1.jpg")
    add("2.jpg", focal=None)
    add("3.jpg", focal=70)
    add("4.jpg", focal=70)
    texts = warnings(look())
    assert texts[0].startswith("1 photo without a focal length in EXIF (2.jpg); COLMAP starts from a guess")
    assert texts[1].startswith(
        "3 cameras, zooms, sizes or orientations, each solved as a lens of its own: Acme One, 70 mm"
    )


def test_size_and_orientation_make_a_camera_of_its_own(add, look):
    add("1.jpg")
    add("2.jpg", orientation=6)
    add("3.jpg", size=(240, 320))
    add("4.tif", orientation=6)
    found = look()
    assert len({photo.facts.camera_key() for photo in found.photos[:3]}) == 3
    assert found.photos[3].facts.size == (320, 240), "of the stored pixels, whatever Pillow says of a TIFF"
    assert found.left_out == {}


def test_pictures_of_a_file_that_are_not_used_are_told(add, look):
    add("1.jpg")
    add("2.tif", save_all=True, append_images=[draw_photo((320, 240))] * 3)
    add("3.tif", save_all=True, append_images=[draw_photo((80, 60))])  # a preview
    add("4.png", save_all=True, append_images=[draw_photo((320, 240)).rotate(90)])
    found = look()
    assert [photo.facts.pictures for photo in found.photos] == [1, 4, 1, 2]
    assert warnings(found)[0] == (
        "2 photos with more than one picture in the file (2.tif, 4.png), of which only the first is used; save the "
        "others as files of their own"
    )


def test_a_damaged_picture_behind_a_photo_is_none(add, look, photos):
    for number in range(3):
        add(f"{number}.tif", save_all=True, append_images=[draw_photo((320, 240))])
    content = bytearray((photos / "1.tif").read_bytes())
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    (second,) = struct.unpack_from("<I", content, first + 2 + 12 * count)
    content[second + 2 :] = b"\xff" * (len(content) - second - 2)
    (photos / "1.tif").write_bytes(content)
    assert [photo.facts.pictures for photo in look().photos] == [2, 1, 2]


def test_a_format_the_engine_does_not_read_is_left_out(add, look):
    for name in ("1.jpg", "2.jpg", "3.jpg", "4.webp"):
        add(name)
    assert look().left_out == {"4.webp": "is a WEBP file, which COLMAP does not read; save it as JPEG or PNG"}


@pytest.mark.parametrize("engine", names())
def test_sentences_read_well_with_each_engine_in_their_middle(add, look, engine):
    for name in ("1.jpg", "2.jpg", "3.jpg", "4.webp"):
        add(name, focal=None)
    title = make_engine(engine).title
    found = look(title=title)
    texts = [*found.left_out.values(), *warnings(found)]
    found.photos[0].photo.path.unlink()
    with pytest.raises(BadUseError) as refusal:
        look(title=title)
    texts.append(str(refusal.value))
    assert sum(title in text for text in texts) == len(texts) == 4
    assert not any(" The " in text for text in texts), texts


def test_a_file_that_is_no_photo_is_left_out(add, look, photos, masks):
    for name in ("1.jpg", "2.jpg", "3.jpg", "4.jpg"):
        add(name)
    (photos / "4.jpg").write_bytes(b"no photo")
    assert "is not a JPEG" in look().left_out["4.jpg"]
    assert np.asarray(Image.open(masks / "4.jpg.png")).any()


def test_a_cancelled_look_ends(add, look):
    for number in range(4):
        add(f"{number}.jpg")
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        look(cancel=cancel)
