# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: photos, servers, workers run to their end, and the proof that no photo was touched."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import json
import os
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blender_summary import pytest_terminal_summary  # noqa: F401 - a hook, for the whole run
from faulty_server import FaultyServer
from in_process import LocalWorker, as_line
from PIL import Image, ImageDraw
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

import scan
from bpy_process import VERSIONS
from rembg_server import RembgServer
from scan.job.folder import JobFolder
from scan.job.process import Worker
from scan.segmentation.settings import EndpointSettings
from scan.tasks.settings import StripSettings

# Here before any test file: the folders below tests/scan/ bear the names of packages, and pytest would make packages of
# them.
for _package in pkgutil.walk_packages(scan.__path__, "scan."):
    if _package.ispkg:
        importlib.import_module(_package.name)

TURNTABLE = Path(__file__).parent / "data" / "turntable"
_OF_ENDPOINT = {each.name for each in dataclasses.fields(EndpointSettings)}
_SECONDS = {"unit": 60, "process": 120, "engine": 300, "blender": 300, "window": 600}
"""The kinds of tests, and after how many seconds one of them hangs. CONTRIBUTING.md says what each kind is for."""
_ORDER = ("window", "engine", "blender", "process", "unit")
"""Those that come in few long pieces go first, so that two test processes end at about the same time."""
_NEVER = 900.0
"""Seconds that a slow machine does not use up: for limits of the product in tests that are not about these limits."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every test its kind and its limit, and have those first that take long."""
    # One that stops at the first failure wants to find it soon.
    order = _ORDER[::-1] if config.getoption("maxfail") == 1 else _ORDER
    for item in items:
        kind = _kind(item)
        item.add_marker(kind)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_SECONDS[kind]))
    items.sort(key=lambda item: order.index(_kind(item)))


def _kind(item: pytest.Item) -> str:
    marked = {kind for kind in _SECONDS if item.get_closest_marker(kind)}
    folder = item.path.parent.name
    return min(marked) if marked else folder if folder in _SECONDS else "unit"


class _Scheduling(LoadScopeScheduling):
    """Hands out tests in groups, each to one process."""

    def _split_scope(self, nodeid: str) -> str:
        """Name a test's group: the windows share a room, a Blender belongs to one version and file."""
        file, _, name = nodeid.partition("::")
        if file.startswith("window/"):
            return "window"
        version = next((each for each in VERSIONS if each in name), "") if file.startswith("blender/") else ""
        return f"{file} {version}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Scheduling:
    """Give what hands out the tests; the marker of pytest-xdist's own groups is lost on pytest 9.2."""
    return _Scheduling(config, log)


def wait_for(condition: Callable[[], Any]) -> Any:
    """Wait until something is true, and give it. A test's own limit is the only one."""
    while not (value := condition()):
        time.sleep(0.01)
    return value


def journal_lines(journal: Path) -> list[dict[str, Any]]:
    """Every whole line of a journal under the names that the file has, and not as the reader returns it."""
    lines = []
    for line in journal.read_bytes().split(b"\n") if journal.exists() else ():
        with contextlib.suppress(ValueError):  # torn by a kill, or the empty end
            lines.append(json.loads(line))
    return lines


def journaled(output: Path, event: str = "photo_done") -> list[dict[str, Any]]:
    """The events of one kind in an output folder's journal. Unlike ``Worker.events``, it takes nothing from anyone."""
    return [each for each in journal_lines(JobFolder(output).journal) if each["event"] == event]


class Story(list[dict[str, Any]]):
    """The events of one run, the last of them ``finished``."""

    @property
    def finished(self) -> dict[str, Any]:
        """How it ended."""
        assert self[-1]["event"] == "finished", self
        return self[-1]

    @property
    def exit_code(self) -> int:
        """What the worker's process ended with."""
        return int(self.finished["exit_code"])

    @property
    def message(self) -> str:
        """What the user reads in the end."""
        return str(self.finished["message"])

    def of(self, event: str) -> list[dict[str, Any]]:
        """Every event of one kind."""
        return [each for each in self if each["event"] == event]

    @property
    def warnings(self) -> list[str]:
        """What the user is warned of meanwhile."""
        return [each["text"] for each in self.of("log") if each["level"] == "warning"]

    @property
    def made(self) -> list[str]:
        """The photos that got a mask, sorted."""
        return sorted(each["photo"] for each in self.of("photo_done"))

    @property
    def asked(self) -> list[str]:
        """Those of them that the server was asked about, sorted."""
        return sorted(each["photo"] for each in self.of("photo_done") if each["asked"])

    @property
    def failed(self) -> dict[str, str]:
        """Photo → reason."""
        return {each["photo"]: each["reason"] for each in self.of("photo_failed")}


