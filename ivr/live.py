"""The contacts that are alive right now, and what must survive a restart to carry each of them on.

A contact is one matter. While its call lives, this register holds the flow's position, the wait it
is in and the channel that carries it; every change is written to the journal's `live` table before
anything else happens, so that a service that was killed finds each caller again. Secrets the caller
keyed are not part of it and are asked again.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from acd.records.contact import ContactEvent, Json
from ivr.flow.running.state import unfinished

Phase = Literal["flow", "waiting", "talking", "outside", "callback"]
"""`callback`: nobody is on the line, a promise to call back is all that is left."""
Held = Literal["", "held", "asked", "conference"]
"""Where the desk has a caller who talks: with the agent, with music, with music while a colleague
is asked about them, or with both of the two."""


class Store(Protocol):
    """Where live contacts outlive the service; `acd.journal.Journal` is one."""

    def set_live(self, contact: str, at: float, state: Mapping[str, Any]) -> None:
        """Remember where this contact stands, replacing what was there."""
        ...

    def drop_live(self, contact: str) -> None:
        """Forget where this contact stood."""
        ...

    def all_live(self) -> Mapping[str, Mapping[str, Any]]:
        """Where every live contact stands."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """All writes inside happen, or none."""
        ...


@dataclass(slots=True)
class LiveContact:
    """One contact on one channel.

    `position` is the interpreter's state as JSON, `visits` counts the sessions that carried the
    contact (only the latest may speak for it), `stumbles` our own faults on the way.

    `call` is the id of its present wait in a queue ("" before the first), `entries` counts the
    waits, `since` is the moment that gives the place. `waiting_action` is what the flow asked for;
    `moved_to` is the one agent who was to take the caller over, "" when there is none. `offer` is
    the last one rung from this channel, `rung` its agent and `rung_too` who rang at the same time.
    `exit` and `exit_detail` are why the distributor let the wait end, kept until the flow has heard
    it. `places` are the queues that were left without an agent, each with the moment that still
    gives the place there: for who comes back to it, or has a callback of it (`place_in`).
    `customer` is whose call it is, as far as the network vouches for that.

    `errands` counts what was asked of the house, `messages` the messages left; `recordings` names
    what else was recorded. `dials` is the number outside that rings for the caller, `outside` the
    last one that answered. `ended_by` says who asked for the call's end, if known.

    `promise` is the promise to call back that is still to be kept, `callback` its call in the
    distributor, `dial` the offer for which the customer is being dialled. `called_back`: the
    present line is one that we dialled. `held` is where the agent's desk has the caller. `answers`
    were given in forms, by flow and field, and wait for the flow to take them up.
    """

    id: str
    channel: str
    uniqueid: str
    caller: str
    caller_name: str
    dialled: str
    flow: str
    started_at: float
    phase: Phase = "flow"
    held: Held = ""
    call: str = ""
    queue: str = ""
    agent: str = ""
    entries: int = 0
    visits: int = 0
    stumbles: int = 0
    since: float = 0.0
    moved_to: str = ""
    offer: str = ""
    rung: str = ""
    rung_too: list[str] = field(default_factory=list)
    exit: str = ""
    exit_detail: str = ""
    customer: str = ""
    errands: int = 0
    messages: int = 0
    left_message: bool = False
    recordings: list[str] = field(default_factory=list)
    places: dict[str, float] = field(default_factory=dict)
    dials: str = ""
    outside: str = ""
    ended_by: str = ""
    promise: str = ""
    callback: str = ""
    dial: str = ""
    called_back: bool = False
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    position: dict[str, Any] = field(default_factory=dict)
    waiting_action: dict[str, Any] = field(default_factory=dict)

    def place_in(self, queue: str) -> float | None:
        """Since when the caller stands in a queue that was left in this call; None: nowhere."""
        return self.places.get(queue)

    def take_answers(self) -> dict[str, dict[str, Any]]:
        """What was given in forms since this was asked last."""
        answers, self.answers = self.answers, {}
        return answers

    def outcome(self, otherwise: str) -> str:
        """What came of the contact: a talk, a way out of the house, a message, or `otherwise`."""
        if self.agent:
            return "answered"
        if self.outside:
            return "transferred"
        return "voicemail" if self.left_message else otherwise

    def to_json(self) -> dict[str, Json]:
        """What a restarted service needs."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> LiveContact:
        """Rebuild from `to_json`; fields that a newer release dropped are ignored."""
        known: dict[str, Any] = {
            name: value for name, value in data.items() if name in cls.__dataclass_fields__
        }
        return cls(**known)


