"""A contact with all that is known of it: what an agent reads while the phone rings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from acd.records.contact import ContactEvent, ContactRecord, Json
from acd.records.queries import Wanted, find, recent, story
from acd.records.telling import sentence
from ivr.live import LiveContact
from ivr.threads.book import Thread, in_letters
from ivr.web.api.discretion import Discretion, without_words
from ivr.web.house import House
from ivr.web.problems import not_found
from ivr.web.roles import STAFF, Who
from ivr.web.routes import Call, Query, Route

PATH: Final = frozenset(
    {"began", "resumed", "step", "pressed", "key", "noinput", "nomatch", "field", "language"}
    | {"hours", "identified", "queued", "offered", "offer_failed", "answered", "agent_left"}
    | {"left_queue", "transferred", "voicemail", "recording", "put_through", "survey", "ended"}
    | {"callback", "callback_dialled", "callback_answered", "callback_unreached", "line_ended"}
    | {"message_written", "message_sent", "message_failed", "message_delivered"}
    | {"message_undelivered", "message_read", "disposition"}
    | {"held", "taken_back", "asking", "asked", "ask_failed", "asked_left", "conference"}
    | {"invited", "joined", "continues", "form_filled"}
)
"""Events that tell people something; a branch of a flow is the designer's business."""
WRITERS: Final = frozenset({"customer", "bot", "agent", "house"})


@dataclass(frozen=True, slots=True)
class PathStep:
    """One thing that happened; `text` says it in English, `data` for other tongues."""

    at: float
    kind: str
    step: str
    text: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One message of a chat or of a thread of texts; `by` is customer, bot, agent or house.

    `file` is the name of what came with it, "" for nothing.
    """

    at: float
    by: str
    agent: str
    text: str
    file: str
    channel: str


@dataclass(frozen=True, slots=True)
class ContactTold:
    """All of one contact.

    `live`: it goes on just now. `number` is where they can be rung, "" while nobody knows; one that
    a visitor only wrote down is not proven to be theirs. `fields` is what the flow collected,
    secrets left out; `identity` is what was found about the caller, `level` how sure that is.
    `path` is what was met and pressed, `transcript` what was written in chats and texts;
    `withheld`: words of it are not for whoever asks (`discretion`). `talk_seconds` is the time with
    agents on the telephone, `chat_seconds` that in letters, each up to now. Times are in epoch
    seconds.
    """

    id: str
    live: bool
    channel: str
    caller: str
    number: str
    caller_name: str
    dialled: str
    flow: str
    language: str
    queue: str
    queue_title: str
    agent: str
    verified: bool
    level: str
    started_at: float
    ended_at: float | None
    outcome: str | None
    wait_seconds: float
    talk_seconds: float
    chat_seconds: float
    reason: str
    fields: Mapping[str, Any]
    identity: Mapping[str, Any]
    path: list[PathStep]
    transcript: list[TranscriptLine]
    customer: int | None = None
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact in a list."""

    id: str
    channel: str
    caller: str
    caller_name: str
    queue: str
    agent: str
    started_at: float
    outcome: str | None
    wait_seconds: float
    talk_seconds: float


class Which(Query):
    """Which contacts: `mine` are those whose last agent is oneself."""

    mine: bool = True
    queue: str | None = None
    caller: str | None = None
    limit: int = 20


class Whose(Protocol):
    """Whose contact it is."""

    async def customer_of(self, contact: str) -> int | None:
        """The customer's id; None when nobody knows."""
        ...

    async def customer_at(self, number: str) -> int | None:
        """The customer with this telephone number; None when nobody has it."""
        ...

    async def contacts_of(self, customer: int) -> Sequence[ContactRecord]:
        """A customer's contacts, the latest first."""
        ...


