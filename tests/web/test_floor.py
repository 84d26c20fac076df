"""What a supervisor asks, who waits and why, and what they do about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from acd.customers import Audit
from acd.model import AgentState, CallQueued, Channel, Event, OfferAnswered
from ivr.threads.threads import Opening
from tests.web.desk_house import PASSWORD, DeskHouse, until
from tests.web.house import Browser

AT = "/api/floor/calls"


@pytest_asyncio.fixture
async def boss(house: DeskHouse) -> AsyncIterator[Browser]:
    await house.user("boss", ("supervisor",))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        stranger = Browser(session, house.url)
        body = {"name": "boss", "password": PASSWORD}
        answer = await stranger.ask("POST", "/api/session", json=body)
        yield stranger.as_(answer.cookies["tieline"].value)


async def test_why_a_call_waits_is_told_with_what_would_help(
    house: DeskHouse, boss: Browser
) -> None:
    contact = house.call(queue="appointments")
    other = house.call(queue="billing", name="Tom", caller="+8613900139000")
    await house.distributor.settled()
    calls = await (await boss.ask("GET", f"{AT}?queue=appointments")).json()
    (call,) = calls
    assert (call["contact"], call["position"], call["caller_name"]) == (contact, 1, "Mei Lin")
    assert {each["contact"] for each in await (await boss.ask("GET", AT)).json()} == {
        contact,
        other,
    }
    told = await (await boss.ask("GET", f"{AT}/{call['call']}/why")).json()
    explained = told["explained"]
    assert explained["staffing"] == "nobody_logged_in"
    assert explained["counts"]["away"] > 0
    cures = {(each["what"], each["agent"]) for each in explained["changes"]}
    assert ("log_in", "1001") in cures
    (entry,) = await Audit(house.database).entries(what="floor.why")
    assert entry.contact == contact


async def test_a_call_that_rings_or_talks_does_not_wait(house: DeskHouse, boss: Browser) -> None:
    house.log_in("1001")
    contact = house.call(agent="1001")
    await until(lambda: bool(house.offer_of(contact)))
    (call,) = await (await boss.ask("GET", AT)).json()
    assert (call["agent"], call["position"]) == ("1001", None)
    path = f"{AT}/{call['call']}/why"
    answer = await boss.ask("GET", path)
    assert (answer.status, "a phone rings" in (await answer.json())["detail"]) == (409, True)
    house.answer(contact)
    await house.distributor.settled()
    assert await (await boss.ask("GET", AT)).json() == []
    assert (await boss.ask("GET", path)).status == 409
    assert (await boss.ask("GET", f"{AT}/none/why")).status == 404


async def test_who_waits_in_letters_or_at_another_node_is_no_stranger(
    house: DeskHouse, boss: Browser
) -> None:
    opening = Opening("chat", "v-9", "shop", "shop", name="Nora", number="+8613700137000")
    thread = house.threads.begin(opening)
    await house.threads.settled(thread)
    now = house.clock()
    for contact, number, channel in (
        (thread.id, "", Channel.CHAT),
        ("c1-n2", "+8613900139000", Channel.VOICE),
    ):
        call = f"{contact}.t1" if channel is Channel.CHAT else f"{contact}.1"
        house.distributor.send(
            CallQueued(now, call, contact, "billing", {}, 0, now, customer=number, channel=channel)
        )
    await house.distributor.settled()
    told = await (await boss.ask("GET", f"{AT}?queue=billing")).json()
    shown = {each["contact"]: (each["caller"], each["caller_name"]) for each in told}
    assert shown == {
        thread.id: ("+8613700137000", "Nora"),
        "c1-n2": ("+8613900139000", ""),
    }
    assert house.web.feed._house.whom("c1-n2") == ("+8613900139000", "")
    assert house.web.feed._house.whom("c9-n2") == ("", "")


# --- what they do about it ------------------------------------------------------------------------


async def the_call(house: DeskHouse, contact: str) -> dict[str, Any]:
    await house.distributor.settled()
    rows = house.distributor.engine.calls_view(house.clock())
    return next(
        {"call": row.call, "queue": row.queue, "priority": row.priority, "since": row.enqueued_at}
        for row in rows
        if row.contact == contact
    )


async def refusal(answer: aiohttp.ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json())["detail"]


async def test_a_waiting_call_is_moved_put_first_and_taken_out(
    house: DeskHouse, boss: Browser
) -> None:
    contact = house.call(queue="appointments")
    before = await the_call(house, contact)
    at = f"{AT}/{before['call']}"
    answer = await boss.ask("POST", f"{at}/move", json={"queue": "billing"})
    assert (answer.status, (await answer.json())["queue"]) == (200, "billing")
    now = await the_call(house, contact)
    assert (now["queue"], now["since"]) == ("billing", before["since"])
    answer = await boss.ask("POST", f"{at}/priority", json={"priority": 7})
    assert (answer.status, (await answer.json())["priority"]) == (200, 7)
    assert (await the_call(house, contact))["priority"] == 7
    assert (await boss.ask("POST", f"{at}/withdraw")).status == 204
    assert house.distributor.engine.calls_view(house.clock()) == []
    done = [
        each
        for what in ("floor.move", "floor.priority", "floor.withdraw")
        for each in await Audit(house.database).entries(what=what)
    ]
    assert [(each.who, each.contact) for each in done] == [("boss", contact)] * 3
    assert [each.detail["subject"] for each in done] == [
        f"{before['call']} billing",
        f"{before['call']} 7",
        before["call"],
    ]


async def test_a_call_that_rings_is_moved_and_rings_no_more(
    house: DeskHouse, boss: Browser
) -> None:
    house.log_in("1001")
    contact = house.call(agent="1001")
    await until(lambda: bool(house.offer_of(contact)))
    at = f"{AT}/{(await the_call(house, contact))['call']}"
    assert (await boss.ask("POST", f"{at}/withdraw")).status == 204
    assert house.distributor.engine.agent_row("1001", house.clock()).state is AgentState.READY


async def test_what_cannot_be_done_to_a_call_is_refused_with_what_is_right(
    house: DeskHouse, boss: Browser
) -> None:
    contact = house.call(queue="appointments")
    at = f"{AT}/{(await the_call(house, contact))['call']}"
    wrong = await boss.ask("POST", f"{at}/move", json={"queue": "biling"})
    assert await refusal(wrong) == (
        422,
        'There is no queue "biling". Did you mean billing?',
    )
    same = await boss.ask("POST", f"{at}/move", json={"queue": "appointments"})
    assert await refusal(same) == (409, "It waits in appointments already.")
    high = await boss.ask("POST", f"{at}/priority", json={"priority": 101})
    assert high.status == 422
    (mistake,) = (await high.json())["errors"]
    assert (mistake["field"], "100" in mistake["message"]) == ("priority", True)
    none = await boss.ask("POST", f"{AT}/none.1/withdraw")
    assert none.status == 404
    house.log_in("1001")
    await until(lambda: bool(house.offer_of(contact)))
    house.answer(contact)
    for word, body in (("move", {"queue": "billing"}), ("priority", {"priority": 1})):
        answer = await boss.ask("POST", f"{at}/{word}", json=body)
        assert await refusal(answer) == (
            409,
            "Agent 1001 has answered it: only a call that waits can be changed.",
        )
    assert (await boss.ask("POST", f"{at}/withdraw")).status == 409
    assert (await the_call(house, contact))["queue"] == "appointments"
    assert await Audit(house.database).entries(what="floor.move") == []


async def test_an_agent_who_was_quicker_than_the_word_on_its_way_keeps_the_call(
    house: DeskHouse, boss: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As among several nodes, where a word has happened when all have it."""
    house.log_in("1001")
    contact = house.call(agent="1001")
    await until(lambda: bool(house.offer_of(contact)))
    call, send = await the_call(house, contact), house.distributor.send

    def overtaken(_: Event) -> None:
        send(OfferAnswered(house.clock(), house.offer_of(contact)))

    monkeypatch.setattr(house.distributor, "send", overtaken)
    answer = await boss.ask("POST", f"{AT}/{call['call']}/move", json={"queue": "billing"})
    assert await refusal(answer) == (
        409,
        "Agent 1001 has answered it: only a call that waits can be changed.",
    )


