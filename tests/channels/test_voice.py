"""A phone call performs what its flow asks, and every ending is told as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.speech.engine import SpeechFailed
from tests.shell.asterisk import Caller
from tests.shell.house import House

OK = "200 result=0"


async def with_flow(house: House, steps: str, start: str = "first", more: str = "") -> None:
    """Put a flow of these steps in force, instead of the usual one."""
    text = f'flow: line\nnumbers: ["4900"]\nstart: {start}\n{more}steps:\n{steps}'
    (house.flows / "line.yaml").write_text(text)
    await house.service.reload()


async def a_call(house: House, steps: str, more: str = "") -> Caller:
    await with_flow(house, steps, more=more)
    return await house.call()


def played(caller: Caller) -> int:
    return sum(line.startswith("STREAM FILE") for line in caller.commands)


# --- words -----------------------------------------------------------------------------------


async def test_words_are_played_one_after_the_other_and_then_the_call_ends(house: House) -> None:
    caller = await a_call(house, '  first: {say: "Hi.", next: bye}\n  bye: {hangup: "Bye."}\n')
    await caller.closed()
    assert played(caller) == 2
    assert caller.variables["TIELINE_DONE"] == "yes"
    assert house.ending(caller.contact) == ("completed", "flow", "")


async def test_a_silent_goodbye_ends_the_call_as_well(house: House) -> None:
    caller = await a_call(house, "  first: {hangup: }\n")
    await caller.closed()
    assert played(caller) == 0
    assert house.ending(caller.contact) == ("completed", "flow", "")


async def test_a_file_asterisk_cannot_play_does_not_end_the_call(house: House) -> None:
    await with_flow(house, '  first: {say: "Hi.", next: bye}\n  bye: {hangup: "Bye."}\n')
    caller = house.asterisk.call("4900")
    caller.answers["STREAM FILE"] = "200 result=-1 endpos=0"
    await caller.enter()
    await caller.closed()
    assert [told["why"] for told in house.told(caller.contact, "failed")] != []
    assert house.ending(caller.contact) == ("completed", "flow", "")


async def test_when_speech_fails_something_is_heard_and_the_flow_goes_on(house: House) -> None:
    house.voice.fails = SpeechFailed("no voice")
    caller = await a_call(house, '  first: {say: "Unsaid.", next: bye}\n  bye: {hangup: }\n')
    await caller.closed()
    assert played(caller) == 1, "an excuse instead of silence"
    assert house.told(caller.contact, "failed") == [{"why": "no voice"}]


async def test_when_not_even_an_excuse_can_be_played_the_flow_goes_on(house: House) -> None:
    house.voice.fails = SpeechFailed("no voice")
    await with_flow(house, '  first: {say: "Unsaid too.", next: bye}\n  bye: {hangup: }\n')
    caller = house.asterisk.call("4900")
    caller.answers["STREAM FILE"] = "200 result=-1 endpos=0"
    await caller.enter()
    await caller.closed()
    assert house.ending(caller.contact) == ("completed", "flow", "")


async def test_a_goodbye_that_cannot_be_said_still_ends_the_call(house: House) -> None:
    house.voice.fails = SpeechFailed("no voice")
    caller = await a_call(house, '  first: {hangup: "Unsaid goodbye."}\n')
    await caller.closed()
    assert house.ending(caller.contact) == ("completed", "flow", "")


# --- keys ------------------------------------------------------------------------------------

MENU = """\
  first: {menu: "Hi.", "1": one, "2": two, attempts: 2, otherwise: bye}
  one: {hangup: "One."}
  two: {hangup: "Two."}
  bye: {hangup: "Bye."}
