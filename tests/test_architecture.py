# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports point down, scan is free of bpy, and Blender's process loads nothing of the worker's: read in the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each room may import from those below it and from itself; rooms of one floor do not know each other.
FLOORS = (
    ("ui",),
    ("operators",),
    ("session",),
    ("scene",),
    ("properties",),
    ("scan.worker", "scan.bootstrap"),
    ("scan.tasks",),
    ("scan.review",),
    ("scan.segmentation", "scan.engines", "scan.meshing", "scan.texturing"),
    ("scan.views",),
    ("scan.cutouts",),
    ("scan.masks",),
    ("scan.photos", "scan.reconstruction", "scan.export"),
    ("scan.job",),
    ("scan.common",),
)
BLENDERS = ("ui", "operators", "session", "scene", "properties")
LARGE = {"PIL", "fast_simplification", "onnxruntime", "pi_heif", "pycolmap", "rawpy"}
"""What Blender's process does not load: its own Pillow, if it has any, would be another than the worker's."""


def modules() -> dict[str, Path]:
    """Every module of the extension, by its dotted name below the root; a package is named without ``__init__``."""
    found = {}
    for top in ("scan", *BLENDERS):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def statements(body: list[ast.stmt], *, inside: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports; those of functions, and those for type checks, only where ``inside`` says so."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not inside and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        elif inside or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ("body", "orelse", "finalbody", "handlers"):
                children = getattr(node, inner, [])
                yield from statements([each for each in children if isinstance(each, ast.stmt)], inside=inside)
                for handler in (each for each in children if isinstance(each, ast.ExceptHandler)):
                    yield from statements(handler.body, inside=inside)


@cache
def imports(name: str, *, inside: bool) -> frozenset[str]:
    """What a module imports: ours by their names below the root, others by the name of their package."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    for node in statements(ast.parse(path.read_text("utf-8")).body, inside=inside):
        if isinstance(node, ast.Import):
            found |= {each.name.split(".")[0] for each in node.names}
        elif not node.level:
            found.add(str(node.module).split(".")[0])
        else:
            base = [*package[: len(package) - node.level + 1], *(node.module.split(".") if node.module else ())]
            target = ".".join(base)
            for each in node.names:
                inner = f"{target}.{each.name}" if target else each.name
                found.add(inner if inner in MODULES else target)
    return frozenset(found - {""})


def floor(name: str) -> tuple[int, str]:
    """How high a module lies, and its room."""
    for height, rooms in enumerate(reversed(FLOORS)):
        for room in rooms:
            if name == room or name.startswith(f"{room}."):
                return height, room
    raise AssertionError(f"{name} is in no room; give it one in FLOORS and in docs/architecture.md")


@pytest.mark.parametrize("name", [name for name in MODULES if name != "scan"])
def test_imports_point_down(name: str) -> None:
    height, room = floor(name)
    for other in imports(name, inside=True):
        if other in MODULES:
            beneath, other_room = floor(other)
            assert other_room == room or beneath < height, f"{name} imports {other}, which lies no lower"


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("scan")])
def test_scan_knows_no_blender(name: str) -> None:
    assert not imports(name, inside=True) & {"bpy", "mathutils", "gpu", "blf", "bl_ext", "bmesh"}


def test_blenders_process_loads_nothing_of_the_workers() -> None:
    """Followed from module to module, the packages on the way included; what functions import is not loaded before."""
    todo, loaded = [name for name in MODULES if name.split(".")[0] in BLENDERS], set()
    while todo:
        name = todo.pop()
        if name in loaded:
            continue
        loaded.add(name)
        parts = name.split(".")
        packages = [".".join(parts[:end]) for end in range(1, len(parts))]
        todo += [each for each in (*imports(name, inside=False), *packages) if each in MODULES]
    # A registry imports every module of its folder.
    loaded |= {name for name in MODULES if name.startswith("scan.reconstruction.readers")}
    large = {name: found for name in loaded if (found := imports(name, inside=False) & LARGE)}
    assert not large
    assert {"scan.engines.catalog", "scan.job.process", "scan.masks.settings"} <= loaded


def test_no_file_and_no_function_is_too_long() -> None:
    long = []
    for path in [*MODULES.values(), *(ROOT / "tools").glob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        text, name = path.read_text("utf-8"), path.relative_to(ROOT).as_posix()
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
        lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
        long += [f"{name}: {function} has {lines} lines" for function, lines in lengths.items() if lines > 60]
        if (lines := text.count("\n")) > 400:
            long.append(f"{name} has {lines} lines")
    assert long == []
