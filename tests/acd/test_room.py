"""Whether another channel has room: as it is at the moment of asking."""

from __future__ import annotations

from acd import model as m
from acd.engine import Engine
from acd.words import Channel

FLOOR = m.Floor(
    (m.Queue("sales", wrap_up_seconds=0, handle_seconds=120), m.Queue("care", wrap_up_seconds=0)),
    (
        m.Agent("1001", queues=("sales",), skills={"english": 5}, chats=1),
        m.Agent("1002", queues=("care",), chats=2),
    ),
)


def floor() -> Engine:
    engine = Engine()
    engine.handle(m.FloorLoaded(0.0, FLOOR))
    return engine


def free(engine: Engine, channel: Channel = Channel.CHAT, **needs: int) -> int:
    return engine.room(channel, "sales", needs, 10.0).free


def call(name: str, channel: Channel = Channel.VOICE) -> m.CallQueued:
    return m.CallQueued(1.0, name, name, "sales", {}, 0, 1.0, channel=channel)


def test_there_is_room_only_while_somebody_of_the_queue_is_there() -> None:
    engine = floor()
    assert free(engine) == free(engine, Channel.VOICE) == 0
    engine.handle(m.LoggedIn(1.0, "1002"))
    assert free(engine) == 0, "an agent of another queue"
    engine.handle(m.LoggedIn(1.0, "1001"))
    assert free(engine) == free(engine, Channel.VOICE) == 1
    assert free(engine, english=5) == 1
    assert free(engine, english=6) == 0
    engine.handle(m.QueueClosed(2.0, "sales"))
    assert free(engine) == 0
    assert engine.room(Channel.CHAT, "nowhere", {}, 3.0).free == 0


def test_nobody_without_a_screen_has_room_for_chats() -> None:
    engine = floor()
    engine.handle(m.LoggedIn(1.0, "1001"))
    engine.handle(m.ChatRoomSet(1.0, "1001", 0))
    assert free(engine) == 0
    assert free(engine, Channel.VOICE) == 1
    engine.handle(m.ChatRoomSet(2.0, "1001", None))
    assert free(engine) == 1


def test_an_agent_full_of_chats_or_in_a_call_has_no_room() -> None:
    engine = floor()
    engine.handle(m.LoggedIn(1.0, "1001"))
    engine.handle(call("a", Channel.CHAT))
    assert free(engine) == 0
    assert free(engine, Channel.VOICE) == 1, "a call may be theirs all the same"
    engine.handle(call("b"))
    assert free(engine, Channel.VOICE) == 0


def test_who_would_have_to_wait_hears_how_long_and_asking_changes_nothing() -> None:
    engine = floor()
    engine.handle(m.LoggedIn(1.0, "1001"))
    engine.handle(call("a"))
    before = engine.snapshot()
    found = engine.room(Channel.VOICE, "sales", {}, 10.0)
    assert found.free == 0
    assert found.wait is not None
    assert found.wait.seconds == 120.0
    assert engine.room(Channel.VOICE, "care", {}, 10.0).wait is None
    assert engine.snapshot() == before