class PhotoWatch:
    """Remembers photo folders as they were and shows that they still are."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, tuple[str, int]]] = {}

    def remember(self, folder: Path) -> None:
        """Take the folder as it is now for what it shall be."""
        self._folders[folder] = _content(folder)

    def check(self) -> None:
        """Fail where a file of a remembered folder was changed, touched, added or removed."""
        for folder, before in self._folders.items():
            assert _content(folder) == before, f"{folder} was changed"


def _content(folder: Path) -> dict[str, tuple[str, int]]:
    """SHA-256 and modification time of every file, links as what they lead to."""
    return {
        os.path.join(place, name): (_sha256(Path(place, name)), Path(place, name).lstat().st_mtime_ns)  # noqa: PTH118
        for place, _, names in os.walk(folder)
        for name in names
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"


@pytest.fixture(autouse=True)
def photo_watch() -> Iterator[PhotoWatch]:
    """Show after every test that the photos it used are as they were, to the byte and the modification time."""
    watch = PhotoWatch()
    yield watch
    watch.check()


class Workers:
    """Starts workers on photo folders and reads their events.

    They run in this process, except for tests of the kind ``process``, which are about a process of their own.
    """

    def __init__(self, watch: PhotoWatch, photos: Path, output: Path, *, apart: bool = False) -> None:
        """``photos`` and ``output`` are the folders where none are given; ``apart`` is in processes of their own."""
        self.photos, self.output = photos, output
        self._watch = watch
        self._apart = apart
        self._started: list[Worker | LocalWorker] = []

    def settings(self, endpoint: str, **given: Any) -> StripSettings:
        """Settings by their names, those of the endpoint among them; impatient where nothing is said."""
        given = {"timeout": _NEVER, "first_timeout": _NEVER, "retry_for": 4.0, "model": "u2netp", **given}
        of_endpoint = {name: given.pop(name) for name in list(given) if name in _OF_ENDPOINT}
        folders = {"photos": str(given.pop("photos", self.photos)), "output": str(given.pop("output", self.output))}
        return StripSettings(**folders, **given, endpoint=EndpointSettings(endpoint=endpoint, **of_endpoint))

    def start(self, endpoint: str, token: str = "", **given: Any) -> Any:
        """Start a worker on stripping backgrounds."""
        settings = self.settings(endpoint, **given)
        job = {"task": "strip", "settings": dataclasses.asdict(settings)}
        return self.start_job(JobFolder(Path(settings.output)), job, token)

    def start_job(self, folder: JobFolder, job: dict[str, Any], token: str = "") -> Any:
        """Start a worker on any job: a ``Worker``, or a ``LocalWorker`` in this process."""
        if "photos" in job["settings"]:
            self._watch.remember(Path(job["settings"]["photos"]))
        worker = Worker([sys.executable], folder, job, token) if self._apart else LocalWorker(folder, job, token)
        self._started.append(worker)
        return worker

    def strip(self, endpoint: str, token: str = "", **given: Any) -> Story:
        """Strip backgrounds, and give the whole story."""
        return self.end(self.start(endpoint, token, **given))

    def adopt(self, **given: Any) -> Story:
        """Adopt the masks that are there, and give the whole story."""
        settings = {"photos": str(self.photos), "output": str(self.output), **given}
        return self.end(self.start_job(JobFolder(self.output), {"task": "adopt_masks", "settings": settings}))

    def check_endpoint(self, endpoint: str, token: str = "", **given: Any) -> Story:
        """Ask a server who it is, and give the whole story."""
        settings = dataclasses.asdict(EndpointSettings(endpoint=endpoint, **given))
        folder = JobFolder(self.output.with_name("check"))
        return self.end(self.start_job(folder, {"task": "check_endpoint", "settings": settings}, token))

    def end(self, worker: Worker | LocalWorker) -> Story:
        """Wait for a worker, give what is left of its story, and show that it touched no photo."""
        story = self.until(worker, lambda event: event["event"] == "finished")
        self._watch.check()
        return story

    def until(self, worker: Worker | LocalWorker, wanted: Callable[[dict[str, Any]], bool]) -> Story:
        """Read a worker's story up to the first look at which a wanted event is in it, or all of it."""
        story = Story()
        while True:
            news = [as_line(event) for event in worker.events()]
            story += news
            if any(wanted(event) or event["event"] == "finished" for event in news):
                return story
            time.sleep(0.005)

    def kill_all(self) -> None:
        """Leave none behind."""
        for worker in self._started:
            worker.kill()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Give an empty folder for photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Name a folder for results, which is not there yet."""
    return tmp_path / "output"


@pytest.fixture
def workers(request: pytest.FixtureRequest, photo_watch: PhotoWatch, photos: Path, output: Path) -> Iterator[Workers]:
    """Give what runs workers, from ``photos`` to ``output`` where no other folders are given."""
    runner = Workers(photo_watch, photos, output, apart=request.node.get_closest_marker("process") is not None)
    yield runner
    runner.kill_all()


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    """Give a server that does what it is told to; a good mask for every picture until then."""
    with FaultyServer() as faulty:
        yield faulty


@pytest.fixture(scope="session")
def rembg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RembgServer]:
    """Give a real rembg server with u2netp's weights, one for all tests. Leave it running."""
    with RembgServer(tmp_path_factory.mktemp("rembg") / "server.log") as real:
        yield real


