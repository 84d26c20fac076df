"""Conversations in letters: kept once, over restarts, and with the agent who has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd import model as m
from ivr.flow.actions import MASK
from ivr.threads.people import NotYours
from ivr.threads.threads import BadMessage
from tests.threads.house import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    await house.open()
    yield house
    await house.close()


async def test_a_visitor_is_greeted_by_the_flow_and_answered(house: House) -> None:
    thread = house.visitor()
    await house.threads.settled(thread)
    assert "How can we help?" in house.sent[0][2]
    await house.write(thread, "1")
    assert (thread.phase, thread.queue) == ("waiting", "sales")
    assert house.kinds(thread)[0] == "began"
    assert "queued" in house.kinds(thread)


async def test_a_message_sent_twice_is_one_message(house: House) -> None:
    thread = await house.waiting()
    first, new = house.threads.incoming(thread, "a", "Hello?")
    again, newer = house.threads.incoming(thread, "a", "Hello?")
    assert (first, new, newer) == (again, True, False)
    assert [text for by, text in house.said(thread) if by == "customer"] == ["1", "Hello?"]


async def test_everything_is_there_once_after_the_service_was_killed(house: House) -> None:
    house.log_in("1001")
    thread = await house.talking()
    house.threads.incoming(thread, "q", "Where is my book?")
    await house.threads.agent_says("1001", thread.id, "r", "On its way.")
    before = house.said(thread)
    await house.restart()
    kept = house.threads.book.get(thread.id)
    assert kept is not None
    assert house.said(kept) == before
    assert (kept.phase, kept.agent) == ("talking", "1001")
    house.threads.incoming(kept, "q", "Where is my book?")
    await house.threads.agent_says("1001", thread.id, "r", "On its way.")
    assert house.said(kept) == before


async def test_a_message_that_the_flow_had_not_heard_is_heard_after_the_restart(
    house: House,
) -> None:
    thread = house.visitor()
    await house.threads.settled(thread)
    house.threads.incoming(thread, "a", "1")
    await house.restart()
    kept = house.threads.book.get(thread.id)
    assert kept is not None
    await house.threads.settled(kept)
    assert kept.phase == "waiting"
    assert not kept.unheard


async def test_a_secret_is_heard_by_the_flow_and_kept_nowhere(house: House) -> None:
    thread = house.visitor()
    await house.write(thread, "2")
    await house.write(thread, "4821")
    assert ("customer", MASK) in house.said(thread)
    assert thread.phase == "waiting"
    everything = b"".join(file.read_bytes() for file in house.folder.rglob("journal*"))
    assert b"4821" not in everything
    assert "4821" not in str(house.story)


async def test_a_chat_waits_for_a_screen_and_is_offered_there(house: House) -> None:
    house.threads.people.set_room("1001", 0)
    house.log_in("1001")
    thread = await house.waiting()
    assert not house.shown
    house.threads.people.set_room("1001", None)
    agent, kind, told = house.shown[-1]
    assert (agent, kind, told["contact"]) == ("1001", "chat_offered", thread.id)


async def test_agent_and_visitor_read_each_other(house: House) -> None:
    house.log_in("1001")
    thread = await house.talking()
    house.threads.incoming(thread, "q", "Hello?")
    assert house.shown[-1][1:] == ("chat_message", house.shown[-1][2])
    assert house.shown[-1][2]["text"] == "Hello?"
    await house.threads.agent_says("1001", thread.id, "r", "Good morning.")
    assert house.sent[-1][2] == "Good morning."
    house.threads.marked(thread, thread.seq, "read")
    assert house.threads.book.messages(thread.id)[-1].way == "read"
    assert house.shown[-1][1] == "chat_way"


async def test_only_the_agent_who_has_it_writes_in_a_conversation(house: House) -> None:
    house.log_in("1001")
    house.log_in("1002")
    thread = await house.talking()
    with pytest.raises(NotYours):
        await house.threads.agent_says("1002", thread.id, "x", "Me too.")
    with pytest.raises(NotYours):
        house.threads.people.accept("1002", "1")


async def test_an_offer_nobody_answers_in_time_is_the_next_agents(house: House) -> None:
    house.log_in("1001")
    thread = await house.waiting()
    house.time += 21
    house.threads.people.tick()
    assert house.shown[-1][1] == "chat_offer_ended"
    assert thread.phase == "waiting"
    assert house.kinds(thread)[-1] == "offer_failed"


async def test_an_agent_who_is_done_lets_the_flow_go_on(house: House) -> None:
    house.log_in("1001")
    thread = await house.talking()
    house.threads.people.leave("1001", thread.id)
    await house.threads.settled(thread)
    assert house.sent[-1][2].endswith("Goodbye.")
    assert thread.over
    assert house.kinds(thread)[-1] == "ended"
    assert not house.distributor.engine.calls_view(house.time)


async def test_a_conversation_moved_on_is_the_next_agents_and_one_contact(house: House) -> None:
    house.log_in("1001")
    house.log_in("1002")
    thread = await house.talking()
    house.threads.people.move_on("1001", thread.id, "care", to="1002")
    house.threads.people.accept("1002", house.offer_to("1002"))
    assert (thread.agent, thread.agents) == ("1002", ["1001", "1002"])
    with pytest.raises(NotYours):
        house.threads.people.talking("1001", thread.id)


async def test_a_move_to_nowhere_leaves_the_conversation_where_it_is(house: House) -> None:
    house.log_in("1001")
    thread = await house.talking()
    with pytest.raises(Exception, match="nowhere"):
        house.threads.people.move_on("1001", thread.id, "nowhere")
    assert house.threads.people.talking("1001", thread.id) is thread


async def test_a_visitor_who_leaves_frees_the_agent(house: House) -> None:
    house.log_in("1001")
    thread = await house.talking()
    house.threads.end(thread)
    assert not house.distributor.engine.calls_view(house.time)
    with pytest.raises(BadMessage):
        house.threads.incoming(thread, "x", "Still there?")


async def test_a_call_comes_before_chats_and_a_parked_chat_goes_on_after_it(house: House) -> None:
    held = m.Floor(house.distributor.engine.floor.queues, house.distributor.engine.floor.agents)
    held = m.Floor(held.queues, held.agents, held_chats=m.HeldChats.PARK)
    house.distributor.send(m.FloorLoaded(house.time, held))
    house.log_in("1001")
    thread = await house.talking()
    house.distributor.send(m.CallQueued(house.time, "k.1", "k", "sales", {}, 0, house.time))
    offer = next(
        row.offer for row in house.distributor.engine.calls_view(house.time) if row.call == "k.1"
    )
    assert offer is not None
    house.distributor.send(m.OfferAnswered(house.time, offer))
    assert thread.parked
    house.distributor.send(m.AgentReleased(house.time, offer))
    assert not thread.parked


@pytest.mark.parametrize("text", ["", "   ", "x" * 5000])
async def test_what_is_no_message_is_refused_with_the_reason(house: House, text: str) -> None:
    thread = house.visitor()
    with pytest.raises(BadMessage, match="a message has"):
        house.threads.incoming(thread, "a", text)


async def test_half_a_character_and_controls_are_left_out(house: House) -> None:
    thread = await house.waiting()
    message, _ = house.threads.incoming(thread, "a", "ab\ud83d\x00\x1bc\u3000d")
    assert message.text == "abc\u3000d"


async def test_threads_that_are_over_for_long_are_forgotten(house: House) -> None:
    thread = house.visitor()
    await house.write(thread, "9", "9", "9", "9")
    house.threads.end(thread)
    house.time += 90_000
    house.threads.book.forget_old()
    assert house.threads.book.get(thread.id) is None
    assert not house.journal.kept("thread")
    assert not house.journal.kept(f"said/{thread.id}")


# --- ways out of a wait --------------------------------------------------------------------------


async def test_a_word_for_a_key_leaves_the_wait_and_who_comes_back_keeps_the_place(
    house: House,
) -> None:
    thread = await house.waiting("v2")
    began = house.time
    assert house.sent[-1][2] == "1 leave a message"
    house.time += 30
    await house.write(thread, "Leave a message")
    assert (thread.phase, thread.queue) == ("flow", "sales")
    row = next(
        each for each in house.distributor.engine.queues_view(house.time) if each.queue == "sales"
    )
    assert (row.keyed, row.abandoned) == (1, 0)
    await house.write(thread, "1")
    (call,) = house.distributor.engine.calls_view(house.time)
    assert call.enqueued_at == began


async def test_with_an_agent_there_the_words_are_for_the_agent(house: House) -> None:
    house.log_in("1001")
    thread = await house.talking()
    await house.write(thread, "1")
    assert thread.phase == "talking"


async def test_a_conversation_that_is_forgotten_is_gone_and_one_that_lives_stays(
    house: House,
) -> None:
    over, open_ = house.visitor("v1"), house.visitor("v2")
    for thread in (over, open_):
        await house.write(thread, "My name is Mei.")
    house.threads.end(over)
    house.threads.book.forget([over.id, open_.id, "nobody's"])
    assert house.threads.book.get(over.id) is None
    assert house.threads.book.get(open_.id) is open_
    await house.restart()
    assert house.threads.book.get(over.id) is None
    again = house.threads.book.get(open_.id)
    assert again is not None
    assert ("customer", "My name is Mei.") in house.said(again)
    assert house.journal.kept(f"said/{over.id}") == {}
