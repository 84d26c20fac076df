"""A drawing that was laid out, as an SVG file: no script, no link, every word escaped.

Each box carries all of its words as a tooltip. The file needs nothing else; fonts are the reader's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from ivr.drawing.drawing import Arrow, Box, Drawing, Kind
from ivr.drawing.layout import (
    LABEL,
    LEADING,
    TEXT,
    TITLE,
    Layout,
    Placed,
    Point,
    Way,
    label_size,
    width_of,
)
from ivr.drawing.look import INK, LOOKS, MARKS, TIMES

MARGIN: Final = 24.0
FONTS: Final = "Helvetica, Arial, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
PALE, QUIET = "#5c6875", "#98a2ad"
_HEAD: Final = 22.0
"""The size of the title's letters."""
_SWATCH: Final = 16.0
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold, escaped or not."""


def svg(drawing: Drawing, layout: Layout) -> str:
    """The file's text."""
    return "\n".join(_Picture(drawing, layout).lines()) + "\n"


class _Picture:
    """Title and legend above, the flow below."""

    def __init__(self, drawing: Drawing, layout: Layout) -> None:
        self._drawing, self._layout = drawing, layout
        self._legend = list(_legend_items(drawing))
        self.width = max(layout.width, 620.0) + 2 * MARGIN
        self._rows = list(_rows(self._legend, self.width - 2 * MARGIN))
        about = 20.0 if drawing.about else 0.0
        self._top = MARGIN + _HEAD + about + 14 + len(self._rows) * 24 + 14
        self.height = self._top + layout.height + MARGIN

    def lines(self) -> Iterator[str]:
        size = f'width="{self.width:.0f}" height="{self.height:.0f}"'
        view = f'viewBox="0 0 {self.width:.0f} {self.height:.0f}"'
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img" '
            f"font-family={quoteattr(FONTS)}>"
        )
        yield f"<title>{_text(self._drawing.title)}</title>"
        yield '<rect width="100%" height="100%" fill="#ffffff"/>'
        yield from self._head()
        left = MARGIN + max(0.0, (self.width - 2 * MARGIN - self._layout.width) / 2)
        yield f'<g transform="translate({left:.1f},{self._top:.1f})">'
        pairs = list(zip(self._drawing.arrows, self._layout.ways, strict=True))
        for arrow, way in pairs:
            yield from _line(arrow, way)
        for box, placed in zip(self._drawing.boxes, self._layout.boxes, strict=True):
            yield from _box(box, placed)
        for arrow, way in pairs:
            yield from _label(arrow, way)
        yield "</g>"
        yield "</svg>"

    def _head(self) -> Iterator[str]:
        y = MARGIN + _HEAD * 0.8
        yield _words((MARGIN, y), self._drawing.title, _HEAD, weight="bold", anchor="start")
        y += 22
        if self._drawing.about:
            yield _words((MARGIN, y), self._drawing.about, TITLE, fill=PALE, anchor="start")
            y += 20
        for row in self._rows:
            yield from _legend(row, y)
            y += 24


# --- the legend -----------------------------------------------------------------------------------

_Item = tuple[str, str]
"""What a sign stands for, and the sign: a kind's name, or that of an arrow."""


def _legend_items(drawing: Drawing) -> Iterator[_Item]:
    for kind in drawing.kinds:
        yield kind.value, kind.name
    if any(arrow.time for arrow in drawing.arrows):
        yield "☀ while open", "day"
        yield "☾ while closed", "night"
    if any(arrow.quiet for arrow in drawing.arrows):
        yield "when that does not work", "quiet"
    if drawing.anywhere:
        yield f"at any question: {',  '.join(drawing.anywhere)}", "keys"


def _rows(items: Sequence[_Item], width: float) -> Iterator[list[tuple[float, _Item]]]:
    row, x = list[tuple[float, _Item]](), 0.0
    for item in items:
        needed = _SWATCH + 8 + width_of(item[0], TEXT) + 22
        if row and x + needed > width:
            yield row
            row, x = [], 0.0
        row.append((x, item))
        x += needed
    yield row


def _legend(row: Sequence[tuple[float, _Item]], y: float) -> Iterator[str]:
    for x, (name, sign) in row:
        middle = (MARGIN + x + _SWATCH / 2, y)
        if sign in Kind.__members__:
            kind = Kind[sign]
            yield _shape(kind, Placed(*middle, _SWATCH, _SWATCH * 0.8))
        else:
            colour = TIMES.get(sign, QUIET)
            dashes = ' stroke-dasharray="4 3"' if sign == "quiet" else ""
            if sign != "keys":
                x0, x1 = middle[0] - _SWATCH / 2, middle[0] + _SWATCH / 2
                yield (
                    f'<line x1="{x0:.1f}" y1="{y:.1f}" x2="{x1:.1f}" y2="{y:.1f}" '
                    f'stroke="{colour}" stroke-width="2.2"{dashes}/>'
                )
        place = (middle[0] + _SWATCH / 2 + 8, y + TEXT * 0.35)
        yield _words(place, name, TEXT, fill=PALE, anchor="start")


# --- boxes ----------------------------------------------------------------------------------------


