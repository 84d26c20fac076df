"""What a caller meets: questions, tries, keys, identity, queues, restarts."""

from __future__ import annotations

import json
import time

import pytest

from ivr.errors import ServiceFault
from ivr.flow.actions import (
    MASK,
    Ask,
    Failed,
    Hangup,
    Keys,
    NoKeys,
    NotRecorded,
    Prompt,
    Queue,
    QueueLeft,
    Recorded,
    Said,
    Say,
    Voicemail,
)
from ivr.flow.errands import AnyResult, Identified, Identify
from ivr.flow.running.interpreter import Facts, FlowStuck, State, again, resume, start
from tests.flow.flows import NOW, SMALL, Call, flow_of

FLOW = flow_of(SMALL)


def words(action: object) -> str:
    assert isinstance(action, Say | Ask | Voicemail | Hangup)
    return " ".join(prompt.text for prompt in action.prompts)


def asked(action: object) -> Ask:
    assert isinstance(action, Ask)
    return action


# --- menus -----------------------------------------------------------------------------------


def test_a_menu_is_a_question_of_one_key_without_a_finish_key() -> None:
    ask = asked(Call(FLOW).action)
    assert (ask.length_min, ask.length_max, ask.finish_key, ask.instant) == (1, 1, "", "*")
    assert ask.prompts == (Prompt("Pay 1, ask 2.", "en"),)


def test_silence_is_met_with_growing_help_and_then_a_person() -> None:
    call = Call(FLOW)
    assert words(call.give(NoKeys())) == "Hello? Pay 1, ask 2."
    assert words(call.give(NoKeys())) == "Still there? Pay 1, ask 2."
    assert isinstance(call.give(NoKeys()), Queue)
    assert call.kinds().count("noinput") == 3
    assert "gave_up" in call.kinds()


def test_silence_and_wrong_keys_share_the_tries_but_not_the_words() -> None:
    call = Call(FLOW)
    assert words(call.give(NoKeys())) == "Hello? Pay 1, ask 2."
    assert words(call.give(Keys("9"))) == "Wrong. Pay 1, ask 2."
    assert isinstance(call.give(NoKeys()), Queue)


def test_an_empty_entry_is_silence() -> None:
    assert words(Call(FLOW).give(Keys(""))).startswith("Hello?")


def test_the_star_says_it_again_and_costs_no_try() -> None:
    call = Call(FLOW)
    for _ in range(10):
        assert words(call.give(Keys("*"))) == "Pay 1, ask 2."


def test_0_leads_to_a_person_from_any_question() -> None:
    assert isinstance(Call(FLOW).give(Keys("0")), Queue)
    assert isinstance(Call(FLOW).give(Keys("1"), Keys("0")), Queue)
    assert isinstance(Call(FLOW).give(Keys("2"), Keys("1234"), Keys("0")), Queue)


# --- fields ----------------------------------------------------------------------------------


def test_a_number_is_read_back_and_kept_only_when_confirmed() -> None:
    call = Call(FLOW)
    ask = asked(call.give(Keys("1")))
    assert (ask.length_min, ask.length_max, ask.finish_key) == (1, 3, "#")
    confirm = asked(call.give(Keys("120")))
    assert words(confirm) == "120, right?"
    assert confirm.length_max == 1
    assert "amount" not in call.turn.state.fields
    assert words(call.give(Keys("2"))) == "How much?"
    call.give(Keys("130"), Keys("1"))
    assert call.turn.state.fields["amount"] == 130


def test_the_own_words_of_a_step_stand_for_its_question() -> None:
    call = Call(FLOW)
    call.give(Keys("1"))
    assert words(call.give(Keys("501"))) == "One to five hundred."
    assert words(call.give(NoKeys())) == "Hello? How much?"


def test_a_flow_wide_key_yields_to_an_entry_it_could_be() -> None:
    source = SMALL.replace("low: 1, high: 500", "low: 0, high: 500")
    call = Call(flow_of(source))
    assert words(call.give(Keys("1"), Keys("0"))) == "0, right?"


def test_a_star_after_some_digits_takes_them_back() -> None:
    call = Call(FLOW)
    assert words(call.give(Keys("1"), Keys("12*"))) == "How much?"
    assert "nomatch" not in call.kinds()


def test_the_confirmation_counts_tries_too() -> None:
    call = Call(FLOW)
    call.give(Keys("1"), Keys("120"))
    assert words(call.give(Keys("7"))) == "120, right?"
    assert words(call.give(Keys("*"))) == "120, right?"
    call.give(NoKeys())
    assert isinstance(call.give(NoKeys()), Queue)


def test_conditions_read_typed_fields() -> None:
    def after(amount: str, agree: str) -> object:
        return Call(FLOW).give(Keys("1"), Keys(amount), Keys("1"), Keys(agree))

    assert words(after("200", "1")) == "Your account."
    assert words(after("50", "1")) == "Your number."
    assert words(after("50", "2")) == "Goodbye."


