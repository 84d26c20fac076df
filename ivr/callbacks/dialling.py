"""Dials customers, and rings the agents who are connected first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from acd.model import (
    CallbackForbidden,
    CallbackHeld,
    CancelOffer,
    Cause,
    Command,
    CustomerAnswered,
    CustomerFailed,
    DialCustomer,
    Event,
    MakeOffer,
)
from acd.records.contact import Json
from ivr.asterisk.events import AGENT, CUSTOMER
from ivr.asterisk.living import LiveChannel
from ivr.asterisk.originate import Outgoing, originate
from ivr.backends.callbacks import Promise
from ivr.callbacks.book import LINE_UP, Book
from ivr.callbacks.services import CallbackServices
from ivr.channels.caller_card import queue_to_json
from ivr.errors import AsteriskRefused, AsteriskUnreachable
from ivr.floor.calling import Calling
from ivr.flow.actions import Queue
from ivr.flow.running import interpreter
from ivr.live import LiveContact

log = structlog.get_logger(__name__)

UNHEARD = 5.0
"""Seconds until it is tried again to dial when there was no connection to Asterisk."""
YOUNG = 3.0
"""Seconds after which a dial must have its channel."""
CHANNEL_FIRST = 0.5
"""Seconds in which a channel that ended has told so, after the response that has no cause."""
ORDER_WITHIN = 5.0
"""Seconds an agent who took a callback waits for the word to dial."""
ENDS = {17: Cause.BUSY, 21: Cause.REJECTED} | dict.fromkeys((0, 16, 18, 19), Cause.NO_ANSWER)
"""What Asterisk's Q.850 cause says of a customer who was dialled; all others: not reached."""


def asked_by(promise: Promise) -> Queue:
    """The wait that the promise stands for."""
    return Queue(promise.queue, dict(promise.needs), promise.priority, promise.tell_agent)


