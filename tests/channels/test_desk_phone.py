"""Feature codes: each in each state does what it can and says what is true."""

from __future__ import annotations

import pytest

from acd.model import (
    AgentReleased,
    CallQueued,
    LoggedIn,
    LoggedOut,
    OfferAnswered,
    Paused,
)
from ivr.agi.fake import FakeCall, environment
from ivr.speech.engine import SpeechFailed
from ivr.speech.phrases import paused_for, phrase
from tests.shell.house import FLOOR, House

STATES = ("logged_out", "ready", "paused", "offered", "talking", "wrap_up")


async def six_agents(house: House) -> None:
    """1001 to 1006, one for each state."""
    names = "".join(f'  "100{n}": {{name: A, queues: [sales]}}\n' for n in range(1, 7))
    (house.flows / "floor.yaml").write_text(FLOOR.partition("agents:")[0] + f"agents:\n{names}")
    await house.service.reload()


def bring(house: House, state: str, agent: str = "1001") -> None:
    """Bring an agent who is logged out into a state, by the distributor's own events."""
    send, now = house.service.distributor.send, house.clock()
    if state == "logged_out":
        return
    send(LoggedIn(now, agent))
    if state == "paused":
        send(Paused(now, agent, "lunch"))
    if state in ("offered", "talking", "wrap_up"):
        send(CallQueued(now, f"x.{agent}", "x", "sales", {}, 0, now, agent))
        offer = house.agent(agent).offer or ""
        if state != "offered":
            send(OfferAnswered(now, offer))
        if state == "wrap_up":
            send(AgentReleased(now, offer))
    assert house.state(agent) == state


async def dial(house: House, code: str, agent: str = "1001", key: str = "") -> list[str]:
    """Dial a feature code; the commands of the session."""
    opening = environment(agent, key, network_script=f"agent/{code}")
    call = await FakeCall.dial("127.0.0.1", house.service.agi.port, opening)
    commands = await call.play()
    await call.close()
    return commands


async def heard(house: House, code: str, agent: str = "1001", key: str = "") -> str:
    """Dial a code, and the text that belongs to the file that was played."""
    commands = await dial(house, code, agent, key)
    assert commands[-1] == "SET VARIABLE TIELINE_DONE yes"
    (played,) = [line.split()[2] for line in commands if line.startswith("STREAM FILE")]
    names = [
        "agent-logged-in",
        "agent-logged-out",
        "agent-ready",
        "agent-paused",
        "agent-paused-after-call",
        "agent-not-logged-in",
        "agent-busy",
        "agent-unknown",
        "no-wrap-up",
        "no-such-reason",
        "wrap-up-ended",
    ]
    prompts = {name: phrase(name, "en") for name in names}
    prompts |= {f"paused {word}": paused_for(word, "en") for word in ("lunch", "break")}
    for name, prompt in prompts.items():
        path = await house.service.book.path((prompt,))
        if str(path.with_suffix("")) == played:
            return name
    raise AssertionError(f"no phrase of ours: {played}")


TABLE = {
    "login": (
        ("agent-logged-in", "ready"),
        ("agent-ready", "ready"),
        ("paused lunch", "paused"),
        ("agent-busy", "offered"),
        ("agent-busy", "talking"),
        ("agent-busy", "wrap_up"),
    ),
    "logout": (
        ("agent-logged-out", "logged_out"),
        ("agent-logged-out", "logged_out"),
        ("agent-logged-out", "logged_out"),
        ("agent-logged-out", "offered"),
        ("agent-logged-out", "talking"),
        ("agent-logged-out", "wrap_up"),
    ),
    "ready": (
        ("agent-ready", "ready"),
        ("agent-ready", "ready"),
        ("agent-ready", "ready"),
        ("agent-ready", "offered"),
        ("agent-ready", "talking"),
        ("agent-ready", "ready"),
    ),
    "pause": (
        ("agent-not-logged-in", "logged_out"),
        ("agent-paused", "paused"),
        ("agent-paused", "paused"),
        ("agent-paused-after-call", "offered"),
        ("agent-paused-after-call", "talking"),
        ("agent-paused", "wrap_up"),
    ),
    "finish": (
        ("no-wrap-up", "logged_out"),
        ("no-wrap-up", "ready"),
        ("no-wrap-up", "paused"),
        ("no-wrap-up", "offered"),
        ("no-wrap-up", "talking"),
        ("wrap-up-ended", "ready"),
    ),
    "status": (
        ("agent-not-logged-in", "logged_out"),
        ("agent-ready", "ready"),
        ("paused lunch", "paused"),
        ("agent-busy", "offered"),
        ("agent-busy", "talking"),
        ("agent-busy", "wrap_up"),
    ),
}


