"""The whole evening: start a Tieline, bring the phones, play the acts, sum up, tidy up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from aiohttp import ClientError
from rich.text import Text

from acd.errors import AcdError
from ivr.demo.acts import AGENTS, ZHANG_WEI, Play
from ivr.demo.cast import Agent
from ivr.demo.installation import Installation, Speaking
from ivr.demo.phone import PhoneRack
from ivr.demo.screen import Screen
from ivr.demo.show import Show
from ivr.demo.town import Town, found
from ivr.demo.watch import Watch
from ivr.errors import IvrError
from ivr.settings import Settings

T = TypeVar("T")


async def perform(
    screen: Screen, settings: Settings, speaking: Speaking, *, fast: bool, stay: bool = False
) -> None:
    """Play everything and tidy up, also when cancelled; raises IvrError when an act goes wrong.

    `stay`: the house and its town stay after the last act, until cancelled.
    """
    house, town = found(settings)
    began = time.monotonic()
    failed = False
    try:
        with screen.waiting("Starting Asterisk and the service"):
            await house.begin(speaking, 2.0 if fast else 12.0)
        screen.line(_up(house, time.monotonic() - began))
        await _play(screen, house, town, fast=fast, stay=stay)
    except (IvrError, AcdError, EOFError, OSError, ClientError) as why:
        failed = True
        raise IvrError(_apology(house, why)) from why
    finally:
        await house.stop(keep=failed)


def _up(house: Installation, seconds: float) -> Text:
    version = ".".join(map(str, house.toolchain.version))
    told = f"Asterisk {version} and the service are up in {seconds:.1f} s"
    where = f"SIP on {house.domain}, in a temporary folder; it is a Monday morning at the clinic"
    return Text.assemble(("✓ ", "green"), told, (f"\n  {where}", "dim"))


async def _play(screen: Screen, house: Installation, town: Town, *, fast: bool, stay: bool) -> None:
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(house.journal())
        await stack.enter_async_context(town.open(house))
        show = Show(screen, house, Watch(journal, house.plan.library), fast=fast)
        rack = await stack.enter_async_context(PhoneRack())
        agents = await _agents(show, rack)
        await town.admit(house, ZHANG_WEI, agents[ZHANG_WEI].name)
        names = ", ".join(f"{agent.name} {number}" for number, agent in agents.items())
        screen.line(Text.assemble(("✓ ", "green"), "phones are registered: ", names))
        play = Play(show, rack, agents, town)
        show.figures.callers_heard = await _on_stage(show, play.perform())
        show.figures.agents_heard = sum(agent.heard for agent in agents.values())
        screen.line()
        screen.summary(show.figures.rows())
        if stay:
            await _on_stage(show, play.goes_on())


async def _on_stage(show: Show, scenes: Coroutine[Any, Any, T]) -> T:
    """Perform them while the clock runs."""
    with show.screen.staged():
        clock = asyncio.create_task(show.run_clock())
        play = asyncio.create_task(scenes)
        try:
            await asyncio.wait((clock, play), return_when=asyncio.FIRST_COMPLETED)
            if clock.done():
                clock.result()
            outcome = await play
            await show.settle()
        finally:
            play.cancel()
            clock.cancel()
            await asyncio.gather(play, clock, return_exceptions=True)
    return outcome


async def _agents(show: Show, rack: PhoneRack) -> Mapping[str, Agent]:
    house = show.house

    async def one(number: str) -> Agent:
        phone = await rack.phone(number, house.password(number), house.domain)
        return Agent(show, phone, show.names.agent(number))

    agents = {agent.extension: agent for agent in await asyncio.gather(*map(one, AGENTS))}
    show.agents.extend(agents.values())
    return agents


def _apology(house: Installation, why: BaseException) -> str:
    told = f"the demo did not get to its end: {why}"
    log = house.last_words()
    said = f"\nThe service's last words:\n{log}" if log else ""
    return f"{told}{said}\nThe logs are kept in {house.settings.log_dir}."
