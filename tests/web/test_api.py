"""What may be asked: the right thing for the right person, and nothing of anybody else's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest_asyncio

from acd.customers import Address, Audit
from acd.model import AgentState
from acd.records import ContactEvent
from tests.web.desk_house import PASSWORD, DeskHouse, known
from tests.web.house import Browser


@pytest_asyncio.fixture
async def stranger(house: DeskHouse) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Browser(session, house.url)


async def signed_in(house: DeskHouse, stranger: Browser, name: str, **more: Any) -> Browser:
    roles = more.pop("roles", ("agent",))
    await house.user(name, roles, **more)
    answer = await stranger.ask("POST", "/api/session", json={"name": name, "password": PASSWORD})
    assert answer.status == 201
    return stranger.as_(answer.cookies["tieline"].value)


async def test_a_wrong_password_opens_nothing_and_tells_nothing(
    house: DeskHouse, stranger: Browser
) -> None:
    await house.user("ana")
    for name in ("ana", "nobody"):
        answer = await stranger.ask("POST", "/api/session", json={"name": name, "password": "no"})
        assert (answer.status, answer.cookies) == (403, {})
        assert (await answer.json())["detail"] == "Name and password do not go together."
    assert await (await stranger.ask("GET", "/api/session")).json() is None


async def test_signing_out_ends_the_session_for_good(house: DeskHouse, stranger: Browser) -> None:
    ana = await signed_in(house, stranger, "ana", extension="1001", title="Ana Ruiz")
    assert (await (await ana.ask("GET", "/api/me")).json())["name"] == "Ana Ruiz"
    assert (await ana.ask("DELETE", "/api/session")).status == 204
    assert (await ana.ask("GET", "/api/me")).status == 401


async def test_an_agent_decides_about_themselves_and_a_supervisor_about_others(
    house: DeskHouse, stranger: Browser
) -> None:
    ana = await signed_in(house, stranger, "ana", extension="1001")
    boss = await signed_in(house, stranger, "boss", roles=("supervisor",))
    told = await (await ana.ask("POST", "/api/agents/me/ready")).json()
    assert (told["row"]["state"], told["row"]["agent"]) == ("ready", "1001")
    wrong = await ana.ask("POST", "/api/agents/me/pause", json={"reason": "siesta"})
    assert wrong.status == 422
    assert "lunch" in (await wrong.json())["detail"]
    assert (await ana.ask("POST", "/api/agents/1002/ready")).status == 403
    assert (await ana.ask("GET", "/api/agents/1002")).status == 403
    assert (await boss.ask("POST", "/api/agents/1002/ready")).status == 200
    assert (await boss.ask("POST", "/api/agents/9999/ready")).status == 404
    assert (await boss.ask("POST", "/api/agents/me/ready")).status == 409
    forced = await boss.ask("POST", "/api/agents/1001/force", json={"state": "paused"})
    assert (await forced.json())["row"]["state"] == AgentState.PAUSED
    left = await ana.ask("POST", "/api/agents/me/queues/billing/leave")
    assert (await left.json())["row"]["out_of"] == ["billing"]


async def test_an_agent_sees_the_contacts_they_serve_and_no_others(
    house: DeskHouse, stranger: Browser
) -> None:
    ana = await signed_in(house, stranger, "ana", extension="1001")
    tom = await signed_in(house, stranger, "tom", extension="1003")
    boss = await signed_in(house, stranger, "boss", roles=("supervisor",))
    designer = await signed_in(house, stranger, "dee", roles=("designer",))
    house.log_in("1001")
    contact = house.call(agent="1001", fields={"reason": "bill"})
    await known(house, contact)
    path = f"/api/contacts/{contact}"
    told = await (await ana.ask("GET", path)).json()
    assert (told["fields"]["reason"], told["live"]) == ("bill", True)
    assert "pressed 1" in [step["text"] for step in told["path"]]
    assert (await tom.ask("GET", path)).status == 404
    assert (await boss.ask("GET", path)).status == 200
    assert (await designer.ask("GET", path)).status == 403
    assert (await ana.ask("GET", "/api/contacts/none")).status == 404
    entries = await Audit(house.database).entries(contact=contact)
    assert sorted(each.who for each in entries if each.what == "contact.read") == ["ana", "boss"]


async def test_who_may_not_see_a_contact_neither_claims_it_nor_writes_into_it(
    house: DeskHouse, stranger: Browser
) -> None:
    ana = await signed_in(house, stranger, "ana", extension="1001")
    tom = await signed_in(house, stranger, "tom", extension="1003")
    customer = await house.customers.create(name="Mei", by="test")
    house.log_in("1001")
    contact = house.call(agent="1001")
    await known(house, contact)
    claim, link = {"customer": customer.id}, f"/api/contacts/{contact}/customer"
    text = {"text": "Hello", "to": "+8613800138000", "contact": contact}
    assert (await tom.ask("POST", link, json=claim)).status == 404
    assert (await tom.ask("POST", "/api/texts", json=text)).status == 404
    assert (await tom.ask("GET", f"/api/contacts/{contact}")).status == 404
    assert not house.outside.texts
    assert (await ana.ask("POST", link, json=claim)).status < 300
    assert (await ana.ask("POST", "/api/texts", json=text)).status == 202


async def test_only_the_agent_who_talks_passes_the_call_on(
    house: DeskHouse, stranger: Browser
) -> None:
    ana = await signed_in(house, stranger, "ana", extension="1001")
    tom = await signed_in(house, stranger, "tom", extension="1003")
    house.log_in("1001")
    contact = house.call(agent="1001")
    path = f"/api/calls/{house.offer_of(contact)}/transfer"
    assert (await ana.ask("POST", path, json={"queue": "billing"})).status == 409
    house.answer(contact)
    assert (await tom.ask("POST", path, json={"queue": "billing"})).status == 404
    for wrong in ({}, {"agent": "1003", "queue": "billing"}, {"agent": "1001"}, {"queue": "none"}):
        assert (await ana.ask("POST", path, json=wrong)).status == 422, wrong
    assert (await ana.ask("POST", path, json={"agent": "1003"})).status == 204
    assert house.outside.transferred == [("PJSIP/1001-0001", "1003")]
    assert (await ana.ask("POST", path.replace("transfer", "hang-up"))).status == 204
    assert house.outside.hung_up == ["PJSIP/1001-0001"]


async def test_an_agent_holds_asks_joins_and_hands_over_their_own_call(
    house: DeskHouse, stranger: Browser
) -> None:
    ana = await signed_in(house, stranger, "ana", extension="1001")
    tom = await signed_in(house, stranger, "tom", extension="1003")
    house.log_in("1001")
    contact = house.call(agent="1001")
    offer = house.offer_of(contact)
    at = f"/api/calls/{offer}"
    assert (await (await ana.ask("GET", at)).json())["state"] == "ringing"
    assert (await ana.ask("POST", f"{at}/hold")).status == 409
    house.answer(contact)
    for deed, body, state in (
        ("hold", {}, "held"),
        ("take-back", {}, "talking"),
        ("ask", {"json": {"agent": "1002"}}, "asking"),
        ("conference", {}, "conference"),
    ):
        assert (await tom.ask("POST", f"{at}/{deed}", **body)).status == 404, deed
        told = await (await ana.ask("POST", f"{at}/{deed}", **body)).json()
        assert (told["state"], told["contact"], told["agent"]) == (state, contact, "1001")
        assert await (await ana.ask("GET", at)).json() == told
    assert told["colleague"] == "1002"
    assert (await tom.ask("GET", at)).status == 404
    busy = await ana.ask("POST", f"{at}/ask", json={"agent": "1003"})
    assert busy.status == 409
    assert "Tom is not free" in (await busy.json())["detail"]
    for wrong in ({}, {"agent": "1001"}, {"agent": "1002", "queue": "billing"}, {"queue": "none"}):
        assert (await ana.ask("POST", f"{at}/ask", json=wrong)).status == 422, wrong
    assert (await ana.ask("POST", f"{at}/complete")).status == 204
    assert house.outside.done[-1] == ("complete", offer)


async def test_no_users_message_is_taken_for_one_of_a_user_of_a_similar_name(
    house: DeskHouse, stranger: Browser
) -> None:
    named = []
    for user, its in (("ana", "b-one"), ("ana-b", "one"), ("ana.b", "one")):
        agent = await signed_in(house, stranger, user, extension="1001" if user == "ana" else "")
        body = {"to": "+8613800138000", "text": "Tuesday.", "id": its}
        answer = await agent.ask("POST", "/api/texts", json=body)
        named.append((await answer.json())["id"])
    assert len({*named}) == 3


async def test_a_refused_message_says_why_and_the_same_id_is_the_same_message(
    house: DeskHouse, stranger: Browser
) -> None:
    ana = await signed_in(house, stranger, "ana", extension="1001")
    body = {"to": "+8613800138000", "text": "Tuesday at nine.", "id": "one"}
    sent = [await (await ana.ask("POST", "/api/texts", json=body)).json() for _ in range(2)]
    assert sent[0] == sent[1] == {"id": "desk-ana.one", "parts": 1}
    house.outside.refuses = "they have said STOP"
    refused = await ana.ask("POST", "/api/texts", json={**body, "id": "two"})
    assert refused.status == 409
    assert "STOP" in (await refused.json())["detail"]


async def test_a_customer_is_made_changed_noted_and_merged(
    house: DeskHouse, stranger: Browser
) -> None:
    ana = await signed_in(house, stranger, "ana", extension="1001")

    async def done(method: str, path: str, **body: object) -> dict[str, object]:
        answer = await ana.ask(method, f"/api/customers{path}", json=body)
        assert answer.status in (200, 201), await answer.text()
        told: dict[str, object] = await answer.json()
        return told

    address = {"kind": "phone", "value": "138 0013 8000"}
    one = await done("POST", "", name="Mei Lin", addresses=[address])
    at = f"/{one['id']}"
    taken = await ana.ask("POST", "/api/customers", json={"addresses": [address]})
    assert taken.status == 409
    tagged = await done("POST", f"{at}/tags", tags=["vip"])
    assert tagged["tags"] == ["vip"]
    changed = await done("PATCH", at, name="Lin Mei", version=tagged["version"])
    assert changed["name"] == "Lin Mei"
    stale = await ana.ask("PATCH", f"/api/customers{at}", json={"name": "X", "version": 1})
    assert stale.status == 409
    await done("POST", f"{at}/notes", text="Prefers mornings.")
    other = await done("POST", "", name="M. Lin")
    merged = await done("POST", f"{at}/merge", other=other["id"])
    assert (merged["name"], merged["id"]) == ("Lin Mei", one["id"])
    found = await (await ana.ask("GET", "/api/customers?text=13800138000")).json()
    assert [each["id"] for each in found] == [one["id"]]
    kinds = [
        each["kind"] for each in await (await ana.ask("GET", f"/api/customers{at}/timeline")).json()
    ]
    assert "note" in kinds
    assert (await ana.ask("GET", "/api/customers/999999")).status == 404
    assert (await ana.ask("GET", "/api/customers/abc")).status == 404
    assert (await ana.ask("POST", f"/api/customers{at}/unmerge")).status == 403


async def test_a_program_has_no_more_rights_than_its_token(
    house: DeskHouse, stranger: Browser
) -> None:
    root = await signed_in(house, stranger, "root", roles=("administrator", "supervisor"))
    made = await root.ask(
        "POST", "/api/users/root/tokens", json={"label": "wallboard", "roles": ["supervisor"]}
    )
    secret = (await made.json())["secret"]
    program = {"Origin": "", "X-Tieline": "", "Authorization": f"Bearer {secret}"}
    assert (await stranger.ask("GET", "/api/floor", headers=program)).status == 200
    assert (await stranger.ask("GET", "/api/users", headers=program)).status == 403
    token = (await made.json())["token"]["id"]
    assert (await root.ask("DELETE", f"/api/tokens/{token}")).status == 204
    assert (await stranger.ask("GET", "/api/floor", headers=program)).status == 401


async def test_a_disabled_account_is_out_at_once(house: DeskHouse, stranger: Browser) -> None:
    root = await signed_in(house, stranger, "root", roles=("administrator",))
    ana = await signed_in(house, stranger, "ana", extension="1001")
    assert (await root.ask("PATCH", "/api/users/ana", json={"disabled": True})).status == 200
    assert (await ana.ask("GET", "/api/me")).status == 401
    own = await root.ask("PATCH", "/api/users/root", json={"disabled": True})
    assert own.status == 409


async def test_an_agent_reads_what_was_written_in_their_own_contacts_and_a_supervisor_all(
    house: DeskHouse, stranger: Browser
) -> None:
    ana = await signed_in(house, stranger, "ana", extension="1001")
    boss = await signed_in(house, stranger, "boss", roles=("supervisor",))
    number, at = "+8613800138000", house.clock()
    mei = await house.customers.create(name="Mei", addresses=[Address("phone", number)], by="test")
    for contact, agents, words in (
        ("c-ana", ["1001", "1002"], "blue"),
        ("c-tom", ["1003"], "crimson"),
    ):
        story: list[tuple[str, dict[str, Any]]] = [
            ("began", {"channel": "sms", "caller": number, "flow": "line"}),
            ("message", {"by": "customer", "text": f"The teapot is {words}.", "seq": 1}),
            ("message_written", {"to": number, "text": f"{words}, I see."}),
            *(("answered", {"agent": agent}) for agent in agents),
            ("disposition", {"code": "solved", "notes": f"wanted a {words} teapot"}),
            ("ended", {"outcome": "answered", "by": "agent"}),
        ]
        for kind, data in story:
            house.tell(ContactEvent(contact, at, kind, "", data))
        await known(house, contact)

    async def lines(who: Browser) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:  # page by page: what is left out must not end it early
            cursor = {"before": found[-1]["cursor"]} if found else {}
            path = f"/api/customers/{mei.id}/timeline"
            answer = await who.ask("GET", path, params={"limit": "2", **cursor})
            page = await answer.json()
            if not page:
                return found
            found += page

    told, all_ = await lines(ana), await lines(boss)
    assert "crimson" not in json.dumps(told)
    assert "The teapot is blue." in [each["text"] for each in told]
    kinds = {each["kind"] for each in told if each["contact"] == "c-tom"}
    assert kinds == {"began", "answered", "disposition", "ended"}
    assert {"The teapot is crimson.", "The teapot is blue."} <= {each["text"] for each in all_}
    theirs = await (await boss.ask("GET", "/api/contacts/c-tom")).json()
    assert (len(theirs["transcript"]), theirs["withheld"]) == (1, False)
    # She served this customer: she sees that contact of theirs, and not what was said in it.
    assert (await ana.ask("GET", "/api/contacts/c-tom")).status == 200
    seen = await (await ana.ask("GET", "/api/contacts/c-tom")).json()
    assert (seen["transcript"], seen["withheld"]) == ([], True)
    assert "crimson" not in json.dumps(seen)
    mine = await (await ana.ask("GET", "/api/contacts/c-ana")).json()
    assert (mine["transcript"][0]["text"], mine["withheld"]) == ("The teapot is blue.", False)


async def test_talk_on_the_telephone_is_told_apart_from_that_in_letters(
    house: DeskHouse, stranger: Browser
) -> None:
    boss = await signed_in(house, stranger, "boss", roles=("supervisor",))
    at = house.clock() - 100
    story: list[tuple[float, str, dict[str, Any]]] = [
        (0, "began", {"channel": "chat", "caller": "v-1", "flow": "line"}),
        (5, "answered", {"agent": "1001", "offer": "c-both.t1-1"}),
        (17, "began", {"channel": "voice", "caller": "", "flow": "line"}),
        (20, "answered", {"agent": "1001", "offer": "c-both.2-1"}),
        (25, "agent_left", {"agent": "1001", "offer": "c-both.t1-1"}),
        (25, "line_ended", {"outcome": "answered", "by": "agent", "channel": "chat"}),
        (50, "agent_left", {"agent": "1001", "offer": "c-both.2-1"}),
    ]
    for after, kind, data in story:
        house.tell(ContactEvent("c-both", at + after, kind, "", data))
    await house.records.flush()
    told = await (await boss.ask("GET", "/api/contacts/c-both")).json()
    assert (told["chat_seconds"], told["talk_seconds"], told["live"]) == (20.0, 30.0, True)
    ended = {"outcome": "completed", "by": "flow"}
    house.tell(ContactEvent("c-both", at + 60, "ended", "", {**ended}))
    await house.records.flush()
    told = await (await boss.ask("GET", "/api/contacts/c-both")).json()
    assert (told["outcome"], told["live"]) == ("answered", False)
