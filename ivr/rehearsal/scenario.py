"""Scenario files: what a caller does, and what must come of it. Reading only.

flow: clinic
scenarios:
  - name: A caller who wants an appointment gets one key away from a person
    at: 2026-03-02 10:00        # in the flow's zone
    from: "13800138000"
    channel: [voice, chat]      # by default a call, and a chat where that makes sense
    answer: {orders: {status: 200, body: {status: sent}}}     # see ivr.backends.pretences
    down: [branches]            # or slow, or lying
    switch: {desk: open}
    steps:
      - press: "1"              # keys as a telephone sends them
      - expect: {prompt: "For appointments"}
      - wait                    # no key
      - say: tomorrow           # words, in a chat or an SMS
      - code: sent              # the code that was sent: sent, wrong or expired
      - queue: timeout          # answered, timeout, nobody, full, closed, failed; also a kind of
                                # nobody: empty, unskilled, paused, busy
      - transfer: busy          # answered, busy, no_answer, failed
      - record: 12s             # or nothing
      - answer: {orders: 404}   # from here on
      - expect: hangup
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from ivr.backends.pretences import TROUBLES, Pretence, Pretences, read_pretences
from ivr.flow.actions import NOBODY, OUTCOMES, TRANSFER_OUTCOMES
from ivr.flow.errands import LEVELS
from ivr.flow.loading.loader import SCENARIOS
from ivr.flow.loading.section import Section, as_choice, as_duration, as_integer, as_list, as_text
from ivr.flow.loading.yaml import Node, Problems, Scalar, parse, quote
from ivr.flow.words import Place

Channel = Literal["voice", "chat", "sms"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
DEFAULT_MOMENT = "2026-03-02 10:00"
"""A Monday morning, for scenarios to which the time does not matter."""
CODES = ("sent", "wrong", "expired")
"""What a caller can give as the one-time code."""

_KEYS = re.compile(r"[0-9*#]+")
_TEXTS = ("prompt", "spoken", "written", "step", "queue", "priority", "tell_agent", "voicemail")
_MORE_TEXTS = ("record", "transfer", "hangup", "language", "verified", "level")
_PAIRS = ("needs", "fields", "sms", "callback", "booked")
EXPECTATIONS = (*_TEXTS, *_MORE_TEXTS, *_PAIRS)
_PARTS = {"sms": ("to", "text"), "callback": ("queue", "number"), "booked": ("service", "time")}
"""What can be said of a text message, a promise to ring back, an appointment."""


@dataclass(frozen=True, slots=True)
class World:
    """What is pretended of the house: answers, and calendars held open (true) or closed."""

    pretences: Pretences = field(default_factory=dict)
    switches: Mapping[str, bool] = field(default_factory=dict)

    def over(self, before: World) -> World:
        """This one where it says something, `before` elsewhere."""
        return World({**before.pretences, **self.pretences}, {**before.switches, **self.switches})


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that must be so; `wanted` is text, or a mapping of texts."""

    what: str
    wanted: str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Move:
    """One line of a scenario.

    `kind` is press, say, wait, code, queue, transfer, record, answer (`world` changes) or expect.
    """

    place: Place
    kind: str
    value: str = ""
    seconds: float | None = None
    expected: tuple[Expectation, ...] = ()
    world: World = field(default_factory=World)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One conversation, played and checked. `channels` is empty where none is named."""

    name: str
    flow: str
    place: Place
    at: str
    caller: str
    language: str | None
    moves: tuple[Move, ...]
    channels: tuple[Channel, ...] = ()
    world: World = field(default_factory=World)

    def plays_on(self) -> tuple[Channel, ...]:
        """The channels it is played on.

        Without a word on it: a call, and a chat unless it needs a telephone's silence, or a key
        that takes others back; words alone can only be written.
        """
        if self.channels:
            return self.channels
        if any(move.kind == "say" for move in self.moves):
            return ("chat",)
        return ("voice",) if any(map(_needs_telephone, self.moves)) else ("voice", "chat")


def _needs_telephone(move: Move) -> bool:
    takes_back = move.kind == "press" and re.search(r"[0-9]\*", move.value) is not None
    return move.kind == "wait" or takes_back


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
            channels=_channels(section, moves, problems),
            world=_world(section, problems),
        )


def _channels(section: Section, moves: tuple[Move, ...], problems: Problems) -> tuple[Channel, ...]:
    named = section.texts("channel")
    for name in named:
        if name not in CHANNELS:
            cure = f"it is one of {', '.join(CHANNELS)}"
            problems.add(section.place_of("channel"), f"no channel is called {quote(name)}", cure)
    if "voice" in named:
        for move in moves:
            if move.kind == "say":
                cure = "press keys, or name the channels chat and sms"
                problems.add(move.place, "nobody can write on the telephone", cure)
    return tuple(channel for channel in CHANNELS if channel in named)


def _world(section: Section, problems: Problems) -> World:
    pretences: dict[str, tuple[Pretence, ...]] = {}
    node = section.node("answer")
    if node is not None:
        pretences.update(read_pretences(node, '"answer"', problems))
    for trouble in TROUBLES:
        for service in section.texts(trouble):
            pretences[service] = (Pretence(trouble=trouble),)
    switches: dict[str, bool] = {}
    for calendar, _, node in section.entries("switch"):
        stand = as_choice(node, quote(calendar), problems, ("open", "closed"))
        switches[calendar] = stand == "open"
    return World(pretences, switches)


# --- moves -----------------------------------------------------------------------------------


def _move(node: Node, problems: Problems) -> Move | None:
    if isinstance(node, Scalar):
        if node.text == "wait":
            return Move(node.place, "wait")
        problems.add(
            node.place, f"{quote(node.text)} is no step", problems.guess(node.text, _MOVES)
        )
        return None
    with Section(node, "the step", problems) as section:
        if any(key in section for key in (*_WORLD, *TROUBLES)):
            return Move(node.place, "answer", world=_world(section, problems))
        kinds = [key for key in section if key in _MOVES]
        value = section.node(kinds[0]) if kinds else None
        if value is None:
            list(section.rest())
            known = ", ".join((*_MOVES, *_WORLD, *TROUBLES))
            problems.add(node.place, "a step does one thing", f"it is one of {known}")
            return None
        return replace(_MOVES[kinds[0]](value, problems), place=node.place)


_WORLD = ("answer", "switch")


def _press(node: Node, problems: Problems) -> Move:
    keys = as_text(node, '"press"', problems) or ""
    if keys and not _KEYS.fullmatch(keys):
        problems.add(node.place, f"{quote(keys)} are no keys", "keys are 0-9, * and #")
    return Move(node.place, "press", keys)


def _say(node: Node, problems: Problems) -> Move:
    return Move(node.place, "say", as_text(node, '"say"', problems) or "")


def _wait(node: Node, problems: Problems) -> Move:
    if not (isinstance(node, Scalar) and node.empty):
        problems.add(node.place, '"wait" has no value', "it lets the question pass in silence")
    return Move(node.place, "wait")


def _one_of(kind: str, words: tuple[str, ...]) -> Callable[[Node, Problems], Move]:
    def read(node: Node, problems: Problems) -> Move:
        return Move(node.place, kind, as_choice(node, quote(kind), problems, words) or words[0])

    return read


def _record(node: Node, problems: Problems) -> Move:
    if isinstance(node, Scalar) and node.text == "nothing":
        return Move(node.place, "record")
    return Move(node.place, "record", seconds=as_duration(node, '"record"', problems, low=1))


def _expect(node: Node, problems: Problems) -> Move:
    if isinstance(node, Scalar) and node.text == "hangup":
        return Move(node.place, "expect", expected=(Expectation("hangup", "true"),))
    expected: list[Expectation] = []
    with Section(node, "the expectation", problems) as section:
        for what in EXPECTATIONS:
            value = section.node(what)
            if value is not None:
                expected.append(Expectation(what, _wanted(value, what, problems)))
    return Move(node.place, "expect", expected=tuple(expected))


def _wanted(node: Node, what: str, problems: Problems) -> str | dict[str, str]:
    match what:
        case "hangup" | "verified":
            return as_choice(node, quote(what), problems, ("true", "false")) or ""
        case "level":
            return as_choice(node, quote(what), problems, LEVELS) or ""
        case _ if what in _PAIRS:
            return _pairs(node, what, problems)
        case _:
            return as_text(node, quote(what), problems) or ""


def _pairs(node: Node, what: str, problems: Problems) -> dict[str, str]:
    pairs: dict[str, str] = {}
    with Section(node, quote(what), problems) as section:
        for name in _PARTS.get(what, ()):
            if (text := section.text(name, None)) is not None:
                pairs[name] = text
        for name, _, value in () if what in _PARTS else section.rest():
            if what == "needs":
                pairs[name] = str(as_integer(value, quote(name), problems, low=1, high=10))
            else:
                pairs[name] = as_text(value, quote(name), problems) or ""
    return pairs


_MOVES: dict[str, Callable[[Node, Problems], Move]] = {
    "press": _press,
    "say": _say,
    "wait": _wait,
    "code": _one_of("code", CODES),
    "queue": _one_of("queue", (*OUTCOMES, *NOBODY)),
    "transfer": _one_of("transfer", TRANSFER_OUTCOMES),
    "record": _record,
    "expect": _expect,
}