@pytest.fixture(scope="session")
def turntable() -> Path:
    """Give the repository's own scan: ``photos/<side>/IMG_0001.JPG`` and ``true_masks/<side>/IMG_0001.JPG.png``."""
    assert sum(1 for _ in TURNTABLE.glob("photos/*/*.JPG")) == 40, "the scan in tests/data is not complete"
    return TURNTABLE


@pytest.fixture(scope="session")
def turntable_run(
    turntable: Path, rembg: RembgServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Story, Path]]:
    """Give the story and the output folder of a run over the repository's own scan, the same for all tests."""
    output = tmp_path_factory.mktemp("turntable") / "output"
    watch = PhotoWatch()
    runner = Workers(watch, turntable / "photos", output)
    yield runner.strip(rembg.endpoint), output
    watch.check()


def draw_photo(size: tuple[int, int] = (320, 240), number: int = 0) -> Image.Image:
    """A bright thing before a dark ground, of no symmetry, each number another one."""
    width, height = size
    picture = Image.new("RGB", size, (34, 34, 30))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.3, height * 0.25, width * 0.75, height * 0.9), (235, 220, 200))
    draw.rectangle((width * 0.6, height * 0.1, width * 0.9, height * 0.35), (250, 240, 215))
    draw.ellipse((width * 0.45, height * 0.5, width * 0.55, height * 0.65), (20, 20, 24))
    for bit in range(8):
        if number >> bit & 1:
            draw.rectangle((8 + bit * 8, height - 12, 12 + bit * 8, height - 8), (90, 90, 90))
    return picture


@pytest.fixture
def add_photo(photos: Path) -> Callable[..., Path]:
    """Give a function that adds a photo to the folder ``photos``."""

    def add(name: str, image: Image.Image | None = None, *, orientation: int = 0, **options: Any) -> Path:
        path = photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if orientation:
            exif = Image.Exif()
            exif[0x0112] = orientation
            options["exif"] = exif
        number = sum(1 for _ in photos.rglob("*"))
        (image or draw_photo(number=number)).save(path, **options)
        return path

    return add


@pytest.fixture
def add_photos(add_photo: Callable[..., Path]) -> Callable[[int], Sequence[str]]:
    """Give a function that adds a number of small JPEGs and returns their names in order."""

    def add(count: int) -> list[str]:
        names = [f"IMG_{number:04}.JPG" for number in range(1, count + 1)]
        for name in names:
            add_photo(name)
        return names

    return add


@pytest.fixture(scope="session")
def overlap() -> Callable[[Image.Image, Image.Image], float]:
    """Give a function for the intersection over union of two masks, kept where brighter than 127."""

    def iou(one: Image.Image, other: Image.Image) -> float:
        assert one.size == other.size
        first, second = (np.asarray(mask.convert("L")) > 127 for mask in (one, other))
        return float((first & second).sum() / (first | second).sum())

    return iou
