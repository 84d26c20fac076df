"""The grammar says what the readers do, and editors and people are told just that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ivr.flow.fields import FIELD_TYPES
from ivr.flow.grammar import BLOCKS, FIELDS, STEPS, VERBS, Block, tables
from ivr.flow.grammar.schema import schema
from ivr.flow.loading.loader import read_flow
from ivr.flow.loading.reading import Defaults
from ivr.flow.loading.section import Section, span
from ivr.flow.loading.steps import READERS
from ivr.flow.loading.yaml import Problems
from tests.flow.flows import FLOWS
from tests.flow.schemas import mistakes, plain

HEAD = """
flow: host
about: A host for examples
numbers: ["4000"]
languages: {en: {skill: english, level: 3}}
zone: Asia/Shanghai
calendars:
  desk:
    zone: Asia/Shanghai
    hours: {mon-fri: 08:00-18:00, sat: [09:00-12:00, 13:00-15:00]}
    holidays: {country: CN, moved: true}
    closed: [2026-12-24]
    moved: {2026-02-14: fri}
    special: {2026-12-31: 08:00-12:00}
collects:
  name: {type: text, length: 1-40}
  tier: {type: choice, of: [gold, silver]}
  reason: {type: choice, of: [appointment, bill]}
  status: {type: text}
  due: {type: date, order: dmy, say: "When?"}
  at: {type: time}
  order: {type: digits, length: 4-8}
  city: {type: choice, of: [Paris, Rome]}
  address: {type: text}
  amount: {type: amount, low: 1, high: 99.50, say: "How much?"}
  limit: {type: amount}
  score: {type: number, low: 1, high: 5}
  again: {type: yesno}
  visit: {type: moment}
  ref: {type: text}
  account: {type: digits, length: 8, say: "Account."}
  pin: {type: digits, length: 4, secret: true, say: {text: "PIN.", sound: pin, barge_in: false}}
  phone: {type: phone, say: {every: {en: "Number."}, written: "Number?"}}
  callback: {type: phone}
takes: [order]
gives: [status]
keys: {"*": repeat, "0": talk, "#": help, "9": back}
defaults:
  wait: 6s
  noinput: ["Hello?", {en: "Still there?"}]
  patience: "One moment."
  otherwise: talk
  queue: {max_wait: 10m, otherwise: talk}
start: talk
steps:
  talk: {hangup: }
