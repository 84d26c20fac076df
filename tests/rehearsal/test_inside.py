"""A call that has a part in a rehearsal goes as the part says, and every other call as always."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ivr.backends.pretences import Pretence
from ivr.flow.actions import Failed, Queue, Transfer
from ivr.flow.errands import (
    CODE_MARK,
    Answer,
    Callback,
    CallbackKept,
    CheckCode,
    CodeSent,
    Errand,
    Findings,
    Http,
    Identified,
    Lookup,
    Row,
    SendCode,
    Sent,
    Sms,
)
from ivr.rehearsal.folder import HEADER, Part, read_lines, write_part
from ivr.rehearsal.inside import FAILED, HELD, Rehearsal, Rehearsals
from ivr.rehearsal.stub import GATEWAY, Stub
from tests.channels.test_voice import with_flow
from tests.flow.flows import NOW
from tests.shell.asterisk import Caller
from tests.shell.house import House

STEPS = """
  first: {hours: desk, open: yes, closed: no}
  yes: {hangup: {en: "Yes.", zh: 是。}}
  no: {hangup: {en: "No.", zh: 否。}}
"""
DESK = "languages: [en, zh]\ncalendars: {desk: {zone: UTC, hours: {mon: 09:00-10:00}}}\n"
SERVICES = f"""
services:
  orders: {{url: "https://shop.example/api"}}
  {GATEWAY}: {{url: "https://sms.example/"}}
sms: {{service: {GATEWAY}}}
databases:
  branches: {{url: "sqlite+aiosqlite:///x", query: "select a from b where city = :city"}}
