"""The instruments themselves, against a real Asterisk with a dozen lines of dialplan.

What the other end-to-end tests conclude from a phone, an ear or sipp is only worth what is shown
here: that they see what happens on the line, and say so when it does not.
"""

from __future__ import annotations

import asyncio
import time
import wave
from array import array
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from ivr.asterisk.process import AsteriskProcess, socket_folder
from ivr.asterisk.provision import Toolchain, ensure_asterisk, ensure_tools
from ivr.demo.ear import FRAME_SECONDS, RATE, Ear, loudness, tone
from ivr.demo.phone import Line, LineState, PhoneError, PhoneRack, SoftPhone, who
from ivr.settings import load_settings
from tests.e2e.rtp import DECODED, ulaw
from tests.e2e.sipp import Sipp, free_port

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

AGENTS = ("1001", "1002", "1003")
GREETING_HZ = 1900
GREETING_SECONDS = 1.0

MODULES = """
res_pjproject res_sorcery_config res_sorcery_memory res_sorcery_astdb res_pjsip res_pjsip_session
res_pjsip_pubsub res_pjsip_registrar res_pjsip_authenticator_digest res_pjsip_caller_id
res_pjsip_endpoint_identifier_user res_pjsip_endpoint_identifier_anonymous res_pjsip_sdp_rtp
res_pjsip_refer res_pjsip_header_funcs res_pjsip_nat chan_pjsip res_rtp_asterisk res_timing_timerfd
codec_ulaw format_wav bridge_simple bridge_builtin_features pbx_config app_dial app_playback
app_stack func_callerid
"""
DIALPLAN = """
[inbound]
exten => 600,1,Answer()
 same => n,Wait(0.5)
 same => n,Playback({greeting})
 same => n,Hangup()
exten => _10XX,1,Dial(PJSIP/${{EXTEN}},20,b(context^s^1))
 same => n,Hangup(${{HANGUPCAUSE}})
[agents]
exten => _10XX,1,Goto(inbound,${{EXTEN}},1)
[context]
exten => s,1,Set(PJSIP_HEADER(add,X-Tieline-Contact)=c-1)
 same => n,Return()
"""
ENDPOINT = """
type = endpoint
allow = !all,ulaw
direct_media = no
rtp_symmetric = yes
force_rport = yes
rewrite_contact = yes
"""
AGENT = """
[{user}]
context = agents
auth = {user}
aors = {user}
{endpoint}
[{user}]
type = auth
auth_type = userpass
username = {user}
password = secret-{user}
[{user}]
type = aor
max_contacts = 1
remove_existing = yes
qualify_frequency = 30
"""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A small Asterisk, the agents' phones on it, and sipp to ring it."""

    domain: str
    rack: PhoneRack
    agents: tuple[SoftPhone, ...]
    sipp: Sipp

    async def caller(self, name: str = "Mei Lin 林", number: str = "+8613812345678") -> SoftPhone:
        return await self.rack.caller(number, name, self.domain)

    async def talk(self, caller: SoftPhone, agent: SoftPhone) -> tuple[Line, Line]:
        """A call between two phones, joined: answered is not enough for keys and REFER."""
        line = await caller.dial(agent.user)
        other = await self.pick_up(agent)
        await line.answered(5)
        line.hum()
        await other.hears(caller, 5)
        line.hush()
        return line, other

    @staticmethod
    async def pick_up(agent: SoftPhone) -> Line:
        """The agent takes the next call."""
        line = await agent.incoming(5)
        await line.answer()
        return line


