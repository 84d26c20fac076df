"""`tieline check`, `try`, `test` and `secret`: the designer's commands."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ivr.backends.services import read_services
from ivr.cli.files import Paths, count, floor_file, given
from ivr.cli.testing import scenarios
from ivr.cli.trying import attempt
from ivr.errors import ConfigError, IvrError, Problem
from ivr.floor import FloorPlan, load_floor
from ivr.flow.checking.naming import SERVICES
from ivr.flow.loading import hours, loader
from ivr.flow.loading.files import files_in, read_source
from ivr.flow.loading.loader import Library
from ivr.flow.loading.tables import SUFFIX, make_hash, read_table
from ivr.flow.loading.yaml import Problems
from ivr.flow.model import QueueStep
from ivr.flow.words import Place
from ivr.guidance import read_guidance
from ivr.operator.wording import clean
from ivr.plans import known_names
from ivr.rehearsal import scenario
from ivr.rehearsal.checking import check_scenario
from ivr.settings import load_settings
from ivr.simulation.day import load_day
from ivr.speech.manifest import disputed_sounds, missing_sounds


def register(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    app.command()(check)
    app.command("try")(attempt)
    app.command("test")(scenarios)
    app.command()(secret)


# --- check -----------------------------------------------------------------------------------


def check(
    paths: Paths = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Report every mistake in flows and the files beside them.

    Notes are no mistakes, but worth a look.

    \b
    Example:
      tieline check flows
      tieline check flows/clinic.yaml --json
    """
    files = given(paths)
    floor = floor_file(files, usual=not paths)
    problems, library, missing = _check(files, floor)
    notes = [str(each) for each in missing]
    notes += _notes(library, floor)
    if as_json:
        typer.echo(_as_json(library, problems, notes))
    else:
        for problem in problems:
            typer.echo(clean(str(problem)))
        for note in notes:
            typer.echo(clean(f"note: {note}"))
        typer.echo(_summary(library, problems))
    if problems:
        raise typer.Exit(1)


def _check(
    paths: Sequence[Path], floor_file: Path | None
) -> tuple[list[Problem], Library | None, tuple[Problem, ...]]:
    """Mistakes, the flows without any, and what `services.yaml` wants and does not find here."""
    plan, wrong = _floor(floor_file)
    floor = known_names(plan) if plan is not None else None
    problems = Problems(list(wrong))
    before = problems.count
    services = read_services(_services_file(paths), problems, os.environ)
    names = services.names() if problems.count == before else None
    played = [
        each
        for path in paths
        for file in _beside(path, loader.SCENARIOS)
        if (source := read_source(file, problems)) is not None
        for each in scenario.read_scenarios(source, str(file), problems)
    ]
    for path in paths:
        if path.name.endswith(SUFFIX) and path.is_file():
            read_table(path, problems)
        if path.name == hours.FILE and path.is_file():
            hours.SharedCalendars(problems, datetime.now(UTC).date()).beside(path)
        if plan is not None:
            for file in _beside(path, loader.DAYS):
                problems.found.extend(_mistakes(file, plan))
            if path.is_dir() or path.name == loader.GUIDANCE:
                folder = path if path.is_dir() else path.parent
                read_guidance(folder, problems, {queue.name for queue in plan.floor.queues})
    library = None
    flows = [path for path in paths if not path.is_file() or loader.is_flow(path)]
    try:
        library = loader.load(flows, floor, names)
    except ConfigError as error:
        problems.found.extend(error.problems)
    if library is not None and library.flows and names is not None:
        for each in played:
            check_scenario(each, library, problems)
    return problems.all(), library, services.missing


def _services_file(paths: Sequence[Path]) -> Path:
    """The one beside the flows; where there are several folders, the first that has one."""
    found = [(path if path.is_dir() else path.parent) / SERVICES for path in paths]
    return next((file for file in found if file.is_file()), found[0])


def _beside(path: Path, suffix: str) -> list[Path]:
    """The files of that kind in a folder, or the one that was named."""
    if path.is_dir():
        return files_in(path, suffix)
    return [path] if path.name.endswith(suffix) and path.is_file() else []


def _mistakes(day: Path, plan: FloorPlan) -> tuple[Problem, ...]:
    """What is wrong in a day file on this floor."""
    try:
        load_day(day, plan.floor)
    except ConfigError as error:
        return error.problems
    return ()


def _floor(file: Path | None) -> tuple[FloorPlan | None, tuple[Problem, ...]]:
    """The floor that flows and days are checked against."""
    if file is None:
        return None, ()
    try:
        return load_floor(file), ()
    except ConfigError as error:
        return None, error.problems


def _notes(library: Library | None, floor: Path | None) -> Iterator[str]:
    """What is no mistake but good to know."""
    flows = library.flows.values() if library is not None else ()
    run = {name for flow in flows for name in flow.subflows}
    for flow in flows:
        if not flow.numbers and flow.name not in run:
            yield f"{flow.path}: no number: nobody can dial it, and no flow runs it"
    if library is not None:
        yield from map(str, library.notes)
        yield from _recordings(library, load_settings().sounds)
    calendars = [each for flow in flows for each in flow.calendars.values()]
    yield from hours.notes(calendars, datetime.now(UTC).date())
    queued = any(isinstance(step, QueueStep) for flow in flows for step in flow.steps.values())
    if floor is None and queued:
        yield f"there is no {loader.FLOOR}: queues and skills were not checked"


def _recordings(library: Library, folder: Path) -> Iterator[str]:
    """Recordings that are named and not there, or named for different words."""
    for line in missing_sounds(library, folder):
        name = f"{line.prompt.sound} ({line.prompt.language})"
        yield f"{_at(line.place)}: no recording {name}: the words are spoken"
    for first, other in disputed_sounds(library):
        told = f"{_at(other.place)}: the recording {other.prompt.sound}"
        yield f"{told} has other words on line {first.place.line} of {first.place.file}"


def _at(place: Place) -> str:
    return f"{place.file}:{place.line}:{place.column}"


def _summary(library: Library | None, problems: Sequence[Problem]) -> str:
    if problems:
        files = len({problem.file for problem in problems})
        return f"{count(len(problems), 'mistake')} in {count(files, 'file')}"
    flows = library.flows.values() if library is not None else ()
    steps = sum(len(flow.steps) for flow in flows)
    return f"{count(len(flows), 'flow')}, {count(steps, 'step')}: no mistakes"


def _as_json(library: Library | None, problems: Sequence[Problem], notes: Sequence[str]) -> str:
    flows = [
        {"flow": flow.name, "file": flow.path, "numbers": flow.numbers, "steps": len(flow.steps)}
        for flow in (library.flows.values() if library is not None else ())
    ]
    told = [
        {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "message": problem.message,
            "cure": problem.cure,
        }
        for problem in problems
    ]
    whole = {"flows": flows, "problems": told, "notes": notes}
    return json.dumps(whole, indent=2, ensure_ascii=False)


# --- secret ----------------------------------------------------------------------------------


def secret() -> None:
    """Make the hash of a PIN or password, for a table of customers.

    \b
    Example:
      tieline secret
      echo 1234 | tieline secret
    """
    typer.echo(make_hash(_typed_secret()))


def _typed_secret() -> str:
    """Asked twice at a keyboard; elsewhere the first line of standard input."""
    if sys.stdin.isatty():
        typed: str = typer.prompt("Secret", hide_input=True, confirmation_prompt=True)
        return typed
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise IvrError("no secret came: type it, or echo 1234 | tieline secret")
    return line
