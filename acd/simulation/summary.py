"""Figures of one run or of many: by queue, by skill, by agent and by slot of the day.

How figures are counted:
- `offered` calls were let into a queue; `turned_away` found no line, or a queue that was closed,
  full or too slow, and count in no other figure.
- A wait runs from the enqueue time to its end, however it ended: answered, hung up or sent on.
- Service level is that of `acd.service_level`, by any of its formulas.
- Occupancy is time in talk and wrap-up over time on duty. An agent of several queues counts fully
  in each of them: the figure says how busy those were who could answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from acd.floor import Floor, Queue
from acd.service_level import Figures, ended
from acd.simulation.intervals import LEVEL, Interval, mean, percentile, ratio
from acd.simulation.ledger import Duty, Fate, Ledger, Outcome
from acd.words import Formula

_TURNED_AWAY = frozenset({Outcome.BLOCKED, Outcome.REFUSED})


@dataclass(slots=True)
class Tally:
    """Counts of calls of one kind in one run; `waits` are those of calls whose wait has ended."""

    offered: int = 0
    answered: int = 0
    in_target: int = 0
    abandoned: int = 0
    abandoned_short: int = 0
    sent_on: int = 0
    turned_away: int = 0
    waits: list[float] = field(default_factory=list)

    def add(self, fate: Fate, queue: Queue) -> None:
        """One more call, judged by the rules of its queue."""
        if fate.outcome in _TURNED_AWAY:
            self.turned_away += 1
            return
        self.offered += 1
        if fate.outcome is Outcome.OPEN:
            return
        wait = fate.wait
        self.waits.append(wait)
        match fate.outcome:
            case Outcome.ANSWERED:
                self.answered += 1
                self.in_target += wait <= queue.target_seconds
            case Outcome.ABANDONED:
                self.abandoned += 1
                self.abandoned_short += wait < queue.short_abandon_seconds
            case Outcome.SENT_ON:
                self.sent_on += 1

    @property
    def figures(self) -> Figures:
        """What service levels are counted from."""
        return Figures(
            self.answered, self.in_target, self.abandoned, self.abandoned_short, self.sent_on
        )


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run, counted: tallies by queue, skill asked for and slot; duty by agent and slot."""

    queues: Mapping[str, Tally]
    skills: Mapping[str, Tally]
    slots: Sequence[Tally]
    duty: Mapping[str, Duty]
    slot_duty: Sequence[Duty]


