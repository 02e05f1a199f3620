# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw all that the extension draws, in every state, and check every call; test_drawing.py runs this in bpy.

Arguments: the photo folder (with a photo that fails), an empty folder for outputs, the endpoint of a server that
answers three times and then says that it is busy, and one where nothing answers.
"""

import json
import shutil
import sys
import time
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from checking_layout import CheckingLayout

PACKAGE = "bl_ext.user_default.scan_cutout"

current_job, driver, queries, steps, survey = (
    import_module(f"{PACKAGE}.session.{name}") for name in ("current_job", "driver", "queries", "steps", "survey")
)
events, job_end = (import_module(f"{PACKAGE}.scan.job.{name}") for name in ("events", "job_end"))
settings, job = import_module(f"{PACKAGE}.scan.tasks.settings"), import_module(f"{PACKAGE}.scan.job.folder")
segmentation, meshing = (import_module(f"{PACKAGE}.scan.{name}.settings") for name in ("segmentation", "meshing"))
photos, outputs, endpoint, nowhere = arguments  # noqa: F821 - run_in_bpy.py gives them


class Drawn:
    """What ``self`` is in a draw function: the class with its own methods, the data, and the checking layout."""

    def __init__(self, cls, data, layout):
        """``data`` are the preferences, where it is they that are drawn."""
        self.layout, self._cls, self._data = layout, cls, data

    def __getattr__(self, name):
        value = getattr(self._cls, name, None)
        return partial(value, self) if callable(value) else getattr(self._data, name)


def of_extension(base):
    """The extension's classes of a kind."""
    return [each for each in base.__subclasses__() if each.__module__.startswith(PACKAGE)]


def drawings():
    """Everything that draws, by name: a function of the layout."""
    for cls in (*of_extension(bpy.types.Panel), *of_extension(bpy.types.Menu)):
        for part in ("draw", "draw_header", "draw_header_preset"):
            if part in vars(cls) or (part == "draw" and hasattr(cls, part)):
                yield cls, partial(draw_class, cls, part)
    addon = bpy.context.preferences.addons.get(PACKAGE)
    if addon:
        cls = type(addon.preferences)
        yield cls, lambda layout: cls.draw(Drawn(cls, addon.preferences, layout), bpy.context)
    for name in dir(bpy.types):
        cls = getattr(bpy.types, name)
        for function in getattr(getattr(cls, "draw", None), "_draw_funcs", ()):
            if function.__module__.startswith(PACKAGE):
                yield cls, lambda layout, function=function: function(SimpleNamespace(layout=layout), bpy.context)


def draw_class(cls, part, layout):
    """Draw a panel or a menu, if it would be there."""
    if not hasattr(cls, "poll") or cls.poll(bpy.context):
        getattr(cls, part)(Drawn(cls, None, layout), bpy.context)


def draw(state):
    """Draw all of it, with everything opened and closed; keep what was seen, as one text for each class."""
    window = bpy.context.window_manager.windows[0]
    area = next(each for each in window.screen.areas if each.type == "VIEW_3D")
    region = next(each for each in area.regions if each.type == "UI")
    with bpy.context.temp_override(window=window, area=area, region=region):
        for cls, function in drawings():
            seen = []
            for is_open in (True, False):
                function(CheckingLayout(seen, is_open=is_open))
            said = result.setdefault(state, {})
            # Without spaces: where there is no window, sentences are wrapped to a sidebar without a width.
            said[cls.__name__] = said.get(cls.__name__, "") + "".join("".join(seen).split())


def run(label, taken, until):
    """Let a job go on until something is true of it, or to its end."""
    current_job.start(bpy.context, label, taken)
    go_on(until)


def go_on(until=lambda _job: False):
    """Let the running job go on, likewise."""
    while (now := current_job.now()) is not None and not until(now):
        now.tick(bpy.context)
        if now.result is not None:
            current_job.finish()
        time.sleep(0.02)


