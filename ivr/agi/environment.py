"""The block of `agi_name: value` lines that opens every AGI session, from text to facts.

Who calls is written by strangers, in any bytes: in those four headers, and only there, a control
character is replaced. Anywhere else it means a forged header, as does an order that Asterisk does
not write, and the whole environment is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

_HEADER: Final = re.compile(r"(agi_[a-z0-9_]+):(?: (.*))?")
_ARGUMENT_HEADER: Final = re.compile(r"agi_arg_([0-9]+)")
_FROM_STRANGERS: Final = frozenset({"agi_callerid", "agi_calleridname", "agi_dnid", "agi_rdnis"})
_REQUIRED: Final = ("agi_channel", "agi_uniqueid", "agi_context", "agi_extension", "agi_priority")
_PRIORITY: Final = re.compile(r"[0-9]{1,9}")


class BadEnvironmentError(Exception):
    """This is not what Asterisk would write; the protocol turns it into Broken."""


@dataclass(frozen=True, slots=True)
class AgiEnvironment:
    """Who calls, on which channel, and what the dialplan asked for.

    `script` is what followed the host in the agi:// address, `path` that without its query and
    outer slashes, `args` the further arguments of AGI(). Asterisk writes "unknown" for an absent
    number or name; here that is "".
    """

    channel: str
    uniqueid: str
    callerid: str
    calleridname: str
    dnid: str
    rdnis: str
    context: str
    extension: str
    priority: int
    language: str
    accountcode: str
    script: str
    path: str
    query: Mapping[str, str]
    args: tuple[str, ...]


def clean(text: str) -> str:
    """`text` with every control character replaced."""
    return CONTROL.sub(REPLACEMENT, text)


def parse_header(line: str) -> tuple[str, str]:
    """One line, as (full name, value)."""
    match = _HEADER.fullmatch(line)
    if match is None:
        raise BadEnvironmentError(f"not an AGI header: {line[:80]!r}")
    name, value = match[1], match[2] or ""
    if name in _FROM_STRANGERS:
        return name, clean(value)
    if CONTROL.search(value):
        raise BadEnvironmentError(f"control character in {name}")
    return name, value


def parse_environment(headers: Mapping[str, str]) -> AgiEnvironment:
    """All headers, in the order they came, as facts."""
    missing = [name for name in _REQUIRED if not headers.get(name)]
    if missing:
        raise BadEnvironmentError(f"the environment lacks {', '.join(missing)}")
    if not _PRIORITY.fullmatch(headers["agi_priority"]):
        raise BadEnvironmentError("agi_priority is not a number")
    script = headers.get("agi_network_script", "")
    path, _, query = script.partition("?")
    return AgiEnvironment(
        channel=headers["agi_channel"],
        uniqueid=headers["agi_uniqueid"],
        callerid=_known(headers, "agi_callerid"),
        calleridname=_known(headers, "agi_calleridname"),
        dnid=_known(headers, "agi_dnid"),
        rdnis=_known(headers, "agi_rdnis"),
        context=headers["agi_context"],
        extension=headers["agi_extension"],
        priority=int(headers["agi_priority"]),
        language=headers.get("agi_language", ""),
        accountcode=headers.get("agi_accountcode", ""),
        script=script,
        path=path.strip("/"),
        query=MappingProxyType(dict(parse_qsl(query, keep_blank_values=True))),
        args=_arguments(headers),
    )


def _known(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    return "" if value == "unknown" else value


def _arguments(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Asterisk writes agi_arg_1, agi_arg_2, ... last: any other order is a forged header."""
    count = sum(1 for name in headers if _ARGUMENT_HEADER.fullmatch(name))
    last = list(headers)[len(headers) - count :]
    if last != [f"agi_arg_{number}" for number in range(1, count + 1)]:
        raise BadEnvironmentError("agi_arg headers are out of order")
    return tuple(headers[name] for name in last)
