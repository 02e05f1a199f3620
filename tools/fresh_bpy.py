# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender as a new process has it, for one script after the other in the same one (serve_in_bpy.py).

What a script changes is taken back: the file is Blender's factory file again, and the add-on's modules are imported
anew, which makes its own properties, preferences and all that it remembers new. Loading the factory preferences as well
would be simpler, but then Blender unpacks every wheel anew, which takes ten times as long.
"""

import os
import subprocess
import sys
import tempfile
import threading

_BEFORE = dict(os.environ)
import run_in_bpy  # noqa: E402 - imports bpy, which says in the environment where some of its libraries are
from run_in_bpy import bpy  # noqa: E402

import addon_utils  # isort: skip # noqa: E402

_OF_BLENDER = {name: value for name, value in os.environ.items() if _BEFORE.get(name) != value}


class _Process(subprocess.Popen):
    """A process that is remembered, so that none is left when a script is over."""

    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        _started.append(self)


_started = []


class Session:
    """Runs scripts with an add-on enabled, each as if it were the first."""

    def __init__(self, module):
        """Import and enable the add-on ``module``, or none for ""."""
        self._module = module
        self._is_fresh = True
        self._handlers = {name: list(each) for name, each in _handlers()}
        run_in_bpy.enable(module)
        self._preferences = _taken(bpy.context.preferences)
        self._modules, self._path = set(sys.modules), list(sys.path)
        self._threads = set(threading.enumerate())
        self._temporary = tempfile.tempdir
        subprocess.Popen = _Process

    def run(self, request):
        """Run a script and give the exit code. Raises where it left what no later one shall find."""
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update({**request["environment"], **_OF_BLENDER})
        if not self._is_fresh:
            self._renew()
        self._is_fresh = False
        code, text = run_in_bpy.outcome(request["script"], request["arguments"])
        self._end()
        run_in_bpy.write(request["result_file"], text)
        return code

    def _end(self):
        """Switch the add-on off, which ends its jobs, and show that nothing of the script goes on."""
        if self._module:
            # Without the refresh, in which Blender would take away the wheels of an add-on that is switched off.
            addon_utils.disable(self._module, default_set=True, refresh_handled=True, handle_error=_raise)
        for process in _started:
            if process.stdin and process.stdin.closed:
                process.wait()  # which was told to end
            if process.poll() is None:
                process.kill()
                raise RuntimeError(f"The script left a process: {process.args}")
        _started.clear()
        left = set(threading.enumerate()) - self._threads
        if left:
            raise RuntimeError(f"The script left threads: {left}")

    def _renew(self):
        """Have everything as it was before the first script."""
        for name, each in _handlers():
            each[:] = self._handlers[name]
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=False, load_ui=True)
        _give(bpy.context.preferences, self._preferences)
        tempfile.tempdir = self._temporary
        sys.path[:] = self._path
        for name in [name for name in sys.modules if self._is_forgotten(name)]:
            del sys.modules[name]
        run_in_bpy.enable(self._module, refresh_handled=True)

    def _is_forgotten(self, name):
        """Whether a module is imported anew: the add-on's own, and what is neither Python's nor was there before.

        A part of a package that was there stays: numpy's can be loaded once only.
        """
        if self._module and f"{name}.".startswith(f"{self._module}."):
            return True
        package = name.partition(".")[0]
        return package not in self._modules and package not in sys.stdlib_module_names


def _raise(error):
    raise error


def _handlers():
    """Blender's lists of functions to call, by name."""
    named = ((name, getattr(bpy.app.handlers, name)) for name in dir(bpy.app.handlers))
    return [(name, each) for name, each in named if isinstance(each, list)]


def _properties(struct):
    """What can be told of a part of Blender's data: name, kind and value of each property."""
    for each in struct.bl_rna.properties:
        if each.identifier != "rna_type":
            value = getattr(struct, each.identifier)
            yield each, value[:] if getattr(each, "is_array", False) else value


def _taken(struct):
    """The preferences, or a part of them, by name."""
    taken = {}
    for each, value in _properties(struct):
        if each.type == "POINTER":
            taken[each.identifier] = value and _taken(value)
        elif each.type == "COLLECTION":
            taken[each.identifier] = len(value)
        else:
            taken[each.identifier] = value
    return taken


def _give(struct, taken):
    """Have the preferences as they were taken."""
    for each, value in _properties(struct):
        before = taken[each.identifier]
        if each.type == "POINTER":
            if value is not None:
                _give(value, before)
        elif each.type == "COLLECTION":
            if each.identifier != "addons" and before != len(value):
                raise RuntimeError(f"A script changed the preferences' {each.identifier}; run it alone=True")
        elif value != before and not each.is_readonly:
            setattr(struct, each.identifier, before)
