"""Which files a designer's command is about, and counts in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ivr.errors import IvrError
from ivr.flow import loader
from ivr.flow.loader import Library
from ivr.flow.model import Flow
from ivr.flow.yaml import quote, suggest
from ivr.settings import load_settings

Paths = Annotated[
    list[Path] | None, typer.Argument(help="Files or folders; the flows folder by default.")
]


def given(paths: Sequence[Path] | None) -> list[Path]:
    """The paths, or the folder of the flows."""
    return [short(path) for path in paths or [load_settings().flows]]


def short(path: Path) -> Path:
    """Relative to here when it lies here: what a person would type."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


def floor_file(paths: Iterable[Path], *, usual: bool) -> Path | None:
    """The floor of the settings, with the usual flows; else the one in one of the folders."""
    found = [(path if path.is_dir() else path.parent) / loader.FLOOR for path in paths]
    if usual:
        found.insert(0, short(load_settings().floor))
    return next((file for file in found if file.is_file()), None)


def find_flow(name: str) -> tuple[Library, Flow]:
    """A flow by its file, its name or its number. Raises IvrError when there is none."""
    path = Path(name)
    folder = given(None)[0]
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


def count(number: int, what: str) -> str:
    """ "1 flow", "2 flows"."""
    return f"{number} {what}{'' if number == 1 else 's'}"
