"""Queues with hours, transfers and recordings."""

from __future__ import annotations

from typing import Any

import pytest

from ivr.flow.actions import (
    Failed,
    Hangup,
    NotRecorded,
    Prompt,
    Queue,
    Record,
    Recorded,
    Transfer,
    TransferLeft,
)
from ivr.flow.calendar import Switch
from ivr.flow.model import Flow, QueueStep, RecordStep, SayStep, TransferStep
from tests.flow.building import (
    Call,
    calendar,
    exits,
    field,
    flow,
    say,
    text,
    transfer_exits,
    words,
)

CLOSED = {"desk": Switch(open=False)}
SHUT = SayStep(name="shut", say=say("Closed. {{ opens }}"), next="bye")
DONE = SayStep(name="done", say=say("Done."), next="bye")


def test_a_queue_outside_its_hours_is_closed_at_once() -> None:
    ways = {**exits("over"), "closed": "shut"}
    step = QueueStep(name="desk", queue=text("cards"), hours="desk", exits=ways)
    made = flow(step, SHUT, calendars=[calendar()])
    call = Call(made, switches=CLOSED)
    assert words(call.action).startswith("Closed.")
    assert call.told("queue_left")[0]["outcome"] == "closed"
    assert isinstance(Call(made).action, Queue)


def test_a_wait_that_began_in_time_is_taken_up_again_after_hours() -> None:
    step = QueueStep(name="desk", queue=text("cards"), hours="desk", exits=exits("over"))
    call = Call(flow(step, calendars=[calendar()]))
    call.switches = CLOSED
    assert call.restart() == call.action
    assert isinstance(call.action, Queue)


def transfer(**options: Any) -> Flow:
    options.setdefault("to", text("1001"))
    options.setdefault("outside", False)
    options.setdefault("queue", text("cards"))
    step = TransferStep(
        name="out",
        tell_agent=text("{{ caller }}"),
        whisper=say("A call."),
        say=say("One moment."),
        exits={**transfer_exits("over"), "busy": "shut"},
        **options,
    )
    return flow(step, SHUT, DONE, calendars=[calendar()], fields=[field("agent", "phone")])


def test_a_transfer_says_who_and_how() -> None:
    call = Call(transfer(ring=10.0))
    whisper, prompts = Prompt("A call.", "en"), (Prompt("One moment.", "en"),)
    assert call.action == Transfer("1001", False, "cards", 10.0, "13800138000", whisper, prompts)
    assert call.restart() == call.action
    assert call.told("transfer")[0] == {"to": "1001", "outside": False, "queue": "cards"}


@pytest.mark.parametrize(
    ("outcome", "said"),
    [("busy", "Closed."), ("no_answer", "Given up."), ("failed", "Given up.")],
)
def test_every_way_out_of_a_transfer_leads_somewhere(outcome: Any, said: str) -> None:
    call = Call(transfer())
    assert words(call.give(TransferLeft(outcome, "why"))) == said
    assert call.told("transfer_left") == [{"outcome": outcome, "detail": "why"}]


def test_after_a_transfer_the_flow_goes_on_or_ends() -> None:
    assert Call(transfer()).give(TransferLeft("answered")) == Hangup()
    assert words(Call(transfer(next="done")).give(TransferLeft("answered"))) == "Done."
    assert words(Call(transfer()).give(Failed("no trunk"))) == "Given up."


def test_a_transfer_to_nobody_or_after_hours_has_failed() -> None:
    assert words(Call(transfer(to=text("{{ agent }}"))).action) == "Given up."
    assert words(Call(transfer(queue=None)).action) == "Given up."
    assert words(Call(transfer(hours="desk"), switches=CLOSED).action) == "Given up."
    outside = Call(transfer(to=text("+8610"), outside=True, queue=None))
    assert isinstance(outside.action, Transfer)


def record() -> Flow:
    step = RecordStep(
        name="memo",
        recording="complaint",
        say=say("Speak."),
        max_seconds=60.0,
        finish="*",
        next="done",
        otherwise="over",
    )
    return flow(step, DONE)


def test_a_recording_is_kept_under_its_name() -> None:
    call = Call(record())
    assert call.action == Record("complaint", (Prompt("Speak.", "en"),), 60.0, "*")
    assert call.restart() == call.action
    assert words(call.give(Recorded("a.wav", 3.0))) == "Done."
    assert call.told("recorded") == [{"name": "complaint", "path": "a.wav", "seconds": 3.0}]


@pytest.mark.parametrize("result", [NotRecorded(), Failed("disk full")])
def test_a_recording_that_was_not_made_takes_the_way_out(result: NotRecorded | Failed) -> None:
    assert words(Call(record()).give(result)) == "Given up."


def test_a_queue_without_a_name_has_failed() -> None:
    step = QueueStep(name="desk", queue=text("{{ customer.queue }}"), exits=exits("over"))
    assert words(Call(flow(step)).action) == "Given up."
