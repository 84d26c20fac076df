"""Fields of every type, help, the way back, bounds, surveys, older states."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ivr.flow.actions import (
    Ask,
    Choice,
    Failed,
    Hangup,
    Keys,
    NoKeys,
    Prompt,
    Queue,
    QueueLeft,
    Said,
    Say,
    Value,
    Written,
)
from ivr.flow.asking import CollectStep, MenuStep, Option, Question, SurveyStep
from ivr.flow.errands import AnyResult
from ivr.flow.model import (
    BACK,
    HELP,
    REPEAT,
    Flow,
    QueueStep,
    SetStep,
)
from ivr.flow.running.interpreter import FlowStuck, State, resume
from ivr.flow.running.questions import MAX_QUESTIONS
from tests.flow.building import (
    NOW,
    Call,
    asked,
    asking,
    condition,
    exits,
    field,
    flow,
    growing,
    say,
    text,
    texts,
    words,
)


def menu(**options: Option) -> MenuStep:
    given = {key.removeprefix("k"): option for key, option in options.items()}
    return MenuStep(name="menu", say=say("Welcome."), options=given, asking=asking("over"))


# --- fields ----------------------------------------------------------------------------------


def collecting(kind: str, **options: object) -> Flow:
    step = CollectStep(name="ask", field="it", say=say("Well?"), asking=asking("over"), next="bye")
    return flow(step, fields=[field("it", kind, **options)])


@pytest.mark.parametrize(
    ("kind", "options", "keys", "written", "value"),
    [
        ("digits", {"length_max": 8}, "0123", "01-23", "0123"),
        ("number", {}, "007", "7", 7),
        ("choice", {"of": ("red", "blue")}, "2", "Blue", "blue"),
        ("phone", {}, "13800138000", "+86 138 0013 8000", None),
        ("yesno", {}, "2", "No.", False),
        ("date", {}, "20260302", "2026-3-2", "2026-03-02"),
        ("date", {"order": "dmy"}, "02032026", "2/3/2026", "2026-03-02"),
        ("time", {}, "1730", "17:30", "17:30"),
        ("amount", {}, "12*50", "12.50", "12.50"),
    ],
)
def test_a_field_is_keyed_or_written(
    kind: str, options: dict[str, object], keys: str, written: str, value: Value
) -> None:
    call = Call(collecting(kind, **options))
    call.give(Keys(keys))
    chat = Call(collecting(kind, **options), channel="chat")
    chat.give(Written(written))
    if value is not None:
        assert (call.fields["it"], chat.fields["it"]) == (value, value)
    else:
        assert (call.fields["it"], chat.fields["it"]) == ("13800138000", "+8613800138000")


def test_a_text_can_only_be_written() -> None:
    call = Call(collecting("text", length_max=40), channel="chat")
    assert asked(call.action).expects == "text"
    call.give(Written(" My name is Mei "))
    assert call.fields["it"] == "My name is Mei"


def test_how_many_keys_are_awaited_follows_from_the_type() -> None:
    def lengths(kind: str, **options: object) -> tuple[int, int, str]:
        ask = asked(Call(collecting(kind, **options)).action)
        return ask.length_min, ask.length_max, ask.finish_key

    assert lengths("date") == (8, 8, "#")
    assert lengths("time") == (4, 4, "#")
    assert lengths("yesno", length_max=20) == (1, 1, "")
    assert lengths("choice", of=("a",)) == (1, 1, "")
    assert lengths("digits", length_min=4, length_max=8) == (4, 8, "#")


def test_the_star_is_the_point_of_an_amount_and_repeats_by_itself() -> None:
    amount = replace(collecting("amount"), keys={"*": REPEAT})
    call = Call(amount)
    assert (asked(call.action).letters, asked(call.action).instant) == ("*", "")
    assert words(call.give(Keys("*"))) == "Well?"
    call.give(Keys("3*5"))
    assert call.fields["it"] == "3.5"


def test_media_with_letters_know_what_can_be_answered() -> None:
    ask = asked(Call(collecting("choice", of=("red", "blue")), channel="chat").action)
    assert (ask.expects, ask.choices) == ("choice", (Choice("1", "red"), Choice("2", "blue")))
    ask = asked(Call(collecting("yesno"), channel="chat").action)
    assert (ask.expects, ask.choices) == ("yesno", (Choice("1", "yes"), Choice("2", "no")))


def test_a_condition_is_checked_with_the_new_value_in_place() -> None:
    step = CollectStep(
        name="ask",
        field="amount",
        say=say("How much?"),
        valid=condition("amount <= limit"),
        asking=asking("over", nomatch=growing("At most {{ limit }}.")),
        next="bye",
    )
    limit = SetStep(name="limit", sets=texts(limit="100"), next="ask")
    fields = [field("amount", "amount", low=Decimal(0)), field("limit", "number")]
    call = Call(flow(limit, step, fields=fields))
    assert words(call.give(Keys("100*01"))) == "At most 100. How much?"
    assert "amount" not in call.fields
    assert isinstance(call.give(Keys("99")), Hangup)
    assert call.fields["amount"] == "99"


def confirming(kind: str, **options: object) -> Flow:
    made = collecting(kind, **options)
    step = made.steps["ask"]
    assert isinstance(step, CollectStep)
    return replace(made, steps={**made.steps, "ask": replace(step, confirm=())})


def test_a_confirmation_without_words_makes_its_own() -> None:
    call = Call(confirming("digits"))
    confirm = asked(call.give(Keys("1234")))
    assert words(confirm) == "1 2 3 4. If that is right, press 1; to change it, press 2."
    assert (confirm.expects, confirm.length_max) == ("confirm", 1)
    assert words(call.give(Keys("2"))) == "Well?"
    call.give(Keys("99"), Keys("1"))
    assert call.fields["it"] == "99"


@pytest.mark.parametrize(("answer", "kept"), [("Yes!", True), ("ok", True), ("no", False)])
def test_a_confirmation_understands_yes_and_no(answer: str, kept: bool) -> None:
    call = Call(confirming("digits"), channel="chat")
    assert words(call.give(Written("12"))) == "12. Is that right? 1 yes, 2 no"
    call.give(Written(answer))
    assert ("it" in call.fields) is kept


def test_a_secret_is_never_read_back() -> None:
    call = Call(confirming("digits", secret=True))
    assert isinstance(call.give(Keys("1234")), Hangup)
    assert call.state.secrets == {"it": "1234"}
    assert "1234" not in str(call.events) + str(call.state.to_json()) + repr(call.turn)


# --- help, errors, the way back --------------------------------------------------------------

KEYS = {"*": REPEAT, "8": HELP, "#": BACK, "0": "bye"}


def test_help_grows_and_costs_no_try() -> None:
    step = replace(
        menu(k1=Option("bye")), asking=asking("over", help=growing("Press 1.", "Just 1."))
    )
    call = Call(flow(step, keys=KEYS))
    assert words(call.give(Keys("8"))) == "Press 1. Welcome."
    assert words(call.give(Keys("8"))) == "Just 1. Welcome."
    call.give(*[Keys("8")] * 20)
    assert call.told("nomatch") == []
    assert call.give(Keys("1")) is not None


def test_help_at_the_step_stands_instead_of_the_question() -> None:
    step = replace(
        menu(k1=Option("bye")), asking=asking("over", help=growing("Press 1.", instead=True))
    )
    assert words(Call(flow(step, keys=KEYS)).give(Keys("8"))) == "Press 1."


def test_help_without_words_is_the_question_again() -> None:
    assert words(Call(flow(menu(k1=Option("bye")), keys=KEYS)).give(Keys("8"))) == "Welcome."


def test_a_medium_that_fails_is_excused_before_the_way_out() -> None:
    step = replace(menu(k1=Option("bye")), asking=asking("over", error=say("We are sorry.")))
    for then in (Said(), Failed("still mute")):
        call = Call(flow(step))
        assert call.give(Failed("mute")) == Say((Prompt("We are sorry.", "en"),))
        assert call.restart() == Say((Prompt("We are sorry.", "en"),))
        assert words(call.give(then)) == "Given up."


def path() -> Flow:
    """A menu that sets a field, two fields to collect, and a person."""
    return flow(
        menu(k1=replace(Option("account"), sets=texts(why="a"))),
        CollectStep(
            name="account", field="account", say=say("Account?"), asking=asking(), next="amount"
        ),
        CollectStep(
            name="amount",
            field="amount",
            say=say("Amount?"),
            confirm=(),
            asking=asking(),
            next="desk",
        ),
        QueueStep(name="desk", queue=text("desk"), exits=exits("menu")),
        fields=[field("account"), field("amount", "number"), field("why", "choice", of=("a",))],
        keys=KEYS,
    )


def test_back_leads_to_the_question_before_and_forgets_what_was_answered_there() -> None:
    call = Call(path())
    call.give(Keys("1"), Keys("77"))
    assert words(call.give(Keys("#"))) == "Account?"
    assert call.fields == {"why": "a"}
    assert words(call.give(Keys("#"))) == "Welcome."
    assert call.fields == {}
    assert words(call.give(Keys("#"))) == "Welcome."
    assert [each["to"] for each in call.told("back")] == ["account", "menu", ""]


def test_back_from_a_confirmation_asks_its_own_question_again() -> None:
    call = Call(path())
    call.give(Keys("1"), Keys("77"), Keys("5"))
    assert words(call.give(Keys("#"))) == "Amount?"
    assert words(call.give(Keys("#"))) == "Account?"


def test_back_goes_past_what_was_no_question() -> None:
    call = Call(path())
    call.give(Keys("1"), Keys("77"), Keys("5"), Keys("1"), QueueLeft("timeout"))
    assert words(call.give(Keys("#"))) == "Amount?"
    assert call.fields == {"why": "a", "account": "77"}


def test_the_way_back_survives_a_restart() -> None:
    call = Call(path())
    call.give(Keys("1"), Keys("77"))
    call.restart()
    assert words(call.give(Keys("#"))) == "Account?"


def test_the_way_back_is_bounded() -> None:
    round_trip = flow(menu(k1=Option("menu")), keys=KEYS)
    call = Call(round_trip)
    call.give(*[Keys("1")] * 100)
    assert len(call.state.trail) == 20


# --- bounds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["*", "8", "#", "1"])
def test_nobody_is_asked_for_ever(key: str) -> None:
    desk = QueueStep(name="desk", queue=text("desk"), exits=exits("menu"))
    step = replace(menu(k1=Option("menu")), asking=asking("desk"))
    call = Call(flow(step, desk, keys=KEYS))
    questions = 0
    while isinstance(call.action, Ask):
        questions += 1
        call.give(Keys(key))
    assert questions == MAX_QUESTIONS
    assert isinstance(call.action, Queue)
    assert call.told("gave_up") == [{"tries": 0, "why": "too many questions"}]


def test_a_call_that_waits_and_waits_ends_at_last() -> None:
    desk = QueueStep(name="desk", queue=text("desk"), exits=exits("desk"))
    call = Call(flow(desk))
    with pytest.raises(FlowStuck):
        call.give(*[QueueLeft("timeout")] * 3000)
    assert call.state.waits == 2000


# --- surveys ---------------------------------------------------------------------------------


def survey() -> Flow:
    step = SurveyStep(
        name="rate",
        survey="visit",
        questions=(Question("score", say("Score?")), Question("again", say("Again?"))),
        asking=asking("over", attempts=1),
        next="bye",
    )
    fields = [field("score", "number", low=Decimal(1), high=Decimal(5)), field("again", "yesno")]
    return flow(step, fields=fields, keys=KEYS)


def test_a_survey_is_told_as_one_event() -> None:
    call = Call(survey())
    assert words(call.give(Keys("5"))) == "Again?"
    assert isinstance(call.give(Keys("1")), Hangup)
    assert call.told("survey") == [{"survey": "visit", "score": 5, "again": True}]


def test_a_question_nobody_answers_is_left_out() -> None:
    call = Call(survey())
    assert words(call.give(NoKeys())) == "We leave that question out. Again?"
    call.give(Keys("2"))
    assert call.told("survey") == [{"survey": "visit", "again": False}]


def test_one_can_go_back_within_a_survey() -> None:
    call = Call(survey())
    call.give(Keys("5"))
    assert words(call.give(Keys("#"))) == "Score?"
    call.give(Keys("1"), Keys("1"))
    assert call.told("survey") == [{"survey": "visit", "score": 1, "again": True}]


@pytest.mark.parametrize("ending", [Keys("0"), Failed("the line is bad")])
def test_a_survey_that_ends_early_tells_what_was_answered(ending: AnyResult) -> None:
    call = Call(survey())
    assert isinstance(call.give(Keys("4")), Ask)
    call.give(ending)
    assert call.told("survey") == [{"survey": "visit", "score": 4}]
    call = Call(survey())
    call.give(ending)
    assert call.told("survey") == [], "nobody answered anything"


def test_a_survey_is_told_once_also_when_a_question_was_left_out() -> None:
    call = Call(survey())
    call.give(Keys("4"), NoKeys())
    assert call.told("survey") == [{"survey": "visit", "score": 4}]


def test_a_secret_answer_is_not_in_the_event_of_the_survey() -> None:
    made = survey()
    fields = {**made.fields, "score": replace(made.fields["score"], secret=True)}
    call = Call(replace(made, fields=fields))
    call.give(Keys("5"), Keys("1"))
    assert call.told("survey") == [{"survey": "visit", "again": True}]


# --- states ----------------------------------------------------------------------------------


def test_a_state_of_an_older_release_is_read_with_what_it_lacks() -> None:
    call = Call(path())
    call.give(Keys("1"))
    old = call.state.to_json()
    for name in ("frames", "trail", "asking", "proofs", "proven", "slots", "asked", "helps"):
        del old[name]
    turn = resume(path(), State.from_json(old), Keys("77"), NOW)
    assert words(turn.action) == "Amount?"
    assert words(resume(path(), turn.state, Keys("#"), NOW).action) == "Amount?"


def test_where_any_words_are_an_answer_flow_wide_keys_come_first() -> None:
    call = Call(replace(collecting("text"), keys={"0": "over", "*": REPEAT}), channel="chat")
    assert words(call.give(Written("*"))) == "Well?"
    assert words(call.give(Written("0"))) == "Given up."
    assert "it" not in call.fields
