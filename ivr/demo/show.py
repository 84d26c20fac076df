"""What holds a performance together: the clock, the story as it comes in, and the stage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, TypeVar

from rich.text import Text

from acd.model import AgentChanged, Channel
from acd.views import CallRow
from ivr.demo.figures import Figures
from ivr.demo.installation import Installation
from ivr.demo.screen import Screen, Stage
from ivr.demo.story import Beat, Lane, Manner, Names, lane_of, of_agent, of_contact, unspelled
from ivr.demo.watch import News, Watch
from ivr.errors import IvrError

TICK: Final = 0.03
TICKS_A_PICTURE: Final = 4
HOLD: Final = 0.15
"""Seconds a beat is held back, so that phones and journal are told in the order of their times."""
HASTE: Final = 0.3
"""What is left of a pause when the show is fast."""

T = TypeVar("T")


class Actor(Protocol):
    """Somebody who may stand on the stage."""

    def lines(self, now: float) -> list[Text]:
        """What the stage shows of them now; nothing while they are away."""
        ...


class Show:
    """One performance. `now` and the beats are `time.monotonic()`."""

    def __init__(self, screen: Screen, house: Installation, watch: Watch, *, fast: bool) -> None:
        self.screen, self.house, self.watch, self.fast = screen, house, watch, fast
        floor = house.plan.floor.floor
        self.names = Names(
            {agent.id: agent.name for agent in floor.agents},
            {queue.name: queue.title for queue in floor.queues},
        )
        self.figures = Figures()
        self.callers: list[Actor] = []
        self.agents: list[Actor] = []
        self._epoch = time.time() - time.monotonic()
        self._began = time.monotonic()
        self._held: list[Beat] = []
        self._ticked = asyncio.Event()
        self._asides: list[asyncio.Task[None]] = []

    # --- time ------------------------------------------------------------------------------------

    def epoch(self, at: float) -> float:
        """Epoch seconds of a monotonic time."""
        return at + self._epoch

    def monotonic(self, at: float) -> float:
        """The monotonic time of epoch seconds."""
        return at - self._epoch

    async def pause(self, seconds: float) -> None:
        """People take their time."""
        await asyncio.sleep(seconds * (HASTE if self.fast else 1.0))

    async def reading(self, seconds: float) -> None:
        """Whoever watches takes their time; nobody does when the show is fast."""
        if not self.fast:
            await asyncio.sleep(seconds)

    async def until(self, what: Callable[[], T | None], timeout: float, why: str) -> T:
        """The first true value of `what`, which is looked at after each tick.

        Raises IvrError, which says `why`, when there is none in time.
        """
        try:
            async with asyncio.timeout(timeout):
                while not (value := what()):
                    await self._ticked.wait()
                return value
        except TimeoutError:
            raise IvrError(f"waited {timeout:g} s in vain: {why}") from None

    def aside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Something that goes on beside the scene; the act ends when it has ended too."""
        task = asyncio.create_task(work)
        self._asides.append(task)
        return task

    # --- the story -------------------------------------------------------------------------------

    def tell(
        self,
        lane: Lane,
        text: str,
        note: str = "",
        *,
        manner: Manner = "plain",
        at: float | None = None,
        figure: str = "",
    ) -> None:
        """Add a beat, now or at a moment just past."""
        at = time.monotonic() if at is None else at
        self._held.append(Beat(at, lane, text, note, manner, figure))

    async def act(
        self, number: int, title: str, about: str, scene: Coroutine[Any, Any, None]
    ) -> None:
        """Perform one act to its end."""
        self._began = time.monotonic()
        self.screen.act(number, title, about, self._began)
        self.callers.clear()
        try:
            await scene
            await asyncio.gather(*self._asides)
        finally:
            for aside in self._asides:
                aside.cancel()
            self._asides.clear()
        await self.settle()
        await self.reading(0.8)

    async def settle(self) -> None:
        """Wait until everything that has happened is told."""
        await asyncio.sleep(HOLD)
        self._flush(time.monotonic())

    async def paper(self, *words: str) -> None:
        """Run one of our own commands and show what it prints."""
        text = await self.house.tieline(*words, columns=self.screen.width - 4)
        self._flush(time.monotonic())
        shown = (f'"{word}"' if " " in word else word for word in words)
        self.screen.paper(" ".join(("tieline", *shown)), below_heads(text))

    async def run_clock(self) -> None:
        """Look at the house and draw the stage until cancelled."""
        ticks = 0
        while True:
            for news in self.watch.look(self.house.flow_time()):
                self._hear(news)
            ticked, self._ticked = self._ticked, asyncio.Event()
            ticked.set()
            self._flush(time.monotonic() - HOLD)
            if ticks % TICKS_A_PICTURE == 0:
                self.screen.draw(self._stage())
            ticks += 1
            await asyncio.sleep(TICK)

    def _hear(self, news: News) -> None:
        if isinstance(news, AgentChanged):
            told, lane, at = of_agent(news, self.names), Lane.AGENTS, news.since
        else:
            told, lane, at = of_contact(news, self.names), lane_of(news), news.at
        if told is not None:
            text, note, manner = told
            self.tell(lane, text, note, manner=manner, at=self.monotonic(at))

    def _flush(self, until: float) -> None:
        due = sorted((beat for beat in self._held if beat.at <= until), key=lambda beat: beat.at)
        self._held = [beat for beat in self._held if beat.at > until]
        for beat in due:
            self.screen.beat(beat)

    # --- the stage -------------------------------------------------------------------------------

    def _stage(self) -> Stage:
        now = time.monotonic()
        callers = [line for who in self.callers for line in who.lines(now)]
        agents = [line for who in self.agents for line in who.lines(now)]
        calls = [self._call(row) for row in self.watch.calls(self.epoch(now))]
        return Stage(now - self._began, (callers, [*self._flows(), *calls], agents))

    def _flows(self) -> list[Text]:
        lines = []
        for contact in self.watch.in_flow():
            place = self.watch.place(contact)
            where = Text.assemble(
                (f"{place.flow} › {place.step}", "bold"), (f"  {place.language}", "dim")
            )
            lines += [where, Text(unspelled(place.words), style="italic", no_wrap=False)]
        return lines

    def _call(self, row: CallRow) -> Text:
        title = self.names.queue(row.queue)
        queue = (f"{title}, in writing" if row.channel is Channel.CHAT else title, "bold")
        if row.position is not None:
            return Text.assemble(queue, f": place {row.position}, {row.wait:.0f} s")
        agent = self.names.agent(row.agent or "")
        if row.answered_at is None:
            return Text.assemble(queue, f": rings {agent}")
        return Text.assemble(queue, f": with {agent}")


def below_heads(text: str) -> str:
    """What Asterisk's console prints below the heads of the table it takes our text for."""
    _, heads, told = text.partition("Column Value")
    return told.partition("\n")[2].partition("\n")[2].strip("\n") if heads else text
