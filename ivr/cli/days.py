"""What `tieline simulate` and `tieline replay` both print: figures, formulas, small charts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from acd.floor import Floor
from acd.service_level import spelled
from acd.simulation.intervals import Interval
from acd.simulation.summary import Measures, Summary
from acd.words import Formula
from ivr.simulation.drawing import clock

NOTHING = "-"
FIGURES = (
    "Offered",
    "Answered",
    "Hung up",
    "Sent on",
    "Turned away",
    "Service level",
    "Mean wait",
    "9 of 10 within",
    "Occupancy",
)
"""The columns that tell of a queue."""
_FINE, _PLAIN = "▁▂▃▄▅▆▇█", ".:-=+*#@"


def plus_minus(
    interval: Interval | None, unit: str = "", scale: float = 1.0, digits: int = 1
) -> str:
    """A figure with the half width of its interval, which is left out when there is none."""
    if interval is None:
        return NOTHING
    value = f"{interval.value * scale:.{digits}f}"
    half = f" ±{interval.half * scale:.{digits}f}" if interval.half else ""
    return f"{value}{unit}{half}"


def share(interval: Interval | None) -> str:
    """A share as a percentage."""
    return plus_minus(interval, " %", 100.0)


def queue_table(floor: Floor, summary: Summary) -> Table:
    """One row for each queue."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Queue", no_wrap=True)
    for name in FIGURES:
        table.add_column(name, justify="right")
    for name in summary.queues:
        table.add_row(name, *queue_cells(floor, summary, name))
    return table


def queue_cells(floor: Floor, summary: Summary, name: str) -> list[str]:
    """What stands under `FIGURES` for one queue."""
    found = summary.queues[name]
    formula = next(queue.formula for queue in floor.queues if queue.name == name)
    return [
        *counts(found),
        share(found.levels[formula]),
        plus_minus(found.mean_wait, " s"),
        plus_minus(found.percentiles[0.9], " s", digits=0),
        share(found.occupancy),
    ]


def counts(found: Measures) -> list[str]:
    """What became of the calls, on average."""
    each = (found.offered, found.answered, found.abandoned, found.sent_on, found.turned_away)
    return [plus_minus(interval) for interval in each]


def skill_table(summary: Summary) -> Table:
    """One row for each skill that calls asked for."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Skill", no_wrap=True)
    for name in ("Offered", "Answered", "Hung up", "Mean wait", "Occupancy"):
        table.add_column(name, justify="right")
    for skill, found in summary.skills.items():
        table.add_row(
            skill,
            *counts(found)[:3],
            plus_minus(found.mean_wait, " s"),
            share(found.occupancy),
        )
    return table


def agent_table(floor: Floor, summary: Summary) -> Table:
    """One row for each agent who was on duty."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Agent", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("Occupancy", justify="right")
    for agent in floor.agents:
        if summary.agents[agent.id] is not None:
            table.add_row(agent.id, Text(agent.name), share(summary.agents[agent.id]))
    return table


def formulas(floor: Floor, names: Iterable[str]) -> list[str]:
    """How the service level of these queues is counted, the same ones together."""
    wanted = set(names)
    by_formula: dict[str, list[str]] = {}
    for queue in floor.queues:
        if queue.name in wanted:
            text = spelled(queue.formula, queue.target_seconds, queue.short_abandon_seconds)
            by_formula.setdefault(text, []).append(queue.name)
    if len(by_formula) == 1:
        return [f"Service level: {text}" for text in by_formula]
    return [f"Service level of {', '.join(names)}: {text}" for text, names in by_formula.items()]


def common_formula(floor: Floor) -> tuple[Formula, str]:
    """The formula by which all queues together are counted, and how to say it."""
    chosen = {queue.formula for queue in floor.queues}
    formula = chosen.pop() if len(chosen) == 1 else Formula.ALL_ENDED
    times = {(queue.target_seconds, queue.short_abandon_seconds) for queue in floor.queues}
    if len(times) == 1:
        return formula, spelled(formula, *times.pop())
    text = spelled(formula, 0, 0).replace("0 s", "the target of the queue", 1)
    return formula, text.replace("0 s", "its short time")


def spark(values: Sequence[float | None], most: float, console: Console) -> str:
    """One sign for each value from 0 to `most`, a blank where there is none."""
    fine = (console.encoding or "").lower().startswith("utf")
    signs = _FINE if fine else _PLAIN
    top = len(signs) - 1
    return "".join(
        " " if value is None else signs[min(top, max(0, round(value / most * top)))]
        for value in values
    )


def sparks(
    console: Console, summary: Summary, begins: float, width: float, formula: Formula
) -> list[Text]:
    """The day by slots, in three lines over the same hours."""
    levels = [slot.levels[formula] for slot in summary.slots]
    rows = (
        ("calls", [slot.offered.value for slot in summary.slots], None, ""),
        ("service level", [each.value if each else None for each in levels], 1.0, " %"),
        ("agents", list(summary.staffed), None, ""),
    )
    lines = [
        Text(f"{'':14}{clock(begins)} to {clock(begins + width * len(summary.slots))}", style="dim")
    ]
    for name, values, most, unit in rows:
        known = [value for value in values if value is not None]
        if not known:
            continue
        ends = [value * (100 if unit else 1) for value in (min(known), max(known))]
        line = Text(f"{name:<14}")
        line.append(spark(values, most or max(known) or 1.0, console), style="cyan")
        lines.append(line.append(f"  {ends[0]:.0f} to {ends[1]:.0f}{unit}", style="dim"))
    return lines
