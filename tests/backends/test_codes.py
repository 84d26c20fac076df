"""One-time codes: single use, few guesses, a short life, and nothing of them kept."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ivr.backends.building import SCHEMAS
from ivr.backends.codes import Code, Codes, MemoryCodes, StoredCodes, draw
from ivr.backends.services import CodeRules
from ivr.backends.store import Store
from ivr.demo.backends import Backends
from ivr.flow.actions import Failed
from ivr.flow.errands import CODE_MARK, CheckCode, CodeSent, Identified, SendCode
from tests.backends.house import House, free_port, house, offering, service

RULES = CodeRules(checks=3, per_hour=2)
RIGHT, WRONG = "a" * 64, "b" * 64


@pytest.fixture(params=["memory", "stored", "two services"])
async def pair(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[Codes, Codes]]:
    """What two calls keep codes with."""
    if request.param == "memory":
        memory = MemoryCodes()
        yield memory, memory
        return
    stores = [Store(tmp_path / "e.sqlite", SCHEMAS) for _ in range(2)]
    first = StoredCodes(stores[0])
    yield first, StoredCodes(stores[1]) if request.param == "two services" else first
    for store in stores:
        await store.close()


def code(at: float = 0.0, number: str = "n") -> Code:
    return Code(RIGHT, number, at, at + 300.0)


async def test_a_code_is_right_once(pair: tuple[Codes, Codes]) -> None:
    here, there = pair
    assert await here.keep("h", code(), RULES)
    assert await there.check("h", WRONG, RULES, 1.0) == "wrong"
    assert await there.check("h", RIGHT, RULES, 2.0) == "right"
    assert await here.check("h", RIGHT, RULES, 3.0) == "over"


async def test_a_code_bears_few_guesses(pair: tuple[Codes, Codes]) -> None:
    here, there = pair
    await here.keep("h", code(), RULES)
    found = [await there.check("h", WRONG, RULES, 1.0) for _ in range(3)]
    assert found == ["wrong", "wrong", "over"]
    assert await here.check("h", RIGHT, RULES, 1.0) == "over"


async def test_a_code_expires(pair: tuple[Codes, Codes]) -> None:
    here, there = pair
    await here.keep("h", code(), RULES)
    await here.keep("i", code(), RULES)
    assert await there.check("h", RIGHT, RULES, 299.9) == "right"
    assert await there.check("i", RIGHT, RULES, 300.0) == "expired"
    assert await there.check("i", WRONG, RULES, 300.0) == "expired"
    assert await there.check("h", RIGHT, RULES, 300.0) == "over", "it was used in time"


async def test_a_code_is_right_for_one_of_many_who_ask_at_once(pair: tuple[Codes, Codes]) -> None:
    await pair[0].keep("h", code(), RULES)
    many = [pair[n % 2].check("h", RIGHT, RULES, 1.0) for n in range(20)]
    assert sorted(await asyncio.gather(*many)) == ["over"] * 19 + ["right"]


async def test_a_number_gets_so_many_codes_in_an_hour(pair: tuple[Codes, Codes]) -> None:
    here, there = pair
    assert await here.keep("1", code(0.0), RULES)
    assert await there.keep("2", code(10.0), RULES)
    await here.check("1", RIGHT, RULES, 11.0)
    assert not await here.keep("3", code(20.0), RULES)
    assert await here.keep("4", code(20.0, "other"), RULES)
    assert await here.keep("5", code(3600.5), RULES)


async def test_a_handle_that_nobody_made_opens_nothing(pair: tuple[Codes, Codes]) -> None:
    assert await pair[0].check("h", "", RULES, 0.0) == "expired"
    assert await pair[0].check("h", RIGHT, RULES, 0.0) == "expired"


def test_codes_have_their_length_and_differ() -> None:
    drawn = {draw(6) for _ in range(200)}
    assert all(len(each) == 6 and each.isdigit() for each in drawn)
    assert len(drawn) > 190


# --- the whole way ---

ASK = SendCode("13800138000", f"Your code is {CODE_MARK}.")


@pytest.fixture
async def gateway() -> AsyncIterator[tuple[Backends, str]]:
    """A gateway for text messages, and its address."""
    backends = Backends()
    async with backends.serving() as url:
        yield backends, url + "/messages"


def _code(backends: Backends) -> str:
    text: str = backends.messages[-1]["text"]
    return text.removeprefix("Your code is ").removesuffix(".")


async def _sent(there: House) -> CodeSent:
    found = await there.run(ASK)
    assert isinstance(found, CodeSent), found
    return found


async def test_the_code_that_was_sent_is_the_one_that_is_right(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    backends, url = gateway
    async with house(tmp_path, offering(service(url, name="gateway"), region="CN")) as there:
        sent = await _sent(there)
        assert backends.messages[0]["to"] == "+8613800138000"
        right = _code(backends)
        wrong = "000000" if right != "000000" else "000001"
        assert await there.run(CheckCode(sent.handle, wrong)) == Identified(ok=False)
        found = await there.run(CheckCode(sent.handle, f" {right[:3]} {right[3:]} "))
        assert found == Identified(ok=True, level="verified")
        assert await there.run(CheckCode(sent.handle, right)) == Identified(ok=False, locked=True)


async def test_a_restarted_service_knows_the_code_that_was_sent(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    backends, url = gateway
    services = offering(service(url, name="gateway"), region="CN")
    async with house(tmp_path, services) as there:
        sent = await _sent(there)
    async with house(tmp_path, services) as there:
        found = await there.run(CheckCode(sent.handle, _code(backends)))
    assert found == Identified(ok=True, level="verified")


async def test_a_code_that_came_too_late_is_told_apart_from_one_that_is_over(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    backends, url = gateway
    async with house(tmp_path, offering(service(url, name="gateway"), region="CN")) as there:
        sent = await _sent(there)
        there.clock.at += ASK.expires
        late = await there.run(CheckCode(sent.handle, _code(backends)))
        assert late == Identified(ok=False, expired=True)


async def test_a_code_of_one_handle_opens_no_other(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    backends, url = gateway
    async with house(tmp_path, offering(service(url, name="gateway"), region="CN")) as there:
        await _sent(there)
        other = _code(backends)
        sent = await _sent(there)
        if _code(backends) != other:
            assert not (await there.run(CheckCode(sent.handle, other))).ok  # type: ignore[union-attr] # Identified


async def test_a_code_that_cannot_be_sent_is_a_failure_at_once(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    backends, url = gateway
    dead = service(f"http://127.0.0.1:{free_port()}", name="gateway")
    async with house(tmp_path, offering(dead, region="CN")) as there:
        assert await there.run(ASK) == Failed("gateway: it cannot be reached")
        there.reload(gateway=None)
        assert await there.run(ASK) == Failed("no gateway for text messages is set up")
        there.reload(**_offered(url))
        assert isinstance(await there.run(ASK), CodeSent)
    assert len(backends.messages) == 1


def _offered(url: str) -> dict[str, object]:
    found = offering(service(url, name="gateway"))
    return {"services": found.services, "gateway": found.gateway}


async def test_no_number_is_flooded_with_codes(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    backends, url = gateway
    services = offering(service(url, name="gateway"), region="CN", codes=RULES)
    async with house(tmp_path, services) as there:
        await _sent(there)
        await _sent(there)
        same = SendCode("+86 138-0013-8000", ASK.text)
        found = await there.run(same, contact="another call")
        assert found == Failed("this number has had too many codes within the hour")
        there.clock.at += 3601
        await _sent(there)
    assert len(backends.messages) == 3


@pytest.mark.parametrize(
    "errand",
    [
        SendCode("nobody", ASK.text),
        SendCode("13800138000", "no place"),
        SendCode("13800138000", ASK.text, length=2),
        SendCode("13800138000", ASK.text, length=99),
    ],
)
async def test_what_is_no_code_is_not_sent(
    tmp_path: Path, gateway: tuple[Backends, str], errand: SendCode
) -> None:
    backends, url = gateway
    async with house(tmp_path, offering(service(url, name="gateway"), region="CN")) as there:
        assert isinstance(await there.run(errand), Failed)
    assert backends.messages == []


async def test_nothing_of_a_code_or_its_number_is_kept(
    tmp_path: Path, gateway: tuple[Backends, str]
) -> None:
    backends, url = gateway
    async with house(tmp_path, offering(service(url, name="gateway"), region="CN")) as there:
        await _sent(there)
    with sqlite3.connect(tmp_path / "e.sqlite") as db:
        kept = db.execute("SELECT * FROM codes").fetchall()
        copies = [row[0] for row in db.execute("SELECT body FROM outbox")]
    db.close()
    assert "138001" not in repr(kept)
    assert _code(backends) not in repr(kept)
    assert copies == ["Your code is •••."]
