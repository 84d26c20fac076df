"""Small flows for the tests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ivr.flow.checking.checks import Floor, check, check_together
from ivr.flow.errands import AnyAction, AnyResult
from ivr.flow.loading.loader import read_flow
from ivr.flow.loading.yaml import Problems
from ivr.flow.model import Flow
from ivr.flow.running.interpreter import Facts, Turn, resume, start

FLOWS = Path(__file__).resolve().parents[2] / "flows"
FLOOR = Floor(
    queues={"appointments", "billing", "nurse", "cards", "loans"},
    skills={"english", "mandarin", "nurse", "billing", "cards", "loans"},
)
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

SMALL = """
flow: small
numbers: ["4000"]
collects:
  account: {type: digits, length: 4, say: "Your account."}
  pin: {type: digits, length: 4, secret: true, say: "Your PIN."}
  amount: {type: number, low: 1, high: 500, say: "How much?"}
  agree: {type: yesno, say: "1 for yes, 2 for no."}
  phone: {type: phone, say: "Your number."}
  reason: {type: choice, of: [pay, ask]}
keys: {"0": person, "*": repeat}
defaults:
  noinput: ["Hello?", "Still there?"]
  nomatch: ["Wrong."]
  otherwise: person
start: menu
steps:
  menu:
    menu: "Pay 1, ask 2."
    "1": {set: {reason: pay}, next: amount}
    "2": {set: {reason: ask}, next: who}
  amount:
    collect: amount
    confirm: "{{ amount }}, right?"
    nomatch: ["One to five hundred."]
    next: agree
  agree:
    collect: agree
    next: agreed?
  agreed?:
    branch:
      - {if: agree and amount > 100, next: who}
      - {if: agree, next: phone}
    otherwise: bye
  phone:
    collect: phone
    next: person
  who:
    identify: small
    ask: [account, pin]
    attempts: 2
    nomatch: ["No match."]
    next: greet
    otherwise: person
  greet:
    say: "Hello {{ customer.name }}."
    next: person
  person:
    queue: desk
    needs: {desk: 2}
    priority: "{{ 5 if verified else 0 }}"
    tell_agent: "{{ customer.name | default('unknown') }} {{ reason }} {{ account }}"
    otherwise: message
    next: bye
  message:
    voicemail: box
    say: "Speak now."
    next: bye
  bye:
    hangup: "Goodbye."
"""


def mistakes(source: str, floor: Floor | None = None) -> list[str]:
    """Everything a check says about a flow."""
    problems = Problems()
    draft = read_flow(source, "x.yaml", problems)
    if draft is not None:
        check(draft, problems, floor)
        check_together([draft], problems)
    return [str(problem).removeprefix("x.yaml:") for problem in problems.all()]


def flow_of(source: str) -> Flow:
    """A flow without mistakes."""
    problems = Problems()
    draft = read_flow(source, "x.yaml", problems)
    assert draft is not None
    check(draft, problems)
    problems.raise_if_any()
    return draft.flow


class Call:
    """Drives a flow result by result and remembers every event."""

    def __init__(self, flow: Flow, facts: Facts | None = None, now: datetime = NOW) -> None:
        self.flow, self.now = flow, now
        self.events: list[tuple[str, dict[str, object]]] = []
        self.turn = self._note(start(flow, facts or Facts("5551234", "4000"), now))

    @property
    def action(self) -> AnyAction:
        """What the flow asks for now."""
        return self.turn.action

    def give(self, *results: AnyResult) -> AnyAction:
        """Answers, one after another; returns the last action."""
        for result in results:
            self.turn = self._note(resume(self.flow, self.turn.state, result, self.now))
        return self.turn.action

    def kinds(self) -> list[str]:
        """The kinds of all events."""
        return [kind for kind, _ in self.events]

    def _note(self, turn: Turn) -> Turn:
        self.events += [(event.kind, dict(event.data)) for event in turn.events]
        return turn
