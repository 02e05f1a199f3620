# SPDX-License-Identifier: GPL-3.0-or-later
"""What a photo says of itself is in its cutout, as exiftool reads it and byte for byte."""

import functools
import io
import random
import struct
import subprocess
from collections import Counter
from pathlib import PurePosixPath

import hypothesis_settings  # noqa: F401 - how property tests run
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated
from PIL import Image

from scan.common.errors import PhotoError
from scan.cutouts.cutout import CutoutKind, make_cutout
from scan.photos.exif import PIXEL_X_DIMENSION, TiffTags, essential, with_numbers
from scan.photos.metadata import into_jpeg, read_metadata
from scan.photos.photo import Photo
from speaking_photos import XMP, block_of, exif, icc, needs_exiftool, scene, tags_of, tags_of_each, true_mask
from speaking_photos import save as save_picture

KINDS = pytest.mark.parametrize("kind", CutoutKind, ids=[kind.name for kind in CutoutKind])
SUFFIXES = pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
PICTURE = scene((160, 120))  # what is said of it is as long as of a large one
GROUPS = ("EXIF", "MakerNotes", "XMP")
save = functools.partial(save_picture, picture=PICTURE)


def cut(path, kind):
    photo = Photo(PurePosixPath(path.name), path)
    result = path.with_name(f"cutout of {path.name}{kind.value}")
    result.write_bytes(make_cutout(photo, true_mask(PICTURE.size), kind, "#000000"))
    return result


@KINDS
@SUFFIXES
def test_every_exif_tag_reads_as_in_the_photo(tmp_path, suffix, kind):
    source = save(tmp_path / f"photo{suffix}", orientation=6)
    said, result = tags_of_each((source, cut(source, kind)), "EXIF", "MakerNotes", "XMP", "IPTC")
    assert said["EXIF:IFD0:Orientation"] == "Rotate 90 CW"
    assert said["MakerNotes:Canon:OwnerName"] == "A. Photographer of vases"
    assert said["EXIF:GPS:GPSAltitude"] == "519.5 m"
    assert suffix == ".tif" or said["EXIF:InteropIFD:InteropIndex"].startswith("R98")
    assert said["EXIF:ExifIFD:ExposureTime"] == "1/160"
    assert result == said


@KINDS
@SUFFIXES
def test_colour_profile_and_xmp_are_the_same_bytes(tmp_path, suffix, kind):
    source = save(tmp_path / f"photo{suffix}", icc_profile=icc(150_000))
    if suffix == ".tif":
        # There the profile is a tag like others; Pillow's own way of writing it is the parameter.
        assert block_of(source, "ICC_Profile") == icc(150_000)
    result = cut(source, kind)
    assert block_of(result, "ICC_Profile") == icc(150_000)
    assert block_of(result, "XMP") == XMP


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_between_files_of_one_format_the_exif_is_the_same_bytes(tmp_path, suffix):
    source = save(tmp_path / f"photo{suffix}")
    kind = CutoutKind.JPEG if suffix == ".jpg" else CutoutKind.PNG
    with Image.open(source) as before, Image.open(cut(source, kind)) as after:
        assert after.info["exif"] == before.info["exif"]
        assert exif() in after.info["exif"]


@KINDS
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])  # WebP has no resolution but the one in EXIF
def test_the_resolution_is_the_photos(tmp_path, suffix, kind):
    with Image.open(cut(save(tmp_path / f"photo{suffix}"), kind)) as result:
        assert result.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def test_nothing_a_photo_does_not_say_is_made_up(tmp_path):
    bare = tmp_path / "bare.png"
    PICTURE.save(bare)
    results = [cut(bare, kind) for kind in CutoutKind]
    assert tags_of_each(results, "EXIF", "XMP", "ICC_Profile") == [{}] * len(results)


def test_text_in_a_png_is_carried(tmp_path):
    source = save(tmp_path / "photo.png")
    with Image.open(cut(source, CutoutKind.PNG)) as result:
        result.load()
        assert result.info["Comment"] == "kept too"


def test_a_comment_and_iptc_in_a_jpeg_are_carried_once(tmp_path):
    source = save(tmp_path / "photo.jpg", comment=b"a vase, front")
    iptc = b"\x1c\x02\x78\x00\x06a vase"
    resources = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0"
    segment = b"Photoshop 3.0\0" + resources
    jpeg = source.read_bytes()
    source.write_bytes(jpeg[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:])
    results = [source, cut(source, CutoutKind.JPEG), cut(source, CutoutKind.PNG)]
    said, result, png = tags_of_each(results, "File", "IPTC", "Photoshop")
    assert result["IPTC:Caption-Abstract"] == said["IPTC:Caption-Abstract"] == "a vase"
    assert [value for key, value in result.items() if key.endswith("Comment")] == ["a vase, front"]
    assert png["IPTC:Caption-Abstract"] == "a vase"