def count(ledger: Ledger, floor: Floor, slots: int = 0) -> RunFigures:
    """The figures of one run; calls that came after the last slot count with that slot."""
    rules = {queue.name: queue for queue in floor.queues}
    queues: dict[str, Tally] = defaultdict(Tally)
    skills: dict[str, Tally] = defaultdict(Tally)
    by_slot = [Tally() for _ in range(slots)]
    for fate in ledger.fates:
        queue = rules.get(fate.queue) or Queue(fate.queue)
        queues[fate.queue].add(fate, queue)
        for skill in fate.skills:
            skills[skill].add(fate, queue)
        if by_slot and ledger.width is not None and fate.at >= ledger.begins:
            slot = int((fate.at - ledger.begins) // ledger.width)
            by_slot[min(slot, slots - 1)].add(fate, queue)
    duty = [ledger.slots.get(slot, Duty()) for slot in range(slots)]
    return RunFigures(dict(queues), dict(skills), by_slot, ledger.duty, duty)


@dataclass(frozen=True, slots=True)
class Measures:
    """Calls of one kind over several runs; None for what there was nothing to count of.

    Counts are those of an average run, waits are seconds, shares 0 to 1. `percentiles` of waits are
    for 0.5, 0.9 and 0.95.
    """

    offered: Interval
    answered: Interval
    abandoned: Interval
    sent_on: Interval
    turned_away: Interval
    levels: Mapping[Formula, Interval | None]
    mean_wait: Interval | None
    percentiles: Mapping[float, Interval | None]
    abandonment: Interval | None
    blocking: Interval | None
    occupancy: Interval | None = None


PERCENTILES = (0.5, 0.9, 0.95)


def measure(
    tallies: Sequence[Tally], duty: Sequence[Duty] | None = None, level: float = LEVEL
) -> Measures:
    """The same kind of calls in each run, and the duty of those who could answer them."""

    def average(pick: Callable[[Tally], int]) -> Interval:
        return mean([float(pick(each)) for each in tallies], level) or Interval(0.0)

    waits = [each.waits for each in tallies]
    return Measures(
        offered=average(lambda each: each.offered),
        answered=average(lambda each: each.answered),
        abandoned=average(lambda each: each.abandoned),
        sent_on=average(lambda each: each.sent_on),
        turned_away=average(lambda each: each.turned_away),
        levels={formula: _service_level(tallies, formula, level) for formula in Formula},
        mean_wait=ratio([sum(each) for each in waits], [len(each) for each in waits], level),
        percentiles={share: _percentile(waits, share, level) for share in PERCENTILES},
        abandonment=ratio(
            [each.abandoned for each in tallies], [each.offered for each in tallies], level
        ),
        blocking=ratio(
            [each.turned_away for each in tallies],
            [each.turned_away + each.offered for each in tallies],
            level,
        ),
        occupancy=None if duty is None else occupancy(duty, level),
    )


def occupancy(duty: Sequence[Duty], level: float = LEVEL) -> Interval | None:
    """Share of the time on duty that was busy, over several runs."""
    return ratio([each.busy for each in duty], [each.on for each in duty], level)


def _service_level(tallies: Sequence[Tally], formula: Formula, level: float) -> Interval | None:
    figures = [each.figures for each in tallies]
    counted = [ended(each, formula) for each in figures]
    return ratio([each.in_target for each in figures], counted, level)


def _percentile(waits: Iterable[list[float]], share: float, level: float) -> Interval | None:
    found = [percentile(sorted(each), share) for each in waits]
    return mean([each for each in found if each is not None], level)


@dataclass(frozen=True, slots=True)
class Summary:
    """Several runs of the same day. `slots` has the measures of each slot of the day."""

    runs: int
    queues: Mapping[str, Measures]
    skills: Mapping[str, Measures]
    agents: Mapping[str, Interval | None]
    slots: Sequence[Measures]
    staffed: Sequence[float]


def summarise(runs: Sequence[RunFigures], floor: Floor, width: float | None = None) -> Summary:
    """One summary of at least one run; `width` is that of a slot in seconds."""
    queues = {
        queue.name: measure(
            [run.queues.get(queue.name, Tally()) for run in runs],
            [_together(run, _members(floor, queue.name)) for run in runs],
        )
        for queue in floor.queues
    }
    skills = {
        skill: measure(
            [run.skills.get(skill, Tally()) for run in runs],
            [_together(run, _holders(floor, skill)) for run in runs],
        )
        for skill in sorted({skill for run in runs for skill in run.skills})
    }
    agents = {
        agent.id: occupancy([run.duty.get(agent.id, Duty()) for run in runs])
        for agent in floor.agents
    }
    numbers = range(len(runs[0].slots))
    slots = [
        measure([run.slots[n] for run in runs], [run.slot_duty[n] for run in runs]) for n in numbers
    ]
    seconds = [sum(run.slot_duty[n].on for run in runs) / len(runs) for n in numbers]
    staffed = [each / width for each in seconds] if width else []
    return Summary(len(runs), queues, skills, agents, slots, staffed)


def _members(floor: Floor, queue: str) -> list[str]:
    return [agent.id for agent in floor.agents if queue in agent.queues]


def _holders(floor: Floor, skill: str) -> list[str]:
    return [agent.id for agent in floor.agents if skill in agent.skills]


def _together(run: RunFigures, agents: Iterable[str]) -> Duty:
    each = [run.duty[name] for name in agents if name in run.duty]
    return Duty(sum(duty.on for duty in each), sum(duty.busy for duty in each))
