"""The call log: contacts and their stories, projected from the journal into an SQL database."""

from acd.records.contact import ContactEvent, ContactRecord, fold
from acd.records.queries import Wanted, find, recent, story
from acd.records.stream import ContactStream, JournalContacts
from acd.records.tables import RecordsUnavailable, open_records
from acd.records.writer import RecordsWriter

__all__ = [
    "ContactEvent",
    "ContactRecord",
    "ContactStream",
    "JournalContacts",
    "RecordsUnavailable",
    "RecordsWriter",
    "Wanted",
    "find",
    "fold",
    "open_records",
    "recent",
    "story",
]
