# SPDX-License-Identifier: GPL-3.0-or-later
"""What a photo says of itself is in its cutout, as exiftool reads it and byte for byte."""

import io
import random
import struct
import subprocess
from pathlib import PurePosixPath

import pytest
from PIL import Image

from scan.cutouts import CutoutKind, make_cutout
from scan.errors import PhotoError
from scan.exif import PIXEL_X_DIMENSION, TiffTags, essential, with_numbers
from scan.metadata import into_jpeg, read_metadata
from scan.photos import Photo
from speaking_photos import XMP, block_of, exif, icc, needs_exiftool, save, scene, tags_of, true_mask

KINDS = pytest.mark.parametrize("kind", CutoutKind, ids=[kind.name for kind in CutoutKind])
SUFFIXES = pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])


def cut(path, kind):
    photo = Photo(PurePosixPath(path.name), path)
    result = path.with_name(f"cutout of {path.name}{kind.value}")
    result.write_bytes(make_cutout(photo, true_mask(), kind, "#000000"))
    return result


@KINDS
@SUFFIXES
def test_every_exif_tag_reads_as_in_the_photo(tmp_path, suffix, kind):
    source = save(tmp_path / f"photo{suffix}", orientation=6)
    said = tags_of(source, "EXIF", "MakerNotes", "XMP", "IPTC")
    assert said["EXIF:IFD0:Orientation"] == "Rotate 90 CW"
    assert said["MakerNotes:Canon:OwnerName"] == "A. Photographer of vases"
    assert said["EXIF:GPS:GPSAltitude"] == "519.5 m"
    assert suffix == ".tif" or said["EXIF:InteropIFD:InteropIndex"].startswith("R98")
    assert said["EXIF:ExifIFD:ExposureTime"] == "1/160"
    assert tags_of(cut(source, kind), "EXIF", "MakerNotes", "XMP", "IPTC") == said


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
    scene().save(bare)
    for kind in CutoutKind:
        assert tags_of(cut(bare, kind), "EXIF", "XMP", "ICC_Profile") == {}


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
    said = tags_of(source, "File", "IPTC", "Photoshop")
    result = tags_of(cut(source, CutoutKind.JPEG), "File", "IPTC", "Photoshop")
    assert result["IPTC:Caption-Abstract"] == said["IPTC:Caption-Abstract"] == "a vase"
    assert [value for key, value in result.items() if key.endswith("Comment")] == ["a vase, front"]
    assert tags_of(cut(source, CutoutKind.PNG), "IPTC")["IPTC:Caption-Abstract"] == "a vase"


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
    small = scene().resize((160, 120))
    scene().save(source, "MPO", save_all=True, append_images=[small], exif=b"Exif\0\0" + exif(3), xmp=XMP)
    source = source.rename(tmp_path / "photo.jpg")
    assert any(key.startswith("MPF:") for key in tags_of(source, "MPF"))
    for kind in CutoutKind:
        result = cut(source, kind)
        assert tags_of(result, "MPF") == {}
        assert tags_of(result, "EXIF", "MakerNotes", "XMP") == tags_of(source, "EXIF", "MakerNotes", "XMP")


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
    scene().save(source, compression=compression)
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
    said = tags_of(source, "EXIF", "MakerNotes", "XMP")
    assert said["MakerNotes:Canon:OwnerName"] == "A. Photographer of vases"
    assert said["EXIF:InteropIFD:InteropIndex"].startswith("R98")
    result = cut(source, kind)
    assert tags_of(result, "EXIF", "MakerNotes", "XMP") == said
    assert block_of(result, "ICC_Profile") == icc()


def test_a_big_tiff_is_read(tmp_path):
    source = save(tmp_path / "photo.tif", orientation=8, big_tiff=True)
    assert source.read_bytes()[2] == 43
    # exiftool 12.57 reads of a BigTIFF's directories only the first.
    small = save(tmp_path / "small.tif", orientation=8)
    assert tags_of(cut(source, CutoutKind.PNG), "EXIF", "XMP") == tags_of(small, "EXIF", "XMP")


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
    assert segment in make_cutout(photo, true_mask(), CutoutKind.JPEG, warnings=warnings)
    assert warnings == []
    assert head not in make_cutout(photo, true_mask(), CutoutKind.PNG, warnings=warnings)
    assert warnings == ["the second part of its XMP, for which only a JPEG has a place, is not in its PNG cutout"]


def test_a_big_endian_block_keeps_its_order_and_can_be_made_of_a_tiff(tmp_path):
    block = exif(6, ">")
    assert block.startswith(b"MM")
    (tmp_path / "block.tif").write_bytes(block)
    rewritten = TiffTags(io.BytesIO(block)).block()
    assert rewritten.startswith(b"MM")
    for name, content in (("before.jpg", block), ("after.jpg", rewritten)):
        scene().save(tmp_path / name, exif=b"Exif\0\0" + content)
    assert tags_of(tmp_path / "after.jpg", "EXIF", "MakerNotes") == tags_of(
        tmp_path / "before.jpg", "EXIF", "MakerNotes"
    )


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
    scene().save(source, xmp=XMP + b" " * 70_000)
    with pytest.raises(PhotoError, match=r"KB of XMP, more than a JPEG takes .*; use its mask, or PNG"):
        cut(source, CutoutKind.JPEG)
    assert block_of(cut(source, CutoutKind.PNG), "XMP") == XMP + b" " * 70_000


def test_no_advice_leads_to_a_refusal(tmp_path):
    """Of 16 bits a channel and with much XMP, a photo has no cutout: neither kind is to send people to the other."""
    source = tmp_path / "photo.tif"
    scene().convert("L").convert("I;16").save(source, tiffinfo={700: XMP + b" " * 70_000})
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
    small = save(tmp_path / f"photo{suffix}", picture=scene().resize((48, 32)))
    whole = small.read_bytes()
    chance = random.Random(7)  # noqa: S311 - damage has to be the same every time
    outcomes = set()
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        small.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
        with Image.open(io.BytesIO(whole)) as image:
            try:
                into_jpeg(b"\xff\xd8\xff\xdb", read_metadata(small, image))
                outcomes.add("carried")
            except PhotoError:
                outcomes.add("refused")
    assert "carried" in outcomes
