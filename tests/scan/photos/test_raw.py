# SPDX-License-Identifier: GPL-3.0-or-later
"""RAW photos are developed by LibRaw into upright JPEGs, all alike. The files are what a sensor has of a photo."""

import io
import os
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image
from raw_files import dng, linear

from scan.common.errors import OutputError, PhotoError
from scan.photos import converted, decoding, raw
from scan.photos.header import read_facts
from scan.photos.photo import Photo
from scan.photos.pixels import open_photo, to_stored
from speaking_photos import exif

SIZE = (240, 160)


@pytest.fixture(scope="module")
def shot():
    """Give a photo of this repository, small: what the sensor sees."""
    path = Path(__file__).parents[2] / "data" / "turntable" / "photos" / "upright" / "IMG_0001.JPG"
    with Image.open(path) as photo:
        return photo.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)


@pytest.fixture
def add(tmp_path):
    """Give a function that writes a RAW file and returns it as a photo."""

    def add(content, name="DSC_1.NEF"):
        (tmp_path / name).write_bytes(content)
        return Photo(PurePosixPath(name), tmp_path / name, tmp_path / "converted")

    return add


def developed(photo):
    with Image.open(io.BytesIO(raw.make_jpeg(photo)[0])) as jpeg:
        jpeg.load()
    return jpeg


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("packed", [False, True], ids=["unpacked", "packed"])
def test_a_raw_photo_shows_what_the_sensor_saw_upright(add, shot, orientation, packed):
    stored = to_stored(shot, orientation)
    jpeg = developed(add(dng(stored, orientation=orientation, packed=packed)))
    assert (jpeg.format, jpeg.mode, jpeg.size) == ("JPEG", "RGB", SIZE)
    difference = np.asarray(jpeg, np.float64) - np.asarray(shot)
    # What the filter hides between its colors is made up; the colors themselves are right.
    assert np.abs(difference.mean((0, 1))).max() < 1
    assert np.median(np.abs(difference)) <= 2


def test_photos_are_as_bright_as_what_they_show(add, shot):
    """Engines and textures want the same spot alike in all photos, whatever else is in one."""
    light = [linear(developed(add(dng(shot, exposure=exposure)))).mean() for exposure in (1.0, 0.8, 0.4)]
    # 0.8 is where LibRaw would take a photo's brightest pixel for the sensor's most.
    assert light == pytest.approx([light[0], 0.8 * light[0], 0.4 * light[0]], rel=0.02)


def test_a_sensor_without_colors_has_grey_photos(add, shot):
    grey = shot.convert("L")
    jpeg = developed(add(dng(grey)))
    assert (jpeg.mode, jpeg.size) == ("L", SIZE)
    assert np.abs(np.asarray(jpeg, np.float64) - np.asarray(grey)).mean() < 2


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_jpeg_says_what_the_photo_said(add, shot, order):
    photo = add(dng(shot, orientation=6, exif=exif(6, order)))
    content, left_behind = raw.make_jpeg(photo)
    assert left_behind == []
    said = Image.open(io.BytesIO(content)).getexif()
    within, gps = said.get_ifd(0x8769), said.get_ifd(0x8825)
    assert (said[271], said[272], said[274]) == ("Acme", "Acme One", 1)
    assert (within[37386], within[42036], within[36867]) == (85.0, "RF85mm F2", "2026:11:22 10:00:00")
    assert (within[40962], within[40963]) == SIZE[::-1]
    assert (gps[1], gps[2]) == ("N", (48.0, 8.0, 14.5))
    jpeg = photo.jpeg
    jpeg.path.parent.mkdir()
    jpeg.path.write_bytes(content)
    facts = read_facts(jpeg)
    assert (facts.camera_name(), facts.orientation) == (f"Acme One, 85 mm, {SIZE[1]} × {SIZE[0]}", 1)


