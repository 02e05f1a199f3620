# SPDX-License-Identifier: GPL-3.0-or-later
"""What all work on a solved scan is told: where photos, masks and cameras are, and what of the computer it may take."""

import os
from dataclasses import dataclass
from pathlib import Path

from ..common.declared import Home, Unit, Zero, check, setting
from ..common.errors import BadUseError
from ..job.settings import check_folders, photos_of_scan


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What of the computer the model may take."""

    threads: int = setting(
        0,
        label="Threads",
        help="How many threads make the model and its texture",
        home=Home.PREFERENCES,
        low=1,
        high=256,
        soft=(0, 32),
        metavar="N",
        zero=Zero(
            "all_but_one_thread", "All but One", "One thread less than the computer has cores, so that Blender has one"
        ),
        since="0.2.0",
    )
    memory: float = setting(
        0.0,
        label="Memory",
        help="How many gigabytes the model may take; many photos are then looked at less closely",
        home=Home.PREFERENCES,
        low=0.5,
        high=1024.0,
        soft=(0.0, 64.0),
        metavar="GB",
        zero=Zero("half_memory", "Half", "Half of the computer's memory"),
        since="0.2.0",
    )

    @property
    def worker_threads(self) -> int:
        """How many threads work."""
        return self.threads or max(1, (os.cpu_count() or 1) - 1)


@dataclass(frozen=True, kw_only=True)
class SolvedScan(Resources):
    """A scan that has masks and cameras."""

    photos: str = photos_of_scan()
    output: str = setting(
        label="Output",
        help="Folder of the scan, which has a folder for the model",
        home=Home.SCENE,
        unit=Unit.FOLDER,
        blender="output_directory",
        metavar="DIR",
    )
    cameras: str = setting(
        "",
        label="Cameras",
        help="Folder of the reconstruction; unset, the one that was solved last in the output folder",
        unit=Unit.FOLDER,
        blender="cameras_directory",
        metavar="DIR",
        since="0.2.0",
        no_home="The cameras of one scan are not those of the next",
    )
    mask_folder: str = setting(
        "",
        label="Masks",
        help="Folder with a mask for each photo; unset, the one in the output folder",
        unit=Unit.FOLDER,
        blender="masks_directory",
        metavar="DIR",
        since="0.2.0",
        no_home="The masks of one scan are not those of the next",
    )

    def check(self) -> None:
        """Refuse what cannot work before anything is asked or written. Raises BadUseError."""
        check_folders(self.photos, self.output)
        for folder, what in ((self.cameras, "folder with cameras"), (self.mask_folder, "mask folder")):
            if folder and not Path(folder).is_dir():
                raise BadUseError(f"There is no {what} {folder!r}; choose another, or leave it empty")
        check(self)

    @property
    def masks(self) -> Path:
        """The folder with the masks."""
        return Path(self.mask_folder) if self.mask_folder else Path(self.output) / "masks"
