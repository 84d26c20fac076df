"""What lies ahead of a waiting call: who goes before it, and how long that will take.

Reads the floor and changes nothing. One look costs as much as there are waiting calls; it is for
announcements and screens, not for every decision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from heapq import nsmallest

from acd.agents import AgentRecord, Move
from acd.estimate import Announcement, Estimate, Group, announce, estimate
from acd.livefloor import LiveFloor
from acd.order import Entry
from acd.pools import Pool
from acd.state import CallRecord
from acd.words import AgentState, Channel

_AWAY = frozenset({AgentState.LOGGED_OUT, AgentState.PAUSED})


class Outlook:
    """One look at all that goes before a call, in its channel."""

    def __init__(self, live: LiveFloor, call: CallRecord) -> None:
        self._live, self._call = live, call
        self._before = _before(live, call)
        self._ahead = Counter(pool for _, pool in self._before)

    @property
    def position(self) -> int:
        """1 for the next of its queue; calls that ring or rest are not counted."""
        return _position(self._call, self._ahead)

    def before(self, most: int) -> tuple[int, list[str]]:
        """Calls that some of the same agents take before it, of any queue: how many, the first."""
        mine = self._live.pool(self._call).eligible
        shared = {pool for pool in self._ahead if not mine.isdisjoint(pool.eligible)}
        entries = [entry for entry, pool in self._before if pool in shared]
        return len(entries), [entry.call for entry in nsmallest(most, entries)]

    def estimate(self) -> Estimate | None:
        """As `estimate_of`."""
        return _estimate(self._live, self._call, self._ahead)


def _before(live: LiveFloor, call: CallRecord) -> list[tuple[Entry, Pool]]:
    return live.matcher_of(call).before(call.entry(live.queue_of(call).queue))


def _ahead(live: LiveFloor, call: CallRecord) -> Counter[Pool]:
    """How many calls of each pool go before this one, in its channel."""
    return Counter(pool for _, pool in _before(live, call))


def _position(call: CallRecord, ahead: Counter[Pool]) -> int:
    return 1 + sum(number for pool, number in ahead.items() if pool.wish.queue == call.queue)


def estimate_of(live: LiveFloor, call: CallRecord) -> Estimate | None:
    """How long the call will wait from now on, or would if it came now; None when unknown."""
    return _estimate(live, call, _ahead(live, call))


def _estimate(live: LiveFloor, call: CallRecord, ahead: Counter[Pool]) -> Estimate | None:
    handle = _handle_time(live, call.queue)
    mine = {name for name in live.pool(call).eligible if _works(live.state.agents[name])}
    if handle is None or not mine:
        return None
    groups = []
    for pool, number in ahead.items():
        shared, theirs = len(pool.eligible & mine), _handle_time(live, pool.wish.queue)
        if shared and theirs is not None:
            groups.append(Group(number, theirs, shared / max(shared, pool.present)))
    return estimate(handle, _units(live, call.channel, mine), groups)


def _handle_time(live: LiveFloor, queue: str) -> float | None:
    record = live.state.queues[queue]
    return record.handling.seconds(record.queue.handle_seconds)


def _works(agent: AgentRecord) -> bool:
    """Whether they are there to stay: logged in, not paused, and not about to go."""
    going = agent.pending in {Move.LOG_OUT, Move.PAUSE}
    return agent.state not in _AWAY and not going and not agent.outside


def _units(live: LiveFloor, channel: Channel, agents: Collection[str]) -> int:
    if channel is Channel.VOICE:
        return len(agents)
    return sum(live.state.agents[name].most_chats for name in agents)


def look_ahead(live: LiveFloor, call: CallRecord, now: float) -> Announcement | None:
    """What may be said to the caller now; None also while a phone rings or nobody listens."""
    if call.offer is not None or call.virtual or call.consults is not None:
        return None
    gap, ahead = live.queue_of(call).queue.announce_every, _ahead(live, call)
    if call.told is not None and now - call.told.at < gap:
        return None
    wait = _estimate(live, call, ahead)
    return announce(now, _position(call, ahead), wait, call.told, gap)
