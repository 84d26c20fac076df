"""Scenario files: what a caller does, and what must come of it.

flow: clinic
scenarios:
  - name: A caller who wants an appointment gets one key away from a person
    at: 2026-03-02 10:00        # in the zone of the flow's first calendar
    from: "13800138000"
    steps:
      - press: "1"              # keys as a telephone sends them
      - expect: {prompt: "For appointments"}
      - wait                    # no key
      - press: "1"
      - expect: {queue: appointments, needs: {english: 3}, fields: {reason: appointment}}
      - queue: timeout          # answered, timeout, nobody, full, closed, failed
      - record: 12s             # or nothing
      - expect: hangup
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from ivr.channels.text import Conversation, Waiting, moment_of
from ivr.errors import IvrError
from ivr.flow.actions import OUTCOMES, Ask, Hangup, Outcome, Queue, Voicemail
from ivr.flow.loader import SCENARIOS, Library
from ivr.flow.model import Flow, Place
from ivr.flow.section import Section, as_choice, as_duration, as_integer, as_list, as_text
from ivr.flow.state import Facts
from ivr.flow.yaml import Node, Problems, Scalar, parse, quote, suggest

DEFAULT_MOMENT = "2026-03-02 10:00"
"""A Monday morning, for scenarios to which the time does not matter."""

_KEYS = re.compile(r"[0-9*#]+")
EXPECTATIONS = (
    *("prompt", "step", "queue", "needs", "priority", "tell_agent", "fields", "voicemail"),
    *("hangup", "language", "verified"),
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that must be so; `wanted` is text, or a mapping of texts."""

    what: str
    wanted: str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Move:
    """One line of a scenario: press, wait, queue, record, or expect (which does nothing)."""

    place: Place
    kind: str
    value: str = ""
    seconds: float | None = None
    expected: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One call, played and checked."""

    name: str
    flow: str
    place: Place
    at: str
    caller: str
    language: str | None
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a scenario went wrong: what was wanted, what came instead, and the call so far."""

    place: Place
    wanted: str
    got: str
    conversation: Conversation | None = None


# --- reading ---------------------------------------------------------------------------------


def find(path: Path) -> list[Path]:
    """The scenario files of a folder, or the file itself."""
    return sorted(path.glob("*" + SCENARIOS)) if path.is_dir() else [path]


def read_scenarios(source: bytes | str, file: str, problems: Problems) -> tuple[Scenario, ...]:
    """The scenarios of a file; mistakes go to `problems`."""
    root = parse(source, file, problems)
    if root is None:
        return ()
    with Section(root, "the scenarios", problems) as section:
        flow = section.text("flow")
        node = section.node("scenarios", required=True)
        if node is None:
            return ()
        return as_list(node, '"scenarios"', problems, lambda n: _scenario(n, flow, problems))


def _scenario(node: Node, flow: str, problems: Problems) -> Scenario:
    with Section(node, "the scenario", problems) as section:
        name = section.text("name")
        at = section.text("at", DEFAULT_MOMENT)
        try:
            datetime.fromisoformat(at)
        except ValueError:
            place = section.place_of("at")
            problems.add(place, f"{quote(at)} is no moment", "write it as 2026-03-02 10:00")
        steps = section.node("steps", required=True)
        moves = as_list(steps, '"steps"', problems, lambda n: _move(n, problems)) if steps else ()
        return Scenario(
            name=name,
            flow=flow,
            place=node.place,
            at=at,
            caller=section.text("from", ""),
            language=section.text("language", None),
            moves=moves,
        )


def _move(node: Node, problems: Problems) -> Move | None:
    if isinstance(node, Scalar):
        if node.text == "wait":
            return Move(node.place, "wait")
        problems.add(
            node.place, f"{quote(node.text)} is no step", problems.guess(node.text, _MOVES)
        )
        return None
    with Section(node, "the step", problems) as section:
        kinds = [key for key in section if key in _MOVES]
        value = section.node(kinds[0]) if kinds else None
        if value is None:
            list(section.rest())
            known = ", ".join(_MOVES)
            problems.add(node.place, "a step does one thing", f"it is one of {known}")
            return None
        return _MOVES[kinds[0]](value, node.place, problems)


def _press(node: Node, place: Place, problems: Problems) -> Move:
    keys = as_text(node, '"press"', problems) or ""
    if keys and not _KEYS.fullmatch(keys):
        problems.add(node.place, f"{quote(keys)} are no keys", "keys are 0-9, * and #")
    return Move(place, "press", keys)


def _wait(node: Node, place: Place, problems: Problems) -> Move:
    if not (isinstance(node, Scalar) and node.empty):
        problems.add(node.place, '"wait" has no value', "it lets the question pass in silence")
    return Move(place, "wait")


def _queue(node: Node, place: Place, problems: Problems) -> Move:
    return Move(place, "queue", as_choice(node, '"queue"', problems, OUTCOMES) or OUTCOMES[0])


def _record(node: Node, place: Place, problems: Problems) -> Move:
    if isinstance(node, Scalar) and node.text == "nothing":
        return Move(place, "record")
    return Move(place, "record", seconds=as_duration(node, '"record"', problems, low=1))


