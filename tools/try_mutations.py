# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the tests notice: breaks the product in ten ways, one at a time, and names the test of the gate that does.

    python tools/try_mutations.py RUN [NUMBER…]    RUN is one of tools/measure_coverage.py, which knows who reaches what

Each mutation replaces one place of one file. The tests of the gate that reach its line are run (those that reach the
file, where that line only runs on import), the quick kinds first, up to the first failure; then the file is put back.
Fails where a mutation slips through.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from environments import ROOT
from measure_coverage import data_of, gate, tests_of


@dataclass(frozen=True)
class Mutation:
    """One place of the product, and what is wrong there."""

    words: str
    file: str
    old: str
    new: str


MUTATIONS = (
    Mutation(
        "a wrong comparison: a region of just the size that is dropped stays",
        "scan/masks/regions.py",
        "chosen = areas[labels] <= largest",
        "chosen = areas[labels] < largest",
    ),
    Mutation(
        "a dropped rename: what is written atomically stays under its temporary name",
        "scan/common/files.py",
        "        _replace(temporary, path)\n",
        "        pass\n",
    ),
    Mutation(
        "a lost lock: two workers may hold a job folder",
        "scan/job/folder.py",
        "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)",
    ),
    Mutation(
        "a swapped axis: cameras in Blender are upside down",
        "scene/photo_cameras.py",
        "_AXES = np.diag([1.0, -1.0, -1.0])",
        "_AXES = np.diag([-1.0, 1.0, -1.0])",
    ),
    Mutation(
        "a torn last line of a journal is not ended before the next one",
        "scan/job/journal.py",
        '            self._file.write(b"\\n")\n',
        "            pass\n",
    ),
    Mutation(
        "every address counts as this computer, so that photos go out with online access off",
        "scan/segmentation/address.py",
        "return ipaddress.ip_address(self.host).is_loopback",
        "return bool(ipaddress.ip_address(self.host))",
    ),
    Mutation(
        "a cancel is not heard while photos are in flight",
        "scan/tasks/strip.py",
        "            if self._cancel.is_set():\n                self._stop.set()\n",
        "            if False:\n                self._stop.set()\n",
    ),
    Mutation(
        "the ring of photos is not closed: the last photo of a side meets the first no more",
        "scan/engines/pairs.py",
        "                yield name, side[(index + distance) % len(side)]",
        "                yield name, side[min(index + distance, len(side) - 1)]",
    ),
    Mutation(
        "a script in background does not wait for the job's end",
        "session/job_operator.py",
        "is_by_hand = self.options.is_invoke and not bpy.app.background",
        "is_by_hand = True",
    ),
    Mutation(
        "the picture behind a camera is shifted the wrong way",
        "scene/photo_cameras.py",
        "(pinhole.center_y - pinhole.height / 2)",
        "(pinhole.height / 2 - pinhole.center_y)",
    ),
)


def reaching(run: str, mutation: Mutation, known: set[str]) -> list[str]:
    """Return the tests of the gate that reach a mutation's line or, where none does by itself, its file."""
    path = ROOT / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        raise SystemExit(f"{mutation.file} has changed: {mutation.old!r} is there {text.count(mutation.old)} times")
    before = text[: text.index(mutation.old)]
    first = before.count("\n") + 1
    lines = range(first, first + mutation.old.rstrip("\n").count("\n") + 1)
    by_line = data_of(run).contexts_by_lineno(str(path))
    here = {tests_of(each) for line in lines for each in by_line.get(line, ())} & known
    anywhere = {tests_of(each) for contexts in by_line.values() for each in contexts} & known
    if not anywhere:
        raise SystemExit(f"The run {run} knows no test of the gate that reaches {mutation.file}: measure it again")
    return sorted(here or anywhere)


def catching(tests: list[str]) -> str | None:
    """Run tests up to the first that fails, and return its name."""
    with tempfile.TemporaryDirectory() as folder:
        outcomes = Path(folder, "outcomes.json")
        options = ["-n0", "-x", "-q", "-p", "no:cacheprovider", "--outcomes", str(outcomes)]
        subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests], cwd=ROOT / "tests", capture_output=True, check=False
        )
        found = json.loads(outcomes.read_text(encoding="utf-8")) if outcomes.exists() else {}
    return next((name for name, passed in found.items() if not passed), None)


def main() -> int:
    """Run the command line."""
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    name, *numbers = sys.argv[1:]
    known, slipped = gate(), 0
    for number, mutation in enumerate(MUTATIONS, 1):
        if numbers and str(number) not in numbers:
            continue
        tests = reaching(name, mutation, known)
        path = ROOT / mutation.file
        whole = path.read_bytes()
        path.write_bytes(whole.replace(mutation.old.encode(), mutation.new.encode()))
        try:
            caught = catching(tests)
        finally:
            path.write_bytes(whole)
        slipped += caught is None
        print(f"{number:2} {mutation.file}: {mutation.words}", flush=True)
        print(f"   {len(tests)} tests reach it; {'caught by ' + caught if caught else 'SLIPS THROUGH'}", flush=True)
    return min(1, slipped)


if __name__ == "__main__":
    sys.exit(main())