def configure(folder: Path, chain: Toolchain, port: int) -> Path:
    """Writes the configuration; the path of its asterisk.conf."""
    etc = folder / "etc"
    etc.mkdir()
    greeting = folder / "greeting"
    with wave.open(str(greeting.with_suffix(".wav")), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(tone(GREETING_HZ, GREETING_SECONDS))
    directories = {
        "astetcdir": etc,
        "astmoddir": chain.modules_dir,
        "astdatadir": chain.data_dir,
        "astrundir": socket_folder(folder),
        **dict.fromkeys(("astvarlibdir", "astdbdir", "astkeydir", "astspooldir"), folder),
        **dict.fromkeys(("astlogdir", "astcachedir", "astagidir"), folder),
    }
    lines = "\n".join(f"{name} => {path}" for name, path in directories.items())
    agents = "\n".join(AGENT.format(user=user, endpoint=ENDPOINT) for user in AGENTS)
    texts = {
        "asterisk": f"[directories]\n{lines}\n[options]\ntransmit_silence = yes\n",
        "modules": "[modules]\nautoload = no\n"
        + "\n".join(f"load = {name}.so" for name in MODULES.split()),
        "logger": "[logfiles]\nmessages.log => warning,error\n",
        "rtp": "[general]\nrtpstart = 15000\nrtpend = 15998\n",
        "extensions": DIALPLAN.format(greeting=greeting),
        "pjsip": f"[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{port}\n"
        f"[anonymous]\ncontext = inbound\n{ENDPOINT}\n{agents}",
    }
    for name, text in texts.items():
        (etc / f"{name}.conf").write_text(text)
    return etc / "asterisk.conf"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def exchange(
    tmp_path_factory: pytest.TempPathFactory, rack: PhoneRack
) -> AsyncIterator[Exchange]:
    folder = tmp_path_factory.mktemp("exchange")
    settings = load_settings(env={"TIELINE_HOME": str(folder / "home")}, cwd=folder)
    chain = ensure_asterisk(settings, lambda *_: None)
    tool = ensure_tools(settings, ("sipp",), lambda *_: None)["sipp"]
    port = free_port()
    domain = f"127.0.0.1:{port}"
    asterisk = AsteriskProcess(chain, configure(folder, chain, port), folder / "stdout.log")
    await asterisk.start(adopt=False)
    try:
        agents = [await rack.phone(user, f"secret-{user}", domain) for user in AGENTS]
        yield Exchange(domain, rack, tuple(agents), Sipp(tool, domain, folder / "sipp"))
        for agent in agents:
            await agent.close()
    finally:
        await asterisk.stop()


# --- phones -----------------------------------------------------------------------------------


async def test_a_wrong_password_does_not_register(exchange: Exchange) -> None:
    with pytest.raises(PhoneError, match="401"):
        await exchange.rack.phone("1001", "a guess", exchange.domain)


async def test_two_phones_see_and_hear_each_other(exchange: Exchange) -> None:
    ana, ben, _ = exchange.agents
    line, other = await exchange.talk(await exchange.caller(), ana)
    assert (other.caller_name, other.caller_number) == ("Mei Lin 林", "+8613812345678")
    assert other.headers["X-Tieline-Contact"] == "c-1"
    line.hum()
    other.hum()
    assert await line.hears(ana, 5) < 2
    assert await other.hears_tone(line.phone.tone_hz, 5) < 2
    with pytest.raises(TimeoutError, match=f"no tone of {ben.tone_hz} Hz"):
        await line.hears(ben, 0.2)
    await line.hang_up()
    assert await other.ended(5) == "the other side hung up"
    assert line.end_reason == "hung up here"
    assert not ana.lines


async def test_keys_arrive_in_order_in_both_directions(exchange: Exchange) -> None:
    line, other = await exchange.talk(await exchange.caller(), exchange.agents[0])
    await asyncio.gather(line.press("1*"), other.press("#D"))
    assert [await other.key(5) for _ in "1*"] == ["1", "*"]
    assert [await line.key(5) for _ in "#D"] == ["#", "D"]
    await line.hang_up()
    await other.ended(5)


async def test_what_is_spoken_is_heard_for_as_long_and_then_there_is_silence(
    exchange: Exchange,
) -> None:
    line, other = await exchange.talk(await exchange.caller(), exchange.agents[0])
    await other.hears_silence(0.2, 5)
    before = other.heard_seconds
    await line.speak(700, 0.6)
    await other.hears_silence(0.2, 5)
    assert other.heard_seconds - before == pytest.approx(0.6, abs=0.06)
    await line.hang_up()
    await other.ended(5)


async def test_a_held_line_is_silent_until_it_is_taken_up_again(exchange: Exchange) -> None:
    ana = exchange.agents[0]
    line, other = await exchange.talk(await exchange.caller(), ana)
    other.hum()
    await line.hears(ana, 5)
    await other.hold()
    await line.hears_silence(0.3, 5)
    before = line.heard_seconds
    await other.resume()
    await line.hears(ana, 5)
    assert line.heard_seconds > before
    await line.hang_up()
    await other.ended(5)


async def test_refer_moves_the_caller_to_another_phone(exchange: Exchange) -> None:
    ana, ben, _ = exchange.agents
    line, first = await exchange.talk(await exchange.caller(), ana)
    _, second = await asyncio.gather(first.blind_transfer(ben.user), exchange.pick_up(ben))
    assert first.state is LineState.ENDED
    assert second.caller_number == "+8613812345678"
    second.hum()
    await line.hears(ben, 5)
    await second.hang_up()
    await line.ended(5)


async def test_a_refer_to_nowhere_is_refused_and_the_call_goes_on(exchange: Exchange) -> None:
    line, other = await exchange.talk(await exchange.caller(), exchange.agents[0])
    with pytest.raises(PhoneError, match="404"):
        await other.blind_transfer("5999")
    assert other.state is line.state is LineState.TALKING
    await line.hang_up()
    await other.ended(5)


async def test_a_busy_phone_is_told_to_the_caller(exchange: Exchange) -> None:
    ana, ben, _ = exchange.agents
    line = await ana.dial(ben.user)
    await (await ben.incoming(5)).reject()
    assert await line.ended(5) == "486 Busy Here"


async def test_a_caller_who_leaves_stops_the_ringing(exchange: Exchange) -> None:
    ana, ben, _ = exchange.agents
    line = await ana.dial(ben.user)
    ringing = await ben.incoming(5)
    await line.ringing(5)
    await line.hang_up()
    assert await ringing.ended(5) == "the other side hung up"
    with pytest.raises(PhoneError, match="1002 cannot answer"):
        await ringing.answer()


async def test_the_first_sound_is_timed_from_the_dialling(exchange: Exchange) -> None:
    line = await (await exchange.caller()).dial("600")
    answered = await line.answered(5)
    heard = await line.hears_sound(5)
    assert heard - answered == pytest.approx(0.5, abs=0.1)
    await line.hears_tone(GREETING_HZ, 5)
    await line.ended(5)
    assert line.heard_seconds == pytest.approx(GREETING_SECONDS, abs=0.06)
    with pytest.raises(EOFError, match="the line ended: no tone"):
        await line.hears_tone(300, 5)


# --- sipp -------------------------------------------------------------------------------------


async def test_the_caller_of_sipp_hears_and_is_heard_and_its_keys_arrive(
    exchange: Exchange,
) -> None:
    ana = exchange.agents[0]
    async with exchange.sipp.call(ana.user, name="Zoë") as call:
        line = await ana.incoming(5)
        assert line.caller_name == "Zoë"
        await line.answer()
        await call.answered()
        line.hum()
        call.media.hum(1300)
        await call.media.ear.hears_tone(ana.tone_hz, 5)
        await line.hears_tone(1300, 5)
        await asyncio.gather(call.media.press("42"), line.press("0#"))
        assert [await line.key(5) for _ in "42"] == ["4", "2"]
        assert [await call.media.key(5) for _ in "0#"] == ["0", "#"]
        assert call.media.packets > 20
        outcome = await call.hang_up()
    assert (outcome.exit_code, outcome.status, outcome.errors) == (0, 200, "")
    assert await line.ended(5) == "the other side hung up"


async def test_sipp_waits_for_the_other_side_to_hang_up(exchange: Exchange) -> None:
    async with exchange.sipp.call("600") as call:
        await call.answered()
        assert await call.media.ear.hears_sound(5) == pytest.approx(0.5, abs=0.15)
        outcome = await call.ended(5)
        assert call.hung_up_by_peer
    assert outcome.exit_code == 0
    assert call.media.ear.heard_seconds == pytest.approx(GREETING_SECONDS, abs=0.06)


async def test_sipp_tells_of_a_refused_call(exchange: Exchange) -> None:
    async with exchange.sipp.call("4999") as call:
        with pytest.raises(PhoneError, match="404"):
            await call.answered()
        outcome = await call.ended(5)
    assert (outcome.exit_code, outcome.status) == (0, 404)


async def test_raw_bytes_reach_the_exchange(exchange: Exchange) -> None:
    ana = exchange.agents[0]
    display = b'"[call_id] ]]> ;${SHELL(id)} \xff"'
    async with exchange.sipp.hostile(uri_user=ana.user, display=display, to_user="%0a") as call:
        line = await ana.incoming(5)
        assert line.caller_name.startswith("[call_id] ]]> ;${SHELL(id)} ")
        invite = await call.invite()
        assert b"From: " + display in invite.raw
        assert "To: <sip:%0a@" in invite.text
        await line.answer()
        assert (await call.hang_up()).exit_code == 0
    await line.ended(5)


async def test_a_phone_can_decline_with_any_answer(exchange: Exchange) -> None:
    ana, _, cai = exchange.agents
    async with exchange.sipp.refusing_phone("1003", "secret-1003", "603 Decline") as phone:
        line = await ana.dial("1003")
        await line.ended(5)
        assert line.end_reason == "403 Forbidden"
        assert (await phone.outcome(5)).exit_code == 0
    await cai.register()


# --- ears -------------------------------------------------------------------------------------


async def test_an_ear_ignores_a_click_and_dates_a_sound() -> None:
    ear = Ear(began=100.0)
    quiet = bytes(2 * RATE)
    loud = tone(440, 0.1)
    ear.feed(quiet[: len(quiet) // 2], at=100.5)
    ear.feed(tone(440, FRAME_SECONDS) + quiet[: len(quiet) // 10], at=100.6)
    assert ear.first_sound is None
    ear.feed(loud, at=101.0)
    assert await ear.hears_sound(0.1) == pytest.approx(0.92, abs=0.001)
    assert ear.heard_seconds == pytest.approx(0.1)
    with pytest.raises(TimeoutError, match="no sound"):
        await ear.hears_sound(0.1, after=1.0)


async def test_silence_is_counted_from_the_last_sound() -> None:
    ear = Ear()
    ear.feed(tone(440, 0.1))
    began = time.monotonic()
    await ear.hears_silence(0.2, 1)
    assert time.monotonic() - began == pytest.approx(0.2, abs=0.05)


async def test_mu_law_keeps_a_tone() -> None:
    sent = tone(1000, 0.1)
    heard = array("h", (DECODED[code] for code in ulaw(sent)))
    assert loudness(heard) == pytest.approx(loudness(array("h", sent)), abs=0.2)
    assert ulaw(bytes(4)) == b"\xff\xff"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ('"Mei \\"M\\" \\\\ Lin" <sip:+86138@127.0.0.1>;tag=1', ('Mei "M" \\ Lin', "+86138")),
        ("Mei Lin <sip:100@host;x=y>", ("Mei Lin", "100")),
        ("<sip:anonymous@anonymous.invalid>", ("", "anonymous")),
        ("<sip:%E6%9E%97@host>", ("", "林")),
        ("<sip:host>", ("", "")),
    ],
)
async def test_a_from_header_gives_name_and_number(address: str, expected: tuple[str, str]) -> None:
    assert who(address) == expected
