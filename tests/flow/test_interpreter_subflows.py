"""One flow inside another: what each of them knows, and where each way leads."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ivr.errors import ServiceFault
from ivr.flow.actions import Hangup, Keys, QueueLeft, Said, Written
from ivr.flow.asking import CollectStep, IdentifyStep
from ivr.flow.errands import Identified, Identify
from ivr.flow.model import (
    BACK,
    AnyStep,
    Flow,
    QueueStep,
    ReturnStep,
    RunStep,
    SayStep,
    SetStep,
)
from ivr.flow.running.interpreter import State, again, resume
from ivr.flow.running.subflows import MAX_DEPTH
from tests.flow.building import (
    CALLER,
    NOW,
    Call,
    asked,
    asking,
    condition,
    exits,
    field,
    flow,
    say,
    text,
    texts,
    words,
)

FIELDS = [field("account", length_min=4), field("name", "text"), field("pin", secret=True)]


def collect(name: str, **options: Any) -> CollectStep:
    options.setdefault("next", "bye")
    return CollectStep(
        name=name, field=name, say=say(f"{name.title()}?"), asking=asking(), **options
    )


def inner(*steps: AnyStep, **options: Any) -> Flow:
    """A sub-flow that asks for an account and returns."""
    chosen = steps or (collect("account", next="done"),)
    return flow(
        *chosen,
        ReturnStep(name="done"),
        ReturnStep(name="failed", ok=False),
        name="find",
        fields=FIELDS,
        **options,
    )


def outer(sub: Flow, **options: Any) -> Flow:
    run = RunStep(
        name="run",
        flow="find",
        given=options.pop("given", {}),
        keep=options.pop("keep", {"name": "account"}),
        next="found",
        otherwise="over",
    )
    return flow(
        collect("name", next="run"),
        run,
        SayStep(name="found", say=say("Found {{ name }} {{ account }}."), next="last"),
        collect("account", valid=condition("account > '0'")),
        replace(collect("account", next="bye"), name="last"),
        fields=FIELDS,
        subflows={"find": sub},
        **options,
    )


def in_sub(made: Flow) -> Call:
    """A call by chat that has come into the sub-flow."""
    call = Call(made, channel="chat")
    call.give(Written("Mei"))
    return call


def test_fields_are_each_flow_s_own_and_results_are_kept() -> None:
    call = in_sub(outer(inner()))
    assert words(call.action) == "Account?"
    assert call.fields == {}
    assert call.state.running == "find"
    assert words(call.give(Keys("1234"))) == "Found 1234 ."
    assert (call.fields, call.state.running) == ({"name": "1234"}, "")
    assert call.told("returned") == [{"flow": "find", "ok": True}]


def test_arguments_are_typed_by_the_flow_that_takes_them() -> None:
    show = SayStep(name="show", say=say("{{ account }}"), next="done")
    made = outer(inner(show), given=texts(account="{{ name }}", name="{{ name }}", pin=""))
    call = in_sub(made)
    assert call.fields == {"name": "Mei"}
    assert call.told("field_refused") == [{"name": "account", "value": "Mei"}]


def test_a_flow_that_failed_leaves_no_results() -> None:
    call = in_sub(outer(inner(collect("account", next="failed"))))
    assert words(call.give(Keys("1234"))) == "Given up."
    assert call.fields == {"name": "Mei"}


def test_a_result_of_another_type_is_refused() -> None:
    made = outer(inner(replace(collect("name"), next="done")), keep={"account": "name"})
    call = in_sub(made)
    assert asked(call.action).expects == "text"
    call.give(Written("Mei"))
    assert "account" not in call.fields
    assert call.told("field_refused") == [{"name": "account", "value": "Mei"}]


def test_a_hangup_inside_ends_the_call() -> None:
    call = in_sub(outer(inner(collect("account", next="bye"))))
    assert isinstance(call.give(Keys("1234")), Hangup)
    with pytest.raises(ServiceFault):
        call.give(Said())


def test_a_conversation_without_next_inside_ends_the_call() -> None:
    desk = QueueStep(name="desk", queue=text("q"), exits=exits("done"))
    call = in_sub(outer(inner(desk)))
    assert isinstance(call.give(QueueLeft("answered")), Hangup)


def test_flow_wide_keys_are_those_of_the_flow_that_runs() -> None:
    sub = inner(keys={"0": "failed"})
    call = in_sub(outer(sub, keys={"0": "bye", "9": "over"}))
    assert words(call.give(Keys("9"))) == "Account?"
    assert words(call.give(Keys("0"))) == "Given up."


def identifying() -> Flow:
    step = IdentifyStep(
        name="who",
        source="people",
        ask=("account", "pin"),
        speeches={"account": say("Account?"), "pin": say("PIN?")},
        asking=asking("failed"),
        next="done",
        locked="failed",
    )
    return inner(step)


def test_who_is_calling_is_known_to_both() -> None:
    made = outer(identifying(), keep={"account": "account"})
    call = in_sub(made)
    assert isinstance(call.give(Keys("1234"), Keys("9876")), Identify)
    call.give(Identified(ok=True, level="verified", facts={"name": "Mei"}))
    assert words(call.action) == "Found Mei 1234."
    assert (call.state.verified, call.state.customer["name"]) == (True, "Mei")
    assert call.state.proven == {"account": "1234"}
    assert "9876" not in json.dumps(call.state.to_json()) + repr(call.turn)
    call.give(Said(), Keys("5555"))
    assert call.state.verified is False


def test_secrets_of_a_waiting_flow_are_in_no_stored_state() -> None:
    first = collect("pin", next="run")
    made = outer(inner())
    made = replace(made, start="pin", steps={**made.steps, "pin": first})
    call = Call(made)
    call.give(Keys("9876"))
    assert words(call.action) == "Account?"
    assert call.state.frames[0].secrets == {"pin": "9876"}
    assert "9876" not in json.dumps(call.state.to_json()) + repr(call.turn)


def test_a_restart_inside_goes_on_inside() -> None:
    call = in_sub(outer(inner()))
    assert call.restart() == call.action
    assert words(call.give(Keys("1234"))) == "Found 1234 ."


def test_back_leads_out_of_a_flow_to_the_question_before_it() -> None:
    sub = inner(keys={"#": BACK})
    made = outer(sub)
    first = replace(collect("account", next="run"), name="first")
    made = replace(made, start="first", steps={**made.steps, "first": first})
    call = Call(made)
    call.give(Keys("1111"))
    assert words(call.give(Keys("#"))) == "Account?"
    assert (call.state.running, call.state.step, call.fields) == ("", "first", {})


def test_a_question_after_a_flow_goes_back_to_the_one_before_it() -> None:
    made = outer(inner(), keys={"#": BACK})
    first = replace(collect("account", next="run"), name="first")
    made = replace(made, start="first", steps={**made.steps, "first": first})
    call = Call(made)
    call.give(Keys("1111"), Keys("1234"), Said())
    assert call.state.step == "last"
    call.give(Keys("#"))
    assert call.state.step == "first"


def test_flows_inside_flows_have_a_limit() -> None:
    deepest = inner()
    for _ in range(MAX_DEPTH):
        deeper = RunStep(name="deeper", flow="find", next="done", otherwise="failed")
        deepest = inner(deeper, subflows={"find": deepest})
    call = in_sub(outer(deepest))
    assert words(call.action) == "Given up."
    assert len(call.state.frames) == 0
    call = in_sub(outer(deepest.subflows["find"]))
    assert len(call.state.frames) == MAX_DEPTH
    assert words(call.give(Keys("1234"))) == "Found Mei ."


def test_a_flow_run_by_nobody_returns_to_nobody() -> None:
    call = Call(inner())
    assert isinstance(call.give(Keys("1234")), Hangup)


def test_a_call_in_a_flow_that_is_gone_begins_anew() -> None:
    call = in_sub(outer(inner()))
    changed = replace(outer(inner()), revision="2", subflows={})
    for turn in (again(changed, call.state, NOW), resume(changed, call.state, Keys("1"), NOW)):
        assert turn.events[0].kind == "flow_changed"
        assert words(turn.action) == "Name?"
        assert (turn.state.frames, turn.state.fields) == ((), {"name": "Mei"})
    with pytest.raises(ServiceFault):
        resume(replace(changed, revision="1"), call.state, Keys("1"), NOW)


def test_the_steps_inside_are_told_with_their_flow() -> None:
    call = in_sub(outer(inner()))
    call.give(Keys("1234"))
    turn = again(outer(inner()), State.from_json(call.state.to_json()), NOW)
    assert turn.state.running == ""
    assert {"verb": "return", "flow": "find"} in call.told("step")


def test_a_set_inside_changes_nothing_outside() -> None:
    change = SetStep(name="change", sets=texts(name="Bob"), next="done")
    call = in_sub(outer(inner(change), keep={}))
    assert words(call.action) == "Found Mei ."


def test_what_is_a_secret_inside_is_stored_nowhere() -> None:
    made = outer(inner(), given=texts(pin="{{ caller }}"))
    call = in_sub(made)
    assert call.state.secrets == {"pin": CALLER}
    assert "pin" not in call.fields


def test_what_failed_an_identify_is_doubted_only_where_it_failed() -> None:
    sub = identifying()
    made = outer(sub, keep={})
    call = in_sub(made)
    for _ in range(3):
        call.give(Keys("1234"), Keys("9"), Identified(ok=False))
    assert words(call.action) == "Given up."
    assert call.state.doubted == ()


def test_somebody_else_inside_is_not_who_was_proven_outside() -> None:
    made = outer(identifying(), keep={})
    inside = identifying().steps["who"]
    assert isinstance(inside, IdentifyStep)
    who = replace(inside, next="run", asking=asking("over"), locked="over")
    made = replace(made, start="who", steps={**made.steps, "who": who})
    call = Call(made)
    call.give(Keys("1234"), Keys("9"), Identified(ok=True, facts={"name": "Mei"}))
    assert call.state.running == "find"
    call.give(Keys("5555"), Keys("9"), Identified(ok=True, facts={"name": "Bob"}))
    assert words(call.action) == "Found  ."
    assert (call.state.customer, call.state.verified) == ({"name": "Bob"}, True)