async def test_everybody_who_leads_hears_what_one_of_them_did(
    house: DeskHouse, boss: Browser
) -> None:
    contact = house.call(queue="appointments")
    await house.user("other", ("administrator",))
    answer = await boss.as_("").ask(
        "POST", "/api/session", json={"name": "other", "password": PASSWORD}
    )
    other = boss.as_(answer.cookies["tieline"].value)
    call = (await the_call(house, contact))["call"]
    headers = {"Origin": house.url, "Cookie": f"tieline={other.secret}"}
    async with boss.session.ws_connect(f"{house.url}/api/events", headers=headers) as stream:
        await stream.receive_json()
        await boss.ask("POST", f"{AT}/{call}/move", json={"queue": "billing"})
        told: dict[str, Any] = {}
        async with asyncio.timeout(10):
            while told.get("type") != "steered":
                told = await stream.receive_json()
    data = told["data"]
    assert (data["call"], data["contact"]) == (call, contact)
    assert (data["what"], data["by"]) == ("moved", "boss")
    assert (data["queue"], data["to_queue"]) == ("appointments", "billing")


async def test_an_agent_is_put_in_a_state_even_while_their_phone_rings(
    house: DeskHouse, boss: Browser
) -> None:
    house.log_in("1001")
    contact = house.call(agent="1001")
    await until(lambda: bool(house.offer_of(contact)))
    at = "/api/agents/1001/force"
    odd = await boss.ask("POST", at, json={"state": "paused", "reason": "lunhc"})
    assert (await refusal(odd))[0] == 422
    assert "There are: " in (await refusal(odd))[1]
    answer = await boss.ask("POST", at, json={"state": "paused", "reason": "lunch"})
    row = (await answer.json())["row"]
    assert (row["state"], row["reason"]) == ("paused", "lunch")
    assert house.offer_of(contact) == ""
    (entry,) = await Audit(house.database).entries(what="agent.force")
    assert (entry.who, entry.detail["subject"]) == ("boss", "1001 paused")
