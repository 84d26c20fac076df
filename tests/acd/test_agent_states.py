"""The agent's table: every state x move pair, and what work does to what is asked during it."""

from __future__ import annotations

import pytest

from acd.agents import ASKED, AT_WORK, TABLE, AgentRecord, Move, next_state
from acd.errors import IllegalEvent
from acd.model import Agent, AgentState

S = AgentState

# Written a second time and by hand, so that a slip in the table shows.
LEGAL = {
    S.LOGGED_OUT: {"log_in": "ready"},
    S.READY: {"log_out": "logged_out", "pause": "paused", "offer": "offered"},
    S.PAUSED: {"log_out": "logged_out", "pause": "paused", "ready": "ready"},
    S.OFFERED: {
        "log_out": "offered",
        "pause": "offered",
        "ready": "offered",
        "answer": "talking",
        "fail": "ready",
        "take_back": "ready",
    },
    S.TALKING: {
        "log_out": "talking",
        "pause": "talking",
        "ready": "talking",
        "release": "wrap_up",
        "finish": "ready",
    },
    S.WRAP_UP: {
        "log_out": "wrap_up",
        "pause": "wrap_up",
        "ready": "ready",
        "end_wrap_up": "ready",
        "extend": "wrap_up",
    },
}


@pytest.mark.parametrize("state", list(AgentState))
@pytest.mark.parametrize("move", list(Move))
def test_every_state_and_move_is_either_in_the_table_or_refused(
    state: AgentState, move: Move
) -> None:
    record = AgentRecord(Agent("1001"), state=state, since=1.0, idle_since=1.0)
    expected = LEGAL[state].get(move.value)
    if expected is None:
        with pytest.raises(IllegalEvent, match="1001"):
            record.move(move, 2.0, "lunch")
        assert (record.state, record.since, record.pending) == (state, 1.0, None)
    else:
        record.move(move, 2.0, "lunch")
        assert record.state == expected


def test_a_refusal_names_what_is_possible() -> None:
    with pytest.raises(IllegalEvent, match=r"is logged out and cannot pause; possible now: log in"):
        next_state("1001", S.LOGGED_OUT, Move.PAUSE)


def test_the_picture_in_the_docstring_is_the_table() -> None:
    from acd import agents

    lines = [line.split() for line in (agents.__doc__ or "").splitlines()]
    states = next(line for line in lines if line[:1] == ["logged_out"])
    drawn = {line[0]: line[1:] for line in lines if line and line[0] in set(Move)}
    assert set(drawn) == set(Move)
    for move, cells in drawn.items():
        for state, cell in zip(states, cells, strict=True):
            target = TABLE.get((S(state), Move(move)))
            shown = {"(later)": state, "(stay)": state, "-": None}.get(cell, cell)
            assert shown == target, f"{state} x {move}"
            assert (cell == "(later)") == (S(state) in AT_WORK and move in ASKED)


def at_work(state: AgentState) -> AgentRecord:
    record = AgentRecord(Agent("1001"))
    record.move(Move.LOG_IN, 10.0)
    for move in (Move.OFFER, Move.ANSWER, Move.RELEASE):
        if record.state is not state:
            record.move(move, 20.0)
    return record


@pytest.mark.parametrize("state", sorted(AT_WORK))
@pytest.mark.parametrize(("asked", "then"), [(Move.PAUSE, S.PAUSED), (Move.LOG_OUT, S.LOGGED_OUT)])
def test_what_is_asked_during_work_takes_effect_when_the_work_ends(
    state: AgentState, asked: Move, then: AgentState
) -> None:
    record = at_work(state)
    record.move(asked, 30.0, "lunch")
    assert record.state is state
    endings = {
        S.OFFERED: [Move.ANSWER, Move.RELEASE, Move.END_WRAP_UP],
        S.TALKING: [Move.RELEASE, Move.END_WRAP_UP],
        S.WRAP_UP: [Move.END_WRAP_UP],
    }
    for move in endings[state]:
        record.move(move, 40.0)
    assert (record.state, record.reason, record.pending) == (then, "lunch", None)


def test_ready_during_a_call_calls_the_pause_off() -> None:
    record = at_work(S.TALKING)
    record.move(Move.PAUSE, 30.0, "lunch")
    record.move(Move.READY, 31.0)
    record.move(Move.RELEASE, 40.0)
    record.move(Move.END_WRAP_UP, 50.0)
    assert record.state is S.READY


def test_the_last_thing_asked_during_a_call_counts() -> None:
    record = at_work(S.TALKING)
    record.move(Move.PAUSE, 30.0, "lunch")
    record.move(Move.LOG_OUT, 31.0)
    record.move(Move.RELEASE, 40.0)
    record.move(Move.END_WRAP_UP, 50.0)
    assert record.state is S.LOGGED_OUT


def test_a_pause_does_not_reset_idle_time_but_work_does() -> None:
    record = AgentRecord(Agent("1001"))
    record.move(Move.LOG_IN, 10.0)
    record.move(Move.PAUSE, 20.0, "coffee")
    record.move(Move.READY, 30.0)
    assert record.idle_since == 10.0
    for move in (Move.OFFER, Move.ANSWER, Move.RELEASE, Move.END_WRAP_UP):
        record.move(move, 40.0)
    assert record.idle_since == 40.0


def test_an_offer_taken_back_keeps_idle_time_and_a_failed_one_takes_the_turn() -> None:
    record = AgentRecord(Agent("1001"))
    record.move(Move.LOG_IN, 10.0)
    record.move(Move.OFFER, 20.0)
    record.move(Move.TAKE_BACK, 25.0)
    assert record.idle_since == 10.0
    record.move(Move.OFFER, 30.0)
    record.move(Move.FAIL, 35.0)
    assert record.idle_since == 35.0


def test_extending_a_wrap_up_does_not_begin_it_anew() -> None:
    record = at_work(S.WRAP_UP)
    since = record.since
    record.move(Move.EXTEND, 99.0)
    assert (record.state, record.since) == (S.WRAP_UP, since)
