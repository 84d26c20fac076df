"""What callers are told of their wait: silence, a band, and never a figure that grows by itself."""

from __future__ import annotations

import random
from typing import Any

import pytest

from acd import model as m
from acd.estimate import ENOUGH, Estimate, Group, Handling, Told, announce, estimate, in_minutes
from tests.acd.desk import Desk

TWO = {"1001": "sales", "1002": "sales"}


def desk(agents: Any = None, **rules: Any) -> Desk:
    queue: dict[str, Any] = {"handle_seconds": 120, "leave_when_empty": None} | rules
    return Desk(m.Queue("sales", **queue), m.Queue("service"), agents=agents or TWO)


def all_busy(d: Desk, *agents: str) -> None:
    d.log_in(*agents)
    for agent in agents:
        d.queue(f"busy{agent}", agent=agent)
        d.answer(agent)


def seconds(d: Desk, call: str) -> float | None:
    found = d.engine.estimate(call)
    return found.seconds if found is not None else None


# --- the figure ----------------------------------------------------------------------------------


def test_the_wait_is_the_work_ahead_over_the_agents() -> None:
    d = desk()
    all_busy(d, "1001", "1002")
    for number in range(3):
        d.queue(f"c{number}")
    assert [seconds(d, f"c{number}") for number in range(3)] == [60, 120, 180]


def test_what_is_unknown_is_not_said() -> None:
    unknown = desk(handle_seconds=None)
    all_busy(unknown, "1001")
    unknown.queue("a")
    assert unknown.engine.estimate("a") is None
    nobody = desk()
    nobody.queue("a")
    assert nobody.engine.estimate("a") is None
    said = nobody.engine.announcement("a", nobody.now)
    assert said is not None
    assert (said.position, said.minutes) == (1, None)
    assert nobody.engine.estimate("gone") is None


def test_measured_handle_times_take_over_from_the_configured_one() -> None:
    d = desk(wrap_up_seconds=10)
    d.log_in("1001")
    for number in range(ENOUGH):
        d.queue(f"c{number}")
        d.answer("1001")
        d.wait(50)
        d.release("1001")
        d.wait(10)
    assert d.row().handle_time == 60
    d.queue("busy")
    d.answer("1001")
    d.queue("a")
    assert seconds(d, "a") == 60


def test_agents_who_are_paused_about_to_go_or_in_a_call_outside_are_not_counted() -> None:
    d = desk({f"100{n}": "sales" for n in range(1, 6)})
    all_busy(d, "1001", "1002", "1003")
    d.log_in("1004", "1005")
    d.do(m.Paused(d.now, "1004", "lunch"))
    d.do(m.DeviceBusy(d.now, "1005"))
    d.do(m.LoggedOut(d.now, "1003"))
    d.queue("a")
    assert seconds(d, "a") == 60


def test_shared_agents_count_by_share_and_callbacks_are_counted() -> None:
    d = Desk(
        m.Queue("sales", handle_seconds=100, leave_when_empty=None),
        m.Queue("service", handle_seconds=100, leave_when_empty=None),
        agents={"1001": "sales", "1002": "sales service", "1003": "service", "1004": "service"},
    )
    all_busy(d, "1001", "1002", "1003", "1004")
    for number in range(3):
        d.queue(f"s{number}", "service")
    d.queue("a")
    assert seconds(d, "a") == pytest.approx((1 + 3 / 3) * 100 / 2)
    d.queue("b")
    d.do(m.CallbackAsked(d.now, "a", "anna"))
    assert seconds(d, "b") == pytest.approx((1 + 1 + 3 / 3) * 100 / 2)


def test_the_mean_is_that_of_theory_and_the_band_holds_three_quarters_of_the_cases() -> None:
    dice = random.Random(4)
    for ahead, agents in ((0, 1), (4, 2), (19, 10)):
        found = estimate(180.0, agents, [Group(ahead, 180.0, 1.0)])
        assert found is not None
        waits = [sum(dice.expovariate(agents / 180) for _ in range(ahead + 1)) for _ in range(4000)]
        assert sum(waits) / len(waits) == pytest.approx(found.seconds, rel=0.05)
        inside = sum(found.low <= wait <= found.high for wait in waits) / len(waits)
        assert 0.71 < inside < 0.77


