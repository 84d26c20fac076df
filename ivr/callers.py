"""Where a call enters: a new caller, one who comes back after a restart, one an agent moved on.

Asterisk's dialplan runs `AGI(.../call, contact, dialled, target)` for each of the three. It also
settles what no coroutine can: a channel that is gone for good (`channel_gone`), and everything that
happened while the service or Asterisk was away (`reconcile`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from ivr.agi.session import AgiSession
from ivr.asterisk.ami import LiveChannel
from ivr.channels.caller_card import plain, queue_from_json
from ivr.channels.services import VoiceServices
from ivr.channels.voice import VoiceCall
from ivr.errors import AsteriskUnreachable, CallerHungUp
from ivr.flow import interpreter
from ivr.flow.actions import Prompt
from ivr.flow.model import Flow
from ivr.live import LiveContact

log = structlog.get_logger(__name__)

TRANSFER_WAIT = 25.0
"""Seconds a caller moved to one agent waits for that agent, before the queue takes them back."""
STUMBLES = 3
"""Faults of ours in one call after which the dialplan's way out serves the caller better."""


class Flows(Protocol):
    """The flows in force."""

    def by_number(self, dialled: str) -> Flow | None:
        """The flow that answers this number."""
        ...

    def by_name(self, name: str) -> Flow | None:
        """The flow of that name."""
        ...


class Targets(Protocol):
    """What an agent may move a caller to."""

    def queue_of(self, number: str) -> str | None:
        """The queue behind this transfer number."""
        ...

    def is_agent(self, number: str) -> bool:
        """Whether this is an agent's extension."""
        ...


