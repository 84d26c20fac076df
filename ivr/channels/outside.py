"""A caller is connected with a number outside, over a trunk, and comes back afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from ivr.agi.session import AgiSession
from ivr.channels.services import VoiceServices
from ivr.flow.actions import Transfer, TransferLeft, TransferOutcome
from ivr.live import LiveContact

log = structlog.get_logger(__name__)

OPTIONS = "gRi"
"""Options of Dial: the caller stays with us afterwards (g) and hears ringing at once, or what the
network says (R); the far end cannot send the call elsewhere (i). None lets anybody use keys."""
ANSWERED = "ANSWER"
DIALLED: Mapping[str, TransferOutcome] = {
    ANSWERED: "answered",
    "BUSY": "busy",
    "NOANSWER": "no_answer",
}
"""DIALSTATUS of app_dial; everything else is a failure of the trunk or the number."""
SURELY_ANSWERED = 5.0
"""Seconds after the ringing at which a Dial that is still out means a talk."""


class OutsideCall:
    """The calls outside of one caller, one after the other."""

    def __init__(self, services: VoiceServices, agi: AgiSession, contact: LiveContact) -> None:
        self._house, self._agi, self._contact = services, agi, contact

    async def ring(self, action: Transfer) -> TransferLeft:
        """Ring the number, and stay until one of the two hangs up."""
        target, contact = self._house.outside(action.to), self._contact
        if target is None:
            why = "a number that may not be dialled, or no trunk"
            log.warning(why, number=action.to, contact=contact.id)
            return TransferLeft("failed", "it may not be dialled, or no trunk leads out")
        # An older word must not be taken for this one's, should this service end meanwhile.
        await self._agi.set_variable("DIALSTATUS", "")
        contact.phase, contact.dials = "outside", action.to
        self._house.contacts.keep(contact)
        loop, answered = asyncio.get_running_loop(), self._house.contacts.put_through
        late = loop.call_later(action.ring + SURELY_ANSWERED, answered, contact)
        try:
            await self._agi.exec("Dial", target, str(int(action.ring)), OPTIONS)
        finally:
            late.cancel()
        return await self.left()

    async def left(self) -> TransferLeft:
        """How the call outside ended; Asterisk remembers."""
        status, contact = await self._agi.get_variable("DIALSTATUS") or "", self._contact
        if status == ANSWERED:
            self._house.contacts.put_through(contact)
        contact.phase, contact.dials = "flow", ""
        return TransferLeft(DIALLED.get(status, "failed"), status)
