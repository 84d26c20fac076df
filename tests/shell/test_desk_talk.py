"""What the desk does with a talk: hold, ask a colleague, join three, and what becomes of whom."""

from __future__ import annotations

import pytest

from ivr.agi.fake import FakeCall, environment
from ivr.desk_talk import NotNow, TalkNow
from ivr.errors import AsteriskRefused
from ivr.open_offers import OpenOffer
from tests.e2e.house import until
from tests.shell.asterisk import Caller
from tests.shell.house import House
from tests.shell.test_asking import until_dial


class Desk:
    """The desk of one agent, for the call they have."""

    def __init__(self, house: House, offer: str) -> None:
        self.house, self.id = house, offer
        self.talks = house.service.web.house.talks

    @property
    def offer(self) -> OpenOffer:
        found = self.house.service.legs.find(self.id)
        assert found is not None
        return found

    @property
    def now(self) -> TalkNow:
        return self.talks.now(self.offer)

    @property
    def state(self) -> str:
        return self.now.state


async def holding(house: House) -> tuple[Caller, Desk]:
    """1001 has a caller on hold."""
    caller = await house.talking()
    desk = Desk(house, caller.offer)
    await desk.talks.hold(desk.offer)
    await caller.dial_ends("ANSWER")
    await caller.hears_music()
    return caller, desk


async def asking(house: House) -> tuple[Caller, Desk, FakeCall, str]:
    """1001 asks 1002, whose phone rings: caller, desk, the asking leg, the offer that rings."""
    house.log_in("1002")
    caller = await house.talking()
    desk = Desk(house, caller.offer)
    await desk.talks.ask(desk.offer, "1002")
    await caller.dial_ends("ANSWER")
    await caller.hears_music()
    opening = environment(desk.id, "1002", network_script="agent/ask")
    leg = await FakeCall.dial("127.0.0.1", house.service.agi.port, opening)
    assert "b(leg-asked^s^1)" in await until_dial(leg)
    offer = house.agent("1002").offer or ""
    await house.leg_rings(offer, "1002")
    return caller, desk, leg, offer


async def asked(house: House) -> tuple[Caller, Desk, FakeCall, str]:
    """And 1002 has answered."""
    caller, desk, leg, offer = await asking(house)
    await house.leg_answers(offer)
    return caller, desk, leg, offer


async def both(house: House) -> tuple[Caller, Desk, Desk]:
    """1001, 1002 and the caller talk with one another."""
    caller, desk, leg, offer = await asked(house)
    await desk.talks.conference(desk.offer)
    await leg.hang_up()
    assert f"{caller.contact},tieline" in await caller.comes_to("EXEC ConfBridge")
    return caller, desk, Desk(house, offer)


def channel(agent: str, desk: Desk) -> str:
    return f"PJSIP/{agent}-{desk.id}"


# --- hold ---------------------------------------------------------------------------------------


async def test_a_held_caller_hears_music_and_the_agent_is_still_theirs(house: House) -> None:
    caller, desk = await holding(house)
    assert house.ami.sent == [(channel("1001", desk), "desk-held", "s")]
    assert (desk.state, house.state("1001")) == ("held", "talking")
    assert house.live(caller).phase == "talking"
    assert house.told(caller.contact, "held") == [{"agent": "1001"}]
    assert house.told(caller.contact, "agent_left") == []


async def test_a_caller_who_is_taken_back_is_joined_with_the_same_leg(house: House) -> None:
    caller, desk = await holding(house)
    await desk.talks.take_back(desk.offer)
    line = await caller.comes_to("EXEC Bridge")
    assert channel("1001", desk) in line
    assert "SET MUSIC OFF" in caller.commands
    assert desk.state == "talking"
    await desk.talks.hold(desk.offer)
    await caller.joined()
    await caller.hears_music()
    assert desk.state == "held"


