# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared settings as options of a command line."""

import argparse
from collections.abc import Collection, Mapping
from typing import Any

from .declared import Setting, Unit, own_settings, settings_of


def add_options(
    parser: argparse.ArgumentParser, group: type, *, without: Collection[str] = (), required: Collection[str] = ()
) -> None:
    """Add an option for every setting of a group that a command can set, but for those named in ``without``.

    What is not given is None, by the names of the settings.
    """
    for each in settings_of(group):
        if each.declaration.no_option or each.name in without:
            continue
        place: argparse.ArgumentParser | argparse._MutuallyExclusiveGroup = parser
        if zero := each.declaration.zero:
            place = parser.add_mutually_exclusive_group()
            option = f"--{zero.name.replace('_', '-')}"
            place.add_argument(option, dest=each.name, action="store_const", const=0, help=_escaped(zero.help))
        place.add_argument(each.option, **_argument(each, is_required=each.name in required))


def given_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, by the names of the settings, as the settings have it; ``options`` is what was parsed."""
    given = {name: value for name, value in options.items() if value is not None}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def as_arguments(values: Any) -> list[str]:
    """Settings as the arguments of the command that takes their group; those that have their default are left out."""
    arguments: list[str] = []
    for each in own_settings(type(values)):
        value = getattr(values, each.name)
        if value != each.default:
            arguments.append(each.option if each.type is bool else f"{each.option}={value}")
    return arguments


def _argument(each: Setting, *, is_required: bool) -> dict[str, Any]:
    argument: dict[str, Any] = {"dest": each.name, "default": None, "help": _escaped(_help(each))}
    if each.type is bool:
        return {**argument, "action": "store_false" if each.default else "store_true"}
    argument["metavar"] = each.declaration.metavar
    if each.declaration.unit is Unit.FILES:
        return {**argument, "nargs": "+"}
    if is_required:
        argument["required"] = True
    if each.declaration.is_repeated:
        return {**argument, "action": "append"}
    if each.choices:
        return {**argument, "type": str.upper, "choices": [choice.name for choice in each.choices], "metavar": None}
    return {**argument, "type": each.type}


def _help(each: Setting) -> str:
    declared = each.declaration
    if each.type is bool and each.default:
        return declared.off_help
    more = "; may be given more than once" if declared.is_repeated else ""
    return f"{declared.help} ({each.range})" if each.range else declared.help + more


def _escaped(text: str) -> str:
    return text.replace("%", "%%")  # argparse formats its help
