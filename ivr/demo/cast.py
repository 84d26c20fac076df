"""Callers and agents: what each does with a real phone is told, and what it brings is measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import unquote

from rich.text import Text

from acd.model import AgentState
from ivr.demo.figures import milliseconds
from ivr.demo.installation import CODES
from ivr.demo.meter import BLOCKS, PLAIN_BLOCKS, QUIETEST, Meter, strip
from ivr.demo.phone import Line, LineState, PhoneError, SoftPhone
from ivr.demo.show import Show
from ivr.demo.story import Lane, Manner, unspelled
from ivr.speech.phrases import phrase

PATIENCE: Final = 12.0
IN_FLIGHT: Final = 0.04
"""Two packets: so much earlier than its end a sound may seem to begin."""
IN_A_PAUSE: Final = 0.08
"""Callers press keys where the voice takes a breath, so that old and new words cannot be mixed."""
LONGER_THAN_A_PAUSE: Final = 0.45
"""No voice takes so long a breath in the middle of a prompt."""
GAP_MS: Final = 140
"""Between keys: with less, the phone is still sending the last keys when it has pressed them."""
RINGS: Final = 4.0
"""Seconds a phone rings that is answered by nobody's hand."""
LONGEST_CALL: Final = 3600.0
LEVELS: Final = 14
"""Blocks in a level meter."""

_DOTS: Final[dict[AgentState, str]] = {
    AgentState.READY: "bold green",
    AgentState.OFFERED: "bold yellow",
    AgentState.TALKING: "bold cyan",
    AgentState.WRAP_UP: "blue",
    AgentState.PAUSED: "dim",
    AgentState.LOGGED_OUT: "dim",
}


class Person:
    """Somebody with a phone. `line` is the call in hand."""

    lane = Lane.CALLERS

    def __init__(self, show: Show, phone: SoftPhone, name: str) -> None:
        self.show, self.phone, self.name = show, phone, name
        self.first_name = name.split(maxsplit=1)[0] if name.isascii() else name
        self.lines_taken: list[Line] = []

    @property
    def line(self) -> Line:
        """The latest call."""
        return self.lines_taken[-1]

    @property
    def heard(self) -> float:
        """Seconds of sound heard, in all calls."""
        return sum(line.heard_seconds for line in self.lines_taken)

    def take(self, line: Line) -> Line:
        """This call is in hand now; its sound goes through a meter."""
        self.meter = line.ear = Meter(line.began_at, LEVELS)
        self.lines_taken.append(line)
        return line

    def strips(self) -> list[Text]:
        """A level meter for each call that is up."""
        blocks = BLOCKS if self.show.screen.fine else PLAIN_BLOCKS
        found = []
        for line in self.lines_taken:
            if line.state is LineState.TALKING and isinstance(line.ear, Meter):
                level = line.ear.sample()
                told = f" {level:.0f} dB" if level > QUIETEST else ""
                found.append(
                    Text.assemble((strip(line.ear.levels, blocks), "green"), (told, "dim"))
                )
        return found

    def tell(
        self,
        text: str,
        note: str = "",
        at: float | None = None,
        *,
        figure: str = "",
        key: bool = False,
    ) -> None:
        """A beat in this person's lane."""
        manner: Manner = "key" if key else "plain"
        self.show.tell(self.lane, text, note, manner=manner, at=at, figure=figure)

    async def hangs_up(self) -> None:
        """End the call."""
        self.tell(f"{self.first_name} hangs up")
        await self.line.hang_up()

    async def answers_alone(self) -> None:
        """Pick up whatever rings, and hum until the other side is gone; until cancelled."""
        while True:
            line = self.take(await self.phone.incoming())
            self.tell(f"☎ {self.name}'s phone rings", at=line.began_at)
            await asyncio.sleep(RINGS)
            with suppress(PhoneError):
                await line.answer(PATIENCE)
                self.tell(f"{self.first_name}'s phone is answered")
                line.hum()
            self.tell(f"{self.first_name}'s call ends", await line.ended(LONGEST_CALL))

    async def hears_voice(self, other: Person, timeout: float = PATIENCE) -> None:
        """Wait for the other one's own tone, and tell that it came through."""
        await self.line.hears(other.phone, timeout)
        self.tell(
            f"{self.first_name} hears {other.first_name}", f"{other.phone.tone_hz} Hz, measured"
        )


