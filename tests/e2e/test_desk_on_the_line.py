"""The desk beside a real phone: what it shows while it rings, and what it does with the call."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Phones
from tests.e2e.house import House, until
from tests.e2e.rtp import RtpParty
from tests.e2e.stage import far_end
from tests.web.house import Browser

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_call_rings_shows_itself_on_the_desk_and_is_passed_on(
    house: House, phones: Phones, desk: Browser
) -> None:
    phone, colleague = await phones.agent("2001"), await phones.agent("2002")
    stream = await desk.session.ws_connect(
        f"{desk.url}/api/events", headers={"Origin": desk.url, "Cookie": f"tieline={desk.secret}"}
    )
    assert (await stream.receive_json())["type"] == "hello"
    assert (await desk.ask("POST", "/api/agents/me/ready")).status == 200
    line = await (await phones.caller("0013800138000", "Mei Lin")).dial("4900")
    offer = {}
    while offer.get("type") != "offer":
        offer = await stream.receive_json(timeout=10)
    data = offer["data"]
    assert (data["queue"], data["caller_name"], data["ringing"]) == ("cards", "Mei Lin", True)
    rings = await phone.incoming(10)
    shown = await (await desk.ask("GET", f"/api/contacts/{data['contact']}")).json()
    assert (shown["caller_name"], shown["queue"], shown["live"]) == ("Mei Lin", "cards", True)
    early = await desk.ask("POST", f"/api/calls/{data['offer']}/transfer", json={"agent": "2002"})
    assert early.status == 409
    await rings.answer()
    await line.answered()
    await until(lambda: house.agent("2001").state == "talking", why="2001 talks")
    assert (await desk.ask("POST", "/api/agents/me/pause", json={"reason": "lunch"})).status == 200
    await phones.ready("2002")
    moved = await desk.ask("POST", f"/api/calls/{data['offer']}/transfer", json={"agent": "2002"})
    assert moved.status == 204
    second = await colleague.incoming(10)
    await second.answer()
    await until(lambda: house.agent("2002").contact == data["contact"], why="2002 has the caller")
    kinds = [each.kind for each in house.story(data["contact"])]
    assert "transferred" in kinds
    await line.hang_up()
    await stream.close()


async def test_a_number_is_called_from_the_desk_the_agents_phone_first(
    house: House, phones: Phones, desk: Browser
) -> None:
    phone = await phones.agent("2001")
    assert (await desk.ask("POST", "/api/agents/me/ready")).status == 200
    refused = await desk.ask("POST", "/api/calls", json={"number": "0900123456"})
    assert refused.status == 409
    assert "services.yaml" in (await refused.json())["detail"]
    async with far_end(house) as far:
        asked = await desk.ask("POST", "/api/calls", json={"number": "+493055555577"})
        assert asked.status == 202, await asked.text()
        contact = (await asked.json())["contact"]
        rings = await phone.incoming(10)
        await rings.answer()
        invite = await far.rings("3055555577")
        person = await RtpParty.open()
        await far.phone.pick_up(invite, person.port)
        await until(lambda: "put_through" in _kinds(house, contact), why="they talk")
        await rings.hang_up()
        await until(lambda: "ended" in _kinds(house, contact), why="the contact ends")
        await person.close()
    assert house.told(contact, "ended")[0]["outcome"] == "answered"


def _kinds(house: House, contact: str) -> list[str]:
    return [each.kind for each in house.story(contact)]
