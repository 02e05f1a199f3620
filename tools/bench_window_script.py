# SPDX-License-Identifier: GPL-3.0-or-later
"""What bench_window.py has a Blender window do; run_in_window.py gives ``bpy``, ``until`` and the rest."""

# ruff: noqa: F821

import itertools
import time
from pathlib import Path

from bl_ext.user_default.scan_cutout.session import current_job, job_operator, live_preview

way, photos, output, endpoint = arguments
frames, timers, ticks = [], [], []
CANCELS = 3
PREVIEWS = 20


def steps():
    """Do what is asked for, and return what was measured."""
    if way == "kill":
        return (yield from _be_killed())
    if way == "preview":
        return (yield from _preview())
    return (yield from (_cancel() if way.startswith("cancel") else _compare()))


def _compare():
    """Play an animation, run the job or let it run outside, and return the gaps in milliseconds."""
    yield sidebar("Scan Cutout")
    cube = bpy.data.objects["Cube"]
    cube.keyframe_insert("rotation_euler", frame=1)
    cube.rotation_euler = (0, 0, 6)
    cube.keyframe_insert("rotation_euler", frame=250)
    with using():
        bpy.ops.screen.animation_play()
    yield 3
    began = time.monotonic()
    if way == "inside":
        _time_ticks()
        _begin(output)
        yield until(lambda: current_job.now().progress.total)
        first = time.monotonic() - began
    else:
        (folder / "ready").touch()
    yield until(lambda: Path(output, "soft").exists() and any(Path(output, "soft").iterdir()))
    _watch_gaps()
    if way == "inside":
        yield until(lambda: current_job.now() is None)
    else:
        yield until((folder / "over").exists, "the run outside to end")
    row = {"seconds": time.monotonic() - began}
    for name, times in (("frame", frames), ("timer", timers)):
        gaps = [(after - before) * 1000 for before, after in itertools.pairwise(times)]
        row[f"{name}_mean"] = sum(gaps) / len(gaps)
        row[f"{name}_p95"] = sorted(gaps)[int(len(gaps) * 0.95)]
    if way == "inside":
        row["first"] = first
    return row, ticks


def _begin(folder):
    _set_up(folder)
    with using():
        bpy.ops.scan_cutout.strip_backgrounds("INVOKE_DEFAULT")


def _set_up(folder):
    stored = bpy.context.preferences.addons["bl_ext.user_default.scan_cutout"].preferences
    stored.endpoint, stored.model = endpoint, "u2netp"
    scene = main_window().scene.scan_cutout
    scene.directory, scene.output_directory = photos, str(folder)


def _cancel():
    """Cancel jobs with requests in flight, and return how many seconds each took until another could be started."""
    yield sidebar("Scan Cutout")
    yield 1
    seconds = []
    for number in range(CANCELS):
        _begin(Path(output) / str(number))
        yield until(lambda: current_job.now().progress.total)
        if way == "cancel":
            yield until(lambda: current_job.now().progress.done >= 6)
        else:
            yield 2  # nothing is ever done: the server hangs
        began = time.monotonic()
        with using():
            bpy.ops.scan_cutout.cancel_job()
        yield until(lambda: current_job.now() is None)
        seconds.append(time.monotonic() - began)
    return seconds


def _preview():
    """Change what the preview follows, and return how many seconds each answer and each of its ticks took."""
    _set_up(output)
    with using():
        bpy.ops.scan_cutout.preview_photo("INVOKE_DEFAULT")
    preview = live_preview.now()
    yield until(lambda: preview.shown and not preview.is_waiting)
    tick, seconds = preview.tick, []

    def timed(context):
        began = time.perf_counter()
        can_continue = tick(context)
        ticks.append(time.perf_counter() - began)
        return can_continue

    preview.tick = timed
    settings = main_window().scene.scan_cutout
    for number in range(PREVIEWS):
        before, began = preview.shown, time.monotonic()
        settings.threshold = 20 + 10 * number
        yield until(lambda before=before: preview.shown is not before)
        seconds.append(time.monotonic() - began)
    return seconds, ticks


def _be_killed():
    """Have a job in mid-run when the end comes, from outside."""
    yield 1
    _begin(output)
    yield until(lambda: current_job.now().progress.done >= 6)
    (folder / "ready").touch()
    yield until(lambda: False, "the end, from outside")


def _watch_gaps():
    def beat():
        timers.append(time.monotonic())
        return 0.02

    bpy.app.handlers.frame_change_post.append(lambda *_: frames.append(time.monotonic()))
    bpy.app.timers.register(beat)


def _time_ticks():
    """Time every look at the journal."""
    modal = job_operator.Watching.modal

    def timed(self, context, event):
        begin = time.perf_counter()
        try:
            return modal(self, context, event)
        finally:
            if event.type == "TIMER":
                ticks.append((time.perf_counter() - begin) * 1000)

    job_operator.Watching.modal = timed
