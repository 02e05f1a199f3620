# SPDX-License-Identifier: GPL-3.0-or-later
"""What a strip is asked to do: plain values that travel to the worker in ``job.json``. Never a secret.

And which of the tasks a whole scan goes through.
"""

from dataclasses import dataclass

from ..common.declared import Home, check, later_values, setting
from ..common.hashes import short_hash
from ..cutouts.settings import CutoutSettings
from ..job.settings import FolderSettings
from ..masks.settings import AdoptingMasks, MaskSettings, ObjectInMasks, Threshold
from ..segmentation.settings import SegmentationSettings


@dataclass(frozen=True, kw_only=True)
class StripSettings(AdoptingMasks, CutoutSettings, MaskSettings, SegmentationSettings, FolderSettings):
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


@dataclass(frozen=True, kw_only=True)
class AdoptSettings(Threshold, ObjectInMasks, FolderSettings):
    """Which masks of somebody's own are adopted, and how they are read."""

    def check(self) -> None:
        """Refuse what cannot work before anything is written. Raises BadUseError."""
        self.check_folders()
        check(self)


@dataclass(frozen=True, kw_only=True)
class ScanSteps:
    """What a scan that goes from the photos to the scene does on the way, beside masks and cameras."""

    build_model: bool = setting(
        default=True,
        label="Build the Model",
        help="Have Scan to Scene end with a mesh of the object",
        off_help="Leave the model out: cameras and points only",
        home=Home.SCENE,
        option="model",
        since="0.2.0",
    )
    texture: bool = setting(
        default=True,
        label="Texture the Model",
        help="Have the model of Scan to Scene painted with what the photos show",
        off_help="Leave the texture out: the model has a color for each vertex",
        home=Home.SCENE,
        since="0.2.0",
    )


NOT_OF_A_SCAN = frozenset({"cameras", "mask_folder", "mesh", "keep_uvs"})
"""Settings of model and texture that such a scan does not have: it goes by its own cameras, masks and model."""
