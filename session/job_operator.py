# SPDX-License-Identifier: GPL-3.0-or-later
"""What all operators share that start a job: run by a user, Blender goes on working; run by a script, it waits."""

import time
from typing import Any, cast

import bpy

from ..properties.stored import Settings, settings_in
from ..properties.typed import OperatorMixin, OperatorResult, Report, existing
from ..scan.common.errors import BadUseError, EndpointError, ScanError, printable
from ..scan.job.job_end import JobEnd
from . import current_job, driver, queries, survey
from .redraw import redraw
from .steps import Steps

_TICK = 0.1  # seconds between looks at the journal
_REDRAW = 0.25  # and at least between drawings of it
# While any modal operator runs, Blender does not auto-save but tries again every 10 ms (wm_autosave_timer in
# wm_files.cc). So the watching stops this often and for so long; the job, being a process, never notices.
_WATCH = 30.0
_LET_GO = 0.3
# Kinds of modal operators that run while the user edits.
_EDITING = ("TRANSFORM_", "PAINT_", "SCULPT_", "GPENCIL_", "GREASE_PENCIL_", "MESH_", "CURVE_", "CURVES_", "OBJECT_")

# How a job ends whose server is away (see scan.common.errors).
_SERVER_AWAY = EndpointError.exit_code

SHOWN = "scan_cutout_shown"
"""Name under which the sidebar's layout gives its buttons the settings it shows."""


class Watching(OperatorMixin):
    """Mixed into a modal operator: follows the running job until it ends."""

    _is_watching = False
    _let_go_at = 0.0
    _drawn_at = 0.0
    _is_news = False

    def watch(self, context: bpy.types.Context) -> OperatorResult:
        """Begin to watch; what ``invoke`` or ``execute`` has to return."""
        manager = existing(context.window_manager)
        redraw(context)
        _start_timer(context)
        self._let_go_at = time.monotonic() + _WATCH
        self._is_watching = True
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Look at the journal now and then; every event is left to others."""
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        job = current_job.now()
        if job is None:  # a file was loaded
            stop_timer(context)
            return {"CANCELLED"}
        # What is brought into the scene, as a step to undo, shall not come between.
        self._is_news |= job.tick(context, lambda: not _is_editing(context))
        if job.result is not None:
            stop_timer(context)
            return self._end(context, job, job.result)
        now = time.monotonic()
        if self._is_news and now - self._drawn_at >= _REDRAW:
            self._is_news, self._drawn_at = False, now
            redraw(context)
        if now >= self._let_go_at and existing(context.preferences).filepaths.use_auto_save_temporary_files:
            stop_timer(context)
            bpy.app.timers.register(_take_up, first_interval=_LET_GO)
            return {"CANCELLED"}
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender when the window closes; another one, if there is any, goes on watching.

        Also when another file is loaded or Blender quits, where ``current_job`` sees to the job. And when the user
        closes an operator's file browser: a job that runs then is none of its business.
        """
        if not self._is_watching:
            return
        stop_timer(context)
        if any(window != context.window for window in existing(context.window_manager).windows):
            bpy.app.timers.register(_take_up, first_interval=_LET_GO)
        else:
            current_job.end()

    def _end(self, context: bpy.types.Context, job: current_job.RunningJob, result: JobEnd) -> OperatorResult:
        current_job.finish()
        if result.exit_code == _SERVER_AWAY:
            queries.forget_all(queries.ENDPOINTS)  # what servers said before is not so any more
        survey.ask_after_job(context)
        redraw(context)
        for ended in job.results:
            report(self, ended, is_cancelled=job.is_cancelled, went_on=True)
        report(self, result, is_cancelled=job.is_cancelled)
        if result.can_continue and job.undo and "UNDO" not in self.bl_options:
            # Taken up by an operator that is not the one which began: what it brought shall be one step to undo.
            bpy.ops.ed.undo_push(message=job.label)
        return {"FINISHED"} if result.can_continue else {"CANCELLED"}


