"""From one channel to another: codes given and taken up, links, and whether there is room."""

from __future__ import annotations

import json
from typing import Any

from ivr.flow.actions import MASK, Failed, Keys, NoKeys, Queue, QueueLeft
from ivr.flow.asking import JoinStep, Option, RoomIn, Waiting
from ivr.flow.errands import (
    CODE_MARK,
    LINK_MARK,
    CodeMade,
    Invite,
    Joined,
    Known,
    Room,
    RoomFound,
    SendLink,
    Sent,
    TakeCode,
)
from ivr.flow.model import InviteStep, Link, QueueStep, RoomStep, SayStep, SmsStep
from ivr.flow.running.interpreter import informed
from tests.flow.building import BYE, Call, asked, asking, exits, field, flow, say, text, words

WHO = say("{{ customer.name }}, {{ order }}, {{ level }}.")
KNOWN = Known({"order": "1001", "pin": "x"}, "verified", {"name": "Mei"}, ("people",), ("order",))


def join(**options: Any) -> JoinStep:
    usual = {
        "say": say("Your code?"),
        "take": {"order": "order"},
        "asking": asking("over"),
        "next": "hello",
        "locked": "locked",
    }
    return JoinStep(name="code", **{**usual, **options})


STEPS = (
    SayStep(name="hello", say=WHO, next="bye"),
    SayStep(name="locked", say=say("Locked."), next="bye"),
)
FIELDS = [field("order"), field("note", "text", length_max=50)]


def call(step: JoinStep, channel: str = "voice") -> Call:
    return Call(flow(step, *STEPS, fields=FIELDS), channel=channel)


# --- codes -----------------------------------------------------------------------------------


def test_a_code_is_asked_for_and_brings_fields_and_who_it_is_up_to_the_level_of_the_step() -> None:
    taken = call(join())
    ask = asked(taken.action)
    assert (words(ask), ask.secret, ask.length_max) == ("Your code?", True, 6)
    assert taken.give(Keys("482193")) == TakeCode("482193")
    assert words(taken.give(Joined(True, KNOWN, "c1"))) == "Mei, 1001, number."
    assert (taken.state.verified, taken.state.proofs) == (False, ())
    assert taken.told("field") == [{"name": "order", "value": "1001", "by": "join"}]
    assert "482193" not in str(taken.events) + json.dumps(taken.state.to_json())


def test_a_step_that_trusts_the_other_conversation_takes_its_proof_over() -> None:
    taken = call(join(level="strong"))
    taken.give(Keys("482193"), Joined(True, KNOWN, "c1"))
    assert (taken.state.level, taken.state.verified) == ("verified", True)
    assert taken.state.proofs == ("people",)
    assert taken.state.proven == {"order": "1001"}


def test_a_value_that_is_none_for_the_field_is_left_out() -> None:
    taken = call(join())
    taken.give(Keys("482193"), Joined(True, Known({"order": "none"}), "c1"))
    assert "order" not in taken.fields
    assert taken.state.level == "unknown"


def test_a_wrong_code_is_told_and_asked_again_until_the_tries_are_used_up() -> None:
    taken = call(join(asking=asking("over", attempts=2)))
    taken.give(Keys("111111"))
    assert words(taken.give(Joined(ok=False))) == "That is not the code. Please try again."
    taken.give(Keys("222222"))
    assert words(taken.give(Joined(ok=False))) == "Given up."
    assert [each["tries"] for each in taken.told("code_taken")] == [1, 2]
    assert taken.told("nomatch") == []


def test_who_is_locked_out_goes_that_way_and_a_failure_goes_on() -> None:
    assert words(call(join()).give(Keys("111111"), Joined(ok=False, locked=True))) == "Locked."
    assert words(call(join()).give(Keys("111111"), Failed("down"))) == "Given up."
    assert words(call(join()).give(NoKeys(), NoKeys(), NoKeys())) == "Given up."


def test_what_is_no_code_is_not_compared() -> None:
    taken = call(join())
    taken.give(Keys("12"))
    assert taken.told("nomatch") == [{"tries": 1, "keys": MASK}]


def test_after_a_restart_the_code_is_asked_for_again() -> None:
    taken = call(join())
    taken.give(Keys("482193"))
    assert words(taken.restart()) == "Your code?"


def test_in_letters_nothing_is_asked_and_the_opened_link_counts() -> None:
    chat = call(join(), "chat")
    assert chat.action == TakeCode()
    assert words(chat.give(Joined(True, KNOWN))) == "Mei, 1001, number."
    stranger = call(join(), "chat")
    assert words(stranger.give(Joined(ok=False))) == "Given up."


