# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutouts: the photo's own pixels where the mask keeps, nothing of the background elsewhere, or a refusal in words."""

import functools
import io
import struct
import zlib
from pathlib import PurePosixPath

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageFilter, JpegImagePlugin

from scan.common.errors import PhotoError
from scan.cutouts.cutout import CutoutKind, cutout_name, make_cutout
from scan.masks.mask import make_mask
from scan.masks.settings import MaskSettings
from scan.photos.photo import Photo
from scan.photos.pixels import make_proxy
from speaking_photos import SIZE, exif, save, scene, true_mask

KINDS = pytest.mark.parametrize("kind", CutoutKind, ids=[kind.name for kind in CutoutKind])
KEPT = np.asarray(true_mask()) == 255
SMALL = (320, 240)
KEPT_SMALL = np.asarray(true_mask(SMALL)) == 255


def cut(path, kind, mask=None, colour="#000000"):
    content = make_cutout(Photo(PurePosixPath(path.name), path), mask or true_mask(), kind, colour)
    image = Image.open(io.BytesIO(content))
    assert image.format == kind.name
    image.load()
    return image


@functools.cache
def mask_moved(steps):
    """The true mask with its edge so many pixels farther out, or farther in where negative; corners are square."""
    mask = true_mask()
    for _ in range(abs(steps)):  # one after the other: a wide filter takes far longer for the same
        mask = mask.filter(ImageFilter.MaxFilter(3) if steps > 0 else ImageFilter.MinFilter(3))
    return mask


def pixels(image, mode="RGB"):
    return np.asarray(image.convert(mode)).astype(int)


def psnr(one, other):
    return 10 * np.log10(255**2 / max(np.mean((one - other) ** 2), 1e-9))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_jpeg_of_a_jpeg_is_coded_as_it_was_and_nearly_the_same(tmp_path, subsampling):
    source = tmp_path / "photo.jpg"
    scene().save(source, quality=87, subsampling=subsampling)
    result = cut(source, CutoutKind.JPEG)
    with Image.open(source) as photo:
        assert result.size == photo.size
        assert result.quantization == photo.quantization
        assert JpegImagePlugin.get_sampling(result) == subsampling
        # As near as saving the whole photo again with its own tables: the cut costs nothing but the edge's blocks.
        again = io.BytesIO()
        photo.save(again, "JPEG", qtables=photo.quantization, subsampling=subsampling)
        deep = np.asarray(mask_moved(-16)) == 255
        original, cutout = pixels(photo)[deep], pixels(result)[deep]
        assert psnr(cutout, original) >= psnr(pixels(Image.open(again))[deep], original) - 0.1
        assert psnr(cutout, original) > 44
        assert psnr(pixels(result)[KEPT], pixels(photo)[KEPT]) > 32


def test_a_jpegs_background_is_the_colour(tmp_path):
    source = save(tmp_path / "photo.jpg", quality=95, subsampling=0)
    result = pixels(cut(source, CutoutKind.JPEG, colour="#2040a0"))
    far = np.asarray(mask_moved(8)) == 0
    assert np.abs(result[far] - (0x20, 0x40, 0xA0)).max() <= 2
    # Nothing of the green room shows: where the mask ends, its pixels end.
    assert np.mean(np.abs(result[~KEPT] - (0x20, 0x40, 0xA0))) < 2


def test_a_png_keeps_the_photos_own_pixels_and_its_alpha_is_the_mask(tmp_path):
    source = save(tmp_path / "photo.jpg")
    result = cut(source, CutoutKind.PNG)
    assert result.mode == "RGBA"
    values, alpha = pixels(result), np.asarray(result.getchannel("A"))
    assert ((alpha >= 128) == KEPT).all()
    with Image.open(source) as photo:
        assert (values[alpha == 255] == pixels(photo)[alpha == 255]).all()
    # Half-transparent is one pixel on either side of the edge, and no more.
    inside = np.asarray(mask_moved(-1)) == 255
    outside = np.asarray(mask_moved(1)) == 0
    assert (alpha[inside] == 255).all()
    assert (alpha[outside] == 0).all()


