# SPDX-License-Identifier: GPL-3.0-or-later
"""HEIC photos become upright JPEGs that say all that the photo said. The files are made by libheif and x265."""

import dataclasses
import functools
import importlib.util
import io
import json
import os
import random
import struct
import subprocess
import sys
import threading
import tracemalloc
from pathlib import PurePosixPath

import numpy as np
import pytest
from conftest import journal_lines
from PIL import Image, ImageOps

from scan.common.errors import Cancelled, PhotoError
from scan.cutouts.cutout import CutoutKind, make_cutout
from scan.engines.engine import Watch
from scan.job.journal import Journal
from scan.masks.mask import make_mask
from scan.masks.settings import MaskSettings
from scan.photos import converted, decoder, decoding, heic
from scan.photos.photo import Photo
from scan.photos.pixels import make_proxy
from scan.tasks import reconstruct
from speaking_photos import SIZE, XMP, block_of, exif, icc, save, scene, tags_of, true_mask

# A process of its own makes the files, one for all of them: so the reader is proved with no other libheif beside it, as
# it is in Blender. A line of JSON a file.
_MAKE = """
import json, sys, numpy, pillow_heif
from PIL import Image

def make(source, target, bits, given):
    pillow_heif.register_heif_opener(save_to_12bit=bits == 12)
    with Image.open(source) as image:
        info = dict(image.info)
        says = {"exif": info.get("exif"), "icc_profile": info.get("icc_profile"), "xmp": info.get("xmp")}
        for name, file in given.items():
            with open(file, "rb") as stream:
                says[name] = stream.read()
        image.load()
        image.info = {}
        if bits == 8:
            image.save(target, quality=90, **{key: value for key, value in says.items() if value})
        else:
            deep = numpy.asarray(image).astype("<u2") * 257
            pillow_heif.encode("RGB;16", image.size, deep.tobytes(), target, quality=90, **says)

for line in sys.stdin:
    make(*json.loads(line))
    print("made", flush=True)
"""


@functools.cache
def _maker():
    """A process that makes HEIC files; it leaves when its input closes, with this one."""
    command = [sys.executable, "-c", _MAKE]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


