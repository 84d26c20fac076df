"""What a column of a file is: found by its heading, in the words that people use for it. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from acd.customers.addresses import CHANNELS
from acd.records.errors import Refused

IGNORED: Final = "-"
"""What a column is mapped to that is not to be read."""
ADDRESS_FIELDS: Final[Mapping[str, str]] = {
    "phone": "phone",
    "email": "email",
    "chat": "chat",
    "other": "other",
}
PLAIN_FIELDS: Final = ("name", "segment", "language")
CONSENT_FIELDS: Final = tuple(f"consent {channel}" for channel in CHANNELS)
FIELDS: Final = ("id", *PLAIN_FIELDS, *ADDRESS_FIELDS, "tags", "note", *CONSENT_FIELDS)
EXPORTED: Final = tuple(field for field in FIELDS if field != "note")
_ALSO: Final[Mapping[str, str]] = {
    "full name": "name",
    "customer": "name",
    "姓名": "name",
    "名称": "name",
    "客户": "name",
    "telephone": "phone",
    "mobile": "phone",
    "number": "phone",
    "phone number": "phone",
    "电话": "phone",
    "手机": "phone",
    "手机号": "phone",
    "e mail": "email",
    "mail": "email",
    "邮箱": "email",
    "电子邮件": "email",
    "tag": "tags",
    "标签": "tags",
    "notes": "note",
    "remark": "note",
    "comment": "note",
    "备注": "note",
    "tier": "segment",
    "level": "segment",
    "级别": "segment",
    "等级": "segment",
    "语言": "language",
    "account": "other",
    "reference": "other",
    "sms consent": "consent sms",
    "email consent": "consent email",
    "row": IGNORED,
    "error": IGNORED,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column that is read: its place from 0, its heading, and the field it fills."""

    place: int
    heading: str
    field: str


def columns(headings: Sequence[str], told: Mapping[str, str]) -> tuple[Column, ...]:
    """The columns that are read; `told` maps headings to fields, or to `-` for none.

    Raises `Refused` with every heading that is not understood, and what it may be.
    """
    wanted = {_plain(heading): field.strip().casefold() for heading, field in told.items()}
    found: list[Column] = []
    trouble: list[str] = []
    for place, heading in enumerate(headings):
        if not heading.strip():
            continue
        field = wanted.pop(_plain(heading), None) or _field(heading)
        if field is None or field not in (*FIELDS, IGNORED):
            trouble.append(_advice(heading, field))
        elif field != IGNORED:
            found.append(Column(place, heading.strip(), field))
    there = ", ".join(heading for heading in headings if heading)
    trouble += [f"there is no column {name!r}: {there}" for name in wanted]
    single = ("id", *PLAIN_FIELDS, "tags", "note")
    for field in single:
        same = [column.heading for column in found if column.field == field]
        if len(same) > 1:
            trouble.append(f"{' and '.join(same)} are both {field}: map one of them to `-`")
    if not trouble and not any(column.field in (*ADDRESS_FIELDS, "id") for column in found):
        trouble.append("no column is an address: phone, email, chat or other must be there")
    if trouble:
        raise Refused("; ".join(trouble))
    return tuple(found)


def _plain(heading: str) -> str:
    return " ".join(re.sub(r"[_\-./]+", " ", heading.strip().lstrip("\ufeff").casefold()).split())


def _field(heading: str) -> str | None:
    """What a heading means; `phone 2` is another phone."""
    plain = _plain(heading)
    for name in (plain, re.sub(r"\s*\d+$", "", plain)):
        if name in FIELDS:
            return name
        if name in _ALSO:
            return _ALSO[name]
    return None


def _advice(heading: str, field: str | None) -> str:
    if field is not None:
        return f"{heading!r} cannot be {field!r}: fields are {', '.join(FIELDS)}"
    close = difflib.get_close_matches(_plain(heading), [*FIELDS, *_ALSO], n=1)
    close = [close[0] if close[0] in FIELDS else _ALSO[close[0]]] if close else []
    if close and close[0] != IGNORED:
        return f"the column {heading!r} is not known: did you mean {close[0]}?"
    return f"the column {heading!r} is not known: map it to a field ({', '.join(FIELDS)}) or to `-`"
