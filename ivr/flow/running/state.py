"""Where a call stands in its flow: everything needed to carry on, now or after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from ivr.errors import IvrError, ServiceFault
from ivr.flow.actions import Event, Value
from ivr.flow.errands import AnyAction, Slot

Phase = Literal[
    "say",
    "ask",
    "confirm",
    "error",
    "recognise",
    "identify",
    "send",
    "check",
    "http",
    "lookup",
    "sms",
    "callback",
    "room",
    "invite",
    "join",
    "slots",
    "reserve",
    "queue",
    "transfer",
    "record",
    "over",
]
"""What was asked for last: words, a question, an errand, people."""


class FlowStuck(IvrError):
    """A flow went through more steps than any call should, without the caller doing anything."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known before the first word; `caller` is "" when withheld."""

    caller: str = ""
    dialled: str = ""
    channel: str = "voice"


@dataclass(frozen=True, slots=True)
class Mark:
    """A question that was asked at `step`, and the fields answered there."""

    step: str
    answered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """A flow that waits at `step` while the sub-flow `runs` has the call."""

    step: str
    runs: str
    fields: Mapping[str, Value] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    trail: tuple[Mark, ...] = ()
    proven: Mapping[str, Value] = field(default_factory=dict)
    doubted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """One call in one flow. Secrets live here in memory and are left out of `to_json`.

    `flow` and `revision` are those of the flow the call began in; `step`, `fields` and `trail` of
    the one that has it at present, which is the last sub-flow of `frames`, if any.

    Of who is calling: `proofs` are the sources that matched, `proven` the fields they compared,
    `failures` the mismatches in this call, `doubted` fields that failed an `identify` before.
    Of the present step: `noinputs` and `nomatches` are its failed tries, `helps` how often help was
    given, `rounds` the failed comparisons or lost times, `held` an entry that awaits confirmation
    (or the time being reserved), `place` the question of a survey or the first time offered,
    `slots` the times to offer (`more`: later ones may be had), `notice` a sentence to say first,
    `handle` names a code that was sent. `asking` means that the end of `trail` is its question.
    `idle` counts the steps since the caller (or an agent) last did something, `asked` the questions
    of this call, `waits` its waits for people, `codes` the codes sent. `opens` is an ISO moment,
    `wait` the band in minutes that `room` found last (0, 0: nobody has to wait).
    `survey` names the survey that is under way and has not been told.
    """

    flow: str
    revision: str
    step: str
    facts: Facts
    language: str
    phase: Phase = "say"
    fields: Mapping[str, Value] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    frames: tuple[Frame, ...] = ()
    trail: tuple[Mark, ...] = ()
    verified: bool = False
    level: str = "unknown"
    customer: Mapping[str, Value] = field(default_factory=dict)
    proofs: tuple[str, ...] = ()
    proven: Mapping[str, Value] = field(default_factory=dict)
    failures: int = 0
    doubted: tuple[str, ...] = ()
    opens: str | None = None
    wait: tuple[int, int] | None = None
    noinputs: int = 0
    nomatches: int = 0
    helps: int = 0
    rounds: int = 0
    held: Value = None
    place: int = 0
    slots: tuple[Slot, ...] = ()
    more: bool = False
    notice: str = ""
    handle: str = ""
    asking: bool = False
    idle: int = 0
    asked: int = 0
    waits: int = 0
    codes: int = 0
    survey: str = ""

    @property
    def running(self) -> str:
        """The sub-flow that has the call at present; "" when it is the flow itself."""
        return self.frames[-1].runs if self.frames else ""

    def to_json(self) -> dict[str, Any]:
        """Plain data without secrets; `from_json` makes a state of it again."""
        plain = {name: _plain(getattr(self, name)) for name in _NAMES}
        plain["facts"] = {name: getattr(self.facts, name) for name in _FACTS}
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> State:
        """Raises ServiceFault when this is no state. What it lacks has its value at the start."""
        try:
            values = {name: plain[name] for name in _NAMES if name in plain}
            values["facts"] = Facts(**plain["facts"])
            for name in ("doubted", "proofs"):
                values[name] = tuple(plain.get(name, ()))
            if plain.get("wait") is not None:
                least, most = plain["wait"]
                values["wait"] = (int(least), int(most))
            values["slots"] = tuple(Slot(**each) for each in plain.get("slots", ()))
            values["trail"] = _trail(plain.get("trail", ()))
            values["frames"] = tuple(
                replace(Frame(**each), trail=_trail(each["trail"]), doubted=tuple(each["doubted"]))
                for each in plain.get("frames", ())
            )
            return cls(**values)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ServiceFault(f"a call's state cannot be read back: {error}") from error


_NAMES = tuple(each.name for each in fields(State) if each.name != "secrets")
_FACTS = tuple(each.name for each in fields(Facts))
_FRAME = tuple(each.name for each in fields(Frame) if each.name != "secrets")


def unfinished(position: Mapping[str, Any]) -> dict[str, Value] | None:
    """The event of a survey that the other side has left in the middle; None without any answer.

    `position` is a state as JSON: whoever hangs up does so without a word to the flow.
    """
    survey, trail = position.get("survey"), position.get("trail")
    if not survey or not trail or not position.get("asking"):
        return None
    fields = position["fields"]
    answers = {name: fields[name] for name in trail[-1]["answered"] if name in fields}
    return {**answers, "survey": survey} if answers else None


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return dict(value)
        case tuple():
            return [_plain(each) for each in value]
        case Slot():
            return {"id": value.id, "start": value.start}
        case Mark():
            return {"step": value.step, "answered": list(value.answered)}
        case Frame():
            return {name: _plain(getattr(value, name)) for name in _FRAME}
        case _:
            return value


def _trail(plain: Any) -> tuple[Mark, ...]:
    return tuple(Mark(each["step"], tuple(each["answered"])) for each in plain)


@dataclass(frozen=True, slots=True)
class Turn:
    """What to do next, where the call then stands, and what was decided on the way."""

    state: State
    action: AnyAction
    events: tuple[Event, ...]
