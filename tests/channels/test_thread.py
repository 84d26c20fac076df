"""Chats and SMS threads: questions in letters, people, messages, silence, and restarts."""

from __future__ import annotations

import asyncio

import pytest

from ivr.channels import thread as threads
from ivr.channels.manners import CHAT, SMS
from ivr.flow.actions import QueueLeft
from ivr.flow.calendar import Switch
from tests.channels.correspondent import Correspondent
from tests.flow.flows import SMALL, flow_of

SHOP = """
flow: shop
about: The Shop
languages: [en, zh]
calendars: {desk: {zone: UTC, hours: {mon-fri: 08:00-18:00}}}
collects:
  order: {type: digits, length: 4, say: {en: "Your order?", zh: "订单号？"}}
  status: {type: text}
start: hello
steps:
  hello: {say: {en: "Hello.", zh: "您好。"}, next: menu}
  menu:
    menu: {en: "How can we help?", zh: "请选择。"}
    "1": {label: {en: Orders, zh: 订单}, next: order}
    "2": {label: {en: A person, zh: 人工}, hours: desk, next: talk}
    "3": {label: {en: A manager, zh: 经理}, next: boss}
    "4": {label: {en: Complaints, zh: 投诉}, next: memo}
    otherwise: bye
  order: {collect: order, next: ask, otherwise: bye}
  ask:
    http: orders
    get: "/orders/{{ order }}"
    take: {status: status}
    patience: {en: "One moment.", zh: "请稍候。"}
    next: told
    otherwise: bye
  told: {say: {en: "It is {{ status }}.", zh: "{{ status }}"}, next: bye}
  talk: {queue: billing, next: bye, otherwise: bye}
  boss: {transfer: {agent: "1001", queue: billing}, next: bye, otherwise: outside}
  outside: {transfer: {outside: "+861012345678"}, otherwise: bye}
  memo: {record: complaint, say: {en: "Speak after the tone.", zh: "请留言。"}, next: bye,
         otherwise: bye}
  bye: {hangup: {en: "Goodbye.", zh: "再见。"}}
"""
SHOP_FLOW = flow_of(SHOP)
SMALL_FLOW = flow_of(SMALL)


@pytest.fixture
async def chat() -> Correspondent:
    chat = Correspondent(SHOP_FLOW)
    await chat.begin()
    return chat


@pytest.fixture
async def sms() -> Correspondent:
    sms = Correspondent(SHOP_FLOW, SMS)
    await sms.begin()
    return sms


async def test_a_menu_is_a_list_and_a_word_of_it_or_its_number_is_an_answer(
    chat: Correspondent,
) -> None:
    menu = "How can we help?\n1 Orders\n2 A person\n3 A manager\n4 Complaints"
    assert chat.sent == ["Hello.", menu]
    assert await chat.write("orders") == ["Your order?"]
    other = Correspondent(SHOP_FLOW)
    await other.begin()
    assert await other.write("1") == ["Your order?"]


async def test_an_sms_thread_says_all_of_a_turn_in_one_message(sms: Correspondent) -> None:
    assert len(sms.sent) == 1
    assert sms.sent[0].startswith("Hello.\nHow can we help?\n1 Orders")
    assert await sms.write("1", "1234") == ["Your order?", "It is sent.\nGoodbye."]
    assert sms.endings == ["completed"]


async def test_the_thread_goes_on_in_the_language_it_began_with() -> None:
    chat = Correspondent(SHOP_FLOW)
    await chat.begin("zh")
    assert chat.sent == ["您好。", "请选择。\n1 订单\n2 人工\n3 经理\n4 投诉"]


async def test_what_is_closed_is_not_on_the_list() -> None:
    chat = Correspondent(SHOP_FLOW, turned={"shop.desk": Switch(False)})
    await chat.begin()
    assert "A person" not in chat.sent[1]


async def test_words_bridge_a_slow_answer_in_a_chat_and_cost_nothing_in_an_sms(
    chat: Correspondent, sms: Correspondent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "QUIET", 0.01)
    chat.slow = sms.slow = 0.1
    assert await chat.write("1", "1234") == [
        *("Your order?", "One moment.", "It is sent.", "Goodbye.")
    ]
    assert await sms.write("1", "1234") == ["Your order?", "It is sent.\nGoodbye."]


async def test_a_fast_answer_needs_no_words_to_bridge_it(chat: Correspondent) -> None:
    assert "One moment." not in await chat.write("1", "1234")


async def test_several_messages_at_once_are_answered_one_after_another(
    chat: Correspondent,
) -> None:
    await asyncio.gather(*(chat.thread.incoming(text) for text in ("1", "1234")))
    assert chat.sent[2:] == ["Your order?", "It is sent.", "Goodbye."]


# --- people ---------------------------------------------------------------------------------------


async def test_a_queue_hands_the_thread_to_an_agent_who_gets_what_is_written(
    chat: Correspondent,
) -> None:
    assert await chat.write("a person", "Are you there?", "Hello?") == []
    assert [each.queue for each in chat.wanted] == ["billing"]
    assert chat.relayed == ["Are you there?", "Hello?"]
    await chat.thread.left(QueueLeft("answered"))
    assert chat.sent[-1] == "Goodbye."
    assert chat.endings == ["completed"]


async def test_a_transfer_to_one_agent_waits_for_that_agent_alone(chat: Correspondent) -> None:
    await chat.write("3")
    (wanted,) = chat.wanted
    assert (wanted.agent, wanted.queue, wanted.max_wait) == ("1001", "billing", 25.0)


