# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine is one file and one entry, a reader one file: shown by toys, for which nothing else is touched."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from conftest import Workers
from faulty_server import FaultyServer

import scan.engines
import scan.reconstruction.readers
from scan.common.declared import own_settings
from scan.common.errors import BadUseError, EngineError, ModelError
from scan.engines import catalog
from scan.engines.engine import make_engine
from scan.engines.installed import missing
from scan.engines.settings import ReconstructSettings, shown_settings
from scan.job.folder import JobFolder
from scan.reconstruction.importing import plan_import
from scan.reconstruction.readers import registry
from scan.reconstruction.settings import ImportSettings

TOYS = Path(__file__).parents[2] / "toys"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a toy engine and a toy reader beside the others."""
    monkeypatch.setattr(scan.engines, "__path__", [*scan.engines.__path__, str(TOYS / "engines")])
    package = scan.reconstruction.readers
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(TOYS / "readers")])
    from scan.engines.toy_engine import ENTRY  # noqa: PLC0415 - only now is it there

    monkeypatch.setattr(catalog, "ENGINES", (*catalog.ENGINES, ENTRY))
    registry.readers.cache_clear()
    yield
    registry.readers.cache_clear()
    for name in [name for name in sys.modules if "toy_" in name]:
        del sys.modules[name]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Give the toy's program, which is never started."""
    path = tmp_path / "toy-engine"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.usefixtures("toys")
def test_a_toy_engine_solves_and_a_toy_reader_brings_it_in(
    workers: Workers, server: FaultyServer, add_photos: Callable[[int], Sequence[str]], output: Path, program: Path
) -> None:
    names = add_photos(3)
    workers.strip(server.endpoint)
    settings = {"photos": str(workers.photos), "output": str(output), "engine": "TOY", "executable": str(program)}
    story = workers.end(workers.start_job(JobFolder(output), {"task": "reconstruct", "settings": settings}))
    assert (story.exit_code, story.message) == (
        0,
        "Toy 1.0 placed 3 of 3 photos, with 1 point and a mean reprojection error of 0.50 pixels",
    )
    assert any("Playing at NORMAL" in each["text"] for each in story.of("log"))
    plan = plan_import(ImportSettings(directory=str(output)))
    assert (plan.name, plan.model.name) == ("output", "scene.toy")
    assert [photo.name for photo in plan.reconstruction.photos] == names
    assert plan.picture(names[0], 1) == workers.photos / names[0]
    assert plan_import(ImportSettings(filepath=str(plan.model))).model == plan.model
    survey = {"photos": str(workers.photos), "output": str(output), "engine": "TOY"}
    found = workers.end(
        workers.start_job(JobFolder(output.with_name("survey")), {"task": "survey", "settings": survey})
    )
    assert [solved["engine"] for solved in found.finished["output"]["solved"]] == ["TOY"]


@pytest.mark.usefixtures("toys")
def test_a_toy_engine_is_a_choice_like_the_others(photos: Path, output: Path) -> None:
    (engine,) = [each for each in own_settings(ReconstructSettings) if each.name == "engine"]
    assert [choice.label for choice in engine.choices] == ["COLMAP (Embedded)", "COLMAP (Executable)", "Toy (Program)"]
    assert shown_settings("TOY") == ["quality", "masks"]
    assert shown_settings("COLMAP") == ["quality", "masks", "mapper"]
    assert [row.name for row in catalog.rows()] == ["colmap_executable", "toy_executable"]
    settings = ReconstructSettings(photos=str(photos), output=str(output), engine="TOY")
    with pytest.raises(EngineError, match=r"No program toy-engine was found on PATH or in the usual places; .* build"):
        settings.check()


@pytest.mark.usefixtures("toys")
def test_what_no_reader_knows_is_refused_with_what_all_of_them_look_for(tmp_path: Path) -> None:
    assert registry.suffixes() == [".bin", ".txt", ".toy"]
    with pytest.raises(ModelError, match=r"no COLMAP or Toy model in .*cameras\.bin, .* as \.txt; or scene\.toy"):
        registry.find(tmp_path)
    with pytest.raises(ModelError, match="no COLMAP or Toy model"):
        registry.read(tmp_path)


def test_a_processor_without_an_embedded_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    words = "There is no embedded COLMAP for this processor (riscv64); choose the engine COLMAP (Executable)"
    assert missing(catalog.entry("COLMAP"), "").startswith(words)


def test_an_engine_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(BadUseError, match="There is no engine 'TOY'; there are COLMAP, COLMAP_EXECUTABLE"):
        make_engine("TOY")


def test_the_catalogue_loads_no_engine_and_no_pillow() -> None:
    code = (
        f"import json, sys; sys.path.insert(0, {str(ROOT)!r}); import scan.engines.settings, scan.tasks.settings; "
        "print(json.dumps([each for each in sys.modules if each.startswith(('PIL', 'scan.engines.colmap', 'onnx'))]))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) <= {"scan.engines.colmap", "scan.engines.colmap.settings"}
