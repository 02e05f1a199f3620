# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutouts: the photo without its background, as a picture of its own, for programs that take no masks.

A cutout has the photo's stored pixels, width and height, and its metadata. It follows the *final* mask: so whatever
filled its holes, shrank it or was painted into it by hand holds for the cutout too. A model's soft mask is a blur many
pixels wide where the photo has an edge, and would be a halo; only alpha matting makes an alpha worth having.
"""

import io
import zlib
from enum import Enum
from pathlib import PurePosixPath

import numpy as np
from PIL import Image, ImageColor, ImageFilter, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from ..common.boxes import Box, bands, grown, inner
from ..common.errors import PhotoError
from ..photos.file_types import JPEG_SUFFIXES
from ..photos.header import pictures_in
from ..photos.metadata import into_jpeg, into_png, read_metadata
from ..photos.photo import Photo
from ..photos.pixels import open_photo, to_stored, turn_by_pillow
from .bleeding import BLEED, BledColours

# How far from the edge alpha matting is believed: this part of the long edge, a strand of hair at the scale of a scan.
_MATTED = 64
_QUALITY = 95
_LONGEST_JPEG = 65500  # pixels, libjpeg's limit

_OPAQUE_ONLY = [255 if level == 255 else 0 for level in range(256)]
_INVERTED = [255 - level for level in range(256)]


class CutoutKind(Enum):
    """What cutouts are: the value is the suffix of their files."""

    PNG = ".png"
    """With alpha."""
    JPEG = ".jpg"
    """On a colour."""


def cutout_name(name: PurePosixPath, kind: CutoutKind) -> PurePosixPath:
    """The relative path of a photo's cutout: its own where the format stays, else with a suffix after it."""
    own = dict.fromkeys(JPEG_SUFFIXES, CutoutKind.JPEG) | {".png": CutoutKind.PNG}
    return name if own.get(name.suffix.lower()) is kind else name.with_name(name.name + kind.value)


def make_cutout(
    photo: Photo,
    mask: Image.Image,
    kind: CutoutKind,
    colour: str = "#000000",
    matted: Image.Image | None = None,
    warnings: list[str] | None = None,
) -> bytes:
    """The photo cut out along ``mask``, as a file.

    ``mask`` is 8-bit, 0 or 255 (255 = keep), over the photo's stored pixels. ``colour`` ("#rrggbb") fills the
    background of a JPEG; a grey photo gets the grey of that brightness. ``matted`` is the alpha that a PNG has near
    the mask's edge, in mode L, of any size and turned as the photo is stored; without, its edge is two pixels wide.
    Sentences on what of the photo's metadata stays behind are added to ``warnings``.
    Raises PhotoError, also for a photo that cannot be cut out without losing what it holds.
    """
    with open_photo(photo) as image:
        metadata = read_metadata(photo.path, image)
        _refuse_further_pictures(image)
        if kind is CutoutKind.PNG and _has_deep_channels(image):
            raise PhotoError(
                "has 16 bits a channel, of which a PNG cutout would keep 8; use its mask, or save it with 8 bits"
            )
        if kind is CutoutKind.JPEG and max(image.size) > _LONGEST_JPEG:
            raise PhotoError(
                f"has more than {_LONGEST_JPEG} pixels in a row, which a JPEG cannot; use its mask, or PNG cutouts"
            )
        coding = _coding(image)
        picture = _pixels(image)
        if picture.size != mask.size:
            raise PhotoError(
                f"has {picture.width} × {picture.height} pixels and its mask {mask.width} × {mask.height}; "
                "remove the mask to have it made again"
            )
    if kind is CutoutKind.PNG:
        if metadata.has_extended_xmp and warnings is not None:
            warnings.append("the second part of its XMP, for which only a JPEG has a place, is not in its PNG cutout")
        png = _encode_png(picture, mask, matted)
        del picture  # as large as four masks, and of no more use
        return into_png(png, metadata)
    _fill(picture, mask, ImageColor.getcolor(colour, picture.mode))
    picture.info = {}  # or Pillow writes some of what is carried a second time
    buffer = io.BytesIO()
    try:
        picture.save(buffer, "JPEG", **coding)
    except (OSError, ValueError) as error:  # such as the tables of a damaged photo
        raise PhotoError(f"cannot be encoded ({error}); copy it from the camera again") from error
    return into_jpeg(buffer.getvalue(), metadata)


def _refuse_further_pictures(image: Image.Image) -> None:
    """A file may hold previews beside the photo; where it holds further photos, one cutout cannot stand for them."""
    if (number := pictures_in(image)) > 1:
        raise PhotoError(f"holds {number} pictures, and a cutout could show only the first; save each as a file")


def _has_deep_channels(image: Image.Image) -> bool:
    """Whether there are more than 8 bits a channel; Pillow reads most such files as 8-bit ones."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return bool(max(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,))) > 8)
    if isinstance(image, PngImagePlugin.PngImageFile) and image.tile:
        return "16" in str(image.tile[0][3])
    return image.mode.startswith(("I", "F"))


def _coding(image: Image.Image) -> dict[str, object]:
    """How a JPEG cutout is encoded: as the photo was, if it is a JPEG: more would be bytes for nothing."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return {"quality": _QUALITY, "subsampling": 0}
    coding: dict[str, object] = {"qtables": image.quantization, "subsampling": 0}
    if image.mode == "RGB":
        # -1: a pattern Pillow cannot write; with all colour kept nothing is lost.
        coding["subsampling"] = max(0, JpegImagePlugin.get_sampling(image))
    return coding


