"""What a rehearsed house answers: as it was told, in the order it was told, and nothing unasked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ivr.backends.pretences import Pretence, Pretences, pretences_of, read_pretences
from ivr.backends.pretended import Pretended
from ivr.backends.services import Lockout, Services
from ivr.backends.sources import Sources
from ivr.errors import IvrError
from ivr.flow.actions import Failed
from ivr.flow.errands import (
    CODE_MARK,
    Answer,
    Callback,
    CallbackKept,
    CheckCode,
    CodeSent,
    Http,
    Identified,
    Identify,
    Lookup,
    Reserve,
    Reserved,
    Row,
    SendCode,
    Sent,
    SlotList,
    Slots,
    SlotTaken,
    Sms,
)
from ivr.flow.loading.tables import Tables
from ivr.flow.loading.yaml import Problems, parse
from tests.backends.house import ACCOUNTS, NOW

GET = Http("orders", "get", "/1")
SOURCES = Sources(Tables({"accounts": ACCOUNTS}), Services(region="CN"))


def told(source: str) -> Pretences:
    problems = Problems()
    node = parse(source, "x.scenarios.yaml", problems)
    assert node is not None
    found = read_pretences(node, "the house", problems)
    assert problems.all() == []
    return found


def house(source: str = "{}") -> Pretended:
    return Pretended(SOURCES, told(source))


def test_answers_are_given_in_turn_and_the_last_one_stays() -> None:
    there = house("{orders: [404, down, {body: {n: 1}}], orders.post: 201}")
    found = [there.answer(GET, now=NOW) for _ in range(4)]
    assert found == [
        Answer(404, None),
        Failed("orders: it cannot be reached"),
        Answer(200, {"n": 1}),
        Answer(200, {"n": 1}),
    ]
    assert there.answer(replace(GET, method="POST"), now=NOW) == Answer(201, None)


def test_what_nobody_was_told_about_fails_and_says_so() -> None:
    there = house()
    for errand in (GET, Lookup("branches", {"city": "Xi"}), Identify("people", {"a": "1"})):
        found = there.answer(errand, now=NOW)
        assert isinstance(found, Failed)
        assert "nothing was told" in found.why


def test_rows_are_found_as_told() -> None:
    there = house("{branches: [{body: {address: '1 Bund'}}, {body: null}, slow, {body: [1]}]}")
    ask = Lookup("branches", {"city": "Xi"})
    assert there.answer(ask, now=NOW) == Row(True, {"address": "1 Bund"})
    assert there.answer(ask, now=NOW) == Row(False)
    assert there.answer(ask, now=NOW) == Failed("branches: no answer in time")
    assert there.answer(ask, now=NOW) == Failed("lying: the row is no object")


def test_a_table_answers_truly_unless_it_was_told_otherwise() -> None:
    ask = Identify("accounts", {"account": "1", "pin": "4321"}, frozenset({"pin"}), "account")
    assert house().answer(ask, now=NOW).ok  # type: ignore[union-attr] # Identified
    assert house("{accounts: down}").answer(ask, now=NOW) == Failed(
        "accounts: it cannot be reached"
    )
    row = house("{accounts: {body: {name: Zoe}}}").answer(Lookup("accounts", {}), now=NOW)
    assert row == Row(True, {"name": "Zoe"})


def test_a_lock_ends_with_the_time_of_the_flow() -> None:
    sources = replace(SOURCES, services=Services(lockout=Lockout(2, 600.0, 60.0)))
    there = Pretended(sources)
    wrong = Identify("accounts", {"account": "1", "pin": "0"}, frozenset({"pin"}), "account")
    assert there.answer(wrong, now=NOW) == Identified(ok=False)
    assert there.answer(wrong, now=NOW) == Identified(ok=False, locked=True)
    later = NOW + timedelta(seconds=61)
    assert there.answer(wrong, now=later) == Identified(ok=False)


def test_the_code_is_known_expires_and_is_shown_in_its_text() -> None:
    there = house()
    sent = there.answer(SendCode("13800138000", f"Code {CODE_MARK}.", expires=60.0), now=NOW)
    assert sent == CodeSent("code-1")
    assert there.messages == [("13800138000", "Code 123456.")]
    late = NOW + timedelta(seconds=60)
    assert there.answer(CheckCode("code-1", "123456"), now=late) == Identified(False, expired=True)
    assert there.answer(CheckCode("code-1", "123456"), now=NOW) == Identified(True, "verified")
    assert there.answer(CheckCode("code-1", "123456"), now=late) == Identified(False, locked=True)
    assert house("{sms: down}").answer(
        SendCode("13800138000", f"Code {CODE_MARK}."), now=NOW
    ) == Failed("sms: it cannot be reached")


def test_texts_and_promises_are_noted() -> None:
    there = house()
    promise = Callback("billing", "13800138000", {"english": 3})
    assert there.answer(Sms("13800138000", "Hello"), now=NOW) == Sent("message-1")
    for _ in range(2):
        found = there.answer(promise, now=NOW, caller="13800138000")
        assert found == CallbackKept("callback-1")
    assert there.promises == [promise]
    assert isinstance(
        house("{callback: 503}").answer(promise, now=NOW, caller="13800138000"), Failed
    )


def test_a_calendar_keeps_working_hours_in_the_zone_of_the_flow() -> None:
    friday = datetime(2026, 3, 6, 15, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    found = house().answer(Slots("dentist", friday, 7 * 86400.0, 3), now=friday)
    assert isinstance(found, SlotList)
    assert [each.start for each in found.slots] == [
        *("2026-03-06T16:00:00+08:00", "2026-03-09T09:00:00+08:00", "2026-03-09T10:00:00+08:00")
    ]
    weekend = house().answer(Slots("dentist", friday + timedelta(days=1), 86400.0, 3), now=friday)
    assert weekend == SlotList(())


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_bare_reservation_has_no_reference(status: int) -> None:
    there = house(f"{{dentist.post: {status}}}")
    assert there.answer(Reserve("dentist", "a"), now=NOW) == Reserved("")


def test_a_calendar_offers_the_next_hours_unless_it_was_told_otherwise() -> None:
    ask = Slots("dentist", NOW + timedelta(minutes=20), 7200.0, 3)
    found = house().answer(ask, now=NOW)
    assert isinstance(found, SlotList)
    assert [each.start[11:16] for each in found.slots] == ["11:00", "12:00"]
    slots = "[{id: a, start: '2026-03-02T11:00:00+00:00'}]"
    there = house(f"{{dentist.get: {{body: {slots}}}, dentist.post: [409, 503]}}")
    (slot,) = there.answer(ask, now=NOW).slots  # type: ignore[union-attr] # SlotList
    assert slot.id == "a"
    assert there.answer(Reserve("dentist", "a"), now=NOW) == SlotTaken()
    assert isinstance(there.answer(Reserve("dentist", "a"), now=NOW), Failed)
    assert house().answer(Reserve("dentist", "a"), now=NOW) == Reserved("R-1")
    assert isinstance(house("{dentist: {body: 1}}").answer(ask, now=NOW), Failed)


# --- as people write it ---


def test_values_are_read_as_they_look() -> None:
    source = "{a: {status: 201, body: {n: 1, f: -2.50, t: '1', b: true, q: 'true', z: 007, e: ~}}}"
    (found,) = told(source)["a"]
    assert found == Pretence(
        201, {"n": 1, "f": -2.5, "t": "1", "b": True, "q": "true", "z": "007", "e": None}
    )


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("{a: gone}", '1:5: "gone" is no pretended answer'),
        ("{a: [404, []]}", "1:11: a list is no pretended answer"),
        ("{a: {status: 42}}", '1:14: "status" is 42'),
        ("{a: {stat: 404}}", '1:6: unknown key in a pretended answer: "stat"'),
        ("[]", "1:1: the house must be a mapping"),
    ],
)
def test_mistakes_have_their_place(source: str, problem: str) -> None:
    problems = Problems()
    node = parse(source, "x", problems)
    assert node is not None
    read_pretences(node, "the house", problems)
    assert [str(each)[2:][: len(problem)] for each in problems.all()] == [problem]


def test_answers_on_the_command_line() -> None:
    given = ["orders=404", "orders=down", 'people={"ok": true}', "branches=null"]
    assert pretences_of(given) == {
        "orders": (Pretence(404), Pretence(trouble="down")),
        "people": (Pretence(200, {"ok": True}),),
        "branches": (Pretence(200, None),),
    }
    for odd in ("orders", "=404", "orders=gone", "orders={", "orders=" + "[" * 100_000):
        with pytest.raises(IvrError, match="pretends nothing"):
            pretences_of([odd])
