"""Why a call waits and why an agent gets none, as data; and service levels by three formulas."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from acd import codec
from acd import model as m
from acd.errors import UnknownAgent
from acd.explain import NAMED, AgentStands, CallExplained, Change, Hindrance, Obstacle, Stands
from acd.model import AgentState as S
from acd.model import Relaxation, Staffing
from acd.service_level import Figures, figures, level, spelled
from tests.acd.desk import Desk

AGENTS = {
    "1001": ("sales", {"loans": 9}),
    "1002": ("sales", {"loans": 3}),
    "1003": ("sales", {}),
    "1004": ("service", {"loans": 9}),
    "1005": ("sales", {"loans": 8}),
}


def desk(**rules: Any) -> Desk:
    queue: dict[str, Any] = {"leave_when_empty": None, "leave_when_unskilled": None} | rules
    return Desk(m.Queue("sales", **queue), m.Queue("service"), agents=AGENTS)


def why(d: Desk, call: str) -> CallExplained:
    found = d.engine.explain_call(call, d.now)
    assert found is not None
    return found


def stands(d: Desk, call: str) -> dict[str, Stands]:
    return {each.agent: each.stands for each in why(d, call).agents}


def changes(d: Desk, call: str) -> dict[tuple[Change, str], float | None]:
    return {(each.what, each.agent): each.at for each in why(d, call).changes}


def test_every_agent_stands_to_a_waiting_call_in_one_way() -> None:
    d = desk()
    d.log_in("1001", "1003")
    d.queue("busy", agent="1001")
    d.answer("1001")
    d.queue("a", needs={"loans": 5})
    assert stands(d, "a") == {
        "1001": Stands.BUSY,
        "1002": Stands.CANNOT,
        "1003": Stands.CANNOT,
        "1004": Stands.CANNOT,
        "1005": Stands.AWAY,
    }
    hindrances = {each.agent: each.hindrances for each in why(d, "a").agents}
    assert hindrances["1002"] == (Hindrance(Obstacle.LEVEL, "loans", 3, 5),)
    assert hindrances["1003"] == (Hindrance(Obstacle.NO_SKILL, "loans", None, 5),)
    assert hindrances["1004"] == (Hindrance(Obstacle.NOT_IN_QUEUE),)
    assert why(d, "a").staffing is Staffing.ALL_BUSY
    assert changes(d, "a") == {(Change.LOG_IN, "1005"): None}


def test_the_step_in_force_shows_and_who_could_take_it_at_a_later_one() -> None:
    steps = (Relaxation(30, {"loans": 3}), Relaxation(90, drop=("loans",), also=("service",)))
    d = desk(relax=steps, max_wait=300)
    d.log_in("1001")
    d.queue("busy", agent="1001")
    d.answer("1001")
    d.queue("a", needs={"loans": 5})
    came = d.now
    explained = why(d, "a")
    assert (explained.step, explained.steps, dict(explained.needs)) == (0, 2, {"loans": 5})
    at_step = {each.agent: each.at_step for each in explained.agents}
    assert (at_step["1002"], at_step["1003"], at_step["1004"]) == (1, 2, 2)
    assert changes(d, "a")[Change.STEP, ""] == came + 30
    assert changes(d, "a")[Change.TIMES_OUT, ""] == came + 300
    d.wait(90)
    explained = why(d, "a")
    assert (explained.step, dict(explained.needs), explained.also) == (2, {}, ("service",))
    assert dict(explained.first_needs) == {"loans": 5}
    assert stands(d, "a")["1004"] is Stands.AWAY


def test_what_would_change_it_is_named_with_its_time() -> None:
    d = desk(wrap_up_seconds=40, retry_same_agent_after=25, leave_when_busy=200)
    d.log_in("1001", "1005")
    d.queue("first", agent="1001")
    d.answer("1001")
    d.release("1001")
    d.queue("a", needs={"loans": 5})
    d.fail("1005", m.Cause.REJECTED)
    assert stands(d, "a")["1005"] is Stands.LEFT_OUT
    found = changes(d, "a")
    assert found[Change.END_WRAP_UP, "1001"] == d.now + 40
    assert found[Change.RETRY, "1005"] == d.now + 25
    assert found[Change.LEAVES, ""] == d.now + 200


def test_a_preference_a_callback_and_a_queue_left_are_reasons_too() -> None:
    d = desk()
    d.log_in("1001", "1005")
    d.queue("busy", agent="1001")
    d.answer("1001")
    d.queue("a", prefers="1001", prefer_seconds=20)
    explained = why(d, "a")
    assert explained.prefers == "1001"
    (ready,) = [each for each in explained.agents if each.agent == "1005"]
    assert ready == AgentStands(
        "1005", Stands.CANNOT, S.READY, None, (Hindrance(Obstacle.PREFERS_OTHER),)
    )
    assert changes(d, "a")[Change.PREFERENCE_ENDS, ""] == d.now + 20
    d.do(m.QueueLeft(d.now, "1005", "sales"))
    d.queue("b")
    assert (Change.JOIN_QUEUE, "1005") in changes(d, "b")
    d.do(m.CallbackAsked(d.now, "b", "bo", d.now + 60))
    assert changes(d, "b")[Change.CALLBACK_DUE, ""] == d.now + 60


def test_what_goes_before_is_named_whatever_its_queue() -> None:
    d = desk()
    d.log_in("1001")
    d.queue("busy", agent="1001")
    d.answer("1001")
    d.queue("x", "service")
    d.queue("first")
    d.queue("choosy", needs={"greek": 1})
    d.queue("a")
    assert (why(d, "a").before, why(d, "a").position) == (("first",), 3)


def test_an_agent_learns_about_every_waiting_call_and_who_goes_first() -> None:
    d = desk(strategy=m.Strategy.FEWEST_CALLS)
    d.queue("hard", needs={"greek": 1})
    d.queue("own", from_agent="1003")
    d.log_in("1003")
    d.log_in("1001")
    d.serve("own")
    d.do(m.WrapUpEnded(d.now, "1001"))
    explained = d.engine.explain_agent("1003")
    assert [(call, each.stands) for call, each in explained.calls] == [("hard", Stands.CANNOT)]
    assert dict(explained.goes_first) == {}
    assert d.engine.explain_agent("1001").goes_first == {"sales": ("1003", m.Strategy.FEWEST_CALLS)}
    with pytest.raises(UnknownAgent):
        d.engine.explain_agent("9")


def test_on_a_large_floor_everybody_is_counted_and_only_the_first_are_named() -> None:
    agents = {f"{n}": ("sales" if n % 2 else "service", {"loans": n % 10}) for n in range(500)}
    d = Desk(
        m.Queue("sales", leave_when_empty=None, leave_when_unskilled=None),
        m.Queue("service"),
        agents=agents,
    )
    d.log_in(*(agent for agent, (queue, _) in agents.items() if queue == "sales"))
    for n in range(300):
        d.queue(f"c{n}", needs={"loans": 5})
    explained = why(d, "c299")
    assert explained.counts == {Stands.BUSY: 150, Stands.CANNOT: 350}
    named = Counter(each.stands for each in explained.agents)
    assert named == {Stands.BUSY: NAMED, Stands.CANNOT: NAMED}
    unable = [each.agent for each in explained.agents if each.stands is Stands.CANNOT]
    assert all(agents[agent][0] == "sales" for agent in unable), "those of its queue come first"
    assert len(explained.changes) <= len(explained.agents)
    assert (explained.ahead, len(explained.before)) == (149, NAMED)
    assert explained.before[0] == "c150"


def test_reasons_are_plain_data_and_who_does_not_wait_has_none() -> None:
    d = desk()
    d.queue("a", needs={"loans": 5})
    body = codec.encode(why(d, "a"))
    assert body["agents"][0]["stands"] == "away"
    d.log_in("1001")
    assert d.engine.explain_call("a", d.now) is None
    assert d.engine.explain_call("nobody", d.now) is None


# --- service level -------------------------------------------------------------------------------


def test_the_three_formulas_differ_in_what_they_leave_out() -> None:
    counted = Figures(answered=70, in_target=56, abandoned=20, abandoned_short=10, sent_on=10)
    found = {formula: level(counted, formula) for formula in m.Formula}
    assert found == {
        m.Formula.WITHOUT_SHORT: pytest.approx(56 / 90),
        m.Formula.ALL_ENDED: pytest.approx(56 / 100),
        m.Formula.ANSWERED: pytest.approx(56 / 70),
    }
    assert all(level(Figures(0, 0), formula) is None for formula in m.Formula)


def test_every_figure_stands_with_its_formula() -> None:
    d = desk(formula=m.Formula.ANSWERED, target_seconds=15)
    assert d.row().formula == "answered within 15 s / answered"
    assert "- abandoned within 5 s" in spelled(m.Formula.WITHOUT_SHORT, 20, 5)
    assert "abandoned within" not in spelled(m.Formula.ALL_ENDED, 20, 5)


def test_the_same_formulas_count_calls_on_record() -> None:
    waits = [(3.0, True), (30.0, True), (2.0, False), (40.0, False)]
    assert figures(waits, 20, 5) == Figures(2, 1, 2, 1)
    assert level(figures(waits, 20, 5), m.Formula.WITHOUT_SHORT) == pytest.approx(1 / 3)
