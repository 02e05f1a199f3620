# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of a job, which every kind of work on photos is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.declared import Home, Unit, setting
from ..common.errors import BadUseError
from .folder import refuse_overlap, refuse_results


def photos_of_scan() -> Any:
    """Give the field of the photo folder to settings of work that begins where a scan has masks already."""
    return setting(
        "",
        label="Photos",
        help="Folder with the photos; unset, the one that the output folder's masks were made of",
        home=Home.SCENE,
        unit=Unit.FOLDER,
        blender="directory",
        metavar="DIR",
    )


@dataclass(frozen=True, kw_only=True)
class FolderSettings:
    """Which photos are worked on, and where the results go."""

    photos: str = setting(
        label="Photos",
        help="Folder with the photos; each subfolder is one side of the scan",
        home=Home.SCENE,
        unit=Unit.FOLDER,
        blender="directory",
        metavar="DIR",
    )
    output: str = setting(
        label="Output",
        help="Folder for masks, results and reports, outside of the photo folder; an earlier run there is continued",
        home=Home.SCENE,
        unit=Unit.FOLDER,
        blender="output_directory",
        metavar="DIR",
    )
    files: tuple[str, ...] = setting(
        (),
        label="Files",
        help="Photos in that folder; none means all of them, subfolders included",
        unit=Unit.FILES,
        metavar="PHOTO",
        no_home="A scene's scan is all of its photos",
    )
    develop_raw: bool = setting(
        default=False,
        label="Develop RAW Photos",
        help="Develop RAW photos of which there is no JPEG or TIFF into JPEGs in the output folder, all of them alike",
        home=Home.SCENE,
        since="0.2.0",
    )

    def check_folders(self) -> None:
        """Refuse folders that cannot work. Raises BadUseError."""
        check_folders(self.photos, self.output)


def check_folders(photos: str, output: str) -> None:
    """Refuse a photo folder and an output folder that cannot work. Raises BadUseError."""
    check_photo_folder(photos)
    if not output:
        raise BadUseError("No output folder is set; choose the one for the masks")
    refuse_overlap(Path(photos), Path(output))


def check_photo_folder(photos: str) -> None:
    """Raise BadUseError where there is no such folder, or jobs write masks to it."""
    if photos and Path(photos).is_file():
        raise BadUseError(f"{photos!r} is a file; choose the folder that holds the photos")
    if not photos or not Path(photos).is_dir():
        raise BadUseError(f"There is no photo folder {photos!r}; choose the folder that holds the photos")
    refuse_results(Path(photos))
