"""Conversations in letters, kept: where each of them stands, and every message of it, once.

What is written here is in the journal before anybody hears of it, together with the event that
tells it in the contact's story. A message has an id of its writer's; the same id again is the same
message. Messages are numbered from 1 in each thread, so whoever was away asks for what came after
the last number they have.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol

import structlog

from acd.records.contact import ContactEvent, Json

log = structlog.get_logger(__name__)

Kind = Literal["chat", "sms"]
Phase = Literal["flow", "waiting", "talking", "over"]
Writer = Literal["customer", "bot", "agent", "house"]
Way = Literal["written", "delivered", "read", "failed"]
"""How far a message has come on its way to the other side."""
_FURTHER: Mapping[Way, int] = {"written": 0, "failed": 1, "delivered": 2, "read": 3}

KEPT = 86_400.0
"""Seconds a thread that is over can still be read by who comes back."""


class Keeper(Protocol):
    """Where threads outlive the service; `acd.journal.Journal` is one."""

    def keep(self, kind: str, name: str, at: float, body: Mapping[str, Any]) -> None:
        """Keep this under its kind and name, in place of what was there."""
        ...

    def kept(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        """Everything of a kind, by name."""
        ...

    def forget(self, kind: str, name: str | None = None) -> None:
        """Keep it no longer; without a name, nothing of that kind."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """All writes inside happen, or none."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `file` describes what is attached: name, type, size, and where it lies."""

    seq: int
    id: str
    at: float
    by: Writer
    text: str = field(repr=False)
    agent: str = ""
    way: Way = "written"
    file: Mapping[str, Json] | None = None


@dataclass(slots=True)
class Thread:
    """One conversation; its id is that of its contact.

    `address` is who writes: a visitor's id, or a number. `line` is where they wrote to: a site, or
    our number. `number` is a telephone number of theirs, "" while unknown; `vouched` says that
    somebody answers for who they are. `stands` is where the flow is (`TextThread.to_json`),
    `unheard` the messages that the flow has not taken up yet. `call`, `queue`, `agent` and `offer`
    are of the present wait or talk, `asked` is what the flow asked for. `since` gives the place,
    `places` that in queues which were left without an agent. `agents` is everybody who has written.
    `facts` are from the site, or of the call that led here; `answers` as in `LiveContact`.
    """

    id: str
    kind: Kind
    address: str
    line: str
    flow: str
    began_at: float
    language: str = ""
    name: str = ""
    number: str = ""
    vouched: bool = False
    phase: Phase = "flow"
    call: str = ""
    queue: str = ""
    agent: str = ""
    offer: str = ""
    entries: int = 0
    errands: int = 0
    seq: int = 0
    unheard: list[int] = field(default_factory=list)
    stands: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    agents: list[str] = field(default_factory=list)
    parked: bool = False
    since: float = 0.0
    places: dict[str, float] = field(default_factory=dict)
    ended_at: float | None = None
    ended_how: str = ""

    @property
    def sure_number(self) -> str:
        """Their number where somebody answers for it: anybody can type one into a form."""
        return self.number if self.vouched or self.kind == "sms" else ""

    @property
    def over(self) -> bool:
        """Whether a message would have to begin another thread."""
        return self.phase == "over"