def test_xmp_of_more_than_one_segment_is_carried_between_jpegs(tmp_path):
    source = save(tmp_path / "photo.jpg")
    jpeg = source.read_bytes()
    begin = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32
    more = b"".join(
        b"\xff\xe1" + struct.pack(">H", 2 + len(begin) + 8 + 1000) + begin + struct.pack(">II", 2000, at) + b"x" * 1000
        for at in (0, 1000)
    )
    source.write_bytes(jpeg[:2] + more + jpeg[2:])
    assert cut(source, CutoutKind.JPEG).read_bytes().count(begin) == 2
    assert more in cut(source, CutoutKind.JPEG).read_bytes()


def test_a_phones_further_pictures_are_not_pointed_at(tmp_path):
    source = tmp_path / "photo.mpo"
    small = PICTURE.resize((80, 60))
    PICTURE.save(source, "MPO", save_all=True, append_images=[small], exif=b"Exif\0\0" + exif(3), xmp=XMP)
    source = source.rename(tmp_path / "photo.jpg")
    said, *results = tags_of_each([source, *(cut(source, kind) for kind in CutoutKind)], "MPF", *GROUPS)
    further = {key for key in said if key.startswith("MPF:")}
    assert further
    assert results == [{key: said[key] for key in said.keys() - further}] * len(CutoutKind)


def test_seals_over_the_old_bytes_are_left_behind(tmp_path):
    source = save(tmp_path / "photo.jpg")
    jpeg = source.read_bytes()
    source.write_bytes(jpeg[:2] + b"\xff\xeb\x00\x0aJP\0\1sealed"[:12] + jpeg[2:])
    assert b"JP\0\1" in source.read_bytes()
    assert b"JP\0\1" not in cut(source, CutoutKind.JPEG).read_bytes()


@KINDS
@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_a_tiff_that_another_program_wrote_is_read(tmp_path, compression, kind):
    speaking = save(tmp_path / "speaking.jpg", orientation=8)
    source = tmp_path / "photo.tif"
    PICTURE.save(source, compression=compression)
    command = [
        needs_exiftool(),
        "-q",
        "-overwrite_original",
        "-tagsfromfile",
        speaking,
        "-all:all",
        "-icc_profile",
        "-InteropIndex#=R98",
        source,
    ]
    subprocess.run(command, check=True)
    result = cut(source, kind)
    said, says = tags_of_each((source, result), *GROUPS)
    assert said["MakerNotes:Canon:OwnerName"] == "A. Photographer of vases"
    assert said["EXIF:InteropIFD:InteropIndex"].startswith("R98")
    assert says == said
    assert block_of(result, "ICC_Profile") == icc()


def test_a_big_tiff_is_read(tmp_path):
    source = save(tmp_path / "photo.tif", orientation=8, big_tiff=True)
    assert source.read_bytes()[2] == 43
    # exiftool 12.57 reads of a BigTIFF's directories only the first.
    small = save(tmp_path / "small.tif", orientation=8)
    result, expected = tags_of_each((cut(source, CutoutKind.PNG), small), "EXIF", "XMP")
    assert result == expected


