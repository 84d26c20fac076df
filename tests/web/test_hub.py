"""Events reach whom they concern, once and in order, also after a break."""

from __future__ import annotations

from ivr.web.hub import BEHIND, EVERYBODY, THE_LEADS, Audience, Hub, Reader, for_agents
from ivr.web.roles import Role, Who
from tests.web.house import NOBODY, PEOPLE

ANA = Who("ana", "Ana", frozenset({Role.AGENT}), "1001", "s1")
BEN = Who("ben", "Ben", frozenset({Role.AGENT}), "1002", "s2")
BOSS = Who("boss", "Boss", frozenset({Role.SUPERVISOR}), "", "s3")


def hub() -> Hub:
    return Hub(lambda: 1.0, kept=50)


def heard(reader: Reader) -> list[int]:
    found = []
    while not reader._queue.empty():
        found.append(reader._queue.get_nowait().seq)
    return found


def test_an_event_reaches_only_whom_it_concerns() -> None:
    house = hub()
    ana, ben, boss = (house.join(who)[0] for who in (ANA, BEN, BOSS))
    house.publish("agent", {}, for_agents("1001"))
    house.publish("agent", {}, for_agents("1002", leads=True))
    house.publish("queues", {}, THE_LEADS)
    house.publish("news", {}, EVERYBODY)
    house.publish("letter", {}, Audience(users=frozenset({"boss"})))
    assert [heard(each) for each in (ana, ben, boss)] == [[1, 4], [2, 4], [2, 3, 4, 5]]


def test_a_person_without_agent_hears_nothing_meant_for_no_agent() -> None:
    house = hub()
    reader, _ = house.join(NOBODY)
    house.publish("odd", {}, for_agents(""))
    assert heard(reader) == []


def test_who_comes_back_hears_what_was_missed_and_nothing_twice() -> None:
    house = hub()
    first, reset = house.join(ANA)
    assert reset  # nothing was seen before: everything is to be read
    house.publish("a", {}, EVERYBODY)
    assert heard(first) == [1]
    house.leave(first)
    house.publish("b", {}, for_agents("1002"))
    house.publish("c", {}, for_agents("1001"))
    again, reset = house.join(ANA, f"{house.epoch}-1")
    assert not reset
    assert heard(again) == [3]
    none, reset = house.join(ANA, f"{house.epoch}-3")
    assert (reset, heard(none)) == (False, [])


def test_who_was_away_too_long_or_knew_another_service_begins_anew() -> None:
    house = hub()
    for _ in range(60):
        house.publish("a", {}, EVERYBODY)
    for after in (f"{house.epoch}-9", "00000000-59", f"{house.epoch}-999", "x", f"{house.epoch}-x"):
        assert house.join(ANA, after)[1], after
    assert not house.join(ANA, f"{house.epoch}-10")[1]


def test_a_reader_that_falls_behind_is_noticed_and_holds_up_nobody() -> None:
    house = hub()
    slow, quick = house.join(ANA)[0], house.join(BEN)[0]
    for _ in range(BEHIND + 1):
        house.publish("a", {}, EVERYBODY)
        heard(quick)
    assert slow.overrun.is_set()
    assert not quick.overrun.is_set()


def test_the_end_of_a_session_closes_its_connections_alone() -> None:
    house = hub()
    ana, ben = house.join(ANA)[0], house.join(BEN)[0]
    house.end(session="s1")
    assert (ana.ended.is_set(), ben.ended.is_set()) == (True, False)
    house.end(user="ben")
    assert ben.ended.is_set()


def test_what_nobody_watches_need_not_be_made() -> None:
    house = hub()
    assert not house.watched(THE_LEADS)
    reader, _ = house.join(PEOPLE["supervisor"])
    assert house.watched(THE_LEADS)
    house.leave(reader)
    assert not house.watched(THE_LEADS)
    assert len(house) == 0