class Callers:
    """The door: one `enter` for each AGI session on the `call` route."""

    def __init__(
        self,
        services: VoiceServices,
        flows: Flows,
        targets: Targets,
        not_in_service: Callable[[str], tuple[Prompt, ...]],
    ) -> None:
        self._services, self._flows, self._targets = services, flows, targets
        self._not_in_service = not_in_service

    async def enter(self, agi: AgiSession) -> None:
        """Own this channel until it hangs up."""
        contact_id, dialled, target = (*agi.env.args, "", "", "")[:3]
        contact = self._services.contacts.get(contact_id) if contact_id else None
        if contact is not None and contact.stumbles >= STUMBLES:
            # Our own fault again and again: the dialplan has words and a way out for this caller.
            await agi.set_variable("TIELINE_AWAY_SINCE", "1")
            return
        await agi.set_variable("TIELINE_AWAY_SINCE", "")
        try:
            if contact is None:
                await self._begin(agi, dialled)
            elif target:
                await agi.set_variable("TIELINE_TARGET", "")
                await self._move(agi, contact, target)
            else:
                await self._carry_on(agi, contact)
        except CallerHungUp:
            log.info("caller left before the flow began", channel=agi.env.channel)
        except AsteriskUnreachable:
            raise
        except Exception:
            self._stumbled(agi)
            raise

    def _stumbled(self, agi: AgiSession) -> None:
        """A fault of ours threw the caller out; the dialplan sends them back in."""
        contact = self._services.contacts.on_channel(agi.env.uniqueid)
        if contact is not None:
            contact.stumbles += 1
            self._services.contacts.tell(contact, "stumbled", {"times": contact.stumbles})
            self._services.contacts.keep(contact)

    # --- a new caller ------------------------------------------------------------------------

    async def _begin(self, agi: AgiSession, dialled: str) -> None:
        await agi.answer()
        flow = self._flows.by_number(dialled)
        if flow is None:
            await self._refuse(agi, dialled)
            return
        contact = LiveContact(
            id=new_contact_id(self._services.clock()),
            channel=agi.env.channel,
            uniqueid=agi.env.uniqueid,
            caller=plain(agi.env.callerid, 32),
            caller_name=plain(agi.env.calleridname, 60),
            dialled=dialled,
            flow=flow.name,
            started_at=self._services.clock(),
        )
        await agi.set_variable("_TIELINE_CONTACT", contact.id)
        contacts = self._services.contacts
        contacts.add(contact)
        contacts.tell(
            contact,
            "began",
            {
                "channel": "voice",
                "caller": contact.caller,
                "caller_name": contact.caller_name,
                "dialled": dialled,
                "flow": flow.name,
                "revision": flow.revision,
            },
        )
        facts = interpreter.Facts(caller=contact.caller, dialled=dialled, channel="voice")
        turn = interpreter.start(flow, facts, self._services.now())
        await VoiceCall(self._services, agi, contact, flow).run(turn)

    async def _refuse(self, agi: AgiSession, dialled: str) -> None:
        """Nobody answers this number: say so, rather than leave the caller in a loop."""
        log.warning("no flow answers this number", dialled=dialled)
        path = await self._services.prompts.path(self._not_in_service(dialled))
        await agi.stream_file(str(path.with_suffix("")))
        await agi.set_variable("TIELINE_DONE", "yes")

    # --- one who comes back ------------------------------------------------------------------

    async def _carry_on(self, agi: AgiSession, contact: LiveContact) -> None:
        """The service was away: the channel has come back through the dialplan's loop."""
        flow = self._flow_of(contact)
        if flow is None:
            await self._refuse(agi, contact.dialled)
            self._services.contacts.end(contact, "lost", by="service", reason="flow removed")
            return
        self._services.contacts.tell(contact, "resumed", {"after": contact.phase})
        call = VoiceCall(self._services, agi, contact, flow)
        state = interpreter.State.from_json(contact.position)
        if contact.phase == "waiting":
            await call.carry_on(state, queue_from_json(contact.waiting_action))
        elif contact.phase == "talking":
            await call.talk_is_over(state)
        else:
            await call.run(self._again(flow, state))

    def _flow_of(self, contact: LiveContact) -> Flow | None:
        return self._flows.by_name(contact.flow) or self._flows.by_number(contact.dialled)

    def _again(self, flow: Flow, state: interpreter.State) -> interpreter.Turn:
        """The step they were at, or the beginning if a newer revision has no such step."""
        now = self._services.now()
        if state.step in flow.steps:
            return interpreter.again(flow, state, now)
        return interpreter.start(flow, state.facts, now, language=state.language)

    # --- one an agent moved on ---------------------------------------------------------------

    async def _move(self, agi: AgiSession, contact: LiveContact, target: str) -> None:
        """A blind transfer: the same contact, what is known of it kept, in front of a new target.

        A single agent who does not answer in time sends the caller back to the queue they were in.
        """
        flow = self._flow_of(contact)
        if flow is None or not contact.waiting_action:
            await self._refuse(agi, target)
            return
        self._services.contacts.tell(contact, "transferred", {"by": contact.agent, "to": target})
        before = queue_from_json(contact.waiting_action)
        state = interpreter.State.from_json(contact.position)
        call = VoiceCall(self._services, agi, contact, flow)
        contact.phase = "flow"
        if (queue := self._targets.queue_of(target)) is not None:
            await call.carry_on(state, replace(before, queue=queue, agent=None))
        elif self._targets.is_agent(target):
            only = replace(before, agent=target, max_wait=TRANSFER_WAIT)
            await call.try_agent(state, only, back_to=replace(before, agent=None))
        else:
            log.warning("transfer to an unknown target", contact=contact.id, target=target)
            await call.carry_on(state, before)

    # --- what Asterisk says of a caller's channel --------------------------------------------

    def channel_gone(self, uniqueid: str) -> None:
        """This channel has hung up for good."""
        contact = self._services.contacts.on_channel(uniqueid)
        if contact is not None:
            self._services.legs.caller_left(contact)

    def suspects(self) -> tuple[LiveContact, ...]:
        """Everyone who was here before Asterisk is asked who is really there."""
        return tuple(self._services.contacts)

    def reconcile(
        self, suspects: Sequence[LiveContact], channels: Sequence[LiveChannel], reason: str
    ) -> None:
        """Square all with the channels that are really there; `reason` is why some are not.

        Only `suspects` are judged: who came while Asterisk was being asked is not in its answer.
        """
        legs = {each.leg: (each.channel, each.state == "Up") for each in channels if each.leg}
        self._services.legs.reconcile(legs)
        alive = {each.uniqueid for each in channels}
        for contact in suspects:
            if contact.uniqueid not in alive:
                self._services.legs.caller_left(contact, reason, by="asterisk")


def new_contact_id(at: float) -> str:
    """Short, readable aloud, sorted by time: seconds in base 36 and four random characters."""
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
    number, digits = int(at), ""
    while number:
        number, rest = divmod(number, 36)
        digits = alphabet[rest] + digits
    return digits + "-" + "".join(secrets.choice(alphabet) for _ in range(4))