def test_a_chat_gives_a_code_that_its_flow_never_knows_and_a_call_gives_none() -> None:
    step = InviteStep(
        name="a", say=say("Key {{ code }}."), expires=60, next="bye", otherwise="over"
    )
    chat = Call(flow(step), channel="chat")
    assert chat.action == Invite(f"Key {CODE_MARK}.", 60)
    assert words(chat.give(CodeMade("482193"))) == "Goodbye."
    assert "482193" not in str(chat.events) + json.dumps(chat.state.to_json())
    assert words(Call(flow(step), channel="chat").give(Failed("full"))) == "Given up."
    assert words(Call(flow(step)).action) == "Given up."


# --- links -----------------------------------------------------------------------------------


def test_a_text_with_a_link_to_a_chat_takes_along_what_is_known() -> None:
    step = SmsStep(
        name="a",
        to=text("{{ caller }}"),
        text=say("Write: {{ link }}"),
        link=Link(chat="shop"),
        next="bye",
        otherwise="over",
    )
    sending = Call(flow(step)).action
    assert isinstance(sending, SendLink)
    assert (sending.text, sending.chat, sending.form) == (f"Write: {LINK_MARK}", "shop", ())
    assert (sending.known.level, sending.expires) == ("unknown", 3600.0)


def test_a_form_asks_for_its_fields_in_their_own_words() -> None:
    fields = [field("order", say=say("Your order.")), field("note", "text")]
    step = SmsStep(
        name="a",
        to=text("1"),
        text=say("{{ link }}"),
        link=Link(form=("order", "note"), expires=60.0),
        next="bye",
        otherwise="over",
    )
    sent = Call(flow(step, fields=fields))
    assert isinstance(sent.action, SendLink)
    labels = [each.label for each in sent.action.form]
    assert (labels, sent.action.flow) == (["Your order.", "note"], "test")
    assert words(sent.give(Sent("m1"))) == "Goodbye."


def test_answers_of_a_form_are_fields_but_never_change_what_was_proven() -> None:
    taken = call(join(level="verified"))
    taken.give(Keys("482193"), Joined(True, KNOWN, "c1"))
    answers = {"test": {"order": "2002", "note": "blue", "gone": "x"}, "other": {"note": "y"}}
    state = informed(taken.flow, taken.state, answers)
    assert state.fields == {"order": "1001", "note": "blue"}


# --- room ------------------------------------------------------------------------------------


def room(**options: Any) -> RoomStep:
    usual = {
        "room": RoomIn("voice", text("sales")),
        "next": "yes",
        "otherwise": "no",
    }
    return RoomStep(name="free?", **{**usual, **options})


def looked(step: RoomStep, found: RoomFound | Failed) -> str:
    yes = SayStep(name="yes", say=say("Yes. {{ wait }}"), next="bye")
    no = SayStep(name="no", say=say("No. {{ wait }}"), next="bye")
    asked_for = Call(flow(step, yes, no))
    assert asked_for.action == Room("voice", "sales")
    return words(asked_for.give(found)).strip()


def test_room_is_a_way_and_says_how_long_one_waits_otherwise() -> None:
    assert looked(room(), RoomFound(True)) == "Yes."
    assert looked(room(), RoomFound(False)) == "No."
    busy = RoomFound(False, 240.0, (3, 5))
    assert looked(room(), busy) == "No. Your wait will be about three to five minutes."
    assert looked(room(within=300.0), busy).startswith("Yes. Your wait will be about three to five")
    assert looked(room(within=120.0), busy).startswith("No.")
    assert looked(room(within=120.0), Failed("down")) == "No."


def test_ways_out_to_other_channels_are_offered_apart_and_lead_on_when_they_were() -> None:
    elsewhere = RoomIn("chat", text("sales"))
    options = {
        "1": Option("bye", label=say("a call back")),
        "2": Option("over", label=say("a chat"), room=elsewhere),
    }
    step = QueueStep(
        name="a", queue=text("sales"), waiting=Waiting(options=options), exits=exits("bye")
    )
    waiting = Call(flow(step))
    wanted = waiting.action
    assert isinstance(wanted, Queue)
    assert wanted.waiting is not None
    assert [each.key for each in wanted.waiting.keys] == ["1"]
    [advice] = wanted.waiting.advice
    assert (advice.choice.key, advice.channel, advice.queue) == ("2", "chat", "sales")
    assert [each.text for each in advice.prompts] == ["For a chat, press 2."]
    assert words(wanted.waiting).strip() == ""
    assert words(waiting.give(QueueLeft("key", "2"))) == "Given up."
    assert BYE.name in waiting.flow.steps
