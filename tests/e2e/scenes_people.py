"""Scenes of being put through, inside and outside; of recordings, promises, messages, visits."""

from __future__ import annotations

import asyncio
import time
import wave

from ivr.demo.phone import Line, LineState
from tests.e2e.house import until
from tests.e2e.rtp import RtpParty
from tests.e2e.stage import (
    FAR_TONE,
    Stage,
    at_menu,
    chooses,
    dials,
    ends_with,
    joined,
    left,
    tieline,
)

AGENT = "2001"
NOT_OURS = "1234567890"
"""+49 1234567890 is on nobody's list."""


async def the_far_end_hangs_up_and_the_flow_goes_on(stage: Stage) -> None:
    house, phones = stage.house, stage.phones
    party = await RtpParty.open()
    far = stage.far
    line, contact = await dials(phones, "+8613800003201", "3011111111")
    invite = await far.rings("3011111111")
    text = invite.raw.decode()
    assert "<sip:+8613800003201@" in invite.one("From"), "the caller's own number is shown"
    assert "X-Tieline" not in text, "nothing of ours goes outside"
    assert contact not in text
    leg = await joined(far, invite, party, line)
    assert house.told(contact, "put_through") == [{"number": "+493011111111"}]
    await leg.hang_up()
    await until(lambda: "after" in house.steps(contact), why="the flow goes on")
    await line.press("9")
    await line.ended(15)
    await party.close()
    ending = await ends_with(house, contact, "after", "bye")
    assert ending == ("transferred", "flow", "+493011111111")
    assert house.told(contact, "transfer_left")[0]["outcome"] == "answered"


async def the_caller_hangs_up_in_the_talk_outside(stage: Stage) -> None:
    house, phones = stage.house, stage.phones
    party = await RtpParty.open()
    far = stage.far
    line, contact = await dials(phones, "+8613800003202", "3022222222")
    invite = await far.rings("3022222222")
    await joined(far, invite, party, line)
    await line.hang_up()
    await until(lambda: far.was_told(invite, "BYE"), why="the far end is hung up")
    await party.close()
    assert await ends_with(house, contact) == ("transferred", "caller", "+493022222222")


async def nobody_is_put_through_and_every_reason_has_its_way(stage: Stage) -> None:
    """Busy, silence, a refusal, a diversion, a number that is not ours, a caller who gives up."""
    house, phones = stage.house, stage.phones
    numbers = [f"30333333{n:02}" for n in range(5)]
    far = stage.far
    calls = [dials(phones, f"+86138000038{n:02}", number) for n, number in enumerate(numbers)]
    busy, silent, gone, diverts, leaves = await asyncio.gather(*calls)
    never, not_ours = await dials(phones, "+8613800003890", NOT_OURS)
    invites = await asyncio.gather(*(far.rings(number) for number in numbers))
    await busy[0].hears_sound(3)
    far.phone.answer(invites[0], b"486 Busy Here")
    far.phone.answer(invites[2], b"404 Not Found")
    ours = b"<sip:4900@%s>" % house.domain.encode()
    far.phone.answer(invites[3], b"302 Moved Temporarily", contact=ours)
    await leaves[0].hang_up()
    await until(lambda: far.was_told(invites[4], "CANCEL"), why="the ringing stops")
    for line in (busy[0], silent[0], gone[0], diverts[0], never):
        await line.ended(20)
    assert NOT_OURS not in "".join(each.first_line for each in far.phone.heard)
    assert await ends_with(house, busy[1], "engaged", "bye") == ("completed", "flow")
    assert await ends_with(house, silent[1], "nobody", "bye") == ("completed", "flow")
    assert await ends_with(house, gone[1], "broken", "bye") == ("completed", "flow")
    outcome = await ends_with(house, diverts[1], "engaged", "bye")
    assert outcome == ("completed", "flow"), "the far end sends our callers nowhere"
    assert await ends_with(house, leaves[1]) == ("left", "caller")
    assert await ends_with(house, not_ours, "broken", "bye") == ("completed", "flow")
    told = [event.kind for event in house.story(diverts[1])]
    assert "queued" not in told


async def a_trunk_that_is_away_costs_the_caller_the_ringing_and_no_more(stage: Stage) -> None:
    house, phones = stage.house, stage.phones
    line, contact = await dials(phones, "+8613800003204", "3044444444")
    await line.ended(20)
    assert await ends_with(house, contact, "nobody", "bye") == ("completed", "flow")
    assert line.ear.longest_pause() < 6, "it rings, as everywhere in North America"


