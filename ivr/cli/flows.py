"""`tieline check`, `try`, `test` and `secret`: the designer's commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from ivr.channels.text import Conversation, describe, local_time, moment_of
from ivr.errors import ConfigError, IvrError, Problem
from ivr.floor import load_floor
from ivr.flow import loader, scenario
from ivr.flow.actions import MASK, OUTCOMES, Ask, Prompt, Queue, Voicemail
from ivr.flow.checks import Floor
from ivr.flow.loader import Library
from ivr.flow.model import Flow, QueueStep
from ivr.flow.state import Facts
from ivr.flow.tables import SUFFIX, make_hash, read_table
from ivr.flow.yaml import Problems, quote, suggest
from ivr.plans import known_names
from ivr.settings import load_settings

Paths = Annotated[
    list[Path] | None, typer.Argument(help="Files or folders; the flows folder by default.")
]
QUIET = frozenset({"started", "hangup", "key", "language", "confirmed", "voicemail"})
"""Events that the lines around them already tell."""


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
    """Report every mistake in flows, tables, scenarios and the floor.

    \b
    Example:
      tieline check flows
      tieline check flows/clinic.yaml --json
    """
    given = _given(paths)
    floor = _floor_file(given, usual=not paths)
    problems, library = _check(given, floor)
    notes = list(_notes(library, floor))
    if as_json:
        typer.echo(_as_json(library, problems, notes))
    else:
        for line in (*problems, *notes):
            typer.echo(str(line))
        typer.echo(_summary(library, problems))
    if problems:
        raise typer.Exit(1)


def _check(paths: Sequence[Path], floor_file: Path | None) -> tuple[list[Problem], Library | None]:
    floor, wrong = _floor(floor_file)
    problems = Problems(list(wrong))
    for path in (file for each in paths for file in _scenarios(each)):
        scenario.read_scenarios(path.read_bytes(), str(path), problems)
    for path in paths:
        if path.name.endswith(SUFFIX) and path.is_file():
            read_table(path, problems)
    library = None
    flows = [path for path in paths if not path.is_file() or loader.is_flow(path)]
    try:
        library = loader.load(flows, floor)
    except ConfigError as error:
        problems.found.extend(error.problems)
    return problems.all(), library


def _scenarios(path: Path) -> list[Path]:
    if path.is_dir():
        return scenario.find(path)
    return [path] if path.name.endswith(loader.SCENARIOS) and path.is_file() else []


def _floor_file(paths: Iterable[Path], *, usual: bool) -> Path | None:
    """The floor of the settings, with the usual flows; else the one in one of the folders."""
    found = [(path if path.is_dir() else path.parent) / loader.FLOOR for path in paths]
    if usual:
        found.insert(0, _short(load_settings().floor))
    return next((file for file in found if file.is_file()), None)


def _floor(file: Path | None) -> tuple[Floor | None, tuple[Problem, ...]]:
    """The names that flows are checked against."""
    if file is None:
        return None, ()
    try:
        return known_names(load_floor(file)), ()
    except ConfigError as error:
        return None, error.problems


def _notes(library: Library | None, floor: Path | None) -> Iterator[str]:
    """What is no mistake but good to know."""
    flows = library.flows.values() if library is not None else ()
    for flow in flows:
        if not flow.numbers:
            yield f"{flow.path}: no number: nobody can dial it"
    queued = any(isinstance(step, QueueStep) for flow in flows for step in flow.steps.values())
    if floor is None and queued:
        yield f"there is no {loader.FLOOR}: queues and skills were not checked"


def _summary(library: Library | None, problems: Sequence[Problem]) -> str:
    if problems:
        files = len({problem.file for problem in problems})
        return f"{_count(len(problems), 'mistake')} in {_count(files, 'file')}"
    flows = library.flows.values() if library is not None else ()
    steps = sum(len(flow.steps) for flow in flows)
    return f"{_count(len(flows), 'flow')}, {_count(steps, 'step')}: no mistakes"


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


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _given(paths: Sequence[Path] | None) -> list[Path]:
    return [_short(path) for path in paths or [load_settings().flows]]


def _short(path: Path) -> Path:
    """Relative to here when it lies here: what a person would type."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


