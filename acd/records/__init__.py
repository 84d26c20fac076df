"""The call log: contacts and their stories, projected from the journal into an SQL database.

`Database` is that database for all who keep something in it.
"""

from acd.records.contact import ContactEvent, ContactRecord, fold
from acd.records.database import Database, open_records, records_version
from acd.records.errors import Conflict, NotFound, RecordsUnavailable, Refused
from acd.records.queries import Wanted, find, recent, story
from acd.records.stream import ContactStream, JournalContacts
from acd.records.writer import RecordsWriter

__all__ = [
    "Conflict",
    "ContactEvent",
    "ContactRecord",
    "ContactStream",
    "Database",
    "JournalContacts",
    "NotFound",
    "RecordsUnavailable",
    "RecordsWriter",
    "Refused",
    "Wanted",
    "find",
    "fold",
    "open_records",
    "recent",
    "records_version",
    "story",
]