TURNED = XMP.replace(b"xmp:Rating", b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" xmp:Rating')


def make_heic(path, orientation=1, bits=8, blocks=(), **options):
    """A HEIC that says all a photo can; its pixels are stored so that ``orientation`` turns them upright.

    ``blocks`` are pairs of name (exif, xmp) and bytes, also such as no JPEG could hand on.
    """
    source = save(
        path.with_name(path.name + ".source.jpg"), orientation=orientation, quality=97, subsampling=0, **options
    )
    given = {}
    for name, block in blocks:
        given[name] = str(source.with_suffix(f".{name}"))
        source.with_suffix(f".{name}").write_bytes(block)
    if importlib.util.find_spec("pillow_heif") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("pillow-heif makes the HEIC files: set up `tests` anew")
    maker = _maker()
    print(json.dumps([str(source), str(path), bits, given]), file=maker.stdin, flush=True)
    assert maker.stdout.readline() == "made\n", "what it printed says why"
    source.unlink()
    return Photo(PurePosixPath(path.name), path, path.parent / "photos")


def read(content):
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def pixels(image):
    return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_jpeg_is_upright_however_the_phone_was_held(tmp_path, orientation):
    photo = make_heic(tmp_path / "IMG_1.HEIC", orientation)
    result = read(heic.make_jpeg(photo)[0])
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
    path.write_bytes(heic.make_jpeg(photo)[0])
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
    assert heic.make_jpeg(photo)[0].count(XMP) == 1
    assert exif() in heic.make_jpeg(photo)[0]


@pytest.mark.parametrize("bits", [10, 12])
def test_more_than_8_bits_are_read(tmp_path, bits):
    result = read(heic.make_jpeg(make_heic(tmp_path / "deep.heif", bits=bits))[0])
    assert np.abs(pixels(result) - pixels(scene())).mean() < 6


def test_a_photo_that_says_nothing(tmp_path):
    photo = make_heic(tmp_path / "IMG_1.heic", exif=None, xmp=None, icc_profile=None)
    path = tmp_path / "said.jpg"
    path.write_bytes(heic.make_jpeg(photo)[0])
    assert tags_of(path, "EXIF", "XMP", "ICC_Profile") == {}


def with_dangling_gps(block):
    """EXIF whose GPS directory is said to lie far behind its end, as programs leave it that rewrite EXIF."""
    (count,) = struct.unpack_from("<H", block, 8)
    (place,) = (at for at in range(10, 10 + 12 * count, 12) if struct.unpack_from("<H", block, at)[0] == 34853)
    return block[: place + 8] + struct.pack("<I", 0x00FFFFFF) + block[place + 12 :]


def test_metadata_that_is_damaged_where_it_does_not_matter_is_carried_as_it_is(tmp_path):
    """As it is carried from a JPEG. What says how the picture is turned is set right all the same."""
    photo = make_heic(tmp_path / "IMG_1.HEIC", 6, blocks=[("exif", b"Exif\0\0" + with_dangling_gps(exif(6)))])
    jpeg, left_behind = heic.make_jpeg(photo)
    assert left_behind == []
    result = read(jpeg)
    assert (result.size, result.getexif()[274]) == (SIZE[::-1], 1)
    assert result.getexif().get_ifd(0x8769)[37386] == 85
    assert struct.pack("<I", 0x00FFFFFF) in result.info["exif"]


def test_xmp_that_no_jpeg_takes_is_left_behind_and_told(tmp_path):
    photo = make_heic(tmp_path / "IMG_1.HEIC", blocks=[("xmp", XMP + b" " * 70_000)])
    warnings = []
    jpeg = converted.as_jpeg(photo, warnings)
    assert warnings == ["its JPEG leaves out 68 KB of XMP, more than a JPEG takes (64 KB)"]
    assert tags_of(jpeg.path, "XMP") == {}
    assert tags_of(jpeg.path, "EXIF")["EXIF:ExifIFD:FocalLength"] == "85.0 mm"
    converted.as_jpeg(photo, warnings)
    assert len(warnings) == 1, "told where it is made"


def test_of_exif_that_no_jpeg_takes_what_a_solve_starts_from_is_carried(tmp_path):
    large = Image.Exif()
    large.load(b"Exif\0\0" + exif(6))
    large.get_ifd(0x8769)[37500] = bytes(70_000)
    photo = make_heic(tmp_path / "IMG_1.HEIC", 6, blocks=[("exif", large.tobytes())])
    path = tmp_path / "said.jpg"
    jpeg, left_behind = heic.make_jpeg(photo)
    path.write_bytes(jpeg)
    assert len(left_behind) == 1
    assert "69 KB of EXIF" in left_behind[0]
    assert "but for camera, focal length and time" in left_behind[0]
    assert {key.split(":")[-1]: value for key, value in tags_of(path, "EXIF").items()} == {
        "Make": "Canon",
        "Model": "Canon EOS R5",
        "FocalLength": "85.0 mm",
        "DateTimeOriginal": "2026:11:22 10:00:00",
    }


@pytest.mark.parametrize("block", [b"Exif\0\0nothing", b"Exif\0\0II*\0\xff\xff\xff\x7f" + bytes(range(64))])
def test_exif_that_cannot_be_read_at_all_costs_no_photo(tmp_path, block):
    photo = make_heic(tmp_path / "IMG_1.HEIC", blocks=[("exif", block)])
    jpeg, left_behind = heic.make_jpeg(photo)
    assert "exif" not in read(jpeg).info
    assert len(left_behind) == 1
    assert "its JPEG has no EXIF, since that of the photo cannot be read (" in left_behind[0]


def test_from_then_on_the_jpeg_is_the_photo(tmp_path):
    photo = make_heic(tmp_path / "IMG_1.HEIC", 6)
    photo = dataclasses.replace(photo, name=PurePosixPath("SideA/IMG_1.HEIC"))
    assert photo.needs_jpeg
    jpeg = converted.as_jpeg(photo)
    assert jpeg.name == PurePosixPath("SideA/IMG_1.HEIC.jpg")
    assert jpeg.path == tmp_path / "photos" / "SideA" / "IMG_1.HEIC.jpg"
    assert not jpeg.needs_jpeg
    proxy = make_proxy(jpeg, 320)
    assert (proxy.orientation, proxy.stored_size) == (1, SIZE[::-1])
    upright = true_mask().transpose(Image.Transpose.ROTATE_270)
    mask = make_mask(upright.resize(proxy.size), proxy.orientation, proxy.stored_size, MaskSettings()).image()
    kept = np.asarray(mask) == 255
    result = read(make_cutout(jpeg, mask, CutoutKind.JPEG))
    assert np.abs(pixels(result)[kept] - pixels(scene().transpose(Image.Transpose.ROTATE_270))[kept]).mean() < 8


def test_the_jpeg_is_written_once_and_again_when_the_photo_changes(tmp_path):
    photo = make_heic(tmp_path / "IMG_1.HEIC")
    before = photo.path.read_bytes(), photo.file_stamp()
    jpeg = converted.as_jpeg(photo)
    first = jpeg.path.stat().st_ino, jpeg.file_stamp()
    assert converted.as_jpeg(photo) == jpeg
    assert (jpeg.path.stat().st_ino, jpeg.file_stamp()) == first
    jpeg.path.unlink()  # made anew, it counts as the same photo: its mask stands
    converted.as_jpeg(photo)
    assert jpeg.file_stamp() == first[1]
    assert (photo.path.read_bytes(), photo.file_stamp()) == before, "the photo was written to"
    os.utime(photo.path, ns=(1, 1_700_000_000_000_000_000))
    converted.as_jpeg(photo)
    assert jpeg.file_stamp() != first[1]


@pytest.mark.parametrize("step", [100, 10_000_000, 1_000_000_000, 2_000_000_000])
def test_a_disk_that_rounds_times_does_not_have_it_written_at_every_run(tmp_path, step):
    photo = make_heic(tmp_path / "IMG_1.HEIC")
    os.utime(photo.path, ns=(1, 1_700_000_001_987_654_321))
    jpeg = converted.as_jpeg(photo)
    rounded = jpeg.file_stamp()[1] // step * step
    os.utime(jpeg.path, ns=(1, rounded))
    assert converted.is_converted(photo)
    for other in (rounded - step, rounded + step):
        os.utime(photo.path, ns=(1, other))
        assert not converted.is_converted(photo), "another photo is there"


def test_cancel_is_heard_while_an_engines_photos_are_prepared(tmp_path, monkeypatch):
    photos = [make_heic(tmp_path / f"IMG_{number}.HEIC") for number in range(3)]
    journal, cancel = Journal(tmp_path / "journal.jsonl", "run"), threading.Event()
    convert = converted.as_jpeg

    def convert_and_cancel(*given, **options):
        cancel.set()
        return convert(*given, **options)

    monkeypatch.setattr(reconstruct, "as_jpeg", convert_and_cancel)
    with pytest.raises(Cancelled):
        reconstruct._working(photos, Watch(journal, cancel), develop_raw=False)  # noqa: SLF001
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["IMG_0.HEIC.jpg"]
    told = journal_lines(tmp_path / "journal.jsonl")
    assert (told[0]["text"], told[1]["done"], told[1]["total"]) == ("Preparing 3 HEIC or RAW photos", 1, 3)


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


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("JPEG", "is a JPEG file named .HEIC; rename it to .jpg"),
        ("PNG", "is a PNG file named .HEIC; rename it to .png"),
        ("GIF", "is a GIF file, which is not read; save it as JPEG, PNG or TIFF"),
    ],
)
def test_another_kind_of_file_under_the_name_of_a_heic_is_told(tmp_path, kind, words):
    path = tmp_path / "IMG_1.HEIC"
    scene().save(path, kind)
    with pytest.raises(PhotoError) as error:
        heic.make_jpeg(Photo(PurePosixPath(path.name), path))
    assert str(error.value) == words


