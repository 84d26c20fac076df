"""Frozen dataclasses to plain JSON values and back, driven by their type hints.

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
from typing import Any

_Decoder = Callable[[Any], Any]


def encode(value: Any) -> Any:
    """Any supported value as JSON values."""
    if value is None or isinstance(value, str | int | float):
        return str(value) if isinstance(value, StrEnum) else value
    if dataclasses.is_dataclass(value):
        return encode_fields(value)
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    return [encode(item) for item in value]


def encode_fields(value: Any) -> dict[str, Any]:
    """A dataclass instance as a dict of its fields."""
    return {name: encode(getattr(value, name)) for name in _field_decoders(type(value))}


def decode(cls: type[Any], data: Mapping[str, Any]) -> Any:
    """An instance of the dataclass `cls` from its fields.

    Raises ValueError when a field is unknown, missing or of the wrong shape.
    """
    decoders = _field_decoders(cls)
    try:
        return cls(**{name: decoders[name](item) for name, item in data.items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{cls.__name__} cannot be built from {dict(data)!r}: {error}") from error


def _read_fields(cls: Any) -> dict[str, _Decoder]:
    hints = typing.get_type_hints(cls)
    return {f.name: _decoder(hints[f.name]) for f in dataclasses.fields(cls)}


# Typed by hand: mypy does not count a class of dataclass instances as hashable.
_field_decoders: Callable[[Any], dict[str, _Decoder]] = cache(_read_fields)


def _decoder(hint: Any) -> _Decoder:
    """How a JSON value becomes a value of `hint`; plain types pass through."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = _decoder(next(arg for arg in args if arg is not types.NoneType))
        return lambda value: None if value is None else inner(value)
    if origin in (tuple, list):
        item = _decoder(args[0])
        return lambda value: origin(item(each) for each in value)
    if origin is not None and issubclass(origin, Mapping):
        item = _decoder(args[1])
        return lambda value: {key: item(each) for key, each in value.items()}
    if dataclasses.is_dataclass(hint):
        return lambda value: decode(typing.cast(type[Any], hint), value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    return _as_is


def _as_is(value: Any) -> Any:
    return value
