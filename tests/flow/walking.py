"""Random callers: whoever rings, whatever they key, and whatever the house answers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ivr.flow.actions import (
    OUTCOMES,
    TRANSFER_OUTCOMES,
    Ask,
    Failed,
    Hangup,
    Keys,
    NoKeys,
    NotRecorded,
    Queue,
    QueueLeft,
    Record,
    Recorded,
    Said,
    Say,
    Transfer,
    TransferLeft,
    Voicemail,
    Written,
)
from ivr.flow.calendar import Switch
from ivr.flow.errands import (
    Answer,
    AnyAction,
    AnyResult,
    Callback,
    CallbackKept,
    CheckCode,
    CodeMade,
    CodeSent,
    Errand,
    Findings,
    Http,
    Identified,
    Identify,
    Invite,
    Joined,
    Json,
    Known,
    Lookup,
    Recognise,
    Reserve,
    Reserved,
    Room,
    RoomFound,
    Row,
    SendCode,
    SendLink,
    Sent,
    Slot,
    SlotList,
    Slots,
    SlotTaken,
    Sms,
    TakeCode,
)
from ivr.flow.model import Flow, HttpStep, LookupStep
from ivr.flow.running.interpreter import Facts, State, again, resume, start

YEAR = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST = 1000
"""Actions after which a caller has been asked for ever."""
STATUSES = (200, 200, 200, 201, 204, 400, 404, 409, 500, 503)
WORDS = (
    *("yes", "no", "tomorrow", "1", "2", "3", "0", "help", "12345678", "Mei Lin", "你好", "?"),
    *("person", "back", "repeat", "yesterday", "about 3000 yuan", "order 1001", "中文", "the"),
)
MONEY = ("12.50", "0", "999999999")


def walk(flow: Flow, dice: random.Random) -> Iterator[AnyAction]:
    """One random conversation to its end: its actions, at most LONGEST."""
    now = YEAR + timedelta(minutes=dice.randrange(365 * 1440))
    channel = "voice" if dice.random() < 0.8 else "chat"
    facts = Facts(dice.choice(("", "13800138000")), flow.numbers[0], channel)
    language = dice.choice([each.code for each in flow.languages])
    switches = {
        each.name: Switch(dice.random() < 0.5)
        for each in flow.calendars.values()
        if dice.random() < 0.1
    }
    taken = _taken(flow)
    turn = start(flow, facts, now, language, switches)
    yield turn.action
    for _ in range(LONGEST):
        if isinstance(turn.action, Hangup):
            return
        if dice.random() < 0.01:
            turn = again(flow, State.from_json(turn.state.to_json()), now, switches)
        else:
            result = _result(turn.action, dice, taken, channel == "voice")
            turn = resume(flow, turn.state, result, now, switches)
        yield turn.action


def _result(action: AnyAction, dice: random.Random, taken: list[str], keyed: bool) -> AnyResult:
    if dice.random() < 0.02:
        return Failed("it broke")
    match action:
        case Say():
            return Said()
        case Ask():
            return _reply(action, dice) if keyed else _words(action, dice)
        case Queue():
            return QueueLeft(dice.choice(OUTCOMES))
        case Transfer():
            return TransferLeft(dice.choice(TRANSFER_OUTCOMES))
        case Voicemail() | Record():
            return Recorded("x.wav", 5.0) if dice.random() < 0.5 else NotRecorded()
        case Hangup():
            raise AssertionError(action)
        case _:
            return _findings(action, dice, taken)


def _findings(errand: Errand, dice: random.Random, taken: list[str]) -> Findings:
    chance = dice.random()
    match errand:
        case Identify() | CheckCode() | Recognise():
            facts = {"name": "Mei", "tier": "gold"}
            expired = isinstance(errand, CheckCode) and 0.5 < chance < 0.7
            return Identified(chance < 0.5, "verified", facts, chance > 0.9, "account", expired)
        case SendCode():
            return CodeSent("x")
        case Http():
            return Answer(dice.choice(STATUSES), _body(dice, taken))
        case Lookup():
            return Row(chance < 0.6, {name: dice.choice(WORDS) for name in taken})
        case Sms() | SendLink():
            return Sent()
        case Room():
            return RoomFound(chance < 0.5, 90.0, (1, 3))
        case Invite():
            return CodeMade("123456")
        case TakeCode():
            known = Known({name: dice.choice(WORDS) for name in taken}, "verified")
            return Joined(chance < 0.5, known, locked=chance > 0.9)
        case Callback():
            return CallbackKept("x")
        case Slots():
            starts = [errand.after + timedelta(hours=each + 1) for each in range(dice.randrange(5))]
            return SlotList(tuple(Slot(str(each), each.isoformat()) for each in starts))
        case Reserve():
            return Reserved("R-1") if chance < 0.6 else SlotTaken()


def _reply(ask: Ask, dice: random.Random) -> Keys | NoKeys:
    if dice.random() < 0.25:
        return NoKeys()
    length = dice.choice((1, ask.length_min, ask.length_max, ask.length_max))
    return Keys("".join(dice.choices("0123456789*", k=length)))


def _words(ask: Ask, dice: random.Random) -> Written | NoKeys:
    if dice.random() < 0.1:
        return NoKeys()
    offered = [each.label or each.key for each in ask.choices]
    return Written(dice.choice((*WORDS, *offered, *offered)))


def _body(dice: random.Random, taken: list[str]) -> Json:
    """What the flow takes out of answers is often there, and sometimes of the wrong kind."""
    body: dict[str, Json] = {}
    for path in taken:
        if dice.random() < 0.9:
            *outer, last = path.split(".")
            at = body
            for part in outer:
                inner = at.setdefault(part, {})
                at = inner if isinstance(inner, dict) else {}
            at[last] = dice.choice((*WORDS[:4], *MONEY, "2026-03-02", 3, True, None))
    return body


def _taken(flow: Flow) -> list[str]:
    flows = [flow, *flow.subflows.values()]
    steps = [step for each in flows for step in each.steps.values()]
    return sorted(
        {
            path
            for step in steps
            if isinstance(step, HttpStep | LookupStep)
            for path in step.take.values()
        }
    )
