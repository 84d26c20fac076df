"""Desks, mobiles, single queues and results of calls, from the phone."""

from __future__ import annotations

import pytest

from acd.model import AgentReleased, CallQueued, LoggedIn, OfferAnswered
from ivr.agi.fake import FakeCall, environment
from ivr.channels.caller_card import CallerCard
from ivr.channels.mobile import who_calls
from ivr.errors import IvrError
from ivr.pins import AT_A_PHONE, LOCKED_FOR, TRIES, drawn_pin, set_pin
from ivr.reach import CONFIRM, PREPARE_ANSWERING, Way
from ivr.secrets import Secrets
from ivr.speech.engine import SpeechFailed
from ivr.speech.phrases import fixed_phrases, phrase
from tests.shell.house import House

FLOOR = """
pause_reasons: [lunch]
dispositions: [sold, call-again]
queues:
  sales: {title: Sales, number: "4101", wrap_up: 10s, disposition: required, leave_when_empty: 1h}
  help: {title: Help, number: "4102", auto_answer: true, leave_when_empty: 1h}
phones:
  "5001": {name: Window desk}
  "5002": {name: Door desk}
agents:
  "1001": {name: Ana, queues: [sales, help], mobile: "+8613800138000"}
  "1002": {name: Bo, queues: [sales, help], phone: none}
  "1003": {name: Cy, queues: [sales], phone: none, mobile: "+442079460000"}
"""
SERVICES = "region: CN\noutside: ['+86138*']\n"


@pytest.fixture
async def floor(house: House) -> House:
    (house.flows / "floor.yaml").write_text(FLOOR)
    (house.flows / "services.yaml").write_text(SERVICES)
    await house.service.reload()
    set_pin(Secrets(house.settings.home), "1002", "482613")
    set_pin(Secrets(house.settings.home), "1003", "930274")
    return house


async def dial(house: House, code: str, phone: str, *keys: str, more: str = "") -> list[str]:
    """Dial a code at a phone; `keys` answer what is asked for, one after the other."""
    opening = environment(phone, more, network_script=f"agent/{code}")
    call = await FakeCall.dial("127.0.0.1", house.service.agi.port, opening)
    left = list(keys)
    commands = await call.play({"GET DATA": lambda _: f"200 result={left.pop(0)}"})
    await call.close()
    return commands


async def heard(house: House, code: str, phone: str, *keys: str, more: str = "") -> str:
    """The name of the phrase that was said in the end, or the words themselves."""
    commands = await dial(house, code, phone, *keys, more=more)
    played = [line.split()[2] for line in commands if line.startswith("STREAM FILE")][-1]
    prompts = {name: phrase(name, "en") for name in fixed_phrases()}
    for title in ("Sales", "Help"):
        prompts[f"joined {title}"] = phrase("queue-joined", "en", queue=title)
        prompts[f"left {title}"] = phrase("queue-left", "en", queue=title)
    for word in ("sold", "call again"):
        prompts[f"noted {word}"] = phrase("disposition-given", "en", disposition=word)
    for name, prompt in prompts.items():
        if str((await house.service.book.path((prompt,))).with_suffix("")) == played:
            return name
    raise AssertionError(played)


def way(house: House, agent: str, queue: str = "sales") -> Way | None:
    return house.service.ways(agent, queue)


# --- desks ---------------------------------------------------------------------------------------


async def test_an_agent_logs_in_at_any_desk_and_is_rung_there_until_they_log_out(
    floor: House,
) -> None:
    assert way(floor, "1002") is None
    assert await heard(floor, "login", "5001", "1002", "482613") == "agent-logged-in"
    assert way(floor, "1002") == Way("PJSIP/5001", "PJSIP/5001")
    assert await heard(floor, "status", "5001") == "agent-ready"
    await floor.restart()
    assert way(floor, "1002") == Way("PJSIP/5001", "PJSIP/5001")
    assert await heard(floor, "logout", "5001") == "agent-logged-out"
    assert way(floor, "1002") is None
    assert await heard(floor, "status", "5001") == "desk-free"


async def test_a_phone_at_which_one_agent_after_the_other_is_tried_is_locked(floor: House) -> None:
    """One PIN for all agents is as good a guess as all PINs for one."""
    for number in range(AT_A_PHONE.burst):
        assert await heard(floor, "login", "5001", f"90{number:02}", "111222") == "desk-wrong"
    assert await heard(floor, "login", "5001", "1002", "482613") == "desk-locked"
    assert await heard(floor, "login", "5002", "1002", "482613") == "agent-logged-in"


async def test_nobody_is_logged_in_by_a_wrong_pin_and_guessing_is_locked(floor: House) -> None:
    for _ in range(TRIES):
        assert await heard(floor, "login", "5001", "1002", "111222") == "desk-wrong"
    assert await heard(floor, "login", "5002", "1002", "482613") == "desk-locked"
    assert floor.state("1002") == "logged_out"
    floor.clock.now += LOCKED_FOR + 1
    assert await heard(floor, "login", "5002", "1002", "482613") == "agent-logged-in"


async def test_who_has_no_pin_or_does_not_exist_is_refused_alike(floor: House) -> None:
    assert await heard(floor, "login", "5001", "1001", "") == "desk-wrong"
    assert await heard(floor, "login", "5001", "9999", "123456") == "desk-wrong"


async def test_who_moves_to_another_desk_leaves_the_first_one_free(floor: House) -> None:
    await dial(floor, "login", "5001", "1002", "482613")
    assert await heard(floor, "login", "5002", "1002", "482613") == "at-this-phone"
    assert way(floor, "1002") == Way("PJSIP/5002", "PJSIP/5002")
    assert await heard(floor, "login", "5001", "1003", "930274") == "agent-logged-in"