# --- try -------------------------------------------------------------------------------------


def attempt(
    name: Annotated[str, typer.Argument(metavar="FLOW", help="A file, a flow or a number.")],
    *,
    at: Annotated[str | None, typer.Option(help='Pretend the time, "2026-03-02 10:00".')] = None,
    caller: Annotated[str, typer.Option("--from", help="The caller's number.")] = "13800138000",
    keys: Annotated[
        str | None, typer.Option(help='Keys for each question, "1,2,-"; - is silence.')
    ] = None,
    language: Annotated[str | None, typer.Option(help="The language to begin with.")] = None,
    outcome: Annotated[
        str | None, typer.Option("--queue", help=f"How a queue ends: {', '.join(OUTCOMES)}.")
    ] = None,
) -> None:
    """Call a flow without a telephone, and type the caller's keys.

    \b
    Example:
      tieline try clinic
      tieline try bank --keys "1,2,12345678,4321,1" --queue timeout
      tieline try clinic --at "2026-03-01 23:00" --from 02087654321
    """
    library, flow = _find(name)
    if outcome is not None and outcome not in OUTCOMES:
        raise typer.BadParameter(f"it is one of {', '.join(OUTCOMES)}", param_hint="--queue")
    if language is not None and language not in {each.code for each in flow.languages}:
        known = ", ".join(each.code for each in flow.languages)
        raise typer.BadParameter(f"this flow speaks {known}", param_hint="--language")
    now = datetime.now(local_time(flow))
    if at is not None:
        try:
            now = moment_of(at, flow)
        except ValueError:
            raise typer.BadParameter("write it as 2026-03-02 10:00", param_hint="--at") from None
    facts = Facts(caller, flow.numbers[0] if flow.numbers else "", "text")
    call = Conversation(library, flow, now, facts, language)
    _Stage(call, keys, outcome).play()


def _find(name: str) -> tuple[Library, Flow]:
    path = Path(name)
    folder = _given(None)[0]
    for candidate in (path, folder / name, folder / f"{name}.yaml"):
        if candidate.is_file():
            library = loader.load([candidate])
            return library, next(iter(library.flows.values()))
    library = loader.load([path if path.is_dir() else folder])
    flow = library.flows.get(name) or library.for_number(name)
    if flow is None:
        known = suggest(name, [*library.flows, *library.numbers])
        raise IvrError(f"no flow is called {quote(name)} in {folder} ({known})")
    return library, flow