"""
DIGITS = "collects:\n  code: {type: digits, length: 4, say: 'Code?'}\n"
COLLECT = (
    '  first: {collect: code, otherwise: bye, attempts: 1, next: bye}\n  bye: {hangup: "B."}\n'
)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("200 result=2", "key"),
        ("200 result=7", "nomatch"),
        ("200 result= (timeout)", "noinput"),
        ("200 result=", "nomatch"),
        ("200 result=-1", "failed"),
        ("520 Invalid command syntax.", "failed"),
    ],
)
async def test_a_menu_hears_a_key_a_wrong_one_silence_hash_and_refusal(
    house: House, answer: str, told: str
) -> None:
    caller = await a_call(house, MENU)
    assert (await caller.comes_to("GET DATA")).endswith(" 6000 1")
    await caller.reply(answer)
    await caller.comes_to("GET DATA" if told in ("nomatch", "noinput") else "closed")
    assert len(house.told(caller.contact, told)) == 1


async def test_a_knock_that_comes_late_is_no_key(house: House) -> None:
    caller = await a_call(house, MENU)
    await caller.comes_to("GET DATA")
    await caller.reply("200 result=D")
    await caller.comes_to("GET DATA")
    assert house.told(caller.contact, "noinput") == []
    assert house.told(caller.contact, "nomatch") == []
    await caller.press("1")
    await caller.closed()
    assert house.told(caller.contact, "key") == [{"key": "1"}]


async def test_a_knock_among_the_digits_is_not_one_of_them(house: House) -> None:
    caller = await a_call(house, COLLECT, DIGITS)
    await caller.press("D1234")
    await caller.closed()
    assert house.told(caller.contact, "field")[0]["value"] == "1234"


async def test_secret_digits_are_in_no_line_of_the_journal(house: House) -> None:
    secret = DIGITS.replace("length: 4", "length: 4, secret: true")
    caller = await a_call(house, COLLECT, secret)
    await caller.press("8642")
    await caller.closed()
    assert "8642" not in repr(house.story(caller.contact))
    for file in (house.settings.data_dir).glob("journal.sqlite*"):
        assert b"8642" not in file.read_bytes()


# --- messages --------------------------------------------------------------------------------

LETTER = """\
  first: {voicemail: box, say: "Go.", next: thanks, otherwise: none}
  thanks: {say: "Thanks.", next: again}
  again: {voicemail: box, say: "More?", next: bye, otherwise: bye}
  none: {hangup: "None."}
  bye: {hangup: "Bye."}
"""


def recorded(line: str) -> Path:
    return Path(line.split()[2] + ".wav")


def speak(line: str, seconds: float) -> Path:
    """Asterisk writes the recording that this command asked for."""
    path = recorded(line)
    path.write_bytes(bytes(44 + int(16000 * seconds)))
    return path


async def test_a_message_is_told_with_its_length_and_the_flow_goes_on(house: House) -> None:
    caller = await a_call(house, LETTER)
    path = speak(await caller.comes_to("RECORD FILE"), 3)
    await caller.reply("200 result=0 (timeout) endpos=24000")
    await caller.comes_to("RECORD FILE")
    (told,) = house.told(caller.contact, "voicemail")[1:2]
    assert told == {"mailbox": "box", "path": path.name, "seconds": 3.0}
    assert path.name == f"{caller.contact}.wav"


async def test_a_second_message_does_not_overwrite_the_first(house: House) -> None:
    caller = await a_call(house, LETTER)
    first = speak(await caller.comes_to("RECORD FILE"), 3)
    await caller.reply(OK)
    second = speak(await caller.comes_to("RECORD FILE"), 2)
    await caller.reply(OK)
    await caller.closed()
    assert first != second
    assert first.stat().st_size > second.stat().st_size
    assert house.ending(caller.contact) == ("voicemail", "flow", "")


async def test_silence_is_no_message_and_takes_the_other_way(house: House) -> None:
    caller = await a_call(house, LETTER)
    speak(await caller.comes_to("RECORD FILE"), 1)
    await caller.reply(OK)
    await caller.closed()
    assert house.ending(caller.contact) == ("completed", "flow", "")


async def test_who_hangs_up_after_the_last_word_has_left_a_message(house: House) -> None:
    caller = await a_call(house, LETTER)
    speak(await caller.comes_to("RECORD FILE"), 4)
    await house.caller_goes(caller)
    assert house.ending(caller.contact) == ("voicemail", "caller", "hangup")


SURVEY = """
  first:
    survey: visit
    questions: [{field: score, say: "How was it?"}, {field: again, say: "Again?"}]
    next: bye
  bye: {hangup: }
