"""The waits of free agents as a picture: every cycle a dot, on a scale of powers of ten."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

WIDTH, LEFT, RIGHT, TOP, ROW = 900, 190, 40, 96, 60
INK, FAINT, GRID, PAPER = "#1d2730", "#5b6770", "#dcd7ca", "#faf8f3"
OURS, THEIRS = "#2b5c8a", "#c0504d"
LOW, HIGH = 1.0, 10_000.0
TITLE = "An agent is free: how long until the next phone call rings"
ABOUT = (
    "From hanging up to the next INVITE on the wire, each cycle a dot; one Asterisk, same agents"
)
ROWS = {
    "Tieline": ("Tieline", "1 agent, 5 waiting", OURS),
    "500 agents": ("Tieline", "500 agents, 200 waiting", OURS),
    "Queue()": ("Asterisk's Queue()", "1 agent, 5 waiting", THEIRS),
}


def draw(found: Mapping[str, Sequence[float]]) -> str:
    """The picture as an SVG document; milliseconds by the name of their row."""
    rows = {name: row for name, row in ROWS.items() if name in found}
    height = TOP + ROW * len(rows) + 54
    told = "; ".join(
        f"{title}, {about}: median {statistics.median(found[name]):.0f} ms"
        for name, (title, about, _) in rows.items()
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="title desc" '
        f'font-family="system-ui, \'DejaVu Sans\', sans-serif" font-size="13" fill="{INK}">',
        f'<title id="title">{TITLE}</title>',
        f'<desc id="desc">{told}.</desc>',
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
        _text(LEFT, 32, TITLE, size=18, weight=600),
        _text(LEFT, 54, ABOUT, FAINT),
    ]
    bottom = TOP + ROW * len(rows)
    for power in range(5):
        x, value = _x(10.0**power), 10**power
        label = f"{value} ms" if value < 1000 else f"{value // 1000} s"
        lines.append(f'<path d="M{x:.1f} {TOP - 10}V{bottom}" stroke="{GRID}"/>')
        lines.append(_text(x, bottom + 20, label, FAINT, anchor="middle"))
    for place, (name, (title, about, colour)) in enumerate(rows.items()):
        lines += _row(TOP + ROW * place + ROW / 2, title, about, colour, found[name])
    return "\n".join([*lines, "</svg>"]) + "\n"


def _row(y: float, title: str, about: str, colour: str, delays: Sequence[float]) -> list[str]:
    dots = "".join(
        f"M{_x(each):.1f} {y + 18 * (n * 0.618 % 1 - 0.5):.1f}h0" for n, each in enumerate(delays)
    )
    median = statistics.median(delays)
    return [
        _text(LEFT - 14, y - 2, title, weight=600, anchor="end"),
        _text(LEFT - 14, y + 14, about, FAINT, anchor="end"),
        f'<path d="{dots}" stroke="{colour}" stroke-width="5" stroke-linecap="round" '
        'stroke-opacity="0.35" fill="none"/>',
        f'<path d="M{_x(median):.1f} {y - 20:.1f}v34" stroke="{INK}" stroke-width="2"/>',
        _text(_x(median), y + 27, f"median {median:.0f} ms", anchor="middle"),
    ]


def _x(milliseconds: float) -> float:
    share = math.log(min(HIGH, max(LOW, milliseconds)) / LOW) / math.log(HIGH / LOW)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _text(
    x: float,
    y: float,
    text: str,
    fill: str = INK,
    *,
    size: int = 13,
    weight: int = 400,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}" fill="{fill}">{text}</text>'
    )
