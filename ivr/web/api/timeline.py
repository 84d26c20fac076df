"""`/api/customers/{customer}/timeline`: what happened with a customer, as far as one may read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from acd.customers import timeline as timeline_of
from acd.customers.model import Item
from acd.customers.timeline import OWN_KINDS
from acd.records.contact import ContactEvent
from acd.records.database import Database
from acd.records.telling import sentence
from ivr.web.api.contacts import PATH
from ivr.web.api.discretion import WORDS, Discretion, discreet
from ivr.web.numbers import whole
from ivr.web.roles import STAFF, Who
from ivr.web.routes import Call, Query, Route

WORK: Final = {
    "step",
    "pressed",
    "key",
    "noinput",
    "nomatch",
    "field",
    "hours",
    "offered",
    "language",
}
"""What the contact's own path tells, and nobody looks for in a customer's past."""
TELLING: Final = (PATH - WORK) | {"message", *OWN_KINDS}


class Page(Query):
    """Which part of a timeline: what came before the cursor of the last line read."""

    before: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One line of a timeline; `cursor` goes into `before` to read on.

    `text` says an event of a contact in English, "" for all other lines.
    """

    at: float
    kind: str
    contact: str | None
    channel: str
    text: str
    data: Mapping[str, Any]
    by: str
    cursor: str


class Timelines:
    """The route. What was said in contacts of others is left out for agents (`discretion`)."""

    def __init__(self, database: Database, discretion: Discretion) -> None:
        self._database, self._discretion = database, discretion

    def routes(self) -> Sequence[Route]:
        """One."""
        return (
            Route("GET", "/api/customers/{customer}/timeline", self._timeline, roles=STAFF,
                  query=Page, gives=list[TimelineItem],
                  summary="Everything that happened, newest first", audit="customer.timeline"),
        )  # fmt: skip

    async def _timeline(self, call: Call) -> list[TimelineItem]:
        page: Page = call.query
        limit, customer = max(1, min(page.limit, 200)), whole(call["customer"], "customer")
        shown, before = list[Item](), page.before
        while len(shown) < limit:
            found = await timeline_of(
                self._database, customer, before=before, limit=limit, kinds=TELLING
            )
            shown += await self._readable(found, call.me)
            if len(found) < limit:
                break
            before = found[-1].cursor
        return [_told(each) for each in shown[:limit]]

    async def _readable(self, found: Sequence[Item], who: Who) -> list[Item]:
        theirs = {each.contact for each in found if each.contact and each.kind not in OWN_KINDS}
        heard = await self._discretion.heard(theirs, who)
        return [
            each if each.kind in OWN_KINDS or each.contact in heard else _discreet(each)
            for each in found
            if each.kind in OWN_KINDS or each.contact in heard or each.kind not in WORDS
        ]


def _discreet(item: Item) -> Item:
    return replace(item, data=discreet(item.data))


def _told(line: Item) -> TimelineItem:
    told = line.contact and line.kind not in OWN_KINDS
    text = sentence(ContactEvent(line.contact or "", line.at, line.kind, "", line.data))
    return TimelineItem(
        line.at,
        line.kind,
        line.contact,
        line.channel,
        text if told else "",
        line.data,
        line.by,
        line.cursor,
    )
