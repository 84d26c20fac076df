"""One scenario as a real call: keys go out as RFC 4733, and the service's own story is compared.

What happened is read from the log that the service writes of this call, at its own pace: an
expectation is about the turn at which the scenario has arrived, however far the call is by then.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.channels.text import moment_of
from ivr.demo.line import Line as PhoneLine
from ivr.demo.line import LineState
from ivr.demo.phone import PhoneRack
from ivr.errors import IvrError
from ivr.flow.actions import NOBODY
from ivr.flow.loading.loader import Library
from ivr.flow.model import Flow
from ivr.rehearsal.folder import HEADER, SETTLED, Line, Part, read_lines, write_part
from ivr.rehearsal.judging import View, differs, stands, wanted
from ivr.rehearsal.playing import Failure, ends_of_waits
from ivr.rehearsal.scenario import Expectation, Move, Scenario, World
from ivr.rehearsal.stub import Stub

PATIENCE: Final = 45.0
"""Seconds within which a call goes on: long enough for words, silence and ringing."""
LOOK: Final = 0.05
AUDIBLE: Final = 4.0
"""Seconds within which a question can be heard; after that it is answered unheard."""
BREATH: Final = 0.3
SPOKEN: Final = 1.0
"""Seconds of silence after which words are over: no voice takes so long a breath."""
GAP_MS: Final = 120
MESSAGE: Final = 2.0
"""Seconds of the messages that are left, whatever a scenario says: it is no test of patience."""
DELIVERY: Final = 5.0
"""Seconds in which a text message reaches the gateway."""
WITHHELD: Final = "anonymous"


@dataclass(frozen=True, slots=True)
class Place:
    """Where calls are made."""

    rack: PhoneRack
    domain: str
    folder: Path
    stub: Stub
    library: Library


class Stuck(Exception):
    """The call does not go on as it should; the text says what it does instead."""


def unfit(scenario: Scenario, library: Library) -> str:
    """Why a scenario is not played as a call; "" when it is."""
    flow = library.flows.get(scenario.flow)
    if flow is None or not flow.numbers:
        return "no number leads to its flow"
    if "voice" not in scenario.plays_on():
        return "it is for letters"
    for move in scenario.moves:
        if move.kind == "code" and move.value == "expired":
            return "nobody waits until a code has expired"
        if move.kind == "queue" and move.value in {"full", "closed"}:
            return f"a queue that is {move.value} takes an operator"
        if move.kind == "queue" and move.value in NOBODY:
            return "it takes agents of its own"
    return ""


async def call(scenario: Scenario, key: str, place: Place) -> Failure | None:
    """Plays a scenario as a call; None when all came as expected."""
    flow = place.library.flows[scenario.flow]
    played = _Played(scenario, flow, key, place)
    try:
        return await played.run()
    except (Stuck, IvrError, TimeoutError, EOFError) as why:
        return played.failure(played.move, "a call that goes on", str(why))
    finally:
        await played.close()


class _Played:
    """A call on its way. `_at` is the turn at which the scenario has arrived."""

    def __init__(self, scenario: Scenario, flow: Flow, key: str, place: Place) -> None:
        self._scenario, self._flow, self._key, self._place = scenario, flow, key, place
        self._world = scenario.world
        self._at = self._before = -1
        self._ends: tuple[str, ...] = ()
        self._lines: list[Line] = []
        self._phone: PhoneLine | None = None
        self.move = Move(scenario.place, "dial")

    async def run(self) -> Failure | None:
        # As text it runs an event loop of its own, which has to be in another thread.
        library = self._place.library
        self._ends = await asyncio.to_thread(ends_of_waits, self._scenario, library)
        self._tell(self._scenario.world)
        place, scenario = self._place, self._scenario
        caller = await place.rack.caller(scenario.caller or WITHHELD, "", place.domain)
        self._phone = await caller.dial(self._flow.numbers[0], {HEADER: self._key})
        await self._phone.answered(PATIENCE)
        await self._arrive()
        for self.move in scenario.moves:
            failure = await self._make(self.move)
            if failure is not None:
                return failure
        if self._present.action == "Hangup":
            await self._phone.ended(PATIENCE)
        return None

    async def close(self) -> None:
        """The caller hangs up."""
        if self._phone is not None:
            await self._phone.close()

    def failure(self, move: Move, wanted: str, got: str) -> Failure:
        """What went wrong, with the service's story."""
        story = [
            told
            for line in read_lines(self._place.folder, self._key)
            for told in (
                *(f"{each.kind} {dict(each.data)} ({each.step})" for each in line.events),
                *(f'"{each}"' for each in line.said),
            )
        ]
        return Failure(move.place, wanted, got, tuple(story[-14:]))

    # --- moves -----------------------------------------------------------------------------------

    async def _make(self, move: Move) -> Failure | None:
        action = self._present.action
        needed = _NEEDED.get(move.kind)
        if needed is not None and action not in needed:
            return self.failure(move, f"{move.kind} at {needed[0]}", stands(self._view()))
        match move.kind:
            case "press":
                if left := await self._press(move.value):
                    got = f"nothing was asked for the last keys, {left}"
                    return self.failure(move, f"press {move.value}", got)
            case "code":
                await self._press(self._code(move.value))
            case "wait" | "queue" | "transfer":
                await self._go_on()
            case "record":
                await self._record(move.seconds)
            case "answer":
                self._tell(move.world)
            case "expect":
                for expectation in move.expected:
                    instead = await self._differs(expectation)
                    if instead is not None:
                        return self.failure(move, wanted(expectation), instead)
        return None

    async def _differs(self, expectation: Expectation) -> str | None:
        """What is so instead; a text message may be on its way."""
        instead = differs(expectation, self._view())
        tries = int(DELIVERY / LOOK) if expectation.what == "sms" else 0
        while instead is not None and tries:
            await asyncio.sleep(LOOK)
            instead, tries = differs(expectation, self._view()), tries - 1
        return instead

    async def _press(self, keys: str) -> str:
        """Each question gets the keys that are its own; those left over are returned."""
        self._before = self._at
        while keys and self._present.action in {"Ask", "Queue"}:
            if self._present.action == "Queue":
                entry, keys = keys[0], keys[1:]
            else:
                entry, keys = _entry(self._present.ask, keys)
            await self._audible()
            await self._line.press(entry, GAP_MS)
            await self._arrive()
        return keys

    async def _go_on(self) -> None:
        self._before = self._at
        await self._arrive()

    async def _record(self, seconds: float | None) -> None:
        self._before = self._at
        await self._line.hears_silence(SPOKEN, PATIENCE)
        if seconds:
            await self._line.speak(seconds=MESSAGE)
        await self._line.press("#", GAP_MS)
        await self._arrive()

    def _code(self, which: str) -> str:
        length = int(self._present.ask["length_max"])
        sent = " ".join(text for _, text in self._place.stub.messages(self._key))
        found = re.findall(rf"(?<!\d)\d{{{length}}}(?!\d)", sent)
        if not found:
            raise Stuck("no code was sent")
        code = str(found[-1])
        wrong = "".join(str((int(digit) + 1) % 10) for digit in code)
        return code if which == "sent" else wrong

    # --- where the call is -----------------------------------------------------------------------

    @property
    def _line(self) -> PhoneLine:
        if self._phone is None:
            raise Stuck("nothing was dialled")
        return self._phone

    @property
    def _present(self) -> Line:
        return self._lines[self._at]

    async def _arrive(self) -> None:
        """On to the next turn at which somebody outside has to do something."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            self._lines = read_lines(self._place.folder, self._key)
            for index in range(self._at + 1, len(self._lines)):
                if self._lines[index].action in SETTLED:
                    self._at = index
                    return
            if self._line.state is LineState.ENDED and self._at + 1 >= len(self._lines):
                raise Stuck(f"the call ended: {self._line.end_reason}")
            if asyncio.get_running_loop().time() > deadline:
                raise Stuck(f"nothing happened for {PATIENCE:g} s; {stands(self._view())}")
            await asyncio.sleep(LOOK)

    async def _audible(self) -> None:
        """Wait until the question is there: its first words, or all where keys do not stop them."""
        if self._present.ask.get("barge_in", True):
            await self._begins()
        else:
            await self._listens()
        await asyncio.sleep(BREATH)

    async def _begins(self) -> None:
        line, loop = self._line, asyncio.get_running_loop()
        since, heard = loop.time(), line.heard_seconds
        while line.heard_seconds <= heard:
            if loop.time() > since + AUDIBLE:
                return
            await asyncio.sleep(LOOK)

    async def _listens(self) -> None:
        """A line that stumbles is silent as well: only the service knows when words are over."""
        async with asyncio.timeout(PATIENCE):
            while not self._present.listens and self._line.state is not LineState.ENDED:
                await asyncio.sleep(LOOK)
                self._lines = read_lines(self._place.folder, self._key)

    def _view(self) -> View:
        lines = self._lines[: self._at + 1]
        fresh = self._lines[self._before + 1 : self._at + 1]
        last = self._present
        return View(
            events=[each for line in lines for each in line.events],
            state=last.state,
            heard=" ".join(text for line in fresh for text in line.said),
            channel="voice",
            messages=self._place.stub.messages(self._key),
        )

    def _tell(self, world: World) -> None:
        """Tell service and stub how the house is from here on."""
        self._world = world.over(self._world)
        self._place.stub.answer(self._key, world.pretences)
        part = Part(
            at=moment_of(self._scenario.at, self._flow).isoformat(),
            stub=f"{self._place.stub.url}/{self._key}",
            language=self._scenario.language,
            switches=self._world.switches,
            pretences=self._world.pretences,
            outcomes=self._ends,
        )
        write_part(self._place.folder, self._key, part)


_NEEDED: Mapping[str, tuple[str, ...]] = {
    "press": ("Ask", "Queue"),
    "code": ("Ask",),
    "wait": ("Ask",),
    "queue": ("Queue",),
    "transfer": ("Transfer",),
    "record": ("Voicemail", "Record"),
}


def _entry(ask: Mapping[str, object], keys: str) -> tuple[str, str]:
    """The keys that this question takes, with the one that ends them, and those left over."""
    for index, key in enumerate(keys):
        ends = key == ask["finish_key"] or key in str(ask["instant"])
        if ends or index + 1 == ask["length_max"]:
            return keys[: index + 1], keys[index + 1 :]
    return keys, ""
