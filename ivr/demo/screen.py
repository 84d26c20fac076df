"""The terminal: a story that scrolls by in three lanes, and below it what is so just now.

Elsewhere (a pipe, a build log) the story is printed alone, as plain lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ivr.demo.story import Beat, Lane, Manner

WIDEST, PLAIN_WIDTH = 116, 100
CLOCK: Final = 6
STAGE_LINES: Final = 5

_LANE_NAMES: Final = ("CALLERS", "TIELINE", "AGENTS")
_LANE_STYLES: Final = ("cyan", "magenta", "green")
_LANE_SHARES: Final = (28, 36, 32)
_STYLES: Final[Mapping[Manner, str]] = {
    "plain": "",
    "words": "italic",
    "key": "bold cyan",
    "good": "bold green",
    "quiet": "dim",
    "display": "bold",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """What is so just now, `seconds` after the act began: a few lines for each lane."""

    seconds: float
    lanes: tuple[Sequence[Text], Sequence[Text], Sequence[Text]]


class Screen:
    """Everything the demo shows; `console.is_terminal` decides how."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live = console.is_terminal
        self.width = min(console.width, WIDEST) if self.live else PLAIN_WIDTH
        room = self.width - CLOCK - 2 * len(_LANE_SHARES)
        self.lanes = [room * share // sum(_LANE_SHARES) for share in _LANE_SHARES]
        self.fine = (console.encoding or "").lower().startswith("utf")
        """Whether it can show more than ASCII."""
        self._bottom: Live | None = None
        self._began = 0.0

    # --- the story -------------------------------------------------------------------------------

    def line(self, text: str | Text = "") -> None:
        """A line across all lanes."""
        self._print(Text(text) if isinstance(text, str) else text)

    def act(self, number: int, title: str, about: str, began: float) -> None:
        """A new act; its clock starts at `began`."""
        self._began = began
        self.line()
        heading = Text.assemble((f" {number} ", "bold reverse"), f" {title} ", style="bold")
        self._print(Rule(heading, align="left", style="dim"))
        self.line(Text(f"{about}\n", style="dim"))
        heads = [
            Text(name, style=f"bold {style}")
            for name, style in zip(_LANE_NAMES, _LANE_STYLES, strict=True)
        ]
        self._print(self._row("", heads))

    def beat(self, beat: Beat) -> None:
        """One moment of the story, in its lane."""
        cells: list[RenderableType] = ["", "", ""]
        cells[beat.lane] = self._cell(beat)
        self._print(self._row(f"{max(0.0, beat.at - self._began):{CLOCK}.2f}", cells))

    def paper(self, command: str, text: str) -> None:
        """A command and what it printed (with terminal colours in it)."""
        told = Text.from_ansi(text)
        told.no_wrap, told.overflow = True, "ellipsis"
        self.framed(Text.assemble(("  $ ", "dim"), (command, "bold yellow")), told)

    def framed(self, heading: Text, body: RenderableType) -> None:
        """Something that is held up to be read."""
        self.line()
        self.line(heading)
        self._print(Panel(body, box=box.ROUNDED, style="", border_style="dim", width=self.width))

    def summary(self, rows: Sequence[tuple[str, str]]) -> None:
        """The figures at the end."""
        table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False)
        table.add_column(style="dim", justify="right")
        table.add_column(style="bold")
        for row in rows:
            table.add_row(*row)
        self._print(table)

    def _cell(self, beat: Beat) -> RenderableType:
        style = _STYLES[beat.manner]
        if beat.manner == "display":
            note = Text(f"\n{beat.note}", style="dim not bold") if beat.note else Text()
            return Panel(
                Text(beat.text, style=style).append_text(note),
                box=box.SQUARE,
                border_style=_LANE_STYLES[beat.lane],
                padding=(0, 1),
            )
        told = Text(beat.text, style=style or _LANE_STYLES[beat.lane])
        more = ((beat.note, "dim"), (beat.figure, "yellow"))
        return Group(told, *(Text(text, style=how) for text, how in more if text))

    def _row(self, clock: str, cells: Sequence[RenderableType]) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=CLOCK, style="dim", no_wrap=True)
        for width in self.lanes:
            table.add_column(width=width, overflow="fold")
        table.add_row(clock, *cells)
        return table

    def _print(self, what: RenderableType) -> None:
        if self.live:
            self.console.print(what, highlight=False, width=self.width)
            return
        with self.console.capture() as caught:
            self.console.print(what, highlight=False, width=self.width)
        for line in caught.get().splitlines():
            self.console.file.write(line.rstrip() + "\n")
        self.console.file.flush()

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """While open, something takes its time."""
        if not self.live:
            self.line(f"{what}...")
            yield
            return
        with self.console.status(f"{what}…"):
            yield

    # --- what is so just now ---------------------------------------------------------------------

    @contextmanager
    def staged(self) -> Iterator[None]:
        """While open, the stage stands below the story (on a terminal)."""
        if not self.live:
            yield
            return
        with Live(
            console=self.console, auto_refresh=False, transient=True, vertical_overflow="crop"
        ) as self._bottom:
            yield
        self._bottom = None

    def draw(self, stage: Stage) -> None:
        """Show the stage as it is now."""
        if self._bottom is None:
            return
        cells = [self._panel(lane, stage.lanes[lane]) for lane in Lane]
        clock = f"\n{stage.seconds:{CLOCK}.1f}"
        self._bottom.update(self._row(clock, cells), refresh=True)

    def _panel(self, lane: Lane, lines: Sequence[Text]) -> Panel:
        """Always of the same height, so that the story does not jump."""
        shown = [part for line in lines for part in self._folded(line, self.lanes[lane] - 4)]
        return Panel(
            Group(*shown[:STAGE_LINES]),
            height=STAGE_LINES + 2,
            title=_LANE_NAMES[lane].lower(),
            title_align="left",
            border_style=_LANE_STYLES[lane],
        )

    def _folded(self, line: Text, width: int) -> list[Text]:
        """A line cut to the width; one that asks to be wrapped (spoken words) may take two."""
        if line.no_wrap is not False:
            line.truncate(width, overflow="ellipsis")
            return [line]
        parts = list(line.wrap(self.console, width))[:3]
        if len(parts) == 3:
            parts[1].truncate(width - 1)
            parts[1].append("…")
        return parts[:2]
