"""What services answer: JSON of bounded size, and nothing that JSON does not have."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NoReturn

from ivr.flow.actions import Value
from ivr.flow.errands import Json

LARGEST = 64 * 1024
"""Bytes of an answer."""
DEEPEST = 32


class Lying(Exception):
    """An answer that cannot be true; its text says what is wrong, without the answer itself."""


def read_json(data: bytes) -> Json:
    """The value; raises Lying for anything that is no JSON (RFC 8259)."""
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_number, parse_float=_number)
        _check(value, DEEPEST)
    except (ValueError, RecursionError):
        raise Lying("the answer is no JSON") from None
    found: Json = value
    return found


def scalars(value: object, what: str) -> dict[str, Value]:
    """A mapping of names to scalars. Raises Lying for anything else."""
    if not isinstance(value, Mapping):
        raise Lying(f"{what} is no object")
    for name, each in value.items():
        if not isinstance(each, str | int | float | bool | None):
            raise Lying(f"{what} holds more than plain values")
        if not isinstance(name, str):
            raise Lying(f"{what} has a name that is no text")
    return dict(value)


def _check(value: object, depth: int) -> None:
    if depth == 0:
        raise ValueError("too deep")
    if isinstance(value, dict):
        for name, each in value.items():
            _check(name, depth - 1)
            _check(each, depth - 1)
    elif isinstance(value, list):
        for each in value:
            _check(each, depth - 1)
    elif isinstance(value, str):
        value.encode()  # half a character can be written in JSON, and stored nowhere


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
