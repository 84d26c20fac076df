"""Calls past the queues keep offers away; registrations are known; what was missed is mended."""

from __future__ import annotations

from acd.model import LoggedOut
from ivr.asterisk.living import LiveChannel
from tests.shell.house import House


def channel(name: str, leg: str = "", elsewhere: bool = False) -> LiveChannel:
    return LiveChannel(name, name, "", "Up", "", leg, "", "", 0, elsewhere)


async def dials(house: House, name: str = "PJSIP/1001-00000001") -> None:
    await house.ami.tell(Event="Newchannel", Channel=name, ChannelStateDesc="Ring")


async def hangs_up(house: House, name: str = "PJSIP/1001-00000001", **more: str) -> None:
    await house.ami.tell(Event="Hangup", Channel=name, Cause="16", **more)


async def test_an_agent_who_dials_gets_no_offer_until_they_have_hung_up(house: House) -> None:
    house.log_in("1001")
    await dials(house)
    await dials(house, "PJSIP/1001-00000002")
    assert house.agent("1001").outside
    caller = await house.waiting()
    await hangs_up(house)
    assert house.agent("1001").outside, "one of the two calls is still up"
    await hangs_up(house, "PJSIP/1001-00000002")
    assert not house.agent("1001").outside
    await caller.comes_to("EXEC Dial")


async def test_whoever_is_rung_past_the_queues_is_busy_too(house: House) -> None:
    house.log_in("1001")
    await house.ami.tell(Event="DialBegin", DestChannel="PJSIP/1001-0000000a")
    assert house.agent("1001").outside


async def test_our_own_legs_are_never_taken_for_calls_outside(house: House) -> None:
    await house.ami.tell(
        Event="Newchannel", Channel="PJSIP/1001-0000000a", ChannelStateDesc="Down", Exten="s"
    )
    caller = await house.talking()
    assert not house.agent("1001").outside
    await house.leg_goes(caller.offer)
    assert not house.agent("1001").outside
    await house.ami.tell(
        Event="DialBegin", DestChannel="PJSIP/1002-0000000b", DestChanVariable="TIELINE_OURS=yes"
    )
    assert not house.agent("1002").outside, "it rings for another node"


async def test_trunks_and_strangers_are_no_phones(house: House) -> None:
    for name in ("PJSIP/trunk-carrier-00000001", "PJSIP/anonymous-00000002", "Local/1001@x-1;1"):
        await dials(house, name)
    await dials(house, "PJSIP/7777-00000003")
    rows = house.service.distributor.engine.agents_view(house.clock())
    assert not any(row.outside for row in rows)


async def test_an_agent_who_calls_the_line_is_a_caller_and_busy(house: House) -> None:
    house.log_in("1001")
    await dials(house)
    await hangs_up(house, ChanVariable="TIELINE_CONTACT=c-1", Uniqueid="u-1")
    assert not house.agent("1001").outside


async def test_what_was_not_heard_is_seen_at_the_next_look(house: House) -> None:
    house.log_in("1001")
    house.log_in("1002")
    await dials(house)
    house.asterisk.legs["x"] = channel("PJSIP/1002-00000009")
    await house.ami.is_back()
    assert not house.agent("1001").outside, "its end was not heard"
    assert house.agent("1002").outside, "nor its beginning"
    del house.asterisk.legs["x"]
    house.asterisk.legs["y"] = channel("PJSIP/1001-0000000c", elsewhere=True)
    await house.ami.is_back()
    assert not house.agent("1001").outside
    assert not house.agent("1002").outside


async def test_a_call_outside_lasts_over_a_restart_and_a_log_out(house: House) -> None:
    house.log_in("1001")
    await dials(house)
    house.asterisk.legs["x"] = channel("PJSIP/1001-00000001")
    await house.restart()
    assert house.agent("1001").outside
    house.service.distributor.send(LoggedOut(house.clock(), "1001"))
    await hangs_up(house)
    assert not house.agent("1001").outside


async def test_a_phone_that_leaves_is_known_to_be_gone_and_back(house: House) -> None:
    house.ami.registered = {"1001", "1002"}
    await house.ami.is_back()
    phones = house.service.phones
    assert phones.is_there("1001")
    await house.ami.tell(Event="PeerStatus", Peer="PJSIP/1001", PeerStatus="Unreachable")
    assert not phones.is_there("1001")
    assert phones.is_there("1002")
    await house.ami.tell(Event="PeerStatus", Peer="PJSIP/1001", PeerStatus="Reachable")
    assert phones.is_there("1001")
