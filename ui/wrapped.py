# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences in a layout, which by itself cuts off what does not fit on one line."""

import blf
import bpy

from ..properties.typed import Icon, existing
from ..scan.common.errors import printable

_FONT = 0  # Blender's own, in which it draws its labels
_MARGIN = 1.5  # widths of an icon


def draw_wrapped(layout: bpy.types.UILayout, text: str, width: float, icon: Icon = "NONE") -> None:
    """Draw a sentence on as many lines as it needs in ``width`` pixels, the icon before the first of them."""
    preferences = existing(bpy.context.preferences)
    scale = preferences.system.ui_scale
    blf.size(_FONT, preferences.ui_styles[0].widget.points * scale)
    room = width - (_MARGIN + (icon != "NONE")) * 20 * scale
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(_lines(text, room)):
        # BLANK1 keeps the place of the icon.
        column.label(text=line, icon=icon if number == 0 or icon == "NONE" else "BLANK1", translate=False)


def _lines(text: str, room: float) -> list[str]:
    lines = [""]
    for word in map(printable, text.split()):
        longer = f"{lines[-1]} {word}".lstrip()
        if _width(longer) <= room:
            lines[-1] = longer
            continue
        # What no line is wide enough for, such as a path, is cut into pieces.
        *pieces, rest = _pieces(word, room)
        lines += [*pieces, rest]
    return [line for line in lines if line]


def _pieces(word: str, room: float) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and _width(pieces[-1] + letter) > room:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _width(text: str) -> float:
    return blf.dimensions(_FONT, text)[0]
