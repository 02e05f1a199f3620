# SPDX-License-Identifier: GPL-3.0-or-later
"""How the cameras of a scan are found."""

from dataclasses import dataclass

from ..common.declared import Choice, Home, Unit, check, names_of, own_settings, setting
from ..common.errors import EngineError
from ..job.settings import FolderSettings, photos_of_scan
from . import catalog
from .colmap.settings import ColmapSettings
from .installed import missing

QUALITIES = (
    Choice("DRAFT", "Draft", "Fewer pixels of the object, for a quick look: 20 seconds for 40 photos on two cores"),
    Choice("NORMAL", "Normal", "What most scans need: half a minute for 40 photos on two cores"),
    Choice("HIGH", "High", "More pixels of the object, cameras twice as exact: a minute for 40 photos on two cores"),
)


@dataclass(frozen=True, kw_only=True)
class EngineSettings(FolderSettings):
    """What every engine is told. The masks are those of the job folder."""

    photos: str = photos_of_scan()
    engine: str = setting(
        "COLMAP",
        label="Engine",
        help="Program that finds the cameras",
        home=Home.SCENE,
        choices=catalog.choices,
    )
    quality: str = setting(
        "NORMAL",
        label="Quality",
        help="How closely the photos are looked at",
        home=Home.SCENE,
        choices=lambda: QUALITIES,
    )
    masks: bool = setting(
        default=True,
        label="Use Masks",
        help="Look at the object alone; without, a background that stands still misleads the engine",
        off_help="Use the whole photos; a background that stands still misleads the engine",
        home=Home.SCENE,
    )
    again: bool = setting(
        default=False,
        label="Solve Again",
        help="Solve the scan from the beginning, even if nothing has changed since",
        since="0.2.0",
        no_home="it is the wish of one call",
    )
    executable: str = setting(
        "",
        label="Executable",
        help="The engine's program; unset, the one in the preferences, else the one that is found",
        home=Home.PREFERENCES,
        unit=Unit.FILE,
        metavar="FILE",
    )


@dataclass(frozen=True, kw_only=True)
class ReconstructSettings(ColmapSettings, EngineSettings):
    """Everything that decides how the cameras of a scan are found: what every engine has, then what single ones do."""

    def check(self) -> None:
        """Refuse what cannot work before anything is asked or written.

        Raises BadUseError, and EngineError where the engine is not on this computer.
        """
        self.check_folders()
        check(self)
        if words := missing(catalog.entry(self.engine), self.executable):
            raise EngineError(words)


def shown_settings(engine: str) -> list[str]:
    """The names of the settings that an engine has and a scene keeps, for a panel."""
    shown = []
    for each in own_settings(ReconstructSettings):
        declared = each.declaration
        is_of_engine = not declared.of or engine in declared.of
        is_elsewhere = each.name in {"engine", *names_of(FolderSettings)}
        if declared.home is Home.SCENE and not is_elsewhere and is_of_engine:
            shown.append(each.name)
    return shown