async def test_an_agent_who_leaves_does_not_strand_the_held_caller(house: House) -> None:
    caller, desk = await holding(house)
    await house.leg_goes(desk.id)
    await caller.comes_to("GET DATA")
    assert (house.state("1001"), house.live(caller).held) == ("wrap_up", "")
    assert house.told(caller.contact, "agent_left")[0]["agent"] == "1001"


async def test_a_held_caller_who_hangs_up_ends_it_for_all(house: House) -> None:
    caller, desk = await holding(house)
    await house.caller_goes(caller)
    await until(lambda: house.ami.hung_up == [channel("1001", desk)], why="the leg is hung up")
    assert house.ending(caller.contact)[0] == "answered"
    assert house.state("1001") == "wrap_up"


async def test_what_asterisk_refuses_changes_nothing(house: House) -> None:
    caller = await house.talking()
    desk = Desk(house, caller.offer)
    house.ami.sends = False
    with pytest.raises(AsteriskRefused):
        await desk.talks.hold(desk.offer)
    assert desk.state == "talking"
    await caller.dial_ends("ANSWER")
    await caller.comes_to("GET DATA")


async def test_who_are_not_joined_yet_are_not_taken_apart(house: House) -> None:
    caller = await house.talking()
    desk = Desk(house, caller.offer)
    house.ami.joined = False
    with pytest.raises(NotNow, match="not joined yet"):
        await desk.talks.hold(desk.offer)
    assert (desk.state, house.ami.sent) == ("talking", [])


async def test_a_held_caller_is_passed_on_without_being_taken_back(house: House) -> None:
    caller, desk = await holding(house)
    await desk.talks.transfer(desk.offer, "4102")
    assert (caller.channel, "transferred", "4102") in house.ami.sent
    assert house.ami.hung_up == [channel("1001", desk)]
    await caller.leaves()
    await house.leg_goes(desk.id)
    await caller.enter("4102")
    await caller.comes_to("WAIT FOR DIGIT")
    assert [row.queue for row in house.calls()] == ["help"]
    assert house.live(caller).held == ""
    assert house.told(caller.contact, "transferred") == [{"by": "1001", "to": "4102"}]


async def test_a_service_that_was_killed_goes_on_holding(house: House) -> None:
    caller, desk = await holding(house)
    await house.restart(caller)
    await caller.hears_music()
    desk = Desk(house, desk.id)
    assert desk.state == "held"
    await desk.talks.take_back(desk.offer)
    assert channel("1001", desk) in await caller.comes_to("EXEC Bridge")


async def test_an_agent_who_left_while_the_service_was_down_strands_nobody(house: House) -> None:
    caller, desk = await holding(house)
    await house.kill()
    del house.asterisk.legs[desk.id]
    await house.open()
    await caller.enter()
    await caller.comes_to("GET DATA")
    assert house.state("1001") == "wrap_up"


async def test_a_leg_that_cannot_be_reached_any_more_is_given_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivr.channels.talk.AGAIN", 0.001)
    caller, desk = await holding(house)
    await desk.talks.take_back(desk.offer)
    for _ in range(10):
        await caller.joined(result="")
    await caller.comes_to("GET DATA")
    assert house.state("1001") == "wrap_up"


# --- a colleague is asked -----------------------------------------------------------------------


async def test_the_caller_hears_music_while_a_colleague_is_asked(house: House) -> None:
    _caller, desk, leg, offer = await asking(house)
    assert house.ami.sent == [(channel("1001", desk), "desk-ask", "1002")]
    assert (desk.now.state, desk.now.colleague, desk.now.name) == ("asking", "1002", "Bo")
    await house.leg_answers(offer)
    assert (house.state("1001"), house.state("1002")) == ("talking", "talking")
    assert desk.state == "asked"
    other = Desk(house, offer)
    assert (other.now.state, other.now.colleague) == ("advising", "1001")
    with pytest.raises(NotNow, match="Ana"):
        await other.talks.hold(other.offer)
    await leg.close()


