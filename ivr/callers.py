"""Where a call enters: a new caller, one who comes back after a restart, one an agent moved on.

Asterisk's dialplan runs `AGI(.../call, contact, dialled, target)` for each of the three. It also
settles what no coroutine can: a channel that is gone for good (`channel_gone`), and everything that
happened while the service or Asterisk was away (`reconcile`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from acd.model import SERVICE, CallExits, Command
from acd.records.contact import Json
from ivr.agi.session import AgiSession
from ivr.asterisk.living import LiveChannel, strays
from ivr.away import left_a_message
from ivr.backends.numbers import vouched_for
from ivr.callbacks.dialling import Dialler
from ivr.channels.callback import take_up
from ivr.channels.caller_card import plain, queue_from_json, queue_to_json
from ivr.channels.services import VoiceServices, sound_name
from ivr.channels.together import phone_taken
from ivr.channels.voice import VoiceCall
from ivr.errors import AsteriskUnreachable, CallerHungUp
from ivr.flow.actions import Prompt
from ivr.flow.model import Flow
from ivr.flow.running import interpreter
from ivr.live import LiveContact, new_contact_id
from ivr.rehearsal.inside import Rehearsals
from ivr.speech.engine import SpeechFailed

log = structlog.get_logger(__name__)

STUMBLES = 3
"""Faults of ours in one call after which the dialplan's way out serves the caller better."""


class Flows(Protocol):
    """The flows in force, and those that live calls began with."""

    def by_number(self, dialled: str) -> Flow | None:
        """The flow that answers this number."""
        ...

    def by_name(self, name: str) -> Flow | None:
        """The flow of that name."""
        ...

    async def flow_of(self, name: str, revision: str) -> Flow | None:
        """The flow of that name with just that text, also when another is in force."""
        ...


class Targets(Protocol):
    """What an agent may move a caller to."""

    def queue_of(self, number: str) -> str | None:
        """The queue behind this transfer number."""
        ...

    def is_agent(self, number: str) -> bool:
        """Whether this is an agent's extension."""
        ...


Standing = tuple[set[str], dict[str, bool]]
"""Calls that are alive, and open offers: True with an agent who has answered."""


def no_other_matter(_number: str) -> str:
    """Nobody writes with us."""
    return ""


def nothing_else() -> Standing:
    """There are no calls but those over the phone."""
    return set(), {}


@dataclass(frozen=True, slots=True)
class Suspects:
    """Who and what was known when Asterisk was asked: contacts, and the ids of open offers."""

    contacts: tuple[LiveContact, ...]
    offers: frozenset[str]