# --- identity --------------------------------------------------------------------------------


def identify(call: Call, pin: str = "9876") -> Identify:
    action = call.give(Keys("2"), Keys("1234"), Keys(pin))
    assert isinstance(action, Identify)
    return action


def test_identity_asks_field_by_field_and_hides_the_secret() -> None:
    call = Call(FLOW)
    assert not asked(call.give(Keys("2"))).secret
    ask = asked(call.give(Keys("1234")))
    assert ask.secret
    action = call.give(Keys("9876"))
    given = {"account": "1234", "pin": "9876"}
    assert action == Identify("small", given, frozenset({"pin"}), "account")
    assert "9876" not in repr(call.turn)
    assert "9876" not in json.dumps(call.turn.state.to_json())
    assert "9876" not in str(call.events)
    assert ("field", {"name": "pin", "value": MASK, "by": "caller"}) in call.events


def test_a_match_makes_the_caller_verified_and_forgets_the_secret() -> None:
    call = Call(FLOW)
    identify(call)
    action = call.give(Identified(ok=True, level="verified", facts={"name": "Mei"}))
    assert words(action) == "Hello Mei."
    state = call.turn.state
    assert (state.verified, state.level, state.secrets) == (True, "verified", {})
    queue = call.give(Said())
    assert isinstance(queue, Queue)
    assert (queue.priority, queue.tell_agent) == (5, "Mei ask 1234")


def test_a_mismatch_asks_for_everything_again_and_then_gives_a_person() -> None:
    call = Call(FLOW)
    identify(call)
    assert words(call.give(Identified(ok=False))) == "No match. Your account."
    assert call.turn.state.secrets == {}
    call.give(Keys("1234"), Keys("1111"))
    queue = call.give(Identified(ok=False))
    assert isinstance(queue, Queue)
    assert (queue.priority, queue.tell_agent) == (0, "unknown ask 1234")
    assert call.turn.state.secrets == {}


def test_what_is_known_already_is_not_asked_again() -> None:
    source = SMALL.replace('"2": {set: {reason: ask}, next: who}', '"2": account').replace(
        "  amount:\n    collect", "  account: {collect: account, next: who}\n  amount:\n    collect"
    )
    call = Call(flow_of(source))
    assert words(call.give(Keys("2"))) == "Your account."
    assert words(call.give(Keys("1234"))) == "Your PIN."


def test_a_backend_that_fails_leads_to_a_person() -> None:
    call = Call(FLOW)
    identify(call)
    assert isinstance(call.give(Failed("table gone")), Queue)
    assert call.turn.state.secrets == {}
    assert ("failed", {"why": "table gone"}) in call.events


# --- queues, voicemail, ends -----------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["timeout", "nobody", "full", "closed", "failed"])
def test_every_way_out_of_a_queue_leads_somewhere(outcome: str) -> None:
    call = Call(FLOW)
    call.give(Keys("0"))
    assert isinstance(call.give(QueueLeft(outcome)), Voicemail)  # type: ignore[arg-type]  # literal


def test_after_the_conversation_the_flow_goes_on() -> None:
    call = Call(FLOW)
    call.give(Keys("0"))
    assert call.give(QueueLeft("answered")) == Hangup((Prompt("Goodbye.", "en"),))


def test_a_queue_without_next_ends_the_call_after_the_conversation() -> None:
    call = Call(
        flow_of(SMALL.replace("    otherwise: message\n    next: bye", "    otherwise: message"))
    )
    call.give(Keys("0"))
    assert call.give(QueueLeft("answered")) == Hangup()


@pytest.mark.parametrize("result", [Recorded("x.wav", 3.0), NotRecorded(), Failed("disk full")])
def test_a_message_left_or_not_the_caller_hears_goodbye(result: Recorded | NotRecorded) -> None:
    call = Call(FLOW)
    call.give(Keys("0"), QueueLeft("full"))
    assert words(call.give(result)) == "Goodbye."


def test_words_that_could_not_be_spoken_do_not_stop_the_call() -> None:
    call = Call(FLOW)
    identify(call)
    call.give(Identified(ok=True, facts={"name": "Mei"}))
    assert isinstance(call.give(Failed("no voice")), Queue)
    assert isinstance(Call(FLOW).give(Failed("no voice")), Queue)


def test_a_result_that_fits_no_question_is_our_fault_and_is_refused() -> None:
    call = Call(FLOW)
    before = call.turn
    with pytest.raises(ServiceFault):
        call.give(QueueLeft("timeout"))
    assert call.turn is before
    with pytest.raises(ServiceFault):
        Call(FLOW).give(Keys("0"), QueueLeft("answered"), Said())


# --- restarts --------------------------------------------------------------------------------