def test_a_png_has_no_fringe_of_the_background_and_none_hidden(tmp_path):
    sharp = scene()
    blurred = sharp.filter(ImageFilter.GaussianBlur(1))  # as a lens does: green shines into the red's edge
    source = tmp_path / "photo.png"
    blurred.save(source)
    result = cut(source, CutoutKind.PNG)
    on_blue = Image.new("RGBA", SIZE, (0, 0, 255))
    on_blue.alpha_composite(result)
    naive = blurred.convert("RGBA")
    naive.putalpha(true_mask().filter(ImageFilter.GaussianBlur(1)))
    naive_on_blue = Image.new("RGBA", SIZE, (0, 0, 255))
    naive_on_blue.alpha_composite(naive)
    rim = np.asarray(
        ImageChops.difference(*(true_mask().filter(f) for f in (ImageFilter.MaxFilter(5), ImageFilter.MinFilter(3))))
    )
    greenish = [np.mean(pixels(picture)[..., 1][rim > 0]) for picture in (on_blue, naive_on_blue)]
    assert greenish[0] < 0.75 * greenish[1], "no better than the photo's own edge"
    # Under alpha too: for who ignores it, for texture filters and for mipmaps.
    values, alpha = pixels(result), np.asarray(result.getchannel("A"))
    hidden = values[alpha < 128]
    assert (hidden[:, 0] > hidden[:, 1] + 60).all(), "something of the green room is left"
    near = np.asarray(mask_moved(4)) == 255
    assert np.abs(values[near & (alpha == 0)] - (200, 60, 50)).mean() < 25
    far = np.asarray(mask_moved(18)) == 0
    assert (values[far] == values[far][0]).all(), "and so packs badly"


def test_bled_colour_is_that_of_the_nearest_side(tmp_path):
    picture = Image.new("RGB", SIZE, (0, 255, 0))
    picture.paste((250, 0, 0), (200, 100, 320, 380))
    picture.paste((0, 0, 250), (320, 100, 440, 380))
    mask = Image.new("L", SIZE)
    mask.paste(255, (200, 100, 440, 380))
    source = tmp_path / "photo.png"
    picture.save(source)
    values = pixels(cut(source, CutoutKind.PNG, mask))
    assert np.abs(values[200:300, 190:199] - (250, 0, 0)).max() < 20
    assert np.abs(values[200:300, 441:450] - (0, 0, 250)).max() < 20


@pytest.mark.parametrize("matting", [False, True], ids=["hard", "matted"])
def test_a_tall_cutout_has_no_seams(tmp_path, matting):
    """A PNG is made in bands: what looks the same in every row of the photo does so in the cutout."""
    picture = Image.new("RGB", (300, 1000), (0, 255, 0))
    picture.paste((250, 0, 0), (100, 0, 150, 1000))
    picture.paste((0, 0, 250), (150, 0, 200, 1000))
    mask = Image.new("L", picture.size)
    mask.paste(255, (100, 0, 200, 1000))
    matted = mask.resize((75, 250)).filter(ImageFilter.GaussianBlur(3)) if matting else None
    source = tmp_path / "photo.png"
    picture.save(source)
    content = make_cutout(Photo(PurePosixPath(source.name), source), mask, CutoutKind.PNG, matted=matted)
    rows = np.asarray(Image.open(io.BytesIO(content)))[100:900].astype(int)
    assert np.abs(rows - rows[0]).max() <= 1  # the rounding of scaling
    assert {0, 255} < set(rows[0, :, 3])


@KINDS
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_stored_pixels_and_orientation_stay(tmp_path, suffix, orientation, kind):
    picture = scene(SMALL)
    # The stored pixels are the same each time; only what EXIF says of them differs.
    source = tmp_path / f"photo{suffix}"
    made = Image.Exif()
    made[274] = orientation
    picture.save(source, exif=made, **({"quality": 95} if suffix == ".jpg" else {}))
    result = cut(source, kind, true_mask(SMALL))
    assert result.size == SMALL
    assert result.getexif()[274] == orientation
    assert np.abs(pixels(result)[KEPT_SMALL] - pixels(picture)[KEPT_SMALL]).mean() < 6


@KINDS
def test_a_mask_that_keeps_nothing_or_everything(tmp_path, kind):
    source = save(tmp_path / "photo.jpg", quality=95, subsampling=0)
    nothing = cut(source, kind, Image.new("L", SIZE), "#ff0000")
    if kind is CutoutKind.PNG:
        assert nothing.getextrema()[3] == (0, 0)
    else:
        assert np.abs(pixels(nothing) - (255, 0, 0)).max() <= 2
    everything = cut(source, kind, Image.new("L", SIZE, 255))
    assert psnr(pixels(everything), pixels(Image.open(source))) > 45
    if kind is CutoutKind.PNG:
        assert everything.getextrema()[3] == (255, 255)


