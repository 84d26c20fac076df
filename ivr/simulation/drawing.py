"""A simulated day as a picture: three charts over the same hours, in plain SVG.

Calls by how they ended, service level with its interval, agents on duty and how busy they were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from acd.simulation.intervals import Interval
from acd.simulation.summary import Summary
from acd.words import Formula

WIDTH, LEFT, RIGHT = 900, 64, 24
HEIGHT, GAP, TOP = 150, 52, 84
INK, FAINT, GRID = "#1d2730", "#5b6770", "#dcd7ca"
ENDINGS = (
    ("answered", "answered", "#3b7a57"),
    ("abandoned", "hung up", "#c0504d"),
    ("sent_on", "waited too long, or nobody there", "#d9a441"),
    ("turned_away", "turned away", "#7d7a8c"),
)
LEVEL, BAND = "#2b5c8a", "#b9cfe4"
STAFFED, BUSY = "#8a8478", "#c9b27c"


@dataclass(frozen=True, slots=True)
class Picture:
    """What to draw: the summary's slots begin at `begins`, `width` seconds wide each.

    `formula` counts the service level, `spelled` says how in words.
    """

    title: str
    summary: Summary
    begins: float
    width: float
    formula: Formula
    spelled: str

    @property
    def slots(self) -> int:
        """How many there are."""
        return len(self.summary.slots)


def draw(picture: Picture) -> str:
    """The picture as an SVG document."""
    charts = (_calls, _levels, _agents)
    height = TOP + len(charts) * (HEIGHT + GAP)
    runs = picture.summary.runs
    about = "one run" if runs == 1 else f"average of {runs} runs, intervals of 95 %"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="title desc" '
        f'font-family="system-ui, \'DejaVu Sans\', sans-serif" font-size="13" fill="{INK}">',
        f'<title id="title">{escape(picture.title)}</title>',
        f'<desc id="desc">{escape(_described(picture))}</desc>',
        f'<rect width="{WIDTH}" height="{height}" fill="#faf8f3"/>',
        _text(LEFT, 30, picture.title, size=18, bold=True),
        _text(LEFT, 50, f"Simulated, {about}", fill=FAINT),
    ]
    for number, chart in enumerate(charts):
        frame = _Frame(picture, TOP + number * (HEIGHT + GAP))
        lines += chart(picture, frame)
    return "\n".join([*lines, "</svg>", ""])


def _described(picture: Picture) -> str:
    offered = sum(slot.offered.value for slot in picture.summary.slots)
    hours = f"{clock(picture.begins)} to {clock(picture.begins + picture.slots * picture.width)}"
    return (
        f"Three charts from {hours}: {offered:.0f} calls by how they ended, "
        f"the service level ({picture.spelled}), and agents on duty and busy."
    )


class _Frame:
    """One chart's place on the paper, and its axes."""

    def __init__(self, picture: Picture, top: float) -> None:
        self.picture, self.top, self.bottom = picture, top, top + HEIGHT
        self.step = (WIDTH - LEFT - RIGHT) / max(1, picture.slots)
        self.most = 1.0

    def x(self, slot: float) -> float:
        return LEFT + slot * self.step

    def y(self, value: float) -> float:
        return self.bottom - HEIGHT * min(1.0, max(0.0, value / self.most))

    def axes(self, title: str, most: float, label: Callable[[float], str]) -> list[str]:
        """Grid, labels and heading for values from 0 to at least `most`."""
        gap = _round_step(most / 4)
        self.most = gap * max(1, math.ceil(most / gap - 1e-9))
        lines = [_text(LEFT, self.top - 10, title, bold=True)]
        for number in range(round(self.most / gap) + 1):
            y = self.y(number * gap)
            lines.append(_line(LEFT, y, WIDTH - RIGHT, y, GRID))
            lines.append(_text(LEFT - 8, y + 4, label(number * gap), anchor="end", fill=FAINT))
        every = _every(self.picture.width, self.picture.slots)
        for slot in range(0, self.picture.slots + 1, every):
            x, at = self.x(slot), self.picture.begins + slot * self.picture.width
            lines.append(_line(x, self.bottom, x, self.bottom + 5, FAINT))
            lines.append(_text(x, self.bottom + 19, clock(at), anchor="middle", fill=FAINT))
        return lines

    def legend(self, entries: Iterable[tuple[str, str]]) -> list[str]:
        """Names with their colours, from the right end of the heading."""
        lines, x = [], WIDTH - RIGHT
        for name, colour in reversed(list(entries)):
            x -= round(len(name) * 6.9)
            lines.append(_text(x, self.top - 10, name, fill=FAINT))
            x -= 17
            lines.append(_rect(x, self.top - 20, 11, 11, colour))
            x -= 14
        return lines


