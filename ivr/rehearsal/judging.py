"""Whether a conversation came as a scenario expects it, told from what every medium writes down.

The same judgement serves a pretended call and a real one: it reads the contact's events, where its
flow stands, and what was said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ivr.flow.running.state import State
from ivr.rehearsal.scenario import Expectation


class Told(Protocol):
    """One event of a contact."""

    @property
    def kind(self) -> str:
        """What happened."""

    @property
    def data(self) -> Mapping[str, object]:
        """What is known of it."""


@dataclass(frozen=True, slots=True)
class View:
    """A conversation at the moment of an expectation.

    `heard` is what was said since the caller last did something; `messages` are the text messages
    sent so far, number and words.
    """

    events: Sequence[Told]
    state: State
    heard: str
    channel: str
    messages: Sequence[tuple[str, str]] = ()

    def last(self, *kinds: str) -> Told | None:
        """The last event of one of these kinds."""
        return next((each for each in reversed(self.events) if each.kind in kinds), None)


_STANDS = ("queue", "transfer", "voicemail", "record")
_ENDS = ("queue_left", "transfer_left", "recorded", "not_recorded", "hangup", "step")
_DEEDS = {"callback": {"queue": "queue", "number": "number"}}
_DEEDS["booked"] = {"service": "service", "time": "start"}


def stand(view: View) -> Told | None:
    """The event that tells where the conversation stands; None at a question."""
    told = view.last(*_STANDS, *_ENDS)
    return told if told is not None and told.kind in (*_STANDS, "hangup") else None


def stands(view: View) -> str:
    """The same in words."""
    told = stand(view)
    match told.kind if told is not None else "":
        case "":
            return "the call is at a question"
        case "hangup":
            return "the call is at the end of the call"
        case "queue":
            return f"the call is in queue {_of(told, 'queue')}"
        case "transfer":
            return f"the call is being transferred to {_of(told, 'to')}"
        case kind:
            return f"the call is at {kind} {_of(told, 'mailbox') or _of(told, 'name')}"


def differs(expectation: Expectation, view: View) -> str | None:
    """None when it is so, else what is so instead."""
    what, wanted = expectation.what, expectation.wanted
    if isinstance(wanted, Mapping):
        return _pairs_differ(what, wanted, view)
    told = stand(view)
    match what:
        case "prompt" | "spoken" | "written":
            if (what == "spoken" and view.channel != "voice") or (
                what == "written" and view.channel == "voice"
            ):
                return None
            said = view.heard
            return None if _run_on(wanted) in _run_on(said) else f"prompt {said or '(silence)'}"
        case "hangup":
            over = told is not None and told.kind == "hangup"
            return None if wanted == _plain_truth(over) else stands(view)
        case "queue" | "priority" | "tell_agent":
            if told is None or told.kind != "queue":
                return stands(view)
            got = str(told.data.get(what, ""))
        case "voicemail" | "record" | "transfer":
            if told is None or told.kind != what:
                return stands(view)
            got = _of(told, {"voicemail": "mailbox", "record": "name", "transfer": "to"}[what])
        case "verified":
            got = _plain_truth(view.state.verified)
        case _:
            got = str(getattr(view.state, what))
    found = wanted in got if what == "tell_agent" else wanted == got
    return None if found else f"{what} {got}"


def wanted(expectation: Expectation) -> str:
    """An expectation in words."""
    if isinstance(expectation.wanted, str):
        return f"{expectation.what} {expectation.wanted}"
    return f"{expectation.what} {_shown_pairs(expectation.wanted)}"


def _pairs_differ(what: str, pairs: Mapping[str, str], view: View) -> str | None:
    if what == "sms" or what in _DEEDS:
        return _deed_differs(what, pairs, view)
    if what == "fields":
        return _shown(what, pairs, view.state.fields)
    told = stand(view)
    if told is None or told.kind != "queue":
        return stands(view)
    return _shown(what, pairs, dict(_needs(told.data.get("needs"))))


def _shown(what: str, pairs: Mapping[str, str], values: Mapping[str, object]) -> str | None:
    wrong = [
        f"{name}: {plain(values.get(name))}"
        for name, value in pairs.items()
        if plain(values.get(name)) != value
    ]
    return f"{what} {{{', '.join(wrong)}}}" if wrong else None


def _needs(told: object) -> Iterator[tuple[str, object]]:
    for each in told if isinstance(told, list | tuple) else ():
        skill, _, level = str(each).rpartition(":")
        yield skill, level


def _deed_differs(what: str, pairs: Mapping[str, str], view: View) -> str | None:
    """Whether something was sent, promised or booked so; a text counts by a part of it."""
    if what == "sms":
        done = [{"to": to, "text": text} for to, text in view.messages]
    else:
        names = _DEEDS[what]
        found = [each for each in view.events if each.kind == what]
        done = [{name: _of(each, names[name]) for name in names} for each in found]
    for each in done:
        if _deed_is(pairs, each):
            return None
    return f"{what} " + "; ".join(map(_shown_pairs, done)) if done else f"no {what}"


_NUMBERS = ("to", "number")
_SHORTEST_ALIKE = 6
"""Digits at the end of two numbers that tell that they are one."""


def _deed_is(pairs: Mapping[str, str], done: Mapping[str, str]) -> bool:
    for name, value in pairs.items():
        if name == "text":
            same = value in done[name]
        elif name in _NUMBERS:
            same = _same_number(value, done[name])
        else:
            same = value == done[name]
        if not same:
            return False
    return True


def _same_number(one: str, other: str) -> bool:
    """The same, or one with and the other without its country: +447700900123 and 07700900123."""
    short, long = sorted((one.lstrip("+0"), other.lstrip("+0")), key=len)
    return one == other or (len(short) >= _SHORTEST_ALIKE and long.endswith(short))


def _shown_pairs(pairs: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in pairs.items()) + "}"


def _of(told: Told | None, name: str) -> str:
    value = told.data.get(name) if told is not None else None
    return "" if value is None else str(value)


def _run_on(text: str) -> str:
    """Lines of a message and spaces between words are the same to a scenario."""
    return " ".join(text.split())


def _plain_truth(value: bool) -> str:
    return "true" if value else "false"


def plain(value: object) -> str:
    """A field's value as a scenario writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "(not set)" if value is None else str(value)
