# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal keeps of a photo: which files were made for it, and of what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from .json_fields import read, renamed, unkept


@dataclass(frozen=True, kw_only=True)
class PhotoRecord:
    """What is known of one photo that has a mask. Sizes are width and height in pixels; None is not known."""

    file_stamp: tuple[int, int] = renamed((0, 0), "identity")
    """Of the photo from which all this was made, see ``Photo.file_stamp``. The keys hold it."""
    seen_stamp: tuple[int, int] | None = None
    """Of a copy of that photo with another time, which was known by its content: the record holds for it, too."""
    content: str | None = None
    """Of that photo, see ``Photo.content_stamp``; 0.1.0 has not kept it."""
    soft_key: str = renamed("", "soft")
    """Names the soft mask; empty where that was replaced since, or the model never asked."""
    mask_key: str = renamed("", "mask")
    """Names the mask that was made; empty where a person put one there."""
    mask_sha256: str = renamed("", "sha256")
    """Of the mask's file, in hexadecimal."""
    stored_size: tuple[int, int] = (0, 0)
    """Of the photo's stored pixels, and so of its mask."""
    proxy_size: tuple[int, int] | None = None
    """Of the soft mask, which is upright."""
    orientation: int | None = None
    """EXIF orientation of the photo, 1 to 8."""
    asked: bool = False
    """Whether the model was asked for this mask, rather than a soft mask used again."""
    foreground: float | None = None
    """The share of the photo that the mask keeps, 0 to 1."""
    centroid: tuple[float, float] | None = None
    """Column and row of the middle of what is kept, (0.5, 0.5) in the middle of the first pixel; None if nothing is."""
    box: tuple[int, int, int, int] | None = None
    """Left, top, right and bottom of what is kept, the latter two exclusive; None if nothing is."""
    cutout_key: str | None = renamed(None, "cutout")
    """Names the cutout; None where there is none."""
    cutout_bytes: int | None = None
    """The size of the cutout's file."""
    no_cutout: str | None = None
    """Why there is no cutout where one was wanted."""
    adopted_sha256: str | None = None
    """Of the person's own file that the mask was made of; None where it was made of none."""
    adopted_as: str | None = None
    """What the object is in that file, and from which grey on."""
    announced: tuple[str, ...] = unkept(())
    """SHA-256 of masks that runs were about to write since, and ended before the photo was done."""

    @property
    def is_mask_ours(self) -> bool:
        """Whether a run made the mask, and no person."""
        return bool(self.mask_key)

    def stamp_of_keys(self, file_stamp: tuple[int, int]) -> tuple[int, int]:
        """Returns the file stamp that the keys of a photo with this one hold."""
        return self.file_stamp if file_stamp == self.seen_stamp else file_stamp

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self | None:
        """Returns the record in a journal's line; None where the line holds none."""
        record = read(cls, values)
        return record if record.mask_sha256 else None
