# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user can do, one operator a file: a file of this folder is found by being here."""

import importlib
import pkgutil

import bpy


def _classes() -> list[type]:
    """The operators, and what leads to them from outside of menus, in the order of their files' names."""
    modules = [importlib.import_module(f".{each.name}", __package__) for each in pkgutil.iter_modules(__path__)]
    return [
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, bpy.types.Operator | bpy.types.FileHandler)
        and each.__module__ == module.__name__
    ]


_register_classes, _unregister_classes = bpy.utils.register_classes_factory(_classes())


def register() -> None:
    """Register the operators."""
    _register_classes()


def unregister() -> None:
    """Take them back."""
    _unregister_classes()
