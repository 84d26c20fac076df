"""Messages left in Asterisk while the service was away: each is taken in once, none too early."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from acd.records.contact import ContactEvent
from ivr.away import AwayMessage, find_messages, left_a_message, take_in
from tests.e2e.house import until
from tests.shell.house import START, House

NOW = START


@contextlib.contextmanager
def together() -> Iterator[None]:
    yield


def leave(messages: Path, name: str, seconds: float = 5, age: float = 60) -> Path:
    folder = messages / "away"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(bytes(44 + int(16000 * seconds)))
    os.utime(path, (NOW - age, NOW - age))
    return path


def collect(messages: Path) -> list[ContactEvent]:
    told: list[ContactEvent] = []
    take_in(messages, told.append, together, NOW)
    return told


@pytest.mark.parametrize(
    ("name", "caller", "dialled", "contact"),
    [
        ("1799999000-+4930123-4900-1234.wav", "+4930123", "4900", ""),
        ("1799999000-+4930123-4900-1234-.wav", "+4930123", "4900", ""),
        ("1799999000-+4930123-4900-1234-tro8w0-a1b2.wav", "+4930123", "4900", "tro8w0-a1b2"),
        ("1799999000---1234.wav", "", "", ""),
    ],
)
def test_a_name_tells_when_who_where_and_of_which_contact(
    tmp_path: Path, name: str, caller: str, dialled: str, contact: str
) -> None:
    path = leave(tmp_path, name)
    expected = AwayMessage(path, 1799999000.0, caller, dialled, contact, 5.0)
    assert find_messages(tmp_path / "away", NOW) == [expected]


@pytest.mark.parametrize(
    "name",
    [
        "notes.wav",
        "1799999000-+49-4900.wav",
        "1799999000-+49-4900-12x4.wav",
        "1799999000-<b>-4900-1234.wav",
        "1799999000-+49-4900-1234-..%2F..%2Fetc.wav",
        "1799999000-+49-4900-1234.wav.part",
    ],
)
def test_other_files_are_left_alone(tmp_path: Path, name: str) -> None:
    path = leave(tmp_path, name)
    assert collect(tmp_path) == []
    assert path.exists()


def test_a_file_that_may_still_grow_waits_for_the_next_look(tmp_path: Path) -> None:
    path = leave(tmp_path, "1799999000-1-4900-1234.wav", age=2.9)
    assert collect(tmp_path) == []
    os.utime(path, (NOW - 3, NOW - 3))
    assert [event.kind for event in collect(tmp_path)] == ["began", "voicemail", "ended"]
    assert collect(tmp_path) == [], "taken in once"


def test_no_folder_is_no_message(tmp_path: Path) -> None:
    assert collect(tmp_path / "nowhere") == []


def test_a_message_becomes_a_contact_that_began_when_it_was_left(tmp_path: Path) -> None:
    leave(tmp_path, "1799999000-+4930-4900-1234-.wav", seconds=7)
    began, voicemail, ended = collect(tmp_path)
    assert (began.at, began.data["caller"], began.data["dialled"]) == (
        1799999000.0,
        "+4930",
        "4900",
    )
    assert voicemail.data == {"mailbox": "away", "path": f"{began.contact}.wav", "seconds": 7.0}
    assert (ended.data["outcome"], ended.data["by"]) == ("voicemail", "caller")
    assert (tmp_path / f"{began.contact}.wav").exists()


def test_a_message_of_a_known_contact_belongs_to_it_and_begins_no_other(tmp_path: Path) -> None:
    (tmp_path / "c1-abcd.wav").write_bytes(b"an earlier one")
    leave(tmp_path, "1799999000-+4930-4900-1234-c1-abcd.wav")
    (voicemail,) = collect(tmp_path)
    assert (voicemail.contact, voicemail.data["path"]) == ("c1-abcd", "c1-abcd-2.wav")
    assert (tmp_path / "c1-abcd.wav").read_bytes() == b"an earlier one"


def test_who_hung_up_at_the_tone_has_called_and_left_nothing(tmp_path: Path) -> None:
    leave(tmp_path, "1799999000-+4930-4900-1234-.wav", seconds=1)
    began, ended = collect(tmp_path)
    assert (began.data["caller"], ended.data["outcome"]) == ("+4930", "left")
    assert list(tmp_path.rglob("*.wav")) == []


def test_silence_of_a_known_contact_is_forgotten(tmp_path: Path) -> None:
    leave(tmp_path, "1799999000-+4930-4900-1234-c1-abcd.wav", seconds=0.5)
    assert collect(tmp_path) == []
    assert list(tmp_path.rglob("*.wav")) == []


def test_a_message_the_journal_refuses_stays_for_the_next_look(tmp_path: Path) -> None:
    path = leave(tmp_path, "1799999000-+4930-4900-1234-.wav")

    def refuse(_: ContactEvent) -> None:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        take_in(tmp_path, refuse, together, NOW)
    assert [found.path for found in find_messages(tmp_path / "away", NOW)] == [path]
    assert len(collect(tmp_path)) == 3


def test_a_caller_who_is_gone_has_left_a_message_or_not(tmp_path: Path) -> None:
    leave(tmp_path, "1799999000-1-4900-1234-c1-abcd.wav", age=0)
    leave(tmp_path, "1799999000-1-4900-1235-c2-abcd.wav", seconds=1)
    assert left_a_message(tmp_path, "c1-abcd")
    assert not left_a_message(tmp_path, "c2-abcd")
    assert not left_a_message(tmp_path, "")


async def test_a_waiting_caller_who_leaves_a_message_meanwhile_is_one_contact(
    house: House,
) -> None:
    caller = await house.waiting()
    await house.kill()
    messages = house.settings.data_dir / "messages"
    leave(messages, f"1799999000-+15550100-4900-1234-{caller.contact}.wav")
    house.asterisk.callers.remove(caller)
    await house.open()
    assert house.ending(caller.contact) == ("voicemail", "caller", "left unheard")
    await until(lambda: house.told(caller.contact, "voicemail"), why="it is taken in")
    assert [told["mailbox"] for told in house.told(caller.contact, "voicemail")] == ["away"]
    contacts = {entry.body["contact"] for entry in house.service.journal.read("contact")}
    assert contacts == {caller.contact}
