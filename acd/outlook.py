"""What lies ahead of a waiting call: who goes before it, and how long that will take.

Reads the floor and changes nothing. One look costs as much as there are waiting calls; it is for
announcements and screens, not for every decision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from acd.agents import AgentRecord, Move
from acd.estimate import Announcement, Estimate, Group, announce, estimate
from acd.livefloor import LiveFloor
from acd.pools import Pool, Wish
from acd.state import CallRecord
from acd.words import AgentState, Channel

_AWAY = frozenset({AgentState.LOGGED_OUT, AgentState.PAUSED})


def position(live: LiveFloor, call: CallRecord) -> int:
    """1 for the next of its queue; calls for which a phone rings already are not counted."""
    own = call.entry(live.queue_of(call).queue)
    return 1 + sum(
        other.queue == call.queue and other.entry(live.queue_of(other).queue) < own
        for other in _waiting(live, call)
    )


def before(live: LiveFloor, call: CallRecord) -> list[CallRecord]:
    """Calls that some of the same agents take before this one, of any queue, in order."""
    mine = live.pool(call).eligible
    own = call.entry(live.queue_of(call).queue)
    first = (
        other
        for other in _waiting(live, call)
        if other.entry(live.queue_of(other).queue) < own
        and not mine.isdisjoint(_asked(live, other).eligible)
    )
    return sorted(first, key=lambda other: other.entry(live.queue_of(other).queue))


def _waiting(live: LiveFloor, call: CallRecord) -> Iterator[CallRecord]:
    """The other calls of its channel that wait; those that rest until later do not."""
    for other in live.state.calls.values():
        waits = other.offer is None and not other.resting
        if waits and other.channel is call.channel and other.call != call.call:
            yield other


def _asked(live: LiveFloor, call: CallRecord) -> Pool:
    return live.matcher_of(call).pool(call.wish_now(live.queue_of(call).queue))


def estimate_of(live: LiveFloor, call: CallRecord) -> Estimate | None:
    """How long the call will wait from now on, or would if it came now; None when unknown."""
    mine = _working(live, live.pool(call).eligible)
    queue = live.queue_of(call)
    handle = queue.handling.seconds(queue.queue.handle_seconds)
    if handle is None or not mine:
        return None
    own = call.entry(queue.queue)
    ahead: Counter[Wish] = Counter()
    for other in _waiting(live, call):
        rules = live.queue_of(other).queue
        if other.entry(rules) < own:
            ahead[other.wish_now(rules)] += 1
    groups = [group for wish, n in ahead.items() if (group := _group(live, call, wish, n, mine))]
    return estimate(handle, _units(live, call.channel, mine), groups)


def _group(
    live: LiveFloor, call: CallRecord, wish: Wish, calls: int, mine: Collection[str]
) -> Group | None:
    """Calls with one wish that go before, and the share of them that falls on these agents."""
    theirs = _working(live, live.matcher_of(call).pool(wish).eligible)
    shared = len(theirs & set(mine))
    queue = live.state.queues[wish.queue]
    handle = queue.handling.seconds(queue.queue.handle_seconds)
    if not shared or handle is None:
        return None
    return Group(calls, handle, shared / len(theirs))


def _working(live: LiveFloor, agents: Collection[str]) -> set[str]:
    """Those of them who are there to stay: logged in, not paused, and not about to go."""
    return {name for name in agents if _works(live.state.agents[name])}


def _works(agent: AgentRecord) -> bool:
    going = agent.pending in {Move.LOG_OUT, Move.PAUSE}
    return agent.state not in _AWAY and not going and not agent.outside


def _units(live: LiveFloor, channel: Channel, agents: Collection[str]) -> int:
    if channel is Channel.VOICE:
        return len(agents)
    return sum(live.state.agents[name].agent.chats for name in agents)


def look_ahead(live: LiveFloor, call: CallRecord, now: float) -> Announcement | None:
    """What may be said to the caller now; None also while a phone rings or nobody listens."""
    if call.offer is not None or call.virtual or call.consults is not None:
        return None
    gap = live.queue_of(call).queue.announce_every
    return announce(now, position(live, call), estimate_of(live, call), call.told, gap)
