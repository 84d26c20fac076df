"""What every event of a contact does to its row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd.records import ContactEvent, ContactRecord, fold

from .conftest import T0, a_call, event


def folded(*events: ContactEvent) -> ContactRecord:
    record = None
    for each in events:
        record = fold(record, each)
    assert record is not None
    return record


def test_a_whole_call_is_told_in_one_row() -> None:
    assert folded(*a_call()) == ContactRecord(
        id="c1",
        started_at=T0,
        channel="voice",
        caller="5551234",
        caller_name="Ada",
        dialled="4001",
        flow="clinic",
        revision="r1",
        language="en",
        queue="billing",
        agent="1002",
        verified=True,
        outcome="answered",
        ended_by="caller",
        answered_at=T0 + 40,
        ended_at=T0 + 101,
        wait_seconds=25.0,
        talk_seconds=60.0,
        events=14,
        fields={"reason": "billing", "pin": "•••"},
    )


@pytest.mark.parametrize(
    "kind",
    ["step", "pressed", "hours", "branch", "again", "offered", "offer_failed", "transferred",
     "voicemail", "resumed", "a kind of next year"],
)  # fmt: skip
def test_what_only_the_story_tells_leaves_the_row_alone(kind: str) -> None:
    before = folded(event("c", 0, "began", caller="1"))
    after = fold(before, event("c", 1, kind, "here", agent="9", queue="x", outcome="y"))
    assert after == replace(before, events=2)


@pytest.mark.parametrize(
    "kind",
    ["began", "started", "language", "field", "identified", "queued", "answered", "agent_left",
     "left_queue", "ended"],
)  # fmt: skip
def test_an_event_that_lacks_everything_still_folds(kind: str) -> None:
    assert folded(event("c", 0, kind)).events == 1
    assert folded(*a_call(), event("c1", 200, kind)).caller == "5551234"


def test_a_caller_who_gives_up_waited_until_then() -> None:
    record = folded(
        event("c", 0, "queued", queue="sales"),
        event("c", 30, "left_queue", reason="caller_left"),
        event("c", 30, "ended", outcome="abandoned", by="caller"),
    )
    assert (record.wait_seconds, record.talk_seconds, record.outcome) == (30.0, 0.0, "abandoned")


def test_a_wait_is_counted_once_whoever_tells_of_its_end() -> None:
    record = folded(
        event("c", 0, "queued", queue="sales"),
        event("c", 10, "answered", agent="1001", wait=10),
        event("c", 10, "left_queue", reason="answered", wait=10),
    )
    assert record.wait_seconds == 10.0


def test_a_wait_that_a_restart_interrupted_is_one_wait() -> None:
    record = folded(
        event("c", 0, "queued", queue="sales"),
        event("c", 20, "resumed", after="waiting"),
        event("c", 20, "queued", queue="sales"),
        event("c", 50, "answered", agent="1001"),
    )
    assert record.wait_seconds == 50.0


def test_waits_in_two_queues_add_up_and_the_last_queue_is_kept() -> None:
    record = folded(
        event("c", 0, "queued", queue="sales"),
        event("c", 10, "left_queue", reason="timeout"),
        event("c", 15, "queued", queue="anyone"),
        event("c", 20, "left_queue", reason="full"),
    )
    assert (record.queue, record.wait_seconds) == ("anyone", 15.0)


def test_a_transferred_call_keeps_the_first_answer_and_adds_up_the_talk() -> None:
    record = folded(
        event("c", 0, "queued", queue="sales"),
        event("c", 10, "answered", agent="1001"),
        event("c", 40, "transferred", by="1001", to="1002"),
        event("c", 40, "agent_left", agent="1001", talk=30),
        event("c", 40, "queued", queue="sales"),
        event("c", 45, "answered", agent="1002"),
        event("c", 65, "ended", outcome="answered"),
    )
    assert record.answered_at == T0 + 10
    assert (record.agent, record.wait_seconds, record.talk_seconds) == ("1002", 15.0, 50.0)


def test_a_contact_that_goes_on_elsewhere_ends_with_its_last_channel_answered_if_it_was() -> None:
    called = [
        event("c", 0, "queued", queue="sales"),
        event("c", 20, "line_ended", outcome="abandoned", by="caller", channel="voice"),
    ]
    before = folded(*called)
    assert (before.outcome, before.ended_at, before.wait_seconds) == ("abandoned", None, 20.0)
    left = folded(*called, event("c", 90, "ended", outcome="completed", by="customer"))
    assert (left.outcome, left.ended_at) == ("completed", T0 + 90)
    answered = event("c", 60, "line_ended", outcome="answered", by="agent", channel="chat")
    both = folded(*called, answered, event("c", 90, "ended", outcome="abandoned", by="caller"))
    assert (both.outcome, both.ended_by, both.ended_at) == ("answered", "caller", T0 + 90)


def test_a_line_that_ends_before_a_callback_ends_nothing_else() -> None:
    record = folded(
        event("c", 0, "callback_asked", since=T0, queue="sales"),
        event("c", 10, "line_ended", by="caller", reason="hangup"),
    )
    assert (record.outcome, record.waiting_since) == (None, T0)


def test_an_agent_who_is_late_to_leave_does_not_end_the_next_agents_talk() -> None:
    record = folded(
        event("c", 0, "answered", agent="1001"),
        event("c", 30, "answered", agent="1002"),
        event("c", 31, "agent_left", agent="1001", talk=31),
        event("c", 50, "agent_left", agent="1002", talk=20),
    )
    assert record.talk_seconds == 50.0


def test_an_agent_who_hangs_up_after_the_end_adds_no_talk() -> None:
    before = folded(event("c", 0, "answered", agent="1001"), event("c", 30, "ended"))
    after = fold(before, event("c", 31, "agent_left", agent="1001", talk=31))
    assert after.talk_seconds == before.talk_seconds == 30.0


def test_a_contact_cut_off_in_the_middle_is_seen_to_be_live() -> None:
    waiting = folded(event("c", 0, "began"), event("c", 5, "queued", queue="sales"))
    talking = fold(waiting, event("c", 9, "answered", agent="1001"))
    assert (waiting.waiting_since, waiting.outcome) == (T0 + 5, None)
    assert (talking.waiting_since, talking.talking_since) == (None, T0 + 9)


def test_a_clock_that_went_back_makes_no_negative_wait() -> None:
    assert folded(event("c", 9, "queued"), event("c", 0, "answered")).wait_seconds == 0.0


def test_once_verified_a_caller_stays_verified() -> None:
    record = folded(
        event("c", 0, "identified", level="verified"), event("c", 9, "identified", level="unknown")
    )
    assert record.verified


@pytest.mark.parametrize("level", ["verified", "strong"])
def test_a_form_after_the_end_adds_to_what_was_proven_and_changes_nothing_of_it(level: str) -> None:
    proven = [
        event("c", 0, "field", name="account", value="1001", by="caller"),
        event("c", 1, "identified", ok=True, level=level),
    ]
    forms = [
        event("c", 3, "field", name="account", value="6666", by="form"),
        event("c", 3, "field", name="mail", value="mei@example.org", by="form"),
    ]
    late = folded(*proven, event("c", 2, "ended"), *forms)
    assert late.fields == {"account": "1001", "mail": "mei@example.org"}
    unproven = folded(proven[0], event("c", 2, "ended"), *forms)
    assert unproven.fields["account"] == "6666"


def test_a_field_set_twice_holds_the_last_value() -> None:
    record = folded(
        event("c", 0, "field", name="reason", value="a"),
        event("c", 1, "field", name="reason", value=2),
    )
    assert record.fields == {"reason": 2}


def test_text_no_database_takes_is_made_harmless() -> None:
    assert folded(event("c", 0, "began", caller="12\x003", caller_name="J\udcfcrg")).caller == "123"
    assert folded(event("c", 0, "began", caller_name="J\udcfcrg")).caller_name == "J?rg"


def test_a_callback_waits_from_the_moment_that_gave_its_place_and_ends_once() -> None:
    record = folded(
        event("c1", 0, "began", channel="voice"),
        event("c1", 10, "queued", queue="billing"),
        event("c1", 40, "left_queue", reason="timeout"),
        event("c1", 60, "callback_asked", queue="billing", since=T0 + 10),
        event("c1", 65, "line_ended", by="caller"),
        event("c1", 610, "answered", agent="1001"),
        event("c1", 700, "ended", outcome="answered", by="agent"),
    )
    assert (record.wait_seconds, record.talk_seconds) == (600, 90)
    assert (record.outcome, record.queue, record.ended_at) == ("answered", "billing", T0 + 700)