class Caller(Person):
    """Somebody who rings from outside."""

    def __init__(self, show: Show, phone: SoftPhone, name: str) -> None:
        super().__init__(show, phone, name)
        self._mark = 0.0
        self._measure: list[float] | None = None
        self._said = ""

    @property
    def contact(self) -> str:
        """The contact of the call in hand, "" before there is one."""
        return self.show.watch.contact_of(self.phone.user)

    @property
    def pressed_at(self) -> float:
        """When the last key was released."""
        return self._mark

    def lines(self, now: float) -> list[Text]:
        """See `Actor`."""
        strips = self.strips()
        if not strips:
            return []
        heard = f" heard {self.line.heard_seconds:.1f} s"
        return [Text.assemble((self.first_name, "bold cyan"), (heard, "dim")), *strips]

    async def dials(self, number: str) -> None:
        """Ring Tieline; returns when it has answered."""
        self.show.callers.append(self)
        self.show.figures.calls += 1
        self._mark, self._measure = time.monotonic(), self.show.figures.first_words
        self.tell(f"{self.name} dials {number}", f"from {self.phone.user}", key=True)
        await self.take(await self.phone.dial(number)).answered(PATIENCE)

    async def hears(self) -> None:
        """Wait for the words that answer the last thing done, and tell how long they took."""
        line, show = self.line, self.show
        asked = show.epoch(self._mark)
        await show.until(
            lambda: show.watch.latest(self.contact) >= asked, PATIENCE, "the key was not heard"
        )
        since = show.monotonic(show.watch.latest(self.contact)) - line.began_at
        heard = await line.hears_sound(PATIENCE, max(0.0, since - IN_FLIGHT))
        start = self.meter.arrived(heard)
        # The old words stop when the key is understood. If they were still sounding, nothing tells
        # where the new ones began, and nothing is measured.
        apart = start >= since and start - self.meter.arrived(since) < IN_FLIGHT
        figure = ""
        if self._measure is not None and apart:
            self._measure.append(line.began_at + start - self._mark)
            done = "dialling" if self._measure is show.figures.first_words else "the key"
            figure = f"{milliseconds(self._measure[-1])} after {done}"
        self._measure = None
        await self._words(figure, line.began_at + max(start, since))

    async def listens(self) -> None:
        """Hear the words out; who is in a hurry does not."""
        if self.show.fast:
            await self.show.pause(2.0)
        else:
            await self.line.hears_silence(LONGER_THAN_A_PAUSE, PATIENCE)

    async def hears_more(self) -> None:
        """Wait for the next words that come by themselves."""
        await self._words("", None)

    async def _words(self, figure: str, at: float | None) -> None:
        words = await self.show.until(self._new_words, PATIENCE, "nothing new was said")
        self._said = words
        self.show.tell(Lane.TIELINE, f"“{unspelled(words)}”", manner="words", at=at, figure=figure)

    def _new_words(self) -> str:
        words = self.show.watch.place(self.contact).words
        return words if words != self._said else ""

    async def presses(
        self, keys: str, *, secret: bool = False, ahead: bool = False, at_once: bool = False
    ) -> None:
        """Press keys; a secret is shown as dots.

        In a pause of the voice; or `at_once`, into the words; or `ahead` of them.
        """
        shown = "•" * len(keys) if secret else keys
        if not (ahead or at_once):
            await self.line.hears_silence(IN_A_PAUSE, PATIENCE)
        told = f"{self.first_name} presses" if len(keys) < 3 else f"{self.first_name} types"
        self.tell(f"{told} {shown}", "before being asked" if ahead else "", key=True)
        await self.line.press(keys, GAP_MS)
        self._mark = time.monotonic()
        self._measure = None if secret or ahead else self.show.figures.next_words

    async def waits(self) -> None:
        """Join a queue where nobody is free, and tell the place."""
        show = self.show
        row = await show.until(
            lambda: show.watch.call(self.contact, show.epoch(time.monotonic())),
            PATIENCE,
            "the call joins no queue",
        )
        show.tell(Lane.TIELINE, f"{self.first_name} waits at place {row.position}")

    async def hears_music(self, seconds: float) -> None:
        """Wait for so much more music, and tell how much there was."""
        began, before = time.monotonic(), self.line.heard_seconds
        while self.line.heard_seconds < before + seconds:
            await asyncio.sleep(0.05)
            if time.monotonic() > began + PATIENCE:
                break
        heard = self.line.heard_seconds - before
        self.tell(f"{self.first_name} hears music", figure=f"{heard:.1f} s of it")