async def the_far_end_commands_nothing(stage: Stage) -> None:
    """No transfer by REFER, no key that Asterisk would obey."""
    house, phones = stage.house, stage.phones
    party = await RtpParty.open()
    far = stage.far
    line, contact = await dials(phones, "+8613800003205", "3055555555")
    invite = await far.rings("3055555555")
    leg = await joined(far, invite, party, line)
    for target in (b"sip:4900@" + house.domain.encode(), b"sip:1001@" + house.domain.encode()):
        assert await leg.refer(target) in (403, 405, 501, 603), target
    await party.press("#1*1*2*0*##700")
    await line.press("*1#1*0")
    await line.hears_tone(FAR_TONE, 5)
    assert line.state is LineState.TALKING
    assert house.steps(contact)[-1] == "out"
    assert contact not in [row.contact for row in house.calls()]
    for key in "*1#1*0":  # all of them belong to the talk
        assert await party.key() == key
    heard = party.packets  # a key's end is told three times: the last of them is the talk's, too
    await until(lambda: party.packets > heard + 10, why="the caller is heard after the keys")
    await leg.hang_up()
    await until(lambda: "after" in house.steps(contact), why="the flow goes on")
    await line.hang_up()
    await party.close()
    assert await ends_with(house, contact, "after") == (
        "transferred",
        "caller",
        "+493055555555",
    )


# --- one agent ----------------------------------------


async def a_transfer_to_one_agent_is_answered_and_the_survey_follows_the_talk(stage: Stage) -> None:
    house, phones = stage.house, stage.phones
    agent = await phones.ready(AGENT)
    await phones.ready("2002")
    line, contact = await chooses(phones, "+8613800003301", "4933", "1", "agent")
    ringing = await agent.incoming(10)
    assert ringing.headers["X-Tieline-Contact"] == contact
    await ringing.answer()
    ringing.hum()
    await line.hears_tone(agent.tone_hz, 10)
    busy, refused = await chooses(phones, "+8613800003302", "4933", "1", "busy")
    await busy.ended(15)
    assert left(house, refused) == ("busy", "talking"), "nobody waits for an agent who talks"
    await ringing.hang_up()
    await until(lambda: "rate" in house.steps(contact), why="the survey begins")
    await line.hears_sound(5, after=line.ear.received_seconds)
    await line.press("3")
    await until(lambda: "score" in house.fields(contact), why="the first answer is taken")
    await line.press("1")
    await line.ended(15)
    record = await house.record(contact)
    assert (record.outcome, record.agent, record.queue) == ("answered", AGENT, "cards")
    assert record.fields == {"score": "good", "again": True}
    assert left(house, contact)[0] == "answered"


async def an_agent_who_does_not_answer_refuses_or_is_away_is_rung_once_at_most(
    stage: Stage,
) -> None:
    house, phones = stage.house, stage.phones
    line, away = await chooses(phones, "+8613800003303", "4933", "1", "away")
    await line.ended(15)
    assert left(house, away) == ("no_answer", "logged_out")
    agent = await phones.ready(AGENT)
    other = await phones.ready("2002")
    line, silent = await chooses(phones, "+8613800003304", "4933", "1", "agent")
    chosen = time.monotonic() - line.began_at
    await agent.incoming(10)
    await until(lambda: "away" in house.steps(silent), 8, "five seconds of ringing are enough")
    assert left(house, silent) == ("no_answer", "NOANSWER")
    assert line.ear.longest_pause(chosen) < 2
    await line.ended(15)
    await house.asterisk.command(f"acd do ready/{AGENT}")
    line, refused = await chooses(phones, "+8613800003305", "4933", "1", "agent")
    await (await agent.incoming(10)).reject()
    await line.ended(15)
    assert left(house, refused) == ("busy", "BUSY")
    assert not other.lines, "nobody else is rung"
    assert refused not in [row.contact for row in house.calls()]
    for contact in (away, silent, refused):
        assert (await house.record(contact)).outcome == "completed"


