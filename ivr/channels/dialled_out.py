"""Click-to-call: an agent's own phone rings first; answered, it is connected with the number.

The talk is a contact like any other, told from its first ring to its last word. The number is
looked up twice, at the wish and at the dialling: only what an installation allows is ever dialled.
Meanwhile the agent's phone is in a call of its own, so nobody is offered to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from acd.records.contact import ContactEvent, Json
from ivr.agi.session import AgiSession
from ivr.asterisk import events, facts
from ivr.asterisk.events import CONTACT
from ivr.asterisk.originate import Acting, Outgoing, originate
from ivr.errors import IvrError
from ivr.live import new_contact_id
from ivr.reach import Reach

log = structlog.get_logger(__name__)

CONTEXT: Final = "dial-out"
RING_AGENT: Final = 25.0
RING_NUMBER: Final = 60
OPTIONS: Final = "Ri"
OUTCOMES: Final = {"ANSWER": "answered", "BUSY": "busy", "NOANSWER": "no_answer"}
WAITING_FOR: Final = 60.0
"""Seconds after which a wish whose phone was never answered is forgotten."""


class NotDialled(IvrError):
    """A number that cannot be called from here; the text says why."""


@dataclass(frozen=True, slots=True)
class _Wish:
    number: str
    agent: str
    at: float


class DiallingOut:
    """`ask` begins a call, the AGI route `dial-out` carries it on.

    `outside` is how a number is dialled, None where it may not be; `line` what the far end sees.
    """

    def __init__(
        self,
        ami: Acting,
        reach: Reach,
        outside: Callable[[str], str | None],
        tell: Callable[[ContactEvent], None],
        clock: Callable[[], float],
        *,
        node: str | None = None,
    ) -> None:
        self._ami, self._reach, self._outside = ami, reach, outside
        self._tell_event, self._clock, self._node = tell, clock, node
        self._wishes: dict[str, _Wish] = {}
        self._ringing: set[str] = set()
        self._answered: set[str] = set()

    async def ask(self, agent: str, number: str, about: str = "") -> str:
        """Ring the agent's phone for a call to `number`; the id of its contact.

        `about` is the contact it follows from. Raises NotDialled, AsteriskRefused and
        AsteriskUnreachable.
        """
        way = self._reach(agent)
        if way is None:
            raise NotDialled("Your phone cannot be rung: log in to one first.")
        if self._outside(number) is None:
            raise NotDialled(
                f"{number} may not be called from here: `outside` in services.yaml names the "
                "numbers that may, and `trunks` the way to them."
            )
        now = self._clock()
        contact = new_contact_id(now, self._node)
        self._wishes = {
            name: wish for name, wish in self._wishes.items() if now - wish.at < WAITING_FOR
        }
        self._wishes[contact] = _Wish(number, agent, now)
        told = {"channel": "voice", "caller": number, "direction": "out", "agent": agent}
        self._tell(contact, "began", {**told, "about": about} if about else {**told})
        try:
            await originate(
                self._ami,
                Outgoing(
                    way.dial,
                    f"dial-{contact}",
                    CONTEXT,
                    RING_AGENT,
                    (number, number),
                    {CONTACT: contact},
                ),
            )
        except IvrError:
            self._wishes.pop(contact, None)
            self._tell(contact, "ended", {"outcome": "failed", "by": "service"})
            raise
        return contact

    async def enter(self, agi: AgiSession) -> None:
        """The agent has answered: dial, and stay until one of the two hangs up."""
        contact = (*agi.env.args, "")[0]
        wish = self._wishes.pop(contact, None)
        target = self._outside(wish.number) if wish is not None else None
        if wish is None or target is None:
            return
        outcome = "abandoned"
        self._ringing.add(contact)
        try:
            self._tell(contact, "dialled", {"number": wish.number, "agent": wish.agent})
            await agi.exec("Dial", target, str(RING_NUMBER), OPTIONS)
            outcome = OUTCOMES.get(await agi.get_variable("DIALSTATUS") or "", "failed")
        finally:
            # An agent who hangs up first leaves no channel to ask: Asterisk's events know.
            talked = contact in self._answered
            self._ringing.discard(contact)
            self._answered.discard(contact)
            told = {"outcome": "answered" if talked else outcome, "by": "agent"}
            self._tell(contact, "ended", {**told})

    async def take(self, message: Mapping[str, Any]) -> None:
        """One AMI event: whether the number has answered."""
        match events.fact(message):
            case facts.OutsideAnswered(contact) if contact in self._ringing:
                self._answered.add(contact)
                self._tell(contact, "put_through", {})

    def _tell(self, contact: str, kind: str, data: dict[str, Json]) -> None:
        self._tell_event(ContactEvent(contact, self._clock(), kind, "", data))
