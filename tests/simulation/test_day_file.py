"""The day file: what is written is what is played, and every mistake is told at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from acd.floor import Floor
from acd.simulation.arrivals import Poisson, Timetable
from acd.simulation.draws import Exponential, Fixed, Lognormal, Recorded
from acd.simulation.scenario import Break, Shift
from acd.words import Channel
from ivr.errors import ConfigError
from ivr.floor import load_floor, read_floor
from ivr.flow.loading.loader import DAYS, is_flow
from ivr.resources import flows_dir
from ivr.simulation.day import Day, load_day, read_day

FLOOR = """\
pause_reasons: [lunch, break]
queues: {billing: {}, cards: {}}
agents:
  "1001": {queues: [billing, cards], skills: {english: 9}}
  "1002": {queues: [billing]}
"""
DAY = """\
title: A short morning
from: "08:00"
to: 9:30
slot: 30m
lines: 12
phones: {answer_after: 4s, missed: 5, back_after: 2m}
calls:
  billing:
    each_slot: [3, 4.5, 0]
    talk: {lognormal: 4m, deviation: 3m}
    patience: 90s
    needs: {english: 3}
    priority: 2
    wrap_up: {recorded: [10s, 20s]}
  late:
    queue: cards
    at: ["09:00:30", "8:15"]
    talk: {fixed: 2m}
  chats: {queue: cards, an_hour: 4, talk: {exponential: 5m}, channel: chat}
agents:
  "1001": {to: "09:00", breaks: [{at: "08:30", lasts: 10m, reason: break}], missed: 20}
  "1002": {}
"""


def floor() -> Floor:
    return read_floor(FLOOR, "floor.yaml").floor


def read(source: str) -> Day:
    return read_day(source, "x.day.yaml", floor())


def mistakes(source: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(source)
    return [str(problem) for problem in caught.value.problems]


def test_a_day_is_what_was_written() -> None:
    day = read(DAY)
    scenario = day.scenario
    assert (day.title, day.slot, day.slots) == ("A short morning", 1800, 3)
    assert (scenario.begins, scenario.ends, scenario.lines) == (28_800, 34_200, 12)
    assert scenario.floor == floor()
    phones = scenario.phones
    assert (phones.answer_after, phones.missed, phones.back_after) == (Exponential(4), 0.05, 120)
    assert phones.missed_by == {"1001": 0.2}
    assert scenario.shifts == (
        Shift("1001", 28_800, 32_400, (Break(30_600, 31_200, "break"),)),
        Shift("1002", 28_800, 34_200),
    )


def test_calls_are_what_was_written() -> None:
    billing, late, chats = read(DAY).scenario.streams
    assert billing.queue == "billing"
    assert billing.arrivals == Poisson(28_800, 1800, (3, 4.5, 0))
    assert (billing.talk, billing.patience) == (Lognormal(240, 180), Exponential(90))
    assert (billing.needs, billing.priority) == ({"english": 3}, 2)
    assert billing.wraps == Recorded((10, 20))
    assert (late.queue, late.arrivals) == ("cards", Timetable((29_700, 32_430)))
    assert (late.talk, late.patience, late.wraps) == (Fixed(120), None, None)
    assert chats.arrivals == Poisson(28_800, 5400, (6,))
    assert (chats.channel, chats.talk) == (Channel.CHAT, Exponential(300))


def test_without_agents_everybody_works_the_whole_day() -> None:
    day = read("calls: {billing: {an_hour: 1, talk: 3m}}\n")
    assert day.scenario.shifts == (Shift("1001", 0, 86_400), Shift("1002", 0, 86_400))
    assert day.slots == 48


def test_the_shipped_day_is_right_and_no_flow() -> None:
    path = flows_dir() / f"clinic{DAYS}"
    assert load_day(path, load_floor(flows_dir() / "floor.yaml").floor).scenario.streams
    assert not is_flow(path)


CALLS = "calls: {billing: {an_hour: 1, talk: 3m}}\n"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("title: x\n", 'x.day.yaml:1:1: the day lacks "calls"'),
        (
            "calls: {biling: {an_hour: 1, talk: 3m}}\n",
            'x.day.yaml:1:9: unknown queue "biling" (did you mean "billing"?)',
        ),
        (
            "calls: {a: {queue: cars, an_hour: 1, talk: 3m}}\n",
            'x.day.yaml:1:20: unknown queue "cars" (did you mean "cards"?)',
        ),
        (
            "calls: {billing: {talk: 3m}}\n",
            'x.day.yaml:1:18: the calls "billing" does not say how many come (write one of '
            'each_slot: [3, 8, 12], an_hour: 20, or at: ["08:03", "08:05:30"])',
        ),
        (
            "calls: {billing: {an_hour: 1, at: [9:00], talk: 3m}}\n",
            'x.day.yaml:1:18: the calls "billing" says in several ways how many come',
        ),
        (
            'from: "08:00"\nto: "10:00"\ncalls: {billing: {each_slot: [1, 2], talk: 3m}}\n',
            "x.day.yaml:3:30: 2 numbers for 4 slots of 30 minutes (write one number for each slot",
        ),
        (
            "calls: {billing: {an_hour: few, talk: 3m}}\n",
            'x.day.yaml:1:28: "an_hour" must be a number of calls, not "few"',
        ),
        (
            "calls: {billing: {an_hour: 1}}\n",
            'x.day.yaml:1:18: the calls "billing" lacks "talk"',
        ),
        (
            "calls: {billing: {an_hour: 1, talk: {lognormal: 3m}}}\n",
            'x.day.yaml:1:37: "talk" of the calls "billing" lacks "deviation"',
        ),
        (
            "calls: {billing: {an_hour: 1, talk: {normal: 3m}}}\n",
            'x.day.yaml:1:37: "talk" of the calls "billing" names 0 ways to draw (write talk: 4m',
        ),
        (
            "calls: {billing: {an_hour: 1, talk: 3m, needs: {french: 2}}}\n",
            'x.day.yaml:1:49: unknown skill "french" (known: english)',
        ),
        (
            'calls: {billing: {at: ["25:00"], talk: 3m}}\n',
            'x.day.yaml:1:24: an entry of "at" must be a time of day, not "25:00" (write hours',
        ),
        (
            'from: "08:00"\ncalls: {billing: {at: ["07:00"], talk: 3m}}\n',
            "x.day.yaml:2:24: this call does not come within the day",
        ),
        ('from: "18:00"\nto: "08:00"\n' + CALLS, "x.day.yaml:2:5: the day ends before it begins"),
        (CALLS + 'agents: {"1009": {}}\n', 'x.day.yaml:2:10: unknown agent "1009"'),
        (
            CALLS + 'agents: {"1001": {to: "09:00", breaks: [{at: "08:55", lasts: 10m}]}}\n',
            "x.day.yaml:2:46: the break is not within the agent's hours",
        ),
        (
            CALLS + 'agents: {"1001": {breaks: [{at: "08:55", lasts: 10m, reason: tea}]}}\n',
            'x.day.yaml:2:62: "reason" cannot be "tea"',
        ),
        (CALLS + "line: 4\n", 'x.day.yaml:2:1: unknown key in the day: "line"'),
    ],
)
def test_a_mistake_is_told_at_its_place(source: str, told: str) -> None:
    found = mistakes(source)
    assert any(each.startswith(told) for each in found), found


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes("from: x\nslot: 1s\ncalls: {cads: {talk: 3}}\n")) >= 4


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match=r"nowhere.day.yaml:1:1: cannot be read"):
        load_day(Path("nowhere.day.yaml"), floor())
