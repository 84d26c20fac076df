"""Whatever comes first when a desk has a talk apart: no leg stays where nobody is for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ivr import rounds
from ivr.agi.fake import FakeCall, environment
from ivr.asterisk.living import LiveChannel, strays
from ivr.desk_talk import NotNow
from ivr.errors import AsteriskRefused, AsteriskUnreachable
from tests.e2e.house import until
from tests.shell import test_asking
from tests.shell.asterisk import Ami, Asterisk, Caller
from tests.shell.house import House
from tests.shell.test_desk_talk import Desk, asked, asking, both, channel, holding


async def all_hung_up(house: House, *channels: str) -> None:
    await until(lambda: set(channels) <= set(house.ami.hung_up), why=f"{house.ami.hung_up}")


async def look(house: House, offer: str) -> list[str]:
    """What a leg in [desk-held] is told."""
    leg = await FakeCall.dial(
        "127.0.0.1", house.service.agi.port, environment(offer, network_script="agent/held")
    )
    await leg.play()
    await leg.close()
    return leg.commands


# --- the caller leaves ---------------------------------------------------------------------------


async def test_a_caller_who_is_taken_back_and_leaves_before_they_are_fetched_ends_it_for_all(
    house: House,
) -> None:
    caller, desk, other = await both(house)
    await desk.talks.take_back(desk.offer)
    assert house.live(caller).held == ""
    await house.caller_goes(caller)
    await all_hung_up(house, channel("1001", desk), channel("1002", other))
    assert house.state("1001") == "wrap_up"


async def test_a_caller_who_leaves_in_the_middle_of_being_handed_over_ends_it_for_all(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, desk, leg, offer = await asked(house)
    mine, moved = channel("1001", desk), house.ami.redirect

    async def leaves_meanwhile(*where: str) -> None:
        await house.caller_goes(caller)
        await moved(*where)

    monkeypatch.setattr(house.ami, "redirect", leaves_meanwhile)
    await desk.talks.complete(desk.offer)
    await all_hung_up(house, mine, f"PJSIP/1002-{offer}")
    await leg.hang_up()
    await house.leg_goes(offer)
    await house.leg_goes(desk.id)
    assert house.ending(caller.contact)[0] == "answered"
    assert (house.state("1001"), house.state("1002")) == ("wrap_up", "wrap_up")


async def test_agent_and_caller_who_leave_the_room_together_leave_no_colleague_in_it(
    house: House,
) -> None:
    caller, desk, other = await both(house)
    await house.leg_goes(desk.id)
    await house.caller_goes(caller)
    await all_hung_up(house, channel("1002", other))


async def test_a_caller_who_leaves_while_their_agent_is_sent_away_ends_it_for_all(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await house.talking()
    desk = Desk(house, caller.offer)
    mine, moved = channel("1001", desk), house.ami.redirect

    async def leaves_meanwhile(*where: str) -> None:
        await house.caller_goes(caller)
        await moved(*where)

    monkeypatch.setattr(house.ami, "redirect", leaves_meanwhile)
    await desk.talks.hold(desk.offer)
    await all_hung_up(house, mine)


async def test_who_is_gone_before_the_two_were_found_joined_is_not_held(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await house.talking()
    desk, listing = Desk(house, caller.offer), house.ami.listing

    async def leaves_meanwhile(name: str, /, **fields: str) -> Any:
        await house.caller_goes(caller)
        return await listing(name, **fields)

    monkeypatch.setattr(house.ami, "listing", leaves_meanwhile)
    with pytest.raises(NotNow, match="not with you any more"):
        await desk.talks.hold(desk.offer)
    assert house.ami.sent == []


async def test_a_question_on_a_second_line_outlives_the_caller_it_is_about(house: House) -> None:
    caller, call, offer = await test_asking.asked(house)
    await house.leg_answers(offer)
    await house.caller_goes(caller)
    await until(lambda: house.state("1001") == "wrap_up", why="the talk is over")
    assert f"PJSIP/1002-{offer}" not in house.ami.hung_up
    await call.close()


async def test_a_hang_up_that_was_lost_is_said_again_until_the_channel_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rounds, "HANG_UP_AGAIN", 0.0)
    said: list[str] = []

    async def hangup(name: str) -> None:
        said.append(name)
        if len(said) == 3:
            raise AsteriskRefused("no such channel")

    await rounds.until_gone(hangup, "PJSIP/1001-1")
    assert said == ["PJSIP/1001-1"] * 3


# --- the desk is quick ---------------------------------------------------------------------------


async def test_who_is_taken_back_before_dial_has_come_back_is_fetched(house: House) -> None:
    caller = await house.talking()
    desk = Desk(house, caller.offer)
    await desk.talks.hold(desk.offer)
    await desk.talks.take_back(desk.offer)
    await caller.dial_ends("ANSWER")
    assert channel("1001", desk) in await caller.comes_to("EXEC Bridge")
    assert (desk.state, house.state("1001")) == ("talking", "talking")


async def test_a_question_that_was_taken_back_is_not_asked_any_more(house: House) -> None:
    house.log_in("1002")
    caller = await house.talking()
    desk = Desk(house, caller.offer)
    await desk.talks.ask(desk.offer, "1002")
    await desk.talks.take_back(desk.offer)
    late = await FakeCall.dial(
        "127.0.0.1",
        house.service.agi.port,
        environment(desk.id, "1002", network_script="agent/ask"),
    )
    await late.play()
    await late.close()
    assert late.commands == []
    assert house.state("1002") == "ready"


async def test_a_colleague_who_is_not_joined_yet_is_neither_in_a_conference_nor_has_the_caller(
    house: House,
) -> None:
    _caller, desk, leg, _offer = await asked(house)
    house.ami.joined = False
    before = list(house.ami.sent)
    for deed in (desk.talks.conference, desk.talks.complete):
        with pytest.raises(NotNow, match="your colleague are not joined yet"):
            await deed(desk.offer)
    assert (desk.state, house.ami.sent) == ("asked", before)
    await leg.close()


async def test_a_conference_that_nobody_answers_for_leaves_agent_and_caller_together(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, desk, leg, offer = await asked(house)

    async def silence(*_: object, **__: object) -> None:
        raise AsteriskUnreachable("no answer within 5 s")

    monkeypatch.setattr(house.ami, "action", silence)
    with pytest.raises(AsteriskUnreachable):
        await desk.talks.conference(desk.offer)
    assert channel("1001", desk) in await caller.comes_to("EXEC Bridge")
    assert desk.state == "talking"
    assert f"PJSIP/1002-{offer}" in house.ami.hung_up
    await leg.close()


# --- the service was away ------------------------------------------------------------------------


def put(house: House, context: str, *offers: str) -> None:
    """These legs are in that part of the dialplan."""
    for offer in offers:
        house.asterisk.legs[offer] = replace(house.asterisk.legs[offer], context=context)


async def hangs_up_unheard(house: House, caller: Caller) -> None:
    """While no service hears it."""
    await house.kill()
    house.asterisk.callers.remove(caller)
    await caller.end()
    await house.open()


async def test_a_held_caller_who_left_unheard_leaves_no_leg_behind(house: House) -> None:
    caller, desk = await holding(house)
    put(house, "desk-held", desk.id)
    await hangs_up_unheard(house, caller)
    await all_hung_up(house, channel("1001", desk))
    assert house.state("1001") == "wrap_up"


async def test_a_caller_who_left_the_room_unheard_leaves_nobody_in_it(house: House) -> None:
    caller, desk, other = await both(house)
    put(house, "desk-conference", desk.id, other.id)
    legs = channel("1001", desk), channel("1002", other)
    await hangs_up_unheard(house, caller)
    await all_hung_up(house, *legs)


async def test_a_colleague_who_rang_for_a_killed_service_and_does_not_answer_gives_the_caller_back(
    house: House,
) -> None:
    caller, desk, leg, offer = await asking(house)
    put(house, "desk-ask", desk.id)
    await house.kill()
    await leg.close()
    caller.commands.clear()
    await house.open()
    await caller.enter()
    await caller.hears_music()
    assert Desk(house, desk.id).state == "asking"
    await house.leg_fails(offer, "NOANSWER")
    assert channel("1001", desk) in await caller.comes_to("EXEC Bridge")
    assert house.state("1002") == "ready"


async def test_a_caller_waits_for_asterisks_word_of_where_their_agent_is(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away(Ami):
        def __init__(self, asterisk: Asterisk) -> None:
            super().__init__(asterisk)
            self.connected = False

    monkeypatch.setattr("tests.shell.house.Ami", Away)
    monkeypatch.setattr("ivr.app.PATIENCE_WITH_ASTERISK", 0.1)
    monkeypatch.setattr("ivr.channels.talk.AGAIN", 0.001)
    caller, desk = await holding(house)
    await desk.talks.take_back(desk.offer)
    await house.restart(caller)
    await until(lambda: caller.commands.count('SET VARIABLE BRIDGERESULT ""') > 20, why="it waits")
    assert house.state("1001") == "talking"
    await house.ami.is_back()
    assert channel("1001", desk) in await caller.comes_to("EXEC Bridge")


def live(name: str, *, leg: str = "", bridge: str = "", context: str = "") -> LiveChannel:
    contact = "" if leg else "c"
    return LiveChannel(name, name, "", "Up", contact, leg, bridge, "", 9, context=context)


def test_only_legs_that_are_with_no_caller_are_strays() -> None:
    caller = live("caller", bridge="b1")
    fetched = live("fetched", leg="1", bridge="b1", context="desk-held")
    dialled = live("dialled", leg="2", context="from-agents")
    held = live("held", leg="3", context="desk-held")
    room = [live(each, leg=each, bridge="b2", context="desk-conference") for each in "45"]
    waiting = live("waiting")
    assert strays([caller, fetched, dialled, held, *room, waiting]) == {"3", "4", "5"}


# --- a leg asks whether anybody is for it --------------------------------------------------------


async def test_a_leg_that_nobody_knows_is_told_that_it_is_left_over(house: House) -> None:
    assert await look(house, "no-such-offer") == ["SET VARIABLE TIELINE_LEFT yes"]


async def test_the_legs_of_a_held_caller_are_not(house: House) -> None:
    caller, desk = await holding(house)
    heard = list(caller.commands)
    assert await look(house, desk.id) == []
    assert caller.commands == heard, "the music goes on"
    assert desk.state == "held"


async def test_a_leg_whose_caller_is_with_somebody_else_is_left_over(house: House) -> None:
    caller, desk, leg, offer = await asked(house)
    await desk.talks.complete(desk.offer)
    await caller.comes_to("EXEC Bridge")
    assert await look(house, offer) == []
    assert await look(house, desk.id) == ["SET VARIABLE TIELINE_LEFT yes"]
    await leg.close()


async def test_who_asks_nobody_any_more_has_the_caller_back(house: House) -> None:
    house.log_in("1002")
    caller = await house.talking()
    desk = Desk(house, caller.offer)
    await desk.talks.ask(desk.offer, "1002")
    await caller.dial_ends("ANSWER")
    await caller.hears_music()
    assert await look(house, desk.id) == []
    assert channel("1001", desk) in await caller.comes_to("EXEC Bridge")
    assert desk.state == "talking"