@pytest.mark.parametrize("at", [2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_directory_farther_than_any_file_is_damage_and_nothing_worse(at):
    block = b"II" + struct.pack("<HHHQ", 43, 8, 0, at) + bytes(40)
    with pytest.raises(ValueError, match="lies outside the file"):
        with_numbers(block, {274: 1})
    assert essential(block) == b""


def test_extended_xmp_goes_into_a_jpeg_and_is_told_of_a_png(tmp_path):
    source = save(tmp_path / "photo.jpg")
    content = source.read_bytes()
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack(">II", 1000, 0)
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(head) + 1000) + head + b"x" * 1000
    source.write_bytes(content[:2] + segment + content[2:])
    warnings = []
    photo = Photo(PurePosixPath(source.name), source)
    assert segment in make_cutout(photo, true_mask(PICTURE.size), CutoutKind.JPEG, warnings=warnings)
    assert warnings == []
    assert head not in make_cutout(photo, true_mask(PICTURE.size), CutoutKind.PNG, warnings=warnings)
    assert warnings == ["the second part of its XMP, for which only a JPEG has a place, is not in its PNG cutout"]


def test_a_big_endian_block_keeps_its_order_and_can_be_made_of_a_tiff(tmp_path):
    block = exif(6, ">")
    assert block.startswith(b"MM")
    (tmp_path / "block.tif").write_bytes(block)
    rewritten = TiffTags(io.BytesIO(block)).block()
    assert rewritten.startswith(b"MM")
    for name, content in (("before.jpg", block), ("after.jpg", rewritten)):
        PICTURE.save(tmp_path / name, exif=b"Exif\0\0" + content)
    after, before = tags_of_each((tmp_path / "after.jpg", tmp_path / "before.jpg"), "EXIF", "MakerNotes")
    assert after == before


@pytest.mark.parametrize(
    "note",
    [
        b"?",
        struct.pack("<H", 0) + bytes(30),
        struct.pack("<H", 40) + bytes(30),
        struct.pack("<HHHII", 1, 6, 99, 20, 30) + bytes(30),
    ],
    ids=["too short", "no entries", "more entries than bytes", "no type of TIFF"],
)
def test_maker_notes_that_are_no_directory_stay_as_they_are(note):
    made = Image.Exif()
    made.update({271: "Maker", 306: "2026:11:22 10:00:00"})
    made.get_ifd(0x8769).update({33437: 5.6, 37500: note})
    read = Image.Exif()
    read.load(TiffTags(io.BytesIO(made.tobytes().removeprefix(b"Exif\0\0"))).block())
    assert read.get_ifd(0x8769)[37500] == note


def test_numbers_are_changed_where_they_stand():
    changed = with_numbers(exif(6), {274: 1, PIXEL_X_DIMENSION: 77, 9999: 5})
    assert len(changed) == len(exif(6))
    assert sum(a != b for a, b in zip(changed, exif(6), strict=True)) <= 3
    read = Image.Exif()
    read.load(changed)
    assert read[274] == 1
    assert read.get_ifd(0x8769)[PIXEL_X_DIMENSION] == 77


def test_more_than_a_jpeg_takes_is_refused_and_fits_a_png(tmp_path):
    source = tmp_path / "photo.webp"
    PICTURE.save(source, xmp=XMP + b" " * 70_000)
    with pytest.raises(PhotoError, match=r"KB of XMP, more than a JPEG takes .*; use its mask, or PNG"):
        cut(source, CutoutKind.JPEG)
    assert block_of(cut(source, CutoutKind.PNG), "XMP") == XMP + b" " * 70_000


def test_no_advice_leads_to_a_refusal(tmp_path):
    """Of 16 bits a channel and with much XMP, a photo has no cutout: neither kind is to send people to the other."""
    source = tmp_path / "photo.tif"
    PICTURE.convert("L").convert("I;16").save(source, tiffinfo={700: XMP + b" " * 70_000})
    with pytest.raises(PhotoError, match=r"use its mask, or PNG cutouts where it has 8 bits a channel$"):
        cut(source, CutoutKind.JPEG)


def test_a_place_for_gps_that_leads_nowhere_costs_a_tiff_nothing(tmp_path):
    source = save(tmp_path / "photo.tif")
    said = tags_of(source, "EXIF")
    content = bytearray(source.read_bytes())
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    for at in range(first + 2, first + 2 + 12 * count, 12):
        if struct.unpack_from("<H", content, at) == (34853,):
            struct.pack_into("<I", content, at + 8, 0x00FFFFFF)
    source.write_bytes(content)
    result = tags_of(cut(source, CutoutKind.JPEG), "EXIF")
    assert result == {key: value for key, value in said.items() if ":GPS:" not in key}


def test_of_damaged_exif_what_a_solve_starts_from_is_kept():
    block = exif(6)
    read = Image.Exif()
    read.load(essential(block[:-1]))
    assert dict(read) == {271: "Canon", 272: "Canon EOS R5", 34665: read[34665]}
    assert dict(read.get_ifd(0x8769)) == {36867: "2026:11:22 10:00:00", 37386: 85}
    assert essential(b"nothing") == essential(b"II*\0\x08\0\0\0\0\0\0\0\0\0") == b""


@SUFFIXES
def test_damaged_metadata_is_refused_or_carried_but_breaks_nothing(tmp_path, suffix):
    small = save(tmp_path / f"photo{suffix}", picture=PICTURE.resize((48, 32)))
    whole = small.read_bytes()
    outcomes = Counter()

    @settings(max_examples=300)
    @given(st.integers(0, 2**32 - 1))
    def damage(seed):
        chance = random.Random(seed)  # noqa: S311 - damage has to be the same every time
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        damaged = damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])]
        small.write_bytes(chance.choice([bytes(damaged), mutated(whole, chance)]))
        with Image.open(io.BytesIO(whole)) as image:
            try:
                into_jpeg(b"\xff\xd8\xff\xdb", read_metadata(small, image))
                outcomes["carried"] += 1
            except PhotoError:
                outcomes["refused"] += 1

    damage()
    assert outcomes["carried"]
