"""What the house pretends to answer, as people write it.

In YAML, by the name of a service, table or database; `name.get`, `name.post` and so on for one verb
alone, `sms` and `callback` for those. Several answers are given one after another, and the last
one serves for all that follow:

    orders: {status: 200, body: {status: shipped}}
    orders.post: [down, 201]
    branches: {body: {address: "1 Bund"}}        # a row; `null` finds none
    people: {body: {ok: true, customer: {name: Mei}}}
    sms: slow

On the command line as `name=answer`: `orders=404`, `orders=down`, `orders={"status": "shipped"}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from ivr.errors import IvrError
from ivr.flow.errands import Json
from ivr.flow.loading.section import Section, kind
from ivr.flow.loading.yaml import Mapping as MappingNode
from ivr.flow.loading.yaml import Node, Problems, Scalar
from ivr.flow.loading.yaml import Sequence as SequenceNode

Trouble = Literal["down", "slow", "lying"]
TROUBLES: tuple[Trouble, ...] = get_args(Trouble)
CURE = f"a status such as 404, one of {', '.join(TROUBLES)}, or {{status: ..., body: ...}}"

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")
_STATUS = re.compile(r"[1-5][0-9]{2}")


@dataclass(frozen=True, slots=True)
class Pretence:
    """One answer: a status and a body, or a trouble instead."""

    status: int = 200
    body: Json = field(default=None, repr=False)
    trouble: Trouble | None = None


Pretences = Mapping[str, tuple[Pretence, ...]]


def read_pretences(node: Node, what: str, problems: Problems) -> Pretences:
    """Answers by name, from YAML."""
    with Section(node, what, problems) as section:
        return {name: _several(value, problems) for name, _, value in section.rest()}


def pretences_of(given: list[str]) -> Pretences:
    """Answers from the command line. Raises IvrError for what cannot be understood."""
    found: dict[str, tuple[Pretence, ...]] = {}
    for each in given:
        name, sign, answer = each.partition("=")
        pretence = _from_text(answer.strip()) if sign and name.strip() else None
        if pretence is None:
            raise IvrError(f"{each!r} pretends nothing: write name=answer, where answer is {CURE}")
        found[name.strip()] = (*found.get(name.strip(), ()), pretence)
    return found


def to_json(node: Node) -> Json:
    """The value of a node as JSON has it; text in quotes stays text."""
    match node:
        case MappingNode():
            return {entry.key: to_json(entry.value) for entry in node.entries.values()}
        case SequenceNode():
            return [to_json(item) for item in node.items]
        case _ if node.empty:
            return None
        case _ if not node.quoted and node.text in {"true", "false"}:
            return node.text == "true"
        case _ if not node.quoted and _NUMBER.fullmatch(node.text):
            return float(node.text) if "." in node.text else int(node.text)
        case _:
            return node.text


def _several(node: Node, problems: Problems) -> tuple[Pretence, ...]:
    nodes = node.items if isinstance(node, SequenceNode) else (node,)
    return tuple(_one(each, problems) for each in nodes)


def _one(node: Node, problems: Problems) -> Pretence:
    if isinstance(node, MappingNode):
        with Section(node, "a pretended answer", problems) as section:
            status = section.integer("status", 200, low=100, high=599)
            body = section.node("body")
            return Pretence(status, None if body is None else to_json(body))
    found = _word(node.text) if isinstance(node, Scalar) else None
    if found is None:
        problems.add(node.place, f"{kind(node)} is no pretended answer", CURE)
    return found or Pretence()


def _word(text: str) -> Pretence | None:
    for trouble in TROUBLES:
        if text == trouble:
            return Pretence(trouble=trouble)
    return Pretence(int(text)) if _STATUS.fullmatch(text) else None


def _from_text(text: str) -> Pretence | None:
    word = _word(text)
    if word is not None:
        return word
    try:
        body: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return Pretence(200, body)
