# SPDX-License-Identifier: GPL-3.0-or-later
"""The field for a server's model, for the preferences and the sidebar: typed, searched, or chosen from a list."""

from collections.abc import Iterator, Sequence
from functools import cache

import bpy

from ..operators.choose_model import SCAN_CUTOUT_OT_choose_model
from ..properties import job_settings
from ..properties.stored import Preferences
from ..properties.typed import Icon, existing
from ..scan.segmentation import model_notes, weights
from ..session import queries

# What is installed does not change while Blender runs, and looking for it reads the disk.
unavailable = cache(weights.unavailable)
"""Why no embedded model can run; empty where one can."""


class SCAN_CUTOUT_MT_models(bpy.types.Menu):
    """The models of the server, once it was asked; until then those that rembg is known to have"""

    bl_label = "Models"

    @classmethod
    def poll(cls, context: bpy.types.Context | None) -> bool:
        """There are preferences to keep the choice in."""
        return job_settings.preferences(existing(context)) is not None

    def draw(self, context: bpy.types.Context | None) -> None:
        """Draw them, those with a drawback last and with a word on it."""
        layout = existing(self.layout)
        preferences = existing(job_settings.preferences(existing(context)))
        names = list(suggested(preferences))
        with_remark = [name for name in names if model_notes.remark(name)]
        for name in [name for name in names if name not in with_remark]:
            _draw_choice(layout, preferences, name, name)
        layout.separator()
        for name in with_remark:
            _draw_choice(layout, preferences, name, f"{name} ({model_notes.remark(name)})")


def draw_model(layout: bpy.types.UILayout, preferences: Preferences, text: str = "Model") -> None:
    """Draw the field with its label, and the list at its end."""
    row = layout.row(align=True)
    row.prop(preferences, "model", text=text)
    row.menu(SCAN_CUTOUT_MT_models.__name__, text="", icon="DOWNARROW_HLT")


def said(preferences: Preferences) -> tuple[str, Icon]:
    """What is to be known of the chosen model, and the icon before it; empty words where there is nothing to say."""
    model = preferences.model
    if model not in _models(preferences, [model]):
        return f"The server has no model {model!r}; choose one from the list", "ERROR"
    return model_notes.note(model), "ERROR" if model_notes.is_remote(model) else "INFO"


def suggested(preferences: Preferences) -> Iterator[str]:
    """The models that can be chosen: those of the server once it was asked, else what rembg is known to have."""
    return filter(model_notes.is_usable, _models(preferences, weights.NAMES))


def _models(preferences: Preferences, unknown: Sequence[str]) -> Sequence[str]:
    """Returns the models that the server has named; ``unknown`` as long as it has not."""
    answer = queries.answer(queries.of_endpoint(preferences.endpoint))
    return (answer.details.get("models") if answer else None) or unknown


def _draw_choice(layout: bpy.types.UILayout, preferences: Preferences, name: str, text: str) -> None:
    icon: Icon = "CHECKMARK" if name == preferences.model else "BLANK1"
    button = layout.operator(SCAN_CUTOUT_OT_choose_model.bl_idname, text=text, icon=icon, translate=False)
    existing(button).model = name


register, unregister = bpy.utils.register_classes_factory((SCAN_CUTOUT_MT_models,))