def look():
    """Have the scene's folders looked at."""
    shown = bpy.context.scene.scan_cutout
    asked = {"photos": shown.photos, "output": shown.output, "thumbnails": 4}
    folder = Path(outputs, "survey")
    answer = driver.run_blocking(
        bpy.context, steps.Job("survey", job.JobFolder(folder), {"task": "survey", "settings": asked})
    )
    survey.take((shown.photos, shown.output), answer)


def strip(output, at=None):
    """The steps of a strip."""
    asked = segmentation.EndpointSettings(endpoint=at or endpoint, timeout=60, retry_for=600, in_flight=1)
    return steps.strip(settings.StripSettings(photos=photos, output=output, model="u2netp", endpoint=asked))


def states():
    """Bring about one state after the other, and draw each."""
    shown, stored = bpy.context.scene.scan_cutout, bpy.context.preferences.addons[PACKAGE].preferences
    draw("factory")
    shown.directory = str(Path(outputs, "gone"))
    look()
    draw("photo folder gone")
    shown.directory = photos
    shown.output_directory = output = str(Path(outputs, "output"))
    draw("not looked at")
    look()
    draw("looked at")
    find_own_masks("")
    draw("own masks")
    find_own_masks("2 of 2 masks may be inverted")
    draw("own masks inverted")
    run("Strip Backgrounds", strip(output), lambda _job: True)
    draw("starting")
    # Threads may be late: whatever has not come yet comes while the job waits for the server.
    go_on(lambda now: now.progress.waiting and now.progress.done == 3 and len(now.progress.failures) == 2)
    draw("running")
    current_job.now().cancel()
    draw("cancelling")
    go_on()
    draw("cancelled")
    look()
    draw("failed photos")
    run("Strip Backgrounds", strip(str(Path(outputs, "other")), nowhere), lambda _job: False)
    draw("stopped")
    run("Reconstruct", strip(output), lambda _job: True)
    for event in (
        events.StepProgress(step="Matching 12 pairs", done=3, total=12),
        events.Log(level="warning", text="The photos do not say their focal length"),
    ):
        current_job.now().progress.take(event)
    draw("engine's step")
    draw_pace("Matching 7200 pairs", 7200)
    draw_pace("", 40)
    for number in range(100):
        current_job.now().progress.take(events.Log(level="warning", text=f"Warning {number}"))
    end_with(job_end.JobEnd(exit_code=5, message="Nothing was found"))
    draw("ended with warnings")
    shown.output_directory = str(Path(outputs, "third"))
    draw("another folder is chosen")
    shown.output_directory = output
    current_job.end()
    fail_dozens()
    draw("many failed photos")
    solved_states(shown, stored, output)


def end_with(end):
    """End the running job, as if by itself."""
    current_job.now().end()
    current_job.now().result = end
    current_job.finish()


def draw_pace(step, total):
    """Draw the running job once it is known how fast a step goes."""
    progress = current_job.now().progress
    for done in (0, 1):
        progress.take(events.StepProgress(step=step, done=done, total=total))
    while progress.rate() is None:
        time.sleep(0.1)
    draw(f"pace of {step or 'photos'}")


def solved_states(shown, stored, output):
    """Those of a scan that was solved, and what may happen to it."""
    solve(Path(output))
    look()
    draw("solved")
    build(Path(output))
    look()
    shown.all_faces = True
    draw("built")
    asked = meshing.ModelSettings(photos=photos, output=output)
    run("Build Model", steps.build_model(asked), lambda _job: True)
    draw("building")
    left_out = {"found": 2, "done": 1, "failed": [{"photo": "1.jpg", "reason": "has no mask"}]}
    end_with(job_end.JobEnd.some_failed("The model is made of 1 photo", photos=left_out))
    draw("built of some")
    current_job.last().root = Path("/temporary")
    draw("built elsewhere")
    current_job.last().result = job_end.JobEnd.done("The turntable is rendered", turntable="/vase.png")
    draw("rendered")
    shown.directory = str(Path(outputs, "gone"))
    look()
    assert survey.missing_results(shown) == "", "what was solved cannot be imported"
    draw("photo folder gone, output there")
    shown.directory = "//photos"
    draw("never saved")
    if sys.platform == "linux":  # others refuse such names
        name_as_no_text()
    ask(stored)
    stored.backend = "EMBEDDED"
    stored.all_but_one_thread = False
    shown.cutouts = "JPEG"
    draw("embedded")
    addons = bpy.context.preferences.addons
    addons.remove(addons[PACKAGE])
    draw("without preferences")