def _pixels(image: Image.Image) -> Image.Image:
    """The stored pixels, decoded, as 8-bit RGB or grey; alpha is dropped, as it was for the mask."""
    turn = turn_by_pillow(image)
    image.load()
    picture = to_stored(image, turn)
    if picture.mode in {"RGB", "L"}:
        return picture
    if picture.mode in {"CMYK", "LAB"}:
        raise PhotoError(f"has {picture.mode} colours, which a cutout cannot keep; use its mask, or save it as RGB")
    if picture.mode.startswith("I;16"):
        tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
        bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0]  # 12, too
        return Image.fromarray((np.asarray(picture) >> (bits - 8)).astype(np.uint8))
    if picture.mode in {"I", "F"}:
        raise PhotoError("has 32 bits a channel, which a cutout cannot keep; save it with 8")
    if picture.mode in {"1", "LA", "La"}:
        return picture.convert("L")
    return picture.convert("RGB")


def _fill(picture: Image.Image, mask: Image.Image, colour: tuple[int, ...] | int) -> None:
    """Paint over what the mask does not keep, in place. Hard: a softened edge would be a fringe of mixed colours."""
    box = mask.getbbox()
    if box is None:
        picture.paste(colour, (0, 0, *picture.size))
        return
    _fill_around(picture, box, colour)
    # A mask of mode "1" is looked at once a pixel, one of mode "L" blended with once a channel: a tenth of the time.
    picture.paste(colour, box, mask.crop(box).point(_INVERTED, "1"))


def _fill_around(picture: Image.Image, box: Box, colour: tuple[int, ...] | int) -> None:
    """Paint over all that is not in ``box``, in place."""
    width, height = picture.size
    left, top, right, bottom = box
    beside = ((0, top, left, bottom), (right, top, width, bottom))
    for outside in ((0, 0, width, top), (0, bottom, width, height), *beside):
        picture.paste(colour, outside)


def _encode_png(picture: Image.Image, mask: Image.Image, matted: Image.Image | None) -> bytes:
    """A PNG with alpha, without metadata. ``picture`` becomes it: another one of its size would take memory.

    Alpha is the mask with an edge two pixels wide, or what ``matted`` has near the edge: at least 128 where the mask
    keeps, at most 127 where it does not. Pixels of full alpha are the photo's own. Those of the edge, and 16 pixels
    beyond, have the colours of the inside, and the rest has one colour: no fringe of the old background, wherever it is
    laid on, and nothing to pack.
    """
    alpha = Image.new("L", picture.size)
    box = mask.getbbox()
    if box is None:
        picture.paste(Image.new(picture.mode, picture.size))
    else:
        reach = BLEED if matted is None else max(BLEED, max(picture.size) // _MATTED)
        box = grown(box, picture.size, reach)
        bled = BledColours(picture, mask, box)
        _fill_around(picture, box, bled.mean)
        for band in bands(box):
            around = grown(band, picture.size, reach)
            keep = mask.crop(around)
            soft = None if matted is None else _part(matted, picture.size, around)
            edge = inner(_soft_edge(keep) if soft is None else _matted_edge(keep, soft, reach), around, band)
            # A blur is above 0 just as far as it reaches.
            near = inner(keep.filter(ImageFilter.BoxBlur(reach)), around, band).point([0] + [255] * 255, "1")
            own = picture.crop(band)
            picture.paste(bled.mean, band)
            picture.paste(bled.part(band), band, near)
            picture.paste(own, band, edge.point(_OPAQUE_ONLY, "1"))
            alpha.paste(edge, band)
    picture.putalpha(alpha)
    del alpha  # as large as the mask
    picture.info = {}  # or Pillow writes some of what is carried a second time
    buffer = io.BytesIO()
    # Run-length packing: as small as the dictionary's at the levels that would still be quick, and quicker.
    picture.save(buffer, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def _soft_edge(keep: Image.Image) -> Image.Image:
    """Alpha from a binary mask: its average over 3 × 3 pixels, held on the mask's side of the middle."""
    return _held(keep, keep.filter(ImageFilter.BoxBlur(1)))


def _matted_edge(keep: Image.Image, matted: Image.Image, reach: int) -> Image.Image:
    """Alpha as it is in ``matted`` as far as ``reach`` from the mask's edge, and the mask's own elsewhere.

    Islands that were dropped and holes that were filled are still in it.
    """
    near = keep.filter(ImageFilter.BoxBlur(reach)).point([0, *[255] * 254, 0], "1")
    return Image.composite(_held(keep, matted), keep, near)


def _held(keep: Image.Image, alpha: Image.Image) -> Image.Image:
    """Alpha, at least 128 where the mask keeps and at most 127 where it does not."""
    held = alpha.point([min(level, 127) for level in range(256)])
    held.paste(alpha.point([max(level, 128) for level in range(256)]), (0, 0), keep.point(lambda level: level, "1"))
    return held


def _part(small: Image.Image, size: tuple[int, int], box: Box) -> Image.Image:
    """The part ``box`` of a picture scaled up to ``size``."""
    columns, rows = small.width / size[0], small.height / size[1]
    place = (box[0] * columns, box[1] * rows, min(box[2] * columns, small.width), min(box[3] * rows, small.height))
    return small.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BICUBIC, place)
