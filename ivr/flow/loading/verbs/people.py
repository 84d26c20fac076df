"""Steps that lead to people: queues, transfers and promises to ring back."""

from __future__ import annotations

from typing import cast

from ivr.flow.actions import NOBODY, OUTCOMES, TRANSFER_OUTCOMES, TransferOutcome
from ivr.flow.asking import RoomIn
from ivr.flow.loading.clause import EMPTY, Clause
from ivr.flow.loading.options import read_room, read_waiting
from ivr.flow.loading.section import Section
from ivr.flow.loading.yaml import Scalar, quote
from ivr.flow.model import CallbackStep, QueueStep, RoomStep, TransferStep
from ivr.flow.words import Template

TARGETS = ("agent", "queue", "outside")
RING = (5.0, 120.0)
_WHOM = "write {agent: ..., queue: ...}, {queue: ...} or {outside: ...}"
_FOR_PHONES = ("say", "ring", "busy", "no_answer", "failed")
"""Options of a transfer that mean nothing where a queue takes the call."""


def queue(clause: Clause) -> QueueStep:
    """Hand the caller to a person."""
    defaults = clause.reading.defaults
    exits = clause.queue_exits(OUTCOMES[1:], NOBODY)
    _one_agent(clause)
    return QueueStep(
        name=clause.name,
        place=clause.place,
        queue=clause.reading.template(clause.value, '"queue"'),
        needs=clause.needs(),
        priority=clause.template("priority"),
        tell_agent=clause.template("tell_agent"),
        whisper=clause.whisper(),
        agent=clause.template("agent"),
        prefer=clause.template("prefer"),
        prefer_for=clause.section.duration("prefer_for", None, low=1, high=3600),
        max_wait=clause.section.duration("max_wait", defaults.max_wait, low=1),
        hours=clause.hours(),
        waiting=read_waiting(clause.section, clause.reading, defaults.waiting),
        exits=exits,
        next=clause.step("next"),
    )


def _one_agent(clause: Clause) -> None:
    """One agent alone, or one first and then anyone: not both, and no time for neither."""
    section = clause.section
    if "agent" in section and "prefer" in section:
        cure = "`agent` waits for nobody else, `prefer` for anyone after a while"
        message = f"{section.what} has both `agent` and `prefer`"
        clause.problems.add(section.place_of("prefer"), message, cure)
    elif "prefer_for" in section and "prefer" not in section:
        cure = "name the agent under `prefer`"
        clause.problems.add(section.place_of("prefer_for"), "nobody is preferred here", cure)


def transfer(clause: Clause) -> TransferStep | QueueStep:
    """Connect with an agent, an outside number or a queue."""
    if isinstance(clause.value, Scalar):
        message = f'"transfer" does not say whether {quote(clause.value.text)} is an agent,'
        clause.problems.add(clause.value.place, f"{message} a queue or a number outside", _WHOM)
        list(clause.section.rest())
        return TransferStep(name=clause.name, place=clause.place, to=EMPTY, outside=True, exits={})
    with Section(clause.value, '"transfer"', clause.problems) as to:
        nodes = {key: to.node(key) for key in TARGETS}
        found = {
            key: clause.reading.template(node, quote(key))
            for key, node in nodes.items()
            if node is not None
        }
    what = tuple(found)
    if to.usable and what not in {("agent", "queue"), ("queue",), ("outside",)}:
        missing = "an agent is reached through a queue" if what == ("agent",) else "to whom?"
        clause.problems.add(to.place, f"this transfer is not clear: {missing}", _WHOM)
    if what == ("queue",):
        return _to_queue(clause, found["queue"])
    exits = clause.exits(TRANSFER_OUTCOMES[1:], _inherited(clause))
    return TransferStep(
        name=clause.name,
        place=clause.place,
        to=found.get("agent") or found.get("outside") or EMPTY,
        outside="outside" in found,
        queue=found.get("queue"),
        ring=clause.section.duration("ring", 25.0, low=RING[0], high=RING[1]),
        tell_agent=clause.template("tell_agent"),
        whisper=clause.whisper(),
        say=clause.spoken(),
        hours=clause.hours(),
        exits=cast(dict[TransferOutcome, str], exits),
        next=clause.step("next"),
    )


def _inherited(clause: Clause) -> dict[str, str]:
    otherwise = clause.reading.defaults.otherwise
    return {} if otherwise is None else {"otherwise": otherwise}


def _to_queue(clause: Clause, queue: Template) -> QueueStep:
    defaults = clause.reading.defaults
    for key in _FOR_PHONES:
        clause.section.allow(key)
        if key in clause.section:
            message = f"{quote(key)} means nothing when a queue takes the call"
            cure = "leave it away, or write `queue: ...` with the options of a queue"
            clause.problems.add(clause.section.place_of(key), message, cure)
    return QueueStep(
        name=clause.name,
        place=clause.place,
        queue=queue,
        tell_agent=clause.template("tell_agent"),
        whisper=clause.whisper(),
        max_wait=defaults.max_wait,
        hours=clause.hours(),
        waiting=defaults.waiting,
        exits=_queue_exits(clause),
        next=clause.step("next"),
    )


def _queue_exits(clause: Clause) -> dict[str, str]:
    own = clause.step("otherwise")
    inherited = clause.reading.defaults.exits
    rest = own or inherited.get("otherwise")
    exits: dict[str, str] = {}
    for outcome in OUTCOMES[1:]:
        way = rest if own else inherited.get(outcome, rest)
        if way:
            exits[outcome] = way
    if not own:
        exits.update({kind: inherited[kind] for kind in NOBODY if kind in inherited})
    if not exits.keys() >= set(OUTCOMES[1:]):
        cure = "add `otherwise`, here or under `queue` in the flow's defaults"
        message = f"{clause.section.what} is a transfer without a way out"
        clause.problems.add(clause.place, message, cure)
    return exits


def callback(clause: Clause) -> CallbackStep:
    """Promise to ring back. What is not told apart goes the way of the rest."""
    onward, otherwise = clause.next(), clause.otherwise()
    return CallbackStep(
        name=clause.name,
        place=clause.place,
        queue=clause.reading.template(clause.value, '"callback"'),
        number=clause.needed("number"),
        needs=clause.needs(),
        priority=clause.template("priority"),
        tell_agent=clause.template("tell_agent"),
        hours=clause.hours(),
        patience=clause.patience(),
        next=onward,
        already=clause.step("already") or onward,
        refused=clause.step("refused") or otherwise,
        otherwise=otherwise,
    )


def room(clause: Clause) -> RoomStep:
    """Go by whether somebody has room for one more contact."""
    found = read_room(clause.value, clause.reading)
    within = clause.section.duration("within", None, low=1, high=3600)
    if within is not None and found is not None and found.channel != "voice":
        cure = "leave `within` away: a chat is told of room that is there"
        place = clause.section.place_of("within")
        clause.problems.add(place, "only a call can be promised for later", cure)
    return RoomStep(
        name=clause.name,
        place=clause.place,
        room=found or RoomIn("voice", EMPTY),
        needs=clause.needs(),
        within=within,
        next=clause.next(),
        otherwise=clause.otherwise(),
    )
