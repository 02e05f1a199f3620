# SPDX-License-Identifier: GPL-3.0-or-later
"""HEIC photos become upright JPEGs that say all that the photo said. The files are made by libheif and x265."""

import io
import os
import random
import subprocess
import sys
from pathlib import PurePosixPath

import numpy as np
import pytest
from PIL import Image, ImageOps

from scan import heic, heic_reader
from scan.cutouts import CutoutKind, make_cutout
from scan.errors import PhotoError
from scan.masks import make_mask
from scan.photos import Photo, make_proxy
from scan.settings import MaskSettings
from speaking_photos import SIZE, XMP, block_of, exif, icc, save, scene, tags_of, true_mask

# A process of its own makes the files: so the reader is proved with no other libheif beside it, as it is in Blender.
_MAKE = """
import sys, pillow_heif
from PIL import Image
source, target, orientation, bits, *xmp = sys.argv[1:]
pillow_heif.register_heif_opener(save_to_12bit=bits == "12")
with Image.open(source) as image:
    info = dict(image.info)
    says = {"exif": info.get("exif"), "icc_profile": info.get("icc_profile"), "xmp": info.get("xmp")}
    image.load()
    image.info = {}
    if bits == "8":
        image.save(target, quality=90, **{key: value for key, value in says.items() if value})
    else:
        import numpy
        deep = numpy.asarray(image).astype("<u2") * 257
        pillow_heif.encode("RGB;16", image.size, deep.tobytes(), target, quality=90, **says)
"""

