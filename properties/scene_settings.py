# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sidebar sets: kept with the scene, and taken by every operator that a user starts by hand.

Which server and which model belong to the computer, and are in the preferences.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import PointerProperty

from ..scan.common.declared import Home
from ..scan.engines.settings import ReconstructSettings
from ..scan.export.settings import TurntableSettings
from ..scan.meshing.settings import ModelSettings
from ..scan.reconstruction.settings import SceneContent
from ..scan.tasks.settings import ScanSteps, StripSettings
from ..scan.texturing.settings import TextureSettings
from .declared import given, kept_properties
from .stored import NAME
from .typed import existing

_GROUPS = (
    StripSettings,
    ReconstructSettings,
    ModelSettings,
    TextureSettings,
    ScanSteps,
    SceneContent,
    TurntableSettings,
)

on_change: list[Callable[[bpy.types.Context], None]] = []
"""Called when the folders or the engine of the scene that is shown have changed."""


def _tell(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    if settings.id_data == context.scene:  # a script may set up a scene that nobody sees
        for call in on_change:
            call(context)


_TOLD = {name: {"update": _tell} for name in ("directory", "output_directory", "engine", "develop_raw")}


class ScanCutoutSettings(bpy.types.PropertyGroup):
    """Settings of one scan"""

    __annotations__ = kept_properties(Home.SCENE, *_GROUPS, more=_TOLD)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Any declared setting of a scene."""

    @property
    def photos(self) -> str:
        """The photo folder's path; empty if none is chosen."""
        return self._absolute(self.directory)

    @property
    def output(self) -> str:
        """The job folder's path: the one chosen, else one beside the photos; empty without either."""
        if self.output_directory:
            return self._absolute(self.output_directory)
        return f"{self.photos}_scan" if self.photos else ""

    @property
    def is_adrift(self) -> bool:
        """Whether a folder is named from a .blend that is not there: this one was never saved."""
        return any(map(self._leads_nowhere, (self.directory, self.output_directory)))

    def given(self) -> dict[str, Any]:
        """What was set, by the names of the settings."""
        return {**given(self, *_GROUPS), "photos": self.photos, "output": self.output}

    def _leads_nowhere(self, path: str) -> bool:
        return path.startswith("//") and not (bpy.data.filepath or existing(self.id_data).library)

    def _absolute(self, path: str) -> str:
        if not path or self._leads_nowhere(path):
            return ""
        # A path has no separator at its end, as a file browser leaves it, so that names can be made of it.
        return str(Path(bpy.path.abspath(path, library=existing(self.id_data).library)))


_register_classes, _unregister_classes = bpy.utils.register_classes_factory((ScanCutoutSettings,))


def register() -> None:
    """Give every scene its settings."""
    _register_classes()
    setattr(bpy.types.Scene, NAME, PointerProperty(type=ScanCutoutSettings))


def unregister() -> None:
    """Take them out. What a .blend has stored stays in it, and is there again with the extension."""
    delattr(bpy.types.Scene, NAME)
    _unregister_classes()
