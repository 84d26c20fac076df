"""Promises, distributor and telephone: nobody is forgotten, and nobody is dialled twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from acd.model import AgentState, CallQueued, Cause, First
from ivr.backends.do_not_call import Refusal, refuse
from ivr.threads.book import Kind, Thread
from tests.callbacks.house import House


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    yield house
    await house.close()


async def test_a_promise_waits_in_its_place_and_is_dialled_once_its_line_is_over(
    house: House,
) -> None:
    contact = house.caller("c-1")
    await house.promise("c-1")
    await house.log_in("1001")
    assert house.dials() == [], "they are on the line with us"
    assert house.agent("1001").state is AgentState.READY
    house.legs.caller_left(contact)
    await house.settled()
    (row,) = house.calls()
    assert house.dials() == [f"callback-{row.offer}"]
    assert (contact.phase, contact.dial) == ("callback", row.offer)
    assert house.kinds("c-1") == ["callback_asked", "line_ended", "callback_dialled"]


async def test_callbacks_starve_no_live_caller_and_jump_no_line(house: House) -> None:
    house.distributor.send(CallQueued(house.now, "live.1", "live", "sales", {}, 0, house.now))
    house.now += 5
    await house.asks("c-1")
    await house.log_in("1001")
    assert house.dials() == []
    assert house.agent("1001").call == "live.1"


async def test_no_customer_is_dialled_twice_however_often_it_is_told(house: House) -> None:
    contact = await house.asks("c-1", "+49301")
    house.caller("c-2")
    assert "has a callback already" in str(await house.promise("c-2", "+49301"))
    house.ami.lost = True
    await house.log_in("1001", "1002")
    assert len(house.dials()) == 1
    assert house.doubts == 1, "whoever knows is Asterisk"
    house.dialler.reconcile([house.channel(house.dials()[0])])
    assert contact.dial
    await house.again()
    house.dialler.reconcile([house.channel(house.dials()[0])])
    await house.later(20)
    assert len(house.dials()) == 1


async def test_no_more_customers_are_dialled_than_agents_are_kept_for_them(house: House) -> None:
    for number in range(5):
        await house.asks(f"c-{number}")
    await house.log_in("1001", "1002")
    assert len(house.dials()) == 2
    assert {house.agent(each).state for each in ("1001", "1002")} == {AgentState.OFFERED}


async def test_a_dial_whose_channel_is_not_there_is_lost_and_costs_no_attempt(
    house: House,
) -> None:
    contact = await house.asks("c-1")
    house.ami.lost = True
    await house.log_in("1001")
    house.dialler.reconcile([])
    assert house.doubts == 2, "it may still come"
    house.now += 5
    house.dialler.reconcile([])
    assert (contact.dial, house.agent("1001").state) == ("", AgentState.READY)
    assert house.calls()[0].attempts == 0


@pytest.mark.parametrize(("q850", "cause"), [(17, "busy"), (19, "no_answer"), (34, "unreachable")])
async def test_a_customer_who_is_not_reached_frees_the_agent_and_is_tried_again(
    house: House, q850: int, cause: str
) -> None:
    contact = await house.asks("c-1")
    await house.log_in("1001")
    (channel,) = house.dials()
    house.dialler.not_reached(channel, "", Cause.UNREACHABLE)
    assert house.dialler.gone(channel, "c-1", q850), "the channel knows why"
    await house.settled()
    agent = house.agent("1001")
    assert (agent.state, agent.streak, contact.phase) == (AgentState.READY, 0, "callback")
    told = [each.data for each in house.told if each.kind == "callback_unreached"]
    assert told == [{"cause": cause}]
    await house.later(300)
    assert len(house.dials()) == 2


async def test_never_reached_the_contact_ends_so_and_the_promise_is_given_up(house: House) -> None:
    await house.asks("c-1")
    await house.log_in("1001")
    for _ in range(3):
        house.dialler.gone(house.dials()[-1], "c-1", 17)
        await house.later(300)
    assert house.told[-1].data["outcome"] == "unreached"
    assert (house.contacts.get("c-1"), await house.promises.waiting()) == (None, [])
    await house.again()
    assert (house.calls(), len(house.dials())) == ([], 3)


async def test_hours_and_the_list_of_those_not_to_call_count_at_the_moment_of_dialling(
    house: House,
) -> None:
    await house.asks("c-1")
    await house.asks("c-2", "+49302")
    house.opens_at = house.now + 100
    refuse(house.store.path, Refusal("+49302", house.now))
    await house.log_in("1001", "1002")
    assert house.dials() == []
    assert {row.contact for row in house.calls()} == {"c-1"}
    assert house.kinds("c-2")[-1] == "ended"
    await house.later(100)
    assert len(house.dials()) == 1


async def test_agent_first_the_agent_takes_it_and_only_then_somebody_is_dialled(
    tmp_path: Path,
) -> None:
    house = House(tmp_path, First.AGENT)
    contact = await house.asks("c-1")
    await house.log_in("1001")
    (row,) = house.calls()
    offer = row.offer or ""
    assert house.dials() == [f"agent-{offer}"]
    variables = house.ami.dialled[0]["Variable"]
    assert isinstance(variables, dict)
    assert variables["PJSIP_HEADER(add,X-Tieline-Contact)"] == "c-1"
    house.legs.ringing(offer, "PJSIP/1001-1")
    order = await house.dialler.taken(contact, offer)
    assert order is not None
    assert (contact.phase, contact.dial) == ("callback", offer)
    house.dialler.customer_rings("c-1", "PJSIP/trunk-1", "u-far")
    house.dialler.not_reached("u-far", "c-1", Cause.BUSY)
    await house.settled()
    assert house.agent("1001").state is AgentState.READY
    assert house.hung_up == ["PJSIP/1001-1"]
    await house.later(300)
    offer = house.calls()[0].offer or ""
    order = await house.dialler.taken(contact, offer)
    house.dialler.customer_rings("c-1", "PJSIP/trunk-2", "u-far-2")
    house.dialler.customer_answered("c-1")
    await house.settled()
    assert (contact.phase, contact.agent) == ("talking", "1001")
    house.legs.caller_left(contact)
    assert house.told[-1].data["outcome"] == "answered"
    assert await house.promises.waiting() == []
    await house.close()


async def test_killed_between_promise_and_place_it_is_put_in_again(house: House) -> None:
    contact = house.caller("c-1")
    put_in, house.book.put_in = house.book.put_in, _nothing  # type: ignore[method-assign]
    await house.promise("c-1")
    house.book.put_in = put_in  # type: ignore[method-assign]
    house.contacts.end(contact, "left", "caller")
    assert house.calls() == []
    await house.again()
    (row,) = house.calls()
    assert (row.virtual, row.contact) == (True, "c-1")
    await house.again()
    assert len(house.calls()) == 1


async def _nothing(*_: object) -> None:
    return None


async def test_a_place_without_a_promise_is_given_up(house: House) -> None:
    await house.asks("c-1")
    await house.promises.move("p-c-1", "done")
    await house.again()
    assert (house.calls(), house.contacts.get("c-1")) == ([], None)


async def test_what_people_say_of_a_promise_stops_the_dial(house: House) -> None:
    await house.asks("c-1")
    await house.log_in("1001")
    await house.promises.move("p-c-1", "done")
    await house.book.look()
    await house.settled()
    assert house.hung_up == house.dials()
    assert house.told[-1].data["outcome"] == "completed"
    assert (house.calls(), house.agent("1001").state) == ([], AgentState.READY)


async def test_without_a_trunk_promises_are_for_people(house: House) -> None:
    house.trunk = False
    contact = house.caller("c-1")
    assert await house.promise("c-1") is None
    house.legs.caller_left(contact)
    assert (house.calls(), house.contacts.get("c-1")) == ([], None)
    assert len(await house.promises.waiting()) == 1


@pytest.mark.parametrize(
    ("kind", "vouched", "rung"),
    [("chat", False, 0), ("chat", True, 1), ("sms", False, 1)],
    ids=["typed into a form", "the site vouches for it", "they wrote from it"],
)
async def test_a_number_is_the_customers_own_only_where_somebody_answers_for_it(
    house: House, kind: Kind, vouched: bool, rung: int
) -> None:
    """A conversation in letters is promised a call to a number that is on no list."""
    number, house.listed = "+49307", False
    house.threads["c-1"] = Thread(
        "c-1", kind, "visitor", "shop", "site", house.now, number=number, vouched=vouched
    )
    assert await house.promise("c-1", number) is None
    await house.log_in("1001")
    assert len(house.dials()) == rung
    if not rung:
        assert house.told[-1].data["outcome"] == "forbidden"
        assert await house.promises.waiting() == []


async def test_a_caller_who_gives_another_number_than_their_own_is_not_rung_there(
    house: House,
) -> None:
    house.listed = False
    await house.asks("c-1", "+49307")
    await house.log_in("1001")
    assert house.dials() == []
    await house.asks("c-2", "+49301")  # the line they were on
    await house.later(60)
    assert len(house.dials()) == 1
