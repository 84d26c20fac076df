"""A contact's story in words and stretches."""

from __future__ import annotations

import pytest

from acd.records import ContactEvent
from acd.records.telling import duration, sentence, stretches

from .conftest import T0, a_call, event


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0s"), (4.24, "4.2s"), (25.4, "25s"), (59.7, "1:00"), (65, "1:05"), (3725, "1:02:05")],
)
def test_durations_read_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (event("c", 0, "began", channel="voice", caller="1", caller_name="", dialled="4001"),
         "voice from 1 to 4001"),
        (event("c", 0, "began", channel="sms", dialled="4001"),
         "sms from an unknown number to 4001"),
        (event("c", 0, "key", "menu", key="2"), "pressed 2"),
        (event("c", 0, "hours", calendar="clinic", open=False, opens="Mon 9:00"),
         "clinic: closed, opens Mon 9:00"),
        (event("c", 0, "branch", condition="vip", next="fast"), "vip → fast"),
        (event("c", 0, "identified", ok=False, tries=2), "not identified"),
        (event("c", 0, "queued", queue="billing", needs={"billing": 5}, priority=10),
         "waits in billing (needs billing 5; priority 10)"),
        (event("c", 0, "queued", queue="billing", needs={}, priority=0), "waits in billing"),
        (event("c", 0, "offer_failed", agent="1001", cause="no_answer"),
         "agent 1001 did not take it: no answer"),
        (event("c", 0, "offered", agent="1001"), "agent 1001 is rung"),
        (event("c", 0, "offered", agent="1001", also=["1002", "1003"]),
         "agents 1001, 1002 and 1003 are rung"),
        (event("c", 0, "offer_failed", agent="1001", also=["1002"], cause="caller_left"),
         "agents 1001 and 1002 did not take it: caller left"),
        (event("c", 0, "agent_left", agent="1001", talk=65.2), "agent 1001 leaves after 1:05"),
        (event("c", 0, "left_queue", reason="caller_left", detail=None),
         "leaves the queue: caller left"),
        (event("c", 0, "left_queue", reason="keyed", detail="2"), "leaves the queue by key 2"),
        (event("c", 0, "wait_told", position=3, low=100, high=290),
         "is told: number 3 in line, 1 to 5 minutes"),
        (event("c", 0, "transferred", by="1001", to="1002"), "agent 1001 transfers to 1002"),
        (event("c", 0, "voicemail", mailbox="desk", path="x.wav", seconds=12),
         "leaves a message of 12s"),
        (event("c", 0, "resumed", after="waiting"), "the service was away; goes on waiting"),
        (event("c", 0, "ended", outcome="answered", by="caller", reason=""),
         "answered; the caller hung up"),
        (event("c", 0, "ended", outcome="answered", by="agent"), "answered; the agent hung up"),
        (event("c", 0, "ended", outcome="abandoned", by="caller"), "ended by caller: abandoned"),
        (event("c", 0, "line_ended", by="caller", reason="hangup"),
         "the line ends by caller; the callback stands"),
        (event("c", 0, "line_ended", by="agent", outcome="answered", channel="voice"),
         "the call ends by agent; the contact goes on"),
        (event("c", 0, "line_ended", by="customer", outcome="completed", channel="chat"),
         "what was written ends by customer; the contact goes on"),
        (event("c", 0, "stumbled", times=1),
         "an error in the service (1st time), see service.log"),
        (event("c", 0, "gave_up", tries=3, keys=""), "gave up tries=3"),
    ],
)  # fmt: skip
def test_every_event_is_a_sentence(told: ContactEvent, said: str) -> None:
    assert sentence(told) == said


@pytest.mark.parametrize("told", [event("c", 0, each.kind) for each in a_call()])
def test_an_event_without_its_data_is_still_told(told: ContactEvent) -> None:
    assert sentence(told)


def test_a_call_is_cut_into_what_the_caller_was_in() -> None:
    found = [(each.phase, each.seconds) for each in stretches(a_call(), T0 + 999)]
    assert found == [("flow", 15), ("waiting", 25), ("talking", 60), ("flow", 1)]


def test_a_live_contact_is_in_its_last_stretch_until_now() -> None:
    live = [event("c", 0, "began"), event("c", 5, "queued")]
    assert [each.seconds for each in stretches(live, T0 + 65)] == [5, 60]
    assert stretches([], T0) == []


def test_a_transfer_goes_on_talking_though_the_first_agent_leaves_late() -> None:
    moved = [
        event("c", 0, "began"),
        event("c", 0, "answered", agent="1001"),
        event("c", 30, "answered", agent="1002"),
        event("c", 31, "agent_left", agent="1001"),
        event("c", 50, "ended"),
    ]
    assert [(each.phase, each.seconds) for each in stretches(moved, T0)] == [("talking", 50)]
