# SPDX-License-Identifier: GPL-3.0-or-later
"""What an import has brought, and what it lacks, in words."""

from collections.abc import Iterator

from ..scan.common.text import count
from ..scan.job.job_end import JobEnd
from ..scan.reconstruction.importing import ImportPlan
from ..scan.reconstruction.settings import SceneContent
from ..scene.building import Outcome


def ended(plan: ImportPlan, content: SceneContent, outcome: Outcome) -> JobEnd:
    """How an import ended: done where all came that should have."""
    model = plan.reconstruction
    photos, points = model.photos, model.points
    said = f"{plan.name}: {count(len(photos), 'camera')} and {count(len(points.positions), 'point')}"
    known = points.errors[points.errors >= 0]
    if len(known):
        said += f", which miss the photos by {known.mean():.2f} pixels on average"
    if plan.mesh is not None:
        is_textured = plan.texture and not outcome.texture
        said += f", and a {'textured ' if is_textured else ''}model with {count(len(plan.mesh.faces), 'face')}"
    if outcome.is_replaced:
        said += ", in place of the earlier import"
    if content.upright:
        said += f"; {plan.up.said}"
    if plan.photos is None:
        said += "; their photos were not found, name their folder to have them behind the cameras"
    if lost := model.lost_points:
        said += f"; by their own count, the model's files have lost {count(lost, 'point')}"
    wrong = list(_wrong(plan, outcome))
    said = "; ".join([said, *wrong])
    return JobEnd.some_failed(said) if wrong else JobEnd.done(said)


def _wrong(plan: ImportPlan, outcome: Outcome) -> Iterator[str]:
    if bare := outcome.pictures:
        have, them = ("has", "it") if len(bare) == 1 else ("have", "them")
        yield f"{len(bare):,} {have} no picture behind {them}{_such_as(bare)}"
    if bare := {name: reason for name, reason in outcome.masks.items() if name not in outcome.pictures}:
        yield f"{len(bare):,} {'has' if len(bare) == 1 else 'have'} a mask that is left out{_such_as(bare)}"
    if outcome.texture:
        yield f"the model has no texture: {outcome.texture}"
    if lost := plan.reconstruction.lost_photos:
        yield f"by their own count, the model's files have lost {count(lost, 'photo')}; solve again, or copy them again"


def _such_as(reasons: dict[str, str]) -> str:
    """The first of the photos, and why."""
    name, reason = next(iter(reasons.items()))
    return f", such as {name}, which {reason}"
