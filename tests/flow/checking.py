"""A small house to check flows against: its floor, its services, and fields of every kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ivr.backends.names import Names
from ivr.errors import ConfigError
from ivr.flow.loading.loader import Library, load
from tests.flow.flows import FLOOR

HEAD = """\
flow: x
numbers: ["4000"]
calendars: {desk: {zone: UTC, hours: {mon-fri: 08:00-18:00}}}
collects:
  reason: {type: choice, of: [a, b]}
  order: {type: digits, say: Order.}
  pin: {type: digits, secret: true, say: PIN.}
  price: {type: amount, say: Price.}
  visit: {type: moment}
  note: {type: text, say: Note.}
"""
TOUCHED = "set: {reason: a, order: '1', price: '2', visit: '2026-03-02T10:00+00:00', note: x}"
NAMES = Names(
    services={"shop": "http", "people": "identity"},
    databases={"stores": frozenset({"city"})},
    outside=("+8610*",),
    sms=True,
)


def files(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def loaded(folder: Path, steps: str, head: str = HEAD, names: Names | None = NAMES) -> Library:
    """A flow of these steps; its fields count as used."""
    source = f"{head}start: s0\nsteps:\n  s0: {{{TOUCHED}, next: a}}\n{steps}"
    (folder / "x.yaml").write_text(source)
    return load([folder], replace(FLOOR, agents={"1001"}), names)


def told(folder: Path, steps: str, head: str = HEAD, names: Names | None = NAMES) -> list[str]:
    """Mistakes, without their cures."""
    try:
        loaded(folder, steps, head, names)
    except ConfigError as refused:
        lines = [str(each).removeprefix(f"{folder}/x.yaml:") for each in refused.problems]
        return [line.split(" (", maxsplit=1)[0] for line in lines]
    return []


def noted(folder: Path, steps: str, head: str = HEAD) -> list[str]:
    """Notes, without that on a field of the head which few flows here use."""
    found = [each.message for each in loaded(folder, steps, head).notes]
    return [each for each in found if '"pin"' not in each]


FIRST = HEAD.count("\n") + 4
"""The line of step `a`."""
END = "  z: {hangup: Bye.}\n"
