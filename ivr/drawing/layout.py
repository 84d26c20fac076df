"""Where everything goes: Graphviz' `dot` is told sizes and ways, and answers with places.

No word of a flow reaches it, only numbers: words are drawn by `ivr.drawing.svg`, which knows how
wide they are in every script.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ivr.asterisk.toolbox import Tool
from ivr.drawing.drawing import Arrow, Box, Drawing, Kind
from ivr.errors import IvrError

POINTS: Final = 72
"""Graphviz counts boxes in inches and places in points."""
TITLE, TEXT, LABEL = 13.0, 11.5, 11.0
"""Sizes of letters: of a box's name, what is in it, and what is on an arrow."""
LEADING: Final = 1.35
ATTEMPTS: Final = (
    ("splines=true", 10.0),
    ("splines=line, nslimit=0.5, nslimit1=0.5, mclimit=0.1", 60.0),
)
"""How the picture is laid out, and how many seconds that may take before the next is tried."""

_NARROW: Final = frozenset("iljtfr.,:;'|!()[]/ ‹›*☀☾")
_BROAD: Final = frozenset("mwMW@%&→…")
_MARGIN: Final = 14.0
_DIAMOND: Final = 1.55
"""How much wider and higher a diamond is than the words in its middle."""

Point = tuple[float, float]


class DotFailed(IvrError):
    """Graphviz did not lay out the picture; the text has its own words."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A box: its middle and its size, in points; y grows downwards."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Way:
    """An arrow: the control points of its Bézier curves, its tip, and the middle of its label."""

    curve: tuple[Point, ...]
    tip: Point
    label: Point | None


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole picture: boxes and ways in the order of the drawing's."""

    width: float
    height: float
    boxes: tuple[Placed, ...]
    ways: tuple[Way, ...]


def width_of(text: str, size: float) -> float:
    """About how wide a sans-serif font draws it; Chinese characters are squares."""
    return size * sum(map(_em, text))


def _em(character: str) -> float:
    if ord(character) >= 0x2E80:
        return 1.0
    if character in _NARROW:
        return 0.36
    if character in _BROAD:
        return 0.9
    return 0.7 if character.isupper() else 0.58


def size_of(box: Box) -> tuple[float, float]:
    """Width and height of a box with its words."""
    texts = [*([box.subject] if box.subject else []), *box.lines]
    mark = 18.0 if box.time else 0.0
    widths = [width_of(box.name, TITLE) * 1.06 + mark, *(width_of(each, TEXT) for each in texts)]
    width, height = max(widths), LEADING * (TITLE + len(texts) * TEXT)
    if box.kind is Kind.DECIDES:
        return (width + 2 * _MARGIN) * _DIAMOND, (height + _MARGIN) * _DIAMOND
    extra = {Kind.PEOPLE: 22.0, Kind.ENDS: 18.0, Kind.START: 24.0, Kind.RUNS: 14.0}
    return (
        max(72.0, width + 2 * _MARGIN + extra.get(box.kind, 0.0)),
        height + 1.4 * _MARGIN + (10.0 if box.kind is Kind.LOOKS_UP else 0.0),
    )


def label_size(label: str) -> tuple[float, float]:
    """Width and height that the words on an arrow need."""
    return width_of(label, LABEL) * 1.08 + 16, LABEL * LEADING + 4


def dot_source(drawing: Drawing, how: str = ATTEMPTS[0][0]) -> str:
    """What `dot` is asked: sizes, and who leads to whom."""
    nodes = [_node(place, box) for place, box in enumerate(drawing.boxes)]
    edges = [_edge(place, arrow) for place, arrow in enumerate(drawing.arrows)]
    head = f"graph [rankdir=TB, nodesep=0.4, ranksep=0.45, {how}]"
    return "\n".join(["digraph flow {", head, "node [fixedsize=true]", *nodes, *edges, "}"])


def _node(place: int, box: Box) -> str:
    width, height = (each / POINTS for each in size_of(box))
    shape = "diamond" if box.kind is Kind.DECIDES else "box"
    size = f"width={width:.3f}, height={height:.3f}"
    return f'n{place} [label="", shape={shape}, {size}]'


def _edge(place: int, arrow: Arrow) -> str:
    told = [f'id="{place}"']
    if arrow.label or arrow.time:
        width, height = label_size(f"☀ {arrow.label}" if arrow.time else arrow.label)
        cell = f'FIXEDSIZE="TRUE" WIDTH="{width:.0f}" HEIGHT="{height:.0f}"'
        told.append(f'label=<<TABLE BORDER="0" CELLPADDING="0"><TR><TD {cell}></TD></TR></TABLE>>')
    # The ways out of trouble give way to those that callers usually take.
    told.append("weight=1" if arrow.quiet else "weight=4")
    return f"n{arrow.start} -> n{arrow.end} [{', '.join(told)}]"


def lay_out(drawing: Drawing, dot: Tool) -> Layout:
    """Runs `dot`: a fraction of a second, for huge tangled flows up to ten. Raises DotFailed."""
    for how, patience in ATTEMPTS:
        answer = _answer(dot, dot_source(drawing, how), patience)
        if answer is not None:
            return _read(json.loads(answer), len(drawing.boxes), len(drawing.arrows))
    raise DotFailed("Graphviz takes too long for this flow: tieline graph FLOW -o x.mmd")


def _answer(dot: Tool, source: str, patience: float) -> str | None:
    """What `dot` says; None when it is not done in time."""
    try:
        done = subprocess.run(
            [*dot.argv_prefix, "-Tjson"],
            input=source,
            env=dot.environment(),
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    except OSError as why:
        raise DotFailed(f"Graphviz could not be run: {why}") from why
    if done.returncode:
        raise DotFailed(f"Graphviz could not lay out the picture: {done.stderr.strip()[:300]}")
    return done.stdout


def _read(answer: dict[str, Any], boxes: int, arrows: int) -> Layout:
    width, height = _numbers(answer["bb"])[2:]
    nodes = {each["name"]: each for each in answer["objects"]}
    ways = {each["id"]: each for each in answer.get("edges", [])}
    return Layout(
        width,
        height,
        tuple(_placed(nodes[f"n{place}"], height) for place in range(boxes)),
        tuple(_way(ways[str(place)], height) for place in range(arrows)),
    )


def _placed(node: dict[str, Any], top: float) -> Placed:
    x, y = _numbers(node["pos"])
    size = float(node["width"]) * POINTS, float(node["height"]) * POINTS
    return Placed(x, top - y, *size)


def _way(edge: dict[str, Any], top: float) -> Way:
    """`pos` is `e,x,y` for the tip, then the curve's points."""
    points = [part.removeprefix("e,") for part in edge["pos"].split()]
    places = [_point(each, top) for each in points if not each.startswith("s,")]
    label = _point(edge["lp"], top) if "lp" in edge else None
    return Way(tuple(places[1:]), places[0], label)


def _point(text: str, top: float) -> Point:
    x, y = _numbers(text)
    return x, top - y


def _numbers(text: str) -> Sequence[float]:
    return [float(each) for each in text.split(",")]