@functools.cache
def odd_photos():
    """Name → what Pillow saves it from, and how."""
    grey16 = Image.fromarray(np.asarray(scene(SMALL).convert("L")).astype(np.uint16) * 257)
    see_through = scene(SMALL).copy()
    see_through.putalpha(40)
    return {
        "grey.jpg": (scene(SMALL).convert("L"), {"quality": 95}),
        "grey.png": (scene(SMALL).convert("L"), {}),
        "grey-alpha.png": (see_through.convert("LA"), {}),
        "alpha.png": (see_through, {}),
        "alpha.tif": (see_through, {}),
        "palette.png": (scene(SMALL).quantize(64), {}),
        "two-colours.png": (scene(SMALL).convert("1"), {}),
        "cmyk.jpg": (scene(SMALL).convert("CMYK"), {"quality": 95}),
        "cmyk.tif": (scene(SMALL).convert("CMYK"), {}),
        "16-bit.png": (grey16, {}),
        "16-bit.tif": (grey16, {}),
        "float.tif": (scene(SMALL).convert("F"), {}),
        "lossless.webp": (scene(SMALL), {"lossless": True}),
        "frames.webp": (scene(SMALL), {"save_all": True, "append_images": [Image.new("RGB", SMALL)]}),
        "frames.png": (scene(SMALL), {"save_all": True, "append_images": [Image.new("RGB", SMALL)]}),
        "pages.tif": (scene(SMALL), {"save_all": True, "append_images": [Image.new("RGB", SMALL)]}),
        "preview.tif": (scene(SMALL), {"save_all": True, "append_images": [scene(SMALL).resize((80, 60))]}),
        "progressive.jpg": (scene(SMALL), {"quality": 95, "progressive": True}),
        "rgb-inside.jpg": (scene(SMALL), {"quality": 95, "keep_rgb": True, "subsampling": 0}),
    }


REFUSED = {
    "cmyk.jpg": ("CMYK", "CMYK"),
    "cmyk.tif": ("CMYK", "CMYK"),
    "float.tif": ("32 bits", "16 bits"),
    "16-bit.png": (None, "16 bits"),
    "16-bit.tif": (None, "16 bits"),
    "frames.webp": ("holds 2 pictures", "holds 2 pictures"),
    "frames.png": ("holds 2 pictures", "holds 2 pictures"),
    "pages.tif": ("holds 2 pictures", "holds 2 pictures"),
}


@pytest.mark.parametrize("name", odd_photos())
def test_odd_photos_get_masks_and_are_cut_right_or_refused(tmp_path, name):
    picture, options = odd_photos()[name]
    source = tmp_path / name
    picture.save(source, **options)
    photo = Photo(PurePosixPath(name), source)
    proxy = make_proxy(photo, 160)
    seen = pixels(proxy.picture.resize(SMALL))
    expected = pixels(picture if picture.mode not in {"F", "I;16"} else scene(SMALL).convert("L"))
    if name not in {"two-colours.png", "float.tif"}:  # a raster of dots has other colours at another size
        assert np.abs(seen - expected).mean() < 12, "the mask is made from another picture"
    mask = make_mask(true_mask(SMALL).resize(proxy.size), proxy.orientation, proxy.stored_size, MaskSettings()).image()
    assert mask.size == SMALL
    for kind, reason in zip((CutoutKind.JPEG, CutoutKind.PNG), REFUSED.get(name, (None, None)), strict=True):
        if reason is None:
            result = cut(source, kind, true_mask(SMALL))
            whole = KEPT_SMALL if kind is CutoutKind.JPEG else np.asarray(result.getchannel("A")) == 255
            difference = np.abs(pixels(result)[whole] - expected[whole]).mean()
            is_exact = kind is CutoutKind.PNG and not name.endswith(".jpg")
            assert difference < (0.1 if is_exact else 12 if name == "two-colours.png" else 8)
            assert result.mode in {"L", "LA"} or "grey" not in name
        else:
            with pytest.raises(PhotoError, match=reason):
                cut(source, kind, true_mask(SMALL))


def write_grey_tiff(path, samples, bits, white_is_zero=False):
    """An unpacked grey TIFF of so many bits, from the TIFF 6.0 standard: Pillow writes none of these."""
    height, width = samples.shape
    if bits == 12:
        first, second = samples.ravel()[::2].astype(int), samples.ravel()[1::2].astype(int)
        raw = np.stack((first >> 4, (first & 15) << 4 | second >> 8, second & 255), 1).astype(np.uint8).tobytes()
    else:
        raw = samples.astype(f"<u{bits // 8}").tobytes()
    photometric, at = 0 if white_is_zero else 1, 8 + 2 + 12 * 9 + 4
    values = (width, height, bits, 1, photometric, at, 1, height, len(raw))
    tags = zip((256, 257, 258, 259, 262, 273, 277, 278, 279), values, strict=True)
    directory = struct.pack("<H", 9) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    path.write_bytes(b"II" + struct.pack("<HI", 42, 8) + directory + bytes(4) + raw)
    return path


