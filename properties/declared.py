# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared settings as Blender's properties, and what was set in them by the names of the settings."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    StringProperty,
)

from ..scan.common.declared import Home, Setting, Unit, settings_of
from .typed import existing

# From 4.5 on a path may begin with "//" only where that is said; before, it always may and saying so is an error.
RELATIVE = (
    {"PATH_SUPPORTS_BLEND_RELATIVE"}
    if "is_path_supports_blend_relative" in bpy.types.Property.bl_rna.properties
    else set()
)
_PATHS: dict[Unit, Literal["DIR_PATH", "FILE_PATH"]] = {Unit.FOLDER: "DIR_PATH", Unit.FILE: "FILE_PATH"}
_SUBTYPES: dict[Unit, Literal["PERCENTAGE", "TIME_ABSOLUTE", "DISTANCE", "NONE"]] = {
    Unit.PERCENT: "PERCENTAGE",
    Unit.SECONDS: "TIME_ABSOLUTE",
    Unit.METERS: "DISTANCE",
}
_MILLIMETERS = 3
"""Digits that a length in metres is shown with."""
_OF_ONE_SCAN = {*_PATHS, Unit.NAME, Unit.METERS}
"""What an operator does not offer again when it is called the next time, which may be for another scan."""

Properties = dict[str, Any]
"""A class's annotations: property name → what ``bpy.props`` makes."""
More = Mapping[str, Mapping[str, Any]]
"""Property name → what else its property is made with, such as ``update``."""


def operator_properties(*groups: type, browsed: Collection[str] = (), without: Collection[str] = ()) -> Properties:
    """The settings that a call can set. What it leaves out has its default, or what scene or preferences keep.

    Those named in ``without`` are none of them. ``browsed`` names those that the operator's own file browser asks for:
    it does not show them again, nor for other paths a button that would open a second one. Numbers have no limits:
    Blender would change what a script gives in silence, where a run refuses it in words.
    """
    made: Properties = {}
    for each in _each_once(groups):
        if not each.declaration.no_operator and each.name not in without:
            is_new = each.declaration.home is Home.CALL or each.declaration.unit in _OF_ONE_SCAN
            once = {"SKIP_SAVE"} if is_new else set()
            unseen = {"HIDDEN"} if each.name in browsed else set()
            is_plain = browsed and each.name not in browsed and each.declaration.unit in _PATHS
            more = {"subtype": "NONE"} if is_plain else {}
            made |= _made(each, options=once | unseen, has_limits=False, more=more)
    return made


def kept_properties(home: Home, *groups: type, without: Collection[str] = (), more: More | None = None) -> Properties:
    """The settings that the scene keeps, or the preferences, but for those named in ``without``."""
    made: Properties = {}
    for each in _each_once(groups):
        if each.declaration.home is home and each.name not in without:
            made |= _made(each, options=set(), has_limits=True, more=(more or {}).get(each.in_blender, {}))
    return made


def given(
    values: bpy.types.OperatorProperties | bpy.types.PropertyGroup | bpy.types.AddonPreferences, *groups: type
) -> dict[str, Any]:
    """What was set of the groups' settings, by the names of the settings. Folders and files are absolute paths.

    Lengths are in metres: those of a scene's settings were in its units, those of an operator's in the current one's.
    """
    found: dict[str, Any] = {}
    known = values.bl_rna.properties
    for each in _each_once(groups):
        zero = each.declaration.zero
        if zero is not None and zero.name in known and values.is_property_set(zero.name):
            found[each.name] = 0 if getattr(values, zero.name) else getattr(values, each.in_blender)
        elif each.in_blender in known and values.is_property_set(each.in_blender):
            value = _plain(each, getattr(values, each.in_blender))
            if each.declaration.unit is Unit.METERS:
                value = in_meters(values.id_data, value)
            if value or each.declaration.unit not in {*_PATHS, Unit.FILES}:  # else it is as if it were not set
                found[each.name] = value
    return found


