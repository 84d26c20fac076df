"""Agents: their states, their queues, who is free, and what they did today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import StringConstraints

from acd.estimate import Group, estimate
from acd.model import (
    AgentForced,
    AgentState,
    Event,
    LoggedIn,
    LoggedOut,
    Paused,
    QueueJoined,
    QueueLeft,
    Readied,
    WrapUpEnded,
    WrapUpExtended,
)
from acd.views import AgentRow, QueueRow
from ivr.web.feed import agent_told
from ivr.web.house import House
from ivr.web.hub import Hub
from ivr.web.problems import Problem, not_found
from ivr.web.roles import LEADS, STAFF
from ivr.web.routes import Call, Model, Route

ME: Final = "me"
LONGEST_EXTENSION: Final = 3600
SUPERVISOR: Final = "supervisor"
"""The reason of a break that a supervisor gives nobody's reason for."""
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class Pausing(Model):
    """A break; `reason` is one of the floor's."""

    reason: Word = "break"


class Extending(Model):
    """A longer wrap-up, in seconds."""

    seconds: int = 60


class Forcing(Model):
    """What a supervisor has an agent do: `ready`, `paused` or `logged_out`, even while it rings."""

    state: AgentState
    reason: Word = SUPERVISOR


@dataclass(frozen=True, slots=True)
class QueueOfMine:
    """A queue the agent works for; `joined` unless they have left it for now.

    `waiting` counts everybody who has not been answered.
    """

    queue: str
    title: str
    joined: bool
    waiting: int
    ready: int
    longest_wait: float
    disposition_required: bool


@dataclass(frozen=True, slots=True)
class AgentNow:
    """An agent: `row` as the event `agent` tells it, their queues, and the floor's words.

    `seq` is the number of the latest event then: an event `agent` of a higher one is newer.
    """

    row: dict[str, Any]
    queues: list[QueueOfMine]
    pause_reasons: list[str]
    now: float
    seq: int


@dataclass(frozen=True, slots=True)
class Colleague:
    """Someone a call can be passed to; `free` now, else `state` since `since`."""

    agent: str
    name: str
    state: str
    reason: str
    since: float
    free: bool
    queues: tuple[str, ...]
    skills: dict[str, int]
    chats: int


@dataclass(frozen=True, slots=True)
class QueueTarget:
    """A queue a call can be passed to.

    `number` is what a phone dials for it, "" where it has none. `estimate` is the wait in seconds
    of one who comes now, with `low` and `high` the band of its middle half; None: not known.
    """

    queue: str
    title: str
    number: str
    open: bool
    waiting: int
    ready: int
    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class WhoIsFree:
    """Where a call can go."""

    agents: list[Colleague]
    queues: list[QueueTarget]


@dataclass(frozen=True, slots=True)
class Statistics:
    """An agent's day so far; times in seconds. `average_talk` is None before the first call."""

    agent: str
    since: float
    taken: int
    talk_seconds: float
    average_talk: float | None
    no_answer: int
    rejected: int
    busy: int
    unreachable: int


