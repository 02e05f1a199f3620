# SPDX-License-Identifier: GPL-3.0-or-later
"""A layout that draws nothing and checks every call, for draw functions that run in the bpy module."""

from functools import cache, partial

import bpy

FUNCTIONS = bpy.types.UILayout.bl_rna.functions
PROPERTIES = bpy.types.UILayout.bl_rna.properties
PATHS = {"FILE_PATH", "DIR_PATH", "FILE_NAME", "BYTE_STRING"}
KINDS = {"STRING": str, "BOOLEAN": bool, "INT": int, "FLOAT": (int, float)}


@cache
def parameters(function):
    """All parameters of a layout's function by their names, and of each the values that an enum knows."""
    known = {each.identifier: each for each in FUNCTIONS[function].parameters}
    return known, {name: values(each) for name, each in known.items() if each.type == "ENUM"}


@cache
def operators(module):
    """The names of a module's operators."""
    return frozenset(dir(getattr(bpy.ops, module)))


def values(parameter):
    """What an enum knows."""
    return frozenset(item.identifier for item in parameter.enum_items)


def check_value(where, parameter, value, names=None):
    """Fail where Blender would not take a value for a property or a parameter; ``names`` are those of its enum."""
    if parameter.type == "ENUM":
        names = values(parameter) if names is None else names
        # Some lists are made when they are asked for, and are empty here.
        wrong = [each for each in ({value} if isinstance(value, str) else value) if names and each not in names]
        assert not wrong, f"{where} knows no {wrong}"
    elif parameter.type in KINDS and not getattr(parameter, "is_array", False):
        assert isinstance(value, KINDS[parameter.type]), f"{where} takes no {value!r}"
    if parameter.type == "STRING":
        assert parameter.subtype in PATHS or is_text(value), f"{where} takes no {value!r}, which is not UTF-8"


def is_text(value):
    """Whether Blender takes it for anything else than a path: a file name may hold what no text does."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class Called:
    """The properties of an operator whose button was drawn."""

    def __init__(self, operator):
        """Fail where there is no such operator."""
        module, _, name = operator.partition(".")
        assert name in operators(module), f"there is no operator {operator}"
        known = getattr(getattr(bpy.ops, module), name)
        known.poll()
        object.__setattr__(self, "_rna", known.get_rna_type())

    def __setattr__(self, name, value):
        assert name in self._rna.properties, f"{self._rna.identifier} has no {name}"
        check_value(f"{self._rna.identifier}.{name}", self._rna.properties[name], value)


class CheckingLayout:
    """Stands in for a layout: takes what this Blender's own description of UILayout says it has, and nothing else."""

    def __init__(self, seen, *, is_open):
        """``seen`` collects what a user would see; with ``is_open``, so are the layout's own panels."""
        object.__setattr__(self, "_seen", seen)
        object.__setattr__(self, "_is_open", is_open)

    def __setattr__(self, name, value):
        assert name in PROPERTIES, f"a layout has no {name}"
        assert not PROPERTIES[name].is_readonly, f"a layout's {name} cannot be set"
        check_value(name, PROPERTIES[name], value)
        object.__setattr__(self, name, value)

    def __getattr__(self, name):
        assert name in FUNCTIONS, f"a layout has no {name}"
        return partial(self._call, FUNCTIONS[name])

    def _call(self, function, *args, **named):
        known, enums = parameters(function.identifier)
        taken = {name: each for name, each in known.items() if not each.is_output}
        given = {**dict(zip(taken, args, strict=False)), **named}
        assert len(given) == len(args) + len(named), f"{function.identifier} is given something twice, or too much"
        for name, value in given.items():
            assert name in taken, f"{function.identifier} has no {name}"
            check_value(f"{function.identifier}({name})", taken[name], value, enums.get(name))
        lacking = [name for name, each in taken.items() if each.is_required and name not in given]
        assert not lacking, f"{function.identifier} needs {lacking}"
        self._check(function.identifier, given)
        made = [each for each in known.values() if each.is_output]
        if function.identifier == "operator":
            return Called(given["operator"])
        if function.identifier == "panel":
            return self._child(), self._child() if self._is_open else None
        return self._child() if made else None

    def _child(self):
        return CheckingLayout(self._seen, is_open=self._is_open)

    def _check(self, function, given):
        if "property" in given and "data" in given:
            known = given["data"].bl_rna.properties
            assert given["property"] in known, f"{given['data']} has no {given['property']}"
        if function in {"menu", "popover"}:
            shown = given.get("menu") or given.get("panel")
            assert hasattr(bpy.types, shown), f"there is no {shown}"
        for name in ("text", "operator", "property"):
            if given.get(name):
                self._seen.append(given[name])
        if function == "template_icon":
            self._seen.append("template_icon")
