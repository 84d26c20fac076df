"""The whole evening: find or start a Tieline, bring the phones, play the acts, sum up, tidy up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack

from rich.text import Text

from acd.errors import AcdError
from ivr.demo.acts import AGENTS, Play
from ivr.demo.cast import Agent
from ivr.demo.figures import Figures
from ivr.demo.installation import Installation, Speaking, own, running
from ivr.demo.phone import PhoneRack
from ivr.demo.screen import Screen
from ivr.demo.show import Show
from ivr.demo.watch import Watch
from ivr.errors import IvrError
from ivr.settings import Settings


async def perform(screen: Screen, settings: Settings, speaking: Speaking, *, fast: bool) -> Figures:
    """Play everything and tidy up, also when cancelled; raises IvrError when an act goes wrong."""
    house = await _choose(screen, settings)
    began = time.monotonic()
    failed = False
    try:
        if house.own:
            with screen.waiting("Starting Asterisk and the service"):
                await house.begin(speaking, 2.0 if fast else 12.0)
        screen.line(_up(house, time.monotonic() - began))
        figures = await _play(screen, house, fast=fast)
    except (IvrError, AcdError, TimeoutError, EOFError) as why:
        failed = True
        raise IvrError(_apology(house, why)) from why
    finally:
        await house.stop(keep=failed)
    return figures


async def _choose(screen: Screen, settings: Settings) -> Installation:
    """The installation that runs here if it is at leisure, otherwise one of our own."""
    here = await running(settings)
    if here is not None:
        reason = await here.hindrance(AGENTS)
        if not reason:
            return here
        screen.line(f"Tieline runs here, but {reason}: the demo starts one of its own beside it.")
    return own(settings)


def _up(house: Installation, seconds: float) -> Text:
    version = ".".join(map(str, house.toolchain.version))
    where = f"SIP on {house.domain}"
    if house.own:
        told = f"Asterisk {version} and the service are up in {seconds:.1f} s"
        small = f"{where}, in a temporary folder; it is a Monday morning at the clinic"
    else:
        told = f"Asterisk {version} and the service were running already: the demo plays there"
        small = where
    return Text.assemble(("✓ ", "green"), told, (f"\n  {small}", "dim"))


async def _play(screen: Screen, house: Installation, *, fast: bool) -> Figures:
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(house.journal())
        show = Show(screen, house, Watch(journal, house.plan.library), fast=fast)
        rack = await stack.enter_async_context(PhoneRack())
        agents = await _agents(show, rack)
        names = ", ".join(f"{agent.name} {number}" for number, agent in agents.items())
        screen.line(Text.assemble(("✓ ", "green"), "phones are registered: ", names))
        stack.enter_context(screen.staged())
        clock = asyncio.create_task(show.run_clock())
        play = asyncio.create_task(Play(show, rack, agents).perform())
        try:
            await asyncio.wait((clock, play), return_when=asyncio.FIRST_COMPLETED)
            if clock.done():
                clock.result()
            heard = await play
            await _leave(house, agents)
            await show.settle()
        finally:
            play.cancel()
            clock.cancel()
            await asyncio.gather(play, clock, return_exceptions=True)
        show.figures.callers_heard = heard
        show.figures.agents_heard = sum(agent.heard for agent in agents.values())
        return show.figures


async def _agents(show: Show, rack: PhoneRack) -> Mapping[str, Agent]:
    house = show.house

    async def one(number: str) -> Agent:
        phone = await rack.phone(number, house.password(number), house.domain)
        return Agent(show, phone, show.names.agent(number))

    agents = {agent.extension: agent for agent in await asyncio.gather(*map(one, AGENTS))}
    show.agents.extend(agents.values())
    return agents


async def _leave(house: Installation, agents: Mapping[str, Agent]) -> None:
    """Nobody stays logged in on an installation that goes on without us."""
    if not house.own:
        await asyncio.gather(*(agent.dials("*40") for agent in agents.values()))


def _apology(house: Installation, why: BaseException) -> str:
    told = f"the demo did not get to its end: {why}"
    log = house.last_words()
    where = f"\nThe logs are kept in {house.settings.log_dir}." if house.own else ""
    return told + (f"\nThe service's last words:\n{log}" if log else "") + where
