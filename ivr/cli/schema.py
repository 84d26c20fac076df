"""`tieline schema`: the flow language for editors, and for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ivr.cli.files import write_text
from ivr.errors import IvrError
from ivr.flow.grammar import tables
from ivr.flow.grammar.schema import schema
from ivr.settings import load_settings

SCHEMA_FILE = Path(".vscode") / "tieline-flow.schema.json"
SETTINGS_FILE = Path(".vscode") / "settings.json"
SCHEMAS = "yaml.schemas"
BEGINNING = 80
"""Characters that tell an older file of ours from another one: it may be replaced."""


def register(app: typer.Typer) -> None:
    """Adds the command to the command line."""
    app.command("schema")(print_schema)


def print_schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it to this file instead.")
    ] = None,
    *,
    editor: Annotated[
        bool, typer.Option("--editor", help="Set up Visual Studio Code in this folder.")
    ] = False,
    reference: Annotated[
        bool, typer.Option("--reference", help="Tables for people instead of JSON Schema.")
    ] = False,
) -> None:
    """Print the flow language as JSON Schema.

    \b
    Example:
      tieline schema -o flow.schema.json
      tieline schema --editor
    """
    text = tables.text() if reference else as_json(schema())
    if editor:
        for path in set_up_editor(Path.cwd(), load_settings().flows):
            typer.echo(f"wrote {path}")
    elif output is not None:
        _folder(output)
        write_text(output, text, text[:BEGINNING])
        typer.echo(f"wrote {output}")
    else:
        typer.echo(text, nl=False)


def set_up_editor(folder: Path, flows: Path) -> tuple[Path, ...]:
    """Attaches the schema to the flows for whoever opens `folder` in an editor.

    What the settings say otherwise stays. Raises IvrError when they cannot be read as JSON: they
    are then left as they are.
    """
    schema_file, settings_file = folder / SCHEMA_FILE, folder / SETTINGS_FILE
    settings = _settings(settings_file)
    schemas = settings.setdefault(SCHEMAS, {})
    if not isinstance(schemas, dict):
        raise IvrError(f'{settings_file}: "{SCHEMAS}" is not a mapping; nothing was changed')
    inside = flows.is_relative_to(folder) and flows != folder
    name = flows.relative_to(folder).as_posix() if inside else flows.as_posix()
    schemas[f"./{SCHEMA_FILE.as_posix()}"] = [f"{name}/*.yaml"]
    text = as_json(schema())
    _folder(schema_file)
    write_text(schema_file, text, text[:BEGINNING])
    write_text(settings_file, as_json(settings))
    return schema_file, settings_file


def _settings(file: Path) -> dict[str, Any]:
    try:
        source = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as why:
        raise IvrError(f"{file} cannot be read: {why}; nothing was changed") from None
    if not source.strip():
        return {}
    try:
        found = json.loads(source)
        as_json(found).encode()  # half a character can be written in JSON, but in no file
    except json.JSONDecodeError as why:
        # Editors allow comments there, which would be lost if it were written anew.
        cure = f'add "{SCHEMAS}": {{"./{SCHEMA_FILE.as_posix()}": ["flows/*.yaml"]}} by hand'
        raise IvrError(f"{file}:{why.lineno} is not plain JSON; {cure}") from None
    except (RecursionError, UnicodeEncodeError):
        raise IvrError(f"{file} cannot be written again as it is; nothing was changed") from None
    if not isinstance(found, dict):
        raise IvrError(f"{file} holds no settings; nothing was changed")
    return found


def as_json(value: object) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as why:
        raise IvrError(f"{file} cannot be written: {why.strerror}") from None
