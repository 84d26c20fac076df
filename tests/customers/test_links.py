"""Contacts find their customers, and customers all that happened with them."""

from __future__ import annotations

import pytest

from acd.customers import Address, Consents, Customers, Links, timeline
from acd.customers.links import projection
from acd.desk import Tickets
from acd.records import ContactEvent, Database, NotFound, RecordsWriter, Refused
from tests.records.conftest import Stream, a_call, event

from .conftest import region

MEI = Address("phone", "+8613800138000")


async def write(url: str, *events: ContactEvent) -> None:
    writer = RecordsWriter(url, Stream(events), also=(projection(region),))
    await writer.flush()
    await writer.stop()


def began(contact: str, caller: str, at: float = 0, channel: str = "voice") -> ContactEvent:
    return event(contact, at, "began", channel=channel, caller=caller)


async def test_a_known_number_is_recognised_as_the_contact_begins(
    url: str, customers: Customers, links: Links
) -> None:
    mei = await customers.create(name="Mei", addresses=[MEI, Address("chat", "v-77")], by="ada")
    await write(
        url,
        began("c1", "013800138000"),
        began("c2", "v-77", 1, "chat"),
        began("c3", "13800138000", 2, "sms"),
        began("c4", "13900139000", 3),
        began("c5", "", 4),
    )
    found = [await links.of(contact) for contact in ("c1", "c2", "c3", "c4", "c5")]
    assert [link and (link.customer, link.sure) for link in found] == [
        (mei.id, "recognised"),
        (mei.id, "recognised"),
        (mei.id, "recognised"),
        (None, ""),
        None,
    ]
    assert [each.id for each in await links.contacts(mei.id)] == ["c3", "c2", "c1"]
    assert [each.id for each in await links.from_address("phone", "139-0013-9000")] == ["c4"]


async def test_a_stranger_makes_no_customer_but_who_is_made_later_has_the_past(
    url: str, customers: Customers, links: Links, consents: Consents
) -> None:
    await write(url, began("c1", "13800138000"))
    await consents.opt("sms", given=False, how="STOP", by="sms", address=MEI.value)
    assert await customers.find() == []
    mei = await customers.create(name="Mei", addresses=[MEI], by="ada")
    assert [each.id for each in await links.contacts(mei.id)] == ["c1"]
    assert [each.how for each in await consents.consents(mei.id)] == ["STOP"]


async def test_what_is_surer_counts_and_an_agent_has_the_last_word(
    url: str, customers: Customers, links: Links
) -> None:
    mei = await customers.create(name="Mei", addresses=[MEI], by="ada")
    tom = await customers.create(name="Tom", by="ada")
    await write(
        url,
        began("c1", MEI.value),
        event("c1", 5, "customer", customer=tom.id, sure="verified"),
        event("c1", 6, "customer", customer=mei.id, sure="recognised"),
        event("c1", 7, "customer", customer=999, sure="verified"),
        event("c1", 8, "customer", customer="x'; --", sure="verified"),
    )
    link = await links.of("c1")
    assert link is not None
    assert (link.customer, link.sure) == (tom.id, "verified")
    assert (await links.link("c1", mei.id, "recognised", "ada")).customer == tom.id
    assert (await links.link("c1", mei.id, "set", "ada")).customer == mei.id
    assert (await links.link("c1", tom.id, "verified", "flow")).customer == mei.id
    await links.unlink("c1", "ada")
    with pytest.raises(NotFound):
        await links.unlink("c1", "ada")
    with pytest.raises(Refused, match="recognised, verified, set"):
        await links.link("c1", mei.id, "surely", "ada")  # type: ignore[arg-type]  # hostile


async def test_an_agent_may_be_quicker_than_the_records(
    url: str, customers: Customers, links: Links
) -> None:
    tom = await customers.create(name="Tom", by="ada")
    await links.link("c1", tom.id, "set", "ada")
    await write(url, began("c1", MEI.value))
    link = await links.of("c1")
    assert link is not None
    assert (link.customer, link.sure, link.value) == (tom.id, "set", MEI.value)


