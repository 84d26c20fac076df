"""Random flows of every kind of step meet random results: they hold, end, and keep secrets."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.errors import ServiceFault
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
    LEVELS,
    Answer,
    AnyAction,
    AnyResult,
    Callback,
    CallbackKept,
    CheckCode,
    CodeMade,
    CodeSent,
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
from ivr.flow.running import interpreter, people, questions
from ivr.flow.running.interpreter import Facts, FlowStuck, State, again, resume, start
from tests.flow.building import (
    NOW,
)
from tests.flow.random_flows import some_flow

SECRET = "739164"

# --- results ---------------------------------------------------------------------------------

NOTHING_IN_IT: dict[str, Json] = {"a": []}
JSON: list[Json] = [
    None,
    7,
    "x",
    [[1]],
    NOTHING_IN_IT,
    {"a": [{"b": "good"}], "c": 12.5},
    {"a": "x", "c": "y"},
]


def some_result(dice: random.Random, action: AnyAction) -> AnyResult:
    """Anything that may come of an action."""
    if dice.random() < 0.08:
        return Failed("it broke")
    match action:
        case Say():
            return Said()
        case Ask():
            return _reply(dice, action)
        case Queue():
            return QueueLeft(dice.choice(OUTCOMES))
        case Transfer():
            return TransferLeft(dice.choice(TRANSFER_OUTCOMES))
        case Voicemail() | Record():
            return one(dice, Recorded("x.wav", 2.0), NotRecorded())
        case Identify() | Recognise() | CheckCode():
            facts = {"name": "Mei", "digits": dice.choice(["12", "..", 12, None])}
            ok, level = dice.random() < 0.5, dice.choice(LEVELS)
            locked = not ok and dice.random() < 0.2
            key, expired = dice.choice(["", "digits", "none"]), not ok and dice.random() < 0.3
            return Identified(ok, level, facts, locked, key, expired)
        case _:
            return _finding(dice, action)


def _reply(dice: random.Random, ask: Ask) -> AnyResult:
    if ask.secret and dice.random() < 0.7:
        secret = SECRET[: ask.length_max]
        return one(dice, Keys(secret), Written(secret))
    said = dice.choice(
        [
            *("1", "2", "red", "yes", "17:30", "2026-03-02", "x/y%2f", "", "0", "*", "7"),
            *("person", "back", "help", "repeat", "yesterday", "about 12.50, I think", "a"),
        ]
    )
    keyed = dice.choice(["1", "2", "9", "0", "*", "#", "7", "12", "20260302", "1730", "12*", ""])
    return one(dice, NoKeys(), Written(said), Keys(keyed), Keys(keyed))


def one(dice: random.Random, *results: AnyResult) -> AnyResult:
    """One of them."""
    return dice.choice(results)


def one_of(dice: random.Random, *values: float | None) -> float | None:
    return dice.choice(values)


def _finding(dice: random.Random, action: AnyAction) -> AnyResult:
    match action:
        case SendCode():
            return CodeSent("h1")
        case Http():
            return Answer(dice.choice([200, 204, 404, 500, 302]), dice.choice(JSON))
        case Lookup():
            return Row(dice.random() < 0.7, dice.choice([{}, {"a": "x", "b": "yes"}, {"a": None}]))
        case Sms() | SendLink():
            return Sent("m1")
        case Room():
            return RoomFound(dice.random() < 0.5, one_of(dice, None, 30.0, 900.0), (0, 3))
        case Invite():
            return CodeMade(SECRET)
        case TakeCode():
            ok, level = dice.random() < 0.5, dice.choice(LEVELS)
            known = Known({"a": "x", "b": "12.5"}, level, {"name": "Mei"}, ("people",), ("a",))
            return Joined(ok, known, "c1", locked=not ok and dice.random() < 0.2)
        case Callback():
            return CallbackKept("c1")
        case Slots(after=after):
            hours = sorted(dice.sample(range(1, 300), dice.choice([0, 1, action.limit])))
            found = [(after + timedelta(hours=each)).isoformat() for each in hours]
            return SlotList(
                tuple(Slot(f"s{each}", each) for each in [*found, "soon"][: len(found)])
            )
        case Reserve():
            return one(dice, Reserved("R1"), Reserved("r" * 99), SlotTaken())
        case _:
            raise AssertionError(action)


# --- what must hold --------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "MAX_QUESTIONS", 30)
    monkeypatch.setattr(people, "MAX_WAITS", 10)
    monkeypatch.setattr(interpreter, "MAX_IDLE_STEPS", 60)


LONGEST = (30 + 10 + 1) * 60
"""What those limits leave: so many idle steps around every question and every wait."""


def stored(state: State) -> State:
    return State.from_json(json.loads(json.dumps(state.to_json())))


def has_secrets(state: State) -> bool:
    return bool(state.secrets) or any(frame.secrets for frame in state.frames)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**48))
def test_whatever_comes_a_call_goes_on_and_ends(seed: int) -> None:
    dice = random.Random(seed)
    made = some_flow(dice)
    facts = Facts(dice.choice(["", "13800138000"]), "4000", dice.choice(["voice", "chat"]))
    now, switches = NOW, {"desk": Switch(open=dice.random() < 0.7)}
    turns = 0
    try:
        turn = start(made, facts, now, switches=switches)
        while not isinstance(turn.action, Hangup):
            turns += 1
            assert turns < LONGEST
            told = [json.dumps(turn.state.to_json()), repr(turn)]
            assert not [each for each in told if SECRET in each]
            now += timedelta(seconds=dice.randrange(60))
            if dice.random() < 0.05:
                with pytest.raises(ServiceFault):
                    resume(made, turn.state, wrong(turn.action), now, switches)
            result = some_result(dice, turn.action)
            following = resume(made, turn.state, result, now, switches)
            if not has_secrets(turn.state):
                assert resume(made, stored(turn.state), result, now, switches) == following
            turn = following
    except FlowStuck:
        return
    assert turn.state.phase == "over"


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**48))
def test_a_call_survives_restarts_everywhere(seed: int) -> None:
    dice = random.Random(seed)
    made = some_flow(dice)
    try:
        turn = start(made, Facts("13800138000", "4000"), NOW)
        while not isinstance(turn.action, Hangup):
            if dice.random() < 0.3:
                turn = again(made, stored(turn.state), NOW)
                assert turn.events[0].kind == "again"
                continue
            turn = resume(made, turn.state, some_result(dice, turn.action), NOW)
    except FlowStuck:
        return
    assert again(made, stored(turn.state), NOW).state.phase == "over"


def wrong(action: AnyAction) -> AnyResult:
    """A result that nobody asked for."""
    return Said() if not isinstance(action, Say) else CodeSent("h")
