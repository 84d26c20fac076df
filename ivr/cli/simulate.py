"""`tieline simulate`: a day that never was, on the floor as it is or as it might be."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from acd.floor import Floor
from acd.simulation.draws import seed_of
from acd.simulation.run import run
from acd.simulation.summary import RunFigures, Summary, count, summarise
from ivr.cli import days
from ivr.cli.files import write_text
from ivr.cli.progress import shown_progress
from ivr.errors import IvrError
from ivr.floor import load_floor
from ivr.flow.loading.loader import DAYS
from ivr.settings import load_settings
from ivr.simulation.day import Day, load_day
from ivr.simulation.drawing import Picture, clock, draw

PLAIN_WIDTH = 160


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(simulate)


def simulate(
    day: Annotated[
        Path | None,
        typer.Argument(help=f"A day file, such as monday{DAYS}; the one beside the flows."),
    ] = None,
    *,
    floor: Annotated[
        Path | None, typer.Option(help="Another floor file than the installation's.")
    ] = None,
    runs: Annotated[int, typer.Option("--runs", "-n", min=1, help="How often.")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed brings the same callers.")] = 1,
    svg: Annotated[Path | None, typer.Option(help="Draw the day into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Play a described day through the distributor, many times.

    Figures are averages of all runs with their 95 % intervals. Two floors compared with the same
    seed meet the same callers.

    \b
    Examples:
      tieline simulate
      tieline simulate monday.day.yaml --floor next-month.yaml --runs 50 --svg monday.svg
    """
    settings = load_settings()
    plan = load_floor(floor or settings.floor)
    wanted = load_day(day or _only_day(settings.flows), plan.floor)
    began = time.perf_counter()
    figures, events = _play(wanted, runs, seed)
    spent = time.perf_counter() - began
    summary = summarise(figures, plan.floor, wanted.slot)
    if svg is not None:
        _draw(wanted, summary, plan.floor, svg)
    if as_json:
        typer.echo(json.dumps(asdict(summary), indent=2))
        return
    console = stdout()
    hours = f"{clock(wanted.scenario.begins)} to {clock(wanted.scenario.ends)}"
    speed = f"{events:,} events, {events / spent:,.0f} a second"
    title = wanted.title or "A simulated day"
    console.print(f"{title}: {hours}, {runs} runs, seed {seed} ({speed})")
    console.print()
    _print(console, wanted, summary, plan.floor)


def _only_day(flows: Path) -> Path:
    found = sorted(flows.glob("*" + DAYS))
    if len(found) == 1:
        return found[0]
    if not found:
        raise IvrError(f"no day to simulate in {flows}: write one, such as monday{DAYS}")
    names = ", ".join(path.name for path in found)
    raise IvrError(f"{flows} has more than one day, say which: {names}")


def _play(day: Day, runs: int, seed: int) -> tuple[list[RunFigures], int]:
    figures, events = [], 0
    with shown_progress(Console(stderr=True)) as progress:
        for number in range(runs):
            progress(f"simulating {runs} days", number / runs)
            played = run(day.scenario, seed_of(seed, number), day.slot)
            figures.append(count(played.play(), day.scenario.floor, day.slots))
            events += played.events
        progress(f"simulating {runs} days", 1.0)
    return figures, events


def _print(console: Console, day: Day, summary: Summary, floor: Floor) -> None:
    called = [name for name, found in summary.queues.items() if found.offered.value > 0]
    console.print(days.queue_table(floor, summary))
    for line in days.formulas(floor, called):
        console.print(line, style="dim")
    console.print()
    if summary.skills:
        console.print(days.skill_table(summary))
        console.print()
    console.print(days.agent_table(floor, summary))
    console.print()
    formula, _ = days.common_formula(floor)
    for text in days.sparks(console, summary, day.scenario.begins, day.slot, formula):
        console.print(text)


def _draw(day: Day, summary: Summary, floor: Floor, path: Path) -> None:
    formula, text = days.common_formula(floor)
    title = day.title or "A simulated day"
    picture = Picture(title, summary, day.scenario.begins, day.slot, formula, text)
    write_text(path, draw(picture), "<svg ")


def stdout() -> Console:
    """Fitted to a terminal; never cut off when piped."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)
