"""Live contacts outlive the service, and each ends once."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from acd.journal import Journal
from acd.records.contact import ContactEvent
from ivr.live import LiveContact, LiveContacts
from tests.shell.bench import START, a_contact
from tests.shell.house import TightJournal


class Register:
    """The register over a journal, with what it told."""

    def __init__(self, journal: Journal) -> None:
        self.now = START + 30.0
        self.told: list[ContactEvent] = []
        self.contacts = LiveContacts(journal, self.told.append, lambda: self.now)


def test_a_contact_comes_back_from_json_as_it_was() -> None:
    contact = a_contact(phase="talking", agent="1001", position={"step": "x"}, visits=3)
    assert LiveContact.from_json(json.loads(json.dumps(contact.to_json()))) == contact


def test_what_an_older_release_wrote_can_be_read_and_what_a_newer_one_wrote_is_ignored() -> None:
    old = a_contact().to_json()
    for name in ("visits", "since", "moved_to", "offer", "exit", "messages", "ended_by"):
        del old[name]
    assert LiveContact.from_json({**old, "of_tomorrow": 1}) == a_contact()


@pytest.mark.parametrize(
    ("agent", "left_message", "outcome"),
    [
        ("1001", False, "answered"),
        ("1001", True, "answered"),
        ("", True, "voicemail"),
        ("", 0, "x"),
    ],
)
def test_the_outcome_is_the_best_that_came_of_it(
    agent: str, left_message: bool, outcome: str
) -> None:
    assert a_contact(agent=agent, left_message=left_message).outcome("x") == outcome


def test_a_later_service_finds_every_contact(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        first = Register(journal).contacts
        first.add(a_contact("one"))
        two = a_contact("two")
        first.add(two)
        two.phase = "waiting"
        first.keep(two)
    with Journal(tmp_path / "journal.sqlite") as journal:
        again = Register(journal).contacts
        assert again.recover() == 2
        assert again.get("two") == two
        assert again.on_channel("u-one") == again.get("one")
        assert len(again) == 2


def test_a_contact_ends_once_and_stays_ended(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        register = Register(journal)
        contact = a_contact()
        register.contacts.add(contact)
        assert register.contacts.end(contact, "left", "caller", "hangup")
        assert not register.contacts.end(contact, "lost", "asterisk")
        register.contacts.keep(contact)
        assert journal.all_live() == {}
        assert list(register.contacts) == []
        assert register.contacts.on_channel(contact.uniqueid) is None
        (ended,) = register.told
        assert (ended.kind, ended.data["outcome"], ended.data["duration"]) == (
            "ended",
            "left",
            30.0,
        )


@pytest.mark.parametrize("kind", ["ended", "live"])
def test_an_end_that_cannot_be_written_down_has_not_happened(tmp_path: Path, kind: str) -> None:
    with TightJournal(tmp_path / "journal.sqlite") as journal:

        def tell(event: ContactEvent) -> None:
            journal.append("contact", event.at, {"contact": event.contact, "kind": event.kind})

        contacts, contact = LiveContacts(journal, tell, lambda: START), a_contact()
        contacts.add(contact)
        TightJournal.no_room_for = kind
        try:
            with pytest.raises(sqlite3.OperationalError):
                contacts.end(contact, "left", "caller")
        finally:
            TightJournal.no_room_for = ""
        assert contacts.get(contact.id) is contact
        assert list(journal.read("contact")) == []
        assert contacts.end(contact, "left", "caller")
        assert [entry.body["kind"] for entry in journal.read("contact")] == ["ended"]


def test_the_register_may_change_while_it_is_walked(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        contacts = Register(journal).contacts
        for name in ("one", "two"):
            contacts.add(a_contact(name))
        for contact in contacts:
            contacts.end(contact, "left", "caller")
        assert len(contacts) == 0
