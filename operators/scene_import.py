# SPDX-License-Identifier: GPL-3.0-or-later
"""From a model's folder to objects in the scene, for every operator that does it."""

import bpy

from ..scan.errors import BadUseError
from ..scan.job import JobFolder
from ..scan.reconstruction.importing import ImportPlan, ImportSettings, plan_import
from . import driver, scene_building


def import_scan(context: bpy.types.Context, settings: ImportSettings, *, animated_camera: bool) -> tuple[str, bool]:
    """Bring a scan into the scene; what came, in a sentence, and whether every camera has its picture.

    Raises ScanError, and leaves the scene as it was.
    """
    plan = plan_import(settings)
    unfit = _prepare(context, plan)
    scene_building.build(context, plan, animated_camera=animated_camera)
    return _summary(plan, unfit)


def _summary(plan: ImportPlan, unfit: str) -> tuple[str, bool]:
    """What came into the scene, and whether every camera has its picture."""
    photos = plan.reconstruction.photos
    bare = sum(plan.picture(photo.name, photo.camera) is None for photo in photos)
    points = plan.reconstruction.points
    said = f"{plan.name}: {len(photos)} cameras and {len(points.positions)} points"
    known = points.errors[points.errors >= 0]
    if len(known):
        said += f", which miss the photos by {known.mean():.2f} pixels on average"
    if plan.photos is None:
        said += "; their photos were not found, name their folder to have them behind the cameras"
    elif bare:
        said += f"; {bare} have no picture behind them: " + (unfit or f"not all are in {plan.photos}")
    return said, not bare


def _prepare(context: bpy.types.Context, plan: ImportPlan) -> str:
    """Have the worker make the undistorted copies, if any; what is wrong with those that failed. Raises ScanError."""
    if plan.job is None:
        return ""
    finished = driver.run_blocking(context, JobFolder(plan.copies.root), plan.job)
    if finished["status"] not in {"done", "some_failed"}:
        raise BadUseError(finished["message"])
    return finished["message"] if finished["status"] == "some_failed" else ""
