"""Which files a designer's command is about, and counts in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ivr.errors import IvrError
from ivr.flow.loading import loader
from ivr.flow.loading.loader import Library
from ivr.flow.loading.yaml import quote, suggest
from ivr.flow.model import Flow
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
        known = suggest(name, [*library.flows, *library.numbers]) or "see them: tieline check"
        raise IvrError(f"no flow is called {quote(name)} in {folder} ({known})")
    return library, flow


def count(number: int, what: str) -> str:
    """ "1 flow", "2 flows"."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def write_text(path: Path, text: str, ours: str = "") -> None:
    """Writes a file whole or not at all, and never over one that does not begin with `ours`.

    Raises IvrError.
    """
    beside = path.with_name(path.name + ".part")
    try:
        if path.exists() and not path.is_file():  # such as /dev/null
            path.write_text(text, encoding="utf-8")
            return
        if path.is_file() and not _begins(path, ours):
            raise IvrError(f"{path} is another file: name a new one, or delete it first")
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
    except OSError as why:
        raise IvrError(f"{path} cannot be written: {why.strerror}") from None


def _begins(path: Path, ours: str) -> bool:
    """An empty file may be anybody's."""
    wanted = ours.encode()
    with path.open("rb") as file:
        return file.read(len(wanted)) in {b"", wanted}