@pytest.mark.parametrize("bits", [12, 16])
def test_a_deep_grey_that_fills_12_bits_is_seen_and_its_cutout_as_bright_as_it_says(tmp_path, bits):
    """In 16 bits it is nearly black to any viewer, and so is its cutout; but the model has to see something."""
    grey = np.asarray(scene().convert("L")).astype(int)
    source = write_grey_tiff(tmp_path / "photo.tif", grey * 16, bits)
    proxy = make_proxy(Photo(PurePosixPath(source.name), source), 1024)
    assert np.abs(pixels(proxy.picture, "L") - grey * (255 / grey.max())).mean() < 2
    expected = grey if bits == 12 else grey >> 4
    assert np.abs(pixels(cut(source, CutoutKind.JPEG), "L")[KEPT] - expected[KEPT]).mean() < 8


def test_holes_of_a_floating_point_photo_do_not_blacken_it(tmp_path):
    grey = np.asarray(scene().convert("L")).astype(np.float32) / 255
    broken = grey.copy()
    broken[:2, :3], broken[5, 5] = np.nan, np.inf
    source = tmp_path / "photo.tif"
    Image.fromarray(broken).save(source)
    proxy = make_proxy(Photo(PurePosixPath(source.name), source), 1024)
    assert np.abs(pixels(proxy.picture, "L") - grey * 255)[8:].mean() < 20
    Image.fromarray(np.full_like(grey, np.nan)).save(source)
    assert make_proxy(Photo(PurePosixPath(source.name), source), 1024).picture.getextrema() == ((0, 0),) * 3


def test_white_as_0_is_read_right_or_refused(tmp_path):
    grey = np.asarray(scene().convert("L")).astype(int)
    shallow = write_grey_tiff(tmp_path / "8.tif", 255 - grey, 8, white_is_zero=True)
    assert (pixels(make_proxy(Photo(PurePosixPath("8.tif"), shallow), 1024).picture, "L") == grey).all()
    deep = write_grey_tiff(tmp_path / "16.tif", 65535 - grey * 257, 16, white_is_zero=True)
    with pytest.raises(PhotoError, match="16 bits whose white is 0"):
        make_proxy(Photo(PurePosixPath("16.tif"), deep), 1024)


def test_16_bits_a_colour_are_found_in_a_png(tmp_path):
    # Pillow writes none of these, and reads them as if they had 8: made from the standard.
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    values = np.asarray(scene()).astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    header = struct.pack(">IIBBBBB", *SIZE, 16, 2, 0, 0, 0)
    source = tmp_path / "photo.png"
    source.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    assert np.abs(pixels(make_proxy(Photo(PurePosixPath("photo.png"), source), 0).picture) - pixels(scene())).max() <= 1
    assert psnr(pixels(cut(source, CutoutKind.JPEG))[KEPT], pixels(scene())[KEPT]) > 32
    with pytest.raises(PhotoError, match="16 bits a channel"):
        cut(source, CutoutKind.PNG)


def test_a_mask_of_another_size_is_told(tmp_path):
    source = save(tmp_path / "photo.jpg")
    with pytest.raises(PhotoError, match="has 640 × 480 pixels and its mask 480 × 640"):
        cut(source, CutoutKind.JPEG, Image.new("L", (480, 640), 255))


@KINDS
def test_a_photo_that_ends_early_is_told(tmp_path, kind):
    source = save(tmp_path / "photo.jpg")
    source.write_bytes(source.read_bytes()[:-2000])
    with pytest.raises(PhotoError, match="cannot be decoded"):
        cut(source, kind)


def test_the_photo_is_not_touched(tmp_path):
    source = save(tmp_path / "photo.tif", orientation=5)
    before = source.read_bytes(), source.stat().st_mtime_ns
    for kind in CutoutKind:
        cut(source, kind)
    assert (source.read_bytes(), source.stat().st_mtime_ns) == before
    assert exif(5) != exif(1)


def test_names_stay_where_the_format_does():
    name = PurePosixPath
    assert cutout_name(name("SideA/IMG_1.JPG"), CutoutKind.JPEG) == name("SideA/IMG_1.JPG")
    assert cutout_name(name("SideA/IMG_1.JPG"), CutoutKind.PNG) == name("SideA/IMG_1.JPG.png")
    assert cutout_name(name("a.png"), CutoutKind.PNG) == name("a.png")
    assert cutout_name(name("a.tif"), CutoutKind.JPEG) == name("a.tif.jpg")


def test_a_photo_longer_than_any_jpeg_is_refused(tmp_path):
    Image.new("RGB", (65501, 2)).save(tmp_path / "panorama.png")
    mask = Image.new("L", (65501, 2), 255)
    with pytest.raises(
        PhotoError, match="more than 65500 pixels in a row, which a JPEG cannot; use its mask, or PNG cutouts"
    ):
        cut(tmp_path / "panorama.png", CutoutKind.JPEG, mask)
    assert cut(tmp_path / "panorama.png", CutoutKind.PNG, mask).size == (65501, 2)
