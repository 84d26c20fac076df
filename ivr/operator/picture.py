"""What is so at one moment, gathered once for each answer, and how things are found in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from acd.explain import AgentExplained, CallExplained
from acd.model import MOBILE, Agent, AgentState, Channel, Floor, Queue
from acd.views import AgentRow, CallRow, QueueRow
from ivr.flow.calendar import Calendar
from ivr.flow.model import Flow
from ivr.live import LiveContact
from ivr.operator.wording import Refused, remaining, unknown
from ivr.switches import Switchboard, Turn

AMBIGUOUS_SHOWN = 5

_EPOCH = datetime.fromtimestamp(0, UTC)
_Found = TypeVar("_Found")


class FloorView(Protocol):
    """The rows of the distributor; the engine is one."""

    @property
    def floor(self) -> Floor:
        """The configuration in force."""
        ...

    def queues_view(self, now: float) -> Sequence[QueueRow]:
        """One row for each queue."""
        ...

    def agents_view(self, now: float) -> Sequence[AgentRow]:
        """One row for each agent."""
        ...

    def calls_view(self, now: float) -> Sequence[CallRow]:
        """One row for each call; within a queue waiting ones first, in the order served."""
        ...

    def explain_call(self, call: str, now: float) -> CallExplained | None:
        """Why a call waits; None when it does not."""
        ...

    def explain_agent(self, agent: str) -> AgentExplained:
        """Why an agent gets none of the waiting calls."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows, contacts, flows and switches of one moment.

    `now` is epoch seconds; `moment` is the time as flows see it, which a rehearsal may shift.
    `view` is asked for reasons, which cost more than a row: in that same moment only. `gone` are
    agents who are logged in while the phone they sit at is not registered.
    """

    now: float
    view: FloorView
    floor: Floor
    queues: Sequence[QueueRow]
    agents: Sequence[AgentRow]
    calls: Sequence[CallRow]
    contacts: Mapping[str, LiveContact] = field(default_factory=dict)
    flows: Mapping[str, Flow] = field(default_factory=dict)
    turns: Mapping[str, tuple[Turn, ...]] = field(default_factory=dict)
    moment: datetime = _EPOCH
    gone: frozenset[str] = frozenset()

    @classmethod
    def take(
        cls,
        view: FloorView,
        now: float,
        contacts: Iterable[LiveContact] = (),
        flows: Mapping[str, Flow] | None = None,
        switchboard: Switchboard | None = None,
        *,
        is_there: Callable[[str], bool] = lambda _: True,
    ) -> Picture:
        """The picture of `now`."""
        agents = view.agents_view(now)
        return cls(
            now,
            view,
            view.floor,
            view.queues_view(now),
            agents,
            view.calls_view(now),
            {contact.id: contact for contact in contacts},
            flows or {},
            switchboard.turns if switchboard is not None else {},
            switchboard.now() if switchboard is not None else datetime.fromtimestamp(now, UTC),
            frozenset(row.agent for row in agents if _phone_gone(row, is_there)),
        )

    @property
    def calendars(self) -> Mapping[str, Calendar]:
        """Every calendar that some flow goes by, by its full name."""
        return {each.name: each for flow in self.flows.values() for each in flow.calendars.values()}

    # --- by name ----------------------------------------------------------------------------------

    def queue(self, name: str) -> QueueRow:
        """The queue of that name; raises Refused."""
        rows = {row.queue: row for row in self.queues}
        if name not in rows:
            raise unknown("queue", name, rows)
        return rows[name]

    def agent(self, agent: str) -> AgentRow:
        """The agent with that extension; raises Refused."""
        rows = {row.agent: row for row in self.agents}
        if agent not in rows:
            raise unknown("agent", agent, rows)
        return rows[agent]

    def call(self, text: str) -> CallRow:
        """The call a word means: contact id, call id, or a beginning only one has.

        A contact that waits again while an agent still finishes with it means the waiting call.
        """
        rows = {row.contact: row for row in self.calls}
        rows |= {row.contact: row for row in self.calls if row.answered_at is None}
        exact = next((row for row in self.calls if text in (row.call, row.contact)), None)
        if exact is not None:
            return rows.get(text, exact)
        return self._one(text, rows, "call", "acd show calls")

    def contact(self, text: str) -> LiveContact:
        """The contact a word means: its id, or a beginning only one has."""
        found = self.contacts.get(text)
        return found or self._one(text, self.contacts, "contact", "acd show contacts")

    def _one(self, text: str, rows: Mapping[str, _Found], what: str, look: str) -> _Found:
        ids = [each for each in rows if text and _begins(each, text)]
        if len(ids) == 1:
            return rows[ids[0]]
        if not ids:
            raise Refused(f'No {what} "{text[:60]}" is alive. See them: {look}')
        shown = ", ".join(f"{each} {self.who(each)}" for each in ids[:AMBIGUOUS_SHOWN])
        more = ", ..." if len(ids) > AMBIGUOUS_SHOWN else ""
        raise Refused(f'"{text}" begins {len(ids)} {what}s: {shown}{more}. Write more of it.')

    # --- configuration ----------------------------------------------------------------------------

    def queue_rules(self, name: str) -> Queue | None:
        """How that queue is configured; None when it was removed and only ends its calls."""
        return next((queue for queue in self.floor.queues if queue.name == name), None)

    def agent_rules(self, agent: str) -> Agent | None:
        """How that agent is configured; None when they were removed and only finish a call."""
        return next((each for each in self.floor.agents if each.id == agent), None)

    # --- names as they are shown ------------------------------------------------------------------

    def who(self, contact_id: str | None) -> str:
        """`Mei Lin <13812345678>`, as far as it is known."""
        contact = self.contacts.get(contact_id or "")
        if contact is not None:
            return caller_text(contact)
        # In letters, or on the line of another node: the number that somebody vouches for.
        row = next((row for row in self.calls if row.contact == contact_id), None)
        if row is None or row.customer:
            return f"<{row.customer}>" if row is not None else "unknown caller"
        return "unknown caller" if row.channel is Channel.VOICE else "a visitor"

    def rung(self, call: CallRow) -> str:
        """`1001 Ana Ruiz`, or `1001, 1002, 1003` where several are rung at the same time."""
        if call.also:
            return ", ".join((call.agent or "", *call.also))
        return self.agent_name(call.agent)

    def agent_name(self, agent: str | None) -> str:
        """`1001 Ana Ruiz`."""
        row = next((row for row in self.agents if row.agent == agent), None)
        return full_name(row) if row is not None else (agent or "")


def _begins(id_: str, text: str) -> bool:
    """Contact ids made in the same minute begin alike, so the part after the hyphen counts too."""
    return id_.startswith(text) or id_.partition("-")[2].startswith(text)


def caller_text(contact: LiveContact) -> str:
    """`Mei Lin <13812345678>`, as far as it is known."""
    number = f"<{contact.caller}>" if contact.caller else ""
    name = contact.caller_name if contact.caller_name != contact.caller else ""
    return " ".join(part for part in (name, number) if part) or "unknown caller"


def _phone_gone(row: AgentRow, is_there: Callable[[str], bool]) -> bool:
    if row.state is AgentState.LOGGED_OUT or row.phone == MOBILE:
        return False
    return not is_there(row.phone or row.agent)


def where_rung(row: AgentRow) -> str:
    """`phone 5001`, `their mobile`, or `their own phone`."""
    if row.phone == MOBILE:
        return "their mobile"
    return f"phone {row.phone}" if row.phone else "their own phone"


def full_name(row: AgentRow) -> str:
    """`1001 Ana Ruiz`, or the number alone for an agent without a name."""
    return row.agent if row.name == row.agent else f"{row.agent} {row.name}"


def _wrap_up(row: AgentRow, now: float) -> str:
    until = row.wrap_up_until
    return "wrap-up" if until is None else f"wrap-up {remaining(until - now)} left"


_STATES: Mapping[AgentState, Callable[[AgentRow, float], str]] = {
    AgentState.LOGGED_OUT: lambda row, now: "logged out",
    AgentState.READY: lambda row, now: "ready",
    AgentState.PAUSED: lambda row, now: f"paused ({row.reason})" if row.reason else "paused",
    AgentState.OFFERED: lambda row, now: "offered",
    AgentState.TALKING: lambda row, now: "talking",
    AgentState.WRAP_UP: _wrap_up,
}


def state_text(row: AgentRow, now: float) -> str:
    """`ready`, `offered`, `talking`, `wrap-up 0:12 left`, `paused (lunch)`, `logged out`."""
    return _STATES[row.state](row, now)


def pending_text(row: AgentRow) -> str:
    """What was asked during work and follows it: `paused (lunch)`, `logged out`, or ""."""
    if row.pending == "pause":
        return f"paused ({row.pending_reason})" if row.pending_reason else "paused"
    return "logged out" if row.pending == "log_out" else ""
