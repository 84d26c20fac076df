"""A span of the journal read back, and replayed on its own floor and on others."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest

from acd import model as m
from acd.engine import Engine
from acd.errors import AcdError
from acd.simulation.arrivals import Poisson
from acd.simulation.draws import Exponential, Lognormal
from acd.simulation.ledger import Ledger, Outcome
from acd.simulation.recording import Recording, record
from acd.simulation.replay import USUAL_TALK, fit, replay
from acd.simulation.run import Run
from acd.simulation.scenario import Break, Phones, Scenario, Shift, Stream
from acd.simulation.summary import count, summarise
from tests.acd.desk import START, Desk
from tests.acd.happenings import ACTIONS, step
from tests.acd.world import World

HOUR = 3600.0


class Logged(Run):
    """A run that keeps what the engine was told, as the journal does."""

    log: list[m.Event]

    def tell(self, event: m.Event) -> None:
        if not hasattr(self, "log"):
            self.log = []
        self.log.append(event)
        super().tell(event)


def a_floor(agents: int = 4, **rules: float) -> m.Floor:
    sales = replace(m.Queue("sales", wrap_up_seconds=10, ring_seconds=15), **rules)
    care = replace(sales, name="care")
    everyone = tuple(
        m.Agent(f"100{n}", queues=("sales", "care"), skills={"gold": 5} if n else {})
        for n in range(agents)
    )
    return m.Floor((sales, care), everyone, ("lunch",))


def a_day(on: m.Floor, seed: int = 3) -> Logged:
    streams = (
        Stream("sales", Poisson(0, HOUR, (60, 90, 50)), Lognormal(120, 80), Exponential(90)),
        Stream("care", Poisson(0, HOUR, (15, 15, 15)), Exponential(90), None, {"gold": 5}),
    )
    shifts = tuple(
        Shift(agent.id, 0, inf, (Break(HOUR + 600 * n, HOUR + 600 * n + 900, "lunch"),))
        for n, agent in enumerate(on.agents)
    )
    phones = Phones(Lognormal(4, 2), 0.03)
    day = Scenario(on, streams, shifts, 0, 3 * HOUR, phones)
    played = Logged(
        on, day.callers(seed), day.moves(), stops=4 * HOUR, phones=phones, seed=seed, width=1800
    )
    played.play()
    return played


def read_back(events: Iterable[m.Event], begins: float = 0.0, ends: float = 4 * HOUR) -> Recording:
    """Through the journal's JSON."""
    messages = [m.from_json(json.loads(json.dumps(m.to_json(event)))) for event in events]
    return record(Engine(), [e for e in messages if isinstance(e, m.EVENTS)], begins, ends, 1800)


def by_agent(ledger: Ledger) -> dict[str, tuple[float, float]]:
    return {
        name: (pytest.approx(duty.on), pytest.approx(duty.busy))
        for name, duty in ledger.duty.items()
    }


def test_what_is_read_back_is_what_happened() -> None:
    played = a_day(a_floor())
    found = read_back(played.log)
    assert found.ledger.fates == played.ledger.fates
    played.ledger.close(4 * HOUR)
    assert {n: (d.on, d.busy) for n, d in found.ledger.duty.items()} == by_agent(played.ledger)
    assert found.floor == played.engine.floor
    assert not found.notes


def test_talk_rings_and_misses_are_noted() -> None:
    played = a_day(a_floor())
    found = read_back(played.log)
    answered = [call for call in found.calls if call.fate.outcome is Outcome.ANSWERED]
    rows = played.engine.agents_view(4 * HOUR)
    talks = sum(call.talk or 0.0 for call in answered)
    assert talks == pytest.approx(sum(row.talk_seconds for row in rows))
    assert all(call.rings is not None and call.rings < 15 for call in answered)
    assert sum(found.missed.values()) == sum(row.no_answer for row in rows) > 0
    assert sum(found.offers.values()) >= len(answered) + sum(found.missed.values())


def test_a_span_begins_with_those_who_are_there() -> None:
    played = a_day(a_floor())
    found = read_back(played.log, 1.5 * HOUR, 2.5 * HOUR)
    whole = [fate for fate in played.ledger.fates if 1.5 * HOUR <= fate.at <= 2.5 * HOUR]
    inside = [fate for fate in found.ledger.fates if fate.at > 1.5 * HOUR]
    ended = [fate for fate in inside if fate.outcome is not Outcome.OPEN]
    assert [fate.at for fate in inside] == [fate.at for fate in whole]
    assert [fate for fate in whole if fate.ended <= 2.5 * HOUR] == ended
    talking = [call for call in found.calls if not call.counted]
    assert talking, "somebody talks in the middle of the day"
    assert all(call.comes.agent for call in talking)


