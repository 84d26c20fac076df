"""Who is calling: tables and services, numbers, lock-out over calls and services."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from ivr.backends.numbers import same_form
from ivr.backends.services import Lockout
from ivr.demo.backends import Backends
from ivr.flow.actions import Failed
from ivr.flow.errands import Identified, Identify, Recognise
from tests.backends.house import House, free_port, house, offering, says, service, wire

RULES = Lockout(failures=3, within=600.0, lasts=900.0)
MEI = Identified(True, "verified", {"account": "1", "name": "Mei", "phone": "138 0013 8000"})
LOCKED = Identified(ok=False, locked=True)
NO = Identified(ok=False)


def ask(account: str, pin: str, source: str = "accounts") -> Identify:
    given = {"account": account, "pin": pin}
    return Identify(source, given, frozenset({"pin"}), "account")


async def test_a_table_tells_who_it_is(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        assert await there.run(ask("1", "4321")) == MEI
        assert await there.run(ask("1", "0000")) == NO
        assert await there.run(ask("9", "4321")) == NO
        assert isinstance(await there.run(ask("1", "4321", "nowhere")), Failed)


@pytest.mark.parametrize("account", ["1", "no such account"])
async def test_an_account_locks_over_calls_and_services_whether_it_exists_or_not(
    tmp_path: Path, account: str
) -> None:
    services = offering(lockout=RULES)
    async with house(tmp_path, services) as here, house(tmp_path, services) as there:
        assert await here.run(ask(account, "0"), "a") == NO
        assert await there.run(ask(account, "1"), "b") == NO
        assert await here.run(ask(account, "2"), "c") == LOCKED
        assert await there.run(ask(account, "4321"), "d") == LOCKED
        assert await there.run(ask("2", "4321"), "d") != LOCKED
        there.clock.at += 901
        assert (await there.run(ask(account, "4321"), "e")) == (MEI if account == "1" else NO)


async def test_an_account_is_one_account_however_it_is_written(tmp_path: Path) -> None:
    async with house(tmp_path, offering(lockout=RULES)) as there:
        for account in ("ab1", " AB1", "Ab1 "):
            await there.run(ask(account, "0"))
        assert await there.run(ask("ab1", "0")) == LOCKED


@pytest.mark.parametrize(
    "spellings",
    [
        ("DE-12/34", "de1234", "DE 12 34", "ＤＥ１２３４"),
        ("13800138000", "+86 138 0013 8000", "+8613800138000", "138-0013-8000"),
    ],
)
async def test_no_spelling_of_an_account_gives_more_tries(
    tmp_path: Path, spellings: tuple[str, ...]
) -> None:
    """A service may take any of them for the same account."""
    async with house(tmp_path, offering(lockout=RULES, region="CN")) as there:
        for n, account in enumerate(spellings[: RULES.failures]):
            await there.run(ask(account, "0"), f"c{n}")
        assert await there.run(ask(spellings[-1], "0"), "last") == LOCKED


async def test_being_right_takes_failures_back(tmp_path: Path) -> None:
    async with house(tmp_path, offering(lockout=RULES)) as there:
        for n in range(6):
            assert await there.run(ask("1", "0"), f"a{n}") == NO
            assert await there.run(ask("1", "4321"), f"a{n}") == MEI


async def test_who_goes_through_many_accounts_in_one_call_is_locked_out(tmp_path: Path) -> None:
    async with house(tmp_path, offering(lockout=RULES)) as there:
        found = [await there.run(ask(f"x{n}", "1234"), "spray") for n in range(9)]
        assert found == [NO] * 8 + [LOCKED]
        for _ in range(RULES.failures):
            assert await there.run(ask("1", "4321"), "spray") == LOCKED
        assert await there.run(ask("1", "4321"), "honest") == MEI


async def test_guesses_at_the_same_moment_cannot_outnumber_the_limit(tmp_path: Path) -> None:
    services = offering(lockout=RULES)
    async with house(tmp_path, services) as here, house(tmp_path, services) as there:
        houses: Iterable[House] = (here, there) * 5
        guesses = [each.run(ask("1", f"{n}"), f"c{n}") for n, each in enumerate(houses)]
        found = await asyncio.gather(*guesses)
    # Whoever was compared and failed heard "no", everybody else "locked".
    assert found.count(NO) <= 2
    assert found.count(LOCKED) >= 8


async def test_an_unknown_account_takes_as_long_as_a_known_one(tmp_path: Path) -> None:
    async with house(tmp_path, offering(lockout=Lockout(failures=100))) as there:

        async def took(account: str) -> float:
            began = time.perf_counter()
            await there.run(ask(account, "0000"), account)
            return time.perf_counter() - began

        await took("1")
        pairs = [(await took("1"), await took("99")) for _ in range(9)]
    known, unknown = (statistics.median(each) for each in zip(*pairs, strict=True))
    assert 0.5 < unknown / known < 2


async def test_accounts_are_kept_as_digests_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        await there.run(ask("account-canary", "pin-canary"), "call-canary")
    with sqlite3.connect(tmp_path / "e.sqlite") as db:
        kept = repr(db.execute("SELECT * FROM attempts").fetchall())
    db.close()
    assert kept.count("[") == 3
    assert "canary" not in kept


# --- services ---


async def test_a_service_tells_who_it_is(tmp_path: Path) -> None:
    async with Backends().serving() as url:
        people = service(url + "/identify", name="people", kind="identity")
        async with house(tmp_path, offering(people, lockout=RULES)) as there:
            found = await there.run(ask("12345678", "4321", "people"))
            assert found == Identified(True, "verified", {"name": "Mei Lin", "tier": "gold"})
            for _ in range(3):
                wrong = await there.run(ask("12345678", "0", "people"))
            assert wrong == LOCKED


async def test_a_service_of_another_kind_identifies_nobody(tmp_path: Path) -> None:
    async with Backends().serving() as url:
        orders = service(url + "/identify", name="orders")
        async with house(tmp_path, offering(orders)) as there:
            assert isinstance(await there.run(ask("12345678", "4321", "orders")), Failed)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"ok": true}', Identified(True, "verified", {})),
        (b'{"ok": true, "level": "number"}', Identified(True, "number", {})),
        (b'{"ok": true, "customer": {"vip": true, "n": 1}}', None),
        (b'{"ok": false, "customer": {"name": "Mei"}}', NO),
        (b'{"ok": 1}', "lying"),
        (b'{"ok": "true"}', "lying"),
        (b"[]", "lying"),
        (b"true", "lying"),
        (b"", "lying"),
        (b'{"ok": true, "level": "unknown"}', "lying"),
        (b'{"ok": true, "level": "boss"}', "lying"),
        (b'{"ok": true, "level": ["strong"]}', "lying"),
        (b'{"ok": true, "customer": []}', "lying"),
        (b'{"ok": true, "customer": {"a": {"b": 1}}}', "lying"),
    ],
)
async def test_what_a_service_may_say(tmp_path: Path, body: bytes, found: object) -> None:
    async with wire(says("200 OK", body)) as wired:
        people = service(wired.url, name="people", kind="identity")
        async with house(tmp_path, offering(people)) as there:
            said = await there.run(ask("1", "4321", "people"))
    if found == "lying":
        assert isinstance(said, Failed)
        assert said.why.startswith("lying: ")
    else:
        assert said == (found or Identified(True, "verified", {"vip": True, "n": 1}))


async def test_a_service_that_is_down_locks_nobody(tmp_path: Path) -> None:
    dead = service(f"http://127.0.0.1:{free_port()}", name="people", kind="identity")
    async with Backends().serving() as url, house(tmp_path, offering(dead, lockout=RULES)) as there:
        for _ in range(4):
            assert isinstance(await there.run(ask("12345678", "4321", "people")), Failed)
        alive = service(url + "/identify", name="people", kind="identity")
        there.reload(services={"people": alive})
        assert (await there.run(ask("12345678", "4321", "people"))).ok  # type: ignore[union-attr] # Identified


async def test_a_caller_who_hangs_up_while_being_compared_is_not_counted(tmp_path: Path) -> None:
    heard = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        heard.set()
        await reader.read()

    async with wire(silent) as wired:
        people = service(wired.url, name="people", kind="identity")
        async with house(tmp_path, offering(people, lockout=Lockout(failures=1))) as there:
            task = asyncio.create_task(there.run(ask("1", "4321", "people")))
            await heard.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await there.run(ask("1", "4321", "people")) != LOCKED


# --- by number ---


async def test_a_number_is_recognised_however_it_is_written(tmp_path: Path) -> None:
    async with house(tmp_path, offering(region="CN")) as there:
        for number in ("13800138000", "+8613800138000", "013800138000", "8613800138000"):
            found = await there.run(Recognise("accounts", "phone", number))
            assert found == Identified(True, "number", dict(MEI.facts), key="account")


@pytest.mark.parametrize("number", ["", "anonymous", "0013800", "138001380001", "+4413800138000"])
async def test_a_number_that_nobody_has_recognises_nobody(tmp_path: Path, number: str) -> None:
    async with house(tmp_path, offering(region="CN")) as there:
        assert await there.run(Recognise("accounts", "phone", number)) == NO


async def test_a_number_that_two_have_recognises_neither(tmp_path: Path) -> None:
    async with house(tmp_path, offering(region="GB")) as there:
        assert await there.run(Recognise("accounts", "phone", "+442087654321")) == NO


async def test_without_a_region_digits_count_as_they_are(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        found = await there.run(Recognise("accounts", "phone", "02087654321"))
        assert found.facts["name"] == "Ann"  # type: ignore[union-attr] # Identified
        assert await there.run(Recognise("accounts", "phone", "2087654321")) == NO


async def test_nobody_is_recognised_by_a_secret_column(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        assert isinstance(await there.run(Recognise("accounts", "pin", "4321")), Failed)
        assert await there.run(Recognise("accounts", "nothing", "4321")) == NO
        assert isinstance(await there.run(Recognise("nowhere", "phone", "4321")), Failed)


def test_forms_of_numbers() -> None:
    assert same_form("+86 (138) 0013-8000", None) == "+8613800138000"
    assert same_form("1001", "CN") == "1001"
    assert same_form("112", "GB") == "112"
    for odd in ("", "abc", "+", "12", "1" * 16, "٣٣٣٣٣", "1;ext=2", "138\n00138000x", "1" * 5000):
        assert same_form(odd, "CN") is None