"""


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    stub = Stub()
    await stub.start()
    yield stub
    await stub.stop()


@pytest.fixture
async def rehearsals(house: House, tmp_path: Path) -> AsyncIterator[Rehearsals]:
    (house.flows / "services.yaml").write_text(SERVICES)
    await with_flow(house, STEPS, more=DESK)
    (tmp_path / "parts").mkdir()
    rehearsals = Rehearsals(tmp_path / "parts", house.service.in_force.sources)
    yield rehearsals
    await rehearsals.close()


async def called(house: House, key: str | None) -> Caller:
    """A call with that key in its header."""
    caller = house.asterisk.call("4900")
    if key is not None:
        caller.answers[f'GET VARIABLE "PJSIP_HEADER(read,{HEADER})"'] = f"200 result=1 ({key})"
    await caller.enter()
    await caller.closed()
    return caller


def monday(stub: str = "http://127.0.0.1:9/s1", **more: Any) -> Part:
    return Part(at="2026-03-02T09:30:00+00:00", stub=stub, **more)


async def test_a_part_sets_the_hour_the_language_and_the_switches(
    house: House, rehearsals: Rehearsals, tmp_path: Path
) -> None:
    house.service.callers._rehearsals = rehearsals
    folder = tmp_path / "parts"
    write_part(folder, "s1", monday(language="zh"))
    write_part(folder, "s2", monday(switches={"desk": False}))
    for key in ("s1", "s2"):
        await called(house, key)
    assert [line.said for key in ("s1", "s2") for line in read_lines(folder, key)] == [
        ("是。",),
        ("No.",),
    ]
    assert read_lines(folder, "s1")[0].state.language == "zh"


@pytest.mark.parametrize("key", [None, "unknown", "../s1", "S1", "s1; rm", ""])
async def test_a_call_without_a_part_is_a_call_like_any_other(
    house: House, rehearsals: Rehearsals, tmp_path: Path, key: str | None
) -> None:
    house.service.callers._rehearsals = rehearsals
    write_part(tmp_path / "parts", "s1", monday())
    caller = await called(house, key)
    assert house.ending(caller.contact) == ("completed", "flow", "")
    assert not list((tmp_path / "parts").glob("*.log"))


async def test_an_installation_that_does_not_rehearse_never_looks_at_the_header(
    house: House, rehearsals: Rehearsals, tmp_path: Path
) -> None:
    write_part(tmp_path / "parts", "s1", monday())
    caller = await called(house, "s1")
    assert not any(HEADER in line for line in caller.commands)
    assert not read_lines(tmp_path / "parts", "s1")


async def part(house: House, rehearsals: Rehearsals, folder: Path, told: Part) -> Rehearsal:
    class Header:
        async def get_variable(self, name: str) -> str:
            return "s1"

    write_part(folder, "s1", told)
    flow = house.service.plans.plan.library.flows["line"]
    found = await rehearsals.part(Header(), house.service._voice(), flow)  # type: ignore[arg-type]  # all it asks for
    assert found is not None
    return found


async def test_waits_end_in_the_order_of_the_scenario_and_then_never(
    house: House, rehearsals: Rehearsals, tmp_path: Path
) -> None:
    outcomes = ("timeout", "answered", "nobody", "failed")
    played = await part(house, rehearsals, tmp_path / "parts", monday(outcomes=outcomes))
    asked = [played.asked(Queue("cards", {"english": 3}, agent="1001")) for _ in range(5)]
    assert [each.queue for each in asked] == [
        *("rehearsal-timeout", "rehearsal-answered", "rehearsal-nobody", FAILED, HELD)
    ]
    assert [each.max_wait for each in asked] == [1.0, None, None, None, None]
    assert not any(each.needs or each.agent for each in asked)


async def test_a_transfer_goes_to_whoever_does_what_is_expected(
    house: House, rehearsals: Rehearsals, tmp_path: Path
) -> None:
    outcomes = ("answered", "busy", "no_answer", "answered", "failed")
    played = await part(house, rehearsals, tmp_path / "parts", monday(outcomes=outcomes))
    wanted = Transfer("1001", outside=False, queue="cards")
    assert [played.put_through(wanted).to for _ in range(3)] == ["9721", "9722", "9723"]
    outside = played.services.outside
    assert [outside("+442079460000"), outside("+442079460000")] == ["PJSIP/9711", None]


async def test_services_are_asked_at_the_stub_and_the_rest_is_pretended(
    house: House, rehearsals: Rehearsals, tmp_path: Path, stub: Stub
) -> None:
    stub.answer("s1", {"orders": (Pretence(404),)})
    pretences = {"branches": (Pretence(200, {"a": "x"}),), "callback": (Pretence(trouble="down"),)}
    told = monday(f"{stub.url}/s1", pretences=pretences)
    desk = (await part(house, rehearsals, tmp_path / "parts", told)).services.desk
    found = [
        await desk.run(errand, contact="c", now=NOW, caller="13800138000")
        for errand in (
            Http("orders", "GET", "/orders/7"),
            Lookup("branches", {"city": "york"}),
            Sms("+8613800138000", "Hello."),
            Callback("cards", "13800138000"),
        )
    ]
    assert found[:2] == [Answer(404), Row(True, {"a": "x"})]
    assert isinstance(found[2], Sent)
    assert "cannot be reached" in str(found[3])


async def test_a_call_remembers_which_answers_it_has_had_already(
    house: House, rehearsals: Rehearsals, tmp_path: Path, stub: Stub
) -> None:
    rows = tuple(Pretence(200, {"a": each}) for each in ("x", "y"))
    no, yes = Pretence(trouble="down"), Pretence(201)
    told = monday(f"{stub.url}/s1", pretences={"branches": rows, "callback": (no, yes)})
    desk = (await part(house, rehearsals, tmp_path / "parts", told)).services.desk

    async def ask(errand: Errand) -> Findings:
        return await desk.run(errand, contact="c", now=NOW, caller="13800138000")

    look, ring = Lookup("branches", {"city": "york"}), Callback("cards", "13800138000")
    assert [await ask(look) for _ in range(3)] == [Row(True, {"a": each}) for each in "xyy"]
    assert isinstance(await ask(ring), Failed)
    assert isinstance(await ask(ring), CallbackKept)
    write_part(tmp_path / "parts", "s1", replace(told, pretences={"branches": rows[:1]}))
    assert await ask(look) == Row(True, {"a": "x"})
    assert isinstance(await ask(ring), CallbackKept), "of promises nothing was told anew"


async def test_a_code_that_is_not_to_fail_is_a_true_one(
    house: House, rehearsals: Rehearsals, tmp_path: Path, stub: Stub
) -> None:
    answers = {"sms": (Pretence(trouble="down"), Pretence())}
    told = monday(f"{stub.url}/s1", pretences=answers)
    desk = (await part(house, rehearsals, tmp_path / "parts", told)).services.desk
    send = SendCode("+8613800138000", f"Code {CODE_MARK}")
    assert isinstance(await desk.run(send, contact="c", now=NOW), Failed)
    sent = await desk.run(send, contact="c", now=NOW)
    assert isinstance(sent, CodeSent)
    ((_, words),) = stub.messages("s1")
    code = words.removeprefix("Code ")
    found = await desk.run(CheckCode(sent.handle, code), contact="c", now=NOW)
    assert found == Identified(ok=True, level="verified")
