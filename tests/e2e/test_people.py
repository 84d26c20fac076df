"""One agent, recordings, promises, text messages, surveys, visits: on the line, to every end."""

from __future__ import annotations

import asyncio
import os
import sys
import wave

import pytest

from ivr.demo.backends import Backends
from ivr.demo.phone import Line
from tests.e2e.conftest import Phones
from tests.e2e.house import House, until
from tests.e2e.test_backends import at_menu

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

AGENT = "2001"


async def chooses(phones: Phones, number: str, key: str, step: str) -> tuple[Line, str]:
    """A caller who has pressed their way to that step."""
    line, contact = await at_menu(phones, number, "4933")
    await line.press(key)
    await until(lambda: step in phones.house.steps(contact), why=f"{step} comes")
    return line, contact


async def tieline(house: House, *words: str) -> str:
    """What the command prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ivr", *words),
        cwd=house.folder,
        env={**os.environ, **house.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    return out.decode()


def left(house: House, contact: str) -> tuple[str, str]:
    """How the transfer ended."""
    (told,) = house.told(contact, "transfer_left")
    return str(told["outcome"]), str(told["detail"])


# --- one agent -------------------------------------------------------------------------------


async def test_a_transfer_to_one_agent_is_answered_and_the_survey_follows_the_talk(
    house: House, phones: Phones
) -> None:
    agent = await phones.ready(AGENT)
    await phones.ready("2002")
    line, contact = await chooses(phones, "+8613800003301", "1", "agent")
    ringing = await agent.incoming(10)
    assert ringing.headers["X-Tieline-Contact"] == contact
    await ringing.answer()
    ringing.hum()
    await line.hears_tone(agent.tone_hz, 10)
    busy, refused = await chooses(phones, "+8613800003302", "1", "busy")
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


async def test_an_agent_who_does_not_answer_refuses_or_is_away_is_rung_once_at_most(
    house: House, phones: Phones
) -> None:
    line, away = await chooses(phones, "+8613800003303", "1", "away")
    await line.ended(15)
    assert left(house, away) == ("no_answer", "logged_out")
    agent = await phones.ready(AGENT)
    other = await phones.ready("2002")
    line, silent = await chooses(phones, "+8613800003304", "1", "agent")
    await agent.incoming(10)
    await until(lambda: "away" in house.steps(silent), 8, "five seconds of ringing are enough")
    assert left(house, silent) == ("no_answer", "NOANSWER")
    assert line.ear.longest_pause() < 2
    await line.ended(15)
    await house.asterisk.command(f"acd do ready/{AGENT}")
    line, refused = await chooses(phones, "+8613800003305", "1", "agent")
    await (await agent.incoming(10)).reject()
    await line.ended(15)
    assert left(house, refused) == ("busy", "BUSY")
    assert not other.lines, "nobody else is rung"
    assert house.calls() == []
    for contact in (away, silent, refused):
        assert (await house.record(contact)).outcome == "completed"


async def test_a_service_killed_during_a_transfer_takes_it_up_and_goes_its_way(
    house: House, phones: Phones
) -> None:
    """Killed in the talk, and while it rings: what follows is what follows a transfer."""
    agent = await phones.ready(AGENT)
    line, contact = await chooses(phones, "+8613800003306", "1", "agent")
    ringing = await agent.incoming(10)
    await ringing.answer()
    ringing.hum()
    await line.hears_tone(agent.tone_hz, 10)
    await house.kill_service()
    await ringing.hang_up()
    await house.start_service()
    await until(lambda: "rate" in house.steps(contact), why="the survey follows the talk")
    assert left(house, contact)[0] == "answered"
    await line.hang_up()
    assert (await house.record(contact)).outcome == "answered"
    assert not house.told(contact, "stumbled")


# --- recordings ------------------------------------------------------------------------------


async def test_a_recording_ends_by_key_silence_or_hanging_up_and_outlives_a_restart(
    house: House, phones: Phones
) -> None:
    async def begins(number: str) -> tuple[Line, str]:
        line, contact = await chooses(phones, number, "2", "memo")
        file = house.settings.data_dir / "messages" / f"{contact}.complaint.wav"
        await until(file.exists, why="the tone has been")
        return line, contact

    calls = await asyncio.gather(*(begins(f"+861380000341{n}") for n in range(4)))
    (by_key, one), (by_silence, two), (gone, three), (restarted, four) = calls
    await asyncio.gather(*(line.speak(seconds=3) for line, _ in calls))
    restarted.hum()
    await by_key.press("#")
    await gone.hang_up()
    await asyncio.gather(by_key.ended(15), by_silence.ended(20))
    await house.kill_service()
    await house.start_service()
    restarted.hush()
    await restarted.press("#")
    await restarted.ended(20)
    for contact in (one, two, three, four):
        (told,) = house.told(contact, "recording")
        file = house.settings.data_dir / "messages" / str(told["path"])
        with wave.open(str(file)) as sound:
            assert sound.getnframes() / sound.getframerate() >= 2.5, contact
        assert float(told["seconds"]) >= 2.5
    for contact in (one, two, four):
        assert house.steps(contact)[-2:] == ["thanks", "bye"]
    assert (await house.record(three)).ended_by == "caller"


# --- promises, messages, visits --------------------------------------------------------------


async def test_a_promise_to_ring_back_is_kept_and_listed(house: House, phones: Phones) -> None:
    line, contact = await chooses(phones, "+8613800003501", "3", "promise")
    await line.ended(15)
    assert house.steps(contact)[-2:] == ["thanks", "bye"]
    assert len(house.told(contact, "callback_kept")) == 1
    listed = await tieline(house, "callbacks")
    assert "+8613800003501" in listed
    assert "cards" in listed


async def test_each_text_message_is_sent_once_also_when_the_service_dies_in_between(
    house: House, phones: Phones, backends: Backends
) -> None:
    """The first message's answer is on its way when the service is killed; two are due in all."""
    known = len(backends.messages)
    line, contact = await chooses(phones, "+8613800003502", "4", "text")
    await house.kill_service()
    await house.start_service()
    await line.ended(20)
    assert house.steps(contact)[-1] == "bye"
    await until(lambda: len(backends.messages) >= known + 2, 15, "both are sent")
    texts = [each["text"] for each in backends.messages[known:]]
    assert sorted(texts) == ["And again.", "Thank you for ringing us."]
    assert "+8613800003502" in await tieline(house, "outbox", "--all")


