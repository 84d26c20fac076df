"""What is different is told in words, one line each, and without anything secret."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ivr.floor import read_floor
from ivr.floor_difference import floor_differences
from ivr.flow.calendar import Calendar, Span
from ivr.flow.comparing import SHORT, compare, in_words
from ivr.flow.difference import calendar_differences, differences, flow_differences
from ivr.flow.loading.loader import Library, load, read_flow
from ivr.flow.loading.tables import Tables, make_hash
from ivr.flow.loading.yaml import Problems
from ivr.flow.model import Flow
from tests.flow.flows import SMALL

WEEK = (*((Span(480, 1080),) for _ in range(5)), (), ())
DESK = Calendar("desk", ZoneInfo("Asia/Shanghai"), WEEK, frozenset({date(2026, 10, 7)}))
FLOOR = """
pause_reasons: [lunch, break]
queues:
  sales: {title: Sales, number: "4101", ring: 10s}
  help: {number: "4102"}
agents:
  "1001": {name: Ana, queues: [sales, help], skills: {english: 9, french: 2}}
  "1002": {name: Bo, queues: [sales]}
"""


def read(source: str) -> Flow:
    """A flow that need not make sense."""
    draft = read_flow(source, "x.yaml", Problems())
    assert draft is not None
    return draft.flow


def told(old: str, new: str, source: str = SMALL) -> list[str]:
    """The differences that one edit of a flow makes."""
    assert old in source
    return flow_differences(read(source), read(source.replace(old, new, 1)))


OPTION = '"2": {set: {reason: ask}, next: who}'


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (OPTION, OPTION.replace("who", "bye"), "menu `menu`: key 2 goes to `bye` instead of `who`"),
        (OPTION, OPTION.replace("ask", "pay"), "menu `menu`: key 2 sets `reason`: `ask` -> `pay`"),
        (OPTION, f'{OPTION}\n    "3": bye', "menu `menu`: key 3 is new: goes to `bye`"),
        (OPTION, "", "menu `menu`: key 2 is gone: goes to `who`"),
        (
            'menu: "Pay 1, ask 2."',
            'menu: "Ask 2, pay 1."',
            'menu `menu`: words in en: "Pay 1, ask 2." -> "Ask 2, pay 1."',
        ),
        (
            "next: agreed?",
            "otherwise: bye\n    next: agreed?",
            "collect `agree`: `otherwise` goes to `bye` instead of `person`",
        ),
        (
            "agree and amount > 100",
            "agree and amount > 200",
            "branch `agreed?`: case 1 condition: "
            '"agree and amount > 100" -> "agree and amount > 200"',
        ),
        ("> 100, next: who", "> 100, next: bye", "case 1 goes to `bye` instead of `who`"),
        ("needs: {desk: 2}", "needs: {desk: 3}", "queue `person`: needs `desk` level: 2 -> 3"),
        ("queue: desk", "queue: front", "queue `person`: queue: `desk` -> `front`"),
        ("attempts: 2", "attempts: 1", "identify `who`: attempts: 2 -> 1"),
        (
            'nomatch: ["No match."]',
            'nomatch: ["No match.", "None."]',
            'words when it does not match (time 2) is new: "None."',
        ),
        ("voicemail: box", "voicemail: other", "voicemail `message`: mailbox: `box` -> `other`"),
        (
            "voicemail: box",
            "voicemail: box\n    max: 60s",
            "voicemail `message`: longest: 120 s -> 60 s",
        ),
        ('keys: {"0": person', 'keys: {"0": bye', "key 0 everywhere goes to `bye` instead"),
        ('["4000"]', '["4000", "4001"]', "answers 4001 as well"),
        ('["4000"]', '["4001"]', "no longer answers 4000"),
        ("start: menu", "start: person", "begins at `person` instead of `menu`"),
        ("high: 500", "high: 900", "field `amount` high: 500 -> 900"),
        ("of: [pay, ask]", "of: [pay, ask, sue]", "field `reason` of: `sue` as well"),
        ("flow: small", "flow: small\nabout: Tiny", "what it is for: none -> `Tiny`"),
        ('hangup: "Goodbye."', 'hangup: "Bye."', 'hangup `bye`: words in en: "Goodbye." -> "Bye."'),
        (
            "  bye:\n",
            '  new: {say: "Well.", next: bye}\n  bye:\n',
            'step `new` is new: say "Well."',
        ),
        (
            'hangup: "Goodbye."',
            'say: "Eh."\n    next: menu',
            'step `bye`: say "Eh." instead of hangup "Goodbye."',
        ),
        ("flow: small", "# why\nflow: small", "only its layout or comments"),
    ],
)
def test_every_kind_of_change_has_its_words(old: str, new: str, words: str) -> None:
    lines = told(old, new)
    assert any(words in line for line in lines), lines


def test_the_same_flow_has_no_differences_wherever_its_file_is() -> None:
    flow = read(SMALL)
    assert flow_differences(flow, replace(flow, path="elsewhere.yaml")) == []


def test_one_change_is_one_line() -> None:
    assert told(OPTION, OPTION.replace("who", "bye")) == [
        "menu `menu`: key 2 goes to `bye` instead of `who`"
    ]


def test_another_order_of_keys_is_told() -> None:
    first, second = '"1": amount', '"2": bye'
    source = f'flow: a\nstart: m\nsteps:\n  m:\n    menu: "x"\n    {first}\n    {second}\n'
    other = source.replace(first, "x").replace(second, first).replace("    x\n", f"    {second}\n")
    assert flow_differences(read(source), read(other)) == [
        "menu `m`: the order of its keys is 2, 1"
    ]


def test_of_long_words_the_part_that_is_different_is_shown() -> None:
    long = "This is a very long sentence about nothing in particular, " * 3
    (line,) = told('"Goodbye."', f'"{long}end."', SMALL)
    assert len(line) < 3 * SHORT
    source = SMALL.replace('"Goodbye."', f'"{long}end."')
    (line,) = told(f"{long}end.", f"{long}close.", source)
    assert "end." in line
    assert "close." in line
    assert len(line) < 3 * SHORT


# --- secrets ----------------------------------------------------------------------------------


def test_the_value_of_a_secret_field_is_never_told() -> None:
    option = '"1": {set: {reason: pay, pin: "4321"}, next: amount}'
    source = SMALL.replace('"1": {set: {reason: pay}, next: amount}', option)
    (line,) = told('"4321"', '"9876"', source)
    assert line == "menu `menu`: key 1 sets `pin` is different"
    (line,) = told(', pin: "4321"', "", source)
    assert line == "menu `menu`: key 1 sets `pin` is gone"


@pytest.mark.parametrize("name", ["api_key", "X-Api-Key", "password", "access-token", "secret"])
def test_what_is_named_like_a_secret_is_never_told(name: str) -> None:
    @dataclass(frozen=True)
    class Request:
        query: dict[str, str]

    (change,) = compare(Request({name: "old-value"}), Request({name: "new-value"}))
    assert in_words(change, "it") == "it is different"


def library(folder: Path, table: str) -> Library:
    folder.mkdir()
    (folder / "small.yaml").write_text(SMALL)
    (folder / "small.table.yaml").write_text(table)
    return load([folder])


def test_of_tables_only_counts_and_columns_are_told(tmp_path: Path) -> None:
    hashes = [make_hash(pin) for pin in ("1234", "4321", "1111", "2222")]
    row = "  - {{account: '{}', pin: '{}', name: {}}}\n".format
    head = "key: account\nsecret: [pin]\nrows:\n"
    old = head + row("1001", hashes[0], "Mei") + row("1002", hashes[1], "Tom")
    new = head + row("1001", hashes[2], "Eva") + row("1003", hashes[3], "Jo")
    lines = differences(library(tmp_path / "a", old), library(tmp_path / "b", new))
    assert lines == ["table small: rows: 1 new, 1 gone, 1 different (name, pin)"]
    said = json.dumps(lines)
    for secret in (*hashes, "Mei", "Eva", "1001", "1003", "scrypt"):
        assert secret not in said


def test_texts_beside_the_flows_are_told_without_their_values() -> None:
    @dataclass(frozen=True)
    class Service:
        url: str
        retries: int = 0
        headers: dict[str, str] = field(default_factory=dict)

    @dataclass(frozen=True)
    class More(Library):
        services: dict[str, Service] = field(default_factory=dict)

    def with_service(service: Service) -> Library:
        empty = load_nothing()
        return More(empty.flows, empty.numbers, empty.tables, services={"shop": service})

    old = Service("https://me:hunter2@shop.example", 1, {"X-Shop": "abc"})
    new = Service("https://me:hunter3@shop.example", 2, {"X-Shop": "def"})
    assert differences(with_service(old), with_service(new)) == [
        "services `shop` url is different",
        "services `shop` retries: 1 -> 2",
        "services `shop` headers `X-Shop` is different",
    ]


def load_nothing() -> Library:
    return Library({}, {}, Tables({}))


# --- whole sets ---------------------------------------------------------------------------------


def flows(folder: Path, **texts: str) -> Library:
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return load([folder])


ONE = "flow: {0}\nnumbers: ['{1}']\nstart: a\nsteps: {{a: {{hangup: {2}}}}}\n".format


def test_flows_that_came_and_went_are_told_with_their_numbers(tmp_path: Path) -> None:
    before = flows(tmp_path / "a", one=ONE("one", "4001", "Bye"))
    after = flows(tmp_path / "b", two=ONE("two", "4002", "Bye"))
    assert differences(before, after) == [
        "flow one is gone: answers 4001, 1 step",
        "flow two is new: answers 4002, 1 step",
    ]


def test_a_calendar_that_flows_share_is_told_once(tmp_path: Path) -> None:
    head = "calendars: {desk: {zone: UTC, hours: {mon: %s}}}\n"
    steps = "start: a\nsteps: {a: {hours: desk, open: b, closed: b}, b: {hangup: Bye}}\n"

    def both(folder: Path, hours: str) -> Library:
        texts = {
            name: f"flow: {name}\nnumbers: ['{number}']\n{head % hours}{steps}"
            for name, number in (("one", "4001"), ("two", "4002"))
        }
        return flows(folder, **texts)

    lines = differences(both(tmp_path / "a", "08:00-18:00"), both(tmp_path / "b", "09:00-18:00"))
    assert lines == ["flows one, two: calendar desk: mon 08:00-18:00 -> 09:00-18:00"]


# --- calendars ----------------------------------------------------------------------------------


def changed(**changes: Any) -> list[str]:
    return list(calendar_differences(DESK, replace(DESK, **changes)))


def test_calendars_are_told_by_days_and_hours() -> None:
    days = frozenset({date(2026, 10, 7), date(2026, 10, 8), date(2026, 10, 9)})
    assert changed(closed=days) == ["closed on 2026-10-08..2026-10-09 as well"]
    assert changed(closed=frozenset()) == ["no longer closed on 2026-10-07"]
    late = (*((Span(540, 1080),) for _ in range(5)), (), ())
    assert changed(week=late) == ["mon-fri 08:00-18:00 -> 09:00-18:00"]
    saturday = (*WEEK[:5], (Span(1320, 1800),), ())
    assert changed(week=saturday) == ["sat closed -> 22:00-06:00"]
    assert changed(zone=ZoneInfo("UTC")) == ["zone Asia/Shanghai -> UTC"]
    assert changed(special={date(2026, 12, 31): (Span(480, 720),)}) == ["on 2026-12-31 08:00-12:00"]
    assert changed(special={date(2026, 12, 31): ()}) == ["on 2026-12-31 closed"]
    assert changed() == []


def test_a_special_day_that_is_taken_back_is_told() -> None:
    special = replace(DESK, special={date(2026, 12, 31): (Span(480, 720),)})
    assert list(calendar_differences(special, DESK)) == [
        "on 2026-12-31 its usual hours instead of 08:00-12:00"
    ]


def test_many_days_are_counted() -> None:
    days = {date(2026, month, 1) for month in range(1, 9)} | {date(2026, 10, 7)}
    (line,) = changed(closed=frozenset(days))
    assert line == "closed on 2026-01-01, 2026-02-01, 2026-03-01 and 5 more as well"


# --- the floor ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ring: 10s", "ring: 15s", ["queue sales: ring: 10 s -> 15 s"]),
        ("title: Sales", "title: Shop", ["queue sales: title: `Sales` -> `Shop`"]),
        (
            'number: "4101"',
            'number: "4109"',
            ["4101 no longer leads to sales", "4109 leads to sales"],
        ),
        ("  help:", "  aid: {}\n  help:", ["queue aid: added"]),
        ("french: 2", "french: 3", ["agent 1001 Ana: skills french: 2 -> 3"]),
        ("english: 9, ", "", ["agent 1001 Ana: skills english is gone: 9"]),
        ("[sales, help]", "[help]", ["agent 1001 Ana: queues: without `sales`"]),
        (
            "[sales, help]",
            "[help, sales]",
            ["agent 1001 Ana: queues: the order is `help`, `sales`"],
        ),
        ("name: Bo", "name: Bob", ["agent 1002 Bob: called Bo before"]),
        ('  "1002": {name: Bo, queues: [sales]}\n', "", ["agent 1002 Bo: removed"]),
        ("[lunch, break]", "[lunch]", ["pause reasons: without `break`"]),
        ("  help:", "  # whoever is there\n  help:", []),
    ],
)
def test_every_change_of_the_floor_has_its_words(old: str, new: str, words: list[str]) -> None:
    assert old in FLOOR
    before, after = read_floor(FLOOR, "x"), read_floor(FLOOR.replace(old, new, 1), "x")
    assert floor_differences(before, after) == words
