"""One-time codes: sent, asked for, compared, and bounded."""

from __future__ import annotations

import json

from ivr.flow.actions import MASK, Failed, Keys, NoKeys
from ivr.flow.asking import CodeStep, CollectStep
from ivr.flow.errands import (
    CODE_MARK,
    CheckCode,
    CodeSent,
    Identified,
    SendCode,
)
from ivr.flow.model import Language, SetStep
from ivr.flow.running.identity import MAX_CODES
from ivr.flow.running.interpreter import informed, resume
from tests.flow.building import (
    CALLER,
    NOW,
    Call,
    asked,
    asking,
    growing,
    say,
    text,
    texts,
    words,
)
from tests.flow.test_interpreter_identity import NO, PATIENCE, YES, code, flow_with


def test_a_code_is_sent_asked_for_and_checked() -> None:
    call = Call(flow_with(code(patience=say("One moment."))))
    assert call.action == SendCode(CALLER, f"Code {CODE_MARK}.", 4, 300.0, PATIENCE)
    ask = asked(call.give(CodeSent("h1")))
    assert (words(ask), ask.secret) == ("Code?", True)
    assert (ask.length_min, ask.length_max, ask.expects) == (4, 4, "digits")
    action = call.give(Keys("0123"))
    assert action == CheckCode("h1", "0123", PATIENCE)
    assert words(call.give(YES)) == "Hello Mei, verified."
    assert call.state.handle == ""
    assert "0123" not in str(call.events) + json.dumps(call.state.to_json())


def test_the_words_of_a_code_are_made_where_there_are_none() -> None:
    step = CodeStep(
        name="code", to=text("1"), text=(), say=(), asking=asking(), next="bye", locked="locked"
    )
    call = Call(flow_with(step), channel="chat")
    assert isinstance(call.action, SendCode)
    assert f"code is {CODE_MARK}." in call.action.text
    assert "Please send it here." in words(call.give(CodeSent("h")))
    again = words(call.give(Keys("123456"), NO))
    assert again == "That is not the code. Please try again."


def test_words_that_forget_the_code_get_it_all_the_same() -> None:
    call = Call(flow_with(code(text=say("Hello."))))
    assert isinstance(call.action, SendCode)
    assert call.action.text == f"Hello. {CODE_MARK}"


def test_the_message_is_written_in_the_language_of_the_caller() -> None:
    both = (Language("en"), Language("zh"))
    step = code(text=say(en="Code {{ code }}.", zh="验证码{{ code }}。"))
    action = Call(flow_with(step, languages=both), language="zh").action
    assert isinstance(action, SendCode)
    assert action.text == f"验证码{CODE_MARK}。"


def test_wrong_codes_are_counted_and_then_given_up() -> None:
    call = Call(flow_with(code(wrong=growing("Wrong."), asking=asking("over", attempts=2))))
    call.give(CodeSent("h"))
    assert words(call.give(Keys("1111"), NO)) == "Wrong. Code?"
    assert words(call.give(Keys("2222"), NO)) == "Given up."


def test_what_is_no_code_is_not_compared() -> None:
    call = Call(flow_with(code()))
    call.give(CodeSent("h"), Keys("12"))
    assert call.told("nomatch") == [{"tries": 1, "keys": MASK}]
    call.give(NoKeys())
    assert words(call.give(NoKeys())) == "Given up."


def test_codes_are_sent_again_only_so_often() -> None:
    call = Call(flow_with(code(asking=asking("code", attempts=1))))
    sent = 0
    while isinstance(call.action, SendCode):
        sent += 1
        call.give(CodeSent("h"), NoKeys())
    assert sent == MAX_CODES
    assert words(call.action) == "Locked."


EXPIRED = Identified(ok=False, expired=True)


def test_a_code_that_expired_is_told_and_a_fresh_one_is_sent() -> None:
    call = Call(flow_with(code(asking=asking("over", attempts=1))))
    assert isinstance(call.give(CodeSent("h1"), Keys("1111"), EXPIRED), SendCode)
    assert words(call.give(CodeSent("h2"))) == "That code is no longer valid. Code?"
    assert call.give(Keys("2222")) == CheckCode("h2", "2222")
    assert words(call.give(YES)) == "Hello Mei, verified."
    assert call.told("code_expired") == [{}]
    assert [each["ok"] for each in call.told("identified")] == [True], "nothing was compared"


def test_fresh_codes_are_as_many_as_any() -> None:
    call = Call(flow_with(code()))
    sent = 0
    while isinstance(call.action, SendCode):
        sent += 1
        call.give(CodeSent("h"), Keys("1111"), EXPIRED)
    assert sent == MAX_CODES
    assert words(call.action) == "Locked."
    call = Call(flow_with(code()))
    call.give(CodeSent("h"), Keys("1111"), EXPIRED)
    assert words(call.give(Failed("too many codes within the hour"))) == "Given up."


def test_a_restart_does_not_forget_that_a_code_expired() -> None:
    call = Call(flow_with(code()))
    call.give(CodeSent("h"), Keys("1111"), EXPIRED)
    assert isinstance(call.restart(), SendCode)
    assert words(call.give(CodeSent("h2"))) == "That code is no longer valid. Code?"


def test_a_code_without_a_number_takes_the_way_out() -> None:
    assert words(Call(flow_with(code(to=text("{{ customer.phone }}")))).action) == "Given up."


def test_a_code_that_cannot_be_sent_or_checked_takes_the_way_out() -> None:
    assert words(Call(flow_with(code())).give(Failed("no gateway"))) == "Given up."
    call = Call(flow_with(code()))
    assert words(call.give(CodeSent("h"), Keys("1234"), Failed("gone"))) == "Given up."


def test_codes_after_a_restart() -> None:
    call = Call(flow_with(code()))
    assert isinstance(call.restart(), SendCode)
    call.give(CodeSent("h"))
    assert words(call.restart()) == "Code?"
    call.give(Keys("1234"))
    assert words(call.restart()) == "Code?"
    assert call.give(Keys("1234")) == CheckCode("h", "1234")


def test_a_code_proves_the_number_it_went_to() -> None:
    phone = CollectStep(name="phone", field="phone", say=say("?"), asking=asking(), next="code")
    other = SetStep(name="other", sets=texts(phone="999"), next="known")
    step = code(to=text("{{ phone }}"), next="other")
    call = Call(flow_with(phone, step, other))
    assert words(call.give(Keys("123"), CodeSent("h"), Keys("1234"), YES)) == "Hello , unknown."


def test_a_form_that_comes_while_a_code_is_under_way_moves_no_proof_to_another_number() -> None:
    phone = CollectStep(name="phone", field="phone", say=say("?"), asking=asking(), next="code")
    call = Call(flow_with(phone, code(to=text("{{ phone }}"))))
    call.give(Keys("123"), CodeSent("h"))
    for result in (Keys("1234"), YES):
        state = informed(call.flow, call.state, {"test": {"phone": "999", "account": "7"}})
        call.turn = resume(call.flow, state, result, NOW)
    assert call.state.fields == {"phone": "123", "account": "7"}
    assert (call.state.level, call.state.proven) == ("verified", {"phone": "123"})
