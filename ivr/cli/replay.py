"""`tieline replay`: what the journal has of the past, once more on another floor."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from acd.floor import Floor
from acd.simulation.draws import seed_of
from acd.simulation.recording import Recording, record
from acd.simulation.replay import Fitted, fit, replay
from acd.simulation.summary import Summary, count, summarise
from ivr.cli import days
from ivr.cli.moments import moment
from ivr.cli.progress import shown_progress
from ivr.cli.simulate import stdout
from ivr.errors import IvrError
from ivr.floor import load_floor
from ivr.settings import load_settings
from ivr.simulation.history import DAY, History, local, read_history

SLOT = 1800.0
_THEN = "as it was"
_AGAIN = "again, same floor"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("replay")(replay_history)


@dataclass(frozen=True, slots=True)
class Version:
    """One telling of the same span."""

    name: str
    floor: Floor
    summary: Summary


def replay_history(
    begins: Annotated[
        str | None,
        typer.Option("--from", help="So long ago, as 2h, or 2026-03-01T09:00; the last day."),
    ] = None,
    ends: Annotated[str | None, typer.Option("--to", help="Likewise; now.")] = None,
    *,
    floor: Annotated[
        Path | None, typer.Option(help="Another floor file than the installation's.")
    ] = None,
    runs: Annotated[
        int, typer.Option("--runs", "-n", min=1, help="How often what is unknown is drawn.")
    ] = 20,
    seed: Annotated[int, typer.Option(help="The same seed draws the same.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Play recorded calls again, also on a changed floor.

    The same floor is replayed too: what differs there is the fault of the replay, what differs
    between the two replays is the doing of the floor.

    \b
    Examples:
      tieline replay --from 8h
      tieline replay --from 2026-03-02T08:00 --to 2026-03-02T18:00 --floor next-month.yaml
    """
    settings = load_settings()
    path = floor or settings.floor
    other = load_floor(path).floor
    recording, history = _recorded(settings.data_dir / "journal.sqlite", begins, ends)
    fitted = fit(recording, other)
    versions = list(_versions(recording, fitted, path.name, runs, seed))
    if as_json:
        told = {version.name: asdict(version.summary) for version in versions}
        typer.echo(json.dumps(told, indent=2))
        return
    console = stdout()
    console.print(f"{local(recording.begins)} to {local(recording.ends)}, {runs} replays")
    console.print(f"The journal has {history.span}.", style="dim")
    console.print()
    console.print(_table(versions))
    for version in versions[-1:]:
        names = [queue.name for queue in version.floor.queues]
        for line in days.formulas(version.floor, names):
            console.print(line, style="dim")
    console.print()
    for line in _caveats(fitted):
        console.print(f"- {line}")


def _recorded(path: Path, begins: str | None, ends: str | None) -> tuple[Recording, History]:
    """The span that is asked for, as far as the journal has it."""
    high = moment("--to", ends) if ends else math.inf
    asked = moment("--from", begins) if begins else None
    history = read_history(path, asked, high)
    low = asked if asked is not None else max(history.begins, history.ends - DAY)
    if low >= high:
        raise IvrError(f"--from {local(low)} is not before --to {local(high)}")
    if high < history.begins or low > history.ends:
        raise IvrError(f"the journal has nothing then: it has {history.span}")
    low, high = max(low, history.begins), min(high, history.ends)
    recording = record(history.engine(), history.events, low, high, SLOT)
    if not recording.calls:
        raise IvrError(
            f"no call came from {local(low)} to {local(high)}: there is nothing to replay"
        )
    return recording, history


def _versions(
    recording: Recording, fitted: Fitted, name: str, runs: int, seed: int
) -> Iterator[Version]:
    seen = summarise([count(recording.ledger, recording.floor)], recording.floor)
    yield Version(_THEN, recording.floor, seen)
    again = fit(recording, recording.floor)
    plans = [(_AGAIN, again)]
    if fitted.floor != recording.floor:
        plans.append((f"on {name}", fitted))
    with shown_progress(Console(stderr=True)) as progress:
        for title, plan in plans:
            figures = []
            for number in range(runs):
                progress(f"replaying {title}", number / runs)
                played = replay(plan, seed_of(seed, number), SLOT).play()
                figures.append(count(played, plan.floor))
            yield Version(title, plan.floor, summarise(figures, plan.floor))
        progress("replayed", 1.0)


def _table(versions: list[Version]) -> Table:
    """For each queue one line for each version, so that the eye runs down a column."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Queue", no_wrap=True)
    table.add_column("", no_wrap=True)
    for name in days.FIGURES:
        table.add_column(name, justify="right", no_wrap=True)
    names = dict.fromkeys(name for version in versions for name in version.summary.queues)
    for queue in names:
        shown = queue
        for version in versions:
            if queue in version.summary.queues:
                cells = days.queue_cells(version.floor, version.summary, queue)
                table.add_row(shown, version.name, *cells)
                shown = ""
    return table


def _caveats(fitted: Fitted) -> Iterator[str]:
    """What a reader must know before believing the figures."""
    mean = fitted.patience[""]
    if mean < math.inf:
        yield (
            "How long those who were answered would have waited is unknown. It is drawn: their "
            f"wait and an exponential time on top, {mean:.0f} s on average over all queues "
            "(all time waited / callers who hung up)."
        )
    else:
        yield "Nobody hung up, so nobody does in the replay: waits may be longer than in truth."
    yield "Talk of callers who were not answered is drawn from those who were."
    yield "± is only what the drawing adds; how typical the recorded calls are is another matter."
    yield "Callers sent on come to their next queue if they are sent on again, at the same time."
    if fitted.dropped:
        yield f"{fitted.dropped} calls came to queues that this floor does not have."
    if fitted.added:
        yield f"New on this floor, and taken to be on duty all the time: {', '.join(fitted.added)}."
    if fitted.unknown:
        yield f"Worked then and are not on this floor: {', '.join(fitted.unknown)}."
    for what, number in fitted.recording.notes.items():
        yield f"In the record: {number} {what}; {_TREATED[what]}."


_TREATED = {
    "changes of the floor": "the replay keeps one floor throughout",
    "transfers": "each is replayed as a call of its own, when it came",
    "consultations": "the time of the second agent is not replayed",
    "callbacks": "asked for at the same time, always answered by the customer, in no figure",
    "calls moved by a supervisor": "they are replayed in the queue where they ended up",
    "entries that were refused": "they were refused then and changed nothing",
}
"""How the replay treats each of `Recording.notes`."""
