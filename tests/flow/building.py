"""Flows built as data, without a file: for the tests of what runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ivr.flow.actions import OUTCOMES, TRANSFER_OUTCOMES, Ask, Outcome, Prompts, TransferOutcome
from ivr.flow.asking import Asking
from ivr.flow.calendar import Calendar, Span, Switches
from ivr.flow.errands import AnyAction, AnyResult
from ivr.flow.fields import Field
from ivr.flow.model import AnyStep, Flow, HangupStep, Language, SayStep
from ivr.flow.running.interpreter import Facts, State, Turn, again, resume, start
from ivr.flow.templates import compile_condition, compile_text
from ivr.flow.words import Escalation, Speech, Template, Words

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)  # a Monday
SHANGHAI = ZoneInfo("Asia/Shanghai")
CALLER = "13800138000"


def text(source: str) -> Template:
    """Words with fields in them."""
    return compile_text(source)


def condition(source: str) -> Template:
    """A condition over fields."""
    return compile_condition(source)


def texts(**sources: str) -> dict[str, Template]:
    """Several of them, by name."""
    return {name: text(source) for name, source in sources.items()}


def say(*pieces: str, **by_language: str) -> Speech:
    """English pieces, or one piece in several languages."""
    if by_language:
        return (Words(texts(**by_language)),)
    return tuple(Words(texts(en=piece)) for piece in pieces)


def growing(*pieces: str, instead: bool = False) -> Escalation:
    """Words for the first, second, ... failed try."""
    return Escalation(tuple(say(piece) for piece in pieces), instead)


def asking(otherwise: str = "bye", **options: Any) -> Asking:
    """How a step asks."""
    return Asking(otherwise, **options)


def field(name: str, kind: str = "digits", **options: Any) -> Field:
    """A field of the flow."""
    return Field(name, kind, **options)  # type: ignore[arg-type]  # a literal, from the tests


def calendar(name: str = "desk", days: Iterable[int] = range(5)) -> Calendar:
    """Open from 9 to 17 UTC on these weekdays."""
    week = tuple((Span(9 * 60, 17 * 60),) if day in set(days) else () for day in range(7))
    return Calendar(name, ZoneInfo("UTC"), week, closed=frozenset({date(2026, 12, 25)}))


def exits(target: str) -> dict[Outcome, str]:
    """Every way out of a queue leads to one step."""
    return {outcome: target for outcome in OUTCOMES if outcome != "answered"}


def transfer_exits(target: str) -> dict[TransferOutcome, str]:
    """Every way out of a transfer leads to one step."""
    return {outcome: target for outcome in TRANSFER_OUTCOMES if outcome != "answered"}


BYE = HangupStep(name="bye", say=say("Goodbye."))
OVER = SayStep(name="over", say=say("Given up."), next="bye")


def flow(*steps: AnyStep, **options: Any) -> Flow:
    """A flow that begins with the first of these steps; `bye` and `over` are there always."""
    everything = {step.name: step for step in (*steps, BYE, OVER)}
    options.setdefault("languages", (Language("en"),))
    known: Iterable[Field] = options.pop("fields", ())
    options["fields"] = {each.name: each for each in known}
    calendars: Iterable[Calendar] = options.pop("calendars", ())
    options["calendars"] = {each.name.rpartition(".")[2]: each for each in calendars}
    options.setdefault("name", "test")
    return Flow(
        revision="1", path="test.yaml", start=next(iter(everything)), steps=everything, **options
    )


class Call:
    """Drives a flow result by result and remembers every event."""

    def __init__(
        self,
        flow: Flow,
        *,
        channel: str = "voice",
        caller: str = CALLER,
        now: datetime = NOW,
        language: str | None = None,
        switches: Switches | None = None,
    ) -> None:
        self.flow, self.now = flow, now
        self.switches: Switches = switches or {}
        self.events: list[tuple[str, dict[str, object]]] = []
        facts = Facts(caller, "4000", channel)
        self.turn = self._note(start(flow, facts, now, language, self.switches))

    @property
    def action(self) -> AnyAction:
        """What the flow asks for now."""
        return self.turn.action

    @property
    def state(self) -> State:
        """Where the call stands."""
        return self.turn.state

    @property
    def fields(self) -> Mapping[str, object]:
        """The fields of the flow that has the call."""
        return self.turn.state.fields

    def give(self, *results: AnyResult) -> AnyAction:
        """Answers, one after another; returns the last action."""
        for result in results:
            turn = resume(self.flow, self.turn.state, result, self.now, self.switches)
            self.turn = self._note(turn)
        return self.turn.action

    def restart(self) -> AnyAction:
        """The service ends and comes back; returns what it asks for then."""
        state = State.from_json(self.turn.state.to_json())
        self.turn = self._note(again(self.flow, state, self.now, self.switches))
        return self.turn.action

    def told(self, kind: str) -> list[dict[str, object]]:
        """The data of every event of a kind."""
        return [data for each, data in self.events if each == kind]

    def _note(self, turn: Turn) -> Turn:
        self.events += [(event.kind, dict(event.data)) for event in turn.events]
        return turn


def words(action: object) -> str:
    """Everything an action says."""
    prompts: Prompts = getattr(action, "prompts", ())
    return " ".join(prompt.text for prompt in prompts)


def asked(action: object) -> Ask:
    """The question that an action is."""
    assert isinstance(action, Ask)
    return action