class ContactFiles:
    """`/api/contacts`. `engine` opens the records, `whose` knows customers."""

    def __init__(
        self, house: House, engine: Callable[[], Awaitable[AsyncEngine]], whose: Whose
    ) -> None:
        self._house, self._engine, self._whose = house, engine, whose
        self.discretion = Discretion(house, engine)

    def routes(self) -> Sequence[Route]:
        """What may be asked."""
        return (
            Route("GET", "/api/contacts", self._list, roles=STAFF, query=Which,
                  gives=list[ContactRow], summary="Contacts, the latest first",
                  audit="contact.list"),
            Route("GET", "/api/contacts/{contact}", self._show, roles=STAFF, gives=ContactTold,
                  summary="All that is known of a contact", audit="contact.read"),
        )  # fmt: skip

    async def _list(self, call: Call) -> list[ContactRow]:
        which: Which = call.query
        agent = None
        if which.mine or not call.me.leads:
            agent = call.agent
        wanted = Wanted(
            agent=agent,
            queue=which.queue,
            caller=which.caller,
            limit=max(1, min(which.limit, 200)),
        )
        records = await recent(await self._engine(), wanted)
        return [contact_row(each) for each in records]

    async def _show(self, call: Call) -> ContactTold:
        return await self.told(call["contact"], call.me)

    async def told(self, contact: str, who: Who) -> ContactTold:
        """All of a contact that this person may see; raises Problem 404 otherwise."""
        engine = await self._engine()
        found = [each for each in await find(engine, contact, 1) if each.id == contact]
        record = found[0] if found else None
        live = self._house.contacts.get(contact)
        if record is None and live is None:
            raise not_found("contact")
        customer = await self._whose.customer_of(contact)
        if customer is None and record is None and live is not None and live.caller:
            # The phone rings before the records know of the call.
            customer = await self._whose.customer_at(live.caller)
        if not await self._may_see(who, contact, record, customer):
            raise not_found("contact")
        events = await story(engine, contact)
        heard = bool(await self.discretion.heard([contact], who))
        told = self._all_of(
            contact, record, live, events if heard else [*without_words(events)], customer
        )
        return told if heard else replace(told, withheld=True)

    async def _may_see(
        self, who: Who, contact: str, record: ContactRecord | None, customer: int | None
    ) -> bool:
        """Those who lead see all. An agent sees what they serve or served, what came to their
        queues, and the history of a customer whom they serve or served.
        """
        if who.leads:
            return True
        if not who.agent:
            return False
        if await self.discretion.heard([contact], who):
            return True
        row = self._house.distributor.engine.agent_row(who.agent, self._house.clock())
        if record is not None and record.queue in row.queues:
            return True
        if customer is None:
            return False
        theirs = await self._whose.contacts_of(customer)
        return bool(await self.discretion.heard([each.id for each in theirs], who))

    def _all_of(
        self,
        contact: str,
        record: ContactRecord | None,
        live: LiveContact | None,
        events: Sequence[ContactEvent],
        customer: int | None,
    ) -> ContactTold:
        record = record or ContactRecord(contact, live.started_at if live else 0.0)
        thread = self._house.written(contact)
        stood = thread.stands.get("state") or {} if thread is not None else {}
        position: Mapping[str, Any] = live.position if live else stood
        queue = live.queue if live and live.queue else record.queue
        talk, chat = _with_agents(events, self._house.clock())
        return ContactTold(
            id=contact,
            live=record.ended_at is None,
            channel=record.channel or "voice",
            caller=record.caller or (live.caller if live else ""),
            number=_number(record, live, thread),
            caller_name=record.caller_name or (live.caller_name if live else ""),
            dialled=record.dialled or (live.dialled if live else ""),
            flow=record.flow or (live.flow if live else ""),
            language=record.language or str(position.get("language", "")),
            queue=queue,
            queue_title=self._house.plan().floor.title(queue) if queue else "",
            agent=record.agent,
            verified=record.verified or bool(position.get("verified")),
            level=str(position.get("level") or _level(events)),
            started_at=record.started_at,
            ended_at=record.ended_at,
            outcome=record.outcome,
            wait_seconds=record.wait_seconds,
            talk_seconds=talk,
            chat_seconds=chat,
            reason=_reason(live, thread, record),
            fields={**record.fields, **(position.get("fields") or {})},
            identity=dict(position.get("customer") or {}),
            path=[
                PathStep(each.at, each.kind, each.step, sentence(each), each.data)
                for each in events
                if each.kind in PATH
            ],
            transcript=[_line(each) for each in events if each.kind == "message"],
            customer=customer,
        )


def contact_row(record: ContactRecord) -> ContactRow:
    """A record as a row of a list."""
    return ContactRow(
        record.id,
        record.channel,
        record.caller,
        record.caller_name,
        record.queue,
        record.agent,
        record.started_at,
        record.outcome,
        record.wait_seconds,
        record.talk_seconds,
    )


def _with_agents(events: Sequence[ContactEvent], now: float) -> tuple[float, float]:
    """Seconds with agents on the telephone, and in letters; the one may go on beside the other."""
    seconds, since = {"spoken": 0.0, "written": 0.0}, dict[str, tuple[str, float]]()

    def close(medium: str, at: float) -> None:
        _, begun = since.pop(medium, ("", at))
        seconds[medium] += max(0.0, at - begun)

    for each in events:
        offer = str(each.data.get("offer") or "")
        medium = "written" if in_letters(offer) else "spoken"
        if each.kind == "answered":
            close(medium, each.at)
            since[medium] = (offer, each.at)
        elif each.kind == "agent_left" and since.get(medium, ("", 0.0))[0] == offer:
            close(medium, each.at)
        elif each.kind == "ended":
            for medium in [*since]:
                close(medium, each.at)
    for medium in [*since]:
        close(medium, now)
    return round(seconds["spoken"], 3), round(seconds["written"], 3)


def _level(events: Sequence[ContactEvent]) -> str:
    """How sure the flow was of who calls, by the last word about it."""
    told = (each.data.get("level") for each in reversed(events) if each.kind == "identified")
    return str(next((level for level in told if level), "unknown"))


def _number(record: ContactRecord, live: LiveContact | None, thread: Thread | None) -> str:
    """Where whoever it is can be rung: on the line they are on, or the number they wrote down."""
    if live is not None and live.caller:
        return live.caller
    if thread is not None and thread.number:
        return thread.number
    return "" if record.channel == "chat" else record.caller


def _reason(live: LiveContact | None, thread: Thread | None, record: ContactRecord) -> str:
    """Why they call, in the words the flow has for its agents."""
    asked = live.waiting_action if live else thread.asked if thread is not None else {}
    told: Json = asked.get("tell_agent")
    return str(told or record.fields.get("reason") or "")


def _line(event: ContactEvent) -> TranscriptLine:
    data = event.data
    by, file = str(data.get("by", "")), data.get("file")
    return TranscriptLine(
        event.at,
        by if by in WRITERS else "house",
        str(data.get("agent", "")),
        str(data.get("text", "")),
        str(file.get("name", "")) if isinstance(file, dict) else "",
        str(data.get("channel", "chat")),
    )
