# SPDX-License-Identifier: GPL-3.0-or-later
"""How the model of a scan is made."""

from dataclasses import dataclass

from ..common.declared import Choice, Home, Zero, setting
from ..views.settings import SolvedScan

QUALITIES = (
    Choice("DRAFT", "Draft", "A quick preview, in which edges and hollows are soft"),
    Choice("NORMAL", "Normal", "What most scans need"),
    Choice("HIGH", "High", "More of the photos' pixels, and a finer mesh"),
)


@dataclass(frozen=True, kw_only=True)
class ModelSettings(SolvedScan):
    """Everything that decides which model is made of which cameras, photos and masks."""

    model_quality: str = setting(
        "NORMAL",
        label="Quality",
        help="How closely the photos are looked at, and how fine the mesh is",
        home=Home.SCENE,
        choices=lambda: QUALITIES,
        since="0.2.0",
    )
    faces: int = setting(
        60_000,
        label="Faces",
        help="How many triangles the model is reduced to",
        home=Home.SCENE,
        low=100,
        high=10_000_000,
        soft=(1_000, 1_000_000),
        metavar="N",
        zero=Zero("all_faces", "Keep All", "Keep every triangle"),
        since="0.2.0",
    )
    model_again: bool = setting(
        default=False,
        label="Build Again",
        help="Make the model from the beginning, even if nothing has changed since",
        since="0.2.0",
        no_home="It is the wish of one call",
    )
