# SPDX-License-Identifier: GPL-3.0-or-later
"""What is brought into a scene. Empty folders are looked for where programs put them."""

from dataclasses import dataclass

from ..common.declared import Choice, Home, Unit, check, setting

_ONE_IMPORT = "The folders of one import are not those of the next"


SAME_SCAN = (
    Choice(
        "REPLACE",
        "Replace",
        "The new import takes its place in the scene, where it stands now; what somebody has worked on stays beside it",
    ),
    Choice("ADD", "Add", "It stays as it is, and the new import is added to the scene"),
)


@dataclass(frozen=True, kw_only=True)
class PlacementSettings:
    """How a scan stands in the scene."""

    upright: bool = setting(
        default=True,
        label="Upright",
        help="Stand the object on the floor at the origin, as the ring of its photos shows it",
        off_help="Leave the scan where the engine has put it, and as it lies there",
        home=Home.SCENE,
        since="0.2.0",
    )
    up_side: str = setting(
        "",
        label="Upright In",
        help="Folder of the photos in which the object stands upright, relative to the photo folder; empty for the one "
        "with the most photos",
        home=Home.SCENE,
        unit=Unit.NAME,
        option="side",
        metavar="FOLDER",
        since="0.2.0",
    )
    front: str = setting(
        "",
        label="Front",
        help="Photo that shows the object's front, relative to the photo folder; empty for the first of those in which "
        "it stands upright",
        home=Home.SCENE,
        unit=Unit.NAME,
        metavar="PHOTO",
        since="0.2.0",
    )
    height: float = setting(
        0.0,
        label="Height",
        help="How high the object is, from the floor to its top; 0 if that is not known, which leaves the engine's "
        "scale",
        home=Home.SCENE,
        unit=Unit.METERS,
        low=0,
        high=1_000_000,
        metavar="M",
        since="0.2.0",
    )

    def check_placement(self) -> None:
        """Refuse what cannot be, whatever the photos are. Raises BadUseError."""
        check(self, PlacementSettings)


@dataclass(frozen=True, kw_only=True)
class SceneContent(PlacementSettings):
    """What is made of a reconstruction in the scene."""

    animated_camera: bool = setting(
        default=False,
        label="Animated Camera",
        help="Add one camera that goes through all photos, one a frame",
        home=Home.SCENE,
    )
    same_scan: str = setting(
        "REPLACE",
        label="Same Scan",
        help="What becomes of the same scan where an earlier import has brought it into the scene",
        home=Home.SCENE,
        choices=lambda: SAME_SCAN,
        since="0.2.0",
    )
    pack_texture: bool = setting(
        default=True,
        label="Pack the Texture",
        help="Keep the model's texture in the .blend",
        off_help="Leave the model's texture in the output folder, and only name it in the .blend",
        home=Home.SCENE,
        option="pack",
        since="0.2.0",
    )


@dataclass(frozen=True, kw_only=True)
class ImportSettings(SceneContent):
    """A reconstruction and what belongs to it."""

    directory: str = setting(
        "",
        label="Model",
        help="Folder of the reconstruction, or one that holds some, such as the output folder of a scan",
        unit=Unit.FOLDER,
        option="output",
        metavar="DIR",
        no_home=_ONE_IMPORT,
    )
    filepath: str = setting(
        "",
        label="File",
        help="Instead of the folder, one of the reconstruction's files",
        unit=Unit.FILE,
        option="file",
        metavar="FILE",
        no_home=_ONE_IMPORT,
    )
    photos: str = setting(
        "",
        label="Photos",
        help="Folder with the photos that were solved; empty to look for it beside the model",
        unit=Unit.FOLDER,
        blender="photos_directory",
        metavar="DIR",
        no_home=_ONE_IMPORT,
    )
    masks: str = setting(
        "",
        label="Masks",
        help="Folder with a mask for each photo; empty to look for it beside the model",
        unit=Unit.FOLDER,
        blender="masks_directory",
        metavar="DIR",
        no_home=_ONE_IMPORT,
    )
    copies: str = setting(
        "",
        label="Copies",
        help="Folder that gets a folder with undistorted copies of photos that Blender's cameras cannot show as they "
        "are; empty to have it with the model",
        unit=Unit.FOLDER,
        blender="output_directory",
        metavar="DIR",
        no_home=_ONE_IMPORT,
    )
