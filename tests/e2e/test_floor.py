"""The floor from the phones and from Asterisk's console: codes, lamps, wrap-up, transfers."""

from __future__ import annotations

import asyncio
import re

import pytest

from ivr.demo.phone import Line, PhoneError
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until
from tests.e2e.test_call import to_appointments

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


def state(house: House, agent: str) -> tuple[str, str]:
    row = house.agent(agent)
    return row.state.value, row.reason


async def lamp(house: House, agent: str) -> str:
    """What Asterisk tells phones that watch this agent."""
    for line in (await house.asterisk.command("core show hints")).splitlines():
        if line.startswith(f"{agent}@hints"):
            return line.split("State:")[1].split()[0]
    raise AssertionError(f"no hint for {agent}")


async def test_codes_change_the_state_with_a_spoken_confirmation_and_the_lamp_follows(
    house: House, phones: Phones
) -> None:
    phone = await phones.agent("1001")
    for code, expected, shows in (
        ("*41", ("ready", ""), "Idle"),
        ("*431", ("paused", "lunch"), "Busy"),
        ("*42", ("ready", ""), "Idle"),
        ("*40", ("logged_out", ""), "Unavailable"),
    ):
        assert await phones.dial_code(phone, code) > 0.4, f"{code} is confirmed in words"
        assert state(house, "1001") == expected, code
        assert await lamp(house, "1001") == shows, code


async def test_the_console_shows_and_moves_the_floor(house: House, phones: Phones) -> None:
    await phones.ready("1001")
    console = house.asterisk.command
    assert re.search(r"1001 +Ana Ruiz +ready", await console("acd show agents"))
    assert "Ana Ruiz (PJSIP/1001) (ready" in await console("acd show queues/billing")
    assert "paused (lunch)" in await console("acd do pause/1001/lunch")
    assert state(house, "1001") == ("paused", "lunch")
    assert "appointments has 0 calls" in await console("acd show queues")
    assert "ready" in await console("acd do ready/1001")
    wrong = await console("acd do pause/1009/lunch")
    assert 'No agent "1009"' in wrong
    assert "Did you mean" in wrong, "wrong input answers with what is right"
    assert "pause/AGENT/REASON" in await console("acd do pause")
    assert state(house, "1001") == ("ready", "")


async def talking(phones: Phones, caller: str, name: str, agent: str) -> tuple[Line, Line]:
    line = await to_appointments(phones, caller, name)
    ringing = await (await phones.agent(agent)).incoming(10)
    await ringing.answer()
    line.hum()
    await ringing.hears_tone(line.phone.tone_hz, 10)
    return line, ringing


async def test_a_blind_transfer_to_a_queue_keeps_contact_and_context(
    house: House, phones: Phones
) -> None:
    await phones.ready("1001")
    line, first = await talking(phones, "+8613800002222", "Chen Jie", "1001")
    contact = first.headers["X-Tieline-Contact"]
    li_na = await phones.ready("1002")
    await first.blind_transfer("4102")
    second = await li_na.incoming(10)
    assert second.caller_name.startswith("Billing, Chen Jie")
    assert second.headers["X-Tieline-Contact"] == contact
    assert "reason=appointment" in second.headers["X-Tieline-Context"]
    await second.answer()
    second.hum()
    await line.hears_tone(li_na.tone_hz, 10)
    await until(lambda: house.agent("1001").state == "wrap_up", why="1001 has left the call")
    await second.hang_up()
    await line.ended(15)
    record = await house.record(contact)
    assert (record.outcome, record.queue, record.agent) == ("answered", "billing", "1002")
    told = [event for event in house.story(contact) if event.kind == "transferred"]
    assert [event.data for event in told] == [{"by": "1001", "to": "4102"}]


async def test_a_blind_transfer_to_an_agent_rings_that_agent_and_comes_back_if_refused(
    house: House, phones: Phones
) -> None:
    await phones.ready("1001")
    line, first = await talking(phones, "+8613800003333", "Zhao Min", "1001")
    contact = first.headers["X-Tieline-Contact"]
    li_na = await phones.ready("1002")
    await first.blind_transfer("1002")
    second = await li_na.incoming(10)
    assert second.headers["X-Tieline-Contact"] == contact
    await second.reject()
    await house.asterisk.command("acd do finish/1001")
    back = await first.phone.incoming(10)
    assert back.headers["X-Tieline-Contact"] == contact
    await back.answer()
    back.hum()
    await line.hears_tone(first.phone.tone_hz, 10)
    await back.hang_up()
    await line.ended(15)
    record = await house.record(contact)
    assert (record.outcome, record.queue, record.agent) == ("answered", "appointments", "1001")


async def test_a_transfer_to_nowhere_is_refused_and_the_talk_goes_on(
    house: House, phones: Phones
) -> None:
    await phones.ready("1001")
    line, first = await talking(phones, "+8613800004444", "Sun Li", "1001")
    with pytest.raises(PhoneError):
        await first.blind_transfer("7777")
    assert house.agent("1001").state == "talking"
    first.hum()
    await line.hears_tone(first.phone.tone_hz, 10)
    await asyncio.gather(first.hang_up(), line.ended(15))


async def test_an_agent_who_does_not_answer_keeps_nobody_waiting_for_ever(
    house: House, phones: Phones
) -> None:
    ana, li_na = await phones.ready("1001"), await phones.ready("1002")
    line = await to_appointments(phones, "+8613800005555")
    before = house.agent("1001").rejected
    ringing = await ana.incoming(10)
    contact = ringing.headers["X-Tieline-Contact"]
    await ringing.reject()
    second = await li_na.incoming(10)
    assert second.headers["X-Tieline-Contact"] == contact
    await second.answer()
    row = house.agent("1001")
    assert (row.rejected - before, row.no_answer) == (1, 0), "a refusal is counted as one"
    await second.hang_up()
    await line.ended(15)
