# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished model is handed on as."""

from dataclasses import dataclass

from ..common.declared import Home, Unit, check, setting
from ..common.errors import BadUseError
from .targets import CLIPS, MODELS, PICTURES, check_target, is_clip

RENDERED = "Rendered {done} of {total}"
"""What is printed after each picture of a turntable, in a line of its own."""

_ONE_FILE = "The file of one call is not that of the next"


@dataclass(frozen=True, kw_only=True)
class Overwriting:
    """Whether files that are there may go."""

    overwrite: bool = setting(
        default=False,
        label="Overwrite",
        help="Put what is exported or rendered in the place of files that are there already",
        since="0.2.0",
        no_home="It is the wish of one call",
    )


@dataclass(frozen=True, kw_only=True)
class ExportSettings(Overwriting):
    """Where a model goes."""

    export: str = setting(
        "",
        label="File",
        help="File to export the model to: .glb or .usdz in metres to show it, .obj or .ply in millimetres to print it",
        unit=Unit.FILE,
        blender="filepath",
        metavar="FILE",
        is_repeated=True,
        since="0.2.0",
        no_home=_ONE_FILE,
    )

    def check(self) -> None:
        """Refuse what cannot work before anything is asked or written. Raises BadUseError."""
        check(self)
        check_target(self.export, "The model", MODELS, overwrite=self.overwrite)


@dataclass(frozen=True, kw_only=True)
class TurntableSettings(Overwriting):
    """A picture of the model from its front, or a clip in which it turns once."""

    turntable: str = setting(
        "",
        label="File",
        help="File to render the model to: .png, .jpg or .webp for a picture, .mp4 for a clip in which it turns once",
        unit=Unit.FILE,
        blender="filepath",
        metavar="FILE",
        since="0.2.0",
        no_home=_ONE_FILE,
    )
    turntable_width: int = setting(
        960,
        label="Width",
        help="Width of the picture, or of the clip",
        home=Home.SCENE,
        unit=Unit.PIXELS,
        low=16,
        high=8192,
        soft=(256, 3840),
        metavar="N",
        since="0.2.0",
    )
    turntable_height: int = setting(
        720,
        label="Height",
        help="Height of the picture, or of the clip",
        home=Home.SCENE,
        unit=Unit.PIXELS,
        low=16,
        high=8192,
        soft=(256, 2160),
        metavar="N",
        since="0.2.0",
    )
    turntable_samples: int = setting(
        16,
        label="Samples",
        help="How often Cycles looks at each pixel; few are enough, since noise is taken out",
        home=Home.SCENE,
        low=1,
        high=4096,
        soft=(1, 256),
        metavar="N",
        since="0.2.0",
    )
    turntable_frames: int = setting(
        72,
        label="Frames",
        help="How many pictures a clip has of one turn",
        home=Home.SCENE,
        low=2,
        high=10_000,
        soft=(24, 360),
        metavar="N",
        since="0.2.0",
    )
    turntable_rate: int = setting(
        24,
        label="Frame Rate",
        help="How many pictures of a clip are shown in a second",
        home=Home.SCENE,
        low=1,
        high=120,
        soft=(12, 60),
        metavar="N",
        since="0.2.0",
    )

    @property
    def frames(self) -> int:
        """How many pictures are rendered."""
        return self.turntable_frames if is_clip(self.turntable) else 1

    def check(self) -> None:
        """Refuse what cannot work before anything is asked or written. Raises BadUseError."""
        check(self)
        check_target(self.turntable, "The turntable", (*PICTURES, *CLIPS), overwrite=self.overwrite)
        if is_clip(self.turntable) and (self.turntable_width % 2 or self.turntable_height % 2):
            size = f"{self.turntable_width} × {self.turntable_height}"
            raise BadUseError(f"A clip’s width and height must be even, and are {size} pixels; choose others")
