"""Where a call stands in its flow: everything needed to carry on, now or after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from ivr.errors import IvrError, ServiceFault
from ivr.flow.actions import Action, Event, Value

Phase = Literal["say", "ask", "confirm", "identify", "queue", "record", "over"]
"""What the medium was last asked to do."""


class FlowStuck(IvrError):
    """A flow went through more steps than any call should, without the caller doing anything."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known before the first word; `caller` is "" when withheld."""

    caller: str = ""
    dialled: str = ""
    channel: str = "voice"


@dataclass(frozen=True, slots=True)
class State:
    """One call in one flow. Secrets live here in memory and are left out of `to_json`.

    `noinputs` and `nomatches` count the failed tries of the present question, `rounds` the failed
    comparisons of the present `identify`; `doubted` are fields that failed one earlier. `idle`
    counts the steps since the caller (or an agent) last did something. `held` is an entry that
    awaits its confirmation. `opens` is an ISO moment.
    """

    flow: str
    revision: str
    step: str
    facts: Facts
    language: str
    phase: Phase = "say"
    fields: Mapping[str, Value] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    verified: bool = False
    level: str = "unknown"
    customer: Mapping[str, Value] = field(default_factory=dict)
    opens: str | None = None
    noinputs: int = 0
    nomatches: int = 0
    rounds: int = 0
    doubted: tuple[str, ...] = ()
    held: Value = None
    idle: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain data without secrets; `from_json` makes a state of it again."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        del plain["secrets"]
        plain["facts"] = {each.name: getattr(self.facts, each.name) for each in fields(Facts)}
        plain["fields"], plain["customer"] = dict(self.fields), dict(self.customer)
        plain["doubted"] = list(self.doubted)
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> State:
        """Raises ServiceFault when this is no state."""
        try:
            known = {each.name for each in fields(cls)} - {"secrets"}
            values = {name: value for name, value in plain.items() if name in known}
            values["facts"] = Facts(**plain["facts"])
            values["doubted"] = tuple(plain.get("doubted", ()))
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise ServiceFault(f"a call's state cannot be read back: {error}") from error


@dataclass(frozen=True, slots=True)
class Turn:
    """What to do next, where the call then stands, and what was decided on the way."""

    state: State
    action: Action
    events: tuple[Event, ...]