async def a_recording_ends_by_key_silence_or_hanging_up(
    stage: Stage,
) -> None:
    house, phones = stage.house, stage.phones

    async def begins(number: str) -> tuple[Line, str]:
        line, contact = await chooses(phones, number, "4933", "2", "memo")
        file = house.settings.data_dir / "messages" / f"{contact}.complaint.wav"
        await until(file.exists, why="the tone has been")
        return line, contact

    calls = await asyncio.gather(*(begins(f"+861380000341{n}") for n in range(3)))
    (by_key, one), (by_silence, two), (gone, three) = calls
    await asyncio.gather(*(line.speak(seconds=3) for line, _ in calls))
    await by_key.press("#")
    await gone.hang_up()
    await asyncio.gather(by_key.ended(15), by_silence.ended(20))
    for contact in (one, two, three):
        (told,) = house.told(contact, "recording")
        file = house.settings.data_dir / "messages" / str(told["path"])
        with wave.open(str(file)) as sound:
            assert sound.getnframes() / sound.getframerate() >= 2.5, contact
        assert float(told["seconds"]) >= 2.5
    for contact in (one, two):
        assert house.steps(contact)[-2:] == ["thanks", "bye"]
    assert (await house.record(three)).ended_by == "caller"


async def a_promise_to_ring_back_is_kept_and_listed(stage: Stage) -> None:
    house, phones = stage.house, stage.phones
    line, contact = await chooses(phones, "+8613800003501", "4933", "3", "promise")
    await line.ended(15)
    assert house.steps(contact)[-2:] == ["thanks", "bye"]
    assert len(house.told(contact, "callback_kept")) == 1
    listed = await tieline(house, "callbacks")
    assert "+8613800003501" in listed
    assert "power" in listed


async def a_visit_is_booked_once_and_read_back(stage: Stage) -> None:
    house, phones, backends = stage.house, stage.phones, stage.backends
    line, contact = await chooses(phones, "+8613800003503", "4933", "6", "slot")
    await until(lambda: house.told(contact, "slots"), why="free times are found")
    await line.press("1")
    await line.ended(25)
    (booked,) = house.told(contact, "booked")
    assert house.fields(contact)["visit"] == booked["start"]
    assert house.fields(contact)["ref"] == booked["reference"]
    assert house.steps(contact)[-2:] == ["booked", "bye"]
    references = [reference for _, reference in backends.taken.values()]
    assert references.count(str(booked["reference"])) == 1


async def a_generated_menu_speaks_and_hides_what_is_closed_also_when_it_closes_meanwhile(
    stage: Stage,
) -> None:
    house, phones = stage.house, stage.phones
    line, contact = await at_menu(phones, "+8613800003601", "4933")
    await until(lambda: line.heard_seconds > 4, why="the options are spoken after the words")
    assert house.told(contact, "hidden") == [{"keys": ["8"]}]
    await line.press("8")
    await until(lambda: house.told(contact, "nomatch"), why="what is closed is no key")
    await line.press("7")
    await until(lambda: "desk" in house.steps(contact), why="the desk is open")
    await line.press("#")
    await until(lambda: house.steps(contact)[-1] == "choose", why="back leads back")
    await tieline(house, "close", "people.desk", "--because", "fire drill")
    try:
        await line.press("7")
        await until(lambda: len(house.told(contact, "nomatch")) == 2, why="it closed meanwhile")
        heard = line.heard_seconds
        await line.press("*")
        await until(lambda: line.heard_seconds > heard + 1, why="help is spoken")
        assert house.steps(contact)[-1] == "choose"
    finally:
        await tieline(house, "normal", "people.desk")
    await line.press("9")
    await until(lambda: house.steps(contact)[-1] == "ask", why="the sub-flow asks")
    await line.press("1")
    await line.ended(15)
    assert house.steps(contact)[-3:] == ["told", "thanks", "bye"]


async def one_agent_is_rung_once_and_every_ending_has_its_way(stage: Stage) -> None:
    await an_agent_who_does_not_answer_refuses_or_is_away_is_rung_once_at_most(stage)
    await a_transfer_to_one_agent_is_answered_and_the_survey_follows_the_talk(stage)


SCENES = (
    the_far_end_hangs_up_and_the_flow_goes_on,
    the_caller_hangs_up_in_the_talk_outside,
    nobody_is_put_through_and_every_reason_has_its_way,
    a_trunk_that_is_away_costs_the_caller_the_ringing_and_no_more,
    the_far_end_commands_nothing,
    one_agent_is_rung_once_and_every_ending_has_its_way,
    a_recording_ends_by_key_silence_or_hanging_up,
    a_promise_to_ring_back_is_kept_and_listed,
    a_visit_is_booked_once_and_read_back,
    a_generated_menu_speaks_and_hides_what_is_closed_also_when_it_closes_meanwhile,
)