def test_a_wait_is_said_as_a_band_of_minutes() -> None:
    assert in_minutes(170, 290) == (2, 5)
    assert in_minutes(5, 40) == (0, 1)
    assert in_minutes(60, 60) == (1, 2)
    assert in_minutes(1000, 1900) == (15, 35)


def test_a_queue_refuses_calls_that_would_wait_too_long_unless_an_agent_is_free() -> None:
    d = desk(max_expected_wait=100)
    all_busy(d, "1001", "1002")
    d.queue("a")
    d.queue("b")
    assert d.exits() == {"b": ("too_long", "")}
    assert d.row().too_long == 1
    d.do(m.AgentReleased(d.now, d.offer_of("1001")))
    d.do(m.WrapUpEnded(d.now, "1001"))
    assert d.rung_for("a") == "1001"


# --- what is said --------------------------------------------------------------------------------


def said(d: Desk, call: str) -> tuple[int | None, tuple[int, int] | None] | None:
    """What may be announced; it is then announced."""
    found = d.engine.announcement(call, d.now)
    if found is None:
        return None
    d.do(m.WaitAnnounced(d.now, call))
    return found.position, found.minutes


def test_the_figure_never_grows_while_one_waits_without_a_cause() -> None:
    last = Told(0.0, 3, 100.0, 60.0, 140.0, ahead=2.0, agents=3, handle=100.0)
    worse = Estimate(130.0, 90.0, 170.0, ahead=2.0, agents=3, handle=105.0)
    found = announce(60.0, 3, worse, last, 45)
    assert found is not None
    assert (found.told.seconds, found.minutes, any(found.rose)) == (100.0, (1, 3), False)


@pytest.mark.parametrize(
    ("worse", "cause"),
    [
        (Estimate(130.0, 90.0, 170.0, 2.0, 2, 100.0), "fewer_agents"),
        (Estimate(130.0, 90.0, 170.0, 4.0, 3, 100.0), "more_ahead"),
        (Estimate(130.0, 90.0, 170.0, 2.0, 3, 140.0), "longer_calls"),
    ],
)
def test_a_figure_that_grows_comes_with_its_cause(worse: Estimate, cause: str) -> None:
    last = Told(0.0, 3, 100.0, 60.0, 140.0, ahead=2.0, agents=3, handle=100.0)
    found = announce(60.0, 3, worse, last, 45)
    assert found is not None
    assert found.told.seconds == 130.0
    assert getattr(found.rose, cause)


def test_a_place_is_said_only_when_it_improved_and_not_too_often() -> None:
    d = desk(handle_seconds=None, announce_every=45)
    for call in ("a", "b", "c"):
        d.queue(call)
    assert said(d, "c") == (3, None)
    d.leave("a")
    d.wait(44)
    assert said(d, "c") is None
    d.wait(1)
    assert said(d, "c") == (2, None)
    d.wait(45)
    assert said(d, "c") is None
    d.queue("urgent", priority=9)
    assert said(d, "c") is None
    d.leave("b")
    d.leave("urgent")
    assert said(d, "c") == (1, None)


def test_nothing_is_said_to_a_caller_who_is_being_connected() -> None:
    d = desk()
    d.log_in("1001")
    d.queue("a")
    assert d.rung_for("a") == "1001"
    assert d.engine.announcement("a", d.now) is None


def test_an_announcement_delays_no_agent() -> None:
    d = desk()
    d.queue("head")
    said(d, "head")
    d.log_in("1001")
    assert d.rung_for("head") == "1001"


def test_how_far_the_first_figure_was_off_is_reported_and_outlives_a_restart() -> None:
    d = desk(wrap_up_seconds=0)
    all_busy(d, "1001", "1002")
    d.queue("a")
    assert said(d, "a") == (1, (0, 2))
    d.restart()
    d.wait(90)
    d.release("1001")
    d.answer_call("a")
    row = d.row()
    assert (row.estimates, row.estimates_right, row.estimate_error) == (1, 1, 30)


def test_the_mean_forgets_old_calls() -> None:
    handling = Handling()
    for length in [600.0] * 50 + [60.0] * 300:
        handling.add(length)
    assert handling.seconds(None) == pytest.approx(60, rel=0.1)
    assert Handling().seconds(90.0) == 90.0
