"""Events on their way to browsers: numbered, kept for a while, and given to whom they concern.

Every event has the next number. Who reconnects says the last number seen and gets what came since,
or is told to begin anew when that is too long ago or the service was another one. A reader that
does not keep up is dropped: nobody else waits for it, and its next connection resumes.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ivr.web.roles import ALL, LEADS, Role, Who

KEPT: Final = 20_000
"""Events that can be caught up with."""
BEHIND: Final = 1000
"""Events one reader may have waiting; more, and it has stopped reading."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom an event concerns: those agents, those users, and whoever has one of the roles."""

    agents: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    roles: frozenset[Role] = frozenset()

    def has(self, who: Who) -> bool:
        """Whether it concerns this person."""
        mine = bool(who.agent) and who.agent in self.agents
        return mine or who.user in self.users or who.may(self.roles)


EVERYBODY: Final = Audience(roles=ALL)
THE_LEADS: Final = Audience(roles=LEADS)


def for_agents(*agents: str, leads: bool = False) -> Audience:
    """Those agents of the floor, and with `leads` everyone who looks after them."""
    return Audience(frozenset(agents), roles=LEADS if leads else frozenset())


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `text` is the JSON that is sent: `{"seq", "at", "type", "data"}`."""

    seq: int
    kind: str
    audience: Audience
    text: str = field(repr=False)


class Reader:
    """One connection: the events that wait for it. `overrun` is set when it fell behind."""

    def __init__(self, who: Who) -> None:
        self.who = who
        self.overrun = asyncio.Event()
        self.ended = asyncio.Event()
        self._queue: asyncio.Queue[Event] = asyncio.Queue(BEHIND)

    def put(self, event: Event) -> None:
        """For the hub."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.overrun.set()

    async def get(self) -> Event:
        """The next event."""
        return await self._queue.get()


class Hub:
    """All readers, and the latest events. `clock` gives epoch seconds."""

    def __init__(self, clock: Callable[[], float], kept: int = KEPT) -> None:
        self.epoch = secrets.token_hex(4)
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=kept)
        self._seq = 0
        self._readers: set[Reader] = set()
        self._by_agent: defaultdict[str, set[Reader]] = defaultdict(set)
        self._on_screens: list[Callable[[str, bool], None]] = []

    @property
    def seq(self) -> int:
        """The number of the latest event."""
        return self._seq

    def publish(self, kind: str, data: Mapping[str, Any], audience: Audience) -> int:
        """Give an event to everybody it concerns; its number."""
        self._seq += 1
        told = {"seq": self._seq, "at": round(self._clock(), 3), "type": kind, "data": data}
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str)
        event = Event(self._seq, kind, audience, text)
        self._events.append(event)
        for reader in self._concerned(audience):
            reader.put(event)
        return self._seq

    def _concerned(self, audience: Audience) -> Iterable[Reader]:
        """Agents are looked up: most events concern one of a thousand."""
        if audience.users or audience.roles:
            return [reader for reader in self._readers if audience.has(reader.who)]
        found: set[Reader] = set()
        for agent in audience.agents:
            found |= self._by_agent.get(agent, set())
        return found

    def watched(self, audience: Audience) -> bool:
        """Whether anybody listens whom it concerns: what nobody sees need not be made."""
        return any(audience.has(reader.who) for reader in self._readers)

    def join(self, who: Who, after: str = "") -> tuple[Reader, bool]:
        """A reader that has what came after `after` (`EPOCH-NUMBER`) waiting for it.

        The second value tells that something is missing: the page must look at everything anew.
        """
        reader = Reader(who)
        missed = self._missed(after)
        for event in missed or ():
            if event.audience.has(who):
                reader.put(event)
        if reader.overrun.is_set():
            reader, missed = Reader(who), None
        self._readers.add(reader)
        if who.agent:
            self._by_agent[who.agent].add(reader)
            if len(self._by_agent[who.agent]) == 1:
                self._tell_screens(who.agent, open_=True)
        return reader, missed is None

    def on_screens(self, callback: Callable[[str, bool], None]) -> None:
        """Have `callback` called with an agent, and whether they have a screen from now on."""
        self._on_screens.append(callback)

    def _tell_screens(self, agent: str, *, open_: bool) -> None:
        for callback in self._on_screens:
            callback(agent, open_)

    def _missed(self, after: str) -> list[Event] | None:
        epoch, _, number = after.partition("-")
        if epoch != self.epoch or not number.isdecimal() or len(number) > 15:
            return None
        last = int(number)
        oldest = self._events[0].seq if self._events else self._seq + 1
        if last > self._seq or last < oldest - 1:
            return None
        return [event for event in self._events if event.seq > last]

    def leave(self, reader: Reader) -> None:
        """The connection is gone."""
        self._readers.discard(reader)
        mine = self._by_agent.get(reader.who.agent)
        if mine is not None:
            mine.discard(reader)
            if not mine:
                del self._by_agent[reader.who.agent]
                self._tell_screens(reader.who.agent, open_=False)

    def agents(self) -> list[str]:
        """The agents of the floor who are listening."""
        return list(self._by_agent)

    def end(self, session: str = "", user: str = "") -> None:
        """Close the connections of a session that has ended, or of a whole user."""
        for reader in tuple(self._readers):
            if (session and reader.who.session == session) or (user and reader.who.user == user):
                reader.ended.set()

    def __len__(self) -> int:
        return len(self._readers)
