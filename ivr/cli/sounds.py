"""`tieline sounds`: which recordings the flows name, what to record, and the rest spoken ahead."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ivr.asterisk.provision import ensure_tools
from ivr.cli.progress import shown_progress
from ivr.errors import IvrError
from ivr.flow.loading import loader
from ivr.flow.loading.loader import Library
from ivr.settings import Settings, load_settings
from ivr.speech.engine import SpeechFailed
from ivr.speech.manifest import (
    MEANINGS,
    Sound,
    State,
    disputed_sounds,
    manifest,
    service_sounds,
    where,
)
from ivr.speech.script import fixed_batches, lines
from ivr.speech.voices import prompt_book

_COLOURS: dict[State, str] = {
    "recorded": "green",
    "spoken": "yellow",
    "silent": "red",
    "unreadable": "red",
    "unused": "dim",
}
_COLUMNS = ("Sound", "Language", "State", "Seconds", "dBFS", "Where")

Languages = Annotated[
    list[str] | None,
    typer.Option("--language", "-l", help="Only this language; may be given again."),
]
Missing = Annotated[bool, typer.Option("--missing", help="Only what is not recorded yet.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(rich_markup_mode=None)
    group.callback(invoke_without_command=True)(_listed)
    group.command("list")(list_sounds)
    group.command("script")(script)
    group.command("render")(render)
    app.add_typer(group, name="sounds")


def _listed(context: typer.Context) -> None:
    """Recordings: which there are, are missing, are to be read.

    Without a command it is the list.

    \b
    Examples:
      tieline sounds
      tieline sounds list --missing
      tieline sounds script --language zh --csv > studio.csv
      tieline sounds render
    """
    if context.invoked_subcommand is None:
        list_sounds()


# --- list -------------------------------------------------------------------------------------


def list_sounds(
    language: Languages = None,
    missing: Missing = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="A recording that is missing is a failure too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the recordings that flows name.

    Shown are which are there, how long and how loud. Ends with 1 where callers would hear nothing
    or a file cannot be used.

    \b
    Examples:
      tieline sounds list
      tieline sounds list --language zh --missing
      tieline sounds list --strict --json
    """
    settings, library = _loaded()
    found = _wanted(manifest(library, settings.sounds), language, missing)
    if as_json:
        typer.echo(json.dumps([asdict(sound) for sound in found], indent=2, ensure_ascii=False))
    else:
        _show(found)
        for line in _notes(library):
            typer.echo(line)
    bad = {"silent", "unreadable", *(("spoken",) if strict else ())}
    if any(sound.state in bad for sound in found):
        raise typer.Exit(1)


def _loaded() -> tuple[Settings, Library]:
    settings = load_settings()
    return settings, loader.load([settings.flows])


def _wanted(found: Sequence[Sound], languages: list[str] | None, missing: bool) -> list[Sound]:
    return [
        sound
        for sound in found
        if (not languages or sound.language in languages)
        and (not missing or sound.state in {"spoken", "silent", "unreadable"})
    ]


def _show(found: Sequence[Sound]) -> None:
    console = Console(highlight=False)
    if not found:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in _COLUMNS:
        right = name in {"Seconds", "dBFS"}
        table.add_column(name, overflow="fold", justify="right" if right else "left")
    for sound in found:
        state = Text(sound.state, style=_COLOURS[sound.state])
        figures = [
            f"{each:.1f}" if each is not None else "" for each in (sound.seconds, sound.dbfs)
        ]
        table.add_row(Text(sound.name), sound.language, state, *figures, Text(sound.where))
    console.print(table)
    console.print()
    for state_ in dict.fromkeys(sound.state for sound in found):
        console.print(f"{state_}: {MEANINGS[state_]}", style=_COLOURS[state_])
    for code in dict.fromkeys(sound.language for sound in found if sound.state != "unused"):
        named = [each for each in found if each.language == code and each.state != "unused"]
        there = sum(1 for each in named if each.state == "recorded")
        console.print(f"{code}: {there} of {len(named)} recorded")


def _notes(library: Library) -> list[str]:
    notes = [
        f"{each.prompt.sound} ({each.prompt.language}): {where(first)} and {where(each)} name one "
        "recording for different words"
        for first, each in disputed_sounds(library)
    ]
    unnamed = sum(1 for line in lines(library.flows.values()) if not line.prompt.sound)
    told = "line" if unnamed == 1 else "lines"
    return [*notes, f"{unnamed} {told} without a name for a recording: always spoken."]


# --- script -----------------------------------------------------------------------------------


def script(
    language: Languages = None,
    missing: Missing = False,
    service: Annotated[
        bool, typer.Option("--service", help="Also the service's own phrases.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As a table for a spreadsheet.")] = False,
) -> None:
    """Print what a voice actor reads.

    That is each file, and the words that go into it.

    \b
    Examples:
      tieline sounds script --language en
      tieline sounds script --missing --service --csv > studio.csv
    """
    settings, library = _loaded()
    found = manifest(library, settings.sounds)
    if service:
        found += service_sounds(settings.sounds)
    wanted = [each for each in _wanted(found, language, missing) if each.words]
    typer.echo(_as_csv(wanted) if as_csv else _as_text(wanted), nl=False)


def _as_csv(wanted: Sequence[Sound]) -> str:
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(("language", "file", "words", "where", "state"))
    for sound in wanted:
        file = f"{sound.language}/{sound.name}.wav"
        rows.writerow((sound.language, file, sound.words, sound.where, sound.state))
    return table.getvalue()


def _as_text(wanted: Sequence[Sound]) -> str:
    parts = []
    for code in dict.fromkeys(sound.language for sound in wanted):
        reads = [sound for sound in wanted if sound.language == code]
        parts.append(f"{code}: {len(reads)} to read\n\n")
        parts += [f"  {code}/{sound.name}.wav\n      {sound.words}\n\n" for sound in reads]
    return "".join(parts) or "Nothing to read: no flow names a recording (`sound:`).\n"


# --- render -----------------------------------------------------------------------------------


def render() -> None:
    """Speak all fixed prompts ahead of the first call.

    \b
    Example:
      tieline sounds render
    """
    settings, library = _loaded()
    batches = fixed_batches(library.flows.values())
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
