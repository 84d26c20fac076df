"""Bookings: only what was asked for, one slot for one caller, a lost answer takes no second one."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ivr.demo.backends import Backends
from ivr.flow.actions import Failed
from ivr.flow.errands import Reserve, Reserved, Slot, SlotList, Slots, SlotTaken
from tests.backends.house import house, offering, says, service, wire

ZONE = timezone(timedelta(hours=8))
AFTER = datetime(2026, 3, 6, 16, 20, tzinfo=ZONE)
ASK = Slots("orders", AFTER, 7 * 86400.0, 3)


async def test_free_times_are_offered_and_taken(tmp_path: Path) -> None:
    backends = Backends()
    async with backends.serving() as url, house(tmp_path, offering(service(url))) as there:
        friday = Slot("20260306T1630", "2026-03-06T16:30:00+08:00")
        monday = [
            Slot("20260309T0900", "2026-03-09T09:00:00+08:00"),
            Slot("20260309T0930", "2026-03-09T09:30:00+08:00"),
        ]
        assert await there.run(ASK) == SlotList((friday, *monday))
        take = Reserve("orders", friday.id, {"name": "Mei"})
        assert await there.run(take, "a") == Reserved("R-1")
        assert await there.run(take, "b") == SlotTaken()
        assert await there.run(take, "a") == Reserved("R-1")
        found = await there.run(ASK)
        assert isinstance(found, SlotList)
        assert friday not in found.slots
        assert await there.run(Slots("orders", AFTER, 60.0, 3)) == SlotList(())


async def test_one_of_many_who_reach_for_a_slot_gets_it(tmp_path: Path) -> None:
    backends = Backends()
    async with backends.serving() as url, house(tmp_path, offering(service(url))) as there:
        take = Reserve("orders", "20260306T1630")
        found = await asyncio.gather(*(there.run(take, f"c{n}") for n in range(10)))
    assert sorted(type(each).__name__ for each in found) == ["Reserved"] + ["SlotTaken"] * 9


async def test_a_lost_answer_takes_no_second_slot(tmp_path: Path) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(there_is.heard) > 1:
            body = b'{"reference": "R-7"}'
            writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 20\r\n\r\n" + body)

    async with wire(talk) as there_is, house(tmp_path, offering(service(there_is.url))) as there:
        found = await there.run(Reserve("orders", "b c"))
        assert found == Reserved("R-7")
    first, second = there_is.heard[:2]
    assert first == second
    assert b"POST /slots/b%20c/reservation HTTP/1.1" in first
    assert b"Idempotency-Key: " in first


@pytest.mark.parametrize("name", ["../../admin", "..", ".", "a/../../b", "%2e%2e"])
async def test_the_name_of_a_slot_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    async with (
        wire(says("201 Created", b"{}")) as there_is,
        house(tmp_path, offering(service(there_is.url))) as there,
    ):
        found = await there.run(Reserve("orders", name))
    assert isinstance(found, Failed)
    assert there_is.heard == []


def _slots(*slots: object) -> bytes:
    return json.dumps(slots).encode()


GOOD = {"id": "a", "start": "2026-03-07T09:00:00+08:00"}


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"",
        b"[1]",
        _slots({"id": "a"}),
        _slots({"start": GOOD["start"]}),
        _slots({**GOOD, "id": 7}),
        _slots({**GOOD, "id": ""}),
        _slots({**GOOD, "id": "a\nb"}),
        _slots({**GOOD, "id": "x" * 101}),
        _slots({**GOOD, "start": "tomorrow"}),
        _slots({**GOOD, "start": "2026-03-07T09:00:00"}),
        _slots({**GOOD, "start": 1772845200}),
        _slots({**GOOD, "start": "2026-03-06T16:19:59+08:00"}),
        _slots({**GOOD, "start": "2026-04-07T09:00:00+08:00"}),
        _slots(GOOD, GOOD),
        _slots(*({**GOOD, "id": str(n)} for n in range(600))),
    ],
)
async def test_times_that_cannot_be_true_are_not_offered(tmp_path: Path, body: bytes) -> None:
    async with (
        wire(says("200 OK", body)) as there_is,
        house(tmp_path, offering(service(there_is.url))) as there,
    ):
        found = await there.run(ASK)
    assert isinstance(found, Failed)
    assert found.why.startswith("lying: ")


async def test_times_are_put_in_order_and_no_more_offered_than_asked_for(tmp_path: Path) -> None:
    starts = [f"2026-03-07T{hour:02}:00:00Z" for hour in (9, 3, 7, 5)]
    body = _slots(*({"id": each, "start": each} for each in starts))
    async with (
        wire(says("200 OK", body)) as there_is,
        house(tmp_path, offering(service(there_is.url))) as there,
    ):
        found = await there.run(ASK)
    assert isinstance(found, SlotList)
    assert [each.start[11:] for each in found.slots] == [
        "03:00:00+00:00",
        "05:00:00+00:00",
        "07:00:00+00:00",
    ]
    assert b"GET /slots?after=2026-03-06T16:20:00%2B08:00&until=" in there_is.heard[0]


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        ("201 Created", b'{"reference": "R-1"}', Reserved("R-1")),
        ("200 OK", b"{}", Reserved("")),
        ("409 Conflict", b"taken", SlotTaken()),
        ("404 Not Found", b"", Failed("orders: it answered 404")),
        ("201 Created", b"", Reserved("")),
        ("204 No Content", b"", Reserved("")),
        ("202 Accepted", b"", Failed("orders: it answered 202")),
        ("201 Created", b"[]", None),
        ("201 Created", b'"R-1"', None),
        ("201 Created", b'{"reference": 7}', None),
        ("201 Created", b'{"reference": "a\\nb"}', None),
        ("201 Created", b'{"reference": "%s"}' % (b"x" * 101), None),
    ],
)
async def test_what_comes_of_a_reservation(
    tmp_path: Path, status: str, body: bytes, found: object
) -> None:
    async with (
        wire(says(status, body)) as there_is,
        house(tmp_path, offering(service(there_is.url))) as there,
    ):
        said = await there.run(Reserve("orders", "a"))
    if found is None:
        assert isinstance(said, Failed)
        assert said.why.startswith("lying: ")
    else:
        assert said == found
