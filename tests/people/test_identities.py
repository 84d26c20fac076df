"""Identities elsewhere: linked once, ended with what was begun by them; sign-ins end once."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from acd.people import BegunSignIns, Identities, Passwords, People
from acd.people.begun import LASTS
from acd.records import Conflict, Database, NotFound, Refused

T0 = 1_760_000_000.0
HERE, THERE = "https://id.example.org", "https://other.example.org"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
async def people(database: Database) -> People:
    people = People(database, lambda: T0, Passwords(QUICK))
    await people.add("ada")
    await people.add("ben")
    return people


async def test_one_identity_has_one_account_and_an_account_one_identity(
    database: Database, people: People
) -> None:
    links = Identities(database, lambda: T0)
    link = await links.link(HERE, "u-1", "ADA")
    assert await links.find(HERE, "u-1") == link
    assert await links.find(THERE, "u-1") is None
    for subject, name in (("u-1", "ben"), ("u-2", "ada")):
        with pytest.raises(Conflict, match="linked already"):
            await links.link(HERE, subject, name)
    await links.link(THERE, "u-1", "ada")
    assert [each.issuer for each in await links.of("ada")] == [HERE, THERE]
    with pytest.raises(NotFound):
        await links.link(HERE, "u-3", "nobody")
    for subject in ("", "x" * 256, "u\n1"):
        with pytest.raises(Refused):
            await links.link(HERE, subject, "ben")


async def test_of_two_first_links_at_once_one_holds(database: Database, people: People) -> None:
    links = Identities(database, lambda: T0)
    came = await asyncio.gather(
        links.link(HERE, "u-1", "ada"), links.link(HERE, "u-1", "ben"), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in came) == ["Conflict", "Identity"]


async def test_a_link_that_ends_takes_its_sessions_and_no_others(
    database: Database, people: People
) -> None:
    links = Identities(database, lambda: T0)
    link = await links.link(HERE, "u-1", "ada")
    _, session = await people.open_session("ada", identity=link.id)
    await people.open_session("ada")
    assert await links.unlink(link.id) == (link, [session.id])
    assert [each.identity for each in await people.sessions("ada")] == [None]
    with pytest.raises(NotFound):
        await links.unlink(link.id)


async def test_a_sign_in_ends_once_in_time_and_its_secret_is_kept_nowhere(
    database: Database,
) -> None:
    now = [T0]
    begun = BegunSignIns(database, lambda: now[0])
    secret, mine = await begun.begin("/desk/")
    assert len({mine.state, mine.nonce, mine.verifier, secret}) == 4
    assert 43 <= len(mine.verifier) <= 128
    async with database.reading() as connection:
        rows = (await connection.execute(text("SELECT * FROM begun_sign_ins"))).all()
    assert secret not in str(rows)
    assert await begun.end("another", mine.state) is None
    assert await begun.end(secret, "another") is None
    came = await asyncio.gather(begun.end(secret, mine.state), begun.end(secret, mine.state))
    assert sorted(each is None for each in came) == [False, True]
    late, its = await begun.begin("/desk/")
    now[0] += LASTS + 1
    assert await begun.end(late, its.state) is None


async def test_who_begins_sign_ins_without_end_keeps_nobody_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acd.people.begun.MOST", 3)
    now = [T0]
    begun = BegunSignIns(database, lambda: now[0])
    secrets = []
    for _ in range(5):
        now[0] += 1
        secrets.append(await begun.begin("/desk/"))
    async with database.reading() as connection:
        count = await connection.scalar(text("SELECT count(*) FROM begun_sign_ins"))
    assert count == 3
    ended = [await begun.end(secret, each.state) for secret, each in secrets]
    assert [each is None for each in ended] == [True, True, False, False, False]
