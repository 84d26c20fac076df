"""What another process may know of an installation, from its journal and its records."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from acd.journal import Journal
from acd.records import RecordsUnavailable, open_records
from acd.records.contact import ContactEvent, ContactRecord
from acd.records.queries import find
from ivr.secrets import Secrets
from ivr.settings import Settings

T = TypeVar("T")


async def until(what: Callable[[], T], timeout: float = 10.0, why: str = "") -> T:
    """The first true value of `what`, looked at often; fails with `why` after `timeout`."""
    deadline = time.monotonic() + timeout
    while True:
        if value := what():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {why or what}")
        await asyncio.sleep(0.02)


class Known:
    """One installation, by its settings."""

    settings: Settings

    def password(self, agent: str) -> str:
        """An agent's SIP password."""
        return Secrets(self.settings.home).agent_password(agent)

    def story(self, contact: str) -> list[ContactEvent]:
        """A contact's events so far, from the journal."""
        with Journal(self.settings.data_dir / "journal.sqlite", read_only=True) as journal:
            return [
                ContactEvent(
                    contact, entry.at, *(entry.body[part] for part in ("kind", "step", "data"))
                )
                for entry in journal.read("contact")
                if entry.body["contact"] == contact
            ]

    def contacts(self) -> list[str]:
        """The ids of all contacts in the journal, oldest first."""
        with Journal(self.settings.data_dir / "journal.sqlite", read_only=True) as journal:
            return list(dict.fromkeys(e.body["contact"] for e in journal.read("contact")))

    def contact_of(self, caller: str) -> str:
        """The latest contact of that number; "" while there is none."""
        with Journal(self.settings.data_dir / "journal.sqlite", read_only=True) as journal:
            bodies = [entry.body for entry in journal.read("contact")]
        began = (
            b for b in reversed(bodies) if b["kind"] == "began" and b["data"]["caller"] == caller
        )
        return next((body["contact"] for body in began), "")

    def steps(self, contact: str) -> list[str]:
        """The steps a contact has come through so far."""
        return [event.step for event in self.story(contact) if event.kind == "step"]

    def fields(self, contact: str) -> dict[str, object]:
        """What a contact's fields hold so far, from its story."""
        told = (event.data for event in self.story(contact) if event.kind == "field")
        return {str(data["name"]): data["value"] for data in told}

    def told(self, contact: str, kind: str) -> list[Mapping[str, Any]]:
        """The data of every event of that kind."""
        return [event.data for event in self.story(contact) if event.kind == kind]

    async def at_step(self, step: str, known: set[str]) -> str:
        """The id of the contact that is not in `known`, once its flow has come to that step."""

        def found() -> str:
            for contact in self.contacts():
                told = [] if contact in known else self.story(contact)
                if any(event.kind == "step" and event.step == step for event in told):
                    return contact
            return ""

        return await until(found, why=f"a new contact comes to {step}")

    async def record(self, contact: str, timeout: float = 5.0) -> ContactRecord:
        """The contact's record in the database, once it is closed there."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                database = await open_records(self.settings.records_url, create=False)
                break
            except RecordsUnavailable:  # the service has just begun and is making them
                assert time.monotonic() < deadline, "there are no records"
                await asyncio.sleep(0.05)
        try:
            while True:
                found = await find(database, contact)
                if found and found[0].outcome is not None:
                    return found[0]
                assert time.monotonic() < deadline, f"{contact} has no closed record: {found}"
                await asyncio.sleep(0.05)
        finally:
            await database.dispose()