class JobOperator(Watching):
    """Mixed into an operator whose ``plan`` says what is to be done."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """No job is running and, for a button in the sidebar, what it works on is there.

        A script names its folders in the call, which nothing here can see: it is refused by ``plan``.
        """
        words = ""
        try:
            current_job.refuse_second()
        except BadUseError as error:
            words = str(error)
        if not words and "UNDO" in cls.bl_options and existing(context.scene).library is not None:
            words = "This scene is linked from another file; choose a scene of this file"
        if not words:
            shown = getattr(context, SHOWN, None)
            words = cls.missing(shown) if shown is not None else ""
        if words:
            cls.poll_message_set(printable(words))
        return not words

    @classmethod
    def missing(cls, _shown: Settings) -> str:
        """What has to be done first, in a sentence; ``shown`` are the settings of the scene's panel."""
        return ""

    def plan(self, context: bpy.types.Context, shown: dict[str, Any]) -> Steps:
        """What is to be done. ``shown`` are the settings of the scene's panel, where a user asked.

        The steps outlive the operator and hold none of its properties. Raises ScanError.
        """
        raise NotImplementedError

    @property
    def is_by_hand(self) -> bool:
        """Whether a user has started it, and Blender shall go on.

        Adjust Last Operation needs it to be done at once.
        """
        return self.options.is_invoke and not self.options.is_repeat and not bpy.app.background

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Run by a user: start, watch and let Blender go on. Run by a script, or in background: wait for the end.

        An error (nothing done, server away, bad use) is reported as such, which makes a calling script fail; photos
        that failed among others are a warning, and named in the report.
        """
        try:
            current_job.refuse_second()
            if self.is_by_hand:
                return self._start(context, self.plan(context, settings_in(context.scene).given()))
            ended = driver.drive(context, self.plan(context, {}), lambda step: report(self, step, went_on=True))
            survey.ask_after_job(context)
        except ScanError as error:
            self.report({"ERROR"}, printable(str(error)))
            return {"CANCELLED"}
        report(self, ended)
        return {"FINISHED"} if ended.can_continue else {"CANCELLED"}

    def _start(self, context: bpy.types.Context, steps: Steps) -> OperatorResult:
        try:
            current_job.start(context, self.bl_label, steps, undo="UNDO" in self.bl_options)
        except StopIteration as end:  # nothing that needs a worker
            report(self, end.value)
            return {"FINISHED"}
        return self.watch(context)


def report(operator: bpy.types.Operator, ended: JobEnd, *, is_cancelled: bool = False, went_on: bool = False) -> None:
    """Report how a job ended. What the user has cancelled is no error to them, nor what could be gone on without."""
    bad: Report = "WARNING" if ended.can_continue or went_on else "ERROR"
    operator.report({"INFO" if ended.is_done or is_cancelled else bad}, printable(ended.message))


_timer: bpy.types.Timer | None = None
"""Wakes whoever watches the job, of which there is one."""


def _start_timer(context: bpy.types.Context) -> None:
    global _timer  # noqa: PLW0603 - there is one job for all of Blender
    _timer = existing(context.window_manager).event_timer_add(_TICK, window=context.window)


def stop_timer(context: bpy.types.Context) -> None:
    """Wake nobody any more. Blender does not do that of itself where an operator is unregistered in mid-run."""
    global _timer  # noqa: PLW0603
    if _timer is not None:
        existing(context.window_manager).event_timer_remove(_timer)
        _timer = None


def _is_editing(context: bpy.types.Context) -> bool:
    """Whether the user is in the middle of a stroke, a move and the like."""
    modal = [each.bl_idname for window in existing(context.window_manager).windows for each in window.modal_operators]
    # Only Blender's own, which are not written in Python: those of add-ons may never end.
    in_python = bpy.types.Operator.bl_rna_get_subclass_py
    return any(name.startswith(_EDITING) and in_python(name) is None for name in modal)


def _take_up() -> float | None:
    """Watch on, if there is anything left to watch; in the window where the job was started, if that is still there."""
    job = current_job.now()
    if job is None:
        return None
    windows = list(existing(bpy.context.window_manager).windows)
    try:
        window = next((each for each in windows if each.as_pointer() == job.window), windows[0])
        with bpy.context.temp_override(window=window):
            cast("Any", bpy.ops).scan_cutout.watch_job("INVOKE_DEFAULT")  # the stubs know Blender's own only
    except Exception:  # noqa: BLE001 - whatever is in the way now may be gone soon, and nobody else watches
        return _LET_GO
    return None