@pytest.mark.skipif(os.name == "nt", reason="Windows limits whole paths: the photo could not be made either")
@pytest.mark.parametrize("length", [252, 255])
def test_a_name_that_leaves_no_room_for_the_jpegs_is_told(tmp_path, length):
    photo = make_heic(tmp_path / "IMG_1.HEIC")
    name = "n" * (length - 5) + ".HEIC"
    photo = dataclasses.replace(photo, name=PurePosixPath(name), path=photo.path.rename(tmp_path / name))
    for convert in (lambda photo: photo.working, converted.as_jpeg):
        with pytest.raises(PhotoError, match="has a name that is too long; rename it"):
            convert(photo)


@pytest.mark.skipif(os.name == "nt", reason="Windows limits whole paths: the photo could not be made either")
def test_a_photo_with_too_long_a_name_fails_alone(photos, add_photo, workers, server):
    add_photo("a.jpg")
    name = "n" * 250 + ".HEIC"
    (photos / name).write_bytes(b"heic")
    story = workers.strip(server.endpoint)
    assert (story.made, story.failed) == (["a.jpg"], {name: "has a name that is too long; rename it"})


def test_pixels_are_not_copied_on_their_way(tmp_path, monkeypatch):
    """Of 12 megapixels, a copy is 36 MB, and several photos are decoded at a time."""
    size = (1200, 900)
    about = {"mode": "RGB", "size": size, "stride": 3600, "chroma": 420, "exif": 0, "xmp": 0, "icc": 0}
    answer = json.dumps(about).encode() + b"\n" + scene().resize(size).tobytes()
    done = subprocess.CompletedProcess([], 0, answer, b"")
    monkeypatch.setattr(decoding.subprocess, "run", lambda *_command, **_options: done)
    (tmp_path / "IMG_1.HEIC").write_bytes(b"heic")
    tracemalloc.start()
    jpeg, _ = heic.make_jpeg(Photo(PurePosixPath("IMG_1.HEIC"), tmp_path / "IMG_1.HEIC"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.abs(pixels(read(jpeg)) - pixels(scene().resize(size))).mean() < 6
    assert peak < len(answer) / 2


def no_memory(*_given):
    raise MemoryError


@pytest.mark.parametrize("at", ["reader", "here"])
def test_too_little_memory_is_told(tmp_path, monkeypatch, at):
    photo = make_heic(tmp_path / "IMG_1.HEIC")
    if at == "reader":
        (tmp_path / "pi_heif.py").write_text(
            "class options: pass\ndef libheif_info(): pass\ndef HeifFile(content): raise MemoryError"
        )
        monkeypatch.syspath_prepend(tmp_path)
    else:
        monkeypatch.setattr(decoding.Image, "frombytes", no_memory)
    with pytest.raises(PhotoError, match="needs more memory than is free; close other programs or make it smaller"):
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
    if "sleep" in end:  # a crash may take its time on a loaded machine
        monkeypatch.setattr(decoding, "_LONGEST", 2.0)
    with pytest.raises(PhotoError, match="crashed" if "abort" in end else "not decoded within 2 s"):
        heic.make_jpeg(photo)


def test_where_an_unpacked_wheel_keeps_its_libraries(tmp_path):
    assert decoder.library_folders(tmp_path) == []
    left = tmp_path / "pi_heif-1.4.0.data" / "platlib"
    left.mkdir(parents=True)
    assert decoder.library_folders(tmp_path) == [left]