def _each_once(groups: Sequence[type]) -> Iterator[Setting]:
    """Every setting of the groups, and of those of the same name the first."""
    seen = set()
    for group in groups:
        for each in settings_of(group):
            if each.name not in seen:
                seen.add(each.name)
                yield each


def _made(each: Setting, *, options: set[str], has_limits: bool, more: Mapping[str, Any] | None = None) -> Properties:
    declared = each.declaration
    named = {"name": declared.label, "description": declared.help, **(more or {})}
    if options:
        named["options"] = options
    made: Properties = {each.in_blender: _property(each, named, has_limits=has_limits)}
    if zero := declared.zero:
        made[zero.name] = BoolProperty(name=zero.label, description=zero.help, default=each.default == 0)
    return made


def _property(each: Setting, named: dict[str, Any], *, has_limits: bool) -> Any:
    unit, default = each.declaration.unit, each.default
    if each.choices:
        items = [(choice.name, choice.label, choice.help) for choice in each.choices]
        return EnumProperty(**named, items=items, default=default)
    if each.type is bool:
        return BoolProperty(**named, default=default)
    if each.type in (int, float):
        return _number(each, named, has_limits=has_limits)
    if unit is Unit.FILES:
        return CollectionProperty(**named, type=bpy.types.OperatorFileListElement)
    return _text(each, named)


def _text(each: Setting, named: dict[str, Any]) -> Any:
    unit = each.declaration.unit
    if unit is Unit.COLOR:
        return FloatVectorProperty(**named, subtype="COLOR_GAMMA", default=_channels(each.default), min=0, max=1)
    if unit in _PATHS and "subtype" not in named:
        named["options"] = named.get("options", set()) | RELATIVE
        return StringProperty(**named, subtype=_PATHS[unit])
    return StringProperty(**named, default=each.default)


def _number(each: Setting, named: dict[str, Any], *, has_limits: bool) -> Any:
    declared = each.declaration
    limits: dict[str, Any] = {}
    if declared.soft is not None:
        limits["soft_min"], limits["soft_max"] = declared.soft
    default = each.default
    if has_limits and declared.low is not None:
        limits["min"], limits["max"] = declared.low, declared.high
        default = max(default, declared.low)  # where 0 is the default, it is the checkbox that says so
    elif each.range:
        named["description"] += f", {each.range}"
    if each.type is int:
        whole: dict[str, Any] = {name: int(value) for name, value in limits.items()}
        return IntProperty(**named, default=int(default), **whole)
    subtype = _SUBTYPES.get(declared.unit, "NONE")
    if declared.unit is Unit.METERS:
        limits["precision"] = _MILLIMETERS
    return FloatProperty(**named, default=default, subtype=subtype, **limits)


def _plain(each: Setting, value: Any) -> Any:
    """A property's value as the setting has it."""
    unit = each.declaration.unit
    if unit in _PATHS:
        return bpy.path.abspath(value)
    if unit is Unit.FILES:
        return tuple(each.name for each in value)
    if unit is Unit.COLOR:
        return "#" + "".join(f"{round(channel * 255):02x}" for channel in value)
    return value if unit is Unit.METERS else plain(value)


def plain(value: Any) -> Any:
    """A property's number as it was given: Blender keeps single precision, in which 0.1 is 0.100000001."""
    return round(value, 6) if isinstance(value, float) else value


def in_meters(owner: bpy.types.ID | None, length: float) -> float:
    """A length in a scene's units in metres; ``owner`` is the scene, or anything else for the current one."""
    scene = owner if isinstance(owner, bpy.types.Scene) else existing(bpy.context.scene)
    return float(f"{length * scene.unit_settings.scale_length:.6g}")


def _channels(color: str) -> tuple[float, ...]:
    """Red, green and blue of #rrggbb, from 0 to 1."""
    return tuple(channel / 255 for channel in bytes.fromhex(color[1:]))