@pytest.mark.parametrize("code", TABLE)
async def test_each_code_in_each_state_says_what_is_true(house: House, code: str) -> None:
    await six_agents(house)
    agents = [f"100{n}" for n in range(1, 7)]
    for agent, state in zip(agents, STATES, strict=True):
        bring(house, state, agent)
    came = [(await heard(house, code, agent), house.state(agent)) for agent in agents]
    assert came == list(TABLE[code])


async def test_a_phone_of_no_agent_is_told_so(house: House) -> None:
    for code in TABLE:
        assert await heard(house, code, agent="1009") == "agent-unknown"
        assert await heard(house, code, agent="") == "agent-unknown"


@pytest.mark.parametrize(("key", "reason"), [("1", "lunch"), ("2", "break")])
async def test_a_digit_after_the_pause_code_is_the_reason(
    house: House, key: str, reason: str
) -> None:
    bring(house, "ready")
    assert await heard(house, "pause", key=key) == f"paused {reason}"
    assert house.agent("1001").reason == reason


async def test_a_reason_that_does_not_exist_changes_nothing(house: House) -> None:
    bring(house, "ready")
    for key in ("0", "3", "9", "x", "²"):
        assert await heard(house, "pause", key=key) == "no-such-reason"
    assert house.state("1001") == "ready"


@pytest.mark.parametrize(
    ("reasons", "usual"), [("[lunch, break]", "break"), ("[lunch, tea]", "lunch"), ("[]", "break")]
)
async def test_a_pause_without_a_digit_has_a_reason_of_this_floor(
    house: House, reasons: str, usual: str
) -> None:
    text = FLOOR.replace("[lunch, break]", reasons)
    (house.flows / "floor.yaml").write_text(text)
    await house.service.reload()
    bring(house, "ready")
    await dial(house, "pause")
    assert (house.state("1001"), house.agent("1001").reason) == ("paused", usual)


async def test_a_break_asked_for_during_wrap_up_begins_when_it_is_finished(house: House) -> None:
    bring(house, "wrap_up")
    await dial(house, "pause", key="1")
    assert await heard(house, "finish") == "paused lunch"
    assert house.state("1001") == "paused"


async def test_the_way_home_asked_for_during_wrap_up_is_taken_when_it_is_finished(
    house: House,
) -> None:
    bring(house, "wrap_up")
    house.service.distributor.send(LoggedOut(house.clock(), "1001"))
    assert await heard(house, "finish") == "agent-logged-out"
    assert house.state("1001") == "logged_out"


async def test_without_a_voice_the_code_works_and_a_chime_says_so(house: House) -> None:
    bring(house, "ready")
    house.voice.fails = SpeechFailed("no voice")
    (house.flows / "floor.yaml").write_text(FLOOR.replace("lunch", "siesta"))
    await house.service.reload()
    commands = await dial(house, "pause", key="1")
    assert commands[-1] == "SET VARIABLE TIELINE_DONE yes"
    assert house.agent("1001").reason == "siesta"


async def test_what_cannot_be_written_down_is_not_confirmed(house: House) -> None:
    with house.full_disk():
        commands = await dial(house, "login")
    assert "SET VARIABLE TIELINE_DONE yes" not in commands
    assert house.state("1001") == "logged_out"