def test_from_then_on_the_jpeg_is_the_photo(add, shot):
    photo = add(dng(shot), "DSC_1.NEF")
    with pytest.raises(PhotoError, match=r"is a RAW file; tick Develop RAW Photos \(--develop-raw\), or export it as"):
        converted.as_jpeg(photo)
    assert not converted.is_converted(photo)
    jpeg = converted.as_jpeg(photo, develop_raw=True)
    assert (photo.working, jpeg.name) == (jpeg, PurePosixPath("DSC_1.NEF.jpg"))
    first = jpeg.path.stat()
    assert first.st_mtime_ns == photo.path.stat().st_mtime_ns
    # Developed once, it is used whether there is a tick or not.
    assert converted.as_jpeg(photo) == jpeg
    assert jpeg.path.stat().st_ino == first.st_ino
    os.utime(photo.path, ns=(1, 1_700_000_000_000_000_000))
    with pytest.raises(PhotoError, match="is a RAW file; tick"):
        converted.as_jpeg(photo)


def test_a_jpeg_that_cannot_be_written_is_told(add, shot, tmp_path):
    (tmp_path / "converted").write_bytes(b"a file where the folder should be")
    with pytest.raises(OutputError, match="converted cannot be written"):
        converted.as_jpeg(add(dng(shot)), develop_raw=True)


def test_a_raw_file_itself_is_not_opened(add, shot):
    with pytest.raises(PhotoError, match="is a RAW file; tick Develop RAW Photos"), open_photo(add(dng(shot))):
        pass


def in_jpeg(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda shot: dng(shot)[:-99], "is damaged (it ends too early); copy it from the camera again"),
        (lambda shot: dng(shot)[:500], "is damaged (it ends too early); copy it from the camera again"),
        (lambda shot: dng(shot, packed=True)[:-99], "is damaged (it ends too early); copy it from the camera again"),
        (lambda shot: dng(shot, packed=True)[:500], "is damaged (it is all black); copy it from the camera again"),
        (lambda _: b"", "is damaged (it ends too early); copy it from the camera again"),
        (lambda _: b"Dear camera,\n" * 99, "is a RAW file of a kind that LibRaw 0."),
        (in_jpeg, "is a JPEG file named .NEF; rename it to .jpg"),
    ],
)
def test_what_cannot_be_developed_is_told(add, shot, make, words):
    with pytest.raises(PhotoError) as error:
        raw.make_jpeg(add(make(shot)))
    assert str(error.value).startswith(words)


def test_a_photo_that_claims_too_much_is_refused(add, shot, monkeypatch):
    monkeypatch.setattr(decoding, "MAX_MEGAPIXELS", 0)
    with pytest.raises(PhotoError, match="claims 240 × 160 pixels, and more than 0 megapixels are not read"):
        raw.make_jpeg(add(dng(shot)))


OWN_RAWPY = """
import os, sys
{}
class ColorSpace: sRGB = 1
class LibRawUnsufficientMemoryError(Exception): pass
class LibRawFileUnsupportedError(Exception): pass
class LibRawNotImplementedError(Exception): pass
class LibRawIOError(Exception): pass
class Raw:
    class sizes: raw_width = raw_height = 2
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def postprocess(self, **_):
        import numpy
        {}
        return numpy.zeros((2, 2, 3), numpy.uint8)
def imread(file): return Raw()
"""


@pytest.mark.parametrize(
    ("at_start", "at_work", "words"),
    [
        (
            "raise ImportError('no library for this system')",
            "",
            r"is a RAW file, and what reads them is missing here \(no",
        ),
        ("os.abort()", "", r"is damaged \(its decoder crashed\); copy it from the camera again"),
        ("", "raise MemoryError", "needs more memory than is free"),
        (
            "",
            "raise RuntimeError(b'Bad crop box')",
            r"cannot be decoded \(Bad crop box\); copy it from the camera again",
        ),
        (
            "",
            "sys.stderr.write('x: data corrupted at 7\\n')",
            r"is damaged, or packed in a way that LibRaw does not know \(data corrupted\); copy it",
        ),
    ],
)
def test_how_a_decoder_ends_is_told(add, shot, tmp_path, monkeypatch, at_start, at_work, words):
    (tmp_path / "rawpy.py").write_text(OWN_RAWPY.format(at_start, at_work))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PhotoError, match=words):
        raw.make_jpeg(add(dng(shot)))
