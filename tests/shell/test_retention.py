"""What is forgotten of a contact is forgotten whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

from acd.customers import Address, Customers
from acd.customers.erasing import erase
from acd.customers.links import projection
from acd.distributor import Distributor
from acd.engine import Engine
from acd.forgetting import forget_in_journal
from acd.journal import Journal
from acd.model import (
    Agent,
    CallbackAsked,
    CallLeft,
    CallQueued,
    Floor,
    FloorLoaded,
    Queue,
    Ticked,
    to_json,
)
from acd.records import ContactEvent, Database, JournalContacts, RecordsWriter
from ivr.backends.attempts import MemoryAttempts
from ivr.backends.building import SCHEMAS
from ivr.backends.callbacks import Promise, Promises, promises_in
from ivr.backends.digests import Digests
from ivr.backends.do_not_call import Refusal, refusals_in, refuse
from ivr.backends.forgetting import forget_errands
from ivr.backends.optouts import OptOuts
from ivr.backends.outbox import Message, Outbox, messages_in
from ivr.backends.passes import Passes
from ivr.backends.shelves import StoredShelf
from ivr.backends.store import Store
from ivr.retention import DAY, Forgetting, delete_recordings, one_night
from ivr.settings import Settings


def test_recordings_and_attachments_of_a_contact_go_and_those_of_others_stay(
    tmp_path: Path,
) -> None:
    for name in ("messages/c1-ab.wav", "messages/c2-ab.wav", "files/c1-ab/0", "files/c2-ab/0"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    assert delete_recordings(tmp_path, ["c1-ab", "../messages", ""]) == 2
    left = sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*") if each.is_file())
    assert left == ["files/c2-ab/0", "messages/c2-ab.wav"]


NUMBER = "+8613800138000"
OTHER = "+8613900139000"


async def service_of_a_day(folder: Path) -> None:
    """What a day leaves behind of two people, of whom one is erased later (contact `c1-ab`)."""
    store = Store(folder / "data" / "errands.sqlite", SCHEMAS)
    promises, outbox_, outs = Promises(store), Outbox(store), OptOuts(store)
    passes = Passes(StoredShelf(store), MemoryAttempts(), Digests("key"), lambda: 1.0)
    for contact, number in (("c1-ab", NUMBER), ("c2-ab", OTHER)):
        await promises.keep(Promise(f"p-{contact}", contact, "sales", number, customer=number))
        await promises.move(f"p-{contact}", "done", "")
        for made, about in ((f"m-{contact}", contact), (f"desk-{contact}", "")):
            await outbox_.keep(
                Message(made, about, number, "teapot", 1, False, "queued", "", 1.0, 1.0, 0, 1.0)
            )
        about = {"site": "shop", "known": {"name": f"teapot {contact}"}}
        await passes.link("chat", contact, 3600.0, about)
        await outs.say(number, True, 1.0, "STOP the teapots")
    await store.close()
    refuse(folder / "data" / "errands.sqlite", Refusal("13800138000", 1.0, "teapot"))


def everything(file: Path) -> bytes:
    """All that the file and what SQLite keeps beside it hold."""
    return b"".join(each.read_bytes() for each in sorted(file.parent.glob(f"{file.name}*")))


async def test_of_somebody_erased_errands_keep_the_no_and_nothing_else(tmp_path: Path) -> None:
    await service_of_a_day(tmp_path)
    file = tmp_path / "data" / "errands.sqlite"
    forget_errands(file, ["c1-ab"], [NUMBER], "CN")
    assert [each.contact for each in promises_in(file, everything=True)] == ["c2-ab"]
    left = messages_in(file, everything=True)
    assert {each.id for each in left} == {"m-c2-ab", "desk-c2-ab"}
    store = Store(file, SCHEMAS)
    assert await OptOuts(store).out(NUMBER)
    assert await OptOuts(store).out(OTHER)
    await store.close()
    assert [(each.number, each.because) for each in refusals_in(file)] == [("13800138000", "")]
    assert b"c1-ab" not in everything(file)
    forget_errands(tmp_path / "none.sqlite", ["c1-ab"], [NUMBER])
    assert not (tmp_path / "none.sqlite").exists()


async def test_a_promise_that_waits_for_a_living_contact_stays_until_that_has_ended(
    tmp_path: Path,
) -> None:
    file = tmp_path / "errands.sqlite"
    store = Store(file, SCHEMAS)
    await Promises(store).keep(Promise("p1", "c1-ab", "sales", NUMBER, customer=NUMBER))
    await store.close()
    forget_errands(file, [], [NUMBER])
    assert len(promises_in(file)) == 1
    forget_errands(file, ["c1-ab"])
    assert promises_in(file) == []


FLOOR = Floor(
    (Queue("sales", wrap_up_seconds=0, leave_when_empty=None, leave_when_unskilled=None),),
    (Agent("1001", queues=("sales",)),),
)


async def test_the_journal_is_rewritten_without_whom_it_must_forget_and_replays_as_before(
    tmp_path: Path,
) -> None:
    path, now = tmp_path / "journal.sqlite", 1000.0
    journal = Journal(path)
    distributor = Distributor(journal, lambda: now, keep_days=14)
    distributor.recover()
    distributor.send(FloorLoaded(now, FLOOR))

    def promised(contact: str, number: str) -> None:
        call = f"{contact}.1"
        distributor.send(CallQueued(now, call, contact, "sales", {}, 0, now, customer=number))
        distributor.send(CallbackAsked(now, call, number, None, None))

    promised("c1-ab", NUMBER)
    promised("c2-ab", OTHER)
    # A line that broke: its place is kept for a while.
    distributor.send(CallQueued(now, "c3-ab.1", "c3-ab", "sales", {}, 0, now, customer=NUMBER))
    distributor.send(CallLeft(now, "c3-ab.1"))
    journal.save_snapshot(journal.last("engine"), now, distributor.engine.snapshot(), past=True)
    before = [(entry.seq, entry.body["type"]) for entry in journal.read("engine")]
    journal.append("contact", now, {"contact": "c1-ab", "kind": "field", "data": {"name": "Mei"}})
    journal.append("contact", now, {"contact": "c9-ab", "kind": "ended", "data": {}})
    journal.confirm(journal.last("contact"))

    assert forget_in_journal(path, {"c1-ab", "c3-ab"}) > 0
    assert forget_in_journal(path, {"c1-ab", "c3-ab"}) == 0
    journal.append("engine", now, to_json(Ticked(now)))  # the service goes on writing
    assert [(each.seq, each.body["type"]) for each in journal.read("engine")][:-1] == before
    journal.close()
    told = everything(path)
    assert NUMBER.encode() not in told
    assert b"Mei" not in told
    assert OTHER.encode() in told
    with Journal(path) as journal:
        again = Distributor(journal, lambda: now)
        again.recover()
        assert {row.call for row in again.engine.calls_view(now)} == {"c1-ab.1", "c2-ab.1"}
        assert again.engine.callback_of(OTHER) == "c2-ab.1"
        assert again.engine.callback_of(NUMBER) is None
        past = journal.snapshot_before(now)
        assert past is not None
        Engine.restore(past.body)


def adding_to(unlinked: list[str]) -> Callable[[Collection[str]], Awaitable[None]]:
    """What forgets the codes and links of contacts."""

    async def forget(contacts: Collection[str]) -> None:
        unlinked.extend(contacts)

    return forget


async def test_a_night_makes_up_for_what_was_erased_by_day(tmp_path: Path) -> None:
    settings = Settings(folder=tmp_path, home=tmp_path)
    await service_of_a_day(tmp_path)
    url = f"sqlite+aiosqlite:///{tmp_path / 'records.sqlite'}"
    database, at = Database(url), 1_800_000_000.0
    customers = Customers(database, lambda: "CN", lambda: at)
    mei = await customers.create(name="Mei", addresses=[Address("phone", NUMBER)], by="root")
    told = [
        ContactEvent("c1-ab", at, "began", "", {"channel": "voice", "caller": NUMBER}),
        ContactEvent("c1-ab", at, "ended", "", {"outcome": "answered"}),
    ]
    with Journal(settings.data_dir / "journal.sqlite") as journal:
        for each in told:
            body = {name: getattr(each, name) for name in ("contact", "kind", "step", "data")}
            journal.append("contact", each.at, body)
        journal.append(
            "engine", at,
            to_json(CallQueued(at, "c1-ab.1", "c1-ab", "sales", {}, 0, at, customer=NUMBER)),
        )  # fmt: skip
        writer = RecordsWriter(url, JournalContacts(journal), also=(projection(lambda: "CN"),))
        await writer.flush()
        await writer.stop()
        journal.append("contact", at, {"contact": "c9-ab", "kind": "x", "step": "", "data": {}})
    done = await erase(database, mei.id, by="root", why="asked", at=at)
    assert done.contacts == ("c1-ab",)
    assert done.numbers == (NUMBER,)
    forgotten: list[str] = []
    unlinked: list[str] = []
    night = Forgetting(settings, database, forgotten.extend, adding_to(unlinked))
    await one_night(night, at + DAY / 2)
    assert unlinked == ["c1-ab"]
    await database.close()
    assert forgotten == ["c1-ab"]
    assert NUMBER.encode() not in everything(settings.data_dir / "journal.sqlite")
    assert {each.contact for each in promises_in(settings.data_dir / "errands.sqlite",
            everything=True)} == {"c2-ab"}  # fmt: skip
