# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker finds a task by its name: a module of scan.tasks that has a function run, and nothing else."""

import pkgutil

import pytest

from scan import tasks, worker
from scan.common.errors import BadUseError
from scan.job.folder import JobFolder

TASKS = {
    "adopt_masks",
    "build_model",
    "strip",
    "check_endpoint",
    "check_programs",
    "reconstruct",
    "texture_model",
    "render_turntable",
    "prepare_import",
    "survey",
    "preview",
}


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_is_the_module_of_its_name(name):
    run = worker.find_task(name)
    assert (run.__name__, run.__module__) == ("run", f"scan.tasks.{name}")


def test_what_else_is_beside_them_is_no_task():
    helpers = {module.name for module in pkgutil.iter_modules(tasks.__path__)} - TASKS
    assert {"settings", "outcome"} <= helpers
    for name in [*helpers, "", ".", "strip.run", "..worker", "scan.tasks.strip", "os", "__init__"]:
        with pytest.raises(BadUseError, match="There is no task"):
            worker.find_task(name)


def test_a_job_without_such_a_task_ends_with_a_reason(workers, output):
    story = workers.end(workers.start_job(JobFolder(output), {"task": "settings", "settings": {}}))
    assert (story.exit_code, story.message) == (2, "There is no task 'settings'")
