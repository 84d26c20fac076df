"""Words while one waits: in their time, true, once, cut short by whatever counts."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest

from acd.model import CallWithdrawn, Paused
from ivr.channels import meanwhile
from ivr.channels.services import sound_name
from ivr.flow.actions import Prompt
from ivr.speech.engine import SpeechFailed
from tests.e2e.house import until
from tests.shell.asterisk import HELD, Caller
from tests.shell.house import START, House

FLOOR = """
queues:
  sales: {title: Sales, ring: 10s, wrap_up: 10s, leave_when_empty: 1h, handle_time: 3m, promise: 5m}
  help: {title: Help, ring: 10s, wrap_up: 10s, leave_when_empty: 1h}
agents:
  "1001": {name: Ana, queues: [sales, help]}
  "1002": {name: Bo, queues: [help]}
  "1003": {name: Cy, queues: [sales]}
"""
FLOW = """
flow: line
numbers: ["4900"]
collects: {why: {type: choice, of: [tired, busy]}}
start: wait
steps:
  wait:
    queue: sales
    otherwise: bye
    waiting:
      say: ["Thank you for waiting.", "Still here?"]
      after: 10s
      every: 30s
      keys:
        "1": {label: a message, set: {why: tired}, next: message}
        "2": {label: another team, next: help}
  help: {queue: help, waiting: {keys: {"3": wait}, say: ["Press 3 to go back."]}, otherwise: bye}
  message: {voicemail: box, say: "Go.", next: bye, otherwise: wait}
  bye: {hangup: "Bye."}
"""


@pytest.fixture
async def line(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A line on which callers wait at once, and hear something meanwhile."""
    (house.flows / "floor.yaml").write_text(FLOOR)
    (house.flows / "line.yaml").write_text(FLOW)
    await house.service.reload()
    monkeypatch.setattr(meanwhile, "AT_ONCE", 5.0)
    return house


async def waiting(house: House, *, holding_words: bool = False) -> Caller:
    caller = house.asterisk.call("4900")
    if holding_words:
        caller.held = (*HELD, "STREAM FILE")
    await caller.enter()
    await caller.comes_to("WAIT FOR DIGIT")
    return caller


async def looks(house: House, caller: Caller, seconds: float) -> None:
    """Time passes and the channel looks by itself."""
    house.clock.now += seconds
    await caller.reply("200 result=0")


async def sound(house: House, *texts: str) -> str:
    """The file of these words."""
    prompts = [Prompt(text, "en") for text in texts]
    return sound_name(await house.service.book.path(prompts))


def plays(caller: Caller, since: int = 0) -> list[str]:
    """What the channel was played, as file and keys that end it."""
    lines = (each for each in caller.commands[since:] if each.startswith("STREAM FILE"))
    return [" ".join(shlex.split(each)[2:4]) for each in lines]


OFFERS = ("For a message, press 1.", "For another team, press 2.")
PROMISE = "We mean to answer every call within five minutes."


async def test_the_first_words_come_in_their_time_with_place_promise_and_keys(line: House) -> None:
    caller = await waiting(line)
    assert caller.at == "WAIT FOR DIGIT 5000"
    await looks(line, caller, 7)
    await caller.comes_to("WAIT FOR DIGIT 3000")
    await looks(line, caller, 3)
    await caller.comes_to("WAIT FOR DIGIT 5000")
    assert plays(caller) == [
        await sound(line, "You are next in line.") + " 12D",
        await sound(line, PROMISE, "Thank you for waiting.", *OFFERS) + " 12D",
    ]
    assert caller.commands[-2].startswith("SET MUSIC ON"), "no silence after the words"
    assert line.told(caller.contact, "wait_told") == [{"position": 1}]


async def test_words_come_in_turn_and_a_place_is_said_once(line: House) -> None:
    caller = await waiting(line)
    await looks(line, caller, 10)
    await caller.comes_to("WAIT FOR DIGIT 5000")
    before = len(caller.commands)
    await looks(line, caller, 60)
    await caller.comes_to("WAIT FOR DIGIT 5000")
    words = await sound(line, "Still here?", *OFFERS)
    assert plays(caller, before) == [words + " 12D"], "the place has not improved"
    assert len(line.told(caller.contact, "wait_told")) == 1


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ("position: false", {"low": 18, "high": 329}),
        ("estimate: false", {"position": 1}),
    ],
)
async def test_only_what_is_said_counts_as_said(
    line: House, wish: str, told: dict[str, int]
) -> None:
    flow = (line.flows / "line.yaml").read_text()
    (line.flows / "line.yaml").write_text(flow.replace("after: 10s", f"after: 10s\n      {wish}"))
    await line.service.reload()
    line.log_in("1001")
    line.service.distributor.send(Paused(line.clock(), "1001", "break"))
    line.log_in("1003")
    busy = await line.call()
    await busy.comes_to("EXEC Dial")
    caller = await waiting(line)
    await looks(line, caller, 10)
    await caller.comes_to("WAIT FOR DIGIT 5000")
    assert line.told(caller.contact, "wait_told") == [told]


async def test_an_offer_cuts_the_words_short_and_the_phone_rings(line: House) -> None:
    caller = await waiting(line, holding_words=True)
    await looks(line, caller, 10)
    await caller.comes_to("STREAM FILE")
    line.log_in("1001")
    await caller.comes_to("EXEC Dial")
    assert line.told(caller.contact, "wait_told") == [], "it was not heard to its end"


