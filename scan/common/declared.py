# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that are declared once: a dataclass field says all that is known of a setting.

From these fields come the checks, the JSON of a job, Blender's properties, the command line's options and the tables
of ``docs/settings.md``. A group of settings is a frozen dataclass; a field that holds another such dataclass is part of
it.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from .errors import BadUseError

_KEY = "declaration"
FIRST_VERSION = "0.1.0"

Group = TypeVar("Group")


class Home(Enum):
    """Where Blender keeps a setting between two calls."""

    CALL = "the call alone"
    SCENE = "the scene"
    PREFERENCES = "the preferences"


class Unit(Enum):
    """What a value is. The value is what a range is followed by in a sentence."""

    NONE = ""
    PIXELS = " pixels"
    PERCENT = " percent"
    SECONDS = " seconds"
    METERS = " metres"
    """Blender shows and takes it in the scene's own units."""
    COLOR = "color"
    """A string, #rrggbb."""
    FOLDER = "folder"
    FILE = "file"
    FILES = "files"
    """Names below the photo folder."""
    NAME = "name"
    """Of one photo, or of a folder of photos, below the photo folder."""


@dataclass(frozen=True)
class Choice:
    """One value of a setting that has few of them."""

    name: str
    label: str
    help: str


@dataclass(frozen=True)
class Zero:
    """A checkbox that stands for the value 0 of a number."""

    name: str
    label: str
    help: str


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """All that is known of a setting, but for its name, type and default, which are the field's own."""

    label: str
    """In Title Case, as panels and messages have it."""
    help: str
    """The tooltip and the command line's help, without a final stop."""
    off_help: str = ""
    """The help of the command line's option, which switches off what is on by default."""
    home: Home = Home.CALL
    unit: Unit = Unit.NONE
    low: float | None = None
    """The least value, and the largest."""
    high: float | None = None
    soft: tuple[float, float] | None = None
    """The part of that range which a slider covers."""
    zero: Zero | None = None
    """What the value 0 is where it lies outside of the range."""
    choices: Callable[[], Sequence[Choice]] | None = None
    of: tuple[str, ...] = ()
    """The backends or engines it belongs to, by their names in the settings; empty for all."""
    blender: str = ""
    """Its name in Blender, where that is another."""
    option: str = ""
    """Its name on the command line without the dashes, where that is another."""
    metavar: str = ""
    is_repeated: bool = False
    """Whether the command line takes it more than once: each time it is the setting of another such group."""
    was: str = ""
    """Its name in the jobs of earlier versions."""
    since: str = FIRST_VERSION
    """The version that has it first: a later one enters a key only where it differs from its default."""
    no_operator: str = ""
    """Why a call of an operator cannot set it."""
    no_option: str = ""
    """Why the command line cannot set it."""
    no_home: str = ""
    """Why neither scene nor preferences keep it, where it is a call's."""


def setting(default: Any = dataclasses.MISSING, **declaration: Any) -> Any:
    """Give the dataclass field of a setting; ``declaration`` are the fields of ``Declaration``."""
    return field(default=default, metadata={_KEY: Declaration(**declaration)})


@dataclass(frozen=True)
class Setting:
    """A declared setting of a group."""

    name: str
    """In the settings and in JSON."""
    type: type
    default: Any
    """``dataclasses.MISSING`` where it must be given."""
    declaration: Declaration

    @property
    def in_blender(self) -> str:
        """The name of its property in Blender."""
        return self.declaration.blender or self.name

    @property
    def option(self) -> str:
        """Its option on the command line."""
        is_switched_off = self.type is bool and self.default
        return f"--{'no-' if is_switched_off else ''}{self.declaration.option or self.name.replace('_', '-')}"

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The values it can have; empty for any."""
        return tuple(self.declaration.choices()) if self.declaration.choices else ()

    @property
    def range(self) -> str:
        """The values of a number in words, such as "0 (Full Resolution) or from 256 to 8192 pixels"; else empty."""
        given = self.declaration
        if given.low is None or given.high is None:
            return ""
        zero = f"0 ({given.zero.label}) or " if given.zero else ""
        return f"{zero}from {_figure(given.low)} to {_figure(given.high)}{given.unit.value}"

    def check(self, value: object) -> None:
        """Raise BadUseError where a value is not of the setting's type, out of its range or none of its choices."""
        wanted = (int, float) if self.type is float else self.type
        if not isinstance(value, wanted) or (isinstance(value, bool) and self.type is not bool):
            raise BadUseError(f"{self.declaration.label} must be of the type {self.type.__name__}, not {value!r}")
        if self.choices and value not in (names := [choice.name for choice in self.choices]):
            raise BadUseError(f"{self.declaration.label} must be one of {', '.join(names)}, not {value!r}")
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._check_range(value)

    def _check_range(self, value: float) -> None:
        low, high, zero = self.declaration.low, self.declaration.high, self.declaration.zero
        if low is None or high is None or low <= value <= high or (zero is not None and value == 0):
            return
        raise BadUseError(f"{self.declaration.label} must be {self.range}, not {value:g}")


