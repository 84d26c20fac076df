"""Put through inside and outside, and errands cut short: every ending told as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from ivr.flow.actions import Failed
from ivr.flow.errands import CallbackKept, Errand, Findings, Sent, Sms
from tests.e2e.house import until
from tests.shell.asterisk import Caller
from tests.shell.house import House

OUTSIDE = "+493012345678"
FLOW = f"""
flow: line
numbers: ["4900"]
start: pick
steps:
  pick: {{menu: "Which?", "1": text, "2": back, "3": agent, "4": out, otherwise: last}}
  text: {{sms: "+4912345678", text: "One.", next: second, otherwise: last}}
  second: {{sms: "+4912345678", text: "Two.", next: last, otherwise: last}}
  back: {{callback: sales, number: "{{{{ caller }}}}", next: last, otherwise: last}}
  agent:
    transfer: {{agent: "1001", queue: sales}}
    ring: 5s
    busy: engaged
    no_answer: no
    otherwise: last
    next: after
  out:
    transfer: {{outside: "{OUTSIDE}"}}
    busy: engaged
    no_answer: no
    otherwise: last
    next: after
  after: {{menu: "Well?", "1": last, otherwise: last}}
  no: {{menu: "No.", "1": last, otherwise: last}}
  engaged: {{menu: "Busy.", "1": last, otherwise: last}}
  last: {{menu: "Bye?", "1": bye, otherwise: bye}}
  bye: {{hangup: "Bye."}}
"""
TEXT, BACK, AGENT, OUT = "1234"
"""The keys."""


class Desk:
    """Writes down under which name each errand was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def run(
        self, errand: Errand, *, contact: str, now: datetime, caller: str = "", once: str = ""
    ) -> Findings:
        what = errand.text if isinstance(errand, Sms) else type(errand).__name__
        self.asked.append((what, once.removeprefix(contact)))
        return Sent("m") if isinstance(errand, Sms) else CallbackKept("c")


async def at(house: House, key: str) -> Caller:
    """A caller who has chosen that, in a house that may dial outside."""
    (house.flows / "services.yaml").write_text(f'outside: ["{OUTSIDE[:5]}*"]\n')
    (house.flows / "line.yaml").write_text(FLOW)
    await house.service.reload()
    caller = await house.call()
    await caller.press(key)
    return caller


async def dialling(house: House, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """A caller for whom a number outside is rung."""
    monkeypatch.setattr(type(house.settings), "trunk_to_dial", "carrier")
    caller = await at(house, OUT)
    assert "PJSIP/+493012345678@trunk-carrier,25,gRi" in await caller.comes_to("EXEC Dial")
    return caller


def left(house: House, caller: Caller) -> Mapping[str, Any]:
    (told,) = house.told(caller.contact, "transfer_left")
    return told


# --- outside ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("ANSWER", "answered"),
        ("BUSY", "busy"),
        ("NOANSWER", "no_answer"),
        ("CHANUNAVAIL", "failed"),
        ("CONGESTION", "failed"),
    ],
)
async def test_every_word_of_dial_has_its_way(
    house: House, monkeypatch: pytest.MonkeyPatch, status: str, outcome: str
) -> None:
    caller = await dialling(house, monkeypatch)
    await caller.dial_ends(status)
    await caller.comes_to("GET DATA")
    assert left(house, caller)["outcome"] == outcome
    reached = [{"number": OUTSIDE}] if status == "ANSWER" else []
    assert house.told(caller.contact, "put_through") == reached
    assert (house.live(caller).phase, house.live(caller).dials) == ("flow", "")


