"""How long work is shown: a bar on a terminal, one line for each stage elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

from ivr.asterisk.toolbox import Progress


@contextmanager
def shown_progress(console: Console) -> Iterator[Progress]:
    """Yields the callback to give to `ensure_asterisk` and its like; silent if never called."""
    if console.is_terminal:
        with _bar(console) as report:
            yield report
    else:
        yield _lines(console)


@contextmanager
def _bar(console: Console) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0, visible=False)

        def report(stage: str, done: float | None) -> None:
            total = None if done is None else 1.0
            new = stage != bar.tasks[0].description
            busy = done != 1.0
            bar.update(task, description=stage, completed=done or 0.0, total=total, visible=busy)
            if new and busy:
                bar.refresh()

        yield report


def _lines(console: Console) -> Progress:
    last = ""

    def report(stage: str, done: float | None) -> None:
        nonlocal last
        if stage != last and done != 1.0:
            console.print(stage, highlight=False, soft_wrap=True)
        last = stage

    return report
