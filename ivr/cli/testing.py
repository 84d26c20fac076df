"""`tieline test`: the scenarios beside the flows."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ivr.cli.files import Paths, count, given
from ivr.errors import IvrError
from ivr.flow.loading import loader
from ivr.flow.loading.loader import Library
from ivr.flow.loading.yaml import Problems
from ivr.rehearsal import scenario
from ivr.rehearsal.playing import Failure, play
from ivr.rehearsal.scenario import CHANNELS, Scenario
from ivr.settings import load_settings
from ivr.speech.voices import prompt_book

INTERRUPTED = 130
Batch = tuple[Path, Sequence[Scenario]]


def scenarios(
    paths: Paths = None,
    *,
    channel: Annotated[
        str | None, typer.Option(help=f"Only this one: {', '.join(CHANNELS)}.")
    ] = None,
    only: Annotated[
        str | None, typer.Option("-k", help="Only scenarios with this in flow or name.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="As real calls on an Asterisk of its own.")
    ] = False,
) -> None:
    """Play the scenarios beside the flows, as text or as calls.

    \b
    Example:
      tieline test
      tieline test flows/clinic.scenarios.yaml --channel chat
      tieline test -k "wrong PIN"
      tieline test --live
    """
    if channel is not None and channel not in CHANNELS:
        raise typer.BadParameter(f"it is one of {', '.join(CHANNELS)}", param_hint="--channel")
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    score = Score(console)
    batches = [(file, wanted(batch, only)) for file, batch in read(paths)]
    if live:
        asyncio.run(_until_stopped(_live(batches, score)))
    else:
        _pretended(batches, channel, score)
    score.close()


def _pretended(batches: Sequence[Batch], channel: str | None, score: Score) -> None:
    libraries: dict[Path, Library] = {}
    for file, batch in batches:
        if file.parent not in libraries:
            libraries[file.parent] = loader.load([file.parent])
        for each in batch:
            for where in each.plays_on():
                if channel in (None, where):
                    score.add(each, where, play(each, libraries[file.parent], where))


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Ctrl-C or a termination ends it in an orderly way."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        sys.stderr.write("Stopped; everything is put away.\n")
        raise typer.Exit(INTERRUPTED) from None


async def _live(batches: Sequence[Batch], score: Score) -> None:
    """All that fit, folder by folder; what does not fit is told."""
    try:
        from ivr.rehearsal.calls import unfit  # noqa: PLC0415 - phones are an extra
        from ivr.rehearsal.live import play_live  # noqa: PLC0415
    except ImportError as why:
        raise IvrError(
            f"phones need an extra, pip install '.[demo]' in a checkout ({why})"
        ) from why
    folders: dict[Path, list[Scenario]] = {}
    for file, batch in batches:
        folders.setdefault(file.parent, []).extend(batch)
    for folder, all_of_them in folders.items():
        library, fitting = loader.load([folder]), []
        for each in all_of_them:
            if reason := unfit(each, library):
                score.skip(each, reason)
            else:
                fitting.append(each)
        if fitting:
            with score.busy(len(fitting)) as done:
                await play_live(fitting, folder, load_settings(), prompt_book, done)


def read(paths: Paths) -> list[Batch]:
    """All scenarios of the given files and folders. Raises ConfigError, IvrError."""
    files = [file for path in given(paths) for file in scenario.find(path)]
    problems = Problems()
    for file in files:
        if not file.is_file():
            raise IvrError(f"no such file: {file}")
    batches: list[Batch] = [
        (file, scenario.read_scenarios(file.read_bytes(), str(file), problems)) for file in files
    ]
    problems.raise_if_any()
    return batches


def wanted(batch: Sequence[Scenario], only: str | None) -> list[Scenario]:
    """Those with this text in them."""
    text = (only or "").casefold()
    return [each for each in batch if text in f"{each.flow}: {each.name}".casefold()]


class Score:
    """A line for each scenario that was played, and a table of all at the end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._names: set[tuple[str, str]] = set()
        self._played: dict[tuple[str, str], int] = {}
        self._failed: dict[tuple[str, str], int] = {}

    def add(self, played: Scenario, where: str, failure: Failure | None) -> None:
        """One more was played."""
        self._names.add((played.flow, played.name))
        key = (played.flow, where)
        self._played[key] = self._played.get(key, 0) + 1
        self._failed[key] = self._failed.get(key, 0) + (failure is not None)
        mark, style = ("FAIL", "bold red") if failure is not None else ("ok  ", "green")
        line = Text.assemble((mark, style), f"  {played.flow}, {where}: {played.name}")
        self._console.print(line)
        if failure is not None:
            self._explain(failure)

    @contextmanager
    def busy(self, number: int) -> Iterator[Callable[[Scenario, Failure | None], None]]:
        """While calls are made: a line that moves, and what to do with each that is over."""
        over = 0
        with self._console.status("Starting an Asterisk for the calls") as status:

            def done(scenario: Scenario, failure: Failure | None) -> None:
                nonlocal over
                over += 1
                self.add(scenario, "a call", failure)
                status.update(f"{over} of {number} calls are over")

            yield done

    def skip(self, scenario: Scenario, why: str) -> None:
        """One cannot be played so."""
        line = Text.assemble(("-   ", "dim"), f"  {scenario.flow}: {scenario.name}: {why}")
        self._console.print(line)

    def _explain(self, failure: Failure) -> None:
        place, console = failure.place, self._console
        console.print(f"      {place.file}:{place.line}:{place.column}")
        console.print(Text(f"      - expected  {failure.wanted}", style="green"))
        console.print(Text(f"      + got       {failure.got}", style="red"))
        if failure.story:
            console.print("        so far:")
            for line in failure.story:
                console.print(Text(f"          {line}", style="dim"))

    def close(self) -> None:
        """The table, and the exit code: 1 when anything failed or nothing was played."""
        played, failed = sum(self._played.values()), sum(self._failed.values())
        if played:
            self._console.print(self._table())
        verdict = f"{failed} failed" if failed else "all passed"
        scenarios = f"{count(len(self._names), 'scenario')} in {count(played, 'conversation')}"
        told = f"{scenarios}: {verdict}" if played else "no scenarios found"
        self._console.print(told)
        if failed or not played:
            raise typer.Exit(1)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        channels = list(dict.fromkeys(where for _, where in self._played))
        table.add_column("flow")
        for where in channels:
            table.add_column(where, justify="right")
        for flow in dict.fromkeys(flow for flow, _ in self._played):
            table.add_row(flow, *(self._cell((flow, where)) for where in channels))
        return table

    def _cell(self, key: tuple[str, str]) -> Text:
        played, failed = self._played.get(key, 0), self._failed.get(key, 0)
        if failed:
            return Text(f"{played - failed}/{played}", style="bold red")
        return Text(str(played) if played else "-", style="green" if played else "dim")