"""
SCORES = "collects: {score: {type: number, low: 1, high: 5}, again: {type: yesno}}\n"


@pytest.mark.parametrize(("answers", "told"), [("", []), ("4", [{"survey": "visit", "score": 4}])])
async def test_who_hangs_up_in_a_survey_has_given_the_answers_before(
    house: House, answers: str, told: list[dict[str, object]]
) -> None:
    caller = await a_call(house, SURVEY, more=SCORES)
    for key in answers:
        await caller.comes_to("GET DATA")
        await caller.press(key)
    await caller.comes_to("GET DATA")
    await house.caller_goes(caller)
    assert house.told(caller.contact, "survey") == told
    assert house.ending(caller.contact) == ("left", "caller", "hangup")


async def test_a_survey_to_its_end_is_told_once(house: House) -> None:
    caller = await a_call(house, SURVEY, more=SCORES)
    for key in "41":
        await caller.comes_to("GET DATA")
        await caller.press(key)
    await caller.closed()
    told = {"survey": "visit", "score": 4, "again": True}
    assert house.told(caller.contact, "survey") == [told]


async def test_who_hangs_up_at_the_tone_has_left_none(house: House) -> None:
    caller = await a_call(house, LETTER)
    await caller.comes_to("RECORD FILE")
    await house.caller_goes(caller)
    assert house.ending(caller.contact) == ("left", "caller", "hangup")


@pytest.mark.parametrize("killed", [False, True])
async def test_a_message_spoken_while_the_service_restarts_is_kept_and_not_asked_for_again(
    house: House, killed: bool
) -> None:
    caller = await a_call(house, LETTER)
    line = await caller.comes_to("RECORD FILE")
    speak(line, 2)
    await (house.kill() if killed else house.close())
    path = speak(line, 9)
    await house.open()
    await caller.enter()
    second = await caller.comes_to("RECORD FILE")
    assert recorded(second) != path
    told = [each for each in house.told(caller.contact, "voicemail") if "seconds" in each]
    assert told == [{"mailbox": "box", "path": path.name, "seconds": 9.0}]


async def test_a_recording_that_asterisk_cannot_write_takes_the_other_way(house: House) -> None:
    caller = await a_call(house, LETTER)
    await caller.comes_to("RECORD FILE")
    await caller.reply("200 result=-1 (writefile) endpos=0")
    await caller.closed()
    assert house.told(caller.contact, "failed") != []
    assert house.ending(caller.contact) == ("completed", "flow", "")


# --- who ended it ----------------------------------------------------------------------------


async def test_a_goodbye_right_after_the_talk_means_the_agent_ended_it(house: House) -> None:
    steps = "  first: {queue: sales, otherwise: bye, next: bye}\n  bye: {hangup: 'Bye.'}\n"
    house.log_in("1001")
    caller = await a_call(house, steps)
    await caller.comes_to("EXEC Dial")
    await house.leg_rings(caller.offer)
    await house.leg_answers(caller.offer)
    await house.leg_goes(caller.offer)
    await caller.dial_ends("ANSWER")
    await caller.closed()
    assert house.ending(caller.contact) == ("answered", "agent", "")


async def test_who_hangs_up_in_the_survey_has_been_answered(house: House) -> None:
    caller = await house.talking()
    await house.leg_goes(caller.offer)
    await caller.dial_ends("ANSWER")
    await caller.comes_to("GET DATA")
    await house.caller_goes(caller)
    assert house.ending(caller.contact) == ("answered", "caller", "hangup")


async def test_who_hangs_up_in_the_talk_is_closed_by_asterisks_word_alone(house: House) -> None:
    caller = await house.talking()
    house.asterisk.callers.remove(caller)
    await caller.leaves()
    assert house.live(caller).phase == "talking"
    await house.leg_goes(caller.offer)
    await house.gone_by_ami(caller)
    assert house.ending(caller.contact) == ("answered", "caller", "hangup")
    assert house.state("1001") == "wrap_up"


async def test_asterisks_word_may_come_before_the_sessions(house: House) -> None:
    caller = await house.waiting()
    house.asterisk.callers.remove(caller)
    await house.gone_by_ami(caller)
    await caller.leaves()
    assert house.ending(caller.contact) == ("abandoned", "caller", "hangup")


async def test_a_caller_who_hangs_up_as_the_call_is_over_has_completed_it(house: House) -> None:
    await with_flow(house, '  first: {hangup: "Bye."}\n')
    caller = house.asterisk.call("4900")
    caller.answers["SET VARIABLE TIELINE_DONE"] = "511 result=-1 Command Not Permitted"
    await caller.enter()
    await caller.closed()
    assert house.ending(caller.contact) == ("completed", "flow", "")


async def test_the_dialplan_knows_of_the_end_before_the_contact_is_closed(house: House) -> None:
    """Killed between the two, the caller must not come back to a contact that is no more."""
    await with_flow(house, '  first: {hangup: "Bye."}\n')
    with house.full_disk_from("ended"):
        caller = await house.call()
        await caller.closed()
        assert caller.variables["TIELINE_DONE"] == "yes"
        assert house.live(caller).phase == "flow"
