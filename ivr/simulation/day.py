"""The day file: what comes and who works on a simulated day, read as strictly as a flow.

title: An ordinary Monday
from: "08:00"
to: "18:00"
calls:
  billing: {each_slot: [3, 8, 12, 9], talk: {lognormal: 4m, deviation: 3m}, patience: 3m}
agents:
  "1001": {from: "08:00", to: "16:30", breaks: [{at: "12:00", lasts: 30m, reason: lunch}]}

Queues, skills and agents are those of a floor file. Times are seconds since midnight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from acd.floor import Floor
from acd.simulation.arrivals import Arrivals, Poisson, Timetable
from acd.simulation.draws import Draw, Exponential, Fixed, Lognormal, Recorded
from acd.simulation.scenario import Break, Phones, Scenario, Shift, Stream
from acd.words import Channel
from ivr.floor.agents import known_queue
from ivr.flow.loading.files import read_source
from ivr.flow.loading.section import Section, as_duration, as_integer, as_list, kind
from ivr.flow.loading.yaml import Node, Problems, Scalar, parse, quote
from ivr.flow.words import Place

MOST_CALLS = 1_000_000.0
"""In one slot, or in one hour."""

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_NUMBER = re.compile(r"\d{1,7}(?:\.\d{1,6})?")
_WAYS = ("each_slot", "an_hour", "at")
_DRAWS = ("exponential", "lognormal", "fixed", "recorded")


@dataclass(frozen=True, slots=True)
class Day:
    """A day file with the floor it is for; `slot` is the width of one in seconds."""

    title: str
    slot: float
    scenario: Scenario

    @property
    def slots(self) -> int:
        """How many slots the day has; the last one may be cut short."""
        return max(1, -int(-(self.scenario.ends - self.scenario.begins) // self.slot))


def load_day(path: Path, floor: Floor) -> Day:
    """Read a day file.

    Raises:
        ConfigError: with every mistake in it, each at its place.
    """
    problems = Problems()
    source = read_source(path, problems) or b""
    problems.raise_if_any()
    return read_day(source, str(path), floor)


def read_day(source: bytes | str, name: str, floor: Floor) -> Day:
    """The day in `source`; `name` stands in messages."""
    problems = Problems()
    root = parse(source, name, problems)
    day = None
    if root is not None:
        with Section(root, "the day", problems) as section:
            day = _Reader(section, floor).day()
    problems.raise_if_any()
    assert day is not None  # noqa: S101 - without a problem there is a day
    return day


class _Reader:
    """Reads one file; everything is checked against the floor and the hours of the day."""

    def __init__(self, section: Section, floor: Floor) -> None:
        self.section, self.floor, self.problems = section, floor, section.problems
        self.queues = {queue.name for queue in floor.queues}
        self.agents = {agent.id for agent in floor.agents}
        self.skills = {skill for agent in floor.agents for skill in agent.skills}
        self.begins, self.ends = self._hours(section, 0.0, 86_400.0)
        self.slot = section.duration("slot", 1800.0, low=60, high=86_400)

    def day(self) -> Day:
        """The whole file."""
        section = self.section
        title = section.text("title", "")
        lines = section.integer("lines", None, low=1, high=100_000)
        missed_by: dict[str, float] = {}
        shifts = self._shifts(missed_by)
        phones = self._phones(missed_by)
        streams = tuple(
            self._stream(key, place, value)
            for key, place, value in section.entries("calls", required=True)
        )
        scenario = Scenario(
            self.floor, streams, tuple(shifts), self.begins, self.ends, phones, lines
        )
        return Day(title, self.slot, scenario)

    def _hours(self, section: Section, begins: float, ends: float) -> tuple[float, float]:
        low, high = self._clock(section, "from", begins), self._clock(section, "to", ends)
        if high <= low:
            message = f"{section.what} ends before it begins"
            self.problems.add(
                section.place_of("to"), message, 'write from: "08:00" and to: "18:00"'
            )
            return begins, ends
        return low, high

    def _clock(self, section: Section, key: str, otherwise: float | None) -> float:
        node = section.node(key, required=otherwise is None)
        found = as_clock(node, quote(key), self.problems) if node is not None else None
        return found if found is not None else otherwise or 0.0

    # --- agents -----------------------------------------------------------------------------------

    def _phones(self, missed_by: dict[str, float]) -> Phones:
        usual = Phones(missed_by=missed_by)
        inner = self.section.section("phones")
        if inner is None:
            return usual
        with inner:
            return Phones(
                answer_after=self._draw(inner, "answer_after") or usual.answer_after,
                missed=inner.integer("missed", 0, low=0, high=100) / 100,
                missed_by=missed_by,
                back_after=inner.duration("back_after", usual.back_after, low=1),
            )

    def _shifts(self, missed_by: dict[str, float]) -> list[Shift]:
        if "agents" not in self.section:
            return [Shift(agent.id, self.begins, self.ends) for agent in self.floor.agents]
        shifts = []
        for key, place, value in self.section.entries("agents"):
            if key not in self.agents:
                self.problems.unknown(place, "agent", key, self.agents)
            with Section(value, f"the agent {quote(key)}", self.problems) as section:
                begins, ends = self._hours(section, self.begins, self.ends)
                missed = section.integer("missed", None, low=0, high=100)
                if missed is not None:
                    missed_by[key] = missed / 100
                shifts.append(Shift(key, begins, ends, self._breaks(section, begins, ends)))
        return shifts

    def _breaks(self, section: Section, begins: float, ends: float) -> tuple[Break, ...]:
        node = section.node("breaks")
        if node is None:
            return ()
        return as_list(
            node, '"breaks"', self.problems, lambda each: self._break(each, begins, ends)
        )

    def _break(self, node: Node, begins: float, ends: float) -> Break | None:
        with Section(node, "a break", self.problems) as section:
            at = self._clock(section, "at", None)
            lasts = section.duration("lasts", low=60)
            reasons = self.floor.pause_reasons or ("break",)
            reason = section.choice("reason", reasons, reasons[0])
            if section.usable and not begins <= at < at + lasts <= ends:
                place = section.place_of("at")
                self.problems.add(place, "the break is not within the agent's hours")
        return Break(at, at + lasts, reason)

    # --- calls ------------------------------------------------------------------------------------

    def _stream(self, key: str, place: Place, value: Node) -> Stream:
        with Section(value, f"the calls {quote(key)}", self.problems) as section:
            node = section.node("queue")
            if node is not None:
                queue = known_queue(node, self.queues, self.problems) or ""
            else:
                queue = key
                if queue not in self.queues:
                    self.problems.unknown(place, "queue", queue, self.queues)
            return Stream(
                queue=queue,
                arrivals=self._arrivals(section),
                talk=self._draw(section, "talk", required=True) or Fixed(0),
                patience=self._draw(section, "patience"),
                needs=self._needs(section),
                priority=section.integer("priority", 0, low=-100, high=100),
                channel=Channel(section.choice("channel", [*Channel], Channel.VOICE)),
                wraps=self._draw(section, "wrap_up"),
            )

    def _needs(self, section: Section) -> dict[str, int]:
        needs = {}
        for skill, place, level in section.entries("needs"):
            if skill not in self.skills:
                self.problems.unknown(place, "skill", skill, self.skills)
            needs[skill] = (
                as_integer(level, f"the level of {skill}", self.problems, low=1, high=10) or 1
            )
        return needs

    def _arrivals(self, section: Section) -> Arrivals:
        given = [way for way in _WAYS if way in section]
        each_slot, an_hour, at = (section.node(way) for way in _WAYS)
        span = self.ends - self.begins
        if section.usable and len(given) != 1:
            cure = 'write one of each_slot: [3, 8, 12], an_hour: 20, or at: ["08:03", "08:05:30"]'
            what = "says in several ways" if given else "does not say"
            self.problems.add(section.place, f"{section.what} {what} how many come", cure)
        elif an_hour is not None:
            number = as_number(an_hour, '"an_hour"', self.problems) or 0.0
            return Poisson(self.begins, span, (number * span / 3600,))
        elif at is not None:
            return Timetable(tuple(sorted(as_list(at, '"at"', self.problems, self._moment))))
        elif each_slot is not None:
            return Poisson(self.begins, self.slot, self._each_slot(each_slot, span))
        return Timetable(())

    def _each_slot(self, node: Node, span: float) -> tuple[float, ...]:
        what, problems = '"each_slot"', self.problems
        numbers = as_list(node, what, problems, lambda each: as_number(each, what, problems))
        slots = round(span / self.slot, 6)
        if numbers and len(numbers) != slots:
            message = f"{len(numbers)} numbers for {slots:g} slots of {self.slot / 60:g} minutes"
            problems.add(node.place, message, "write one number for each slot of the day")
        return numbers

    def _moment(self, node: Node) -> float | None:
        at = as_clock(node, 'an entry of "at"', self.problems)
        if at is not None and not self.begins <= at < self.ends:
            self.problems.add(node.place, "this call does not come within the day")
        return at

    def _draw(self, section: Section, key: str, *, required: bool = False) -> Draw | None:
        """A duration is the mean of an exponential time; a mapping says which other is meant."""
        node = section.node(key, required=required)
        if node is None:
            return None
        if isinstance(node, Scalar):
            seconds = as_duration(node, quote(key), self.problems, low=0.1)
            return Exponential(seconds) if seconds is not None else None
        with Section(node, f"{quote(key)} of {section.what}", self.problems) as inner:
            given = [each for each in _DRAWS if each in inner]
            if inner.usable and len(given) != 1:
                inner.allow(*_DRAWS, "deviation")
                cure = f"write {key}: 4m, or one of " + ", ".join(f"{way}: ..." for way in _DRAWS)
                self.problems.add(node.place, f"{inner.what} names {len(given)} ways to draw", cure)
                return None
            return self._named_draw(inner, given[0]) if given else None

    def _named_draw(self, inner: Section, way: str) -> Draw | None:
        if way == "recorded":
            node = inner.node(way)
            what = f"an entry of {quote(way)}"
            values = (
                as_list(
                    node, quote(way), self.problems, lambda n: as_duration(n, what, self.problems)
                )
                if node is not None
                else ()
            )
            return Recorded(values) if values else None
        seconds = inner.duration(way, low=0.0 if way == "fixed" else 0.1)
        if way == "lognormal":
            return Lognormal(seconds or 1.0, inner.duration("deviation", low=0.1))
        return Exponential(seconds or 1.0) if way == "exponential" else Fixed(seconds)


def as_clock(node: Node, what: str, problems: Problems) -> float | None:
    """Seconds since midnight, from `8:30`, `08:30` or `08:30:15`; `24:00` is the end of the day."""
    match = _CLOCK.fullmatch(node.text) if isinstance(node, Scalar) else None
    if match is not None:
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total = hours * 3600 + minutes * 60 + seconds
        if minutes < 60 and seconds < 60 and total <= 86_400:
            return float(total)
    cure = "write hours and minutes, such as 08:30"
    problems.add(node.place, f"{what} must be a time of day, not {kind(node)}", cure)
    return None


def as_number(node: Node, what: str, problems: Problems) -> float | None:
    """A number of calls, which as an average need not be whole."""
    text = node.text if isinstance(node, Scalar) else ""
    if not _NUMBER.fullmatch(text) or float(text) > MOST_CALLS:
        cure = f"write a number such as 12 or 3.5, up to {MOST_CALLS:,.0f}"
        problems.add(node.place, f"{what} must be a number of calls, not {kind(node)}", cure)
        return None
    return float(text)
