"""Two customers become one and part again, each with what was theirs."""

from __future__ import annotations

import asyncio

import pytest

from acd.customers import Address, Consents, Customers, Links
from acd.desk import Tickets
from acd.records import Conflict, Database, NotFound, Refused

A, B = Address("phone", "13800138000"), Address("phone", "13900139000")


async def test_parted_again_each_has_what_was_theirs(
    database: Database, customers: Customers, links: Links, consents: Consents
) -> None:
    tickets = Tickets(database)
    mei = await customers.create(name="Mei", addresses=[A], tags=["vip"], by="ada")
    twin = await customers.create(
        name="M. Lin", segment="gold", addresses=[B], tags=["late"], by="ada"
    )
    mine, theirs = (
        await customers.note(mei.id, "mine", "ada"),
        await customers.note(twin.id, "theirs", "ada"),
    )
    await customers.add_fact(twin.id, "order", {"n": 1}, key="1", by="shop")
    await links.link("c1", twin.id, "set", "ada")
    ticket = await tickets.open("Call back", customer=twin.id, by="ada")
    await consents.opt("sms", given=False, how="STOP", by="sms", address=B.value)

    one = await customers.merge(mei.id, twin.id, "bob")
    assert (one.name, one.segment, one.tags) == ("Mei", "gold", ("vip", "late"))
    assert one.numbers == ("+8613800138000", "+8613900139000")
    assert await customers.get(twin.id) == one
    assert await customers.by_address("phone", B.value) == one
    assert await customers.notes(twin.id) == [theirs_of(theirs, mei.id), mine]
    assert [each.name for each in await customers.find("lin")] == []
    assert [each.given for each in await consents.consents(mei.id)] == [False]
    await customers.tag(mei.id, ["since"], "bob")
    later = await customers.note(mei.id, "since", "bob")

    again = await customers.unmerge(twin.id, "carl")
    assert (again.name, again.segment, again.tags) == ("M. Lin", "gold", ("late",))
    assert again.numbers == ("+8613900139000",)
    after = await customers.get(mei.id)
    assert (after.segment, after.tags, after.numbers) == ("", ("vip", "since"), ("+8613800138000",))
    assert await customers.notes(mei.id) == [later, mine]
    assert await customers.notes(twin.id) == [theirs]
    assert [fact.key for fact in await customers.facts(twin.id)] == ["1"]
    assert (await tickets.get(ticket.id)).customer == twin.id
    link = await links.of("c1")
    assert link is not None
    assert link.customer == twin.id
    assert [each.name for each in await customers.find("lin")] == ["M. Lin"]
    (trail,) = await customers.merges(mei.id)
    assert (trail.other, trail.by, trail.undone_at is not None) == (twin.id, "bob", True)


def theirs_of(note: object, customer: int) -> object:
    from dataclasses import replace

    return replace(note, customer=customer)  # type: ignore[type-var]  # a note


async def test_merges_come_undone_in_the_order_of_a_stack(customers: Customers) -> None:
    a, b, c = [await customers.create(name=name, by="ada") for name in "abc"]
    await customers.merge(b.id, c.id, "ada")
    await customers.merge(a.id, b.id, "ada")
    assert (await customers.get(c.id)).id == a.id
    with pytest.raises(Refused, match=f"unmerge {b.id} first"):
        await customers.unmerge(c.id, "ada")
    await customers.unmerge(b.id, "ada")
    await customers.unmerge(c.id, "ada")
    assert [(await customers.get(each.id)).name for each in (a, b, c)] == ["a", "b", "c"]
    with pytest.raises(NotFound, match="is not merged"):
        await customers.unmerge(c.id, "ada")


async def test_nobody_is_merged_with_themselves(customers: Customers) -> None:
    a, b = [await customers.create(name=name, by="ada") for name in "ab"]
    with pytest.raises(Refused, match="with itself"):
        await customers.merge(a.id, a.id, "ada")
    await customers.merge(a.id, b.id, "ada")
    with pytest.raises(Refused, match="with itself"):
        await customers.merge(b.id, a.id, "ada")


async def test_an_address_given_to_another_since_stays_there(customers: Customers) -> None:
    a = await customers.create(name="a", by="ada")
    b = await customers.create(name="b", addresses=[B], by="ada")
    c = await customers.create(name="c", by="ada")
    await customers.merge(a.id, b.id, "ada")
    await customers.remove_address(a.id, B, "ada")
    await customers.add_address(c.id, B, "ada")
    assert (await customers.unmerge(b.id, "ada")).addresses == ()
    assert (await customers.get(c.id)).numbers == ("+8613900139000",)


async def test_two_who_merge_the_same_two_at_once_make_no_ring(customers: Customers) -> None:
    """Each the other way round: the second finds that it is done, or is told to look again."""
    for _ in range(5):
        one = await customers.create(name="Mei", by="ada")
        two = await customers.create(name="Lin", by="ada")
        came = await asyncio.gather(
            customers.merge(one.id, two.id, "ada"),
            customers.merge(two.id, one.id, "bob"),
            return_exceptions=True,
        )
        (lost,) = [each for each in came if isinstance(each, BaseException)]
        assert isinstance(lost, Refused | Conflict)
        found = [(await customers.get(each.id)).id for each in (one, two)]
        assert found in ([one.id, one.id], [two.id, two.id])