def restarted(state: State) -> State:
    return State.from_json(json.loads(json.dumps(state.to_json())))


def test_every_action_can_be_asked_for_again_after_a_restart() -> None:
    call = Call(FLOW)
    results: list[AnyResult] = [Keys(keys) for keys in ("1", "120", "1", "1", "1234", "9876")]
    results += [Identified(ok=True, facts={"name": "Mei"}), Said(), QueueLeft("full")]
    for result in results:
        state = call.turn.state
        if not state.secrets:
            assert again(FLOW, restarted(state), NOW).action == call.action
        call.give(result)
    assert again(FLOW, restarted(call.turn.state), NOW).action == call.action


def test_a_secret_that_was_lost_is_asked_for_again() -> None:
    call = Call(FLOW)
    identify(call)
    turn = again(FLOW, restarted(call.turn.state), NOW)
    assert words(turn.action) == "Your PIN."
    turn = resume(FLOW, turn.state, Keys("9876"), NOW)
    assert turn.action == call.action


def test_a_step_that_a_new_revision_dropped_leads_back_to_its_start() -> None:
    call = Call(FLOW)
    call.give(Keys("1"))
    changed = flow_of(
        SMALL.replace("amount:\n    collect", "sum:\n    collect").replace(
            "next: amount", "next: sum"
        )
    )
    assert words(again(changed, call.turn.state, NOW).action) == "Pay 1, ask 2."
    turn = resume(changed, call.turn.state, Keys("100"), NOW)
    assert words(turn.action) == "Pay 1, ask 2."
    assert turn.state.revision == changed.revision
    assert turn.events[0].kind == "flow_changed"


def test_a_damaged_state_is_refused() -> None:
    with pytest.raises(ServiceFault):
        State.from_json({"flow": "small"})


# --- languages and loops ---------------------------------------------------------------------

TWO = """
flow: two
languages: {en: {skill: english, level: 3}, zh: {skill: mandarin}}
keys: {"*": repeat}
start: choose
steps:
  choose:
    menu: {every: {en: "English 1.", zh: "中文2。"}, sound: choose}
    "1": {set: {language: en}, next: person}
    "2": {set: {language: zh}, next: person}
    otherwise: person
  person:
    queue: desk
    needs: {english: 7}
    whisper: {en: "Call.", zh: "来电。"}
    otherwise: bye
  bye:
    hangup:
      - {en: "Bye.", zh: "再见。"}
      - {en: "{{ caller }}", zh: "{{ caller }}"}
"""


def test_each_language_is_spoken_in_its_own_voice() -> None:
    flow = flow_of(TWO)
    assert asked(Call(flow).action).prompts == (
        Prompt("English 1.", "en", "choose"),
        Prompt("中文2。", "zh", "choose"),
    )


def test_the_language_of_the_caller_becomes_a_skill_the_agent_must_have() -> None:
    call = Call(flow_of(TWO))
    queue = call.give(Keys("2"))
    assert isinstance(queue, Queue)
    assert queue.needs == {"english": 7, "mandarin": 1}
    assert queue.whisper == Prompt("来电。", "zh")
    assert call.give(QueueLeft("full")) == Hangup((Prompt("再见。", "zh"), Prompt("5551234", "zh")))


def test_what_a_step_needs_wins_over_what_the_language_needs() -> None:
    queue = Call(flow_of(TWO)).give(Keys("1"))
    assert isinstance(queue, Queue)
    assert queue.needs == {"english": 7}


def test_a_call_can_begin_in_a_language_and_an_unknown_one_is_the_first() -> None:
    flow = flow_of(TWO)
    assert start(flow, Facts(), NOW, "zh").state.language == "zh"
    assert start(flow, Facts(), NOW, "fr").state.language == "en"


def test_pieces_that_say_nothing_are_left_out() -> None:
    call = Call(flow_of(TWO), Facts())
    call.give(Keys("1"))
    assert call.give(QueueLeft("full")) == Hangup((Prompt("Bye.", "en"),))


def test_a_flow_that_goes_round_is_stopped() -> None:
    # The check lets it pass, because the branch reads what the loop sets.
    flow = flow_of("""
flow: round
collects: {turn: {type: choice, of: [a, b]}}
start: a
steps:
  a: {set: {turn: a}, next: more?}
  more?: {branch: [{if: turn == 'b', next: bye}], otherwise: a}
  bye: {hangup: "Bye."}
""")
    with pytest.raises(FlowStuck, match="went round 200 steps"):
        start(flow, Facts(), NOW)


@pytest.mark.usefixtures("untraced")
def test_a_step_takes_microseconds() -> None:
    call = Call(FLOW)
    state = call.turn.state
    resume(FLOW, state, Keys("1"), NOW)
    began = time.process_time()
    for _ in range(500):
        resume(FLOW, state, Keys("1"), NOW)
    assert (time.process_time() - began) / 500 < 0.001
