# SPDX-License-Identifier: GPL-3.0-or-later
"""What a strip is asked to do: plain values that travel to the worker in ``job.json``. Never a secret."""

from dataclasses import dataclass

from ..common.declared import check, later_values
from ..common.hashes import short_hash
from ..cutouts.settings import CutoutSettings
from ..job.settings import FolderSettings
from ..masks.settings import MaskSettings
from ..segmentation.settings import SegmentationSettings


@dataclass(frozen=True, kw_only=True)
class StripSettings(CutoutSettings, MaskSettings, SegmentationSettings, FolderSettings):
    """Everything that decides which masks and cutouts are made of which photos."""

    def check(self) -> None:
        """Refuse what cannot work before anything is asked or written. Raises BadUseError."""
        self.check_folders()
        check(self)
        self.check_cutouts()
        self.check_segmentation()

    def cutout_key(self, file_stamp: object, mask_sha256: str) -> str:
        """Names the cutout that these settings make of a photo with a mask, which may have been painted on by hand."""
        beside = self.cutout_color if self.cutouts == "JPEG" else self.alpha_matting
        return short_hash(file_stamp, mask_sha256, self.cutouts, beside, *later_values(self, CutoutSettings))
