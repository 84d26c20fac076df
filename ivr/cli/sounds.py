"""`tieline sounds`: which recordings the flows name, which are there, and the rest spoken ahead."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ivr.app import prompt_book
from ivr.asterisk.provision import ensure_tools
from ivr.cli.progress import shown_progress
from ivr.errors import IvrError
from ivr.flow import loader
from ivr.flow.model import Flow
from ivr.settings import Settings, load_settings
from ivr.speech import wav
from ivr.speech.engine import SpeechFailed
from ivr.speech.phrases import PHRASES
from ivr.speech.prompts import find_recording
from ivr.speech.script import Line, fixed_batches, lines

State = Literal["recorded", "spoken", "silent", "unreadable", "unused"]
_COLOURS: dict[State, str] = {
    "recorded": "green",
    "spoken": "yellow",
    "silent": "red",
    "unreadable": "red",
    "unused": "dim",
}
_MEANINGS: dict[State, str] = {
    "recorded": "played as recorded",
    "spoken": "no recording: the engine speaks the words",
    "silent": "no recording and no words: callers hear nothing",
    "unreadable": "the recording cannot be used: the engine speaks the words",
    "unused": "a recording that no flow names",
}


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording that is named or present; `where` is the line of the flow, or the file."""

    name: str
    language: str
    state: State
    where: str
    seconds: float | None = None


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(sounds)


def sounds(
    render: Annotated[
        bool, typer.Option("--render", help="Speak all fixed prompts now, before a call does.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """List the recordings that flows name, and which are there.

    \b
    Examples:
      tieline sounds
      tieline sounds --render
    """
    settings = load_settings()
    flows = list(loader.load([settings.flows]).flows.values())
    if render:
        _render(settings, flows)
        return
    said = lines(flows)
    found = [*_named(said, settings.sounds), *_unused(said, settings.sounds)]
    if as_json:
        typer.echo(json.dumps([asdict(sound) for sound in found], indent=2, ensure_ascii=False))
    else:
        _show(found, sum(1 for line in said if not line.prompt.sound))
    if any(sound.state in {"silent", "unreadable"} for sound in found):
        raise typer.Exit(1)


# --- what is there ----------------------------------------------------------------------------


def _named(said: Iterable[Line], folder: Path) -> list[Sound]:
    found: dict[tuple[str, str], Sound] = {}
    for line in said:
        name, language = line.prompt.sound, line.prompt.language
        if name and (name, language) not in found:
            where = f"{Path(line.place.file).name}:{line.place.line}"
            state, seconds = _state(line, folder)
            found[name, language] = Sound(name, language, state, where, seconds)
    return list(found.values())


def _state(line: Line, folder: Path) -> tuple[State, float | None]:
    recording = find_recording(line.prompt, [folder])
    words = bool(line.prompt.text.strip())
    if recording is None:
        return ("spoken" if words else "silent"), None
    try:
        return "recorded", round(len(wav.read(recording)) / wav.RATE, 1)
    except SpeechFailed:
        return ("unreadable" if words else "silent"), None


def _unused(said: Iterable[Line], folder: Path) -> list[Sound]:
    used = {line.prompt.sound for line in said} | {f"service/{name}" for name in PHRASES}
    found = []
    for path in sorted(folder.glob("*/**/*.wav")):
        language, *rest = path.relative_to(folder).with_suffix("").parts
        name = "/".join(rest)
        if name not in used:
            found.append(Sound(name, language, "unused", str(path)))
    return found


def _show(found: Sequence[Sound], unnamed: int) -> None:
    console = Console(highlight=False)
    if found:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("Sound", "Language", "State", "Seconds", "Where"):
            table.add_column(
                name, overflow="fold", justify="right" if name == "Seconds" else "left"
            )
        for sound in found:
            length = "" if sound.seconds is None else f"{sound.seconds:.1f}"
            state = Text(sound.state, style=_COLOURS[sound.state])
            table.add_row(Text(sound.name), sound.language, state, length, Text(sound.where))
        console.print(table)
        console.print()
        for each in dict.fromkeys(sound.state for sound in found):
            console.print(f"{each}: {_MEANINGS[each]}", style=_COLOURS[each])
    lines_ = "line" if unnamed == 1 else "lines"
    console.print(f"{unnamed} {lines_} without a name for a recording: always spoken.")


# --- speaking ahead ---------------------------------------------------------------------------


def _render(settings: Settings, flows: Sequence[Flow]) -> None:
    batches = fixed_batches(flows)
    console = Console(stderr=True)
    with shown_progress(console) as progress:
        tool = ensure_tools(settings, ["espeak-ng"], progress)["espeak-ng"]

        async def speak() -> list[SpeechFailed]:
            book = await prompt_book(settings, tool)
            try:
                await book.prepare_fallback()
                told = "speaking what the flows say"
                return await book.prepare(batches, lambda done, of: progress(told, done / of))
            finally:
                await book.aclose()

        failures = asyncio.run(speak())
    if failures:
        raise IvrError("\n".join(dict.fromkeys(str(why) for why in failures)))
    typer.echo(f"{len(batches)} prompts are ready.")
