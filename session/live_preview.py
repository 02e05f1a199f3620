# SPDX-License-Identifier: GPL-3.0-or-later
"""The live preview: a worker that draws one photo with its mask's outline, and the Image Editor that shows it.

A timer compares the scene's settings with what was asked for last. So the preview follows sliders, undo and scripts
alike, and no property has to tell it. All of it lives in this module and in a temporary folder, nothing in the .blend.
"""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import bpy

from ..properties import job_settings
from ..properties.stored import settings_in
from ..properties.typed import existing, persistent
from ..scan.common.errors import BadUseError, ScanError
from ..scan.common.files import temporary_folder
from ..scan.job.events import Event, Finished, Previewed, PreviewFailed, PreviewWaiting, Started
from ..scan.job.folder import JobFolder
from ..scan.job.process import Worker
from ..scan.masks.settings import MaskSettings
from ..scan.segmentation.settings import SoftMaskSettings
from ..scan.tasks.settings import StripSettings
from . import current_job, driver, picture
from .painting import Colours, Painting, give_back, take_white
from .picture import Picture
from .redraw import redraw
from .steps import Job

_TICK = 0.05
_PATIENCE = 0.0  # Blender waits meanwhile, and nothing is lost with a preview
_FOLDERS = ("photos", "output")


class Preview:
    """One photo after the other, drawn by one worker."""

    def __init__(self, context: bpy.types.Context, photo: str) -> None:
        """``photo`` is named relative to the photo folder; empty for the first. Raises ScanError."""
        self.photo = photo
        """What is wished for, and perhaps shown already."""
        self.photos: list[str] = []
        """Every photo of the folder in order, once the worker has named them."""
        self.shown: PreviewWaiting | Previewed | None = None
        """What the worker said of the picture that is shown."""
        self.trouble = ""
        """Why nothing newer is shown."""
        self.painting: Painting | None = None
        """The mask that is shown instead, to be painted on."""
        self._colours: Colours = {}
        self.picture = Picture("Scan Cutout Preview", "VIEW")
        self._overlay = Picture("Scan Cutout Photo", "VIEW")
        self._folder = temporary_folder()
        self._worker: Worker | None = None
        self._number = self._answered = 0
        self._asked: object = None
        self._server: object = None
        """What the worker was started with, and no message changes."""
        self._is_fitted = self._has_tab = False
        self._window = existing(context.window).as_pointer()
        wished = self._wished(context)
        self._folders = [getattr(wished, name) for name in _FOLDERS]
        self._start(context, wished)

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is on its way."""
        return self._worker is not None and (self._asked is None or self._answered < self._number)

    @property
    def has_worker(self) -> bool:
        """Whether there is something that answers."""
        return self._worker is not None

    @property
    def is_dirty(self) -> bool:
        """Whether a mask was painted on and not saved."""
        return self.painting is not None and self.painting.is_dirty

    @property
    def current(self) -> Picture:
        """What an editor has to show for the preview to go on."""
        return self.painting.picture if self.painting else self.picture

    def show_in(self, area: bpy.types.Area) -> None:
        """Show it in an Image Editor, fitted and with its tab in front."""
        self.current.show(area)
        picture.space_of(area).show_region_ui = True  # Blender's own workspaces have it closed
        self._is_fitted = self._has_tab = False

    def look_at(self, photo: str) -> None:
        """Wish for another photo, or for the same one anew. A mask that is painted on is left without saving it."""
        self.leave_painting()
        self.photo, self._asked, self.trouble = photo, None, ""

    def step(self, step: int) -> None:
        """Wish for the next photo, or the one before; the first comes after the last."""
        place = self.photos.index(self.photo) if self.photo in self.photos else -1
        self.look_at(self.photos[(place + step) % len(self.photos)])

    def paint(self) -> None:
        """Show the mask instead, to be painted on in white. Raises BadUseError."""
        shown = self.shown
        if not isinstance(shown, Previewed):
            raise BadUseError("The preview of this photo is not ready")
        self.painting = Painting(self.photo, Path(shown.mask_path), Path(shown.working_path), self._overlay)
        self.painting.picture.replace(self.picture)
        self._is_fitted = False
        self._colours = take_white(bpy.context)

    def leave_painting(self) -> None:
        """Show the preview again, and leave the brush as it was."""
        if self.painting:
            self.picture.replace(self.painting.picture)
            self.painting.discard()
            self._end_painting()

    def tick(self, context: bpy.types.Context) -> bool:
        """Read what the worker said, ask it anew where something changed; whether the preview goes on."""
        for event in self._worker.events() if self._worker else ():
            self._take(event)
            redraw(context)
        self._mend_after_undo()
        if not (self.current.is_shown or self.is_dirty):
            return False
        if not self._is_fitted:
            self._is_fitted = picture.fit(self.current)
        if not self._has_tab:
            self._has_tab = picture.open_tab(self.current, "Scan Cutout")
        if self.painting:
            return True
        return self._follow(context)

    def end(self) -> None:
        """Leave no worker, no file and no image in an editor."""
        if self._worker:
            self._worker.end(_PATIENCE)
        if self.painting:
            self.painting.end()
        self.picture.free()
        self._folder.cleanup()

    def _take(self, event: Event) -> None:
        match event:
            case Started():
                self.photos = list(event.names or ())
                self.photo = self.photo or self.photos[0]
            case PreviewWaiting() | Previewed() if event.photo == self.photo:
                if self.shown is None or self.shown.size != event.size:
                    self._is_fitted = False
                self.picture.load(event.picture_path)
                self.shown = event
            case PreviewFailed() if event.number == self._number:
                self.trouble = event.reason
                if self.shown is not None and self.shown.photo != self.photo:
                    self.shown = None
                    self.picture.clear()
            case Finished():
                self._worker, self.trouble = None, event.end.message
        if isinstance(event, Previewed | PreviewFailed):
            self._answered = event.number

    def _mend_after_undo(self) -> None:
        if self.painting and self.painting.picture.image is None:  # undone beyond where painting began
            self.picture.take_over(self.painting.picture)
            self._end_painting()
        if not self.painting:
            self.picture.keep()

    def _end_painting(self) -> None:
        give_back(bpy.context, self._colours)
        existing(self.painting).end()
        self.painting, self._asked, self._is_fitted = None, None, False

    def _follow(self, context: bpy.types.Context) -> bool:
        wished = self._wished(context)
        if [getattr(wished, name) for name in _FOLDERS] != self._folders:
            return False
        server = _server(context, wished)
        # A job that has ended may have left another mask.
        asked = (self.photo, _message(wished), server, current_job.last())
        if asked == self._asked or not self.photos:
            return True
        self._asked = asked
        if server != self._server:
            self._start(context, wished)
        if self._worker:
            self._number += 1
            self._worker.send({"photo": self.photo, "number": self._number, **_message(wished)})
            self.trouble = ""
        redraw(context)
        return True

    def _wished(self, context: bpy.types.Context) -> StripSettings:
        """The settings of the scene in whose window the preview was started."""
        windows = existing(context.window_manager).windows
        window = next((each for each in windows if each.as_pointer() == self._window), windows[0])
        return _wished(context, window.scene)

    def _start(self, context: bpy.types.Context, wished: StripSettings) -> None:
        if self._worker:
            self._worker.end(_PATIENCE)
            self._worker = None
        self._server = _server(context, wished)
        self._worker = driver.start(
            context,
            Job("Preview", JobFolder(Path(self._folder.name)), {"task": "preview", "settings": asdict(wished)}),
        )


_now: Preview | None = None


def now() -> Preview | None:
    """The preview that is on; None if none is."""
    return _now


def show(context: bpy.types.Context, photo: str) -> bool:
    """Show a photo, or if none is named the one of the last time; whether there is a place for it. Raises ScanError.

    Where a mask was painted on and not saved, and its editor closed, it is that which is shown again.
    """
    global _now  # noqa: PLW0603 - one preview for all of Blender
    if _now is not None and not _now.has_worker and not _now.is_dirty:
        photo = photo or _now.photo
        end()
    if _now is None:
        _now = Preview(context, photo)
    elif not _now.is_dirty:
        _now.look_at(photo or _now.photo)
    if not bpy.app.timers.is_registered(_tick):  # not yet, or no more, since a defect ended it
        bpy.app.timers.register(_tick, first_interval=_TICK)
    if not _now.current.is_in_sight:
        area = picture.free_editor(existing(context.window))
        if area is None:
            end()
            return False
        _now.show_in(area)
    redraw(context)
    return True


def end() -> None:
    """End the preview, if there is one."""
    global _now  # noqa: PLW0603
    if _now is not None:
        _now.end()
    _now = None
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)


def _tick() -> float | None:
    try:
        can_continue = _now is not None and _now.tick(bpy.context)
    except (ScanError, OSError) as error:
        can_continue = True
        if _now is not None and _now.trouble != str(error):
            _now.trouble = str(error)
            redraw(bpy.context)
    if not can_continue:
        end()
        redraw(bpy.context)
        return None
    return _TICK


@persistent
def _after_load(*_file: object) -> None:
    # The settings that it follows are gone. Not before the load: a file that cannot be read changes nothing.
    end()


def register() -> None:
    """Be told of files that are loaded."""
    bpy.app.handlers.load_post.append(_after_load)


def unregister() -> None:
    """Leave nothing behind."""
    bpy.app.handlers.load_post.remove(_after_load)
    end()


def _wished(context: bpy.types.Context, scene: bpy.types.Scene) -> StripSettings:
    given = settings_in(scene).given()
    return job_settings.strip_settings(context, given)


def _message(wished: StripSettings) -> dict[str, Any]:
    return {
        kind: {each.name: getattr(wished, each.name) for each in fields(group)}
        for kind, group in (("mask", MaskSettings), ("answer", SoftMaskSettings))
    }


def _server(context: bpy.types.Context, wished: StripSettings) -> tuple[object, ...]:
    """What a worker is started with, and no message changes."""
    return wished.backend, wished.endpoint, wished.develop_raw, job_settings.token(context)