class Agents:
    """`/api/agents`: an agent's own things by `me`; a supervisor's by the extension."""

    def __init__(self, house: House, hub: Hub) -> None:
        self._house, self._hub = house, hub

    def routes(self) -> Sequence[Route]:
        """What may be asked."""
        at = "/api/agents/{agent}"
        return (
            Route("GET", at, self._show, roles=STAFF, summary="An agent now", gives=AgentNow),
            Route("POST", f"{at}/log-in", self._log_in, roles=STAFF, gives=AgentNow,
                  summary="Come to work, ready", audit="agent.log_in"),
            Route("POST", f"{at}/log-out", self._log_out, roles=STAFF, gives=AgentNow,
                  summary="Go; during work, when it is over", audit="agent.log_out"),
            Route("POST", f"{at}/ready", self._ready, roles=STAFF, gives=AgentNow,
                  summary="Take calls: ends a pause or a wrap-up", audit="agent.ready"),
            Route("POST", f"{at}/pause", self._pause, roles=STAFF, takes=Pausing, gives=AgentNow,
                  summary="Take a break; during work, when it is over", audit="agent.pause"),
            Route("POST", f"{at}/wrap-up/end", self._end, roles=STAFF, gives=AgentNow,
                  summary="End the wrap-up", audit="agent.wrap_up_end"),
            Route("POST", f"{at}/wrap-up/extend", self._extend, roles=STAFF, takes=Extending,
                  gives=AgentNow, summary="Make the wrap-up longer", audit="agent.wrap_up_extend"),
            Route("POST", f"{at}/queues/{{queue}}/join", self._join, roles=STAFF, gives=AgentNow,
                  summary="Take a queue's calls again", audit="agent.join"),
            Route("POST", f"{at}/queues/{{queue}}/leave", self._leave, roles=STAFF, gives=AgentNow,
                  summary="Take no calls of one queue", audit="agent.leave"),
            Route("POST", f"{at}/force", self._force, roles=LEADS, takes=Forcing, gives=AgentNow,
                  summary="Put an agent in a state", audit="agent.force"),
            Route("GET", f"{at}/statistics", self._statistics, roles=STAFF, gives=Statistics,
                  summary="An agent's day so far"),
            Route("GET", "/api/who-is-free", self._who_is_free, roles=STAFF, gives=WhoIsFree,
                  summary="Where a call can go, and how long it would wait"),
        )  # fmt: skip

    # --- states -----------------------------------------------------------------------------------

    async def _show(self, call: Call) -> AgentNow:
        return self._now(self._agent(call))

    async def _log_in(self, call: Call) -> AgentNow:
        agent, by = self._agent(call), self._by(call)
        if self._row(agent).state is AgentState.LOGGED_OUT:
            await self._do(LoggedIn(self._at(), agent, by))
        return self._now(agent)

    async def _log_out(self, call: Call) -> AgentNow:
        agent, by = self._agent(call), self._by(call)
        if self._row(agent).state is not AgentState.LOGGED_OUT:
            await self._do(LoggedOut(self._at(), agent, by))
        return self._now(agent)

    async def _ready(self, call: Call) -> AgentNow:
        agent, by = self._agent(call), self._by(call)
        row = self._row(agent)
        if row.state is AgentState.LOGGED_OUT:
            await self._do(LoggedIn(self._at(), agent, by))
        elif row.state is not AgentState.READY:
            await self._do(Readied(self._at(), agent, by))
        return self._now(agent)

    async def _pause(self, call: Call) -> AgentNow:
        agent, by = self._agent(call), self._by(call)
        await self._do(Paused(self._at(), agent, self._reason(call.body.reason), by))
        return self._now(agent)

    async def _end(self, call: Call) -> AgentNow:
        agent = self._agent(call)
        await self._do(WrapUpEnded(self._at(), agent, self._by(call)))
        return self._now(agent)

    async def _extend(self, call: Call) -> AgentNow:
        agent, seconds = self._agent(call), call.body.seconds
        if not 1 <= seconds <= LONGEST_EXTENSION:
            raise Problem(422, f"A wrap-up is made longer by 1 to {LONGEST_EXTENSION} seconds.")
        await self._do(WrapUpExtended(self._at(), agent, float(seconds), self._by(call)))
        return self._now(agent)

    async def _join(self, call: Call) -> AgentNow:
        agent = self._agent(call)
        await self._do(QueueJoined(self._at(), agent, call["queue"], self._by(call)))
        return self._now(agent)

    async def _leave(self, call: Call) -> AgentNow:
        agent = self._agent(call)
        await self._do(QueueLeft(self._at(), agent, call["queue"], self._by(call)))
        return self._now(agent)

    async def _force(self, call: Call) -> AgentNow:
        agent, wanted = self._agent(call), call.body
        if wanted.state not in (AgentState.READY, AgentState.PAUSED, AgentState.LOGGED_OUT):
            raise Problem(422, "An agent can be put in: ready, paused, logged_out.")
        breaks = wanted.state is AgentState.PAUSED and wanted.reason != SUPERVISOR
        reason = self._reason(wanted.reason) if breaks else wanted.reason
        away = self._row(agent).state is AgentState.LOGGED_OUT
        roams = agent in self._house.plan().floor.phones.roaming
        if wanted.state is AgentState.READY and away and roams:
            raise Problem(409, "They have no phone of their own: they log in where they sit.")
        call.answer.concerns.append(wanted.state.value)
        await self._do(AgentForced(self._at(), agent, wanted.state, reason, call.me.user))
        return self._now(agent)

    def _reason(self, reason: str) -> str:
        """One of the floor's; a floor that names none takes any."""
        reasons = self._house.plan().floor.floor.pause_reasons
        if reasons and reason not in reasons:
            raise Problem(422, f"No such reason for a break. There are: {', '.join(reasons)}.")
        return reason

    # --- figures ----------------------------------------------------------------------------------

    async def _statistics(self, call: Call) -> Statistics:
        row = self._row(self._agent(call))
        return Statistics(
            row.agent,
            self._house.distributor.engine.day_started,
            row.taken,
            round(row.talk_seconds, 1),
            round(row.talk_seconds / row.taken, 1) if row.taken else None,
            row.no_answer,
            row.rejected,
            row.busy,
            row.unreachable,
        )

    async def _who_is_free(self, call: Call) -> WhoIsFree:
        engine, now = self._house.distributor.engine, self._at()
        rows = engine.agents_view(now)
        others = [row for row in rows if row.agent != call.me.agent]
        others.sort(key=lambda row: (not _free(row), row.state is AgentState.LOGGED_OUT, row.name))
        numbers = {queue: number for number, queue in self._house.plan().floor.numbers.items()}
        return WhoIsFree(
            [_colleague(row) for row in others],
            [_target(row, numbers.get(row.queue, ""), rows) for row in engine.queues_view(now)],
        )

    # --- helpers ----------------------------------------------------------------------------------

    def _agent(self, call: Call) -> str:
        """Whom it is about: oneself, or for those who lead anyone of the floor."""
        named = call["agent"]
        if named in (ME, call.me.agent):
            return call.agent
        if not call.me.leads:
            raise Problem(403, f"Of others' states only supervisors decide; yours is {ME}.")
        if named not in {each.id for each in self._house.plan().floor.floor.agents}:
            raise not_found("agent")
        return named

    def _by(self, call: Call) -> str:
        """Empty for one's own doing; else the supervisor who did it for the agent."""
        own = call["agent"] in (ME, call.me.agent)
        return "" if own else call.me.user

    def _at(self) -> float:
        return self._house.distributor.now()

    def _row(self, agent: str) -> AgentRow:
        return self._house.distributor.engine.agent_row(agent, self._at())

    async def _do(self, event: Event) -> None:
        """Let it happen, and have the answer tell what is so afterwards."""
        self._house.distributor.send(event)
        await self._house.distributor.settled()

    def _now(self, agent: str) -> AgentNow:
        row, at, engine = self._row(agent), self._at(), self._house.distributor.engine
        rules = {each.name: each for each in self._house.plan().floor.floor.queues}
        queues = {each.queue: each for each in self._house.distributor.engine.queues_view(at)}
        mine = [
            QueueOfMine(
                name,
                queues[name].title,
                name not in row.out_of,
                queues[name].waiting + queues[name].offered,
                queues[name].ready,
                round(queues[name].longest_wait, 1),
                name in rules and rules[name].disposition_required,
            )
            for name in row.queues
            if name in queues
        ]
        reasons = list(self._house.plan().floor.floor.pause_reasons)
        return AgentNow(agent_told(engine, row), mine, reasons or ["break"], at, self._hub.seq)


def _free(row: AgentRow) -> bool:
    return row.state is AgentState.READY and not row.outside


def _colleague(row: AgentRow) -> Colleague:
    return Colleague(
        row.agent,
        row.name,
        row.state.value,
        row.reason,
        row.since,
        _free(row),
        row.queues,
        dict(row.skills),
        len(row.chats),
    )


def _target(row: QueueRow, number: str, agents: Sequence[AgentRow]) -> QueueTarget:
    """What a call that came now would meet, by the same formula callers are told by."""
    here = [
        each
        for each in agents
        if row.queue in each.queues
        and row.queue not in each.out_of
        and each.state not in (AgentState.LOGGED_OUT, AgentState.PAUSED)
        and not each.outside
    ]
    if row.ready and not row.waiting:
        told: tuple[float | None, float | None, float | None] = (0.0, 0.0, 0.0)
    else:
        ahead = [Group(row.waiting, row.handle_time or 0.0, 1.0)]
        wait = estimate(row.handle_time, len(here), ahead)
        told = (None,) * 3 if wait is None else (wait.seconds, wait.low, wait.high)
    rounded = [None if each is None else round(each, 1) for each in told]
    return QueueTarget(row.queue, row.title, number, row.open, row.waiting, row.ready, *rounded)
