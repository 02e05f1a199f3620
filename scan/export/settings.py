# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished model is handed on as."""

from dataclasses import dataclass

from ..common.declared import Unit, check, setting
from .targets import MODELS, check_target

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