def test_a_replay_on_the_same_floor_is_like_the_day_itself() -> None:
    on = a_floor()
    played = a_day(on)
    fitted = fit(read_back(played.log), on)
    assert (fitted.dropped, fitted.unknown, fitted.added) == (0, (), ())
    runs = [count(replay(fitted, seed, 1800).play(), on) for seed in range(10)]
    was = count(played.ledger, on).queues["sales"]
    again = summarise(runs, on).queues["sales"]
    assert again.offered.value == was.offered
    assert again.answered.value == pytest.approx(was.answered, rel=0.05)
    level = again.levels[m.Formula.ALL_ENDED]
    assert level is not None
    assert level.value == pytest.approx(was.in_target / was.offered, abs=0.06)


def test_more_agents_answer_more_and_fewer_answer_less() -> None:
    recording = read_back(a_day(a_floor()).log)
    answered = []
    for agents in (2, 4, 6):
        on = a_floor(agents)
        fitted = fit(recording, on)
        answered.append(count(replay(fitted, 1, 1800).play(), on).queues["sales"].answered)
    few, same, many = answered
    assert few < same < many
    assert fit(recording, a_floor(2)).unknown == ("1002", "1003")
    assert fit(recording, a_floor(6)).added == ("1004", "1005")


def test_a_queue_that_the_floor_does_not_have_loses_its_calls_and_says_so() -> None:
    recording = read_back(a_day(a_floor()).log)
    on = a_floor()
    without = replace(
        on, queues=on.queues[:1], agents=tuple(replace(a, queues=("sales",)) for a in on.agents)
    )
    fitted = fit(recording, without)
    assert fitted.dropped == sum(call.comes.queue == "care" for call in recording.calls)
    assert {fate.queue for fate in replay(fitted, 1, 1800).play().fates} == {"sales"}


def test_patience_of_those_answered_is_at_least_their_wait() -> None:
    recording = read_back(a_day(a_floor()).log)
    fitted = fit(recording, a_floor(1))
    seen = {call.comes.call: call for call in fitted.calls}
    hung_up = 0
    for fate, (call, known) in zip(replay(fitted, 1, 1800).play().fates, seen.items(), strict=True):
        if fate.outcome is Outcome.ABANDONED and known.fate.outcome is Outcome.ANSWERED:
            hung_up += 1
            assert fate.wait >= known.fate.wait, call
    assert hung_up > 10


def test_the_mean_patience_is_all_waits_by_those_who_hung_up() -> None:
    """Known callers have a mean patience of 90 s; hundreds of them tell it to a fifth."""
    recording = read_back(a_day(a_floor(2)).log)
    patience = fit(recording, a_floor()).patience
    assert patience["sales"] == pytest.approx(90, rel=0.2)


def test_when_nobody_hung_up_nobody_does() -> None:
    desk = Desk(m.Queue("sales"), agents={"1001": "sales"})
    events = [m.LoggedIn(START, "1001"), *one_call("a", START + 1)]
    recording = recorded(desk, events, START + 100)
    assert fit(recording, desk.engine.floor).patience == {"": inf}


def one_call(call: str, at: float) -> list[m.Event]:
    """Answered after 5 s, ten seconds of talk."""
    return [
        m.CallQueued(at, call, call, "sales", {}, 0, at),
        m.OfferAnswered(at + 5, f"{call}-1"),
        m.AgentReleased(at + 15, f"{call}-1"),
    ]


def recorded(desk: Desk, events: Iterable[m.Event], ends: float) -> Recording:
    floor = m.FloorLoaded(START, desk.engine.floor)
    return record(Engine(), [floor, *events], START, ends, 1800)


def test_a_wrap_up_that_was_ended_early_is_ended_early_again() -> None:
    desk = Desk(m.Queue("sales", wrap_up_seconds=20), agents={"1001": "sales"})
    events = [
        m.LoggedIn(START, "1001"),
        *one_call("a", START + 1),
        m.Readied(START + 20, "1001"),
    ]
    recording = recorded(desk, events, START + 100)
    assert [call.wraps for call in recording.calls] == [4]
    assert not any(isinstance(move, m.Readied) for move in recording.moves)
    duty = replay(fit(recording, desk.engine.floor), 1, 1800).play().duty["1001"]
    assert duty.busy == 14


def test_a_callback_is_no_abandon_and_its_work_remains() -> None:
    queue = m.Queue("sales", wrap_up_seconds=0, leave_when_empty=None)
    desk = Desk(queue, agents={"1001": "sales"})
    at = START + 10
    events = [
        m.CallQueued(at, "a", "a", "sales", {}, 0, at),
        m.CallbackAsked(at + 4, "a", "anna"),
        m.LoggedIn(at + 60, "1001"),
        m.CustomerAnswered(at + 70, "a"),
        m.OfferAnswered(at + 75, "a-1"),
        m.AgentReleased(at + 105, "a-1"),
    ]
    recording = recorded(desk, events, START + 1000)
    assert recording.notes == {"callbacks": 1}
    assert [fate.outcome for fate in recording.ledger.fates] == [Outcome.OTHER]
    played = replay(fit(recording, desk.engine.floor), 1, 1800).play()
    assert played.duty["1001"].busy == 30


