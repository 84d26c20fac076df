"""Who may sign in, and who may not: nothing that opens a door is kept as it is."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from acd.people import Passwords, People, TooManyTries, WrongPassword
from acd.people.people import IDLE, LONGEST_SESSION
from acd.people.places import place_of
from acd.records import Conflict, Database, NotFound, Refused

T0 = 1_760_000_000.0
GOOD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Clock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def people(database: Database, clock: Clock) -> People:
    people = People(database, clock, Passwords(QUICK))
    await people.add("root", GOOD, roles=["administrator"])
    await people.add("Ada", GOOD, title="Ada Park", extension="1001", roles=["agent", "supervisor"])
    return people


async def test_who_knows_the_password_gets_a_session_that_lives_while_it_is_used(
    people: People, clock: Clock
) -> None:
    token, session = await people.sign_in(" ADA", GOOD, address="192.0.2.1", agent="Firefox")
    assert (session.account.name, session.account.extension) == ("ada", "1001")
    clock.now += IDLE - 1
    again = await people.session(token)
    assert again is not None
    assert (again.id, again.csrf, again.expires_at) == (session.id, session.csrf, clock.now + IDLE)
    assert [each.address for each in await people.sessions("ada")] == ["192.0.2.1"]
    clock.now += IDLE
    assert await people.session(token) is None
    assert await people.sessions("ada") == []


async def test_no_session_lives_for_ever(people: People, clock: Clock) -> None:
    token, _ = await people.sign_in("ada", GOOD)
    while await people.session(token):
        clock.now += IDLE / 2
        assert clock.now < T0 + LONGEST_SESSION + IDLE


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", "wrong"), ("nobody", GOOD), ("", ""), ("ada' --", "x\x00" * 9000)],
)
async def test_a_wrong_name_and_a_wrong_password_are_told_alike(
    people: People, name: str, password: str
) -> None:
    with pytest.raises(WrongPassword, match=r"^name or password is wrong$"):
        await people.sign_in(name, password)


async def test_guessing_stops_after_a_few_tries_even_with_the_right_word(
    people: People, clock: Clock
) -> None:
    guesses = [people.sign_in("ada", f"guess {n}", address="203.0.113.9") for n in range(20)]
    came = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(each, WrongPassword) for each in came) == 5
    assert sum(isinstance(each, TooManyTries) for each in came) == 15
    with pytest.raises(TooManyTries) as told:
        await people.sign_in("ada", GOOD, address="203.0.113.9")
    assert told.value.retry_after == pytest.approx(900)
    await people.sign_in("ada", GOOD, address="192.0.2.1")  # at her own desk nothing has happened
    clock.now += 901
    await people.sign_in("ada", GOOD, address="203.0.113.9")


async def test_one_password_tried_with_many_names_stops_too(people: People) -> None:
    for number in range(30):
        with pytest.raises(WrongPassword):
            await people.sign_in(f"user{number}", "Winter2026", address="203.0.113.9")
    with pytest.raises(TooManyTries):
        await people.sign_in("user99", "Winter2026", address="203.0.113.9")


async def test_whoever_has_an_ipv6_network_has_no_more_tries_for_it(people: People) -> None:
    for number in range(30):
        with pytest.raises(WrongPassword):
            await people.sign_in(f"user{number}", "Winter2026", address=f"2001:db8:1:2::{number}")
    with pytest.raises(TooManyTries):
        await people.sign_in("user99", "Winter2026", address="2001:db8:1:2:ffff::1")
    with pytest.raises(WrongPassword):
        await people.sign_in("user99", "Winter2026", address="2001:db8:1:3::1")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_an_address_counts_as_the_place_it_is_at(address: str, place: str) -> None:
    assert place_of(address) == place


async def test_who_signs_in_often_is_not_locked_out(people: People) -> None:
    for _ in range(40):
        await people.sign_in("ada", GOOD, address="192.0.2.1")


async def test_a_new_password_and_a_disabled_account_end_what_was_open(people: People) -> None:
    token, _ = await people.sign_in("ada", GOOD)
    key, _ = await people.new_token("ada", "orders")
    await people.set_password("ada", "another good one")
    assert await people.session(token) is None
    assert await people.by_token(key) is not None
    with pytest.raises(WrongPassword):
        await people.sign_in("ada", GOOD)
    token, _ = await people.sign_in("ada", "another good one")
    await people.disable("ada")
    assert await people.session(token) is None
    assert await people.by_token(key) is None
    with pytest.raises(WrongPassword):
        await people.sign_in("ada", "another good one")
    with pytest.raises(WrongPassword):
        await people.open_session("ada")
    await people.enable("ada")
    assert await people.by_token(key) is None
    assert (await people.open_session("ada"))[1].account.name == "ada"


async def test_a_token_has_no_more_rights_than_it_and_its_account_have(
    people: People, clock: Clock
) -> None:
    key, kept = await people.new_token("ada", "orders", roles=["agent"], expires_at=T0 + 100)
    assert key.startswith("tl_")
    found = await people.by_token(key)
    assert found is not None
    assert found[0].roles == {"agent"}
    with pytest.raises(Refused, match="no more roles than its account"):
        await people.new_token("ada", "more", roles=["administrator"])
    await people.edit("ada", roles=["designer"])
    found = await people.by_token(key)
    assert found is not None
    assert found[0].roles == frozenset()
    assert [each.last_used for each in await people.tokens("ada")] == [T0]
    clock.now = T0 + 100
    assert await people.by_token(key) is None
    assert (await people.revoke_token(kept.id)).revoked_at == clock.now
    assert await people.by_token("tl_guess") is None


async def test_somebody_can_always_let_others_in(people: People) -> None:
    for locked_out in (people.disable("root"), people.edit("root", roles=["agent"])):
        with pytest.raises(Refused, match="only administrator"):
            await locked_out
    await people.edit("ada", roles=["administrator"])
    await people.disable("root")
    assert (await people.get("root")).disabled


async def test_names_and_extensions_are_somebodys_alone(people: People) -> None:
    with pytest.raises(Conflict, match="account ada already"):
        await people.add("ADA", GOOD)
    with pytest.raises(Conflict, match="extension 1001 belongs to ada"):
        await people.add("bob", GOOD, extension="1001")
    with pytest.raises(Refused, match="letters a-z"):
        await people.add("a b<script>", GOOD)
    with pytest.raises(Refused, match="roles are agent, supervisor"):
        await people.add("bob", GOOD, roles=["king"])
    for nobodys in ("service", "Island", "console", "retention"):
        with pytest.raises(Refused, match="no account did"):
            await people.add(nobodys, GOOD)
    for bad in ("short", "aaaaaaaaaaaa", "x" * 201):
        with pytest.raises(Refused, match=r"a password has|guessed at once"):
            await people.add("bob", bad)
    with pytest.raises(NotFound):
        await people.get("bob")
    ada = await people.of_extension("1001")
    assert ada is not None
    assert ada.name == "ada"
    assert await people.of_extension("") is None


async def test_nothing_that_opens_a_door_is_in_the_database(
    database: Database, people: People
) -> None:
    session, _ = await people.sign_in("ada", GOOD)
    key, _ = await people.new_token("ada", "orders")
    held = ""
    async with database.reading() as connection:
        for table in ("accounts", "sessions", "api_tokens", "failed_sign_ins"):
            held += str((await connection.execute(text(f"SELECT * FROM {table}"))).all())
    assert "$argon2id$" in held
    assert [word for word in (GOOD, session, key) if word in held] == []
