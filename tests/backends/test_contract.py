"""What the true house and the pretended one have in common: a flow cannot tell them apart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ivr.backends.callbacks import promises_in
from ivr.backends.pretences import Pretence
from ivr.backends.pretended import Pretended
from ivr.backends.services import Lockout
from ivr.backends.sources import Sources
from ivr.demo.backends import Backends
from ivr.flow.actions import Failed
from ivr.flow.errands import (
    CODE_MARK,
    Answer,
    Callback,
    CallbackKept,
    CallbackRefused,
    CheckCode,
    CodeSent,
    Findings,
    Http,
    Identified,
    Identify,
    Lookup,
    Recognise,
    Reserve,
    Reserved,
    Row,
    SendCode,
    Sent,
    SlotList,
    Slots,
    SlotTaken,
    Sms,
)
from ivr.flow.loading.tables import Tables
from tests.backends.house import ACCOUNTS, NOW, free_port, house, offering, service

Run = Callable[..., Awaitable[Findings]]
ORDER = Backends(today=NOW.date).order("1001")
MEI = {"name": "Mei Lin", "tier": "gold"}
LIKE = {
    "orders": (Pretence(200, ORDER),),
    "orders.delete": (Pretence(405),),
    "people": (Pretence(200, {"ok": True, "customer": {**MEI}}),),
    "calendar.post": (Pretence(201, {"reference": "R-1"}), Pretence(409)),
    "dead": (Pretence(trouble="down"),),
    "lying": (Pretence(trouble="lying"),),
    "slow": (Pretence(trouble="slow"),),
}


class Desk:
    """One of the two, and the texts it sent."""

    def __init__(self, run: Run, texts: Callable[[], list[str]]) -> None:
        self._run, self.texts = run, texts

    async def run(self, errand: Any, contact: str = "c1", caller: str = "13800138000") -> Findings:
        return await self._run(errand, contact=contact, now=NOW, caller=caller)


@pytest.fixture(params=["true", "pretended"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    backends, dead = Backends(slowness=5.0, today=NOW.date), f"http://127.0.0.1:{free_port()}"
    async with backends.serving() as url:
        services = offering(
            service(url),
            service(url + "/identify", name="people", kind="identity"),
            service(url, name="calendar"),
            service(url + "/messages", name="gateway"),
            service(dead, name="dead"),
            service(url, name="lying"),
            service(url, name="slow", timeout=0.1),
            region="CN",
            outside=("+8610*", "112"),
            lockout=Lockout(failures=3),
        )
        tables = Tables({"accounts": ACCOUNTS})
        if request.param == "pretended":
            pretended = Pretended(Sources(tables, services), LIKE)
            yield Desk(pretended.run, lambda: [text for _, text in pretended.messages])
            return
        async with house(tmp_path, services, tables) as there:
            await there.errands.start()
            yield Desk(there.errands.run, lambda: [each["text"] for each in backends.messages])


async def test_services_answer(desk: Desk) -> None:
    assert await desk.run(Http("orders", "get", "/orders/1001")) == Answer(200, ORDER)
    assert await desk.run(Http("orders", "delete", "/orders/1001")) == Answer(405, None)
    assert isinstance(await desk.run(Http("nothing", "get", "/")), Failed)


@pytest.mark.parametrize("name", ["dead", "lying", "slow"])
async def test_services_that_do_not_answer(desk: Desk, name: str) -> None:
    pretend = {"pretend": name} if name != "dead" else {}
    found = await desk.run(Http(name, "get", "/orders/1001", pretend))
    assert isinstance(found, Failed)
    assert found.why.startswith("lying: lying: " if name == "lying" else f"{name}: ")


async def test_tables_identify_and_lock(desk: Desk) -> None:
    def ask(pin: str, account: str = "1") -> Identify:
        return Identify("accounts", {"account": account, "pin": pin}, frozenset({"pin"}), "account")

    public = {"account": "1", "name": "Mei", "phone": "138 0013 8000"}
    assert await desk.run(ask("4321")) == Identified(True, "verified", public)
    found = [await desk.run(ask(pin, account)) for account in ("1", "9") for pin in "abcd"]
    no, locked = Identified(ok=False), Identified(ok=False, locked=True)
    assert found == [no, no, locked, locked] * 2
    assert await desk.run(ask("4321")) == locked
    assert isinstance(await desk.run(Identify("nowhere", {"a": "b"})), Failed)


async def test_services_identify(desk: Desk) -> None:
    given = {"account": "12345678", "pin": "4321"}
    found = await desk.run(Identify("people", given, frozenset({"pin"}), "account"))
    assert found == Identified(True, "verified", MEI)


async def test_numbers_are_recognised(desk: Desk) -> None:
    public = {"account": "1", "name": "Mei", "phone": "138 0013 8000"}
    found = await desk.run(Recognise("accounts", "phone", "+8613800138000"))
    assert found == Identified(True, "number", public, key="account")
    assert await desk.run(Recognise("accounts", "phone", "")) == Identified(ok=False)
    assert await desk.run(Recognise("accounts", "phone", "+442087654321")) == Identified(ok=False)
    assert isinstance(await desk.run(Recognise("accounts", "pin", "1")), Failed)


async def test_codes_are_sent_and_right_once(desk: Desk) -> None:
    sent = await desk.run(SendCode("13800138000", f"Code {CODE_MARK}"))
    assert isinstance(sent, CodeSent)
    code = desk.texts()[-1].removeprefix("Code ")
    assert len(code) == 6
    wrong = await desk.run(CheckCode(sent.handle, "000000"))
    assert wrong == Identified(ok=False)
    assert await desk.run(CheckCode(sent.handle, code)) == Identified(True, "verified")
    assert await desk.run(CheckCode(sent.handle, code)) == Identified(ok=False, locked=True)
    assert await desk.run(CheckCode("other", code)) == Identified(ok=False, expired=True)
    for odd in ("", "١٢٣", "x" * 1000):
        assert not (await desk.run(CheckCode(sent.handle, odd))).ok  # type: ignore[union-attr] # Identified


async def test_tables_are_looked_up(desk: Desk) -> None:
    row = {"account": "2", "name": "Tom", "phone": "+442087654321"}
    assert await desk.run(Lookup("accounts", {"name": "Tom"})) == Row(True, row)
    assert await desk.run(Lookup("accounts", {"name": "Tim"})) == Row(False)
    assert isinstance(await desk.run(Lookup("accounts", {"pin": "x"})), Failed)
    assert isinstance(await desk.run(Lookup("nowhere", {"a": "b"})), Failed)


async def test_texts_are_accepted(desk: Desk) -> None:
    assert isinstance(await desk.run(Sms("13800138000", "Hello")), Sent)
    assert isinstance(await desk.run(Sms("nobody", "Hello")), Failed)


async def test_callbacks_are_promised_to_whom_they_may(desk: Desk) -> None:
    own = await desk.run(Callback("billing", "+8613800138000", {"english": 3}))
    assert isinstance(own, CallbackKept)
    assert await desk.run(Callback("billing", "+8613800138000", {"english": 3})) == own
    other = await desk.run(Callback("billing", "010 1234 5678"))
    assert isinstance(other, CallbackKept)
    assert other != own
    for number in ("+882161234567", "13900139000", "1120", "", "abc"):
        assert isinstance(await desk.run(Callback("billing", number)), CallbackRefused), number
    assert isinstance(await desk.run(Callback("billing", ""), caller=""), CallbackRefused)


async def test_slots_are_offered_and_reserved(desk: Desk) -> None:
    found = await desk.run(Slots("calendar", NOW, 86400.0, 2))
    assert isinstance(found, SlotList)
    assert len(found.slots) == 2
    assert await desk.run(Reserve("calendar", found.slots[0].id), "a") == Reserved("R-1")
    assert await desk.run(Reserve("calendar", found.slots[0].id), "b") == SlotTaken()


# --- what only the true one can show ---


async def test_a_promise_outlives_the_service_and_is_told_once(tmp_path: Path) -> None:
    asked = Callback("billing", "13800138000", {"english": 3}, 5, "Mei, a bill")
    async with house(tmp_path, offering(region="CN")) as there:
        kept = [await there.run(asked, caller="+8613800138000") for _ in range(2)]
        assert [each.kind for each in there.story] == ["callback"]
        told = there.story[0].data
    (promise,) = promises_in(tmp_path / "e.sqlite")
    assert kept == [CallbackKept(promise.id)] * 2
    assert told == {"id": promise.id, "queue": "billing", "number": "13800138000"}
    assert (promise.contact, promise.needs, promise.priority) == ("c1", {"english": 3}, 5)
    assert (promise.tell_agent, promise.asked_at) == ("Mei, a bill", NOW.timestamp())
    assert promise.state == "waiting"
    async with house(tmp_path, offering(region="CN")) as there:
        promises = there.errands._house.promises
        assert await promises.waiting() == [promise]
        assert await promises.move(promise.id, "done")
        assert not await promises.move(promise.id, "given_up")
        assert await promises.waiting() == []
    assert promises_in(tmp_path / "e.sqlite") == []
    assert [each.state for each in promises_in(tmp_path / "e.sqlite", everything=True)] == ["done"]
