"""The journal as the records see it: contact events in order, and a mark up to where they went."""

from __future__ import annotations

from itertools import islice
from typing import Protocol

from acd.journal import Entry, Journal
from acd.records.contact import ContactEvent


class ContactStream(Protocol):
    """Contact events in order, each under a number that only grows.

    `name` is what the records know it by: several streams may go into the same records.
    """

    @property
    def name(self) -> str:
        """A name of its own."""
        ...

    def read_after(self, seq: int, limit: int) -> list[tuple[int, ContactEvent]]:
        """The next events after number `seq`, oldest first, at most `limit` of them."""
        ...

    def last(self) -> int:
        """The number of the newest event, 0 when there never was one."""
        ...

    def confirm(self, seq: int) -> None:
        """Everything up to `seq` is in the records for good and may be dropped here."""
        ...

    def confirmed(self) -> int:
        """The highest number ever confirmed."""
        ...


class JournalContacts:
    """The `contact` stream of the embedded journal; of the node of that name, where there are more.

    An entry's body is `{"contact": id, "kind": ..., "step": ..., "data": {...}}`.
    """

    def __init__(self, journal: Journal, node: str | None = None) -> None:
        self._journal = journal
        self.name = "contacts" if node is None else f"contacts@{node}"

    def read_after(self, seq: int, limit: int) -> list[tuple[int, ContactEvent]]:
        """See `ContactStream`; raises `JournalDamaged`."""
        entries = islice(self._journal.read("contact", seq), limit)
        return [(entry.seq, _event(entry)) for entry in entries]

    def last(self) -> int:
        """See `ContactStream`."""
        return self._journal.last("contact")

    def confirm(self, seq: int) -> None:
        """See `ContactStream`."""
        self._journal.confirm(seq)

    def confirmed(self) -> int:
        """See `ContactStream`."""
        return self._journal.confirmed()


def _event(entry: Entry) -> ContactEvent:
    body = entry.body
    return ContactEvent(
        contact=str(body.get("contact", "")),
        at=entry.at,
        kind=str(body.get("kind", "")),
        step=str(body.get("step") or ""),
        data=body.get("data") or {},
    )
