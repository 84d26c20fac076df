"""Every event and command survives the way through JSON."""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd import model as m

MESSAGES: list[Any] = [*m.EVENTS, *m.COMMANDS]


@given(st.data())
def test_every_message_comes_back_from_json_as_it_went(data: st.DataObject) -> None:
    cls = data.draw(st.sampled_from(MESSAGES))
    st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
    message: m.Event | m.Command = data.draw(st.builds(cls))
    assert m.from_json(json.loads(json.dumps(m.to_json(message)))) == message


def test_enums_come_back_as_enums_and_sequences_as_tuples() -> None:
    failed = m.from_json({"type": "OfferFailed", "at": 1.0, "offer": "c-1", "cause": "busy"})
    assert failed == m.OfferFailed(1.0, "c-1", m.Cause.BUSY)
    assert isinstance(failed, m.OfferFailed)
    assert isinstance(failed.cause, m.Cause)
    floor = m.FloorLoaded(1.0, m.Floor((m.Queue("a"),), (m.Agent("1", "A", ("a",), {"x": 3}),)))
    assert m.from_json(json.loads(json.dumps(m.to_json(floor)))) == floor


def test_a_field_added_later_takes_its_default_when_an_old_entry_is_read() -> None:
    assert m.from_json({"type": "LoggedIn", "at": 1.0, "agent": "1001"}) == m.LoggedIn(1.0, "1001")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "Gossip"},
        {"type": "LoggedIn", "at": 1.0},
        {"type": "LoggedIn", "at": 1.0, "agent": "1", "mood": "good"},
        {"type": "OfferFailed", "at": 1.0, "offer": "c-1", "cause": "boredom"},
    ],
)
def test_what_is_no_message_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        m.from_json(body)


def test_every_event_carries_its_time_and_defaults_of_configuration_are_the_documented_ones() -> (
    None
):
    for event in m.EVENTS:
        first = dataclasses.fields(typing.cast(Any, event))[0]
        assert first.name == "at"
    queue = m.Queue("a")
    assert (queue.ring_seconds, queue.wrap_up_seconds, queue.seconds_per_priority) == (20, 20, 60)
    assert (queue.no_answer_limit, queue.retry_same_agent_after) == (3, 30)
