# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of what Blender gives and takes, for mypy and for readers; Blender itself never sees a difference.

mypy knows bpy from the stubs of ``fake-bpy-module``, which are in no Blender: what comes from them is for mypy alone.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import bpy
from mathutils import Vector

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import IconItems, OperatorReturnItems, WmReportItems

    Icon = IconItems
    """The name of an icon."""
    OperatorResult = set[OperatorReturnItems]
    """What an operator returns to Blender."""
    Report = WmReportItems
    """How serious a report is."""
    OperatorMixin = bpy.types.Operator
    """The base of what is mixed into an operator: such a class has all that an operator has, and is none itself."""
    PanelMixin = bpy.types.Panel
    """The same for a panel."""
else:
    Icon = Report = str
    OperatorResult = set
    OperatorMixin = PanelMixin = object

_Arguments = ParamSpec("_Arguments")
_Class = TypeVar("_Class", bound=type)
_Function = TypeVar("_Function", bound=Callable[..., None])
_Value = TypeVar("_Value")


def _giving(_kind: type[_Value], declare: Callable[_Arguments, object]) -> Callable[_Arguments, _Value]:
    """A function of bpy.props, with the type that a property's value has."""
    return cast("Callable[_Arguments, _Value]", declare)


# As in bpy.props, for the classes that ``with_properties`` decorates: ``step: int = IntProperty(default=1)``.
BoolProperty = _giving(bool, bpy.props.BoolProperty)
EnumProperty = _giving(str, bpy.props.EnumProperty)
FloatProperty = _giving(float, bpy.props.FloatProperty)
FloatVectorProperty = _giving(Vector, bpy.props.FloatVectorProperty)
IntProperty = _giving(int, bpy.props.IntProperty)
StringProperty = _giving(str, bpy.props.StringProperty)

_Deferred = type(bpy.props.BoolProperty())
"""What they return: a property to be, of a class that is not registered yet."""


def with_properties(cls: _Class) -> _Class:
    """Decorate a class, or what is mixed into one, whose properties are all assigned in its body.

    Blender looks for them where Python has annotations, with its own kind of property in the place of the type. To
    assign to the attribute does that in every Python, also from 3.14 on, where annotations are computed when asked for.
    """
    found = {name: value for name, value in vars(cls).items() if isinstance(value, _Deferred)}
    for name in found:
        delattr(cls, name)
    cls.__annotations__ = found
    return cls


persistent: Callable[[_Function], _Function] = bpy.app.handlers.persistent
"""Blender's decorator, which has no type in the stubs."""


def existing(value: _Value | None) -> _Value:
    """A value that the stubs call optional, and that is never None where this is asked.

    A context has a scene and a window manager, a panel that is drawn has a layout; and after an operator's ``poll``
    there is what it has looked for.
    """
    return cast("_Value", value)