"""


def host(step: str) -> str:
    return HEAD + "".join(f"  {line}\n" for line in step.splitlines())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """The keys that readers ask each mapping for, by what messages call it."""
    found: dict[str, set[str]] = {}
    done = Section.done

    def note(section: Section) -> None:
        found.setdefault(section.what, set()).update(section._known)
        done(section)

    monkeypatch.setattr(Section, "done", note)
    return found


def read(source: str) -> list[str]:
    problems = Problems()
    assert read_flow(source, "x.yaml", problems) is not None
    return [str(each) for each in problems.all()]


def same_keys(block: Block, asked: set[str]) -> bool:
    """Whether just these keys are known; those of a pattern may be any that fit it."""
    plain_keys = {key.name for key in block.keys if key.pattern is None}
    more = {name for name in asked if name not in plain_keys}
    return plain_keys <= asked and all(block.takes(name) for name in more)


@pytest.mark.parametrize("step", STEPS, ids=lambda each: each.title)
def test_a_step_takes_the_keys_of_its_grammar_and_no_other(
    step: Block, asked: dict[str, set[str]]
) -> None:
    assert read(host(step.example)) == []
    name = step.example.split(":")[0]
    assert same_keys(step, asked[f'step "{name}"']), asked[f'step "{name}"']


INNER = {
    "option": 'x: {menu: a, "1": {next: talk}}',
    "way-out": "x: {queue: sales, waiting: {keys: {'1': {next: talk}}}}",
    "room-in": "x: {room: {chat: sales}, next: talk, otherwise: talk}",
    "link": "x: {sms: '1', text: '{{ link }}', link: {chat: shop}, next: talk}",
    "question": "x: {survey: a, questions: [{field: score, say: b}], next: talk}",
    "case": "x: {branch: [{if: verified, next: talk}], otherwise: talk}",
    "target": "x: {transfer: {outside: '1234'}, otherwise: talk}",
    "waiting": "x: {queue: sales, waiting: {keys: {'1': talk}}}",
    "flow": "x: {hangup: }",
    "defaults": "x: {hangup: }",
    "queue-defaults": "x: {hangup: }",
    "language": "x: {hangup: }",
    "calendar": "x: {hangup: }",
    "holidays": "x: {hangup: }",
    "piece": "x: {say: {text: hello}, next: talk}",
}
CALLED = {
    "option": "key 1",
    "way-out": "key 1",
    "room-in": '"room"',
    "link": '"link" of step "x"',
    "question": "a question",
    "case": "a case",
    "target": '"transfer"',
    "waiting": '"waiting" of step "x"',
    "flow": "the flow",
    "defaults": '"defaults" of the flow',
    "queue-defaults": '"queue" of "defaults" of the flow',
    "language": 'language "en"',
    "calendar": 'calendar "desk"',
    "holidays": '"holidays"',
    "piece": '"say"',
}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda each: each.name)
def test_every_other_mapping_takes_the_keys_of_its_grammar(
    block: Block, asked: dict[str, set[str]]
) -> None:
    assert read(host(INNER[block.name])) == []
    keys = asked[CALLED[block.name]]
    if block.name == "piece":
        assert keys == {"sound", "every", "text", "written", "barge_in"}
        read(host("x: {say: {en: hello}, next: talk}"))
        keys = asked['"say"']
    assert same_keys(block, keys), keys


@pytest.mark.parametrize("type_", FIELD_TYPES)
def test_a_field_takes_the_keys_of_its_type(type_: str, asked: dict[str, set[str]]) -> None:
    of = "of: [a, b]" if type_ == "choice" else "secret: false"
    field = f"collects:\n  new: {{type: {type_}, {of}}}"
    assert read(host("x: {hangup: }").replace("collects:", field)) == []
    assert same_keys(FIELDS[type_], asked['field "new"'])  # type: ignore[index]  # a type's name


def test_every_verb_has_a_reader_and_every_reader_a_verb() -> None:
    assert list(READERS) == list(VERBS)


def bounded() -> Iterator[Any]:
    for block in STEPS:
        for key in block.keys:
            if key.kind.low is not None:
                yield pytest.param(block, key.name, id=f"{block.title}-{key.name}")


@pytest.mark.parametrize(("block", "key"), list(bounded()))
def test_the_bounds_of_a_value_are_those_of_the_grammar(block: Block, key: str) -> None:
    kind = block.key(key).kind
    assert kind.low is not None
    assert kind.high is not None
    [(name, step)] = plain(block.example).items()

    def told(value: float) -> bool:
        step[key] = span(round(value, 2)) if kind.is_duration else int(value)
        if key == "after":
            step["within"] = "90d"
        source = host(f"{name}: {json.dumps(step)}")
        return any(f': "{key}" ' in each for each in read(source))

    below = kind.low - (0.05 if kind.is_duration else 1)
    assert [told(kind.low), told(kind.high), told(kind.high + 1)] == [False, False, True]
    assert below < 0 or told(below)


def test_the_defaults_of_the_grammar_are_those_that_count() -> None:
    base, keys = Defaults(), next(each for each in BLOCKS if each.name == "defaults")
    shown = {key.name: key.default for key in keys.keys if key.default}
    assert shown == {
        "wait": f"{base.wait:g}s",
        "digit_wait": f"{base.digit_wait:g}s",
        "finish": f'"{base.finish}"',
        "barge_in": str(base.barge_in).lower(),
        "attempts": str(base.attempts),
    }


# --- for editors -----------------------------------------------------------------------------

SCHEMA = schema()


def refused(source: str) -> list[str]:
    return mistakes(plain(source), SCHEMA, SCHEMA)


@pytest.mark.parametrize("step", STEPS, ids=lambda each: each.title)
def test_the_schema_accepts_the_example_of_every_verb(step: Block) -> None:
    assert refused(host(step.example)) == []


@pytest.mark.parametrize("file", sorted(FLOWS.glob("*.yaml")), ids=lambda each: each.name)
def test_the_schema_accepts_every_file_beside_the_flows(file: Any) -> None:
    assert refused(file.read_text()) == []


@pytest.mark.parametrize(
    "step",
    [
        "x: {say: hello, nxt: talk}",
        "x: {hangup: bye, say: hello}",
        "x: {queue: a, max_wait: 10}",
        "x: {queue: a, needs: {billing: 11}}",
        "x: {collect: amount, attempts: 0, next: talk}",
        'x: {menu: a, "12": talk}',
        "x: {http: a, get: /a, next: talk, 999: talk}",
        "x: {identify: code, next: talk}",
        "x: {return: never}",
    ],
)
def test_the_schema_refuses_what_the_readers_refuse(step: str) -> None:
    assert refused(host(step))
    assert read(host(step))


def test_every_key_of_the_schema_is_described() -> None:
    for name, block in SCHEMA["definitions"].items():
        assert block.get("description"), name
        for key, value in (
            block.get("properties", {}) | block.get("patternProperties", {})
        ).items():
            assert len(value["description"]) > 3, (name, key)


def test_the_reference_is_that_of_this_grammar() -> None:
    kept = (FLOWS.parent / "docs" / "reference.md").read_text()
    assert kept == tables.text(), "run: tieline schema --reference -o docs/reference.md"
