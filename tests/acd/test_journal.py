"""What is acknowledged is kept: across closing, killing, damage and other readers."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from acd.errors import JournalDamaged
from acd.journal import Journal, JournalInUseError, Snapshot


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "journal.db"


def fill(journal: Journal, entries: int) -> None:
    for n in range(entries):
        journal.append("engine", float(n), {"n": n})


def test_entries_come_back_in_order_with_growing_numbers(path: Path) -> None:
    with Journal(path) as journal:
        fill(journal, 2500)
        journal.append("contact", 1.5, {"name": "王小姐", "nothing": None})
    with Journal(path) as journal:
        entries = list(journal.read("engine"))
        assert [entry.body["n"] for entry in entries] == list(range(2500))
        assert [entry.seq for entry in entries] == list(range(1, 2501))
        assert [entry.seq for entry in journal.read("engine", after=2498)] == [2499, 2500]
        (contact,) = journal.read("contact")
        assert (contact.seq, contact.at, contact.body["name"]) == (1, 1.5, "王小姐")
        assert (journal.last("engine"), journal.last("contact")) == (2500, 1)


def test_only_the_owner_may_read_the_files(path: Path) -> None:
    with Journal(path) as journal:
        fill(journal, 3)
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_what_json_cannot_carry_is_refused_and_not_half_written(path: Path) -> None:
    with Journal(path) as journal:
        with pytest.raises(ValueError, match="JSON"):
            journal.append("engine", 1.0, {"x": float("nan")})
        assert journal.last("engine") == 0


def test_all_writes_together_or_none(path: Path) -> None:
    with Journal(path) as journal:

        def both_then_fail() -> None:
            with journal.together():
                journal.append("contact", 1.0, {"kind": "menu"})
                journal.set_live("k1", 1.0, {"step": "menu"})
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            both_then_fail()
        assert (journal.last("contact"), journal.all_live()) == (0, {})


def test_a_snapshot_lets_the_engine_stream_be_pruned_and_numbers_go_on(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.snapshot() is None
        fill(journal, 10)
        journal.save_snapshot(10, 9.0, {"state": 1})
        assert [entry.seq for entry in journal.read("engine")] == [10]
        assert journal.append("engine", 10.0, {"n": 10}) == 11
        kept = journal.snapshot()
        assert kept is not None
        assert (kept.seq, kept.at, kept.body) == (10, 9.0, {"state": 1})


def test_the_past_stays_for_its_days_and_goes_bit_by_bit(path: Path) -> None:
    day, entries = 86_400.0, 10
    with Journal(path) as journal:
        for n in range(4):
            for each in range(entries):
                journal.append("engine", n * day + each, {"day": n})
            journal.save_snapshot(journal.last("engine"), n * day + 50, {"day": n}, past=True)
            journal.save_snapshot(journal.last("engine"), n * day + 60, {"again": n}, past=True)
        assert len(list(journal.read("engine"))) == 4 * entries, "nothing goes before its time"
        assert journal.snapshot_before(2 * day) == Snapshot(20, day + 50, {"day": 1})
        assert journal.snapshot_before(-1.0) == Snapshot(10, 50.0, {"day": 0})
        assert journal.snapshot() == Snapshot(40, 3 * day + 60, {"again": 3})
        journal.trim(2.5 * day, most=15)
        assert journal.snapshot_before(0.0) == Snapshot(30, 2 * day + 50, {"day": 2})
        assert next(journal.read("engine")).seq == 16
        journal.trim(2.5 * day, most=15)
        journal.trim(2.5 * day, most=15)
        assert [entry.seq for entry in journal.read("engine")] == list(range(31, 41))
        journal.trim(0.0)
        assert len(list(journal.read("engine"))) == entries
        journal.save_snapshot(40, 4 * day, {})
        assert [entry.seq for entry in journal.read("engine")] == [40], "without it only the last"


def test_contact_entries_stay_until_the_records_have_them(path: Path) -> None:
    with Journal(path) as journal:
        for n in range(5):
            journal.append("contact", float(n), {"n": n})
        journal.save_snapshot(0, 1.0, {})
        assert len(list(journal.read("contact"))) == 5
        journal.confirm(3)
        journal.confirm(2)
        assert journal.confirmed() == 3
        journal.save_snapshot(0, 2.0, {})
        assert [entry.seq for entry in journal.read("contact")] == [4, 5]


def test_live_flows_are_kept_replaced_and_dropped(path: Path) -> None:
    with Journal(path) as journal:
        journal.set_live("k1", 1.0, {"step": "greet"})
        journal.set_live("k1", 2.0, {"step": "menu"})
        journal.set_live("k2", 2.0, {"step": "pay"})
        journal.drop_live("k2")
        journal.drop_live("k9")
    with Journal(path) as journal:
        assert journal.live("k1") == {"step": "menu"}
        assert journal.live("k2") is None
        assert journal.all_live() == {"k1": {"step": "menu"}}


def test_another_process_may_look_while_one_writes_but_not_write(path: Path) -> None:
    look = "import sys; from pathlib import Path; from acd.journal import Journal\n" + (
        "j = Journal(Path(sys.argv[1]), read_only=True)\n"
        "print([e.body['n'] for e in j.read('engine')])\n"
    )
    write = "import sys; from pathlib import Path; from acd.journal import Journal\n" + (
        "Journal(Path(sys.argv[1]))\n"
    )
    with Journal(path) as journal:
        fill(journal, 3)
        looked = run(look, path)
        assert looked.stdout.strip() == "[0, 1, 2]", looked.stderr
        wrote = run(write, path)
        assert "JournalInUseError" in wrote.stderr
        fill(journal, 1)
    assert run(look, path).stdout.strip() == "[0, 1, 2, 0]"


def run(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, str(path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )


def test_a_reader_may_not_write_and_needs_a_journal(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has the service run yet"):
        Journal(path, read_only=True)
    Journal(path).close()
    with Journal(path, read_only=True) as reader, pytest.raises(sqlite3.OperationalError):
        reader.append("engine", 1.0, {})


def test_one_journal_has_one_writer(path: Path) -> None:
    with Journal(path), pytest.raises(JournalInUseError, match="only one service"):
        Journal(path)
    Journal(path).close()


KILLED = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from acd.journal import Journal
    journal = Journal(Path(sys.argv[1]))
    n = 0
    while True:
        seq = journal.append("engine", float(n), {"n": n, "pad": "x" * 200})
        sys.stdout.write(f"{seq}\\n")
        sys.stdout.flush()
        n += 1
        if n % 700 == 0:
            journal.checkpoint()
    """
)