async def test_a_visit_is_booked_once_and_read_back(
    house: House, phones: Phones, backends: Backends
) -> None:
    line, contact = await chooses(phones, "+8613800003503", "6", "slot")
    await until(lambda: house.told(contact, "slots"), why="free times are found")
    await line.press("1")
    await line.ended(25)
    (booked,) = house.told(contact, "booked")
    assert house.fields(contact)["visit"] == booked["start"]
    assert house.fields(contact)["ref"] == booked["reference"]
    assert house.steps(contact)[-2:] == ["booked", "bye"]
    references = [reference for _, reference in backends.taken.values()]
    assert references.count(str(booked["reference"])) == 1


async def test_who_hangs_up_or_is_cut_off_while_a_visit_is_taken_has_it_once(
    house: House, phones: Phones, backends: Backends
) -> None:
    backends.slowness = 2.0
    taken = len(backends.taken)
    leaver, left_alone = await chooses(phones, "+8613800003504", "6", "slot")
    await until(lambda: house.told(left_alone, "slots"), why="free times are found")
    backends.pretended.append("slow")
    await leaver.press("1")
    await until(lambda: not backends.pretended, why="the practice is asked")
    await leaver.hang_up()
    await until(lambda: len(backends.taken) == taken + 1, why="what was begun is done")
    assert (await house.record(left_alone)).outcome == "left"

    line, contact = await chooses(phones, "+8613800003505", "6", "slot")
    await until(lambda: house.told(contact, "slots"), why="free times are found")
    backends.pretended.append("slow")
    await line.press("1")
    await until(lambda: not backends.pretended, why="the practice is asked")
    await house.kill_service()
    await house.start_service()
    await until(lambda: house.told(contact, "booked"), 15, "the visit is theirs")
    await line.ended(25)
    assert len(backends.taken) == taken + 2, "one visit for each of the two"
    backends.slowness = 10.0


# --- menus, help, sub-flows ------------------------------------------------------------------


async def test_a_generated_menu_speaks_and_hides_what_is_closed_also_when_it_closes_meanwhile(
    house: House, phones: Phones
) -> None:
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
