"""Scenario files: read strictly, and played where they make sense."""

from __future__ import annotations

import pytest

from ivr.backends.pretences import Pretence
from ivr.flow.loading.yaml import Problems
from ivr.rehearsal.scenario import Expectation, Scenario, read_scenarios


def mistakes(source: str) -> list[str]:
    problems = Problems()
    read_scenarios(f"flow: x\nscenarios:\n  - {source}", "x", problems)
    return [f"{problem.message} ({problem.cure})" for problem in problems.found]


def scenario(source: str) -> Scenario:
    problems = Problems()
    (found,) = read_scenarios(f"flow: x\nscenarios:\n  - {source}", "x", problems)
    problems.raise_if_any()
    return found


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{name: a, steps: [{prses: 1}]}", "a step does one thing"),
        ("{name: a, steps: [{say: hello}], channel: voice}", "nobody can write on the telephone"),
        ("{name: a, steps: [wait], channel: fax}", 'no channel is called "fax"'),
        ("{name: a, steps: [wait], answer: {orders: often}}", '"often" is no pretended answer'),
        ("{name: a, steps: [wait], switch: {desk: ajar}}", '"desk" cannot be "ajar"'),
        ("{name: a, steps: [{code: old}]}", '"code" cannot be "old"'),
        ("{name: a, steps: [{transfer: gone}]}", '"transfer" cannot be "gone"'),
        ("{name: a, steps: [{expect: {level: high}}]}", '"level" cannot be "high"'),
        ("{name: a, steps: [{expect: {verified: perhaps}}]}", '"verified" cannot be "perhaps"'),
        ("{name: a, steps: [{expect: {sms: {form: x}}}]}", 'unknown key in "sms": "form"'),
        ("{name: a, steps: [{expect: {prmpt: x}}]}", 'unknown key in the expectation: "prmpt"'),
        ("{name: a, steps: [wait], at: soon}", '"soon" is no moment'),
        ("{name: a, steps: [wait], when: soon}", 'unknown key in the scenario: "when"'),
    ],
)
def test_a_mistake_is_told_with_its_cure(source: str, told: str) -> None:
    assert any(told in each for each in mistakes(source)), mistakes(source)


@pytest.mark.parametrize(
    ("source", "channels"),
    [
        ("{name: a, steps: [{press: '1'}]}", ("voice", "chat")),
        ("{name: a, steps: [wait]}", ("voice",)),
        ("{name: a, steps: [{press: '12*'}]}", ("voice",)),
        ("{name: a, steps: [{press: '*'}]}", ("voice", "chat")),
        ("{name: a, steps: [{say: hello}]}", ("chat",)),
        ("{name: a, steps: [{press: '1'}], channel: [sms, voice]}", ("voice", "sms")),
    ],
)
def test_a_scenario_is_played_where_it_makes_sense(source: str, channels: tuple[str, ...]) -> None:
    assert scenario(source).plays_on() == channels


def test_what_the_house_answers_is_read_with_its_types() -> None:
    found = scenario(
        "{name: a, steps: [{answer: {orders: 404}}, {down: [orders]}], slow: [crm],"
        " answer: {orders: [down, {status: 201, body: {n: 3, code: '007', ok: true}}]}}"
    )
    assert found.world.pretences == {
        "orders": (Pretence(trouble="down"), Pretence(201, {"n": 3, "code": "007", "ok": True})),
        "crm": (Pretence(trouble="slow"),),
    }
    later = found.moves[0].world.over(found.world)
    assert later.pretences["orders"] == (Pretence(404),)
    assert later.pretences["crm"] == (Pretence(trouble="slow"),)
    assert found.moves[1].world.pretences == {"orders": (Pretence(trouble="down"),)}


def test_an_expectation_may_name_parts_of_what_was_done() -> None:
    found = scenario("{name: a, steps: [{expect: {sms: {text: hello}, booked: {service: x}}}]}")
    assert found.moves[0].expected == (
        Expectation("sms", {"text": "hello"}),
        Expectation("booked", {"service": "x"}),
    )