def _calls(picture: Picture, frame: _Frame) -> list[str]:
    stacks = [
        [getattr(slot, name).value for name, _, _ in ENDINGS] for slot in picture.summary.slots
    ]
    # What hardly ever happened cannot be seen in the chart either.
    seen = [sum(stack[n] for stack in stacks) >= 0.5 for n in range(len(ENDINGS))]
    minutes = f"{picture.width / 60:g} minutes"
    most = max((sum(stack) for stack in stacks), default=0.0)
    lines = frame.axes(f"Calls in {minutes}", most or 1.0, lambda value: f"{value:g}")
    lines += frame.legend(
        (name, colour)
        for (_, name, colour), is_there in zip(ENDINGS, seen, strict=True)
        if is_there
    )
    for slot, stack in enumerate(stacks):
        below = 0.0
        for value, (_, _, colour) in zip(stack, ENDINGS, strict=True):
            if value > 0:
                y = frame.y(below + value)
                x, width = frame.x(slot) + 2, frame.step - 4
                lines.append(_rect(x, y, width, frame.y(below) - y, colour))
            below += value
    return lines


def _levels(picture: Picture, frame: _Frame) -> list[str]:
    lines = frame.axes("Service level", 1.0, lambda value: f"{value:.0%}")
    lines.append(_text(LEFT + 100, frame.top - 10, picture.spelled, fill=FAINT, size=11))
    found = [
        (n + 0.5, slot.levels[picture.formula]) for n, slot in enumerate(picture.summary.slots)
    ]
    for stretch in _unbroken(found):
        banded = [(n, each) for n, each in stretch if each.half is not None]
        upper = [(frame.x(n), frame.y(each.high)) for n, each in banded]
        lower = [(frame.x(n), frame.y(each.low)) for n, each in reversed(banded)]
        if banded:
            lines.append(f'<polygon points="{_points(upper + lower)}" fill="{BAND}"/>')
        line = [(frame.x(n), frame.y(each.value)) for n, each in stretch]
        lines.append(_path(line, LEVEL))
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{LEVEL}"/>' for x, y in line]
    return lines


def _agents(picture: Picture, frame: _Frame) -> list[str]:
    staffed = picture.summary.staffed
    most = max(staffed, default=0.0)
    lines = frame.axes("Agents", most or 1.0, lambda value: f"{value:g}")
    lines += frame.legend([("on duty", STAFFED), ("in talk or wrap-up", BUSY)])
    for slot, (agents, measures) in enumerate(zip(staffed, picture.summary.slots, strict=True)):
        if measures.occupancy is not None:
            y = frame.y(agents * measures.occupancy.value)
            lines.append(_rect(frame.x(slot) + 2, y, frame.step - 4, frame.bottom - y, BUSY))
    edges = [
        (frame.x(slot + side), frame.y(agents))
        for slot, agents in enumerate(staffed)
        for side in (0, 1)
    ]
    return [*lines, _path(edges, STAFFED)] if edges else lines


def _unbroken(
    found: Sequence[tuple[float, Interval | None]],
) -> list[list[tuple[float, Interval]]]:
    """Stretches without a gap: where nothing came there is no service level."""
    stretches: list[list[tuple[float, Interval]]] = [[]]
    for at, interval in found:
        if interval is None:
            stretches.append([])
        else:
            stretches[-1].append((at, interval))
    return [stretch for stretch in stretches if stretch]


def clock(at: float) -> str:
    """A time of day from seconds since midnight."""
    minutes = round(at / 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _round_step(rough: float) -> float:
    """The least of 1, 2, 2.5 and 5 times a power of ten that is not below."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * step for step in (1, 2, 2.5, 5, 10) if power * step >= rough - 1e-12)


def _every(width: float, slots: int) -> int:
    """How many slots lie between two labels: whole hours where they fit, at most 13 labels."""
    hour = max(1, round(3600 / width))
    return hour * max(1, math.ceil(slots / hour / 12))


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _path(points: Iterable[tuple[float, float]], colour: str) -> str:
    return f'<polyline points="{_points(points)}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}"/>'


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    size = f'width="{width:.1f}" height="{height:.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{colour}"/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    fill: str = INK,
    size: int = 13,
    bold: bool = False,
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{weight} '
        f'fill="{fill}">{escape(text)}</text>'
    )
