"""The script: who rings whom, and what they do. Read it as a play."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from rich.text import Text

from acd.model import AgentState
from ivr.demo.cast import PATIENCE, Agent, Caller, talk
from ivr.demo.desk import Desk, shown
from ivr.demo.phone import PhoneRack
from ivr.demo.show import Show
from ivr.demo.town import Town
from ivr.demo.visitor import Visitor

ANA, LI_NA, ZHANG_WEI = "1001", "1002", "1004"
AGENTS: Final = (ANA, LI_NA, ZHANG_WEI)
CLINIC, BANK, NURSE = "4001", "4002", "4103"
ACCOUNT, PIN = "12345678", "4321"
NORA: Final = "+493070000077"
_NIGHT: Final = 12 * 3600.0


class Play:
    """The acts, in order. `found` in the figures is measured where an agent is free."""

    def __init__(
        self, show: Show, rack: PhoneRack, agents: Mapping[str, Agent], town: Town
    ) -> None:
        self.show, self._rack, self._town = show, rack, town
        self._callers: list[Caller] = []
        self._nora: Visitor | None = None
        self.ana, self.li_na, self.zhang_wei = (agents[each] for each in AGENTS)

    async def caller(self, number: str, name: str) -> Caller:
        """Somebody with a telephone, somewhere."""
        phone = await self._rack.caller(number, name, self.show.house.domain)
        self._callers.append(Caller(self.show, phone, name))
        return self._callers[-1]

    async def visitor(self) -> Visitor:
        """Somebody with a browser, whose telephone is the carrier's; always the same one."""
        if self._nora is None:
            phone = await self._rack.phone(NORA, "", self._town.carrier)
            self._nora = Visitor(self.show, phone, "Nora Vogel")
            self._callers.append(self._nora)
        return self._nora

    async def perform(self) -> float:
        """All acts; how many seconds of sound the callers heard."""
        act = self.show.act
        await act(1, "A patient rings the clinic", _ONE, self.patient())
        await act(2, "A bank customer proves who she is, in Mandarin", _TWO, self.customer())
        await act(3, "The caller is handed on, with all that is known", _THREE, self.handed_on())
        await act(4, "Nobody is free", _FOUR, self.nobody_free())
        if self._town.hindrance:
            self.show.screen.line(f"The act of the chat is left out: {self._town.hindrance}.")
        else:
            about = f"{_FIVE}\n{self._town.doors}"
            await act(5, "A chat, a call and a text are one matter", about, self.one_matter())
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
        rung = asyncio.Event()
        show.aside(self._takes_the_next_later(raj, rung))
        await self._takes_the_next(self.ana, eve, rung)

    async def _into_the_queue(self, caller: Caller) -> None:
        await caller.dials(CLINIC)
        await caller.hears()
        await caller.presses("11", ahead=True)
        await caller.waits()

    async def _takes_the_next_later(self, caller: Caller, rung: asyncio.Event) -> None:
        """Whoever becomes ready first has the first caller: the second agent lets that happen."""
        await rung.wait()
        await self.show.pause(0.6)
        await self._takes_the_next(self.li_na, caller, rung)

    async def _takes_the_next(self, agent: Agent, caller: Caller, rung: asyncio.Event) -> None:
        code = self.show.aside(agent.dials("*42"))
        roused = self.show.figures.roused
        await agent.rings("*42 was dialled", roused, lambda: agent.dialled_at)
        rung.set()
        await self.show.pause(0.6)
        await agent.picks_up(caller)
        await talk(caller, agent, self._turn)
        await caller.hangs_up()
        await code

    # --- five ------------------------------------------------------------------------------------

    async def one_matter(self) -> None:
        """On the page, on the telephone and by text message, one contact."""
        show, town, agent = self.show, self._town, self.zhang_wei
        nora = await self.visitor()
        async with town.desk() as desk, nora.on(town.shop):
            await desk.ask("POST", "/api/agents/me/ready")
            await self._asks_the_bot(nora)
            offer = await desk.told("chat_offered")
            agent.tell(f"on {agent.name}'s desk: a chat")
            note = str(offer["tell_agent"])
            show.tell(agent.lane, str(offer["name"]), note, manner="display")
            await show.pause(1.0)
            await desk.ask("POST", f"/api/chats/offers/{offer['offer']}/accept")
            await self._writes_to_a_person(nora, desk)
            await nora.asks_to_be_rung()
            await nora.is_rung()
            await agent.rings("the answer, words and all", [], lambda: nora.picked_up_at)
            await self._looks_at_the_desk(desk, nora)
            await agent.picks_up(nora)
            await talk(nora, agent, self._turn)
            await desk.ask("POST", "/api/texts", text=_TEXT, to=NORA, contact=nora.contact, id="1")
            await nora.gets_a_text(town.provider)
            await town.provider.told()
            await show.pause(1.0)
            await nora.hangs_up()
            await show.until(self._wraps_up, PATIENCE, f"{agent.name} is not in wrap-up")
            await desk.ask("POST", "/api/agents/me/wrap-up/end")
            await desk.ask("POST", f"/api/chats/{nora.contact}/close")
            await nora.reads("Goodbye")

    def _wraps_up(self) -> bool:
        rows = self.show.watch.agents(self.show.epoch(time.monotonic()))
        return any(each.agent == ZHANG_WEI and each.state is AgentState.WRAP_UP for each in rows)

    async def _asks_the_bot(self, nora: Visitor) -> None:
        await nora.reads("Lantern Books")
        for writes, reads in _TO_THE_BOT:
            await self.show.pause(1.2)
            await nora.writes(writes)
            await nora.is_answered(reads)
        await self.show.pause(1.2)
        await nora.writes("a person")

    async def _writes_to_a_person(self, nora: Visitor, desk: Desk) -> None:
        await self.show.pause(1.2)
        said = f"/api/chats/{nora.contact}/messages"
        await desk.ask("POST", said, text=_HELLO, id="hello")
        await nora.reads(_HELLO, by="agent")
        await self.show.pause(1.2)
        await nora.writes(_WET)
        await self.show.pause(1.2)

    async def _looks_at_the_desk(self, desk: Desk, nora: Visitor) -> None:
        """What the page shows in a browser, while the phone rings."""
        contact = await desk.contact(nora.contact, _WET)
        await self.show.settle()
        heading = Text.assemble(("  ▣ ", "dim"), ("on the agent's screen", "bold yellow"))
        self.show.screen.framed(heading, shown(contact, "Ringing"))
        await self.show.reading(4.0)

    # --- the watcher's ---------------------------------------------------------------------------

    async def goes_on(self) -> None:
        """Whoever watches plays on, in a browser, until they have enough."""
        await self.show.act(6, "Your turn", f"{_SIX}\n{self._town.doors}", self.your_turn())

    async def your_turn(self) -> None:
        """Phones are answered by themselves."""
        if self._town.hindrance:
            await self.zhang_wei.answers_alone()
            return
        nora = await self.visitor()

        async def gets_texts() -> None:
            while True:
                await nora.gets_a_text(self._town.provider, _NIGHT)

        await asyncio.gather(nora.answers_alone(), self.zhang_wei.answers_alone(), gets_texts())


_ONE = "Every phone hums a tone of its own, so that who hears whom can be measured."
_TWO = "The PIN is checked against a hash and forgotten; no log and no record ever holds it."
_THREE = "A bill turns out to be a question for the nurse: the caller tells it once."
_FOUR = "No agent of the desk is ready; two callers wait with music."
_FIVE = "A visitor of the shop's page asks the bot, then a person, and wants to be rung."
_SIX = (
    "Chat on the shop's page, and answer on the desk in another window. Ask to be rung at any\n"
    "number of Berlin (+49 30 ...): Nora's phone rings. Hers and Zhang Wei's answer by themselves."
)
_TO_THE_BOT = (
    ("the state of an order", "order number"),
    ("1001", "Shall we text it"),
    ("no", "anything else"),
)
_HELLO = "Hello, I am Zhang Wei. Your order 1001 is on its way."
_WET = "It came today, and it is wet. Can you ring me?"
_TEXT = "A dry copy leaves today. Zhang Wei, Lantern Books"
