"""Colours and signs, the same in every form of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ivr.drawing.drawing import Kind

INK: Final = "#1c2733"


@dataclass(frozen=True, slots=True)
class Look:
    """The colours of a kind of box."""

    fill: str
    stroke: str
    ink: str = INK


LOOKS: Final[Mapping[Kind, Look]] = {
    Kind.START: Look("#1f4e79", "#16395a", "#ffffff"),
    Kind.SAYS: Look("#eaf2fb", "#7ba7d4"),
    Kind.ASKS: Look("#fff4d6", "#d9a82b"),
    Kind.DECIDES: Look("#f1eafb", "#9a7bc7"),
    Kind.NOTES: Look("#f3f4f6", "#a3abb5"),
    Kind.LOOKS_UP: Look("#e3f5f4", "#4fa8a1"),
    Kind.PEOPLE: Look("#e4f4e3", "#5aa655"),
    Kind.MESSAGE: Look("#fdeadb", "#d98945"),
    Kind.RUNS: Look("#e9e9fb", "#6b6fc9"),
    Kind.KEY: Look("#ffffff", "#98a2ad"),
    Kind.ENDS: Look("#fbe3e4", "#c9666b"),
}
MARKS: Final[Mapping[str, str]] = {"day": "☀", "night": "☾"}
TIMES: Final[Mapping[str, str]] = {"day": "#d98b00", "night": "#2c3e73"}
"""The colours of arrows that are taken while something is open, or closed."""
