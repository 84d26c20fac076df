"""Who is calling: by what they know, by their number, by a code; and how long that holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ivr.flow.actions import MASK, Ask, Failed, Hangup, Keys, Prompt, Say, Written
from ivr.flow.asking import CodeStep, CollectStep, IdentifyStep
from ivr.flow.errands import (
    CodeSent,
    Identified,
    Identify,
    Recognise,
    SendCode,
)
from ivr.flow.model import BACK, AnyStep, Flow, SayStep, SetStep
from ivr.flow.running.identity import MAX_FAILURES
from ivr.flow.running.interpreter import informed, resume
from tests.flow.building import (
    CALLER,
    NOW,
    Call,
    asking,
    field,
    flow,
    growing,
    say,
    text,
    texts,
    words,
)

PATIENCE = (Prompt("One moment.", "en"),)
YES = Identified(ok=True, level="verified", facts={"name": "Mei"})
NO = Identified(ok=False)
BY_NUMBER = Identified(
    ok=True, level="number", facts={"name": "Mei", "account": "1234"}, key="account"
)
FIELDS = [
    field("account"),
    field("pin", secret=True),
    field("phone", "phone"),
    field("birthday", "date"),
]
SPEECHES = {
    "account": say("Account?"),
    "pin": say("PIN?"),
    "birthday": say("Born?"),
}


def who(name: str = "who", **options: Any) -> IdentifyStep:
    options.setdefault("ask", ("account", "pin"))
    options.setdefault("next", "known")
    options.setdefault("asking", asking("over"))
    return IdentifyStep(
        name=name,
        source=options.pop("source", "people"),
        account="account",
        speeches=SPEECHES,
        wrong=growing("No match."),
        patience=say("One moment."),
        locked="locked",
        **options,
    )


KNOWN = SayStep(name="known", say=say("Hello {{ customer.name }}, {{ level }}."), next="bye")
LOCKED = SayStep(name="locked", say=say("Locked."), next="bye")


def flow_with(*steps: AnyStep, **options: Any) -> Flow:
    return flow(*steps, KNOWN, LOCKED, fields=FIELDS, **options)


# --- by what they know -----------------------------------------------------------------------


def test_what_a_comparison_needs_is_in_it() -> None:
    call = Call(flow_with(who()))
    action = call.give(Keys("1234"), Keys("9"))
    assert isinstance(action, Identify)
    assert (action.source, action.given) == ("people", {"account": "1234", "pin": "9"})
    assert (action.secrets, action.account) == (frozenset({"pin"}), "account")
    assert words(action) == "One moment."


def test_secrets_are_dropped_whatever_came_of_them() -> None:
    for result in (YES, NO, Failed("away"), Identified(ok=False, locked=True)):
        call = Call(flow_with(who(asking=asking("over", attempts=1))))
        call.give(Keys("1234"), Keys("9"), result)
        assert call.state.secrets == {}


def test_a_secret_is_dropped_by_leaving_its_step_too() -> None:
    call = Call(flow_with(who(ask=("pin", "account")), keys={"*": "bye"}))
    call.give(Keys("9876"))
    assert call.state.secrets == {"pin": "9876"}
    call.give(Keys("*"))
    assert call.state.secrets == {}


def test_a_written_secret_is_told_nowhere() -> None:
    call = Call(flow_with(who()), channel="chat")
    call.give(Written("1234"), Written("not a pin"), Written("98-76"))
    assert isinstance(call.action, Identify)
    assert call.action.given["pin"] == "9876"
    told = str(call.events) + json.dumps(call.state.to_json()) + repr(call.turn)
    assert "9876" not in told
    assert "not a pin" not in told
    assert {"name": "pin", "value": MASK, "by": "caller"} in call.told("field")


def test_a_locked_account_has_its_own_way_out() -> None:
    call = Call(flow_with(who()))
    call.give(Keys("1234"), Keys("9"))
    assert words(call.give(Identified(ok=False, locked=True))) == "Locked."
    assert call.told("identified")[-1]["locked"] is True


def test_comparisons_are_bounded_over_the_whole_call() -> None:
    step = who(asking=asking("who", attempts=2))
    call = Call(flow_with(step))
    tries = 0
    while isinstance(call.action, Ask):
        call.give(Keys("1234"), Keys("1"))
        if isinstance(call.action, Identify):
            tries += 1
            call.give(NO)
    assert tries == MAX_FAILURES
    assert words(call.action) == "Locked."
    assert call.told("gave_up")[-1]["why"] == "too many mismatches"


def test_an_answer_that_a_restart_lost_is_asked_for_again() -> None:
    call = Call(flow_with(who(ask=("account",))))
    action = call.give(Keys("1234"))
    assert call.restart() == action


# --- levels ----------------------------------------------------------------------------------


def level_after(*steps: AnyStep, results: tuple[Identified, ...]) -> str:
    call = Call(flow_with(*steps))
    given = iter(results)
    while not isinstance(call.action, Hangup | Say):
        match call.action:
            case Ask():
                call.give(Keys("19990101" if "Born?" in words(call.action) else "1234"))
            case SendCode():
                call.give(CodeSent("h"))
            case _:
                call.give(next(given))
    return call.state.level


def code(**options: Any) -> CodeStep:
    options.setdefault("next", "known")
    options.setdefault("asking", asking("over"))
    options.setdefault("to", text("{{ caller }}"))
    options.setdefault("text", say("Code {{ code }}."))
    return CodeStep(name="code", say=say("Code?"), length=4, locked="locked", **options)


def test_a_match_verifies_and_another_proof_makes_it_strong() -> None:
    assert level_after(who(), results=(YES,)) == "verified"
    assert level_after(who(next="code"), code(), results=(YES, YES)) == "strong"
    assert level_after(code(next="who"), who(), results=(YES, YES)) == "strong"
    other = who("other", source="service", ask=("birthday",))
    assert level_after(who(next="other"), other, results=(YES, YES)) == "strong"


def test_the_same_proof_twice_is_no_stronger() -> None:
    second = who("second", ask=("birthday",))
    assert level_after(who(next="second"), second, results=(YES, YES)) == "verified"


def test_a_level_that_is_written_wins_but_lowers_nothing() -> None:
    assert level_after(who(level="strong"), results=(YES,)) == "strong"
    assert level_after(who(level="number"), results=(YES,)) == "number"
    weak = code(level="number")
    assert level_after(who(next="code"), weak, results=(YES, YES)) == "verified"
    plain = code(level="verified")
    assert level_after(who(next="code"), plain, results=(YES, YES)) == "verified"


def test_a_service_can_say_that_it_is_less_sure() -> None:
    sure = Identified(ok=True, level="number")
    assert level_after(who(), results=(sure,)) == "number"
    assert level_after(who(next="code"), code(), results=(sure, YES)) == "verified"


# --- by number -------------------------------------------------------------------------------


def test_whoever_is_recognised_is_asked_for_the_rest_only() -> None:
    call = Call(flow_with(who(by_number="phone")))
    assert call.action == Recognise("people", "phone", CALLER, PATIENCE)
    assert words(call.give(BY_NUMBER)) == "PIN?"
    assert (call.state.level, call.state.verified) == ("number", False)
    assert call.state.customer["name"] == "Mei"
    action = call.give(Keys("9"))
    assert isinstance(action, Identify)
    assert action.given == {"account": "1234", "pin": "9"}
    assert words(call.give(YES)) == "Hello Mei, verified."


@pytest.mark.parametrize("result", [NO, Failed("away")])
def test_whoever_is_not_recognised_is_asked_for_everything(result: Identified | Failed) -> None:
    assert words(Call(flow_with(who(by_number="phone"))).give(result)) == "Account?"


def test_a_withheld_number_is_not_looked_up() -> None:
    call = Call(flow_with(who(by_number="phone")), caller="")
    assert words(call.action) == "Account?"


def test_recognition_alone_has_two_ways_out() -> None:
    step = who(ask=(), by_number="phone")
    assert words(Call(flow_with(step)).give(BY_NUMBER)) == "Hello Mei, number."
    assert words(Call(flow_with(step)).give(NO)) == "Given up."
    assert words(Call(flow_with(step)).give(Failed("away"))) == "Given up."
    assert words(Call(flow_with(step), caller="").action) == "Given up."


def test_a_number_alone_verifies_nobody() -> None:
    call = Call(flow_with(who(ask=("account",), by_number="phone")))
    assert words(call.give(BY_NUMBER)) == "Hello Mei, number."
    assert call.state.verified is False


def test_a_number_is_looked_up_again_after_a_restart() -> None:
    call = Call(flow_with(who(by_number="phone")))
    assert call.restart() == call.action
    assert isinstance(call.action, Recognise)


def test_after_a_mismatch_the_number_counts_no_more() -> None:
    call = Call(flow_with(who(by_number="phone")))
    call.give(BY_NUMBER, Keys("9"))
    assert words(call.give(NO)) == "No match. Account?"
    call.give(Keys("5555"))
    assert (call.state.level, dict(call.state.customer)) == ("unknown", {})
    assert "identity_dropped" in [kind for kind, _ in call.events]


def test_who_said_to_be_somebody_else_is_not_recognised() -> None:
    first = CollectStep(
        name="first", field="account", say=say("Account?"), asking=asking(), next="who"
    )
    call = Call(flow_with(first, who(by_number="phone")))
    call.give(Keys("5555"))
    assert words(call.give(BY_NUMBER)) == "PIN?"
    assert (call.state.level, call.fields) == ("unknown", {"account": "5555"})


# --- how long it holds -----------------------------------------------------------------------


def test_a_proof_holds_for_the_fields_that_were_compared() -> None:
    other = SetStep(name="other", sets=texts(account="5555"), next="known")
    call = Call(flow_with(who(next="other"), other))
    call.give(Keys("1234"), Keys("9"))
    assert words(call.give(YES)) == "Hello , unknown."
    assert (call.state.verified, call.state.proofs) == (False, ())


def test_going_back_to_a_proof_takes_it_back() -> None:
    last = CollectStep(name="last", field="phone", say=say("Phone?"), asking=asking(), next="bye")
    call = Call(flow_with(who(next="last"), last, keys={"#": BACK}))
    call.give(Keys("1234"), Keys("9"), YES)
    assert words(call.give(Keys("#"))) == "Account?"
    assert (call.state.level, call.fields) == ("unknown", {})


def test_going_back_to_a_code_takes_nothing_back() -> None:
    last = CollectStep(name="last", field="phone", say=say("Phone?"), asking=asking(), next="bye")
    call = Call(flow_with(code(next="last"), last, keys={"#": BACK}))
    call.give(CodeSent("h"), Keys("1234"), YES)
    assert isinstance(call.give(Keys("#")), SendCode)
    assert (call.state.level, call.state.customer["name"]) == ("verified", "Mei")


BOB = Identified(ok=True, level="verified", facts={"name": "Bob"})
CARD = Identified(ok=True, level="verified", facts={"card": "gold"})


def test_a_second_source_adds_to_what_is_known() -> None:
    other = who("other", source="service", ask=("birthday",))
    call = Call(flow_with(who(next="other"), other))
    call.give(Keys("1234"), Keys("9"), YES, Keys("19990101"), CARD)
    assert call.state.customer == {"name": "Mei", "card": "gold"}
    assert (call.state.level, call.fields["account"]) == ("strong", "1234")


def test_somebody_else_takes_over_nothing() -> None:
    other = who("other", source="service", ask=("birthday",))
    call = Call(flow_with(who(next="other"), other))
    call.give(Keys("1234"), Keys("9"), YES, Keys("19990101"), BOB)
    assert call.state.customer == {"name": "Bob"}
    assert call.state.level == "verified"
    assert call.fields == {"birthday": "1999-01-01"}
    assert call.state.proofs == ("service",)


def test_back_within_the_step_leads_to_the_field_before() -> None:
    call = Call(flow_with(who(), keys={"#": BACK}))
    call.give(Keys("1234"))
    assert words(call.give(Keys("#"))) == "Account?"
    assert call.fields == {}


def test_a_form_that_comes_during_a_comparison_moves_no_proof_to_another_account() -> None:
    call = Call(flow_with(who()))
    call.give(Keys("1234"), Keys("9"))
    state = informed(call.flow, call.state, {"test": {"account": "6666", "phone": "123"}})
    turn = resume(call.flow, state, YES, NOW)
    assert turn.state.fields == {"account": "1234", "phone": "123"}
    assert turn.state.proven == {"account": "1234"}


def test_a_form_that_comes_before_a_comparison_is_what_is_compared() -> None:
    call = Call(flow_with(who()))
    call.give(Keys("1234"))
    state = informed(call.flow, call.state, {"test": {"account": "6666"}})
    action = resume(call.flow, state, Keys("9"), NOW).action
    assert isinstance(action, Identify)
    assert action.given == {"account": "6666", "pin": "9"}
