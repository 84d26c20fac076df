"""The script: who rings whom, and what they do. Read it as a play."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from ivr.demo.cast import Agent, Caller, talk
from ivr.demo.phone import PhoneRack
from ivr.demo.show import Show

ANA, LI_NA, ZHANG_WEI = "1001", "1002", "1004"
AGENTS: Final = (ANA, LI_NA, ZHANG_WEI)
CLINIC, BANK, NURSE = "4001", "4002", "4103"
ACCOUNT, PIN = "12345678", "4321"


class Play:
    """The acts, in order. `found` in the figures is measured where an agent is free."""

    def __init__(self, show: Show, rack: PhoneRack, agents: Mapping[str, Agent]) -> None:
        self.show, self._rack = show, rack
        self._callers: list[Caller] = []
        self.ana, self.li_na, self.zhang_wei = (agents[each] for each in AGENTS)

    async def caller(self, number: str, name: str) -> Caller:
        """Somebody with a telephone, somewhere."""
        phone = await self._rack.caller(number, name, self.show.house.domain)
        self._callers.append(Caller(self.show, phone, name))
        return self._callers[-1]

    async def perform(self) -> float:
        """All acts; how many seconds of sound the callers heard."""
        act = self.show.act
        await act(1, "A patient rings the clinic", _ONE, self.patient())
        await act(2, "A bank customer proves who she is, in Mandarin", _TWO, self.customer())
        await act(3, "The caller is handed on, with all that is known", _THREE, self.handed_on())
        await act(4, "Nobody is free", _FOUR, self.nobody_free())
        return sum(caller.heard for caller in self._callers)

    # --- one -------------------------------------------------------------------------------------

    async def patient(self) -> None:
        """Two keys, one agent, one conversation."""
        sam = await self.caller("+12025550143", "Sam Carter")
        login = self.show.aside(self.ana.dials("*41"))
        await sam.dials(CLINIC)
        await sam.hears()
        await sam.listens()
        await sam.presses("1")
        await sam.hears()
        await self.show.pause(1.6)
        await login
        await sam.presses("1")
        await self._served(sam, self.ana)
        await talk(sam, self.ana, self._turn)
        await self.ana.hangs_up()
        await sam.hears_more()
        self.show.aside(self.ana.dials("*44"))
        await self.show.pause(1.5)
        await sam.line.hang_up()

    async def _served(self, caller: Caller, agent: Agent) -> None:
        """The last key was pressed: the agent's phone rings, and the agent answers."""
        found = self.show.figures.found
        await agent.rings("the last key", found, lambda: caller.pressed_at)
        await self.show.pause(1.0)
        await agent.picks_up(caller)

    @property
    def _turn(self) -> float:
        """How long each speaks."""
        return 0.4 if self.show.fast else 1.0

    # --- two -------------------------------------------------------------------------------------

    async def customer(self) -> None:
        """Account and PIN by keys; the agent learns that they are right, never what they are."""
        fast = self.show.fast
        mei = await self.caller("13800138000", "Mei Lin")
        login = self.show.aside(self.zhang_wei.dials("*41"))
        await mei.dials(BANK)
        await mei.hears()
        await mei.listens()
        await mei.presses("2")
        await mei.hears()
        await self.show.pause(1.4)
        await mei.presses("2", at_once=fast)
        await mei.hears()
        await self.show.pause(0.8)
        await mei.presses(ACCOUNT, at_once=fast)
        await mei.hears()
        await self.show.pause(0.8)
        await mei.presses(PIN, secret=True, at_once=fast)
        await mei.hears()
        await mei.hears_more()
        await self.show.pause(1.4)
        await login
        await mei.presses("1", at_once=True)
        await self._served(mei, self.zhang_wei)
        await talk(mei, self.zhang_wei, self._turn)
        await mei.hangs_up()

    # --- three -----------------------------------------------------------------------------------

    async def handed_on(self) -> None:
        """A blind transfer: one contact, two agents."""
        show = self.show
        omar = await self.caller("+442079460958", "Omar Haddad")
        await omar.dials(CLINIC)
        await omar.hears()
        await omar.presses("12", ahead=True)
        await self._served(omar, self.ana)
        login = show.aside(self.li_na.dials("*42"))
        await talk(omar, self.ana, self._turn)
        await login
        asked = await self.ana.transfers(omar, NURSE)
        await self.li_na.rings("the transfer", show.figures.handed_on, lambda: asked)
        show.aside(self.ana.dials("*43"))
        await show.pause(0.6)
        await self.li_na.picks_up(omar)
        await talk(omar, self.li_na, self._turn)
        contact = omar.contact
        await omar.hangs_up()
        show.aside(self.li_na.dials("*43"))
        await show.until(lambda: show.watch.has_ended(contact), 5.0, "the contact has no end")
        await show.settle()
        await show.paper("contacts", "show", contact)
        await show.reading(3.5)

    # --- four ------------------------------------------------------------------------------------

    async def nobody_free(self) -> None:
        """Two callers wait; each agent who becomes ready is rung at once."""
        show = self.show
        eve = await self.caller("+12025550117", "Eve Novak")
        raj = await self.caller("+442079460321", "Raj Patel")
        await self._into_the_queue(eve)
        await self._into_the_queue(raj)
        await eve.hears_music(0.5 if show.fast else 2.0)
        await show.settle()
        await show.paper("console", "-x", "acd show queues/appointments")
        await show.reading(2.5)
        await asyncio.gather(self._takes_the_next(self.ana, eve), self._takes_the_next_later(raj))

    async def _into_the_queue(self, caller: Caller) -> None:
        await caller.dials(CLINIC)
        await caller.hears()
        await caller.presses("11", ahead=True)
        await caller.waits()

    async def _takes_the_next_later(self, caller: Caller) -> None:
        await self.show.pause(1.2)
        await self._takes_the_next(self.li_na, caller)

    async def _takes_the_next(self, agent: Agent, caller: Caller) -> None:
        code = self.show.aside(agent.dials("*42"))
        roused = self.show.figures.roused
        await agent.rings("*42 was dialled", roused, lambda: agent.dialled_at)
        await self.show.pause(0.6)
        await agent.picks_up(caller)
        await talk(caller, agent, self._turn)
        await caller.hangs_up()
        await code


_ONE = "Every phone hums a tone of its own, so that who hears whom can be measured."
_TWO = "The PIN is checked against a hash and forgotten; no log and no record ever holds it."
_THREE = "A bill turns out to be a question for the nurse: the caller tells it once."
_FOUR = "No agent of the desk is ready; two callers wait with music."