class Book:
    """Every thread that is open or was so a moment ago. Raises sqlite3.Error when the disk does."""

    def __init__(
        self, keeper: Keeper, tell: Callable[[ContactEvent], None], clock: Callable[[], float]
    ) -> None:
        self._keeper, self._tell, self._clock = keeper, tell, clock
        self._threads: dict[str, Thread] = {}
        self._messages: dict[str, list[Message]] = {}
        self._by_id: dict[tuple[str, str], int] = {}
        self._open: dict[tuple[Kind, str, str], str] = {}
        self._stood: dict[str, tuple[str, bool]] = {}
        self._unmasked: dict[tuple[str, int], str] = {}
        self.also_spoken: Callable[[str], bool] = lambda _: False
        """Whether that contact has a line, or a promise to be called, when its letters are over."""
        self.on_phase: Callable[[Thread], None] = lambda _: None
        """Told of a thread that waits, is answered, set aside, or over from here on."""

    def recover(self) -> int:
        """Load what the last service left; how many threads are open."""
        for name, body in self._keeper.kept("thread").items():
            known = {key: body[key] for key in body if key in Thread.__dataclass_fields__}
            self._index(Thread(**known))
            self._messages[name] = [
                Message(**said) for said in self._keeper.kept(_said(name)).values()
            ]
            for message in self._messages[name]:
                self._by_id[name, message.id] = message.seq
        return len(self._open)

    def begin(self, thread: Thread, told: Mapping[str, Json]) -> None:
        """Take in a new thread; `told` goes with its `began`."""
        began = {"channel": thread.kind, "caller": thread.address, "caller_name": thread.name}
        began |= {"dialled": thread.line, "flow": thread.flow}
        with self._keeper.together():
            self._keep(thread)
            self.tell(thread, "began", {**began, **told})
        self._index(thread)
        self._messages[thread.id] = []

    def keep(self, thread: Thread) -> None:
        """Write down where the thread stands."""
        if thread.id in self._threads:
            self._keep(thread)

    def write(
        self,
        thread: Thread,
        by: Writer,
        text: str,
        *,
        message_id: str = "",
        agent: str = "",
        file: Mapping[str, Json] | None = None,
        unheard: bool = False,
    ) -> tuple[Message, bool]:
        """Add a message and say whether it is new: an id that is known has been written already.

        `unheard`: the flow has to take it up yet, also after a restart.
        """
        known = self._by_id.get((thread.id, message_id)) if message_id else None
        if known is not None:
            return self._messages[thread.id][known - 1], False
        seq = thread.seq + 1
        name = message_id or f"{by}-{seq}"
        message = Message(seq, name, self._clock(), by, text, agent, file=file)
        told: dict[str, Json] = {"by": by, "text": text, "seq": seq, "channel": thread.kind}
        told |= {"agent": agent} if agent else {}
        told |= {"file": {**file}} if file else {}
        thread.seq = seq
        thread.unheard += [seq] if unheard else []
        try:
            with self._keeper.together():
                self._put(thread, message)
                self._keep(thread)
                self.tell(thread, "message", told)
        except BaseException:  # what is not written down has not been said
            thread.seq = seq - 1
            thread.unheard = [each for each in thread.unheard if each != seq]
            raise
        self._messages[thread.id].append(message)
        self._by_id[thread.id, name] = seq
        return message, True

    def mark(self, thread: Thread, seq: int, way: Way) -> Message | None:
        """A message has come further on its way; None when it is no further than it was."""
        said = self._messages.get(thread.id, [])
        if not 1 <= seq <= len(said) or _FURTHER[way] <= _FURTHER[said[seq - 1].way]:
            return None
        message = replace(said[seq - 1], way=way)
        self._put(thread, message)
        said[seq - 1] = message
        return message

    def end(self, thread: Thread, how: str, by: str) -> None:
        """Close it; it can be read for a while. The contact ends with the last of its channels."""
        if thread.over:
            return
        outcome = "answered" if thread.agents else "completed" if how == "completed" else "left"
        was = thread.phase
        thread.phase, thread.ended_at, thread.ended_how = "over", self._clock(), how
        duration = round(self._clock() - thread.began_at, 3)
        told: dict[str, Json] = {"outcome": outcome, "by": by, "reason": how, "duration": duration}
        goes_on = self.also_spoken(thread.id)
        kind, channel = ("line_ended", {"channel": thread.kind}) if goes_on else ("ended", {})
        try:
            with self._keeper.together():
                self._keep(thread)
                self.tell(thread, kind, {**told, **channel})
        except sqlite3.Error:
            thread.phase, thread.ended_at = was, None
            raise
        self._open.pop((thread.kind, thread.address, thread.line), None)

    def forget_old(self) -> None:
        """Threads that were over for long are only in the records from here on."""
        before = self._clock() - KEPT
        over = (each for each in self._threads.values() if each.over)
        self.forget([each.id for each in over if (each.ended_at or 0.0) < before])

    def forget(self, ids: Iterable[str]) -> None:
        """Those of these threads that are over are here no more, for nobody who comes back."""
        for thread in [self._threads[each] for each in ids if each in self._threads]:
            if thread.over:
                with self._keeper.together():
                    self._keeper.forget("thread", thread.id)
                    self._keeper.forget(_said(thread.id))
                for message in self._messages.pop(thread.id):
                    del self._by_id[thread.id, message.id]
                del self._threads[thread.id]
                self._unmasked = {k: v for k, v in self._unmasked.items() if k[0] != thread.id}
                self._stood.pop(thread.id, None)

    # --- reading ---------------------------------------------------------------------------------

    def get(self, thread_id: str) -> Thread | None:
        """The thread of that id, also for a while after its end."""
        return self._threads.get(thread_id)

    def open_with(self, kind: Kind, address: str, line: str) -> Thread | None:
        """The thread that a message from there belongs to."""
        return self._threads.get(self._open.get((kind, address, line), ""))

    def by_call(self, call: str) -> Thread | None:
        """The thread whose present wait or talk that call is."""
        thread = self._threads.get(call.rpartition(".")[0])
        return thread if thread is not None and thread.call == call else None

    def messages(self, thread_id: str, after: int = 0) -> list[Message]:
        """What was said, from number `after` + 1 on."""
        return self._messages.get(thread_id, [])[max(0, after) :]

    def unmask(self, thread: Thread, message: Message, text: str) -> Message:
        """The message with the words that go out: what they have besides is kept nowhere."""
        self._unmasked[thread.id, message.seq] = text
        return replace(message, text=text)

    def as_sent(self, thread: Thread, message: Message) -> Message:
        """The message as whoever it went to may read it; after a restart only the kept copy."""
        text = self._unmasked.get((thread.id, message.seq))
        return message if text is None else replace(message, text=text)

    def __iter__(self) -> Iterator[Thread]:
        return iter(tuple(each for each in self._threads.values() if not each.over))

    def in_flows(self) -> set[tuple[str, str]]:
        """The flow each open thread is in, and the revision of it."""
        states = ((each, each.stands.get("state") or {}) for each in self)
        return {(each.flow, str(state.get("revision", ""))) for each, state in states}

    def __len__(self) -> int:
        return len(self._open)

    # --- writing ---------------------------------------------------------------------------------

    def tell(self, thread: Thread, kind: str, data: Mapping[str, Json], step: str = "") -> None:
        """Add one event to the contact's story."""
        self._tell(ContactEvent(thread.id, self._clock(), kind, step, data))

    def together(self) -> AbstractContextManager[None]:
        """All writes inside happen, or none."""
        return self._keeper.together()

    def _keep(self, thread: Thread) -> None:
        self._keeper.keep("thread", thread.id, self._clock(), asdict(thread))
        stands = (thread.phase, thread.parked)
        if self._stood.setdefault(thread.id, stands) != stands:
            self._stood[thread.id] = stands
            self.on_phase(thread)

    def _put(self, thread: Thread, message: Message) -> None:
        self._keeper.keep(_said(thread.id), f"{message.seq:08d}", message.at, asdict(message))

    def _index(self, thread: Thread) -> None:
        self._threads[thread.id] = thread
        self._stood[thread.id] = (thread.phase, thread.parked)
        if not thread.over:
            self._open[thread.kind, thread.address, thread.line] = thread.id


def in_letters(offer: str) -> bool:
    """Whether that offer, or call, is of a conversation in letters: `<contact>.t<n>`."""
    return offer.partition(".")[2].startswith("t")


def _said(thread_id: str) -> str:
    return f"said/{thread_id}"
