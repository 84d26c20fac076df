"""Scenarios as real calls on a real Asterisk, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final

from ivr.asterisk.provision import ensure_tools
from ivr.demo.installation import Installation, Speaking
from ivr.demo.phone import Line, PhoneError, PhoneRack, SoftPhone
from ivr.errors import IvrError
from ivr.rehearsal.calls import Place, call
from ivr.rehearsal.inside import ONE_AGENT, OUTSIDE
from ivr.rehearsal.installing import AGENTS, installation
from ivr.rehearsal.playing import Failure
from ivr.rehearsal.scenario import Scenario
from ivr.rehearsal.stub import Stub
from ivr.settings import Settings
from ivr.site import build_site, write_sounds

AT_ONCE: Final = 24
"""Calls at a time: what two slow cores take, with the phones on the same machine."""
WORDS_READY: Final = 5.0
"""Seconds given to speaking ahead; what is missing then is spoken when it is needed."""
READY: Final = "*42"
TALK: Final = 1.0

Done = Callable[[Scenario, Failure | None], None]


async def play_live(
    scenarios: Sequence[Scenario], flows: Path, usual: Settings, speaking: Speaking, done: Done
) -> None:
    """Plays scenarios of the flows in one folder; `done` hears of each as it ends.

    Raises IvrError when the installation does not come up.
    """
    async with AsyncExitStack() as stack:
        stub = Stub()
        await stub.start()
        stack.push_async_callback(stub.stop)
        ours = await asyncio.to_thread(installation, usual, flows, stub.url)
        stack.push_async_callback(ours.stop)
        await asyncio.gather(ours.begin(speaking, WORDS_READY), _phrases(ours, speaking))
        rack = await stack.enter_async_context(PhoneRack())
        await stack.enter_async_context(_agents(rack, ours))
        folder = ours.settings.rehearsal
        if folder is None:
            raise IvrError("the installation of the rehearsal has no folder for it")
        place = Place(rack, ours.domain, folder, stub, ours.plan.library)
        turns, one_agent = asyncio.Semaphore(AT_ONCE), asyncio.Lock()

        async def play(number: int, scenario: Scenario) -> None:
            alone = one_agent if _puts_through(scenario) else nullcontext()
            async with alone, turns:
                done(scenario, await call(scenario, f"s{number}", place))

        async with asyncio.TaskGroup() as group:
            # The long ones first, so that nothing is left to wait for at the end.
            for number, scenario in enumerate(sorted(scenarios, key=_silences, reverse=True)):
                group.create_task(play(number, scenario))


def _silences(scenario: Scenario) -> int:
    return sum(move.kind == "wait" for move in scenario.moves)


def _puts_through(scenario: Scenario) -> bool:
    """Whether it needs the one agent who is rung by name."""
    return any(move.kind == "transfer" for move in scenario.moves)


async def _phrases(ours: Installation, speaking: Speaking) -> None:
    """What the service itself says and plays, as files."""
    settings, plan = ours.settings, ours.plan
    site = build_site(settings, ours.toolchain, plan.floor, plan.numbers)
    tools = await asyncio.to_thread(ensure_tools, settings, ("espeak-ng",), _silent)
    book = await speaking(settings, tools["espeak-ng"])
    try:
        await write_sounds(site, book, _silent)
    finally:
        await book.aclose()


def _silent(_stage: str, _done: float | None) -> None:
    """Nothing to show: it takes seconds."""


@asynccontextmanager
async def _agents(rack: PhoneRack, ours: Installation) -> AsyncIterator[None]:
    """Agents who answer, talk for a moment, and hang up."""
    tasks: list[asyncio.Task[None]] = []
    try:
        for agent in (*AGENTS, *ONE_AGENT.values()):
            phone = await rack.phone(agent, ours.password(agent), ours.domain)
            line = await phone.dial(READY)
            await line.ended(15.0)
            serve = Line.reject if agent == ONE_AGENT["busy"] else _talk
            tasks.append(asyncio.create_task(_serve(phone, serve)))
        for outcome, number in OUTSIDE.items():
            phone = await rack.phone(number, ours.password(number), ours.domain)
            tasks.append(asyncio.create_task(_serve(phone, _MANNERS[outcome])))
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(phone: SoftPhone, serve: Callable[[Line], Awaitable[None]]) -> None:
    while True:
        line = await phone.incoming()
        with suppress(PhoneError, TimeoutError):
            await serve(line)


async def _talk(line: Line) -> None:
    await line.answer()
    await asyncio.sleep(TALK)
    await line.hang_up()


async def _let_ring(line: Line) -> None:
    """Nobody is there."""


_MANNERS: Mapping[str, Callable[[Line], Awaitable[None]]] = {
    "answered": _talk,
    "busy": Line.reject,
    "no_answer": _let_ring,
}