class Agent(Person):
    """Somebody on the floor, with a registered phone."""

    lane = Lane.AGENTS
    dialled_at = 0.0
    """When a feature code was last dialled."""

    def __init__(self, show: Show, phone: SoftPhone, name: str) -> None:
        super().__init__(show, phone, name)
        self.first_name = name  # an agent is called by the name that the floor file gives

    @property
    def extension(self) -> str:
        """Their number."""
        return self.phone.user

    def lines(self, now: float) -> list[Text]:
        """See `Actor`."""
        rows = self.show.watch.agents(self.show.epoch(now))
        row = next((row for row in rows if row.agent == self.extension), None)
        strips = self.strips()
        if row is None or (row.state is AgentState.LOGGED_OUT and not strips):
            return strips
        state = "ringing" if row.state is AgentState.OFFERED else row.state.replace("_", "-")
        told = f"{state} {row.seconds:.0f} s"
        name = Text.assemble(("● ", _DOTS[row.state]), (self.name, "green"), (f" {told}", "dim"))
        return [name, *strips]

    async def dials(self, code: str) -> None:
        """Dial a feature code and listen to what it says."""
        self.dialled_at = time.monotonic()
        self.tell(f"{self.name} dials {code}", key=True)
        line = self.take(await self.phone.dial(code))
        if self.show.fast:
            await line.hears_sound(PATIENCE)
            await self.show.pause(1.5)
            await line.hang_up()
        await line.ended(PATIENCE)
        words = phrase(CODES[code], "en").text
        self.tell(f"“{words}”", figure=f"{line.heard_seconds:.1f} s of speech heard")

    async def rings(self, what: str, measure: list[float], since: Callable[[], float]) -> None:
        """Wait for a call; tell how long after `what`, at `since()`, it came, and what is shown."""
        line = self.take(await self.phone.incoming(PATIENCE))
        measure.append(line.began_at - since())
        figure = f"{milliseconds(measure[-1])} after {what}"
        self.tell(f"☎ {self.name}'s phone rings", at=line.began_at, figure=figure)
        small = small_print(line.headers)
        self.show.tell(self.lane, line.caller_name, small, manner="display", at=line.began_at)

    async def picks_up(self, caller: Caller) -> None:
        """Answer, listen to the whisper, and be joined with the caller."""
        show, line = self.show, self.line
        await line.answer(PATIENCE)
        self.tell(f"{self.first_name} picks up", at=line.answered_at)
        if whisper := show.watch.place(caller.contact).whisper:
            self.tell("a whisper in the ear alone:", f"“{whisper}”")

        def joined() -> float | None:
            row = show.watch.call(caller.contact, show.epoch(time.monotonic()))
            talks = row is not None and row.agent == self.extension and row.answered_at
            return row.wait if row is not None and talks else None

        waited = await show.until(joined, PATIENCE, f"{self.name} is not joined with {caller.name}")
        told = f"{caller.first_name} and {self.name} are joined"
        show.tell(Lane.TIELINE, told, f"after {waited:.1f} s, ringing and all", manner="good")
        show.figures.answered.add(caller.contact)

    async def transfers(self, caller: Caller, to: str) -> float:
        """Hand the caller on without a word; when that was asked."""
        began = time.monotonic()
        self.tell(f"{self.first_name} transfers {caller.first_name} to {to}", key=True)
        await self.line.blind_transfer(to, PATIENCE)
        return began


async def talk(caller: Caller, agent: Agent, seconds: float) -> None:
    """Each hums for so long, and the other one hears it."""
    for one, other in ((agent, caller), (caller, agent)):
        hums = asyncio.create_task(one.line.speak(seconds=seconds))
        await other.hears_voice(one)
        await hums


def small_print(headers: Mapping[str, str]) -> str:
    """What the INVITE says besides the caller's name, for phones and screens that read more."""
    pairs = dict(
        pair.split("=", 1)
        for pair in headers.get("X-Tieline-Context", "").split(";")
        if "=" in pair
    )
    told = [f"{name}: {unquote(pairs[name])}" for name in ("verified", "callback") if name in pairs]
    contact = headers.get("X-Tieline-Contact", "")
    return ", ".join([*told, *([f"contact: {contact}"] if contact else [])])