async def test_a_key_during_the_words_leads_out_of_the_queue_and_is_no_abandon(
    line: House,
) -> None:
    caller = await waiting(line, holding_words=True)
    await looks(line, caller, 10)
    await caller.comes_to("STREAM FILE")
    await caller.reply("200 result=49")
    caller.held = HELD
    await until(lambda: line.told(caller.contact, "queue_left"))
    assert line.told(caller.contact, "queue_left") == [{"outcome": "key", "detail": "1"}]
    assert line.live(caller).position["fields"] == {"why": "tired"}
    row = next(r for r in line.service.distributor.engine.queues_view(START) if r.queue == "sales")
    assert (row.keyed, row.abandoned) == (1, 0)
    assert line.calls() == []


async def test_a_key_works_under_the_music_and_the_place_is_kept_for_who_comes_back(
    line: House,
) -> None:
    caller = await waiting(line)
    line.clock.now += 40
    await caller.reply("200 result=50")
    row = await line.row(queue="help")
    assert row.enqueued_at == START + 40, "another queue is another place"
    await caller.comes_to("WAIT FOR DIGIT")
    line.clock.now += 20
    await caller.reply("200 result=51")
    row = await line.row(queue="sales")
    assert row.enqueued_at == START


async def test_a_key_that_leads_nowhere_changes_nothing_and_stops_no_words(line: House) -> None:
    caller = await waiting(line)
    await caller.reply("200 result=55")
    await caller.comes_to("WAIT FOR DIGIT")
    assert len(line.calls()) == 1
    assert line.told(caller.contact, "queue_left") == []


async def test_an_agent_who_was_quicker_than_the_key_rings(line: House) -> None:
    caller = await waiting(line)
    key = caller.reply("200 result=49")
    line.log_in("1001")
    await key
    await caller.comes_to("EXEC Dial")
    assert line.told(caller.contact, "queue_left") == []


def speech_fails(house: House, caller: Caller) -> None:
    house.voice.fails = SpeechFailed("no voice")
    house.service.book._cache.get = lambda _: None  # type: ignore[method-assign] # nothing is kept


def asterisk_refuses(house: House, caller: Caller) -> None:
    caller.answers["STREAM FILE"] = "520 Invalid command syntax."


@pytest.mark.parametrize("breaks", [speech_fails, asterisk_refuses])
async def test_words_that_cannot_be_said_cost_nobody_the_place(
    line: House, breaks: Callable[[House, Caller], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await waiting(line)
    breaks(line, caller)
    await looks(line, caller, 10)
    await until(lambda: len([c for c in caller.commands if c.startswith("SET MUSIC ON")]) > 1)
    await caller.comes_to("WAIT FOR DIGIT 5000")
    assert [row.enqueued_at for row in line.calls()] == [START]
    line.log_in("1001")
    await caller.comes_to("EXEC Dial")


async def test_a_wait_by_keys_outlives_a_restart(line: House) -> None:
    caller = await waiting(line)
    await line.restart(caller)
    await caller.comes_to("WAIT FOR DIGIT")
    await caller.reply("200 result=49")
    await caller.comes_to("RECORD FILE")
    assert line.told(caller.contact, "queue_left") == [{"outcome": "key", "detail": "1"}]


async def test_a_caller_withdrawn_during_the_words_hears_what_follows(line: House) -> None:
    caller = await waiting(line, holding_words=True)
    await looks(line, caller, 10)
    await caller.comes_to("STREAM FILE")
    caller.held = HELD
    call = line.calls()[0].call
    line.service.distributor.send(CallWithdrawn(line.clock(), call, "console"))
    await caller.closed()
    assert line.told(caller.contact, "queue_left")[0]["outcome"] == "failed"


async def test_another_channel_is_offered_only_while_it_has_room_as_it_is_said(line: House) -> None:
    flow, room = (line.flows / "line.yaml").read_text(), "another team, room: {chat: help}"
    (line.flows / "line.yaml").write_text(flow.replace("another team", room))
    await line.service.reload()
    caller, people = await waiting(line), line.service.threads.people
    advice = await sound(line, OFFERS[1])

    async def hears(seconds: float) -> list[str]:
        before = len(caller.commands)
        await looks(line, caller, seconds)
        await caller.comes_to("WAIT FOR DIGIT 5000")
        return [each.removeprefix(f"{advice} ") for each in plays(caller, before)]

    assert len(await hears(10)) == 2, "place and promise: nobody is there for a chat"
    line.log_in("1002")
    [words] = await hears(60)
    assert words.endswith(" 1D"), "an agent without a desk has no room for chats"
    people.set_room("1002", None)
    assert [each.rpartition(" ")[2] for each in await hears(60)] == ["1D", "12D"]
    line.service.distributor.send(Paused(line.clock(), "1002", "break"))
    [words] = await hears(60)
    assert words.endswith(" 12D"), "what was told still counts"
    assert line.told(caller.contact, "advised") == [{"channel": "chat", "queue": "help"}]
    await caller.reply("200 result=50")
    await until(lambda: line.told(caller.contact, "queue_left"))
    assert line.told(caller.contact, "queue_left") == [{"outcome": "key", "detail": "2"}]
