"""Frozen dataclasses and named tuples to plain JSON values and back, driven by their type hints.

Serves the distributor's messages and snapshots: str, int, float, bool, None, str enums, tuples,
string-keyed mappings and dataclasses of these. A field missing on the way back takes its default,
so what an older version wrote can be read as long as new fields have one.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

_Convert = Callable[[Any], Any]


class _Field(NamedTuple):
    """How one field goes to JSON and comes back; None where the value goes as it is."""

    name: str
    encode: _Convert | None
    decode: _Convert | None


def encode(value: Any) -> dict[str, Any]:
    """An instance as a dict of its fields, nested ones included."""
    return {
        name: getattr(value, name) if to is None else to(getattr(value, name))
        for name, to, _ in _fields(type(value))
    }


def decode(cls: type[Any], data: Mapping[str, Any]) -> Any:
    """An instance of `cls` from its fields.

    Raises ValueError when a field is unknown, missing or of the wrong shape.
    """
    back = {name: convert for name, _, convert in _fields(cls)}
    try:
        values = {name: _apply(back[name], item) for name, item in data.items()}
        return cls(**values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{cls.__name__} cannot be built from {dict(data)!r}: {error}") from error


def _read_fields(cls: Any) -> tuple[_Field, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(_Field(name, *_converters(hint)) for name, hint in hints.items())


# Typed by hand: mypy does not count a class of dataclass instances as hashable.
_fields: Callable[[Any], tuple[_Field, ...]] = cache(_read_fields)


def _converters(hint: Any) -> tuple[_Convert | None, _Convert | None]:
    """Encoder and decoder for values of `hint`."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        to, back = _converters(next(arg for arg in args if arg is not types.NoneType))
        return _unless_none(to), _unless_none(back)
    if origin is tuple:
        to, back = _converters(args[0])
        return _each(list, to), _each(tuple, back)
    if origin is not None and issubclass(origin, Mapping):
        to, back = _converters(args[1])
        return _each_value(to), _each_value(back)
    if dataclasses.is_dataclass(hint):
        return encode, lambda value: decode(typing.cast(type[Any], hint), value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _value_of, hint
    return None, None


def _apply(convert: _Convert | None, value: Any) -> Any:
    return value if convert is None else convert(value)


def _unless_none(convert: _Convert | None) -> _Convert | None:
    return convert and (lambda value: None if value is None else convert(value))


def _each(made: type[Any], convert: _Convert | None) -> _Convert:
    return made if convert is None else lambda value: made(map(convert, value))


def _each_value(convert: _Convert | None) -> _Convert:
    if convert is None:
        return dict
    return lambda value: {key: convert(item) for key, item in value.items()}


def _value_of(value: StrEnum) -> str:
    return value.value