def _box(box: Box, placed: Placed) -> Iterator[str]:
    yield "<g>"
    yield f"<title>{_text(f'{box.name}: {box.full}' if box.full else box.name)}</title>"
    yield _shape(box.kind, placed)
    mark = f"{MARKS[box.time]} " if box.time else ""
    texts = [(mark + box.name, TITLE, "bold")]
    texts += [(box.subject, TEXT, "italic")] if box.subject else []
    texts += [(line, TEXT, "normal") for line in box.lines]
    height = LEADING * sum(size for _, size, _ in texts)
    y = placed.y - height / 2 + (4 if box.kind is Kind.LOOKS_UP else 0)
    for text, size, style in texts:
        y += size * LEADING
        weight = "bold" if style == "bold" else "normal"
        fill = PALE if style == "italic" else LOOKS[box.kind].ink
        place = (placed.x, y - size * (LEADING - 1) * 0.9)
        yield _words(place, text, size, weight=weight, fill=fill)
    yield "</g>"


def _shape(kind: Kind, at: Placed) -> str:
    """The outline of a kind of box."""
    look = LOOKS[kind]
    left, right = at.x - at.width / 2, at.x + at.width / 2
    top, bottom = at.y - at.height / 2, at.y + at.height / 2
    colours = f'fill="{look.fill}" stroke="{look.stroke}" stroke-width="1.4"'
    corner = {Kind.SAYS: 10.0, Kind.ASKS: 10.0, Kind.ENDS: at.height / 2, Kind.START: at.height / 2}
    notch = min(11.0, at.width / 4)
    outlines: Mapping[Kind, Sequence[Point]] = {
        Kind.DECIDES: ((at.x, top), (right, at.y), (at.x, bottom), (left, at.y)),
        Kind.PEOPLE: (
            (left + notch, top),
            (right - notch, top),
            (right, at.y),
            (right - notch, bottom),
            (left + notch, bottom),
            (left, at.y),
        ),
        Kind.MESSAGE: (
            (left, top),
            (right - notch, top),
            (right, top + notch),
            (right, bottom),
            (left, bottom),
        ),
    }
    if kind in outlines:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in outlines[kind])
        return f'<polygon points="{points}" {colours} stroke-linejoin="round"/>'
    if kind is Kind.LOOKS_UP:
        return _cylinder(left, right, top, bottom, colours)
    sides = f'x="{left:.1f}" y="{top:.1f}" width="{at.width:.1f}" height="{at.height:.1f}"'
    dashes = ' stroke-dasharray="6 3"' if kind in {Kind.RUNS, Kind.KEY} else ""
    radius = min(corner.get(kind, 2.0), at.height / 2)
    return f'<rect {sides} rx="{radius:.1f}" {colours}{dashes}/>'


def _cylinder(left: float, right: float, top: float, bottom: float, colours: str) -> str:
    rim = min(6.0, (bottom - top) / 4)
    radius = f"{(right - left) / 2:.1f},{rim:.1f}"
    return (
        f'<path d="M{left:.1f},{top + rim:.1f} A{radius} 0 0 1 {right:.1f},{top + rim:.1f} '
        f"V{bottom - rim:.1f} A{radius} 0 0 1 {left:.1f},{bottom - rim:.1f} Z "
        f'M{left:.1f},{top + rim:.1f} A{radius} 0 0 0 {right:.1f},{top + rim:.1f}" {colours}/>'
    )


# --- arrows ---------------------------------------------------------------------------------------


def _line(arrow: Arrow, way: Way) -> Iterator[str]:
    colour = TIMES.get(arrow.time, QUIET if arrow.quiet else INK)
    broad = 2.2 if arrow.time else 1.1 if arrow.quiet else 1.4
    dashes = ' stroke-dasharray="5 4"' if arrow.quiet else ""
    (x, y), *rest = way.curve
    curve = f"M{x:.1f},{y:.1f} C" + " ".join(f"{a:.1f},{b:.1f}" for a, b in rest)
    yield f'<path d="{curve}" fill="none" stroke="{colour}" stroke-width="{broad}"{dashes}/>'
    yield f'<polygon points="{_head_of(way)}" fill="{colour}"/>'


def _head_of(way: Way) -> str:
    (x, y), (tip_x, tip_y) = way.curve[-1], way.tip
    across_x, across_y = (tip_y - y) * 0.38, (x - tip_x) * 0.38
    corners = ((tip_x, tip_y), (x + across_x, y + across_y), (x - across_x, y - across_y))
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)


def _label(arrow: Arrow, way: Way) -> Iterator[str]:
    text = f"{MARKS.get(arrow.time, '')} {arrow.label}".strip()
    if not text or way.label is None:
        return
    x, y = way.label
    width, height = label_size(text)
    yield (
        f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" rx="4" fill="#ffffff" fill-opacity="0.85"/>'
    )
    fill = TIMES.get(arrow.time, PALE if arrow.quiet else INK)
    weight = "normal" if arrow.quiet else "bold"
    yield _words((x, y + LABEL * 0.35), text, LABEL, fill=fill, weight=weight)


# --- words ----------------------------------------------------------------------------------------


def _words(
    at: Point,
    text: str,
    size: float,
    *,
    fill: str = INK,
    weight: str = "normal",
    anchor: str = "middle",
) -> str:
    return (
        f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" font-size="{size:g}" fill="{fill}" '
        f'font-weight="{weight}" text-anchor="{anchor}">{_text(text)}</text>'
    )


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", text))