async def test_a_colleague_who_does_not_answer_gives_the_caller_back(house: House) -> None:
    caller, desk, leg, offer = await asking(house)
    await house.leg_fails(offer, "NOANSWER")
    await leg.say("200 result=0")
    await leg.play({"GET VARIABLE": "200 result=1 (NOANSWER)"})
    assert channel("1001", desk) in await caller.comes_to("EXEC Bridge")
    assert (house.state("1001"), house.state("1002")) == ("talking", "ready")
    assert [each["cause"] for each in house.told(caller.contact, "ask_failed")] == ["no_answer"]
    await leg.close()


async def test_a_colleague_who_was_asked_and_leaves_gives_the_caller_back(house: House) -> None:
    caller, desk, leg, offer = await asked(house)
    await house.leg_goes(offer)
    await leg.say("200 result=0")
    await leg.play({"GET VARIABLE": "200 result=1 (ANSWER)"})
    await caller.comes_to("EXEC Bridge")
    assert (desk.state, house.state("1002")) == ("talking", "wrap_up")
    await leg.close()


@pytest.mark.parametrize("answered", [False, True])
async def test_the_agent_takes_the_caller_back_and_lets_the_colleague_go(
    house: House, answered: bool
) -> None:
    caller, desk, leg, offer = await (asked(house) if answered else asking(house))
    await desk.talks.take_back(desk.offer)
    assert house.ami.sent[-1] == (channel("1001", desk), "desk-held", "s")
    assert f"PJSIP/1002-{offer}" in house.ami.hung_up
    await leg.hang_up()
    await caller.comes_to("EXEC Bridge")
    assert house.state("1002") == ("wrap_up" if answered else "ready")
    assert [row.contact for row in house.calls()] == [caller.contact]


async def test_the_caller_is_left_with_the_colleague(house: House) -> None:
    caller, desk, leg, offer = await asked(house)
    await desk.talks.complete(desk.offer)
    assert house.ami.sent[-1] == (f"PJSIP/1002-{offer}", "desk-held", "s")
    assert f"PJSIP/1002-{offer}" in await caller.comes_to("EXEC Bridge")
    await leg.hang_up()
    await house.leg_goes(desk.id)
    assert (house.state("1001"), house.state("1002")) == ("wrap_up", "talking")
    assert house.live(caller).agent == "1002"
    told = house.told(caller.contact, "transferred")
    assert [(each["by"], each["to"], each["how"]) for each in told] == [
        ("1001", "1002", "attended")
    ]
    other = Desk(house, offer)
    assert other.state == "talking"
    await other.talks.hold(other.offer)
    await caller.joined()
    await caller.hears_music()
    assert other.state == "held"


async def test_dial_that_comes_back_before_the_word_of_it_does_not_release_the_colleague(
    house: House,
) -> None:
    caller, desk, leg, _offer = await asked(house)
    await desk.talks.complete(desk.offer)
    await leg.say("200 result=0")
    await leg.play({"GET VARIABLE": "200 result=1 (ANSWER)"})
    await caller.comes_to("EXEC Bridge")
    assert house.state("1002") == "talking"
    await leg.close()


async def test_who_asks_and_hangs_up_has_the_caller_go_on(house: House) -> None:
    caller, desk, leg, offer = await asked(house)
    await house.leg_goes(desk.id)
    await leg.hang_up()
    await house.leg_goes(offer)
    await caller.comes_to("GET DATA")
    assert (house.state("1001"), house.state("1002")) == ("wrap_up", "wrap_up")


async def test_only_who_is_free_is_asked_and_only_one(house: House) -> None:
    caller = await house.talking()
    desk = Desk(house, caller.offer)
    with pytest.raises(NotNow, match="Bo is not free"):
        await desk.talks.ask(desk.offer, "1002")
    assert desk.state == "talking"
    with pytest.raises(NotNow, match="Ask a colleague first"):
        await desk.talks.conference(desk.offer)