class Callers:
    """The door: one `enter` for each AGI session on the `call` route."""

    def __init__(
        self,
        services: VoiceServices,
        flows: Flows,
        targets: Targets,
        not_in_service: Callable[[str], tuple[Prompt, ...]],
        *,
        callbacks: Dialler,
        rehearsals: Rehearsals | None = None,
        others: Callable[[], Standing] = nothing_else,
        joins: Callable[[str], str] = no_other_matter,
    ) -> None:
        self._services, self._flows, self._targets = services, flows, targets
        self._not_in_service, self._rehearsals = not_in_service, rehearsals
        self._callbacks = callbacks
        self._others, self._joins = others, joins

    @property
    def services(self) -> VoiceServices:
        """What calls are served with."""
        return self._services

    async def enter(self, agi: AgiSession) -> None:
        """Own this channel until it hangs up."""
        contact_id, dialled, target = (*agi.env.args, "", "", "")[:3]
        contact = self._known(agi, contact_id) if contact_id else None
        try:
            if self._callbacks.too_late(contact, agi.env.uniqueid):
                await agi.set_variable("TIELINE_DONE", "yes")
            elif contact is None:
                await self._begin(agi, dialled)
            elif contact.stumbles >= STUMBLES:
                await self._give_up(agi, contact)
            else:
                contact.visits += 1
                await agi.set_variable("TIELINE_AWAY_SINCE", "")
                await self._return(agi, contact, target)
        except CallerHungUp:
            log.info("caller left before the flow went on", channel=agi.env.channel)
        except AsteriskUnreachable:
            raise
        except Exception:
            self._stumbled(agi)
            raise

    def _known(self, agi: AgiSession, contact_id: str) -> LiveContact | None:
        """The contact that the channel names, or that it has become since by a code."""
        contacts = self._services.contacts
        return contacts.get(contact_id) or contacts.on_channel(agi.env.uniqueid)

    async def _return(self, agi: AgiSession, contact: LiveContact, target: str) -> None:
        if self._callbacks.admits(contact, agi.env.uniqueid):
            await take_up(self._services, agi, contact, self._callbacks)
        elif target and contact.waiting_action:
            await self._move(agi, contact, target)
        else:
            await self._carry_on(agi, contact)

    def _stumbled(self, agi: AgiSession) -> None:
        """A fault of ours threw the caller out; the dialplan sends them back in."""
        contact = self._services.contacts.on_channel(agi.env.uniqueid)
        if contact is not None:
            contact.stumbles += 1
            self._services.contacts.tell(contact, "stumbled", {"times": contact.stumbles})
            self._services.contacts.keep(contact)

    async def _give_up(self, agi: AgiSession, contact: LiveContact) -> None:
        """Our own fault again and again: the dialplan has words and a way out for this caller.

        Who stays on the line after the words is tried once more, in the old place.
        """
        contact.stumbles = STUMBLES - 1
        await agi.set_variable("TIELINE_AWAY_SINCE", "1")
        self._services.legs.take_out(contact)

    # --- a new caller ------------------------------------------------------------------------

    async def _begin(self, agi: AgiSession, dialled: str) -> None:
        """Until all is written down, the dialplan goes on counting how long we are away."""
        await agi.answer()
        flow = self._flows.by_number(dialled)
        if flow is None:
            await self._refuse(agi, dialled)
            return
        vouched = vouched_for(agi.env.channel, agi.env.callerid)
        contact = LiveContact(
            id=self._matter_of(vouched),
            channel=agi.env.channel,
            uniqueid=agi.env.uniqueid,
            caller=plain(agi.env.callerid, 32),
            caller_name=plain(agi.env.calleridname, 60),
            dialled=dialled,
            flow=flow.name,
            started_at=self._services.clock(),
            customer=vouched,
        )
        facts = interpreter.Facts(caller=contact.caller, dialled=dialled, channel="voice")
        services, language = await self._services_for(agi, flow)
        turn = interpreter.start(flow, facts, services.now(), language, services.switches())
        contact.position = turn.state.to_json()
        await agi.set_variable("_TIELINE_CONTACT", contact.id)
        self._tell_began(contact, flow)
        self._services.contacts.add(contact)
        await agi.set_variable("TIELINE_TARGET", "")
        await agi.set_variable("TIELINE_AWAY_SINCE", "")
        await VoiceCall(services, agi, contact, flow).run(turn)

    def _matter_of(self, vouched: str) -> str:
        """The contact that a call belongs to: who writes with us just now goes on by voice."""
        services = self._services
        joined = self._joins(vouched) if vouched else ""
        if joined and services.contacts.get(joined) is None:
            return joined
        return new_contact_id(services.clock(), services.node)

    async def _services_for(self, agi: AgiSession, flow: Flow) -> tuple[VoiceServices, str | None]:
        """The house as this call meets it, and the language it begins in where that is told."""
        if self._rehearsals is None:
            return self._services, None
        part = await self._rehearsals.part(agi, self._services, flow)
        return (self._services, None) if part is None else (part.services, part.language)

    def _tell_began(self, contact: LiveContact, flow: Flow) -> None:
        self._services.contacts.tell(
            contact,
            "began",
            {
                "channel": "voice",
                "caller": contact.caller,
                "caller_name": contact.caller_name,
                "dialled": contact.dialled,
                "flow": flow.name,
                "revision": flow.revision,
            },
        )

    async def _refuse(self, agi: AgiSession, dialled: str) -> None:
        """Nobody answers this number: say so, rather than leave the caller in a loop."""
        log.warning("no flow answers this number", dialled=dialled)
        prompts = self._not_in_service(dialled)
        try:
            path = await self._services.prompts.path(prompts)
        except SpeechFailed as silent:
            log.error("no words for a number not in service", why=str(silent))
            path = self._services.prompts.fallback(prompts[0].language)
        await agi.stream_file(sound_name(path))
        await agi.set_variable("TIELINE_DONE", "yes")

    # --- one who comes back ------------------------------------------------------------------

    async def _carry_on(self, agi: AgiSession, contact: LiveContact) -> None:
        """The service was away: the channel has come back through the dialplan's loop."""
        self._services.contacts.tell(contact, "resumed", {"after": contact.phase})
        if contact.phase == "waiting" and await self._spoke(agi, contact):
            self._services.legs.spoke_unheard(contact, await phone_taken(agi, contact))
        await self._go_on(agi, contact)

    async def _go_on(self, agi: AgiSession, contact: LiveContact) -> None:
        """Take the contact up where it stands."""
        if contact.called_back:
            await take_up(self._services, agi, contact, self._callbacks)
            return
        flow = await self._flow_of(contact)
        if flow is None:
            self._services.legs.caller_left(contact, "flow removed", by=SERVICE)
            await self._refuse(agi, contact.dialled)
            return
        call = VoiceCall(self._services, agi, contact, flow)
        state = interpreter.State.from_json(contact.position)
        if contact.phase == "waiting":
            await call.carry_on(state)
        elif contact.phase == "talking":
            await call.talk_is_over(state)
        elif contact.phase == "outside":
            await call.outside_is_over(state)
        else:
            now, switches = self._services.now(), self._services.switches()
            await call.run(interpreter.again(flow, state, now, switches))

    async def _spoke(self, agi: AgiSession, contact: LiveContact) -> bool:
        """Whether the phone that rang from this channel when we went away was answered."""
        if not contact.offer or await agi.get_variable("TIELINE_OFFER") != contact.offer:
            return False
        return await agi.get_variable("DIALSTATUS") == "ANSWER"

    async def _flow_of(self, contact: LiveContact) -> Flow | None:
        """The very flow they began with; only where that is not kept, what took its place."""
        began = await self._flows.flow_of(contact.flow, str(contact.position.get("revision", "")))
        flows = self._flows
        return began or flows.by_name(contact.flow) or flows.by_number(contact.dialled)

    # --- one an agent moved on ---------------------------------------------------------------

    async def _move(self, agi: AgiSession, contact: LiveContact, target: str) -> None:
        """A blind transfer: the same contact, what is known of it kept, in front of a new target.

        A single agent who does not answer in time sends the caller back to the queue they were in.
        The move is written down before the dialplan forgets it.
        """
        services, legs = self._services, self._services.legs
        legs.moved_on(contact, await phone_taken(agi, contact))
        by = contact.agent or contact.rung
        services.contacts.tell(contact, "transferred", {"by": by, "to": target})
        asked = replace(queue_from_json(contact.waiting_action), agent=None, prefers=None)
        if contact.position.get("phase") == "transfer":
            # How long one agent's phone was to ring is no measure for a wait.
            asked = replace(asked, max_wait=None)
        contact.moved_to = ""
        if (queue := self._targets.queue_of(target)) is not None:
            asked = replace(asked, queue=queue)
        elif self._targets.is_agent(target):
            contact.moved_to = target
        else:
            log.warning("transfer to an unknown target", contact=contact.id, target=target)
        contact.waiting_action = queue_to_json(asked)
        contact.phase, contact.call, contact.since = "waiting", "", 0.0
        contact.offer = contact.rung = contact.held = ""
        contact.rung_too = []
        services.contacts.keep(contact)
        await agi.set_variable("TIELINE_TARGET", "")
        await self._go_on(agi, contact)

    def handed_over(self, contact_id: str, giver: str, taker: str, phone: str) -> None:
        """An agent has joined the caller with whom they had asked, and has left the two.

        `giver` and `taker` are the offers of the one and the other, "" without; `phone` is where
        the caller is now. Who was not asked through the distributor is in a call of their own.
        """
        contact = self._services.contacts.get(contact_id)
        if contact is None:
            return
        by, agent = contact.agent, self._services.legs.taken_over(taker) or phone
        told: dict[str, Json] = {"by": by, "to": agent, "how": "attended", "offer": giver}
        self._services.contacts.tell(contact, "transferred", told)
        if agent:
            contact.agent = agent
            told = {"agent": agent, "offer": taker, "queue": contact.queue}
            self._services.contacts.tell(contact, "answered", told)
        self._services.contacts.keep(contact)

    # --- what Asterisk says of a caller's channel --------------------------------------------

    def put_through(self, contact_id: str) -> None:
        """A number outside has answered this contact's caller."""
        contact = self._services.contacts.get(contact_id)
        if contact is not None:
            self._services.contacts.put_through(contact)

    def channel_gone(self, uniqueid: str) -> None:
        """This channel has hung up for good."""
        contact = self._services.contacts.on_channel(uniqueid)
        if contact is not None:
            self._left(contact, "hangup")

    def on_command(self, command: Command) -> None:
        """Keep why a wait ended until its flow has heard it: the caller may not be with us now."""
        if not isinstance(command, CallExits):
            return
        contact = self._services.contacts.get(command.call.rpartition(".")[0])
        if contact is not None and contact.call == command.call:
            contact.exit, contact.exit_detail = command.reason.value, command.detail
            self._services.contacts.keep(contact)

    def suspects(self) -> Suspects:
        """Everyone who was here before Asterisk is asked who is really there."""
        standing = self._services.legs.standing()
        return Suspects(tuple(self._services.contacts), frozenset(standing))

    def reconcile(
        self, suspects: Suspects, channels: Sequence[LiveChannel], booted_at: float
    ) -> None:
        """Square all with the channels that are really there, in an Asterisk started `booted_at`.

        Only `suspects` are judged: who came while Asterisk was being asked is not in its answer.
        Callers first, so that no agent who is freed is given a call that is no more.
        """
        services = self._services
        alive = {each.uniqueid for each in channels}
        for each in channels:
            # A channel of a contact that is neither an agent's leg nor the caller's own is outside.
            outside = services.contacts.on_channel(each.uniqueid) is None and not each.leg
            if outside and each.state == "Up":
                self.put_through(each.contact)
        for contact in suspects.contacts:
            if contact.uniqueid in alive or contact.phase == "callback":
                continue
            if contact.started_at < booted_at:
                self._left(contact, "asterisk restarted", by="asterisk")
            else:
                self._left(contact, "left unheard")
        legs = {each.leg: (each.channel, each.state == "Up") for each in channels if each.leg}
        services.legs.reconcile(legs, suspects.offers, strays(channels))
        self._callbacks.reconcile(channels)
        calls = {contact.call for contact in services.contacts if contact.phase != "flow"}
        letters, offers = self._others()
        offers = services.legs.standing() | self._callbacks.standing() | offers
        services.distributor.reconcile(calls | letters, offers)

    def _left(self, contact: LiveContact, reason: str, by: str = "caller") -> None:
        if left_a_message(self._services.messages, contact.id):
            contact.left_message = True
        self._services.legs.caller_left(contact, reason, by=by)
