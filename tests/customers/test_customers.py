"""Who a customer is: kept, changed and told, alike in both databases."""

from __future__ import annotations

import pytest

from acd.customers import Address, Customers
from acd.records import Conflict, NotFound, Refused

PHONE = Address("phone", "138 0013 8000", "mobile")


async def test_an_address_is_kept_in_the_form_in_which_equal_ones_are_equal(
    customers: Customers,
) -> None:
    made = await customers.create(
        name=" Mei\tLin ",
        addresses=[
            PHONE,
            Address("email", " Mei.Lin@Example.ORG"),
            Address("phone", "+8613800138000"),
        ],
        by="ada",
    )
    assert made.name == "Mei Lin"
    assert made.numbers == ("+8613800138000",)
    assert made.emails == ("mei.lin@example.org",)
    for spelling in ("13800138000", "+86 138-0013-8000", "008613800138000"):
        assert await customers.by_address("phone", spelling) == made
    assert await customers.by_address("email", "MEI.LIN@example.org") == made
    assert await customers.by_address("phone", "13800138001") is None
    assert await customers.by_address("phone", "nonsense") is None


@pytest.mark.parametrize(
    ("address", "cure"),
    [
        (Address("phone", "ask my wife"), "write it as"),
        (Address("email", "mei.lin"), "name@example.org"),
        (Address("fax", "1"), "phone, email, chat, other"),  # type: ignore[arg-type]  # hostile
        (Address("chat", "a\nb"), "no control characters"),
        (Address("other", "x" * 300), "1 to 254 characters"),
    ],
)
async def test_what_is_no_address_is_refused_with_what_would_do(
    customers: Customers, address: Address, cure: str
) -> None:
    with pytest.raises(Refused, match=cure):
        await customers.create(name="Mei", addresses=[address], by="ada")
    assert await customers.find() == []


async def test_one_address_belongs_to_one_customer(customers: Customers) -> None:
    mei = await customers.create(name="Mei", addresses=[PHONE], by="ada")
    with pytest.raises(Conflict, match=f"belongs to customer {mei.id}"):
        await customers.create(name="Tom", addresses=[PHONE], by="ada")
    tom = await customers.create(name="Tom", by="ada")
    with pytest.raises(Conflict):
        await customers.add_address(tom.id, PHONE, "ada")
    await customers.remove_address(mei.id, PHONE, "ada")
    assert (await customers.add_address(tom.id, PHONE, "ada")).numbers == ("+8613800138000",)
    assert (await customers.get(mei.id)).numbers == ()


async def test_two_who_edit_at_once_do_not_overwrite_each_other(customers: Customers) -> None:
    seen = await customers.create(name="Mei", tags=["vip"], by="ada")
    first = await customers.edit(seen.id, segment="gold", version=seen.version, by="ada")
    with pytest.raises(Conflict, match="was changed meanwhile"):
        await customers.edit(seen.id, segment="silver", version=seen.version, by="bob")
    assert first.segment == "gold"
    assert (await customers.get(seen.id)).segment == "gold"


async def test_every_change_is_told_with_what_it_was(customers: Customers) -> None:
    mei = await customers.create(name="Mei", by="ada")
    await customers.edit(mei.id, name="Mei Lin", by="bob")
    await customers.tag(mei.id, ["VIP", "vip", "#new"], "bob")
    after = await customers.untag(mei.id, ["Vip"], "carl")
    assert after.tags == ("new",)
    told = [(each.by, each.what, dict(each.detail)) for each in await customers.history(mei.id)]
    assert told == [
        ("carl", "edited", {"tags": [["VIP", "new"], ["new"]]}),
        ("bob", "edited", {"tags": [[], ["VIP", "new"]]}),
        ("bob", "edited", {"name": ["Mei", "Mei Lin"]}),
        ("ada", "created", {}),
    ]


async def test_a_fact_pushed_twice_is_there_once(customers: Customers) -> None:
    mei = await customers.create(name="Mei", by="ada")
    await customers.add_fact(mei.id, "purchase", {"order": "1001"}, key="shop:1001", by="shop")
    await customers.add_fact(
        mei.id, "purchase", {"order": "1001", "sum": 90}, key="shop:1001", by="shop"
    )
    await customers.add_fact(mei.id, "visit", {"page": "/"}, by="site")
    facts = await customers.facts(mei.id)
    assert [(each.kind, dict(each.data)) for each in facts] == [
        ("visit", {"page": "/"}),
        ("purchase", {"order": "1001", "sum": 90}),
    ]
    with pytest.raises(Refused, match="16,384"):
        await customers.add_fact(mei.id, "purchase", {"x": "y" * 20_000}, by="shop")


async def test_notes_are_kept_in_order_and_can_be_taken_away(customers: Customers) -> None:
    mei = await customers.create(name="Mei", by="ada")
    first = await customers.note(mei.id, "likes\r\ntea \x00", "ada", contact="c1")
    second = await customers.note(mei.id, "and 茶", "bob")
    assert first.text == "likes\ntea"
    assert await customers.notes(mei.id) == [second, first]
    await customers.delete_note(first.id, "bob")
    assert await customers.notes(mei.id) == [second]
    with pytest.raises(NotFound):
        await customers.delete_note(first.id, "bob")


async def test_who_is_not_there_is_not_found(customers: Customers) -> None:
    for key in (1, 0, -1, 2**70):
        with pytest.raises(NotFound, match="there is no customer"):
            await customers.get(key)
