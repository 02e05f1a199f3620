# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataclasses as JSON objects that every version reads: unknown names are ignored, missing ones have their defaults."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

_KEY = "json"
_WHOLE = "\0"
"""In place of an earlier name, where a field is read from all of them; no name in JSON."""

Record = TypeVar("Record")
_Reader = Callable[[Any], Any]
"""Returns a JSON value as the field's type; raises TypeError or ValueError where it is of another."""


@dataclass(frozen=True)
class _Declaration:
    was: str = ""
    is_kept: bool = True
    is_flat: bool = False


FLAT = {_KEY: _Declaration(is_flat=True)}
"""The metadata of a dataclass field whose value's own fields lie beside the others; None where there is no such value.

Its type has a ``from_json`` that gets the whole object.
"""


def renamed(default: Any, was: str) -> Any:
    """Returns a dataclass field that version 0.1.0 has called ``was``, which is read still."""
    return field(default=default, metadata={_KEY: _Declaration(was=was)})


def unkept(default: Any) -> Any:
    """Returns a dataclass field that is neither written nor read."""
    return field(default=default, metadata={_KEY: _Declaration(is_kept=False)})


def write(record: Any) -> dict[str, Any]:
    """Returns a record's fields as values for ``json.dumps``, without those that are None."""
    values: dict[str, Any] = {}
    for each in dataclasses.fields(record):
        declared, value = _declaration(each), getattr(record, each.name)
        if value is None or not declared.is_kept:
            continue
        values |= write(value) if declared.is_flat else {each.name: value}
    return values


def read(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """Returns a record from a JSON object; what is missing or of another type has its default."""
    given: dict[str, Any] = {}
    for name, was, reader in _fields(kind):
        if was == _WHOLE:
            value: Any = values
        elif name in values:
            value = values[name]
        elif was in values:
            value = values[was]
        else:
            continue
        try:
            given[name] = reader(value)
        except (TypeError, ValueError):
            continue
    return kind(**given)


def _fields(kind: type) -> list[tuple[str, str, _Reader]]:
    """Returns name, earlier name and reader of every field; kept, since a journal has thousands of lines."""
    if kind not in _known:
        _known[kind] = [_field(each) for each in dataclasses.fields(kind) if _declaration(each).is_kept]
    return _known[kind]


_known: dict[type, list[tuple[str, str, _Reader]]] = {}


def _field(each: "dataclasses.Field[Any]") -> tuple[str, str, _Reader]:
    declared = _declaration(each)
    if declared.is_flat:
        (inner,) = (part for part in get_args(each.type) if part is not NoneType)
        return each.name, _WHOLE, inner.from_json
    return each.name, declared.was or each.name, _reader(each.type)


def _declaration(each: "dataclasses.Field[Any]") -> _Declaration:
    declared: _Declaration = each.metadata.get(_KEY, _Declaration())
    return declared


def _reader(kind: Any) -> _Reader:
    """Returns what reads values of a type: plain ones, tuples of those, or None beside them."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        (other,) = (_reader(each) for each in inner if each is not NoneType)
        return lambda value: None if value is None else other(value)
    if origin is tuple:
        return _tuple_reader(inner)

    def read_plain(value: Any) -> Any:
        if kind is float and type(value) is int:  # a bool is no number here
            return float(value)
        if type(value) is not kind:
            raise TypeError(value)
        return value

    return read_plain


def _tuple_reader(inner: Sequence[Any]) -> _Reader:
    is_of_any_length = inner[-1] is Ellipsis
    readers = [_reader(each) for each in inner if each is not Ellipsis]

    def read_tuple(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise TypeError(value)
        if is_of_any_length:
            return tuple(readers[0](each) for each in value)
        return tuple(reader(each) for reader, each in zip(readers, value, strict=True))

    return read_tuple
