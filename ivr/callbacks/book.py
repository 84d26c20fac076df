"""The book of promises: each is put into the distributor, and settled when all is over."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import asdict, replace

import structlog

from acd.errors import AcdError
from acd.model import SERVICE, CallbackQueued, CallExits, CallWithdrawn, Command, Event, Exit
from acd.records.contact import Json
from ivr.backends.callbacks import Promise, State
from ivr.callbacks.services import CallbackServices
from ivr.flow.running import interpreter
from ivr.live import LiveContact
from ivr.threads.book import Thread

log = structlog.get_logger(__name__)

LINE_UP = 30.0
"""Seconds after which a customer who was still on another line with us is looked at again."""
LOOK = 2.0
"""Seconds between looks for promises that somebody settled by hand."""
ELSEWHERE = "another node calls back"
MOVES = 5
"""How often what came of a promise is tried to be written down, a second apart."""


class Book:
    """All promises that are still to be kept, by their id."""

    def __init__(self, house: CallbackServices) -> None:
        self._house = house
        self._kept: dict[str, Promise] = {}
        self._by_hand: dict[str, State] = {}
        self._settling: set[str] = set()
        self._tries: dict[str, int] = {}
        house.contacts.goes_on = self._goes_on
        house.legs.on_talk = self._talks

    # --- promises: a `Keeper` --------------------------------------------------------------------

    def place(self, contact: str, queue: str) -> float | None:
        """Since when this contact has waited for that queue, if it left it without an agent."""
        live = self._house.contacts.get(contact)
        return live.place_in(queue) if live is not None else None

    async def put_in(self, promise: Promise) -> str | None:
        """Let the promise wait for its turn; None, or why that cannot be."""
        if not self._house.dials():
            return None
        engine = self._house.distributor.engine
        rows = engine.queues_view(self._house.clock())
        if not any(row.queue == promise.queue and row.open for row in rows):
            return f"the queue {promise.queue} is closed"
        contact = self._contact_of(promise)
        if contact.promise == promise.id and promise.id in self._kept:
            return None  # asked again after a restart
        return self._queue_up(contact, promise, 0.0, promise.tries)

    def _contact_of(self, promise: Promise) -> LiveContact:
        """The contact it was asked for in, begun again when that is closed."""
        contacts = self._house.contacts
        contact = contacts.get(promise.contact)
        if contact is None:
            thread = self._house.written(promise.contact)
            contact = LiveContact(
                id=promise.contact,
                channel="",
                uniqueid="",
                caller=promise.number,
                caller_name=thread.name if thread is not None else "",
                dialled="",
                flow="",
                started_at=promise.asked_at,
                phase="callback",
                position=_known(promise, thread).to_json(),
            )
            contacts.add(contact)
        return contact

    def own_number(self, contact: LiveContact) -> str:
        """The number a customer may always be rung at: their own, as far as that is certain."""
        thread = self._house.written(contact.id)
        return contact.caller if contact.flow or thread is None else thread.sure_number

    def _queue_up(
        self, contact: LiveContact, promise: Promise, not_before: float, tries: int
    ) -> str | None:
        house = self._house
        if contact.promise and contact.promise != promise.id:
            return "this customer is going to be rung already"
        now, opens = house.clock(), house.opens(promise.queue)
        if contact.phase != "callback":
            not_before = max(not_before, now + LINE_UP)
        contact.entries += 1
        contact.promise, contact.callback = promise.id, f"{contact.id}.{contact.entries}"
        contact.exit = contact.exit_detail = ""
        if contact.phase == "callback":
            contact.call = contact.callback
        house.contacts.keep(contact)
        self._kept[promise.id] = promise
        since = promise.since or promise.asked_at
        event = CallbackQueued(
            at=now,
            call=contact.callback,
            contact=contact.id,
            queue=promise.queue,
            needs=dict(promise.needs),
            priority=promise.priority,
            enqueued_at=since,
            customer=promise.customer or promise.number,
            not_before=max(not_before, opens) or None,
            attempts=tries,
        )
        try:
            house.distributor.send(event)
        except AcdError as why:
            self._forget(contact)
            return str(why)
        self._tell_asked(contact, promise)
        plain = asdict(replace(promise, needs=dict(promise.needs)))
        body = {"promise": plain, "dialled": contact.dialled}
        house.background(house.distributor.share(contact.id, body))
        return None

    def _tell_asked(self, contact: LiveContact, promise: Promise) -> None:
        since = promise.since or promise.asked_at
        told: dict[str, Json] = {"queue": promise.queue, "number": promise.number, "since": since}
        self._house.contacts.tell(contact, "callback_asked", told)

    def _forget(self, contact: LiveContact) -> None:
        if self._is_ours(contact.id):
            self._house.background(self._house.distributor.share(contact.id, None))
        self._kept.pop(contact.promise, None)
        self._settling.discard(contact.promise)
        contact.promise = contact.callback = ""
        self._house.contacts.keep(contact)

    async def start(self) -> None:
        """Make promises, distributor and contacts agree, before anybody is dialled."""
        house, now = self._house, self._house.clock()
        waiting = {each.id: each for each in await house.promises.waiting()}
        for contact in house.contacts:
            promise = waiting.pop(contact.promise, None)
            if promise is not None:
                await self._take_up(contact, promise)
            elif contact.promise:
                self._without_promise(contact)
        rules = {queue.name: queue.callbacks for queue in house.distributor.engine.floor.queues}
        for promise in waiting.values():
            if not self._is_ours(promise.contact):
                await self._moved(promise.id, "given_up", ELSEWHERE)
                continue
            if not house.dials() or promise.queue not in rules:
                continue
            if (promise.since or promise.asked_at) + rules[promise.queue].expire_after <= now:
                await self._moved(promise.id, "given_up", Exit.EXPIRED.value)
            elif house.distributor.engine.callback_of(promise.customer) is None:
                self._noted(promise, await self.put_in(promise))
        for row in house.distributor.engine.calls_view(now):
            lost = row.virtual and house.contacts.get(row.contact) is None
            if lost and house.distributor.owns(row.contact):
                self.send(CallWithdrawn(now, row.call, SERVICE))

    async def _take_up(self, contact: LiveContact, promise: Promise) -> None:
        """A promise and its contact, as the last service left them."""
        self._kept[promise.id] = promise
        known = self._house.distributor.engine.has_call(contact.callback)
        if known or not self._is_ours(contact.id):
            return
        if contact.called_back and contact.agent:
            await self._moved(promise.id, "done")
            self._forget(contact)
        elif contact.phase == "callback" and contact.exit:
            await self._give_up(contact, Exit(contact.exit), contact.exit_detail)
        elif not contact.called_back:
            self._noted(promise, self._queue_up(contact, promise, 0.0, promise.tries))

    def _noted(self, promise: Promise, why: str | None) -> None:
        if why is not None:
            log.warning("a promise is left for people to keep", promise=promise.id, why=why)

    def _without_promise(self, contact: LiveContact) -> None:
        """Somebody settled it by hand, or the service died in between."""
        if self._house.distributor.engine.has_call(contact.callback):
            self.send(CallWithdrawn(self._house.clock(), contact.callback, SERVICE))
        elif not contact.called_back:
            reason = Exit(contact.exit or Exit.WITHDRAWN)
            self._house.background(self._give_up(contact, reason, contact.exit_detail))

    async def watch(self) -> None:
        """Notice what people say of promises: `tieline callbacks --done`."""
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self.look()
            except sqlite3.Error as why:
                log.error("promises cannot be looked at", why=str(why))

    async def look(self) -> None:
        """Let go of every promise that waits no more."""
        mine = {each.promise for each in self._house.contacts if each.promise}
        settled = await self._house.promises.settled(mine - self._settling)
        for contact in self._house.contacts:
            if contact.promise in settled and contact.promise not in self._settling:
                self._settling.add(contact.promise)
                self._by_hand[contact.promise] = settled[contact.promise]
                self._without_promise(contact)
            elif contact.promise and self._is_taken_over(contact):
                log.warning("another node calls back", contact=contact.id)
                self._settling.add(contact.promise)
                self._house.background(self._give_up(contact, Exit.WITHDRAWN, ELSEWHERE))

    def _is_ours(self, contact: str) -> bool:
        return self._house.distributor.owns(contact)

    def _is_taken_over(self, contact: LiveContact) -> bool:
        """Whether another node has it, since this one was thought to be gone."""
        idle = contact.phase == "callback" and not contact.dial
        return idle and contact.promise not in self._settling and not self._is_ours(contact.id)

    def promise_of(self, contact: LiveContact) -> Promise | None:
        """What is still to be kept for this contact."""
        return self._kept.get(contact.promise)

    # --- what comes of them ----------------------------------------------------------------------

    def mine(self, contact_id: str, call: str) -> LiveContact | None:
        """The contact of this service that is called back by that call."""
        contact = self._house.contacts.get(contact_id)
        return contact if contact is not None and contact.callback == call else None

    def ours(self, contact_id: str, call: str) -> LiveContact | None:
        """The same; or one that a node left behind which is gone, and that is ours by now."""
        return self.mine(contact_id, call) or self._inherited(contact_id, call)

    def _inherited(self, contact_id: str, call: str) -> LiveContact | None:
        shared = self._house.distributor.shared(contact_id)
        if shared is None or self._house.contacts.get(contact_id) is not None:
            return None
        try:
            promise, dialled = Promise(**shared["promise"]), str(shared["dialled"])
        except (KeyError, TypeError) as odd:
            log.error("another node's callback cannot be read", contact=contact_id, why=str(odd))
            return None
        log.warning("another node's callback is made here", contact=contact_id)
        contact = self._contact_of(promise)
        contact.dialled, contact.entries = dialled, int(call.rpartition(".")[2])
        contact.promise, contact.callback, contact.call = promise.id, call, call
        self._house.contacts.keep(contact)
        self._kept[promise.id] = promise
        self._tell_asked(contact, promise)
        self._house.background(self._write_down(promise))
        return contact

    async def _write_down(self, promise: Promise) -> None:
        try:
            await self._house.promises.keep(promise)
        except sqlite3.Error as full:  # the contact has all that is needed to make it
            log.error("a promise is not written down", promise=promise.id, why=str(full))

    def on_command(self, command: Command) -> None:
        """A callback that the distributor gives up is given up here; on the line, there is more."""
        if not isinstance(command, CallExits):
            return
        contact = self.mine(command.call.rpartition(".")[0], command.call)
        if contact is None or not contact.promise:
            return
        if not (contact.called_back and contact.phase in ("waiting", "talking")):
            self._house.background(self._give_up(contact, command.reason, command.detail))

    async def again(self, contact: LiveContact) -> bool:
        """Nobody was there for a customer we have reached; whether they are tried once more."""
        promise = self._kept.get(contact.promise)
        floor = self._house.distributor.engine.floor
        wanted = promise.queue if promise is not None else ""
        rules = next((each.callbacks for each in floor.queues if each.name == wanted), None)
        contact.phase = "flow"
        if promise is None or rules is None:
            return False
        tries = self._tries.get(promise.id, promise.tries)
        later = self._house.clock() + rules.retry_after
        if tries < rules.attempts and self._queue_up(contact, promise, later, tries) is None:
            return True
        await self._moved(promise.id, "given_up", contact.exit or "nobody was there")
        self._forget(contact)
        return False

    async def tried(self, promise: Promise, tries: int) -> None:
        """The customer was dialled so many times by now."""
        self._tries[promise.id] = tries
        try:
            await self._house.promises.tried(promise.id, tries)
        except sqlite3.Error as why:  # the distributor counts them, too
            log.error("a try could not be written down", promise=promise.id, why=str(why))

    def _talks(self, contact: LiveContact, call: str) -> None:
        """An agent and this contact's caller talk with each other."""
        if contact.promise and contact.callback == call:
            self._settling.add(contact.promise)
            self._house.background(self._done(contact))

    async def _done(self, contact: LiveContact) -> None:
        await self._moved(contact.promise, "done")
        self._forget(contact)

    def _goes_on(self, contact: LiveContact) -> bool:
        """Whether a contact whose line is over is still to be called back."""
        if not (contact.called_back and contact.phase in ("waiting", "talking")):
            return True
        if contact.promise not in self._settling:
            why = "the customer hung up"
            self._house.background(self._moved(contact.promise, "given_up", why))
        return False

    async def _give_up(self, contact: LiveContact, reason: Exit, detail: str) -> None:
        """First the promise, then the contact: what was given up must not be dialled again."""
        self._settling.add(contact.promise)
        state = self._by_hand.pop(contact.promise, None)
        why = " ".join(filter(None, (reason.value, detail)))
        await self._moved(contact.promise, state or "given_up", "by hand" if state else why)
        self._forget(contact)
        if contact.phase == "callback":
            outcome = "completed" if state == "done" else reason.value
            self._house.contacts.end(contact, contact.outcome(outcome), SERVICE, detail)

    async def _moved(self, promise: str, state: State, why: str = "") -> None:
        for _ in range(MOVES):
            try:
                await self._house.promises.move(promise, state, why)
                return
            except sqlite3.Error as full:
                log.error("what came of a promise is not written down", id=promise, why=str(full))
                await asyncio.sleep(1.0)

    def send(self, event: Event) -> bool:
        """Tell the distributor; a word that came too late is refused there and only logged."""
        try:
            self._house.distributor.send(event)
        except AcdError as late:
            log.info("too late for the distributor", event_type=type(event).__name__, why=str(late))
            return False
        return True


def _known(promise: Promise, thread: Thread | None) -> interpreter.State:
    """What is known of a customer who is called: all that they proved and said in writing."""
    facts = interpreter.Facts(caller=promise.number, channel="voice")
    state = interpreter.State("", "", "", facts, "en")
    stood = thread.stands.get("state") if thread is not None else None
    if not stood:
        return state
    was = interpreter.State.from_json(stood)
    names = ("language", "fields", "verified", "level", "customer", "proofs")
    return replace(state, **{name: getattr(was, name) for name in names})
