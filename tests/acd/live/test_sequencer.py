"""The leader: written before it takes effect, in one order, and commands posted once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from acd import model as m
from acd.errors import IllegalEvent
from acd.live.memory import House, MemoryStore
from acd.live.replica import Replica
from acd.live.sequencer import Sequencer
from acd.live.store import Fenced, Post, SharedChange, WentBack
from acd.model import AgentState as S
from tests.acd.live.floor import FLOOR, Clock, leading, offers, queued, state_of


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def house() -> House:
    return House()


@pytest.fixture
async def leader(house: House, clock: Clock) -> AsyncIterator[Sequencer]:
    async with leading(MemoryStore(house), clock) as made:
        await made.send(m.FloorLoaded(clock(), FLOOR))
        yield made


async def follower(house: House) -> Replica:
    made = Replica()
    await made.restore(MemoryStore(house))
    return made


async def test_an_event_is_in_the_store_before_anyone_hears_of_it(
    leader: Sequencer, house: House, clock: Clock
) -> None:
    heard: list[int] = []
    leader.replica.on_entry = lambda _: heard.append(house.contents.last["engine"])
    await leader.send(m.LoggedIn(clock(), "1001"))
    assert heard == [2]


async def test_an_impossible_event_is_refused_alike_everywhere(
    leader: Sequencer, house: House, clock: Clock
) -> None:
    with pytest.raises(IllegalEvent):
        await leader.send(m.CallLeft(clock(), "nobody"))
    await leader.send(m.LoggedIn(clock(), "1001"))
    other = await follower(house)
    assert other.seq == leader.replica.seq == 3
    assert other.engine.snapshot() == leader.replica.engine.snapshot()


async def test_a_burst_is_judged_one_by_one_in_its_order(
    leader: Sequencer, house: House, clock: Clock
) -> None:
    outcomes = [leader.send(m.LoggedIn(clock(), "1001"))]
    outcomes += [leader.send(queued(clock, f"c{n}")) for n in range(600)]
    outcomes += [leader.send(m.CallLeft(clock(), f"c{n}")) for n in range(0, 600, 2)]
    outcomes += [leader.send(m.CallLeft(clock(), "c0"))]
    results = await asyncio.gather(*outcomes, return_exceptions=True)
    assert isinstance(results[-1], IllegalEvent)
    assert not [each for each in results[:-1] if isinstance(each, BaseException)]
    assert offers(results) == ["c0", "c1"]
    assert (await follower(house)).engine.snapshot() == leader.replica.engine.snapshot()


async def settled(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not so():
            await asyncio.sleep(0.001)


async def test_a_letter_to_the_leader_becomes_one_entry_and_is_gone(
    leader: Sequencer, house: House, clock: Clock
) -> None:
    store = MemoryStore(house)
    taking = asyncio.create_task(leader.take_letters("leader"))
    await store.write(
        Post("leader", {"type": "no such thing"}),
        Post("leader", m.to_json(m.LoggedIn(clock(), "1001"))),
        Post("leader", m.to_json(m.LoggedIn(clock(), "1001"))),
    )
    await settled(lambda: not house.contents.letters["leader"])
    taking.cancel()
    found = [entry.body["type"] for entry in await store.read("engine")]
    assert found == ["FloorLoaded", "LoggedIn", "LoggedIn"]
    assert state_of(leader.replica, "1001") is S.READY


async def test_time_in_the_stream_never_goes_back_nor_ahead_of_the_leader(
    leader: Sequencer, house: House, clock: Clock
) -> None:
    await leader.send(m.LoggedIn(clock.time - 500, "1001"))
    await leader.send(m.LoggedIn(clock.time + 500, "1002"))
    times = [entry.at for entry in await MemoryStore(house).read("engine")]
    assert times == [clock.time] * 3


async def test_time_goes_on_from_where_the_last_leader_had_come(house: House, clock: Clock) -> None:
    async with leading(MemoryStore(house), clock) as first:
        await first.send(m.FloorLoaded(clock(), FLOOR))
    slow = Clock(clock.time - 100)
    async with leading(MemoryStore(house), slow, await follower(house)) as second:
        assert second.now() == clock.time
        slow.time += 5
        assert second.now() == clock.time + 5


async def test_a_deadline_is_an_entry_like_any_other(house: House) -> None:
    loop = asyncio.get_running_loop()
    store = MemoryStore(house)
    async with leading(store, loop.time) as leader:
        queue = m.Queue("sales", leave_when_empty=0.02)
        await leader.send(m.FloorLoaded(leader.now(), m.Floor((queue,), ())))
        await leader.send(queued(leader.now, "a/1"))
        await settled(lambda: not leader.replica.engine.has_call("a/1"))
    types = [entry.body["type"] for entry in await store.read("engine")]
    assert types == ["FloorLoaded", "CallQueued", "Ticked"][-len(types) :]
    assert (await follower(house)).engine.snapshot() == leader.replica.engine.snapshot()


async def test_a_snapshot_now_and_then_keeps_the_stream_short(house: House, clock: Clock) -> None:
    store = MemoryStore(house)
    async with leading(store, clock, snapshot_every=50) as leader:
        await leader.send(m.FloorLoaded(clock(), FLOOR))
        for n in range(200):
            await leader.send(queued(clock, f"a/{n}"))
        assert len(house.contents.streams["engine"]) <= 60
        other = await follower(house)
        assert other.engine.snapshot() == leader.replica.engine.snapshot()


async def test_finishing_leaves_nothing_unwritten_and_a_snapshot(
    house: House, clock: Clock
) -> None:
    async with leading(MemoryStore(house), clock) as leader:
        outcomes = [leader.send(m.FloorLoaded(clock(), FLOOR))]
        outcomes += [leader.send(m.LoggedIn(clock(), "1001")), leader.send(queued(clock, "a/1"))]
        leader.finish()
        with pytest.raises(Fenced):
            await leader.send(queued(clock, "a/2"))
        await asyncio.gather(*outcomes)
    kept = await MemoryStore(house).snapshot()
    assert kept is not None
    assert kept.seq == 3


async def test_who_is_fenced_off_applies_nothing_it_could_not_write(
    leader: Sequencer, house: House, clock: Clock
) -> None:
    before = leader.replica.engine.snapshot()
    await MemoryStore(house, 9).write()
    with pytest.raises(Fenced):
        await leader.send(m.LoggedIn(clock(), "1001"))
    with pytest.raises(Fenced):
        await leader.send(m.LoggedIn(clock(), "1002"))
    assert leader.replica.engine.snapshot() == before


async def test_a_store_that_forgot_is_given_what_took_effect(house: House, clock: Clock) -> None:
    class Forgetful(MemoryStore):
        forgets = False

        async def write(self, *changes: SharedChange) -> list[int]:
            if self.forgets:
                self.forgets = False
                raise WentBack("the store ends at 1, and 2 was written")
            return await super().write(*changes)

    store = Forgetful(house)
    async with leading(store, clock) as leader:
        await leader.send(m.FloorLoaded(clock(), FLOOR))
        await leader.send(m.LoggedIn(clock(), "1001"))
        store.forgets = True
        await leader.send(queued(clock, "a/1"))
        other = await follower(house)
        assert other.engine.snapshot() == leader.replica.engine.snapshot()


async def test_an_event_json_cannot_carry_is_refused_alone(
    leader: Sequencer, house: House, clock: Clock
) -> None:
    odd = m.CallQueued(clock(), "a/1", "k", "sales", {}, 0, float("nan"))
    outcomes = [leader.send(m.LoggedIn(clock(), "1001")), leader.send(odd)]
    outcomes += [leader.send(queued(clock, "a/2"))]
    results = await asyncio.gather(*outcomes, return_exceptions=True)
    assert [type(each) for each in results] == [list, ValueError, list]
    assert offers(results) == ["a/2"]
