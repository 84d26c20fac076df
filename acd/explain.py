"""Why a call waits, and why an agent gets none: as data, for any screen to render.

Looks at the floor as it is and changes nothing. Times are epoch seconds. Every agent stands to a
call in exactly one way (`Stands`); what keeps one from it altogether is a list of obstacles, each
with the figures that matter. `changes` are what would let somebody take the call, by whom.

All agents are counted, the first `NAMED` of each way of standing are named: on a large floor a list
of everybody would be read by nobody and hold up every call while it is made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from itertools import chain, islice

from acd.agents import AgentRecord
from acd.due import leave_at, max_wait_at, next_step_at
from acd.estimate import Estimate
from acd.livefloor import LiveFloor
from acd.offering import RING_TOGETHER
from acd.outlook import Outlook
from acd.pools import Wish, can_ever_serve
from acd.relax import asked_after
from acd.state import CallRecord
from acd.strategies import number
from acd.words import AgentState, Channel, Staffing, Strategy, Word

NAMED = 20
"""So many agents who stand in the same way are named, and so many calls that go before."""


class Stands(Word):
    """How an agent stands to a waiting call."""

    FREE = "free"
    BUSY = "busy"
    LEFT_OUT = "left_out"
    AWAY = "away"
    CANNOT = "cannot"


class Obstacle(Word):
    """What keeps an agent from a call, whoever is free."""

    REMOVED = "removed"
    WANTS_OTHER = "wants_other"
    PREFERS_OTHER = "prefers_other"
    OWN_CALL = "own_call"
    NOT_IN_QUEUE = "not_in_queue"
    LEFT_QUEUE = "left_queue"
    NO_SKILL = "no_skill"
    LEVEL = "level"


class Change(Word):
    """What would let an agent take the call, or the call go on."""

    LOG_IN = "log_in"
    READY = "ready"
    END_WRAP_UP = "end_wrap_up"
    JOIN_QUEUE = "join_queue"
    STEP = "step"
    RETRY = "retry"
    PREFERENCE_ENDS = "preference_ends"
    CALLBACK_DUE = "callback_due"
    LEAVES = "leaves"
    TIMES_OUT = "times_out"


@dataclass(frozen=True, slots=True)
class Hindrance:
    """One obstacle; `skill`, `has` and `needs` for skills (`has` None without it)."""

    obstacle: Obstacle
    skill: str = ""
    has: int | None = None
    needs: int | None = None


@dataclass(frozen=True, slots=True)
class AgentStands:
    """One agent and the call. `until` is when they may be tried again or their wrap-up ends.

    `at_step` is the relaxation that will let them take it, when one will.
    """

    agent: str
    stands: Stands
    state: AgentState
    until: float | None = None
    hindrances: tuple[Hindrance, ...] = ()
    at_step: int | None = None


@dataclass(frozen=True, slots=True)
class WouldChange:
    """One thing that would change it: by which agent, or at what time by itself."""

    what: Change
    agent: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True)
class CallExplained:
    """A waiting call: what it asks for just now, who stands how to it, what would change that.

    `needs` are those at `step`, `first_needs` those it came with, `also` the further queues.
    `counts` has all agents by how they stand, `agents` the first of each; `before` are the first of
    the `ahead` calls that some of the same agents take before this one. `changes` concern the
    agents who are named, and what comes by itself.
    """

    call: str
    queue: str
    position: int
    priority: int
    wait: float
    staffing: Staffing
    needs: Mapping[str, int]
    first_needs: Mapping[str, int]
    also: tuple[str, ...]
    step: int
    steps: int
    wants: str | None
    prefers: str | None
    ahead: int
    before: tuple[str, ...]
    counts: Mapping[Stands, int]
    agents: tuple[AgentStands, ...]
    changes: tuple[WouldChange, ...]
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class AgentExplained:
    """An agent and every waiting call, in the order they are served. `outside`: on another call.

    `goes_first` maps queues of a ready agent to who of the other ready ones is rung before, and by
    which strategy; a queue that draws lots is left out, and one that rings them together. `beside`
    are the others who are rung just now for the same call as this one.
    """

    agent: str
    state: AgentState
    outside: bool
    chats: int
    calls: tuple[tuple[str, AgentStands], ...]
    goes_first: Mapping[str, tuple[str, Strategy]]
    beside: tuple[str, ...] = ()


def explain_call(live: LiveFloor, call: CallRecord, now: float) -> CallExplained:
    """Why this waiting call waits."""
    queue = live.queue_of(call).queue
    needs, also = dict(call.needs), tuple[str, ...]()
    if call.agent is None:
        needs, also = asked_after(queue.relax[: call.step], call.needs)
    outlook = Outlook(live, call)
    ahead, before = outlook.before(NAMED)
    counts, stands = _everybody(live, call)
    return CallExplained(
        call=call.call,
        queue=call.queue,
        position=outlook.position,
        priority=call.priority,
        wait=call.waited(now),
        staffing=live.staffing(call),
        needs=needs,
        first_needs=dict(call.needs),
        also=also,
        step=call.step,
        steps=len(queue.relax),
        wants=call.agent,
        prefers=call.prefers,
        ahead=ahead,
        before=tuple(before),
        counts=counts,
        agents=stands,
        changes=tuple(_changes(live, call, stands)),
        estimate=outlook.estimate(),
    )


def _everybody(
    live: LiveFloor, call: CallRecord
) -> tuple[dict[Stands, int], tuple[AgentStands, ...]]:
    """How many stand how to the call, and the first of each; agents of its queue come first."""
    asks, agents = _Asks.of(live, call), live.state.agents
    ways: defaultdict[Stands, list[str]] = defaultdict(list)
    for name in asks.eligible:
        ways[_stands(agents[name], call)].append(name)
    counts = {way: len(names) for way, names in ways.items()}
    counts[Stands.CANNOT] = len(agents) - len(asks.eligible)
    named = [nsmallest(NAMED, names) for names in ways.values()]
    named.append(list(islice(_others(agents, call, asks.eligible), NAMED)))
    stands = (_stands_to(agents[name], call, asks) for name in sorted(chain(*named)))
    return counts, tuple(stands)


def _others(
    agents: Mapping[str, AgentRecord], call: CallRecord, eligible: Collection[str]
) -> Iterable[str]:
    """Who cannot take the call: agents of its queue, then all others, each by id."""
    cannot = agents.keys() - eligible
    own = [name for name in cannot if call.queue in agents[name].agent.queues]
    yield from nsmallest(NAMED, own)
    yield from nsmallest(NAMED, cannot - set(own))


def explain_agent(live: LiveFloor, agent: AgentRecord) -> AgentExplained:
    """Why this agent gets none of the waiting calls."""
    waiting = sorted(live.unoffered(), key=lambda call: call.entry(live.queue_of(call).queue))
    return AgentExplained(
        agent.agent.id,
        agent.state,
        agent.outside,
        len(agent.chats),
        tuple((call.call, _stands_to(agent, call, _Asks.of(live, call))) for call in waiting),
        dict(_goes_first(live, agent)),
        _beside(live, agent),
    )


def _beside(live: LiveFloor, agent: AgentRecord) -> tuple[str, ...]:
    offer = live.state.offers.get(agent.offer or "")
    return tuple(each for each in offer.agents if each != agent.agent.id) if offer else ()


def _goes_first(live: LiveFloor, agent: AgentRecord) -> Iterator[tuple[str, tuple[str, Strategy]]]:
    """For each queue the ready agent with the lowest key, unless this one is rung first too."""
    if not agent.may_take_call:
        return
    for queue in agent.member.queues:
        strategy = live.state.queues[queue].queue.strategy
        ready = [
            (*_key(each, strategy, queue), name)
            for name, each in live.state.agents.items()
            if each.may_take_call and queue in each.member.queues
        ]
        together = RING_TOGETHER if strategy is Strategy.RING_ALL else 1
        rung = [key[-1] for key in nsmallest(together, ready)]
        if agent.agent.id not in rung and strategy is not Strategy.RANDOM:
            yield queue, (rung[0], strategy)


def _key(agent: AgentRecord, strategy: Strategy, queue: str) -> tuple[int, float, float]:
    return agent.held, number(strategy, agent, queue, 0), agent.idle_since


@dataclass(frozen=True, slots=True)
class _Asks:
    """What a call asks for now, who could ever take that, and what it will ask for at later steps.

    Worked out once for a call and then held against every agent.
    """

    wish: Wish
    eligible: Collection[str]
    later: tuple[tuple[int, Wish], ...]

    @classmethod
    def of(cls, live: LiveFloor, call: CallRecord) -> _Asks:
        queue = live.queue_of(call).queue
        wish = call.wish_now(queue)
        eligible = live.matcher_of(call).pool(wish).eligible
        if call.agent is not None:
            return cls(wish, eligible, ())
        later = []
        for step in range(call.step + 1, len(queue.relax) + 1):
            needs, also = asked_after(queue.relax[:step], call.needs)
            later.append((step, Wish.of(call.queue, needs, None, also, call.from_agent)))
        return cls(wish, eligible, tuple(later))


def _stands_to(agent: AgentRecord, call: CallRecord, asks: _Asks) -> AgentStands:
    """How one agent stands to one waiting call."""
    name = agent.agent.id
    if name not in asks.eligible:
        hindrances = tuple(_hindrances(agent, call, asks.wish))
        step = _step_for(agent, asks)
        return AgentStands(name, Stands.CANNOT, agent.state, None, hindrances, step)
    way, until = _stands(agent, call), None
    if way is Stands.LEFT_OUT:
        until = call.without[name]
    elif way is Stands.BUSY:
        until = agent.wrap_up_until
    return AgentStands(name, way, agent.state, until)


_NOT_THERE = frozenset({AgentState.LOGGED_OUT, AgentState.PAUSED})


def _stands(agent: AgentRecord, call: CallRecord) -> Stands:
    """How an agent who could take the call stands to it."""
    if agent.state in _NOT_THERE:
        return Stands.AWAY
    if agent.agent.id in call.without:
        return Stands.LEFT_OUT
    free = agent.may_take_call if call.channel is Channel.VOICE else agent.may_take_chat
    return Stands.FREE if free else Stands.BUSY


def _step_for(agent: AgentRecord, asks: _Asks) -> int | None:
    """The first relaxation to come after which the agent may take it."""
    if agent.removed or not asks.later:
        return None
    member = agent.member
    return next((step for step, wish in asks.later if can_ever_serve(member, wish)), None)


def _hindrances(agent: AgentRecord, call: CallRecord, wish: Wish) -> list[Hindrance]:
    name, member = agent.agent.id, agent.member
    if agent.removed:
        return [Hindrance(Obstacle.REMOVED)]
    if name == wish.never:
        return [Hindrance(Obstacle.OWN_CALL)]
    if wish.agent is not None:
        other = Obstacle.WANTS_OTHER if call.agent is not None else Obstacle.PREFERS_OTHER
        return [] if name == wish.agent else [Hindrance(other)]
    found = []
    queues = (wish.queue, *wish.also)
    if not any(queue in member.queues for queue in queues):
        left = any(queue in agent.agent.queues for queue in queues)
        found.append(Hindrance(Obstacle.LEFT_QUEUE if left else Obstacle.NOT_IN_QUEUE))
    for skill, least in wish.needs:
        has = member.skills.get(skill)
        if has is None:
            found.append(Hindrance(Obstacle.NO_SKILL, skill, None, least))
        elif has < least:
            found.append(Hindrance(Obstacle.LEVEL, skill, has, least))
    return found


_CURES = {
    AgentState.LOGGED_OUT: Change.LOG_IN,
    AgentState.PAUSED: Change.READY,
    AgentState.WRAP_UP: Change.END_WRAP_UP,
}


def _changes(
    live: LiveFloor, call: CallRecord, stands: tuple[AgentStands, ...]
) -> list[WouldChange]:
    found = []
    for each in stands:
        cure = _CURES.get(each.state)
        if each.stands is Stands.LEFT_OUT:
            found.append(WouldChange(Change.RETRY, each.agent, each.until))
        elif each.stands in {Stands.AWAY, Stands.BUSY} and cure is not None:
            found.append(WouldChange(cure, each.agent, each.until))
        elif [hindrance.obstacle for hindrance in each.hindrances] == [Obstacle.LEFT_QUEUE]:
            found.append(WouldChange(Change.JOIN_QUEUE, each.agent))
    callback = call.callback
    timed = (
        (Change.STEP, next_step_at(live, call)),
        (Change.PREFERENCE_ENDS, call.prefer_until if call.prefers is not None else None),
        (Change.CALLBACK_DUE, callback.not_before if callback and callback.resting else None),
        (Change.LEAVES, None if call.resting else leave_at(live, call)),
        (Change.TIMES_OUT, max_wait_at(live, call)),
    )
    found += [WouldChange(what, at=at) for what, at in timed if at is not None]
    return found
