# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the model in the scene: files for other programs."""

import itertools
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy

from ..properties.stored import settings_in
from ..scan.common.declared import names_of
from ..scan.common.errors import BadUseError, ScanError
from ..scan.export.settings import RENDERED, ExportSettings, TurntableSettings
from ..scan.job.job_end import JobEnd
from ..scene import exporting, turntable
from ..scene.model_alone import chosen_model


def proposed_file(context: bpy.types.Context, suffix: str) -> Path:
    """A file for the model that is not there yet: in the scan's folder, else beside the .blend, else at home."""
    try:
        model = chosen_model(context)
        name = (model.parent or model).name
    except BadUseError:  # the user chooses one afterwards
        name = "scan"
    places = [Path(each) for each in (settings_in(context.scene).output, str(Path(bpy.data.filepath).parent))]
    folder = next((each for each in places if each.is_absolute() and each.is_dir()), Path.home())
    names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
    safe = (bpy.path.clean_name(each) + suffix for each in names)
    return next(folder / each for each in safe if not (folder / each).exists())


def exported(context: bpy.types.Context, settings: ExportSettings) -> str:
    """Export the model; what was done, in a sentence. Raises BadUseError, OutputError."""
    file, *more = exporting.export(context, settings)
    beside = f", with {' and '.join(each.name for each in more)} beside it" if more else ""
    return f"The model is exported to {file}{beside}"


def rendered(context: bpy.types.Context, settings: TurntableSettings) -> str:
    """Render the turntable while Blender waits; what was done, in a sentence. Raises BadUseError, OutputError."""

    def tell(done: int, total: int) -> None:
        print(f"Scan Cutout: {RENDERED.format(done=done, total=total)}", file=sys.stderr, flush=True)

    return f"The turntable is rendered to {turntable.render(context, settings, tell)}"


@dataclass(frozen=True)
class Wishes:
    """What a command wants to have of the model that is in the scene in the end."""

    exports: tuple[ExportSettings, ...]
    turntable: TurntableSettings | None

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> "Wishes":
        """Take them out of what was given on the command line."""
        overwrite = given.pop("overwrite", False)
        files = [str(Path(each).absolute()) for each in given.pop("export", ())]
        exports = tuple(ExportSettings(export=each, overwrite=overwrite) for each in files)
        looks = {name: given.pop(name) for name in names_of(TurntableSettings) if name in given}
        return cls(exports, TurntableSettings(**looks, overwrite=overwrite) if "turntable" in looks else None)

    def check(self, *, has_model: bool = True) -> None:
        """Refuse what cannot be done before any work is, such as where there will be no model. Raises BadUseError."""
        if not has_model and (self.exports or self.turntable):
            raise BadUseError("Without a model there is nothing to export or to render; leave out --no-model")
        for each in self.exports:
            exporting.check_export(each)
        if self.turntable:
            turntable.check_turntable(self.turntable)

    def fulfil(self, context: bpy.types.Context, ended: JobEnd) -> JobEnd:
        """Do all of it where what comes before ``ended`` well enough, and return how it all ended."""
        if not ended.can_continue:
            return ended
        try:
            for each in self.exports:
                ended = _more(ended, exported(context, each), exports=[*ended.details.get("exports", ()), each.export])
            if self.turntable:
                ended = _more(ended, rendered(context, self.turntable), turntable=self.turntable.turntable)
        except ScanError as error:
            return replace(JobEnd.of(error, **ended.details), message=_both(ended.message, str(error)))
        return ended


def _more(ended: JobEnd, said: str, **details: object) -> JobEnd:
    """An end, and what else was done."""
    return replace(ended, message=_both(ended.message, said), details={**ended.details, **details})


def _both(*sentences: str) -> str:
    return ". ".join(filter(None, sentences))