class Dialler:
    """Every dial that is out, known by the offer it is made for (`LiveContact.dial`)."""

    def __init__(self, house: CallbackServices, book: Book) -> None:
        self._house, self.book = house, book
        self._orders: dict[str, asyncio.Future[DialCustomer]] = {}
        self._dialled_at: dict[str, float] = {}
        self._open: set[str] = set()
        self.on_doubt: Callable[[], None] = lambda: None
        """Called when nobody knows whether somebody rings: Asterisk is to be asked."""
        house.contacts.on_rest = self._line_is_over

    # --- what the distributor says ---------------------------------------------------------------

    def on_command(self, command: Command) -> None:
        """Dial, ring, stop; what ends is settled in the book."""
        self.book.on_command(command)
        match command:
            case DialCustomer():
                self._ordered(command)
            case MakeOffer(callback=True):
                self._open.add(command.offer)
                if (contact := self.book.ours(command.contact, command.call)) is not None:
                    self._house.background(self._ring_agent(contact, command))
            case CancelOffer():
                self._open.discard(command.offer)
                contact = self.book.mine(command.call.rpartition(".")[0], command.call)
                if contact is not None and contact.dial == command.offer:
                    self._stop(contact, command.reason.value)
            case _:
                pass

    def _ordered(self, command: DialCustomer) -> None:
        contact = self.book.ours(command.contact, command.call)
        if contact is None:
            return
        self._open.add(command.offer)
        if self._house.legs.knows(command.offer):
            self._order(command.offer).set_result(command)
        else:
            self._house.background(self._dial(contact, command))

    def _order(self, offer: str) -> asyncio.Future[DialCustomer]:
        """The word to dial for an agent who has taken the callback."""
        if offer not in self._orders:
            self._orders[offer] = asyncio.get_running_loop().create_future()
        return self._orders[offer]

    async def _verdict(self, contact: LiveContact, promise: Promise) -> Event | None:
        """Why this customer is not dialled at this moment; None when they are."""
        house, call = self._house, contact.callback
        if await house.refused.has(promise.customer or promise.number):
            return CallbackForbidden(house.clock(), call, "do not call")
        if house.outside(promise.number, self.book.own_number(contact)) is None:
            return CallbackForbidden(house.clock(), call, "the number may not be dialled")
        now = house.clock()
        if not house.asterisk.connected:
            return CallbackHeld(now, call, now + UNHEARD)
        if contact.phase != "callback":
            return CallbackHeld(now, call, now + LINE_UP)
        opens = house.opens(promise.queue)
        return CallbackHeld(now, call, opens) if opens > now else None

    async def _may_dial(self, contact: LiveContact, offer: str) -> Promise | None:
        """The promise to be kept now; None when it is not the moment, which is then told."""
        promise = self.book.promise_of(contact)
        if promise is None:
            return None
        await self.book.look()
        verdict = await self._verdict(contact, promise)
        if offer not in self._open or not contact.promise:
            return None  # taken back meanwhile
        if verdict is not None:
            self.book.send(verdict)
            return None
        return promise

    async def _dial(self, contact: LiveContact, order: DialCustomer) -> None:
        """Customer first."""
        promise = await self._may_dial(contact, order.offer)
        target = (
            self._house.outside(promise.number, self.book.own_number(contact)) if promise else None
        )
        if promise is None or target is None:
            return
        self._begun(contact, promise, order)
        variables = {"__TIELINE_CONTACT": contact.id, "TIELINE_CUSTOMER": promise.number}
        call = Outgoing(
            to=target,
            identity=CUSTOMER + order.offer,
            context="callback",
            seconds=order.ring_seconds,
            caller=("", contact.dialled),
            variables=variables,
        )
        try:
            await originate(self._house.asterisk, call)
        except AsteriskRefused as why:
            log.warning("a customer cannot be dialled", contact=contact.id, why=str(why))
            self.failed(contact, Cause.UNREACHABLE)
        except AsteriskUnreachable as why:
            # It may have been done: whoever squares with Asterisk sees whether there is a channel.
            log.warning("nobody knows whether a customer rings", contact=contact.id, why=str(why))
            self.on_doubt()

    def _begun(self, contact: LiveContact, promise: Promise, order: DialCustomer) -> None:
        """Write down that it is dialled, before it is."""
        house = self._house
        self._dialled_at[order.offer] = house.clock()
        contact.dial = order.offer
        contact.waiting_action, contact.moved_to = queue_to_json(asked_by(promise)), ""
        contact.queue, contact.since = promise.queue, promise.since or promise.asked_at
        contact.called_back = True
        house.contacts.keep(contact)
        told: dict[str, Json] = {
            "number": promise.number,
            "agent": order.agent,
            "attempt": order.attempt,
        }
        house.contacts.tell(contact, "callback_dialled", told)
        house.background(self.book.tried(promise, order.attempt))

    # --- agent first -----------------------------------------------------------------------------

    async def _ring_agent(self, contact: LiveContact, offer: MakeOffer) -> None:
        house = self._house
        promise = await self._may_dial(contact, offer.offer)
        if promise is None or not house.legs.is_open(offer.offer):
            return
        way = house.reach(offer.agent)
        if way is None:
            house.legs.failed(offer.offer, Cause.UNREACHABLE)
            return
        if not await house.distributor.may_ring(offer.agent):
            house.legs.failed(offer.offer, Cause.LOST)
        if not house.legs.is_open(offer.offer):
            return
        told: dict[str, Json] = {"agent": offer.agent, "offer": offer.offer, "queue": offer.queue}
        house.contacts.tell(contact, "offered", told)
        state = interpreter.State.from_json(contact.position)
        card = house.card(contact, asked_by(promise), state)
        variables = {
            "__TIELINE_CONTACT": contact.id,
            "TIELINE_LEG": offer.offer,
            "TIELINE_OFFER": offer.offer,
            "PJSIP_HEADER(add,X-Tieline-Contact)": contact.id,
            "PJSIP_HEADER(add,X-Tieline-Context)": card.context,
            "TIELINE_LINE": contact.dialled,
        }
        call = Outgoing(
            to=way.dial,
            identity=AGENT + offer.offer,
            context="callback-agent",
            seconds=offer.ring_seconds,
            caller=(card.caller_name, promise.number),
            variables=variables,
        )
        house.legs.begun(offer.offer)
        try:
            await originate(house.asterisk, call)
        except AsteriskRefused as why:
            log.warning("an agent cannot be rung", agent=offer.agent, why=str(why))
            house.legs.failed(offer.offer, Cause.UNREACHABLE)
        except AsteriskUnreachable as why:
            log.warning("nobody knows whether an agent rings", agent=offer.agent, why=str(why))
            self.on_doubt()

    def calling(self, contact: LiveContact) -> Calling:
        """How the queue of this contact's callback calls back."""
        return self._house.calling(contact.queue)

    async def taken(self, contact: LiveContact, offer: str) -> tuple[DialCustomer, str] | None:
        """The agent has taken the callback: the word to dial, and whom; None when nobody is."""
        house = self._house
        order = self._order(offer)
        house.legs.answered(offer)  # in case AMI is not heard
        try:
            async with asyncio.timeout(ORDER_WITHIN):
                command = await order
        except TimeoutError:
            return None
        finally:
            self._orders.pop(offer, None)
        promise = await self._may_dial(contact, offer)
        target = house.outside(promise.number, self.book.own_number(contact)) if promise else None
        if promise is None or target is None:
            return None
        self._begun(contact, promise, command)
        return command, target

    def customer_rings(self, contact_id: str, channel: str, uniqueid: str) -> None:
        """The customer is being dialled from the phone of the agent who took the callback."""
        contact = self._house.contacts.get(contact_id)
        if contact is not None and contact.dial and self._house.legs.knows(contact.dial):
            self._house.contacts.adopt(contact, channel, uniqueid)

    def customer_answered(self, contact_id: str) -> None:
        """They talk: the agent has been on the line all the time."""
        contact = self._house.contacts.get(contact_id)
        if contact is None or not contact.dial or not self._house.legs.knows(contact.dial):
            return
        offer, contact.dial = contact.dial, ""
        self._open.discard(offer)
        self._house.contacts.keep(contact)
        self.book.send(CustomerAnswered(self._house.clock(), contact.callback))
        self._house.legs.joined(offer)

    # --- how a dial ends -------------------------------------------------------------------------

    def admits(self, contact: LiveContact, uniqueid: str) -> bool:
        """Whether this is the channel of the customer who is being dialled."""
        return bool(contact.dial) and uniqueid == CUSTOMER + contact.dial

    def too_late(self, contact: LiveContact | None, uniqueid: str) -> bool:
        """Whether that channel is of a dial that was given up."""
        if not uniqueid.startswith(CUSTOMER) or (contact and contact.uniqueid == uniqueid):
            return False
        return contact is None or not self.admits(contact, uniqueid)

    def picked_up(self, contact: LiveContact, channel: str, uniqueid: str) -> None:
        """The customer who is dialled is on that channel; an agent comes later."""
        contact.phase, contact.called_back = "flow", True
        self._house.contacts.adopt(contact, channel, uniqueid)

    def reached(self, contact: LiveContact) -> bool:
        """The customer is there and waits for the agent who is kept; False when it is too late."""
        house = self._house
        self._open.discard(contact.dial)
        contact.dial, contact.phase, contact.call = "", "waiting", contact.callback
        contact.offer = contact.rung = ""
        contact.rung_too = []
        house.contacts.keep(contact)
        house.contacts.tell(contact, "callback_answered", {})
        if self.book.send(CustomerAnswered(house.clock(), contact.callback)):
            return True
        contact.phase = "flow"
        return False

    def failed(self, contact: LiveContact, cause: Cause) -> None:
        """The dial came to nothing; the distributor says when the next one is."""
        if not contact.dial:
            return
        self._over(contact, cause.value)
        self.book.send(CustomerFailed(self._house.clock(), contact.callback, cause))

    def _over(self, contact: LiveContact, why: str) -> None:
        """No dial is out any more."""
        self._dialled_at.pop(contact.dial, None)
        self._open.discard(contact.dial)
        contact.dial = ""
        if contact.phase == "callback":
            contact.called_back = False
            self._house.contacts.adopt(contact, "", "")
        else:
            self._house.contacts.keep(contact)
        self._house.contacts.tell(contact, "callback_unreached", {"cause": why})

    def _stop(self, contact: LiveContact, why: str) -> None:
        """The distributor has taken it back: stop the ringing, whoever rings."""
        channel = contact.channel or CUSTOMER + contact.dial
        self._over(contact, why)
        self._house.hang_up(channel)

    def _line_is_over(self, contact: LiveContact) -> None:
        """The contact is without a line: they gave up before they were through, or may be rung."""
        if contact.dial:
            self.failed(contact, Cause.NO_ANSWER)
        elif not contact.called_back and (promise := self.book.promise_of(contact)) is not None:
            now = self._house.clock()
            until = max(now, self._house.opens(promise.queue))
            self.book.send(CallbackHeld(now, contact.callback, until))

    # --- what Asterisk says ----------------------------------------------------------------------

    def not_reached(self, uniqueid: str, contact_id: str, cause: Cause) -> None:
        """The dial on that channel came to nothing.

        Where only the response to our asking says so, the channel may be about to tell why.
        """
        if not contact_id:
            self._house.background(self._unless_told(uniqueid, cause))
            return
        contact = self._dialled_on(uniqueid, contact_id)
        if contact is not None:
            self.failed(contact, cause)

    async def _unless_told(self, uniqueid: str, cause: Cause) -> None:
        await asyncio.sleep(CHANNEL_FIRST)
        if uniqueid.startswith(AGENT):
            self._house.legs.failed(uniqueid.removeprefix(AGENT), cause)
        elif (contact := self._dialled_on(uniqueid, "")) is not None:
            self.failed(contact, cause)

    def gone(self, uniqueid: str, contact_id: str, cause: int) -> bool:
        """That channel has hung up; whether it was one of a dial that nobody answered."""
        contact = self._dialled_on(uniqueid, contact_id)
        if contact is None:
            return False
        self.failed(contact, ENDS.get(cause, Cause.UNREACHABLE))
        return True

    def _dialled_on(self, uniqueid: str, contact_id: str) -> LiveContact | None:
        """The contact whose customer is rung on that channel and has not been heard yet."""
        if uniqueid.startswith(CUSTOMER):
            call = uniqueid.removeprefix(CUSTOMER).rpartition("-")[0]
            contact = self._house.contacts.get(call.rpartition(".")[0])
            admitted = contact is not None and self.admits(contact, uniqueid)
            return contact if admitted and contact and contact.uniqueid != uniqueid else None
        contact = self._house.contacts.get(contact_id)
        rings = contact is not None and contact.dial and contact.uniqueid == uniqueid
        return contact if rings and contact and contact.phase == "callback" else None

    def standing(self) -> dict[str, bool]:
        """The offers whose customer is being dialled; nobody talks yet."""
        return {each.dial: False for each in self._house.contacts if each.dial}

    def reconcile(self, channels: Sequence[LiveChannel]) -> None:
        """Square the dials with the channels that are really there."""
        there = {each.uniqueid: each for each in channels}
        legs = {each.leg for each in channels if each.leg}
        wanted = set()
        for contact in self._house.contacts:
            if contact.dial:
                wanted.add(CUSTOMER + contact.dial)
                self._square(contact, there, legs)
        for channel in channels:
            lost = channel.uniqueid.startswith(CUSTOMER) and channel.uniqueid not in wanted
            if lost and self._house.contacts.on_channel(channel.uniqueid) is None:
                self._house.hang_up(channel.channel)

    def _square(self, contact: LiveContact, there: dict[str, LiveChannel], legs: set[str]) -> None:
        offer = contact.dial
        if self._house.legs.knows(offer):  # the agent is on the line, and dials
            channel = there.get(contact.uniqueid)
            if channel is not None and channel.state == "Up":
                self.customer_answered(contact.id)
            if channel is not None or offer not in legs:
                return  # without a leg, the agent has left: that is told by the leg's own end
        elif CUSTOMER + offer in there:
            return
        if self._house.clock() - self._dialled_at.get(offer, 0.0) < YOUNG:
            self.on_doubt()
        else:
            self.failed(contact, Cause.LOST)
