"""The index of calls and agents, alone and under load."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from acd.agents import AgentRecord
from acd.floor import Agent
from acd.matching import Matcher
from acd.order import Entry
from acd.pools import Presence, Wish, can_ever_serve

ANY = Wish("sales", (), None)


def matcher(*agents: str) -> Matcher:
    made = Matcher(Agent(name, queues=("sales",)) for name in agents)
    for name in agents:
        made.set_presence(name, Presence.PRESENT)
    return made


def settled(index: Matcher, freed: tuple[str, ...] = (), fresh: tuple[str, ...] = ()) -> list[str]:
    return [f"{call}-{agent}" for call, agent in index.settle(freed, fresh)]


levels = st.dictionaries(st.sampled_from("abc"), st.integers(1, 3))


@given(
    agents=st.lists(levels, max_size=6),
    needs=levels,
    queue=st.sampled_from(["sales", "nowhere"]),
    one=st.sampled_from([None, None, "1", "99"]),
)
def test_a_pool_holds_exactly_the_agents_who_can_ever_serve(
    agents: list[dict[str, int]], needs: dict[str, int], queue: str, one: str | None
) -> None:
    floor = [Agent(str(n), queues=("sales",), skills=skills) for n, skills in enumerate(agents)]
    wish = Wish.of(queue, needs, one)
    expected = {agent.id for agent in floor if can_ever_serve(agent, wish)}
    assert set(Matcher(floor).pool(wish).eligible) == expected


def test_equal_numbers_go_by_arrival_and_equal_idle_times_by_agent() -> None:
    index = matcher("1002", "1001")
    index.add_call(Entry(0.0, 5.0, 2, "later"), ANY)
    index.add_call(Entry(0.0, 5.0, 1, "sooner"), ANY)
    for agent in ("1002", "1001"):
        index.set_ready(agent, AgentRecord(Agent(""), idle_since=7.0))
    assert settled(index, ("1002", "1001")) == ["sooner-1001", "later-1002"]


def test_heaps_do_not_grow_with_calls_that_come_and_go_behind_a_stuck_one() -> None:
    index = matcher("1001")
    index.add_call(Entry(0.0, 0.0, 0, "stuck"), ANY)
    for n in range(1, 2000):
        index.add_call(Entry(0.0, float(n), n, f"c{n}"), ANY)
        index.remove_call(f"c{n}")
    (group,) = index.pool(ANY).groups.values()
    assert len(group.heap) < 100
    assert group.head is not None
    assert group.head.call == "stuck"


def test_heaps_do_not_grow_with_agents_who_come_and_go() -> None:
    index = matcher("1001", "1002")
    pool = index.pool(ANY)
    for n in range(2000):
        index.set_ready("1001", AgentRecord(Agent(""), idle_since=float(n)))
        assert settled(index, ("1001",)) == []
        index.set_unready("1001")
    assert len(pool.ready) < 100


def test_pools_nobody_asks_for_any_more_are_forgotten() -> None:
    index = matcher("1001")
    for n in range(5000):
        index.add_call(Entry(0.0, 0.0, n, f"c{n}"), Wish("sales", (("s", n),), None))
        index.add_call(Entry(0.0, 0.0, n, f"d{n}"), Wish("sales", (), "1001"))
        index.remove_call(f"c{n}")
        index.remove_call(f"d{n}")
    assert len(index._pools) < 2100
    assert len(index._serves["1001"]) < 2100
    index.set_ready("1001", AgentRecord(Agent(""), idle_since=1.0))
    assert settled(index, ("1001",)) == []
    index.add_call(Entry(0.0, 0.0, 1, "now"), ANY)
    assert settled(index, (), ("now",)) == ["now-1001"]


def test_presence_tells_which_waiting_pools_changed() -> None:
    index = matcher("1001", "1002")
    index.add_call(Entry(0.0, 0.0, 1, "a"), ANY)
    assert index.set_presence("1001", Presence.AWAY) == []
    assert index.logged_in("sales")
    assert [pool.wish for pool in index.set_presence("1002", Presence.PAUSED)] == [ANY]
    assert [pool.presence for pool in index.set_presence("1002", Presence.AWAY)] == [Presence.AWAY]
    assert not index.logged_in("sales")