def _figure(value: float) -> str:
    """A number as a person reads it: large ones in groups of three digits."""
    return f"{value:,}" if isinstance(value, int) and value >= 100_000 else f"{value:g}"


def own_settings(group: type) -> Iterator[Setting]:
    """The declared settings that are a group's own, in the order of its fields."""
    for each in dataclasses.fields(group):
        if declaration := each.metadata.get(_KEY):
            yield Setting(each.name, _type_of(each), each.default, declaration)


def settings_of(group: type) -> Iterator[Setting]:
    """Every declared setting of a group, and then those of the groups within it."""
    yield from own_settings(group)
    for each in dataclasses.fields(group):
        if inner := _inner_group(each):
            yield from settings_of(inner)


def help_of(group: type, name: str) -> str:
    """The help of one of a group's own settings."""
    return next(each.declaration.help for each in own_settings(group) if each.name == name)


def names_of(group: type) -> list[str]:
    """The names of a group's settings."""
    return [each.name for each in settings_of(group)]


def check(values: Any, group: type | None = None) -> None:
    """Check settings by their declarations: those of ``group``, else all that are their group's own.

    Raises BadUseError.
    """
    for each in own_settings(group or type(values)):
        each.check(getattr(values, each.name))


def from_json(group: type[Group], values: Mapping[str, Any]) -> Group:
    """The opposite of ``dataclasses.asdict``, also for a job of an earlier version.

    Raises BadUseError for a name that is not a setting.
    """
    known = {each.name: each for each in dataclasses.fields(group)}  # type: ignore[arg-type] # a type var has no bound that says "dataclass"
    renamed = {each.metadata[_KEY].was: name for name, each in known.items() if _KEY in each.metadata}
    given = {renamed.get(name, name): value for name, value in values.items()}
    if unknown := given.keys() - known.keys():
        raise BadUseError(f"Unknown settings: {', '.join(sorted(unknown))}")
    for name, value in given.items():
        if inner := _inner_group(known[name]):
            given[name] = from_json(inner, value)
        elif isinstance(value, list):
            given[name] = tuple(value)
    needed = [each.name for each in own_settings(group) if each.default is dataclasses.MISSING]
    if missing := [name for name in needed if name not in given]:
        raise BadUseError(f"Missing settings: {', '.join(missing)}")
    return group(**given)


def first_values(values: Any, group: type) -> list[Any]:
    """The values of a group's settings that there were in the first version, in their order."""
    first = [each for each in own_settings(group) if each.declaration.since == FIRST_VERSION]
    return [getattr(values, each.name) for each in first]


def later_values(values: Any, group: type) -> list[Any]:
    """Names and values of a group's settings that came after the first version and differ from their defaults.

    A key holds all of the first values and these: so it stays what it was when a setting is added.
    """
    later = [each for each in own_settings(group) if each.declaration.since != FIRST_VERSION]
    return [[each.name, value] for each in later if (value := getattr(values, each.name)) != each.default]


def _type_of(each: "dataclasses.Field[Any]") -> type:
    """The type of a field's values; tuples of strings are tuples."""
    return tuple if not isinstance(each.type, type) else each.type


def _inner_group(each: "dataclasses.Field[Any]") -> type | None:
    return each.type if isinstance(each.type, type) and dataclasses.is_dataclass(each.type) else None