def test_who_is_answered_before_asking_for_a_callback_is_not_called_back() -> None:
    desk = Desk(m.Queue("sales", wrap_up_seconds=0), agents={"1001": "sales"})
    at = START + 10
    events = [
        m.CallQueued(at, "a", "a", "sales", {}, 0, at),
        m.CallbackAsked(at + 4, "a", "anna"),
    ]
    recording = recorded(desk, [*events, m.Ticked(at + 50)], START + 1000)
    more = replace(desk.engine.floor, agents=(m.Agent("1002", queues=("sales",)),))
    played = replay(fit(recording, more), 1, 1800).play()
    assert [(fate.outcome, fate.wait) for fate in played.fates] == [(Outcome.ANSWERED, 0)]
    assert played.duty["1002"].busy == USUAL_TALK


def test_a_call_comes_to_its_second_queue_only_if_the_first_ends_as_it_did() -> None:
    """A flow that sends callers on must not send on those who are answered this time."""
    queues = (m.Queue("sales", wrap_up_seconds=0, max_wait=60), m.Queue("care"))
    desk = Desk(*queues, agents={"1001": "care"})
    at = START + 10
    waits = [m.CallQueued(at, "a", "a", "sales", {}, 0, at), m.Ticked(at + 60)]
    again = m.CallQueued(at + 61, "a", "a", "care", {}, 0, at)
    events = [m.LoggedIn(START, "1001"), *waits, again, m.OfferAnswered(at + 62, "a-1")]
    eager = replace(queues[0], leave_when_unskilled=None, leave_when_empty=None)
    desk.load(eager, queues[1])
    recording = recorded(desk, events, START + 1000)
    assert [call.after for call in recording.calls] == [None, Outcome.SENT_ON]
    same, more = (
        desk.engine.floor,
        replace(
            desk.engine.floor,
            agents=(*desk.engine.floor.agents, m.Agent("1002", queues=("sales",))),
        ),
    )
    outcomes = [
        [(fate.queue, fate.outcome) for fate in replay(fit(recording, on), 1, 1800).play().fates]
        for on in (same, more)
    ]
    assert outcomes == [
        [("sales", Outcome.SENT_ON), ("care", Outcome.ANSWERED)],
        [("sales", Outcome.ANSWERED)],
    ]


def test_a_transfer_is_one_talk_and_another_call() -> None:
    desk = Desk(m.Queue("sales"), m.Queue("care"), agents={"1001": "sales", "1002": "care"})
    at = START + 10
    events = [
        m.LoggedIn(START, "1001"),
        m.LoggedIn(START, "1002"),
        m.CallQueued(at, "a", "a", "sales", {}, 0, at),
        m.OfferAnswered(at + 2, "a-1"),
        m.CallTransferred(at + 30, "a-1", "a2", "care"),
        m.OfferAnswered(at + 33, "a2-2"),
        m.AgentReleased(at + 40, "a2-2"),
    ]
    recording = recorded(desk, events, START + 100)
    assert recording.notes == {"transfers": 1}
    assert [(call.comes.queue, call.talk) for call in recording.calls] == [
        ("sales", 28),
        ("care", 7),
    ]


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_can_be_read_back_and_replayed(seed: int) -> None:
    dice = random.Random(seed)
    world = World(dice, thorough=False)
    log: list[m.Event] = [m.FloorLoaded(START, world.engine.floor)]
    log += [m.LoggedIn(START, agent.id) for agent in world.engine.floor.agents]
    do = world.do

    def keep(event: m.Event) -> None:
        try:
            world.engine.check(event)
        except AcdError:
            return
        log.append(event)
        do(event)

    world.do = keep  # type: ignore[method-assign]  # a world that keeps a journal
    for _ in range(600):
        step(world, dice.choice(list(ACTIONS)), dice)
    assert all(before.at <= after.at for before, after in pairwise(log))
    recording = record(Engine(), log, START + 0.4 * (world.now - START), world.now, 1800)
    assert "entries that were refused" not in recording.notes
    rows = world.engine.calls_view(world.now)
    waiting = {row.call for row in rows if row.state != "talking" and not row.consults}
    still = {call.comes.call for call in recording.calls if call.fate.outcome is Outcome.OPEN}
    callbacks = {call.comes.call for call in recording.calls if call.callback}
    assert still <= waiting <= still | callbacks
    for floor in (recording.floor, world.engine.floor):
        fates = replay(fit(recording, floor), seed, 1800).play().fates
        assert len(fates) <= len(recording.calls)
