"""The shell of the engine: journal first, commands in order, time from one timer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from acd import model as m
from acd.distributor import Distributor, steady_clock
from acd.errors import IllegalEvent, JournalDamaged
from acd.journal import Journal
from acd.model import AgentState as S

FLOOR = m.Floor(
    (m.Queue("sales", wrap_up_seconds=0, leave_when_empty=None),),
    (m.Agent("1001", queues=("sales",)), m.Agent("1002", queues=("sales",))),
)


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.db") as made:
        yield made


@pytest.fixture
def distributor(journal: Journal, clock: Clock) -> Distributor:
    made = Distributor(journal, clock)
    made.send(m.FloorLoaded(clock(), FLOOR))
    return made


@pytest.fixture
async def running(journal: Journal) -> AsyncIterator[Distributor]:
    """One on real time."""
    made = Distributor(journal)
    made.send(m.FloorLoaded(made.now(), FLOOR))
    made.start()
    yield made
    await made.stop()


def queued(d: Distributor, call: str, **more: Any) -> m.CallQueued:
    at = d.now()
    return m.CallQueued(at, call, f"k-{call}", "sales", {}, 0, at, **more)


def entries(journal: Journal) -> list[str]:
    return [entry.body["type"] for entry in journal.read("engine")]


def state_of(d: Distributor, agent: str) -> S:
    return next(row.state for row in d.engine.agents_view(d.now()) if row.agent == agent)


def offers(commands: list[m.Command]) -> list[str]:
    return [command.offer for command in commands if isinstance(command, m.MakeOffer)]


def restarted(journal: Journal, clock: Clock) -> Distributor:
    made = Distributor(journal, clock)
    made.recover()
    return made


# --- journal first -------------------------------------------------------------------------------


def test_a_refused_event_is_not_in_the_journal(distributor: Distributor, journal: Journal) -> None:
    with pytest.raises(IllegalEvent):
        distributor.send(m.CallLeft(1.0, "nobody"))
    assert entries(journal) == ["FloorLoaded"]


def test_an_event_the_disk_refuses_has_changed_nothing(
    distributor: Distributor, monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    def full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(journal, "append", full)
    with pytest.raises(sqlite3.OperationalError):
        distributor.send(m.LoggedIn(1.0, "1001"))
    assert state_of(distributor, "1001") is S.LOGGED_OUT


def test_an_event_is_on_disk_before_anyone_hears_of_it(
    distributor: Distributor, journal: Journal
) -> None:
    heard: list[list[str]] = []
    distributor.subscribe(lambda _command: heard.append(entries(journal)))
    distributor.send(m.LoggedIn(1.0, "1001"))
    assert heard == [["FloorLoaded", "LoggedIn"]]


# --- recovery ------------------------------------------------------------------------------------


@pytest.mark.parametrize("snapshot_after", [None, 1, 3])
def test_a_restarted_distributor_stands_where_the_old_one_fell(
    distributor: Distributor, journal: Journal, clock: Clock, snapshot_after: int | None
) -> None:
    events: list[m.Event] = [
        m.LoggedIn(1001.0, "1001"),
        queued(distributor, "a"),
        m.OfferAnswered(1002.0, "a-1"),
        queued(distributor, "b"),
        m.LoggedIn(1003.0, "1002"),
    ]
    for number, event in enumerate(events):
        distributor.send(event)
        if number == snapshot_after:
            distributor._keep_snapshot()
    again = Distributor(journal, clock)
    replayed = again.recover()
    assert again.engine.snapshot() == distributor.engine.snapshot()
    assert replayed == (len(events) + 1 if snapshot_after is None else 4 - snapshot_after)
    answer = m.OfferAnswered(1004.0, "b-2")
    assert again.send(answer) == distributor.engine.handle(answer)


def test_an_entry_this_version_refuses_is_left_out_and_the_rest_is_kept(
    distributor: Distributor, journal: Journal, clock: Clock
) -> None:
    journal.append("engine", 1.0, m.to_json(m.CallLeft(1.0, "nobody")))
    journal.append("engine", 2.0, m.to_json(m.LoggedIn(2.0, "1001")))
    again = restarted(journal, clock)
    assert state_of(again, "1001") is S.READY


@pytest.mark.parametrize(
    "body",
    [{"type": "Gossip"}, {"type": "CallExits", "call": "a", "reason": "full", "detail": ""}],
)
def test_an_entry_that_is_no_event_is_damage(
    distributor: Distributor, journal: Journal, clock: Clock, body: dict[str, str]
) -> None:
    journal.append("engine", 1.0, body)
    with pytest.raises(JournalDamaged, match="entry 2"):
        restarted(journal, clock)


@pytest.mark.parametrize("body", [{}, {"version": 99}, {"version": 1, "state": {"odd": 1}}])
def test_a_snapshot_that_cannot_be_read_is_damage(
    journal: Journal, clock: Clock, body: dict[str, object]
) -> None:
    journal.save_snapshot(0, 1.0, body)
    with pytest.raises(JournalDamaged, match="snapshot"):
        restarted(journal, clock)


def test_what_is_alive_puts_a_restarted_engine_right(
    distributor: Distributor, journal: Journal, clock: Clock
) -> None:
    agents = tuple(m.Agent(str(1001 + n), queues=("sales",)) for n in range(5))
    distributor.send(m.FloorLoaded(clock(), m.Floor(FLOOR.queues, agents)))
    for agent in agents:
        distributor.send(m.LoggedIn(clock(), agent.id))
    for call in ("talks", "ended", "answered", "vanished", "gone_ringing", "waits", "gone_waiting"):
        distributor.send(queued(distributor, call))
    distributor.send(m.OfferAnswered(clock(), "talks-1"))
    distributor.send(m.OfferAnswered(clock(), "ended-2"))

    again = restarted(journal, clock)
    alive = {"talks", "ended", "answered", "vanished", "waits"}
    heard: list[m.Command] = []
    again.subscribe(heard.append)
    again.reconcile(alive, {"talks-1": True, "answered-3": True})
    rows = {row.call: (row.state, row.agent) for row in again.engine.calls_view(clock())}
    assert rows["talks"] == ("talking", "1001")
    assert rows["answered"] == ("talking", "1003")
    assert rows.keys() == {"talks", "answered", "vanished", "waits"}
    assert {rows["vanished"][0], rows["waits"][0]} == {"offered"}
    assert not [c for c in heard if isinstance(c, m.MakeOffer) and c.call not in alive]
    (queue,) = again.engine.queues_view(clock())
    assert queue.abandoned == 2


def test_callbacks_outlive_a_restart_and_a_dial_nobody_saw_end_is_no_attempt(
    distributor: Distributor, journal: Journal, clock: Clock
) -> None:
    for call in ("dialled", "waits"):
        distributor.send(queued(distributor, call))
        distributor.send(m.CallbackAsked(clock(), call, f"customer of {call}"))
    distributor.send(m.LoggedIn(clock(), "1001"))
    again = restarted(journal, clock)
    heard: list[m.Command] = []
    again.subscribe(heard.append)
    again.reconcile(set(), {})
    rows = {row.call: (row.virtual, row.state) for row in again.engine.calls_view(clock())}
    assert rows == {"dialled": (True, "waiting"), "waits": (True, "offered")}
    dials = [command for command in heard if isinstance(command, m.DialCustomer)]
    assert [(dial.call, dial.attempt) for dial in dials] == [("waits", 1)]
    (queue,) = again.engine.queues_view(clock())
    assert queue.abandoned == 0


async def test_reconciling_what_is_all_well_changes_nothing(
    distributor: Distributor, clock: Clock, journal: Journal
) -> None:
    distributor.send(m.LoggedIn(clock(), "1001"))
    distributor.send(queued(distributor, "a"))
    distributor.send(queued(distributor, "b"))
    before = entries(journal)
    distributor.reconcile({"a", "b"}, {"a-1": False})
    assert entries(journal) == before


# --- commands ------------------------------------------------------------------------------------


def test_a_subscriber_that_sends_does_not_break_the_order_for_others(
    distributor: Distributor, clock: Clock
) -> None:
    def answers(command: m.Command) -> None:
        if isinstance(command, m.MakeOffer):
            distributor.send(m.OfferAnswered(clock(), command.offer))

    heard: list[str] = []
    distributor.subscribe(answers)
    distributor.subscribe(
        lambda c: heard.append(c.state if isinstance(c, m.AgentChanged) else type(c).__name__)
    )
    distributor.send(m.LoggedIn(clock(), "1001"))
    distributor.send(queued(distributor, "a"))
    assert heard == ["ready", "offered", "MakeOffer", "talking"]


def test_a_broken_subscriber_does_not_keep_commands_from_the_others(
    distributor: Distributor, clock: Clock
) -> None:
    def broken(_command: m.Command) -> None:
        raise ZeroDivisionError

    heard: list[m.Command] = []
    distributor.subscribe(broken)
    end = distributor.subscribe(heard.append)
    distributor.send(m.LoggedIn(clock(), "1001"))
    assert len(heard) == 1
    end()
    distributor.send(m.LoggedIn(clock(), "1002"))
    assert len(heard) == 1


async def test_a_mailbox_gets_the_commands_of_its_call_only(
    distributor: Distributor, clock: Clock
) -> None:
    distributor.send(m.LoggedIn(clock(), "1001"))
    with distributor.watch("a") as box:
        distributor.send(queued(distributor, "a"))
        distributor.send(queued(distributor, "b"))
        made = await box.get()
        assert isinstance(made, m.MakeOffer)
        assert box.get_nowait() is None
        distributor.send(m.CallWithdrawn(clock(), "a"))
        assert isinstance(box.get_nowait(), m.CancelOffer)
        assert box.get_nowait() == m.CallExits("a", m.Exit.WITHDRAWN)
    assert distributor._dispatch._boxes == {}
    box.close()


# --- time ----------------------------------------------------------------------------------------


async def test_a_lease_runs_out_by_itself(
    running: Distributor, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acd.offering.LEASE_MARGIN", 0.01)
    floor = m.Floor((m.Queue("sales", ring_seconds=0.03),), FLOOR.agents)
    running.send(m.FloorLoaded(running.now(), floor))
    running.send(m.LoggedIn(running.now(), "1001"))
    with running.watch("a") as box:
        running.send(queued(running, "a"))
        assert isinstance(await box.get(), m.MakeOffer)
        cancelled = await asyncio.wait_for(box.get(), 2)
    assert isinstance(cancelled, m.CancelOffer)
    assert cancelled.reason is m.Cancel.EXPIRED
    assert entries(journal)[-1] == "Ticked"


async def test_a_nearer_deadline_is_not_missed_behind_a_far_one(running: Distributor) -> None:
    with running.watch("far") as far, running.watch("near") as near:
        running.send(queued(running, "far", max_wait=0.2))
        running.send(queued(running, "near", max_wait=0.05))
        assert await asyncio.wait_for(near.get(), 2) == m.CallExits("near", m.Exit.TIMEOUT)
        assert far.get_nowait() is None
        assert await asyncio.wait_for(far.get(), 2) == m.CallExits("far", m.Exit.TIMEOUT)


def test_what_is_due_at_once_disturbs_nobody_on_uvloop(journal: Journal, clock: Clock) -> None:
    async def two_in_one_turn() -> None:
        made = Distributor(journal, clock)
        made.send(m.FloorLoaded(clock(), FLOOR))
        made.start()
        with made.watch("a") as box:
            made.send(queued(made, "a", max_wait=0.0001))
            made.send(queued(made, "b"))
            clock.time += 1
            assert await asyncio.wait_for(box.get(), 2) == m.CallExits("a", m.Exit.TIMEOUT)
        await made.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(two_in_one_turn())


async def test_an_idle_distributor_writes_nothing(running: Distributor, journal: Journal) -> None:
    running.send(queued(running, "a", max_wait=0.03))
    running.send(m.CallLeft(running.now(), "a"))
    before = entries(journal)
    with running.watch("b") as box:
        running.send(queued(running, "b", max_wait=0.06))
        await asyncio.wait_for(box.get(), 2)
    assert entries(journal) == [*before, "CallQueued", "Ticked"]


async def test_time_goes_on_after_the_disk_was_full(
    running: Distributor, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acd.distributor.TRY_AGAIN_AFTER", 0.01)
    append, refused = journal.append, asyncio.Event()

    def full_once(*given: Any) -> int:
        if refused.is_set():
            return append(*given)
        refused.set()
        raise sqlite3.OperationalError("database or disk is full")

    with running.watch("a") as box:
        running.send(queued(running, "a", max_wait=0.02))
        monkeypatch.setattr(journal, "append", full_once)
        assert await asyncio.wait_for(box.get(), 2) == m.CallExits("a", m.Exit.TIMEOUT)
    assert refused.is_set()


async def test_snapshots_are_taken_on_the_way_and_at_the_end(
    journal: Journal, clock: Clock
) -> None:
    made = Distributor(journal, clock, snapshot_every=4)
    made.start()
    made.send(m.FloorLoaded(clock(), FLOOR))
    for _ in range(4):
        made.send(m.LoggedIn(clock(), "1001"))
        made.send(m.LoggedOut(clock(), "1001"))
    await asyncio.sleep(0)
    kept = journal.snapshot()
    assert kept is not None
    assert kept.seq == 9
    made.send(m.LoggedIn(clock(), "1002"))
    await made.stop()
    kept = journal.snapshot()
    assert kept is not None
    assert kept.seq == 10
    again = Distributor(journal, clock)
    assert again.recover() == 0
    assert state_of(again, "1002") is S.READY


async def test_the_journal_is_checkpointed_in_the_background(
    running: Distributor, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acd.distributor.CHECKPOINT_EVERY", 4)
    for _ in range(3):
        running.send(m.LoggedIn(running.now(), "1001"))
        running.send(m.LoggedOut(running.now(), "1001"))
    assert running._upkeep is not None
    await running._upkeep
    assert journal.writes < 6


def test_a_steady_clock_is_the_wall_clock_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, steady = 5_000_000.0, 100.0
    monkeypatch.setattr("acd.distributor.time.time", lambda: wall)
    monkeypatch.setattr("acd.distributor.time.monotonic", lambda: steady)
    clock = steady_clock()
    assert clock() == 5_000_000.0
    wall, steady = 0.0, 160.0
    assert clock() == 5_000_060.0