class LiveContacts:
    """The register: by contact id and by Asterisk's unique channel id."""

    def __init__(
        self, store: Store, tell: Callable[[ContactEvent], None], clock: Callable[[], float]
    ) -> None:
        self._store, self._tell, self._clock = store, tell, clock
        self._by_id: dict[str, LiveContact] = {}
        self._by_uniqueid: dict[str, LiveContact] = {}
        self.goes_on: Callable[[LiveContact], bool] = lambda _: False
        """Whether a contact whose line is over is to be called back."""
        self.on_rest: Callable[[LiveContact], None] = lambda _: None
        """Told of a contact that is without a line from now on."""
        self.also_written: Callable[[str], bool] = lambda _: False
        """Whether that contact goes on in letters when its line is over."""
        self.on_join: Callable[[str, str], Awaitable[None]] = _nothing_to_move
        """Told under which id a call went before, and under which it goes on."""

    def recover(self) -> int:
        """Load what the last service left behind; return how many contacts that is."""
        for data in self._store.all_live().values():
            self._index(LiveContact.from_json(data))
        return len(self._by_id)

    def add(self, contact: LiveContact) -> None:
        """Take in a new contact."""
        self._index(contact)
        self.keep(contact)

    def keep(self, contact: LiveContact) -> None:
        """Write down the contact's present state; an ended contact stays ended."""
        if contact.id in self._by_id:
            self._store.set_live(contact.id, self._clock(), contact.to_json())

    def get(self, contact_id: str) -> LiveContact | None:
        """The live contact of that id."""
        return self._by_id.get(contact_id)

    def on_channel(self, uniqueid: str) -> LiveContact | None:
        """The live contact whose channel has that unique id."""
        return self._by_uniqueid.get(uniqueid)

    def __iter__(self) -> Iterator[LiveContact]:
        return iter(tuple(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def in_flows(self) -> set[tuple[str, str]]:
        """The flow each contact is in, and the revision of it."""
        return {(each.flow, str(each.position.get("revision", ""))) for each in self}

    def tell(
        self, contact: LiveContact, kind: str, data: Mapping[str, Json], step: str = ""
    ) -> None:
        """Add one event to the contact's story."""
        self._tell(ContactEvent(contact.id, self._clock(), kind, step, data))

    def tell_of(self, contact_id: str, kind: str, data: Mapping[str, Json]) -> None:
        """Add one event to the story of a contact that may have no line."""
        self._tell(ContactEvent(contact_id, self._clock(), kind, "", data))

    def put_through(self, contact: LiveContact) -> None:
        """The number outside that rings for this contact has answered; told once."""
        if contact.dials:
            contact.outside, contact.dials = contact.dials, ""
            self.tell(contact, "put_through", {"number": contact.outside})
            self.keep(contact)

    def adopt(self, contact: LiveContact, channel: str, uniqueid: str) -> None:
        """The contact goes on, on that channel; "" for none."""
        self._by_uniqueid.pop(contact.uniqueid, None)
        contact.channel, contact.uniqueid = channel, uniqueid
        if uniqueid:
            self._by_uniqueid[uniqueid] = contact
        self.keep(contact)

    def fits(self, contact_id: str, into: str) -> bool:
        """Whether `join` would have that contact go on as the other one."""
        contact = self._by_id.get(contact_id)
        if contact is None or contact_id == into:
            return contact is not None
        kept = contact.promise or contact.messages or contact.recordings
        return into not in self._by_id and not kept

    def join(self, contact: LiveContact, into: str) -> bool:
        """The call belongs to that contact from here on, with its whole story.

        False where it cannot: that contact has a line of its own, or what this one has promised or
        recorded is known by its own name.
        """
        if contact.id == into:
            return True
        if not self.fits(contact.id, into):
            return False
        before, at = contact.id, self._clock()
        with self._store.together():
            self._tell(ContactEvent(into, at, "joined", "", {"from": before}))
            self._store.drop_live(before)
            self._store.set_live(into, at, {**contact.to_json(), "id": into})
        del self._by_id[before]
        contact.id = into
        self._by_id[into] = contact
        return True

    def end(self, contact: LiveContact, outcome: str, by: str, reason: str = "") -> bool:
        """The line is over: close the contact once; whoever comes second is told False.

        One that is to be called back lives on without a line, one that chats in letters alone. What
        cannot be written down has not happened: then the contact lives on, and may be closed again.
        """
        if contact.id not in self._by_id:
            return False
        if contact.promise and contact.phase != "callback" and self.goes_on(contact):
            self._rest(contact, by, reason)
            return True
        duration = round(self._clock() - contact.started_at, 3)
        told: dict[str, Json] = {"outcome": outcome, "by": by, "reason": reason}
        goes_on = self.also_written(contact.id)
        kind, channel = ("line_ended", {"channel": "voice"}) if goes_on else ("ended", {})
        survey = unfinished(contact.position)
        with self._store.together():
            if survey is not None:
                self.tell(contact, "survey", survey, str(contact.position["step"]))
            self.tell(contact, kind, {**told, "duration": duration, **channel})
            self._store.drop_live(contact.id)
        del self._by_id[contact.id]
        self._by_uniqueid.pop(contact.uniqueid, None)
        return True

    def _rest(self, contact: LiveContact, by: str, reason: str) -> None:
        self.tell(contact, "line_ended", {"by": by, "reason": reason})
        contact.phase, contact.call, contact.ended_by = "callback", contact.callback, ""
        self.adopt(contact, "", "")
        self.on_rest(contact)
        contact.called_back = False
        self.keep(contact)

    def _index(self, contact: LiveContact) -> None:
        self._by_id[contact.id] = contact
        if contact.uniqueid:
            self._by_uniqueid[contact.uniqueid] = contact


async def _nothing_to_move(_before: str, _after: str) -> None:
    return None


def new_contact_id(at: float, node: str | None = None) -> str:
    """Short, readable aloud, sorted by time: seconds in base 36 and four random characters.

    Among several nodes it ends in the name of the one whose contact it is.
    """
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
    number, digits = int(at), ""
    while number:
        number, rest = divmod(number, 36)
        digits = alphabet[rest] + digits
    made = digits + "-" + "".join(secrets.choice(alphabet) for _ in range(4))
    return f"{made}-{node}" if node else made