@pytest.mark.parametrize("acknowledged", [1, 50, 1500])
def test_what_was_acknowledged_is_there_after_kill_9(path: Path, acknowledged: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        seen = [int(writer.stdout.readline()) for _ in range(acknowledged)]
        os.kill(writer.pid, signal.SIGKILL)
        seen += [int(line) for line in writer.stdout if line.endswith("\n")]
    assert writer.returncode == -signal.SIGKILL
    with Journal(path) as journal:
        kept = list(journal.read("engine"))
        assert [entry.body["n"] for entry in kept] == list(range(len(kept)))
        assert len(kept) in {len(seen), len(seen) + 1}
        assert journal.append("engine", 0.0, {}) == len(kept) + 1


def test_a_torn_tail_loses_the_tail_and_nothing_before_it(path: Path) -> None:
    with Journal(path) as journal:
        fill(journal, 200)
        copy = path.with_name("copy.db")
        copy.write_bytes(path.read_bytes())
        wal = Path(f"{path}-wal").read_bytes()
        Path(f"{copy}-wal").write_bytes(wal[: len(wal) - 5000])
    with Journal(copy) as journal:
        kept = [entry.body["n"] for entry in journal.read("engine")]
    assert 150 < len(kept) < 200
    assert kept == list(range(len(kept)))


def test_garbage_is_named_and_not_overwritten(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"\0garbage" * 1000)
    with pytest.raises(JournalDamaged, match="move it away"):
        Journal(path)
    assert path.read_bytes().startswith(b"\0garbage")


def test_a_page_gone_bad_is_found_when_opening(path: Path) -> None:
    with Journal(path) as journal:
        fill(journal, 3000)
        journal.checkpoint()
    content = bytearray(path.read_bytes())
    content[4096 * 6 : 4096 * 12] = os.urandom(4096 * 6)
    path.write_bytes(content)
    with pytest.raises(JournalDamaged):
        Journal(path)


@pytest.mark.parametrize("text", ["{broken", json.dumps([1, 2])])
def test_an_entry_that_is_no_json_object_is_named(path: Path, text: str) -> None:
    with Journal(path) as journal:
        fill(journal, 1)
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO engine (at, body) VALUES (1, ?)", (text,))
    db.close()
    with Journal(path) as journal, pytest.raises(JournalDamaged, match="entry 2 of engine"):
        list(journal.read("engine"))


def test_another_schema_is_refused_with_advice(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value = 99 WHERE name = 'schema'")
    db.close()
    with pytest.raises(JournalDamaged, match="has schema 99, this version reads 1"):
        Journal(path)
    with pytest.raises(JournalDamaged, match="schema 99"):
        Journal(path, read_only=True)


def test_a_checkpoint_keeps_the_write_ahead_log_from_growing(path: Path) -> None:
    wal = Path(f"{path}-wal")
    with Journal(path) as journal:
        for _ in range(5):
            fill(journal, 400)
            assert journal.writes == 400
            journal.checkpoint()
            assert journal.writes == 0
        after_five = wal.stat().st_size
        for _ in range(5):
            fill(journal, 400)
            journal.checkpoint()
        assert wal.stat().st_size <= after_five * 1.2
