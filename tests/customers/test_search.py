"""Customers are found by what people type."""

from __future__ import annotations

import pytest

from acd.customers import Address, Customers


@pytest.fixture
async def known(customers: Customers) -> Customers:
    for name, number, email, tags in (
        ("Mei Lin", "13800138000", "mei.lin@example.org", ["VIP", "tea"]),
        ("Zoë Müller", "+49 30 901820", "zoe@example.net", ["late"]),
        ("李小梅", "13912345678", "lixm@example.cn", ["vip guest"]),
        ("Lin Mason", "13700001380", "mason@example.org", []),
    ):
        addresses = [Address("phone", number), Address("email", email)]
        await customers.create(name=name, addresses=addresses, tags=tags, by="ada")
    return customers


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("mei lin", ["Mei Lin"]),
        ("LIN", ["Lin Mason", "Mei Lin"]),
        ("muller", ["Zoë Müller"]),
        ("ZOE mü", ["Zoë Müller"]),
        ("小梅", ["李小梅"]),
        ("李", ["李小梅"]),
        ("梅小", []),
        ("138 0013 8000", ["Mei Lin"]),
        ("8613800138000", ["Mei Lin"]),
        ("013800138000", ["Mei Lin"]),
        ("5678", ["李小梅"]),
        ("1380", ["Lin Mason", "Mei Lin"]),
        ("030 901820", ["Zoë Müller"]),
        ("mei.lin@example.org", ["Mei Lin"]),
        ("example.org", ["Lin Mason", "Mei Lin"]),
        ("lin 1380", ["Lin Mason", "Mei Lin"]),
        ("tea", ["Mei Lin"]),
        ("nobody", []),
        ("' OR nothing=1 --", []),
        ('"*" : & | !', []),
        ("\x00", []),
    ],
)
async def test_words_digits_and_addresses_find_people(
    known: Customers, text: str, names: list[str]
) -> None:
    assert [each.name for each in await known.find(text)] == names


async def test_fields_narrow_a_search(known: Customers) -> None:
    assert [c.name for c in await known.find(tag="vip")] == ["Mei Lin"]
    assert [c.name for c in await known.find("lin", email="mason")] == ["Lin Mason"]
    assert [c.name for c in await known.find(number="9018")] == ["Zoë Müller"]
    assert await known.find(name="example") == []
    assert len(await known.find(limit=2)) == 2


async def test_notes_and_facts_are_found_until_they_are_gone(known: Customers) -> None:
    (mei,) = await known.find("mei")
    note = await known.note(mei.id, "waits for the green teapot", "ada")
    await known.add_fact(mei.id, "order", {"number": "B-1001"}, by="shop")
    assert await known.find("teapot") == await known.find("1001") == [await known.get(mei.id)]
    await known.delete_note(note.id, "ada")
    assert await known.find("teapot") == []


async def test_what_was_renamed_is_found_by_its_new_name_alone(known: Customers) -> None:
    (mei,) = await known.find("mei")
    await known.edit(mei.id, name="Mei Zhang", by="ada")
    assert [c.name for c in await known.find("zhang")] == ["Mei Zhang"]
    assert await known.find(name="Mei Lin") == []
