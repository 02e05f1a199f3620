# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the model in the scene: files for other programs."""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy

from ..properties.stored import settings_in
from ..scan.common.errors import BadUseError, ScanError
from ..scan.export.settings import ExportSettings
from ..scan.job.job_end import JobEnd
from ..scene import exporting
from ..scene.model_alone import chosen_model


def proposed_file(context: bpy.types.Context, suffix: str) -> Path:
    """A file for the model that is not there yet: in the scan's folder, else beside the .blend, else at home."""
    try:
        model = chosen_model(context)
        name = (model.parent or model).name
    except BadUseError:  # the user chooses one afterwards
        name = "scan"
    folder = Path(settings_in(context.scene).output or bpy.data.filepath).absolute()
    folder = next((each for each in (folder, folder.parent) if each.is_dir()), Path.home())
    names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
    safe = (bpy.path.clean_name(each) + suffix for each in names)
    return next(folder / each for each in safe if not (folder / each).exists())


def exported(context: bpy.types.Context, settings: ExportSettings) -> str:
    """Export the model; what was done, in a sentence. Raises BadUseError, OutputError."""
    file, *more = exporting.export(context, settings)
    beside = f", with {' and '.join(each.name for each in more)} beside it" if more else ""
    return f"The model is exported to {file}{beside}"


@dataclass(frozen=True)
class Wishes:
    """What a command wants to have of the model that is in the scene in the end."""

    exports: tuple[ExportSettings, ...]

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> "Wishes":
        """Take them out of what was given on the command line."""
        overwrite = given.pop("overwrite", False)
        return cls(tuple(ExportSettings(export=each, overwrite=overwrite) for each in given.pop("export", ())))

    def check(self) -> None:
        """Refuse what cannot be done before any work is. Raises BadUseError."""
        for each in self.exports:
            exporting.check_export(each)

    def fulfil(self, context: bpy.types.Context, ended: JobEnd) -> JobEnd:
        """Do all of it where what comes before ``ended`` well enough, and return how it all ended."""
        if not ended.can_continue:
            return ended
        made: list[str] = []
        for each in self.exports:
            try:
                said = exported(context, each)
            except ScanError as error:
                return replace(JobEnd.of(error, **ended.details), message=_both(ended.message, str(error)))
            made.append(each.export)
            details = {**ended.details, "exports": made}
            ended = replace(ended, message=_both(ended.message, said), details=details)
        return ended


def _both(*sentences: str) -> str:
    return ". ".join(filter(None, sentences))
