"""Scenarios as pretended conversations, and what is told where one goes wrong."""

from __future__ import annotations

import pytest

from ivr.flow.loading.yaml import Problems
from ivr.rehearsal.playing import play
from ivr.rehearsal.scenario import Channel, Scenario, read_scenarios
from tests.rehearsal.shop import LIBRARY, scenarios


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda each: each.name)
def test_every_step_of_a_flow_can_be_rehearsed(scenario: Scenario) -> None:
    for channel in scenario.plays_on():
        assert play(scenario, LIBRARY, channel) is None, channel


def got(steps: str, more: str = "", channel: Channel = "voice") -> str:
    problems = Problems()
    source = f"flow: shop\nscenarios: [{{name: x, from: '07700900123', steps: {steps}{more}}}]"
    (scenario,) = read_scenarios(source, "x", problems)
    problems.raise_if_any()
    failure = play(scenario, LIBRARY, channel)
    return "" if failure is None else failure.got


SENT = ", answer: {orders: {body: {status: sent}}}"


@pytest.mark.parametrize(
    ("steps", "instead"),
    [
        ("[{press: '11234'}, {expect: {sms: {text: Hello}}}]", "sms {to: 07700900123, text: Order"),
        ("[{expect: {sms: {text: Hello}}}]", "no sms"),
        ("[{expect: {callback: {queue: shop}}}]", "no callback"),
        ("[{expect: {booked: {service: fitter}}}]", "no booked"),
        ("[{expect: {transfer: '1001'}}]", "the call is at a question"),
        ("[{press: '7'}, {expect: {transfer: '1002'}}]", "transfer 1001"),
        ("[{press: '7'}, {press: '1'}]", "the call is being transferred to 1001"),
        ("[{press: '6'}, {expect: {record: praise}}]", "record complaint"),
        ("[{expect: {level: verified}}]", "level unknown"),
        ("[{queue: timeout}]", "the call is at a question"),
        ("[{transfer: busy}]", "the call is at a question"),
        ("[{record: 3s}]", "the call is at a question"),
    ],
)
def test_a_failure_tells_what_came_instead(steps: str, instead: str) -> None:
    assert got(steps, SENT).startswith(instead)


def test_spoken_and_written_words_are_expected_only_where_they_belong() -> None:
    steps = "[{expect: {spoken: 'For your order, press 1', written: '1 your order'}}]"
    assert got(steps) == got(steps, channel="chat") == got(steps, channel="sms") == ""
    assert got("[{expect: {prompt: '1 your order'}}]").startswith("prompt The Shop")


def test_a_number_counts_with_or_without_its_country() -> None:
    assert got("[{press: '11234'}, {expect: {sms: {to: '+447700900123'}}}]", SENT) == ""
    assert got("[{press: '11234'}, {expect: {sms: {to: '+447700900124'}}}]", SENT) != ""


def test_a_scenario_of_a_flow_that_is_not_there_says_so() -> None:
    problems = Problems()
    (scenario,) = read_scenarios("flow: shp\nscenarios: [{name: x, steps: [wait]}]", "x", problems)
    failure = play(scenario, LIBRARY)
    assert failure is not None
    assert "did you mean" in failure.got
