"""Bookings over HTTP. The protocol of a calendar service, below its address:

    GET /slots?after=2026-03-02T10:00:00+08:00&until=2026-03-09T10:00:00+08:00&limit=3
        200 [{"id": "a1", "start": "2026-03-02T14:30:00+08:00"}, ...]
    POST /slots/a1/reservation   with what the flow gives, and the header Idempotency-Key
        201 {"reference": "R-77"}     it is theirs (200, 201 or 204; without a body, or without a
                                      reference in it, it is theirs and has no name)
        409                           somebody else was faster

A repeated reservation under the same key must answer as the first one did.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from urllib.parse import quote

from ivr.backends.answers import Lying
from ivr.backends.http import HttpClient, Request
from ivr.backends.services import Service
from ivr.flow.actions import Failed
from ivr.flow.errands import Answer, Json, Reserve, Reserved, Slot, SlotList, Slots, SlotTaken

MOST_SLOTS = 500
TAKEN = (200, 201, 204)
"""Statuses of a reservation that was made."""
WORKING_HOURS = range(9, 17)
SATURDAY = 5
_ID = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
_REFERENCE = re.compile(r"[^\x00-\x1f\x7f]{0,100}")


async def free_slots(http: HttpClient, service: Service, errand: Slots) -> SlotList | Failed:
    """The free times that were asked for. Raises Lying."""
    until = errand.after + timedelta(seconds=errand.within)
    query = {
        "after": errand.after.isoformat(),
        "until": until.isoformat(),
        "limit": str(errand.limit),
    }
    answer = await http.ask(service, Request("GET", "/slots", query, retries=1))
    if isinstance(answer, Failed):
        return answer
    if answer.status != 200:
        return Failed(f"{service.name}: it answered {answer.status}")
    return read_slots(answer, errand.after, until, errand.limit)


async def reserve(
    http: HttpClient, service: Service, errand: Reserve, key: str
) -> Reserved | SlotTaken | Failed:
    """Take one slot; `key` makes a repetition harmless. Raises Lying."""
    body: dict[str, Json] = dict(errand.given)
    request = Request(
        "POST",
        f"/slots/{quote(errand.slot, safe='')}/reservation",
        body=body,
        headers={"Idempotency-Key": key},
        retries=1,
        repeatable=True,
    )
    answer = await http.ask(service, request)
    if isinstance(answer, Failed):
        return answer
    return read_reservation(service.name, answer)


def read_slots(answer: Answer, after: datetime, until: datetime, limit: int) -> SlotList:
    """Free times in order, at most `limit`. Raises Lying for any that was not asked for."""
    body = answer.body
    if not isinstance(body, list) or len(body) > MOST_SLOTS:
        raise Lying("the slots are no list, or too long a one")
    slots = [_slot(each) for each in body]
    if len({slot.id for slot, _ in slots}) != len(slots):
        raise Lying("two slots have one id")
    if any(not after <= start <= until for _, start in slots):
        raise Lying("a slot lies outside the time that was asked for")
    slots.sort(key=lambda each: each[1])
    return SlotList(tuple(slot for slot, _ in slots[:limit]))


def read_reservation(name: str, answer: Answer) -> Reserved | SlotTaken | Failed:
    """What came of a reservation, and what the service `name` calls it. Raises Lying."""
    if answer.status == 409:
        return SlotTaken()
    if answer.status not in TAKEN:
        return Failed(f"{name}: it answered {answer.status}")
    body = {} if answer.body is None else answer.body
    reference = body.get("reference", "") if isinstance(body, dict) else None
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        raise Lying("a reservation without a reference that can be read")
    return Reserved(reference)


def working_hours(after: datetime, until: datetime, limit: int) -> Json:
    """What a calendar offers that was told nothing: the full hours from 9 to 16 on weekdays.

    They are hours of the zone of `after`.
    """
    slots: list[Json] = []
    day = after.date()
    while day <= until.astimezone(after.tzinfo).date() and len(slots) < limit:
        for hour in WORKING_HOURS if day.weekday() < SATURDAY else ():
            start = datetime.combine(day, time(hour), after.tzinfo)
            if after < start <= until:
                slots.append({"id": start.isoformat(), "start": start.isoformat()})
        day += timedelta(days=1)
    return slots[:limit]


def _slot(value: Json) -> tuple[Slot, datetime]:
    name = value.get("id") if isinstance(value, dict) else None
    start = value.get("start") if isinstance(value, dict) else None
    if not isinstance(name, str) or not _ID.fullmatch(name) or not isinstance(start, str):
        raise Lying("a slot without id and start")
    try:
        moment = datetime.fromisoformat(start)
    except ValueError:
        raise Lying("the start of a slot is no moment") from None
    if moment.tzinfo is None:
        raise Lying("the start of a slot has no offset")
    return Slot(name, moment.isoformat()), moment
