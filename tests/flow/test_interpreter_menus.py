"""Menus with labels and hours, written answers, switches, and words for every medium."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ivr.flow.actions import (
    Choice,
    Hangup,
    Keys,
    Prompt,
    Written,
)
from ivr.flow.asking import MenuStep, Option
from ivr.flow.calendar import Switch
from ivr.flow.model import (
    REPEAT,
    HoursStep,
    Language,
    SayStep,
)
from ivr.flow.words import Words
from tests.flow.building import (
    SHANGHAI,
    Call,
    asked,
    asking,
    calendar,
    flow,
    say,
    texts,
    words,
)

SUNDAY = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
BOTH = (Language("en"), Language("zh"))


def menu(**options: Option) -> MenuStep:
    given = {key.removeprefix("k"): option for key, option in options.items()}
    return MenuStep(name="menu", say=say("Welcome."), options=given, asking=asking("over"))


def labelled(en: str, zh: str = "", hours: str | None = None) -> Option:
    label = say(en=en, zh=zh) if zh else say(en)
    return Option("bye", label=label, hours=hours)


# --- menus -----------------------------------------------------------------------------------


def test_labels_are_spoken_as_sentences_in_the_order_of_the_file() -> None:
    call = Call(flow(menu(k2=labelled("bills"), k1=labelled("appointments"), k3=Option("bye"))))
    assert words(call.action) == ("Welcome. For bills, press 2. For appointments, press 1.")
    assert asked(call.action).choices == ()


def test_the_words_of_an_option_stand_for_its_sentence() -> None:
    own = replace(labelled("bills"), say=say("Bills are one."))
    assert words(Call(flow(menu(k1=own))).action) == "Welcome. Bills are one."


def test_in_letters_a_label_counts_alone_and_the_sentence_where_there_is_none() -> None:
    own = replace(labelled("Bills"), say=say("Bills are one."))
    alone = Option("bye", say=say("Cards: 2."))
    call = Call(flow(menu(k1=own, k2=alone)), channel="sms")
    assert words(call.action) == "Welcome. 1 Bills Cards: 2."


def test_a_menu_in_letters_is_a_list_with_choices() -> None:
    call = Call(flow(menu(k1=labelled("Bills"), k2=Option("bye"))), channel="chat")
    assert words(call.action) == "Welcome. 1 Bills"
    assert asked(call.action).choices == (Choice("1", "Bills"), Choice("2", ""))
    assert asked(call.action).expects == "menu"


def test_labels_of_all_languages_are_offered_in_each() -> None:
    every = Words(texts(en="English", zh="中文"), every=True)
    call = Call(flow(menu(k1=Option("bye", label=(every,))), languages=BOTH))
    assert asked(call.action).prompts[1:] == (
        Prompt("For English, press 1.", "en"),
        Prompt("中文，请按1。", "zh"),
    )


@pytest.mark.parametrize(
    "written", ["1", " 1. ", "１", "bills", "BILLS!", " “Bills” ", "账单", "账单。"]
)
def test_a_written_answer_is_a_key_or_a_label_in_any_language(written: str) -> None:
    chosen = flow(menu(k1=labelled("Bills", "账单"), k2=labelled("Talk", "聊")), languages=BOTH)
    call = Call(chosen, channel="chat")
    assert isinstance(call.give(Written(written)), Hangup)
    assert call.told("key") == [{"key": "1"}]


def test_a_written_answer_that_is_neither_is_a_wrong_one() -> None:
    call = Call(flow(menu(k1=labelled("Bills"))), channel="chat")
    assert words(call.give(Written("…billing"))).startswith("Welcome.")
    assert call.told("nomatch") == [{"tries": 1, "keys": "…billing"}]


def test_nothing_written_is_silence() -> None:
    call = Call(flow(menu(k1=labelled("Bills"))), channel="chat")
    call.give(Written("  "))
    assert call.told("noinput") == [{"tries": 1}]


def test_flow_wide_keys_can_be_written() -> None:
    call = Call(flow(menu(k1=labelled("Bills")), keys={"0": "bye", "*": REPEAT}), channel="chat")
    assert words(call.give(Written("*"))) == "Welcome. 1 Bills"
    assert isinstance(call.give(Written("0.")), Hangup)


def test_an_option_that_is_closed_is_neither_spoken_nor_understood() -> None:
    hours = {"calendars": [calendar()]}
    shut = flow(menu(k1=labelled("bills", hours="desk"), k2=labelled("news")), **hours)
    call = Call(shut, now=SUNDAY)
    assert words(call.action) == "Welcome. For news, press 2."
    assert call.told("hidden") == [{"keys": ["1"]}]
    call.give(Keys("1"))
    assert call.told("nomatch") == [{"tries": 1, "keys": "1"}]
    assert isinstance(Call(shut).give(Keys("1")), Hangup)


def test_a_menu_whose_options_are_all_closed_is_not_asked() -> None:
    shut = flow(menu(k1=labelled("bills", hours="desk")), calendars=[calendar()])
    call = Call(shut, now=SUNDAY)
    assert words(call.action) == "Given up."
    assert call.state.opens == "2026-03-02T09:00:00+00:00"


def test_a_switch_opens_and_closes_what_a_calendar_says() -> None:
    doors = HoursStep(name="doors", calendar="desk", open="bye", closed="over")
    shop = flow(doors, calendars=[calendar("test.desk")])
    closed = {"test.desk": Switch(open=False, because="fire drill")}
    call = Call(shop, switches=closed)
    assert words(call.action) == "Given up."
    assert call.told("hours")[0]["because"] == "fire drill"
    assert isinstance(
        Call(shop, now=SUNDAY, switches={"test.desk": Switch(open=True)}).action, Hangup
    )
    assert words(Call(shop, switches={"desk": Switch(open=False)}).action) == "Goodbye."


# --- words -----------------------------------------------------------------------------------


def test_media_with_letters_show_the_written_words() -> None:
    spoken = Words(texts(en="Press one."), written=texts(en="Send 1."))
    step = SayStep(name="say", say=(spoken,), next="bye")
    assert words(Call(flow(step)).action) == "Press one."
    assert words(Call(flow(step), channel="sms").action) == "Send 1."


def test_a_piece_can_forbid_barging_in_or_leave_it_to_its_step() -> None:
    pieces = (Words(texts(en="By law,"), barge_in=False), Words(texts(en="press 1.")))
    step = replace(menu(k1=Option("bye")), say=pieces)
    assert [each.barge_in for each in asked(Call(flow(step)).action).prompts] == [False, True]
    step = replace(step, asking=asking("bye", barge_in=False))
    assert [each.barge_in for each in asked(Call(flow(step)).action).prompts] == [False, False]


def test_templates_know_the_moment_in_the_zone_of_the_flow() -> None:
    step = SayStep(name="say", say=say("{{ today }} {{ now | time }} {{ channel }}"), next="bye")
    late = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)
    call = Call(flow(step, zone=SHANGHAI), channel="chat", now=late)
    assert words(call.action) == "2026-03-03 1:30 AM chat"


def test_words_in_every_language_are_filtered_in_that_language() -> None:
    every = Words(texts(en="{{ language }}", zh="{{ language }}"), every=True)
    step = SayStep(name="say", say=(every,), next="bye")
    assert words(Call(flow(step, languages=BOTH)).action) == "en zh"


def test_when_it_opens_is_words_by_itself_and_a_moment_for_filters() -> None:
    doors = HoursStep(name="doors", calendar="desk", open="bye", closed="shut")
    shut = SayStep(name="shut", say=say("{{ opens }} / {{ opens | time }}"), next="bye")
    call = Call(flow(doors, shut, calendars=[calendar()]), now=SUNDAY, channel="chat")
    assert words(call.action) == "tomorrow at 9 AM / 9 AM"