class _Stage:
    """Shows a conversation and asks the person at the keyboard for the caller's part."""

    def __init__(self, call: Conversation, keys: str | None, outcome: str | None) -> None:
        self.call, self.outcome = call, outcome
        self.script = None if keys is None else [each.strip() for each in keys.split(",")]
        self.console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self.typed = keys is None and sys.stdin.isatty()

    def play(self) -> None:
        call = self.call
        when = call.now.strftime("%a %d %b %Y %H:%M %Z")
        self._line(f"{call.flow.name}, {when}, from {call.facts.caller or 'withheld'}", "bold")
        self._tell()
        while not call.over:
            if not self._move():
                self._line("the caller hangs up", "yellow")
                return
            self._tell()
        self._line("the call ends", "bold")

    def _tell(self) -> None:
        for each in self.call.news():
            if isinstance(each, Prompt):
                sound = f"  [{each.sound}]" if each.sound else ""
                self._line(f"  {each.language}  {each.text}{sound}", "green")
            elif each.kind == "step":
                self._line(f"- {describe(each)}", "cyan")
            elif each.kind not in QUIET:
                self._line(f"    {describe(each)}", "dim")

    def _line(self, text: str, style: str) -> None:
        self.console.print(Text(text, style=style))

    def _move(self) -> bool:
        """The caller's part; False when they hang up."""
        match self.call.waiting:
            case Ask() as ask:
                return self._keys(ask)
            case Queue() as queue:
                return self._wait(queue)
            case Voicemail():
                spoken = self._read("seconds of message (Enter for 10, 0 for none)", "10")
                if spoken is not None:
                    self.call.record(float(spoken) if spoken.isdecimal() else 10.0)
                return spoken is not None
            case _:
                return False

    def _keys(self, ask: Ask) -> bool:
        if self.script is not None:
            keys: str | None = self.script.pop(0) if self.script else "-"
        else:
            keys = self._read("keys (Enter for silence, h to hang up)", None, hidden=ask.secret)
        if keys is None or keys.lower() == "h":
            return False
        pressed = "".join(key for key in keys if key in "0123456789*#")
        shown = MASK if ask.secret else pressed
        if self.script is not None or not self.typed:
            self._line(f"  > {shown or 'silence'}", "yellow")
        if not pressed:
            self.call.silence()
        elif self.call.press(pressed):
            self._line("    the last keys came when nothing was asked", "dim")
        return True

    def _wait(self, queue: Queue) -> bool:
        if queue.tell_agent:
            self._line(f"    the agent sees: {queue.tell_agent}", "magenta")
        if queue.whisper is not None:
            self._line(f"    the agent hears: {queue.whisper.text}", "magenta")
        outcome = self.outcome or self._read(f"how it ends ({', '.join(OUTCOMES)})", OUTCOMES[0])
        if outcome is None or outcome == "h":
            return False
        near = [each for each in OUTCOMES if each.startswith(outcome.lower())]
        self.call.leave_queue(near[0] if near else OUTCOMES[0])
        return True

    def _read(self, question: str, default: str | None, *, hidden: bool = False) -> str | None:
        """A typed answer; None at the end of input. Without a keyboard, the default."""
        if not self.typed and default is not None:
            return default
        try:
            prompt = Text(f"  {question}> ", style="yellow")
            answer = self.console.input(prompt, password=hidden and self.typed)
        except EOFError:
            return None
        return answer.strip() or (default if default is not None else "-")


# --- test ------------------------------------------------------------------------------------


def scenarios(paths: Paths = None) -> None:
    """Play the scenarios beside the flows; tell what came differently.

    \b
    Example:
      tieline test
      tieline test flows/clinic.scenarios.yaml
    """
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    files = [file for path in _given(paths) for file in scenario.find(path)]
    problems = Problems()
    for file in files:
        if not file.is_file():
            raise IvrError(f"no such file: {file}")
    batches = [
        (file, scenario.read_scenarios(file.read_bytes(), str(file), problems)) for file in files
    ]
    problems.raise_if_any()
    played = failed = 0
    libraries: dict[Path, Library] = {}
    for file, batch in batches:
        if file.parent not in libraries:
            libraries[file.parent] = loader.load([file.parent])
        for each in batch:
            played += 1
            failure = scenario.play(each, libraries[file.parent])
            failed += failure is not None
            mark, style = ("FAIL", "bold red") if failure is not None else ("ok  ", "green")
            console.print(Text.assemble((mark, style), f"  {each.flow}: {each.name}"))
            if failure is not None:
                _show_failure(console, failure)
    verdict = f"{failed} failed" if failed else "all passed"
    console.print(f"{_count(played, 'scenario')}, {verdict}" if played else "no scenarios found")
    if failed or not played:
        raise typer.Exit(1)


def _show_failure(console: Console, failure: scenario.Failure) -> None:
    place = failure.place
    console.print(f"      {place.file}:{place.line}:{place.column}")
    console.print(Text(f"      - expected  {failure.wanted}", style="green"))
    console.print(Text(f"      + got       {failure.got}", style="red"))
    if failure.conversation is None:
        return
    console.print("        the call so far:")
    for each in failure.conversation.log[-14:]:
        said = f'"{each.text}"' if isinstance(each, Prompt) else describe(each)
        console.print(Text(f"          {said}", style="dim"))


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