TURNED = XMP.replace(b"xmp:Rating", b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" xmp:Rating')


def make_heic(path, orientation=1, bits=8, **options):
    """A HEIC that says all a photo can; its pixels are stored so that ``orientation`` turns them upright."""
    source = save(
        path.with_name(path.name + ".source.jpg"), orientation=orientation, quality=97, subsampling=0, **options
    )
    command = [sys.executable, "-c", _MAKE, source, path, str(orientation), str(bits)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named 'pillow_heif'" in done.stderr:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("pillow-heif makes the HEIC files: set up `tests` anew")
    assert done.returncode == 0, done.stderr
    source.unlink()
    return Photo(PurePosixPath(path.name), path)


def read(content):
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def pixels(image):
    return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_jpeg_is_upright_however_the_phone_was_held(tmp_path, orientation):
    photo = make_heic(tmp_path / "IMG_1.HEIC", orientation)
    result = read(heic.make_jpeg(photo))
    stored = scene()
    stored.info = {}
    marked = stored.getexif()
    marked[274] = orientation
    upright = ImageOps.exif_transpose(stored)
    assert result.size == upright.size
    assert np.abs(pixels(result) - pixels(upright)).mean() < 6
    assert result.getexif()[274] == 1
    assert ImageOps.exif_transpose(result).size == upright.size


def test_the_jpeg_says_what_the_photo_said(tmp_path):
    photo = make_heic(tmp_path / "IMG_1.HEIC", 6, xmp=TURNED, icc_profile=icc(80_000))
    path = tmp_path / "IMG_1.HEIC.jpg"
    path.write_bytes(heic.make_jpeg(photo))
    said, says = (tags_of(each, "EXIF", "MakerNotes", "XMP") for each in (photo.path, path))
    assert said["EXIF:IFD0:Orientation"] == said["XMP:XMP-tiff:Copy1:Orientation"] == "Rotate 90 CW"
    assert said["MakerNotes:Canon:OwnerName"] == "A. Photographer of vases"
    changed = {key for key in said if said[key] != says.get(key)}
    assert set(says) == set(said)
    assert changed == {
        "EXIF:IFD0:Orientation",
        "XMP:XMP-tiff:Copy1:Orientation",
        "EXIF:ExifIFD:ExifImageWidth",
        "EXIF:ExifIFD:ExifImageHeight",
    }
    assert says["EXIF:IFD0:Orientation"] == says["XMP:XMP-tiff:Copy1:Orientation"] == "Horizontal (normal)"
    assert (says["EXIF:ExifIFD:ExifImageWidth"], says["EXIF:ExifIFD:ExifImageHeight"]) == SIZE[::-1]
    assert block_of(path, "ICC_Profile") == icc(80_000)
    assert block_of(path, "XMP") == TURNED.replace(b'tiff:Orientation="6"', b'tiff:Orientation="1"')


def test_xmp_that_needs_no_change_is_the_same_bytes(tmp_path):
    photo = make_heic(tmp_path / "IMG_1.HEIC")
    assert heic.make_jpeg(photo).count(XMP) == 1
    assert exif() in heic.make_jpeg(photo)


@pytest.mark.parametrize("bits", [10, 12])
def test_more_than_8_bits_are_read(tmp_path, bits):
    result = read(heic.make_jpeg(make_heic(tmp_path / "deep.heif", bits=bits)))
    assert np.abs(pixels(result) - pixels(scene())).mean() < 6


def test_a_photo_that_says_nothing(tmp_path):
    photo = make_heic(tmp_path / "IMG_1.heic", exif=None, xmp=None, icc_profile=None)
    path = tmp_path / "said.jpg"
    path.write_bytes(heic.make_jpeg(photo))
    assert tags_of(path, "EXIF", "XMP", "ICC_Profile") == {}


def test_from_then_on_the_jpeg_is_the_photo(tmp_path):
    photo = make_heic(tmp_path / "IMG_1.HEIC", 6)
    photo = Photo(PurePosixPath("SideA/IMG_1.HEIC"), photo.path)
    assert heic.is_heic(photo.name)
    jpeg = heic.as_jpeg(photo, tmp_path / "photos")
    assert jpeg.name == PurePosixPath("SideA/IMG_1.HEIC.jpg")
    assert jpeg.path == tmp_path / "photos" / "SideA" / "IMG_1.HEIC.jpg"
    assert not heic.is_heic(jpeg.name)
    proxy = make_proxy(jpeg, 320)
    assert (proxy.orientation, proxy.stored_size) == (1, SIZE[::-1])
    upright = true_mask().transpose(Image.Transpose.ROTATE_270)
    mask = make_mask(upright.resize(proxy.size), proxy.orientation, proxy.stored_size, MaskSettings()).image()
    kept = np.asarray(mask) == 255
    result = read(make_cutout(jpeg, mask, CutoutKind.JPEG))
    assert np.abs(pixels(result)[kept] - pixels(scene().transpose(Image.Transpose.ROTATE_270))[kept]).mean() < 8


def test_the_jpeg_is_written_once_and_again_when_the_photo_changes(tmp_path):
    photo = make_heic(tmp_path / "IMG_1.HEIC")
    before = photo.path.read_bytes(), photo.identity()
    jpeg = heic.as_jpeg(photo, tmp_path / "photos")
    first = jpeg.path.stat().st_ino, jpeg.identity()
    assert heic.as_jpeg(photo, tmp_path / "photos") == jpeg
    assert (jpeg.path.stat().st_ino, jpeg.identity()) == first
    jpeg.path.unlink()  # made anew, it counts as the same photo: its mask stands
    heic.as_jpeg(photo, tmp_path / "photos")
    assert jpeg.identity() == first[1]
    assert (photo.path.read_bytes(), photo.identity()) == before, "the photo was written to"
    os.utime(photo.path, ns=(1, 1_700_000_000_000_000_000))
    heic.as_jpeg(photo, tmp_path / "photos")
    assert jpeg.identity() != first[1]


def test_damaged_files_are_refused_in_words(tmp_path):
    photo = make_heic(tmp_path / "IMG_1.HEIC", picture=scene().resize((96, 64)))
    whole = photo.path.read_bytes()
    chance = random.Random(5)  # noqa: S311 - damage has to be the same every time
    refused = 0
    for _ in range(40):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 10)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        photo.path.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
        try:
            heic.make_jpeg(photo)
        except PhotoError:
            refused += 1
    assert refused > 5
    photo.path.write_bytes(b"")
    with pytest.raises(PhotoError, match="cannot be decoded"):
        heic.make_jpeg(photo)
    photo.path.unlink()
    with pytest.raises(PhotoError):
        heic.make_jpeg(photo)


def test_without_the_decoder_the_reason_is_told(tmp_path, monkeypatch):
    photo = make_heic(tmp_path / "IMG_1.HEIC")
    (tmp_path / "pi_heif.py").write_text("raise ImportError('no library for this system')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PhotoError, match=r"what reads them is missing here \(no library .*\); convert it to JPEG"):
        heic.make_jpeg(photo)


@pytest.mark.parametrize("end", ["os.abort()", "time.sleep(60)"])
def test_a_decoder_that_crashes_or_hangs_fails_the_photo_only(tmp_path, monkeypatch, end):
    photo = make_heic(tmp_path / "IMG_1.HEIC")
    (tmp_path / "pi_heif.py").write_text(f"import os, time\n{end}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(heic, "_LONGEST", 2.0)
    with pytest.raises(PhotoError, match="crashed" if "abort" in end else "not decoded within 2 s"):
        heic.make_jpeg(photo)


def test_where_an_unpacked_wheel_keeps_its_libraries(tmp_path):
    assert heic_reader.library_folders(tmp_path) == []
    left = tmp_path / "pi_heif-1.4.0.data" / "platlib"
    left.mkdir(parents=True)
    assert heic_reader.library_folders(tmp_path) == [left]
