"""Scenarios played without a telephone: a pretended call, chat or SMS thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from ivr.channels.text import Conversation, Waiting, moment_of
from ivr.errors import IvrError
from ivr.flow.actions import (
    Ask,
    Event,
    Queue,
    Record,
    Transfer,
    TransferOutcome,
    Voicemail,
)
from ivr.flow.loading.loader import Library
from ivr.flow.loading.yaml import quote, suggest
from ivr.flow.running.state import Facts
from ivr.flow.words import Place
from ivr.rehearsal.house import CODE_DIGITS, check_names, pretended_house, switches_of
from ivr.rehearsal.judging import View, differs, stands, wanted
from ivr.rehearsal.scenario import Channel, Move, Scenario
from ivr.rehearsal.telling import told


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a scenario went wrong: what was wanted, what came instead, and the story so far."""

    place: Place
    wanted: str
    got: str
    story: tuple[str, ...] = ()


def ends_of_waits(scenario: Scenario, library: Library) -> tuple[str, ...]:
    """How the scenario ends each queue and transfer of a call, in order; "" is by a key."""
    ends: list[str] = []
    play(scenario, library, "voice", ends)
    return tuple(ends)


def play(
    scenario: Scenario,
    library: Library,
    channel: Channel | None = None,
    ends: list[str] | None = None,
) -> Failure | None:
    """Runs one scenario on a channel, by default its first; None when all came as expected.

    `ends` takes down what `ends_of_waits` tells.
    """
    channel = channel or scenario.plays_on()[0]
    flow = library.flows.get(scenario.flow)
    if flow is None:
        known = suggest(scenario.flow, library.flows)
        return Failure(scenario.place, f"flow {quote(scenario.flow)}", f"no such flow ({known})")
    number = flow.numbers[0] if flow.numbers else ""
    try:
        house = pretended_house(library, flow, scenario.world.pretences)
        call = Conversation(
            flow,
            house,
            moment_of(scenario.at, flow),
            Facts(scenario.caller, number, channel),
            scenario.language,
            switches=switches_of(flow, scenario.world.switches),
        )
        world = scenario.world
        for move in scenario.moves:
            if move.kind == "answer":
                world = move.world.over(world)
                check_names(flow, house.sources, move.world.pretences)
                house.tell(move.world.pretences)
                call.switches = switches_of(flow, world.switches)
            if ends is not None and move.kind in {"queue", "transfer"}:
                ends.append(move.value)
            elif ends is not None and move.kind == "press" and isinstance(call.waiting, Queue):
                ends.append("")
            failure = _make(move, call, house.messages)
            if failure is not None:
                return failure
    except IvrError as error:
        return Failure(scenario.place, "a call that goes through", str(error))
    return None


def view(call: Conversation, messages: Sequence[tuple[str, str]] = ()) -> View:
    """The conversation as it stands."""
    return View(
        events=[each for each in call.log if isinstance(each, Event)],
        state=call.state,
        heard=call.heard(),
        channel=call.facts.channel,
        messages=messages,
    )


_NEEDED: dict[str, tuple[tuple[type[Waiting], ...], str]] = {
    "press": ((Ask,), "a question"),
    "say": ((Ask, Queue, Transfer, Voicemail, Record), "a conversation"),
    "wait": ((Ask,), "a question"),
    "code": ((Ask,), "a question"),
    "queue": ((Queue,), "a queue"),
    "transfer": ((Transfer,), "a transfer"),
    "record": ((Voicemail, Record), "a recording"),
}


def _make(move: Move, call: Conversation, messages: Sequence[tuple[str, str]]) -> Failure | None:
    kinds, where = _needed(move, call)
    if kinds and not isinstance(call.waiting, kinds):
        return _failure(move, f"{move.kind} at {where}", stands(view(call)), call)
    match move.kind:
        case "press":
            if left := call.press(move.value):
                got = f"nothing was asked for the last keys, {left}; {stands(view(call))}"
                return _failure(move, f"press {move.value}", got, call)
        case "say":
            call.write(move.value)
        case "code":
            _give_code(move.value, call)
        case "wait":
            call.silence()
        case "queue":
            call.leave_queue(move.value)
        case "transfer":
            call.leave_transfer(cast("TransferOutcome", move.value))
        case "record":
            call.record(move.seconds)
        case "expect":
            for expectation in move.expected:
                instead = differs(expectation, view(call, messages))
                if instead is not None:
                    return _failure(move, wanted(expectation), instead, call)
    return None


def _needed(move: Move, call: Conversation) -> tuple[tuple[type[Waiting], ...], str]:
    """What a move needs; a key leads out of a wait only where the flow has one for it."""
    waits = isinstance(call.waiting, Queue) and call.waiting.waiting is not None
    if move.kind == "press" and waits:
        return (Queue,), "a wait"
    return _NEEDED.get(move.kind, ((), ""))


EXPIRY = 3600.0
"""Seconds after which no code is good any more."""


def _give_code(which: str, call: Conversation) -> None:
    """The code that was sent, in time or too late; or one that was not."""
    length = call.waiting.length_max if isinstance(call.waiting, Ask) else len(CODE_DIGITS)
    code = (CODE_DIGITS * 2)[:length]
    if which == "expired":
        call.now += timedelta(seconds=EXPIRY)
    call.press(code if which != "wrong" else "0" * length)


def _failure(move: Move, wanted: str, got: str, call: Conversation) -> Failure:
    return Failure(move.place, wanted, got, tuple(map(told, call.log[-14:])))
