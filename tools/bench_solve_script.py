# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a job with the code of a folder, and prints what its journal says; ``bench_solve.py`` starts this and measures.

python bench_solve_script.py FOLDER OUTPUT JOB
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from scan.job.events import Finished, Log
from scan.job.folder import JobFolder
from scan.job.process import Worker

if __name__ == "__main__":
    for event in Worker([sys.executable], JobFolder(Path(sys.argv[2])), json.loads(sys.argv[3])).iter_events():
        if isinstance(event, Log):
            print(event.text, flush=True)
        elif isinstance(event, Finished):
            print("end", json.dumps({"message": event.end.message, **event.end.details}), flush=True)