async def test_who_gives_up_before_anybody_answered_outside_was_not_transferred(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await dialling(house, monkeypatch)
    await house.caller_goes(caller)
    assert house.ending(caller.contact) == ("left", "caller", "hangup")


async def test_asterisks_word_that_somebody_answered_outside_is_what_counts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await dialling(house, monkeypatch)
    for _ in range(2):
        await house.ami.tell(
            Event="DialEnd",
            DialStatus="ANSWER",
            ChanVariable=f"TIELINE_CONTACT={caller.contact}",
            DestChanVariable="TIELINE_LEG=",
        )
    await house.caller_goes(caller)
    assert house.ending(caller.contact) == ("transferred", "caller", "hangup")
    assert house.told(caller.contact, "put_through") == [{"number": OUTSIDE}]


async def test_a_talk_outside_that_ended_while_the_service_was_away_goes_on_after_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await dialling(house, monkeypatch)
    await house.kill()
    await house.open()
    caller.variables["DIALSTATUS"] = "ANSWER"
    await caller.enter()
    await caller.press("1")
    assert left(house, caller)["outcome"] == "answered"
    await caller.press("1")
    await caller.closed()
    assert house.ending(caller.contact) == ("transferred", "flow", "")


# --- one agent -------------------------------------------------------------------------------


async def test_an_agent_who_is_not_there_is_not_waited_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await at(house, AGENT)
    await caller.comes_to("GET DATA")
    assert (left(house, caller)["outcome"], left(house, caller)["detail"]) == (
        "no_answer",
        "logged_out",
    )
    assert house.calls() == []


@pytest.mark.parametrize(("status", "outcome"), [("BUSY", "busy"), ("NOANSWER", "no_answer")])
async def test_one_agent_is_rung_once_for_as_long_as_was_asked(
    house: House, monkeypatch: pytest.MonkeyPatch, status: str, outcome: str
) -> None:
    house.log_in("1001")
    house.log_in("1002")
    caller = await at(house, AGENT)
    assert "PJSIP/1001,5," in await caller.comes_to("EXEC Dial")
    await house.leg_rings(caller.offer)
    await house.leg_fails(caller.offer, status)
    await caller.dial_ends(status)
    await caller.comes_to("GET DATA")
    assert left(house, caller)["outcome"] == outcome
    assert house.calls() == []


async def test_a_talk_with_one_agent_that_ended_while_the_service_was_away_is_a_transfer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.log_in("1001")
    caller = await at(house, AGENT)
    await caller.comes_to("EXEC Dial")
    await house.leg_rings(caller.offer)
    await house.leg_answers(caller.offer)
    await house.kill()
    house.asterisk.legs.clear()
    await house.open()
    caller.variables["DIALSTATUS"] = "ANSWER"
    await caller.enter()
    await caller.comes_to("GET DATA")
    assert left(house, caller)["outcome"] == "answered"
    assert house.told(caller.contact, "stumbled") == []


# --- errands ---------------------------------------------------------------------------------


async def test_the_errand_after_a_restart_is_another_one_than_the_one_that_was_cut_short(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the second message asked for under the first one's name, it would never be sent."""
    first = Desk()
    monkeypatch.setattr(house.service.callers._services.desk, "run", _never(first))
    caller = await at(house, TEXT)
    await until(lambda: first.asked, why="the message is under way")
    await house.kill()
    await house.open()
    second = Desk()
    monkeypatch.setattr(house.service.callers._services.desk, "run", second.run)
    await caller.enter()
    await caller.comes_to("GET DATA")
    assert [what for what, _ in second.asked] == ["One.", "Two."]
    assert second.asked[0] == first.asked[0], "asked again by its own name"
    assert second.asked[1][1] != first.asked[0][1]


async def test_what_is_asked_again_after_a_restart_bears_the_name_it_had(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Desk()
    monkeypatch.setattr(house.service.callers._services.desk, "run", _never(first))
    caller = await at(house, BACK)
    await until(lambda: first.asked, why="the promise is under way")
    await house.kill()
    await house.open()
    second = Desk()
    monkeypatch.setattr(house.service.callers._services.desk, "run", second.run)
    await caller.enter()
    await caller.comes_to("GET DATA")
    assert first.asked == second.asked


def _never(desk: Desk) -> Any:
    """Asked, and cut short by the service's end."""

    async def run(errand: Errand, **more: Any) -> Findings:
        await desk.run(errand, **more)
        await asyncio.Event().wait()
        return Failed("never")

    return run