async def test_nobody_can_be_put_through_outside_and_the_number_is_told(
    chat: Correspondent,
) -> None:
    await chat.write("3")
    await chat.thread.left(QueueLeft("timeout"))
    assert chat.sent[-2:] == [
        "We cannot connect you from here. Please ring +861012345678.",
        "Goodbye.",
    ]


async def test_a_recording_is_a_message_that_is_kept(chat: Correspondent) -> None:
    assert await chat.write("4", "It came broken.") == ["Speak after the tone.", "Goodbye."]
    assert chat.kept == ["It came broken."]


# --- silence --------------------------------------------------------------------------------------


async def test_a_long_silence_is_answered_once_and_then_the_thread_is_closed() -> None:
    chat = Correspondent(SMALL_FLOW)
    await chat.begin()
    assert chat.thread.due is not None
    chat.wait(599)
    await chat.thread.tick()
    assert len(chat.sent) == 1
    chat.wait(1)
    await chat.thread.tick()
    assert chat.sent[1:] == ["Hello? Pay 1, ask 2."]
    chat.wait(3600)
    assert chat.thread.due == chat.clock
    await chat.thread.tick()
    assert chat.sent[-1].startswith("We close this conversation")
    assert chat.endings == ["silent"]
    assert chat.thread.due is None


async def test_each_answer_gives_all_the_time_there_is_again() -> None:
    chat = Correspondent(SMALL_FLOW)
    await chat.begin()
    chat.wait(600)
    await chat.thread.tick()
    await chat.write("1")
    chat.wait(599)
    await chat.thread.tick()
    assert "noinput" not in chat.kinds()[-2:]


async def test_nobody_is_reminded_while_they_wait_for_a_person(chat: Correspondent) -> None:
    await chat.write("2")
    assert chat.thread.due is None


# --- SMS ------------------------------------------------------------------------------------------


async def test_stop_ends_the_thread_and_is_told_to_the_house(sms: Correspondent) -> None:
    assert await sms.write("Stop") == [
        "The Shop: you will get no more messages. Send START to get them again."
    ]
    assert (sms.consents, sms.endings) == ([False], ["stopped"])
    assert await sms.write("1") == []
    assert await sms.write("START") == ["The Shop: you get messages again. Send STOP to end them."]
    assert sms.consents == [False, True]


async def test_help_is_always_answered_and_the_question_stands(sms: Correspondent) -> None:
    (told,) = await sms.write("HELP")
    assert "Send STOP" in told
    assert await sms.write("1") == ["Your order?"]


async def test_stop_is_an_ordinary_word_in_a_chat(chat: Correspondent) -> None:
    await chat.write("stop")
    assert chat.consents == []
    assert not chat.thread.over


# --- what outlives a restart ----------------------------------------------------------------------


async def test_a_restart_is_not_noticed_by_the_other_side(chat: Correspondent) -> None:
    await chat.write("1")
    chat.restarted()
    assert await chat.write("1234") == ["It is sent.", "Goodbye."]


async def test_a_message_that_is_being_left_is_kept_after_a_restart(chat: Correspondent) -> None:
    await chat.write("4")
    chat.restarted()
    await chat.write("It came broken.")
    assert chat.kept == ["It came broken."]
    assert chat.endings == ["completed"]


async def test_a_wait_for_a_person_outlives_a_restart(chat: Correspondent) -> None:
    await chat.write("2")
    chat.restarted()
    await chat.write("Hello?")
    await chat.thread.left(QueueLeft("timeout"))
    assert chat.relayed == ["Hello?"]
    assert chat.endings == ["completed"]


async def test_a_secret_that_was_lost_is_asked_for_again_and_never_kept() -> None:
    flow = flow_of(SMALL.replace("ask: [account, pin]", "ask: [pin, account]"))
    chat = Correspondent(flow)
    await chat.begin()
    await chat.write("2", "4321")
    assert "4321" not in str(chat.thread.to_json())
    chat.restarted()
    assert await chat.write("1111") == ["Your PIN."]
    assert await chat.write("4321", "1111") == ["Your account.", "Hello Mei."]


@pytest.mark.parametrize("wakes", ["tick", "message"])
async def test_a_turn_that_was_interrupted_is_performed_again(
    chat: Correspondent, wakes: str
) -> None:
    await chat.write("1")
    asked = chat.sent.pop()
    chat.restarted(in_the_middle=True)
    assert chat.thread.due == chat.clock
    await (chat.thread.tick() if wakes == "tick" else chat.write("Hello?"))
    assert chat.sent[-1] == asked
    assert await chat.write("1234") == ["It is sent.", "Goodbye."]


async def test_a_thread_that_is_over_stays_over_after_a_restart(chat: Correspondent) -> None:
    await chat.write("1", "1234")
    chat.restarted()
    assert chat.thread.over
    assert await chat.write("1") == []


async def test_a_fault_of_ours_is_excused_and_ends_the_thread(chat: Correspondent) -> None:
    chat.broken = True
    with pytest.raises(RuntimeError):
        await chat.write("1", "1234")
    assert chat.sent[-1].startswith("Sorry, something went wrong")
    assert chat.endings == ["failed"]


async def test_a_long_text_goes_out_in_pieces() -> None:
    long = "This sentence is here to be long. " * 50
    flow = flow_of(f'flow: x\nstart: a\nsteps: {{a: {{hangup: "{long}"}}}}')
    chat, sms = Correspondent(flow, CHAT), Correspondent(flow, SMS)
    await chat.begin()
    await sms.begin()
    assert len(chat.sent) == 1
    assert len(sms.sent) == 2
    assert " ".join(sms.sent).split() == long.split()
