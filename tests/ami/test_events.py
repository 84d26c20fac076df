"""Recorded manager events of real calls, as facts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.asterisk.events import WANTED, Fact, Headers, LegCause, fact, unescape, variables
from ivr.asterisk.facts import (
    AttendedTransferred,
    BlindTransferred,
    ChannelEnded,
    ChannelGone,
    Held,
    LegAnswered,
    LegEnded,
    LegFailed,
    LegRinging,
    LegStarted,
    OutsideAnswered,
    OutsideFailed,
    OutsideStarted,
    OwnCall,
    PhoneGone,
    PhoneRegistered,
    Resumed,
)
from ivr.asterisk.fence import message_in

TRANSCRIPTS = Path(__file__).parent / "transcripts"


def recorded(name: str) -> list[Headers]:
    text = (TRANSCRIPTS / f"{name}.txt").read_text(encoding="utf-8")
    raw = (block.replace("\n", "\r\n").encode() for block in text.split("\n\n") if block)
    messages = [message_in(block) for block in raw]
    return [message for message in messages if message is not None]


def facts(name: str) -> list[Fact]:
    return [found for message in recorded(name) if (found := fact(message)) is not None]


def leg_facts(name: str) -> list[Fact]:
    return [
        found
        for found in facts(name)
        if not isinstance(found, ChannelGone | ChannelEnded | OwnCall)
    ]


def test_an_agent_answers_holds_and_hangs_up() -> None:
    leg, agent = "offer-1", "PJSIP/1001-00000001"
    assert facts("agent_hangs_up") == [
        LegStarted(leg, agent),
        LegRinging(leg, agent),
        LegAnswered(leg, agent),
        Held(agent, leg, ""),
        Resumed(agent, leg, ""),
        LegEnded(leg, agent, 16, answered=True),
        ChannelGone("PJSIP/100-00000000", "1795292494.0", "c-55", 16),
    ]


def test_a_caller_hangs_up_while_talking() -> None:
    ends = facts("caller_hangs_up")[-2:]
    assert ends == [
        ChannelGone("PJSIP/100-00000002", "1795292498.2", "c-55", 16),
        LegEnded("offer-1", "PJSIP/1001-00000003", 16, answered=True),
    ]


@pytest.mark.parametrize(
    ("recording", "first", "all_causes", "ended"),
    [
        ("no_answer", "no_answer", ["no_answer"], 0),
        ("caller_left", "caller_left", ["caller_left"], 16),
        ("declined_603", "rejected", ["rejected", "no_answer"], 21),
        ("declined_486", "rejected", ["rejected", "busy"], 17),
        ("unavailable_480", "no_answer", ["no_answer", "no_answer"], 19),
        ("failed_503", "unreachable", ["unreachable", "unreachable"], 34),
        ("unknown_404", "unreachable", ["unreachable", "no_answer"], 1),
    ],
)
def test_the_first_failure_of_a_leg_has_the_true_cause(
    recording: str, first: LegCause, all_causes: list[LegCause], ended: int
) -> None:
    found = facts(recording)
    causes = [item.cause for item in found if isinstance(item, LegFailed)]
    assert causes == all_causes
    assert causes[0] == first
    [end] = [item for item in found if isinstance(item, LegEnded)]
    assert (end.cause, end.answered) == (ended, False)
    assert not any(isinstance(item, LegAnswered) for item in found)


def test_a_blind_transfer_tells_who_went_where() -> None:
    assert leg_facts("blind_transfer")[-2:] == [
        BlindTransferred("c-55", "PJSIP/100-00000012", "offer-1", "wait", "phones"),
        LegEnded("offer-1", "PJSIP/1001-00000013", 16, answered=True),
    ]


def test_an_attended_transfer_tells_who_talks_to_whom() -> None:
    assert leg_facts("attended_transfer")[-2:] == [
        AttendedTransferred("c-55", "offer-1", "PJSIP/1002-00000017", ""),
        LegEnded("offer-1", "PJSIP/1001-00000015", 16, answered=True),
    ]


def test_a_consultation_call_is_no_leg_of_ours() -> None:
    answered = [item for item in facts("attended_transfer") if isinstance(item, LegAnswered)]
    assert answered == [LegAnswered("offer-1", "PJSIP/1001-00000015")]


def test_phones_come_and_go() -> None:
    assert facts("registered") == [
        PhoneRegistered("1001"),
        PhoneRegistered("100"),
        PhoneRegistered("1002"),
    ]
    assert facts("unregistered") == [PhoneGone("1001")]


LEG = {"Channel": "PJSIP/1-1", "ChanVariable": "TIELINE_LEG=o-1"}
DIAL = {"Event": "DialEnd", "DestChannel": "PJSIP/1-1", "DestChanVariable": "TIELINE_LEG=o-1"}
NEW = {"Event": "Newchannel", "Channel": "PJSIP/1-1"}
ELSEWHERE = {"Event": "DialBegin", "DestChanVariable": "TIELINE_OURS=yes"}
UNTAKEN = DIAL | {"DestChanVariable": ["TIELINE_LEG=o-1", "TIELINE_OURS=untaken"]}
BLIND = {"Event": "BlindTransfer", "TransfererChanVariable": "TIELINE_LEG=o-1"}
REQUEST = {"Event": "HangupRequest"} | LEG


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        (NEW | {"ChannelStateDesc": "Ring", "Exten": "1002"}, OwnCall("PJSIP/1-1")),
        (NEW | {"ChannelStateDesc": "Down", "Exten": "s"}, None),
        ({"Event": "DialBegin", "DestChannel": "PJSIP/1-1"}, OwnCall("PJSIP/1-1")),
        (ELSEWHERE, None),
        ({"Event": "PeerStatus", "Peer": "PJSIP/1", "PeerStatus": "Unknown"}, None),
        ({"Event": "PeerStatus", "Peer": "IAX2/1", "PeerStatus": "Reachable"}, None),
        ({"Event": "Newstate", "ChannelStateDesc": "Up"} | LEG, None),
        ({"Event": "Newstate", "ChannelStateDesc": "Ringing"}, None),
        (DIAL | {"DialStatus": "CHANUNAVAIL"}, LegFailed("o-1", "unreachable")),
        (DIAL | {"DialStatus": "CONGESTION"}, LegFailed("o-1", "unreachable")),
        (DIAL | {"DialStatus": "BUSY"}, LegFailed("o-1", "busy")),
        (UNTAKEN | {"DialStatus": "BUSY"}, LegFailed("o-1", "no_answer")),
        (DIAL | {"DialStatus": "CANCEL", "Forward": "1234"}, LegFailed("o-1", "rejected")),
        (DIAL | {"DialStatus": "CONTINUE"}, None),
        (REQUEST | {"ChannelStateDesc": "Down", "Cause": "17"}, LegFailed("o-1", "busy")),
        (REQUEST | {"ChannelStateDesc": "Down", "Cause": "19"}, LegFailed("o-1", "unreachable")),
        (REQUEST | {"ChannelStateDesc": "Down", "Cause": "21"}, LegFailed("o-1", "rejected")),
        (REQUEST | {"ChannelStateDesc": "Ringing", "Cause": "26"}, None),
        (REQUEST | {"ChannelStateDesc": "Ringing"}, None),
        (REQUEST | {"ChannelStateDesc": "Up", "Cause": "17"}, None),
        ({"Event": "Hangup", "Channel": "PJSIP/1-1", "Cause": "16"}, ChannelEnded("PJSIP/1-1")),
        ({"Event": "Hold", "Channel": "PJSIP/1-1"}, None),
        (BLIND | {"Result": "Fail"}, None),
        ({"Event": "AttendedTransfer", "Result": "Success"}, None),
        ({"Event": "VarSet"}, None),
        ({"Response": "Success"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_what_an_event_means(message: Headers, meaning: Fact | None) -> None:
    assert fact(message) == meaning


def test_a_channel_of_both_kinds_is_a_leg() -> None:
    both: Headers = {
        "Event": "Hangup",
        "Channel": "x",
        "ChanVariable": ["TIELINE_CONTACT=c", "TIELINE_LEG=o"],
    }
    assert fact(both) == LegEnded("o", "x", 0, answered=False)


def test_variables_are_read_with_their_escapes_undone() -> None:
    message: Headers = {"DestChanVariable": ['A=O\\\'Brien \\"x\\" \\\\ \\?', "B=", "C=1=2", "D"]}
    expected = {"A": 'O\'Brien "x" \\ ?', "B": "", "C": "1=2", "D": ""}
    assert variables(message, "Dest") == expected
    assert variables({"ChanVariable": "A=1"}) == {"A": "1"}
    assert variables({}) == {}
    assert unescape("a\\nb\\tc") == "a\nb\tc"


values = st.one_of(st.text(max_size=20), st.lists(st.text(max_size=20), min_size=1, max_size=3))
FILES = sorted(file.stem for file in TRANSCRIPTS.glob("*.txt"))
NAMES = sorted({name for file in FILES for message in recorded(file) for name in message})


@given(st.sampled_from(sorted(WANTED)), st.dictionaries(st.sampled_from(NAMES), values))
def test_no_event_makes_the_reader_raise(name: str, headers: dict[str, str | list[str]]) -> None:
    fact(headers | {"Event": name})


def test_a_number_outside_that_answers_is_told_by_the_callers_own_contact() -> None:
    answered: dict[str, str | list[str]] = {
        "Event": "DialEnd",
        "DialStatus": "ANSWER",
        "ChanVariable": ["TIELINE_CONTACT=abc-1", "TIELINE_LEG="],
        "DestChanVariable": ["TIELINE_CONTACT=abc-1", "TIELINE_LEG="],
    }
    assert fact(answered) == OutsideAnswered("abc-1")
    busy = {**answered, "DialStatus": "BUSY", "DestUniqueid": "far"}
    assert fact(busy) == OutsideFailed("abc-1", "far", "busy")
    assert fact({**answered, "ChanVariable": ["TIELINE_CONTACT="]}) is None


def test_a_call_that_begins_here_and_finds_nobody_is_told_by_its_own_id() -> None:
    """Busy first, by the dialling; the response alone tells when there is not even a channel."""
    far = {"DestUniqueid": "callback-a.1-2", "DestChanVariable": ["TIELINE_CONTACT=a"]}
    busy = fact({"Event": "DialEnd", "DialStatus": "BUSY", **far})
    assert busy == OutsideFailed("a", "callback-a.1-2", "busy")
    answer = {"Event": "OriginateResponse", "Response": "Failure", "Uniqueid": "callback-a.1-2"}
    assert fact({**answer, "Reason": "0"}) == OutsideFailed("", "callback-a.1-2", "unreachable")
    assert fact({**answer, "Reason": "3"}) == OutsideFailed("", "callback-a.1-2", "no_answer")
    agent = {**answer, "Uniqueid": "agent-a.1-2", "Reason": "0"}
    assert fact(agent) == OutsideFailed("", "agent-a.1-2", "unreachable")
    assert fact({**answer, "Response": "Success"}) is None
    assert fact({**answer, "Uniqueid": "1800000000.7"}) is None


def test_a_customer_who_is_dialled_from_an_agents_phone_is_known_by_their_channel() -> None:
    begins = {
        "Event": "DialBegin",
        "ChanVariable": ["TIELINE_CONTACT=abc-1", "TIELINE_LEG=abc-1.1-2"],
        "DestChannel": "PJSIP/trunk-7",
        "DestUniqueid": "1800000000.7",
        "DestChanVariable": ["TIELINE_CONTACT=abc-1", "TIELINE_LEG="],
    }
    assert fact(begins) == OutsideStarted("abc-1", "PJSIP/trunk-7", "1800000000.7")