def find_own_masks(inverted):
    """Have the scene's folders hold two masks of somebody's own."""
    shown = bpy.context.scene.scan_cutout
    found = survey.found(shown)
    own = {"count": 2, "said": "2 masks of your own are there", "inverted": inverted}
    found = job_end.JobEnd.done(found.message, **{**found.details, "own_masks": own})
    survey.take((shown.photos, shown.output), found)


def fail_dozens():
    """Have the scene's folders hold what a run would leave in which 300 photos fail."""
    shown = bpy.context.scene.scan_cutout
    found = job_end.JobEnd.from_json(json.loads(json.dumps(survey.found(shown).to_json())))
    found.details["output"]["failed"] = {f"IMG_{number:04}.JPG": "is empty (0 bytes)" for number in range(300)}
    survey.take((shown.photos, shown.output), found)


def name_as_no_text():
    """Have photos and folders with names as disks of older computers have them."""
    shown = bpy.context.scene.scan_cutout
    folder = Path(outputs, "Photos \udcfc")
    for name in ("Side \udcfc/IMG_\udcfc.JPG", "Side/IMG_\udcfc.JPG"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"damaged")
    # The server is busy by now: with a photo that waits for it, the job cannot end before it is drawn.
    shutil.copy(Path(photos, "IMG_0001.JPG"), folder)
    shown.directory, shown.output_directory = str(folder), ""
    asked = segmentation.EndpointSettings(endpoint=endpoint)
    run(
        "Strip Backgrounds",
        steps.strip(settings.StripSettings(photos=str(folder), output=shown.output, model="u2netp", endpoint=asked)),
        lambda now: len(now.progress.failures) == 2,
    )
    draw("not UTF-8, running")
    current_job.now().cancel()
    go_on()
    look()
    draw("not UTF-8")
    shown.output_directory = outputs
    draw("not UTF-8, elsewhere")


def solve(output):
    """Leave what an engine leaves."""
    place = output / "engines" / "colmap"
    folder = import_module(f"{PACKAGE}.scan.engines.engine").EngineFolder(place)
    folder.results.mkdir(parents=True)
    folder.report.write_text(json.dumps({"registered": 38, "total": 40}))
    for name, text in (
        ("cameras.txt", "1 SIMPLE_PINHOLE 320 240 300 160 120\n"),
        ("images.txt", "1 1 0 0 0 0 0 5 1 IMG_0001.JPG\n\n"),
        ("points3D.txt", ""),
    ):
        (folder.results / name).write_text(text)


def build(output):
    """Leave what the task build_model leaves of these cameras."""
    models = import_module(f"{PACKAGE}.scan.reconstruction.models")
    registry = import_module(f"{PACKAGE}.scan.reconstruction.readers.registry")
    folder = job.JobFolder(output)
    folder.model.mkdir()
    models.model_file(folder).write_bytes(b"a mesh")
    key = models.camera_key(registry.read(registry.find(output)))
    models.model_report(folder).write_text(json.dumps({"cameras": key, "faces": 59998}))


def ask(stored):
    """Ask the servers who they are."""
    for at, name in ((endpoint, "answered"), (nowhere, "not answered")):
        stored.endpoint = at
        asked = queries.of_endpoint(at)
        content = {"task": "check_endpoint", "settings": {"endpoint": at}}
        queries.ask(bpy.context, asked, content)
        draw(f"asking, {name}")
        while queries.is_asked(asked):
            queries._look()  # noqa: SLF001 - which a timer does where Blender has a window
            time.sleep(0.02)
        draw(name)
    stored.endpoint = endpoint
    stored.further_endpoints.add().address = nowhere
    draw("one of two answers")


result = {}
states()