async def test_the_timeline_holds_every_channel_and_pages_without_loss(
    url: str, database: Database, customers: Customers, consents: Consents
) -> None:
    mei = await customers.create(name="Mei", addresses=[Address("phone", "5551234")], by="ada")
    await write(url, *a_call("c1"), began("c2", "5551234", 50, "sms"))
    await customers.note(mei.id, "kind", "ada", contact="c1")
    await customers.add_fact(mei.id, "order", {"n": 1}, by="shop")
    await consents.opt("sms", given=True, how="START", by="sms", customer=mei.id)
    await Tickets(database).open("Call back", customer=mei.id, contact="c1", by="ada")
    whole = await timeline(database, mei.id, limit=200)
    assert {"began", "answered", "note", "fact", "consent", "ticket", "change"} <= {
        item.kind for item in whole
    }
    assert {item.channel for item in whole} >= {"voice", "sms"}
    assert [item.at for item in whole] == sorted((item.at for item in whole), reverse=True)
    paged, before = [], None
    while page := await timeline(database, mei.id, before=before, limit=3):
        paged += page
        before = page[-1].cursor
    assert paged == whole
    notes = await timeline(database, mei.id, kinds=["note", "answered"])
    assert {item.kind for item in notes} == {"note", "answered"}
    with pytest.raises(Refused, match="cursor"):
        await timeline(database, mei.id, before="nonsense")


async def test_who_proves_who_they_are_is_linked_by_what_they_proved(
    url: str, customers: Customers, links: Links
) -> None:
    account = Address("other", "12345678", "account")
    mei = await customers.create(name="Mei", addresses=[MEI], by="ada")
    tom = await customers.create(name="Tom", addresses=[account], by="ada")

    def proven(contact: str, sure: str, *addresses: str) -> ContactEvent:
        return event(contact, 5, "customer", sure=sure, addresses=[*addresses])

    await write(
        url,
        began("c1", MEI.value),
        proven("c1", "verified", "other:12345678", f"phone:{MEI.value}"),
        began("c2", "13900139000"),
        proven("c2", "verified", "other:777", "phone:138 0013 8000"),
        began("c3", "13900139000"),
        proven("c3", "verified", "other:777", "nonsense", "pin:1", "email:no"),
        began("c4", MEI.value),
        proven("c4", "made up", "other:12345678"),
        event("c5", 5, "customer", sure="verified", addresses="other:12345678"),
    )
    found = [await links.of(contact) for contact in ("c1", "c2", "c3", "c4", "c5")]
    assert [link and (link.customer, link.sure) for link in found] == [
        (tom.id, "verified"),
        (mei.id, "verified"),
        (None, ""),
        (mei.id, "recognised"),
        None,
    ]


async def test_a_call_that_becomes_another_contact_brings_its_customer_along(
    url: str, customers: Customers, links: Links
) -> None:
    mei = await customers.create(name="Mei", addresses=[MEI], by="ada")
    await write(
        url,
        began("chat", "v-1", channel="chat"),
        began("call", MEI.value, 1),
        event("chat", 2, "joined", **{"from": "call"}),
    )
    link = await links.of("chat")
    assert link is not None
    assert (link.customer, link.sure) == (mei.id, "recognised")
    assert await links.of("call") is None


async def test_a_contact_that_goes_on_at_another_node_is_of_the_same_customer(
    url: str, customers: Customers, links: Links
) -> None:
    mei = await customers.create(name="Mei", addresses=[Address("chat", "v-77")], by="ada")
    await write(
        url,
        began("c1-n1", "v-77", channel="chat"),
        began("c2-n2", "13900139000", 5),
        event("c2-n2", 6, "continues", contact="c1-n1"),
        began("c3-n2", "13900139000", 7),
        event("c3-n2", 8, "continues", contact="c9-n1"),
    )
    found = [await links.of(contact) for contact in ("c2-n2", "c3-n2")]
    assert [link and (link.customer, link.sure) for link in found] == [
        (mei.id, "recognised"),
        (None, ""),
    ]
    assert [each.id for each in await links.contacts(mei.id)] == ["c2-n2", "c1-n1"]
