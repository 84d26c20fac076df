"""`tieline try`: a conversation at the keyboard."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ivr.backends.building import assemble
from ivr.backends.errands import Errands
from ivr.backends.pretences import TROUBLES, Pretences, pretences_of
from ivr.channels.text import Conversation, local_time, moment_of
from ivr.cli.files import find_flow, floor_file, given
from ivr.cli.stage import Stage
from ivr.errors import ConfigError, IvrError
from ivr.floor import load_floor
from ivr.flow.actions import NOBODY, OUTCOMES, Queue
from ivr.flow.loading.loader import Library
from ivr.flow.model import Flow
from ivr.flow.running.state import Facts
from ivr.rehearsal.house import pretended_house, sources_of, switches_of
from ivr.rehearsal.scenario import CHANNELS

PATIENCE = 10.0
"""Seconds that text messages have to leave before the command ends."""


def attempt(
    name: Annotated[str, typer.Argument(metavar="FLOW", help="A file, a flow or a number.")],
    *,
    at: Annotated[str | None, typer.Option(help='Pretend the time, "2026-03-02 10:00".')] = None,
    caller: Annotated[str, typer.Option("--from", help="The caller's number.")] = "13800138000",
    channel: Annotated[str, typer.Option(help=f"{', '.join(CHANNELS)}.")] = "voice",
    keys: Annotated[
        str | None,
        typer.Option(help='Keys, or words in a chat, for each question: "1,2,-"; - is silence.'),
    ] = None,
    language: Annotated[str | None, typer.Option(help="The language to begin with.")] = None,
    outcome: Annotated[
        str | None,
        typer.Option("--queue", help=f"How a queue ends: {', '.join((*OUTCOMES, *NOBODY))}."),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=ANSWER", help="What a service, table or database answers."),
    ] = None,
    down: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A service that cannot be reached.")
    ] = None,
    slow: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="One that does not answer in time.")
    ] = None,
    lying: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="One that answers nonsense.")
    ] = None,
    switch: Annotated[
        list[str] | None,
        typer.Option(metavar="CALENDAR=open|closed", help="A calendar held open or closed."),
    ] = None,
    real: Annotated[
        bool, typer.Option("--real", help="Ask the real services: what they do is done.")
    ] = False,
) -> None:
    """Call a flow, or write to it, from the keyboard.

    Services are pretended: they answer as --answer says; a one-time code is 123456.

    \b
    Example:
      tieline try clinic
      tieline try bank --keys "1,2,12345678,4321,1" --queue timeout
      tieline try clinic --at "2026-03-01 23:00" --from 02087654321
      tieline try clinic --channel chat --switch desk=closed
      tieline try shop --answer orders=404 --answer 'orders={"status": "sent"}' --down people
    """
    library, flow = find_flow(name)
    _one_of(outcome, (*OUTCOMES, *NOBODY), "--queue")
    _one_of(channel, CHANNELS, "--channel")
    _one_of(language, [each.code for each in flow.languages], "--language")
    troubles = zip(TROUBLES, (down, slow, lying), strict=True)
    told = [f"{each}={trouble}" for trouble, names in troubles for each in names or ()]
    pretences = _pretences([*(answer or ()), *told])
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    number = flow.numbers[0] if flow.numbers else ""
    facts, now = Facts(caller, number, channel), _moment(at, flow)
    switches = switches_of(flow, dict(map(_switch, switch or ())))
    script = None if keys is None else [each.strip() for each in keys.split(",")]
    with ExitStack() as stack:
        if real:
            errands, drive = stack.enter_context(_real(library, flow))
            call = Conversation(flow, errands, now, facts, language, drive.run, switches)
            stage = Stage(call, console, script, outcome)
        else:
            house = pretended_house(library, flow, pretences)
            call = Conversation(flow, house, now, facts, language, switches=switches)
            stage = Stage(call, console, script, outcome)
            stage.sent = house.messages
        stage.takers = _Takers(flow)
        stage.play()


def _one_of(value: str | None, known: tuple[str, ...] | list[str], option: str) -> None:
    if value is not None and value not in known:
        raise typer.BadParameter(f"it is one of {', '.join(known)}", param_hint=option)


def _moment(at: str | None, flow: Flow) -> datetime:
    if at is None:
        return datetime.now(local_time(flow))
    try:
        return moment_of(at, flow)
    except ValueError:
        raise typer.BadParameter("write it as 2026-03-02 10:00", param_hint="--at") from None


def _pretences(told: list[str]) -> Pretences:
    try:
        return pretences_of(told)
    except IvrError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--answer") from None


def _switch(text: str) -> tuple[str, bool]:
    name, _, stand = text.partition("=")
    if not name or stand not in {"open", "closed"}:
        raise typer.BadParameter("write it as desk=closed", param_hint="--switch")
    return name, stand == "open"


@contextmanager
def _real(library: Library, flow: Flow) -> Iterator[tuple[Errands, asyncio.Runner]]:
    """Errands that are truly run, with a memory that is gone afterwards."""
    sources = sources_of(library, flow, os.environ)

    async def built() -> Errands:
        file, key = Path(folder) / "errands.sqlite", secrets.token_hex(16)
        errands = assemble(file, key, lambda: sources, lambda _: None, time.time)
        await errands.start()
        return errands

    with tempfile.TemporaryDirectory(prefix="tieline-try-") as folder, asyncio.Runner() as runner:
        errands = runner.run(built())
        try:
            yield errands, runner
            if not runner.run(errands.sent_all(PATIENCE)):
                typer.echo("the gateway has not taken every text message", err=True)
        finally:
            runner.run(errands.close())


class _Takers:
    """Who of the floor could take a call."""

    def __init__(self, flow: Flow) -> None:
        file = floor_file([Path(flow.path), *given(None)], usual=False)
        try:
            self._floor = load_floor(file).floor if file is not None else None
        except ConfigError:
            self._floor = None

    def __call__(self, queue: Queue) -> Iterator[str]:
        if self._floor is None:
            return
        able = [
            f"{agent.name or agent.id} ({agent.id})"
            for agent in self._floor.agents
            if queue.queue in agent.queues
            and all(agent.skills.get(skill, 0) >= level for skill, level in queue.needs.items())
        ]
        yield f"who could take it: {', '.join(able) or 'nobody on the floor'}"
