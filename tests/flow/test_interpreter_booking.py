"""Booking: offering free times, taking one, losing one, and what a restart may not do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from ivr.flow.actions import Choice, Failed, Keys, NoKeys, Written
from ivr.flow.asking import BookStep
from ivr.flow.calendar import Switch
from ivr.flow.errands import Reserve, Reserved, Slot, SlotList, Slots, SlotTaken
from ivr.flow.model import BACK, Flow, SayStep
from ivr.flow.running.booking import MANY, MAX_SLOTS
from ivr.flow.wording import phrase, speak
from tests.flow.building import (
    NOW,
    SHANGHAI,
    Call,
    asked,
    asking,
    calendar,
    field,
    flow,
    say,
    texts,
    words,
)

DONE = SayStep(name="done", say=say("{{ visit }} {{ ref }}"), next="bye")
FULL = SayStep(name="full", say=say("Nothing free."), next="bye")


def book(**options: Any) -> Flow:
    options.setdefault("reference", "ref")
    step = BookStep(
        name="book",
        service="dentist",
        into="visit",
        after=3600.0,
        within=7 * 86400.0,
        offer=options.pop("offer", 2),
        given=texts(phone="{{ caller }}"),
        say=say("Free times."),
        asking=asking("over"),
        none="full",
        next="done",
        **options,
    )
    fields = [field("visit", "moment"), field("ref", "text", length_max=10)]
    return flow(
        step, DONE, FULL, fields=fields, zone=SHANGHAI, calendars=[calendar()], keys={"#": BACK}
    )


def free(hours: Iterable[int]) -> SlotList:
    """One slot at the beginning of each hour of Tuesday in Shanghai."""
    return SlotList(tuple(Slot(f"s{hour}", f"2026-03-03T{hour:02}:00:00+08:00") for hour in hours))


def offers(*hours: int) -> str:
    """How those slots are spoken, with their keys."""
    now = NOW.astimezone(SHANGHAI)
    sentences = ["Free times."]
    for key, slot in enumerate(free(hours).slots, 1):
        said = speak("moment", slot.start, "en", written=False, now=now)
        sentences.append(phrase("slot", "en", False, moment=said, key=str(key)))
    return " ".join(sentences)


def test_times_are_looked_for_within_their_window() -> None:
    call = Call(book())
    action = call.action
    assert isinstance(action, Slots)
    assert action.after == NOW + timedelta(hours=1)
    assert action.within == 7 * 86400 - 3600
    assert (action.service, action.limit) == ("dentist", 8)


def test_times_are_offered_a_page_at_a_time() -> None:
    call = Call(book())
    first = asked(call.give(free([9, 10, 11])))
    assert words(first) == f"{offers(9, 10)} For later times, press 9."
    assert words(call.give(Keys("9"))) == offers(11)
    assert words(call.give(Keys("#"))) == words(first)
    call.give(Keys("3"))
    assert call.told("nomatch") == [{"tries": 1, "keys": "3"}]


def test_one_is_reserved_and_kept() -> None:
    call = Call(book())
    action = call.give(free([9, 10]), Keys("2"))
    assert action == Reserve("dentist", "s10", {"phone": "13800138000"})
    assert words(call.give(Reserved("A-7"))) == "2026-03-03T10:00:00+08:00 A-7"
    start = "2026-03-03T10:00:00+08:00"
    assert call.told("booked") == [{"service": "dentist", "start": start, "reference": "A-7"}]


def test_in_letters_a_time_can_be_written_out() -> None:
    call = Call(book(), channel="chat")
    ask = asked(call.give(free([9, 10])))
    assert ask.choices == (Choice("1", "tomorrow at 9 AM"), Choice("2", "tomorrow at 10 AM"))
    action = call.give(Written("Tomorrow at 10 am."))
    assert isinstance(action, Reserve)
    assert action.slot == "s10"


def test_a_choice_in_letters_has_the_words_of_its_line() -> None:
    call = Call(book(), channel="chat")
    ask = asked(call.give(free([9, 10, 11])))
    lines = [prompt.text for prompt in ask.prompts[1:]]
    assert [f"{choice.key} {choice.label}" for choice in ask.choices] == lines
    assert words(call.give(Written("later times"))).endswith("1 tomorrow at 11 AM")


def test_a_reference_of_another_kind_loses_no_booking() -> None:
    call = Call(book())
    call.give(free([9]), Keys("1"))
    assert words(call.give(Reserved("far too long a reference"))).startswith("2026-03-03T09")
    assert "ref" not in call.fields


def test_nothing_free_is_a_way_of_its_own() -> None:
    assert words(Call(book()).give(free([]))) == "Nothing free."


def test_times_outside_a_calendar_are_not_offered() -> None:
    """The calendar is open from 9 to 17 UTC, which is 17 to 1 in Shanghai."""
    call = Call(book(during="desk"))
    assert isinstance(call.action, Slots)
    assert call.action.limit == MANY
    assert words(call.give(free([3, 12, 17, 20]))) == offers(17, 20)
    assert call.told("slots_left_out") == [{"calendar": "desk", "slots": 2}]
    assert words(Call(book(during="desk")).give(free([3, 12]))) == "Nothing free."
    assert words(Call(book(during="desk")).give(free([]))) == "Nothing free."


def test_a_calendar_held_open_or_closed_decides_which_times_are_offered() -> None:
    until = Switch(open=False, until=datetime.fromisoformat("2026-03-03T18:00:00+08:00"))
    call = Call(book(during="desk"), switches={"desk": until})
    assert words(call.give(free([17, 20]))) == offers(20)
    call = Call(book(during="desk"), switches={"desk": Switch(open=False)})
    assert words(call.give(free([17, 20]))) == "Nothing free."


def test_a_calendar_may_choose_from_many_times() -> None:
    start = NOW + timedelta(hours=1)
    many = [start + timedelta(minutes=15 * each) for each in range(MANY)]
    slots = tuple(Slot(str(at), each.isoformat()) for at, each in enumerate(many))
    call = Call(book(during="desk"))
    call.give(SlotList(slots))
    kept = [datetime.fromisoformat(each.start).hour for each in call.state.slots]
    assert len(kept) == MAX_SLOTS
    assert set(kept) == set(range(9, 17))


@pytest.mark.parametrize("closed", [True, False])
def test_outside_its_hours_nothing_is_offered(closed: bool) -> None:
    call = Call(book(hours="desk"), switches={"desk": Switch(open=not closed)})
    assert (words(call.action) == "Given up.") is closed


def test_a_service_that_fails_takes_the_way_out() -> None:
    assert words(Call(book()).give(Failed("away"))) == "Given up."
    call = Call(book())
    assert words(call.give(free([9]), Keys("1"), Failed("away"))) == "Given up."


def test_later_times_are_fetched_when_the_known_ones_are_told() -> None:
    call = Call(book())
    call.give(free(range(8, 16)), Keys("9"), Keys("9"), Keys("9"))
    action = call.give(Keys("9"))
    assert isinstance(action, Slots)
    assert action.after.isoformat() == "2026-03-03T15:00:01+08:00"
    assert words(call.give(free([14, 16]))) == offers(16)
    assert len(call.state.slots) == 9


def test_when_there_are_no_later_times_the_first_are_offered_again() -> None:
    call = Call(book())
    first = words(call.give(free(range(8, 16))))
    call.give(*[Keys("9")] * 4)
    assert words(call.give(free([]))) == first


def test_a_time_that_was_taken_is_told_and_fresh_ones_are_offered() -> None:
    call = Call(book())
    assert isinstance(call.give(free([9, 10]), Keys("1"), SlotTaken()), Slots)
    assert words(call.give(free([10]))) == f"That time has just gone. {offers(10)}"
    call.give(Keys("1"), SlotTaken(), free([]))
    assert words(call.action) == "Nothing free."


def test_losing_one_time_after_another_ends_in_the_way_out() -> None:
    call = Call(book())
    lost = 0
    while isinstance(call.action, Slots):
        call.give(free([9]), Keys("1"), SlotTaken())
        lost += 1
    assert lost == 3
    assert words(call.action) == "Given up."


def test_times_that_cannot_be_read_are_not_offered() -> None:
    call = Call(book())
    bad = (Slot("a", "tomorrow"), Slot("b", "2026-03-03T09:00:00"))
    assert words(call.give(SlotList(bad))) == "Given up."
    call = Call(book())
    assert "press 2" not in words(call.give(SlotList((*free([9]).slots, *bad))))
    assert call.told("answer_refused")


def test_silence_is_counted_as_at_every_question() -> None:
    call = Call(book())
    assert words(call.give(free([9]), NoKeys(), NoKeys(), NoKeys())) == "Given up."


def test_a_restart_while_times_are_offered_offers_them_again() -> None:
    call = Call(book())
    offered = call.give(free([9, 10, 11]), Keys("9"))
    assert call.restart() == offered
    assert isinstance(call.give(Keys("1")), Reserve)


def test_a_restart_while_later_times_are_fetched_fetches_them_again() -> None:
    call = Call(book())
    call.give(free(range(8, 16)), Keys("9"), Keys("9"), Keys("9"))
    fetching = call.give(Keys("9"))
    assert call.restart() == fetching


def test_a_reservation_is_not_made_twice() -> None:
    call = Call(book())
    reserving = call.give(free([9, 10]), Keys("1"))
    assert isinstance(reserving, Reserve)
    assert call.restart() == reserving, "by the same name it is the same reservation"