def _expect(node: Node, place: Place, problems: Problems) -> Move:
    if isinstance(node, Scalar) and node.text == "hangup":
        return Move(place, "expect", expected=(Expectation("hangup", "true"),))
    expected: list[Expectation] = []
    with Section(node, "the expectation", problems) as section:
        for what in EXPECTATIONS:
            value = section.node(what)
            if value is None:
                continue
            if what in {"needs", "fields"}:
                expected.append(Expectation(what, _pairs(value, what, problems)))
            else:
                text = as_text(value, quote(what), problems)
                expected.append(Expectation(what, text or ""))
    return Move(place, "expect", expected=tuple(expected))


def _pairs(node: Node, what: str, problems: Problems) -> dict[str, str]:
    pairs: dict[str, str] = {}
    with Section(node, quote(what), problems) as section:
        for name, _, value in section.rest():
            if what == "needs":
                pairs[name] = str(as_integer(value, quote(name), problems, low=1, high=10))
            else:
                pairs[name] = as_text(value, quote(name), problems) or ""
    return pairs


_MOVES: dict[str, Callable[[Node, Place, Problems], Move]] = {
    "press": _press,
    "wait": _wait,
    "queue": _queue,
    "record": _record,
    "expect": _expect,
}


# --- playing ---------------------------------------------------------------------------------


def play(scenario: Scenario, library: Library) -> Failure | None:
    """Runs one scenario; None when everything came as expected."""
    flow = library.flows.get(scenario.flow)
    if flow is None:
        known = suggest(scenario.flow, library.flows)
        return Failure(scenario.place, f"flow {quote(scenario.flow)}", f"no such flow ({known})")
    number = flow.numbers[0] if flow.numbers else ""
    try:
        call = Conversation(
            library,
            flow,
            moment_of(scenario.at, flow),
            Facts(scenario.caller, number, "text"),
            scenario.language,
        )
        for move in scenario.moves:
            failure = _make(move, call, flow)
            if failure is not None:
                return failure
    except IvrError as error:
        return Failure(scenario.place, "a call that goes through", str(error))
    return None


def _make(move: Move, call: Conversation, flow: Flow) -> Failure | None:
    needed = {"press": Ask, "wait": Ask, "queue": Queue, "record": Voicemail}.get(move.kind)
    if needed is not None and not isinstance(call.waiting, needed):
        wanted = f"{move.kind} at {_WAITING[needed]}"
        return Failure(move.place, wanted, _stands(call.waiting), call)
    match move.kind:
        case "press":
            left = call.press(move.value)
            if left:
                wanted = f"press {move.value}"
                got = f"nothing was asked for the last keys, {left}; {_stands(call.waiting)}"
                return Failure(move.place, wanted, got, call)
        case "wait":
            call.silence()
        case "queue":
            call.leave_queue(cast("Outcome", move.value))
        case "record":
            call.record(move.seconds)
        case _:
            for expectation in move.expected:
                instead = _compare(expectation, call)
                if instead is not None:
                    return Failure(move.place, _wanted(expectation), instead, call)
    return None


_WAITING = {
    Ask: "a question",
    Queue: "a queue",
    Voicemail: "a voicemail",
    Hangup: "the end of the call",
}


def _stands(waiting: Waiting) -> str:
    match waiting:
        case Queue(queue):
            return f"the call is in queue {queue}"
        case Voicemail(mailbox):
            return f"the call is at voicemail {mailbox}"
        case _:
            return f"the call is at {_WAITING[type(waiting)]}"


def _wanted(expectation: Expectation) -> str:
    if isinstance(expectation.wanted, str):
        return f"{expectation.what} {expectation.wanted}"
    pairs = ", ".join(f"{name}: {value}" for name, value in expectation.wanted.items())
    return f"{expectation.what} {{{pairs}}}"


def _compare(expectation: Expectation, call: Conversation) -> str | None:
    """None when it is so, else what is so instead."""
    what, wanted, at = expectation.what, expectation.wanted, call.waiting
    if isinstance(wanted, Mapping):
        return _compare_pairs(what, wanted, call)
    match what:
        case "prompt":
            return None if wanted in call.heard() else f"prompt {call.heard() or '(silence)'}"
        case "hangup":
            return None if wanted == _truth(call.over) else _stands(at)
        case "queue" | "priority" | "tell_agent":
            if not isinstance(at, Queue):
                return _stands(at)
            got = str(getattr(at, what))
        case "voicemail":
            if not isinstance(at, Voicemail):
                return _stands(at)
            got = at.mailbox
        case "verified":
            got = _truth(call.state.verified)
        case _:
            got = str(getattr(call.state, what))
    found = wanted in got if what == "tell_agent" else wanted == got
    return None if found else f"{what} {got}"


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _compare_pairs(what: str, wanted: Mapping[str, str], call: Conversation) -> str | None:
    at = call.waiting
    if what == "needs" and not isinstance(at, Queue):
        return _stands(at)
    values: Mapping[str, object] = at.needs if isinstance(at, Queue) else {}
    if what == "fields":
        values = call.state.fields
    wrong = [f"{name}: {_plain(values.get(name))}" for name in _differ(wanted, values)]
    return f"{what} {{{', '.join(wrong)}}}" if wrong else None


def _differ(wanted: Mapping[str, str], values: Mapping[str, object]) -> Iterator[str]:
    return (name for name, value in wanted.items() if _plain(values.get(name)) != value)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "(not set)" if value is None else str(value)
