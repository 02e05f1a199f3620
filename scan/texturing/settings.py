# SPDX-License-Identifier: GPL-3.0-or-later
"""How the texture of a model is made."""

from dataclasses import dataclass
from pathlib import Path

from ..common.declared import Choice, Home, Unit, setting
from ..common.errors import BadUseError
from ..views.settings import SolvedScan

SIZES = tuple(
    Choice(f"{size // 1024}K", f"{size:,} Pixels", words)
    for size, words in (
        (1024, "For a quick look, and for objects that are small in the picture"),
        (2048, "What most scans need"),
        (4096, "All that photos of about 12 megapixels show"),
        (8192, "For large photos of a large object; takes a minute or more, and four times the memory"),
    )
)


@dataclass(frozen=True, kw_only=True)
class TextureSettings(SolvedScan):
    """Everything that decides which texture is made of which model, cameras, photos and masks."""

    mesh: str = setting(
        "",
        label="Mesh",
        help="PLY file with the mesh, in the frame of the cameras; unset, the model in the output folder",
        unit=Unit.FILE,
        blender="mesh_file",
        metavar="FILE",
        since="0.2.0",
        no_home="The mesh of one scan is not that of the next",
    )
    texture_size: str = setting(
        "2K",
        label="Size",
        help="How wide and high the texture is",
        home=Home.SCENE,
        choices=lambda: SIZES,
        since="0.2.0",
    )
    remove_lighting: bool = setting(
        default=True,
        label="Remove Lighting",
        help="Take the light of the lamps out, as far as it stood still while the object turned",
        off_help="Leave the light of the lamps in the texture",
        home=Home.SCENE,
        option="lighting",
        since="0.2.0",
    )
    keep_uvs: bool = setting(
        default=False,
        label="Keep UVs",
        help="Paint into the UV map that the mesh has, instead of unwrapping it",
        since="0.2.0",
        no_home="The next mesh may have none",
    )
    texture_again: bool = setting(
        default=False,
        label="Texture Again",
        help="Make the texture from the beginning, even if nothing has changed since",
        since="0.2.0",
        no_home="It is the wish of one call",
    )

    @property
    def size(self) -> int:
        """Width and height in texels."""
        return int(self.texture_size[:-1]) * 1024

    def check(self) -> None:
        """Refuse what cannot work before anything is asked or written. Raises BadUseError."""
        super().check()
        if self.mesh and not Path(self.mesh).is_file():
            raise BadUseError(f"There is no mesh {self.mesh!r}; choose another, or leave it empty")