async def test_nobody_is_asked_twice_nor_joined_before_they_answer(house: House) -> None:
    _, desk, leg, _ = await asking(house)
    with pytest.raises(NotNow, match="asked already"):
        await desk.talks.ask(desk.offer, "4102")
    with pytest.raises(NotNow, match="has not answered"):
        await desk.talks.complete(desk.offer)
    with pytest.raises(NotNow, match="A colleague is asked"):
        await desk.talks.transfer(desk.offer, "4102")
    await leg.close()


async def test_a_consultation_survives_the_service_and_its_end_gives_the_caller_back(
    house: House,
) -> None:
    caller, desk, leg, offer = await asked(house)
    await house.restart(caller)
    await caller.hears_music()
    desk = Desk(house, desk.id)
    assert desk.state == "asked"
    await house.leg_goes(offer)
    assert channel("1001", desk) in await caller.comes_to("EXEC Bridge")
    assert desk.state == "talking"
    await leg.close()


async def test_a_search_that_died_with_the_service_gives_the_caller_back(house: House) -> None:
    caller, desk, leg, offer = await asking(house)
    await house.kill()
    del house.asterisk.legs[offer]
    await house.open()
    await caller.enter()
    assert channel("1001", desk) in await caller.comes_to("EXEC Bridge")
    assert house.state("1002") != "offered"
    await leg.close()


# --- all three ----------------------------------------------------------------------------------


async def test_three_are_sent_to_the_room_of_the_contact(house: House) -> None:
    _caller, desk, other = await both(house)
    assert house.ami.sent[-2:] == [
        (channel("1001", desk), "desk-conference", "s"),
        (channel("1002", other), "desk-conference", "s"),
    ]
    assert (desk.state, other.state) == ("conference", "conference")
    assert (desk.now.colleague, other.now.colleague) == ("1002", "1001")
    assert (house.state("1001"), house.state("1002")) == ("talking", "talking")


async def test_a_colleague_who_leaves_the_room_leaves_two_who_talk(house: House) -> None:
    caller, desk, other = await both(house)
    await house.leg_goes(other.id)
    assert channel("1001", desk) in await caller.comes_to("EXEC Bridge")
    assert (desk.state, house.state("1002")) == ("talking", "wrap_up")
    assert house.ami.sent[-1] == (channel("1001", desk), "desk-held", "s")


async def test_an_agent_who_leaves_the_room_leaves_the_caller_to_the_colleague(
    house: House,
) -> None:
    caller, desk, other = await both(house)
    await desk.talks.complete(desk.offer)
    assert house.ami.hung_up == [channel("1001", desk)]
    await house.leg_goes(desk.id)
    assert channel("1002", other) in await caller.comes_to("EXEC Bridge")
    assert (house.state("1001"), house.state("1002")) == ("wrap_up", "talking")
    assert (house.live(caller).agent, other.state) == ("1002", "talking")


async def test_the_agent_has_the_caller_alone_again(house: House) -> None:
    caller, desk, other = await both(house)
    await desk.talks.take_back(desk.offer)
    assert house.ami.hung_up == [channel("1002", other)]
    await caller.comes_to("EXEC Bridge")
    await house.leg_goes(other.id)
    assert (desk.state, house.state("1002")) == ("talking", "wrap_up")
    assert house.live(caller).agent == "1001"


async def test_a_caller_who_leaves_the_room_ends_it_for_all(house: House) -> None:
    caller, desk, other = await both(house)
    await house.caller_goes(caller)
    legs = {channel("1001", desk), channel("1002", other)}
    await until(lambda: set(house.ami.hung_up) == legs, why="both legs are hung up")
    await house.leg_goes(other.id)
    assert house.state("1002") == "wrap_up"
    assert house.ending(caller.contact)[0] == "answered"
