"""Rows whose column is one of many values, as one parameter however many they are.

A list written into the statement makes another statement for every length, which is compiled,
prepared and planned anew each time: that cost more than the rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, ColumnElement, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection


def within(
    connection: AsyncConnection, column: Column[Any], values: Iterable[int | str]
) -> ColumnElement[bool]:
    """The condition that the column is one of these values."""
    wanted = list(values)
    if connection.dialect.name == "postgresql":
        return column == any_(literal(wanted, ARRAY(column.type)))
    listed = func.json_each(json.dumps(wanted)).table_valued("value")
    return column.in_(select(listed.c.value))
