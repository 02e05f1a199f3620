# SPDX-License-Identifier: GPL-3.0-or-later
"""What engines need to know of a photo, from its header alone: size, orientation, camera and lens."""

from dataclasses import dataclass, replace

from PIL import ExifTags, Image, TiffImagePlugin

from .photo import Photo
from .pixels import open_photo, orientation, stored_size


@dataclass(frozen=True)
class PhotoFacts:
    """A photo's header. Lengths are in millimetres, None where EXIF does not say."""

    format: str
    """Pillow's name of the format, such as JPEG."""
    size: tuple[int, int]
    """Width and height of the stored pixels."""
    orientation: int
    """EXIF orientation, 1 to 8."""
    make: str = ""
    model: str = ""
    lens: str = ""
    focal: float | None = None
    focal_35: float | None = None
    """The focal length that shows the same on 36 × 24 mm film."""
    pictures: int = 1
    """How many pictures the file holds, of which only the first is used."""

    @property
    def has_focal(self) -> bool:
        """Whether EXIF gives an engine a focal length to begin with."""
        return bool(self.focal or self.focal_35)

    def camera_key(self) -> tuple[object, ...]:
        """Photos with the same key were taken through the same lens at the same zoom, as far as EXIF says.

        Turned photos are kept apart: not every camera keeps the sensor's own pixel order then.
        """
        return (self.make, self.model, self.lens, self.focal, self.focal_35, self.size, self.orientation)

    def camera_name(self) -> str:
        """The camera in words, such as "Canon EOS R5, 50 mm, 8192 × 5464"."""
        named = self.model if self.model.startswith(self.make) else f"{self.make} {self.model}"
        focal = f"{self.focal or self.focal_35:g} mm" if self.has_focal else "unknown focal length"
        return f"{named.strip() or 'unknown camera'}, {focal}, {self.size[0]} × {self.size[1]}"


def read_facts(photo: Photo) -> PhotoFacts:
    """Read a photo's header. Raises PhotoError where it is no photo; damaged EXIF counts as none."""
    with open_photo(photo) as image:
        form = "JPEG" if image.format == "MPO" else str(image.format)  # which begins with a JPEG, all that is read
        turn, size = orientation(image), stored_size(image)
        try:
            facts = _with_lens(form, size, turn, image)
        except Exception:  # noqa: BLE001 - a damaged EXIF block makes Pillow raise nearly anything, and means "none"
            facts = PhotoFacts(form, size, turn)
        return replace(facts, pictures=pictures_in(image))


def pictures_in(image: Image.Image) -> int:
    """How many pictures of its size the file of an opened photo holds: pages, or frames.

    Smaller ones are previews; of an MPO, the first is the photo, the others are previews, depth or a second eye.
    """
    if image.format == "MPO":
        return 1
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return int(getattr(image, "n_frames", 1))
    size, same = image.size, 1
    try:
        for frame in range(1, image.n_frames):
            image.seek(frame)
            same += image.size == size
    except Exception:  # noqa: BLE001 - as for EXIF: what cannot be read behind the photo is no picture
        return same
    finally:
        image.seek(0)
    return same


def _with_lens(form: str, size: tuple[int, int], turn: int, image: Image.Image) -> PhotoFacts:
    outer = image.getexif()
    inner = outer.get_ifd(ExifTags.IFD.Exif)
    return PhotoFacts(
        form,
        size,
        turn,
        make=_text(outer.get(ExifTags.Base.Make)),
        model=_text(outer.get(ExifTags.Base.Model)),
        lens=_text(inner.get(ExifTags.Base.LensModel)),
        focal=_length(inner.get(ExifTags.Base.FocalLength)),
        focal_35=_length(inner.get(ExifTags.Base.FocalLengthIn35mmFilm)),
    )


def _text(value: object) -> str:
    return value.strip("\0 \t\r\n") if isinstance(value, str) else ""


def _length(value: object) -> float | None:
    try:
        length = float(value)  # type: ignore[arg-type] # whatever it is, it is tried
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return round(length, 3) if 0 < length < 1e5 else None  # false for NaN, too
