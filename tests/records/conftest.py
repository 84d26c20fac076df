"""A stream in memory, records in a file, and a call to fill them with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.records import ContactEvent, RecordsWriter, open_records

T0 = 1_760_000_000.0


class Stream:
    """Contact events in memory, in place of a journal."""

    def __init__(self, events: Sequence[ContactEvent] = (), name: str = "contacts") -> None:
        self.events, self.name = list(events), name
        self.marks: list[int] = []

    def read_after(self, seq: int, limit: int) -> list[tuple[int, ContactEvent]]:
        return list(enumerate(self.events, 1))[seq : seq + limit]

    def last(self) -> int:
        return len(self.events)

    def confirm(self, seq: int) -> None:
        self.marks.append(seq)

    def confirmed(self) -> int:
        return max(self.marks, default=0)


def event(contact: str, after: float, kind: str, step: str = "", /, **data: Any) -> ContactEvent:
    return ContactEvent(contact, T0 + after, kind, step, data)


def a_call(contact: str = "c1") -> list[ContactEvent]:
    """A call that waits 25 s, is missed by one agent, and talks with another for a minute."""
    return [
        event(contact, 0, "began", channel="voice", caller="5551234", caller_name="Ada",
              dialled="4001", flow="clinic", revision="r1"),
        event(contact, 0.1, "started", "open?", flow="clinic", revision="r1", language="en"),
        event(contact, 0.2, "hours", "open?", open=True),
        event(contact, 6, "pressed", "greet", key="2"),
        event(contact, 6, "field", "greet", name="reason", value="billing"),
        event(contact, 12, "field", "who", name="pin", value="•••"),
        event(contact, 13, "identified", "who", ok=True, level="verified"),
        event(contact, 15, "queued", queue="billing", needs={"billing": 5}, priority=10),
        event(contact, 16, "offered", agent="1001", offer="o1", queue="billing"),
        event(contact, 31, "offer_failed", agent="1001", offer="o1", cause="no_answer"),
        event(contact, 32, "offered", agent="1002", offer="o2", queue="billing"),
        event(contact, 40, "answered", agent="1002", offer="o2", queue="billing"),
        event(contact, 100, "agent_left", agent="1002", offer="o2", talk=60.0),
        event(contact, 101, "ended", outcome="answered", by="caller", reason=""),
    ]  # fmt: skip


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    engine = await open_records(url)
    yield engine
    await engine.dispose()


async def write(url: str, stream: Stream, batch: int = 500) -> None:
    """Project all of the stream with a writer of its own."""
    writer = RecordsWriter(url, stream, batch=batch)
    await writer.flush()
    await writer.stop()