async def test_a_desk_speaks_for_who_sits_there_and_asks_nobody_twice(floor: House) -> None:
    await dial(floor, "login", "5001", "1002", "482613")
    assert await heard(floor, "login", "5001") == "agent-ready"
    assert await heard(floor, "pause", "5001") == "agent-paused"
    assert floor.state("1002") == "paused"


async def test_a_desk_that_the_floor_no_longer_has_reaches_nobody(floor: House) -> None:
    await dial(floor, "login", "5001", "1002", "482613")
    text = FLOOR.replace('  "5001": {name: Window desk}\n', "")
    (floor.flows / "floor.yaml").write_text(text)
    await floor.service.reload()
    assert way(floor, "1002") is None


@pytest.mark.parametrize("pin", ["123", "1111", "123456", "12a456", "", "1002"])
def test_a_pin_that_is_guessed_at_once_is_refused(house: House, pin: str) -> None:
    with pytest.raises(IvrError):
        set_pin(Secrets(house.settings.home), "1002", pin)


def test_a_pin_is_kept_as_a_hash_only(house: House) -> None:
    pin = drawn_pin()
    set_pin(Secrets(house.settings.home), "1002", pin)
    kept = (house.settings.home / "secrets.json").read_text()
    assert pin not in kept
    assert "$argon2id$" in kept


# --- mobiles and phones that answer by themselves -------------------------------------------------


async def test_calls_follow_to_the_mobile_and_back(
    floor: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floor.service.in_force, "_trunk", lambda: "carrier")
    assert await heard(floor, "mobile", "1001") == "on-the-mobile"
    found = way(floor, "1001")
    assert found is not None
    assert (found.dial, found.device) == ("PJSIP/+8613800138000@trunk-carrier", "")
    assert found.options(whisper=True) == f"b(leg-mobile^s^1)U({CONFIRM})"
    assert await heard(floor, "mobile", "1001") == "at-this-phone"
    assert way(floor, "1001") == Way("PJSIP/1001", "PJSIP/1001")


async def test_a_mobile_that_may_not_be_dialled_is_refused(floor: House) -> None:
    await dial(floor, "login", "5001", "1003", "930274")
    assert await heard(floor, "mobile", "5001") == "no-mobile"
    assert floor.agent("1003").phone == "5001"


async def test_a_queue_whose_calls_are_answered_by_the_phone_itself_says_so(floor: House) -> None:
    floor.log_in("1001")
    found = way(floor, "1001", "help")
    assert found is not None
    assert found.prepare == PREPARE_ANSWERING
    assert found.options(whisper=False) == "b(leg-answering^s^1)U(beep)"


async def test_who_calls_is_said_on_a_mobile_with_or_without_a_whisper(house: House) -> None:
    book = house.service.book
    assert await who_calls(book, CallerCard("Ann", "", "/whispered")) == "/whispered"
    assert await who_calls(book, CallerCard("Ann", "")) != "/whispered"
    house.voice.fails = SpeechFailed("no voice")
    said = await who_calls(book, CallerCard("Somebody new", ""))
    assert said == str(book.fallback("en").with_suffix(""))


# --- one queue ------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", ["2", "4102"])
async def test_one_queue_is_left_and_joined_by_its_place_or_number(floor: House, keys: str) -> None:
    floor.log_in("1001")
    assert await heard(floor, "queue", "1001", more=keys) == "left Help"
    assert floor.agent("1001").out_of == ("help",)
    assert await heard(floor, "queue", "1001", more=keys) == "joined Help"
    assert floor.agent("1001").out_of == ()


async def test_a_queue_that_is_not_theirs_is_refused(floor: House) -> None:
    floor.log_in("1003")
    for keys in ("2", "0", "4102", "9999", ""):
        assert await heard(floor, "queue", "1003", more=keys) == "no-such-queue"


# --- how a call ended -----------------------------------------------------------------------------


def finish_a_call(house: House, agent: str = "1001") -> None:
    send, now = house.service.distributor.send, house.clock()
    send(LoggedIn(now, agent))
    send(CallQueued(now, f"x.{agent}", "x", "sales", {}, 0, now, agent))
    offer = house.agent(agent).offer or ""
    send(OfferAnswered(now, offer))
    send(AgentReleased(now, offer))


async def test_wrap_up_ends_only_when_the_phone_was_told_how_the_call_ended(floor: House) -> None:
    finish_a_call(floor)
    for code in ("finish", "ready", "status"):
        assert await heard(floor, code, "1001") == "disposition-due", code
    assert await heard(floor, "disposition", "1001", more="3") == "no-such-disposition"
    assert await heard(floor, "disposition", "1001") == "disposition-due"
    assert await heard(floor, "disposition", "1001", more="2") == "noted call again"
    assert floor.told("x", "disposition") == [{"agent": "1001", "disposition": "call-again"}]
    assert await heard(floor, "finish", "1001") == "wrap-up-ended"
    assert await heard(floor, "disposition", "1001", more="1") == "no-disposition"


async def test_a_wrap_up_is_made_longer_from_the_phone(floor: House) -> None:
    finish_a_call(floor)
    before = floor.agent("1001").wrap_up_until
    assert await heard(floor, "extend", "1001") == "wrap-up-extended"
    assert floor.agent("1001").wrap_up_until == (before or 0) + 60
    floor.log_in("1003")
    assert await heard(floor, "extend", "5001") == "desk-free"
