"""What strangers and agents' phones may ask for: to be somebody, to move a call, to change it.

Judged on the wire: what Asterisk tells the service and is told, what the agent's phone is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import product

import pytest
import pytest_asyncio

from tests.e2e.conftest import Phones
from tests.e2e.hostile import Headers, RawPhone, raw_agent, sdp
from tests.e2e.hostile_judge import gone, ring, two_people_talk, unharmed
from tests.e2e.hostile_tap import AgiTalk, Tap, tapped
from tests.e2e.hostile_words import NOT_NUMBERS, WORDS, nowhere_targets
from tests.e2e.house import House, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tap(house: House) -> AsyncIterator[Tap]:
    async with tapped(house) as tap:
        yield tap
        tap.sessions()
        tap.actions()


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def nothing_breaks(house: House) -> AsyncIterator[None]:
    async with unharmed(house):
        yield


# --- what a stranger may ask for ----------------------------------------------------------------


async def test_a_stranger_reaches_the_line_and_nothing_behind_it(house: House, tap: Tap) -> None:
    domain, before = house.domain.encode(), len(tap.agi)
    async with raw_agent(house, "1002") as agent, RawPhone.open(house.domain) as stranger:
        for inside in (b"1002", b"4104", b"2001"):
            leg = await stranger.up(inside)
            await until(lambda: tap.calls(before)[-1].has("STREAM FILE"), why="words are said")
            for target in (b"sip:1002@" + domain, b"sip:*40@" + domain, b"sip:4104@" + domain):
                assert await leg.refer(target) == 603
            await leg.hang_up()
        assert not [talk for talk in tap.calls(before) if talk.has("EXEC")]
        for code in (b"*40", b"*41", b"*42", b"*43", b"*431", b"*44", b"*45"):
            assert await stranger.call(code) == 404
        there = b"sip:1002@" + domain
        subscribe = {"Event": b"dialog", "Accept": b"application/dialog-info+xml", "Expires": b"9"}
        asked = {
            "SUBSCRIBE": subscribe,
            "REFER": {"Refer-To": b"<sip:4104@%s>" % domain},
            "MESSAGE": {"Content-Type": b"text/plain"},
            "PUBLISH": {"Event": b"presence", "Expires": b"9"},
            "REGISTER": {"Expires": b"60", "To": b"<sip:1002@%s>" % domain},
            "NOTIFY": {"Event": b"check-sync"},
        }
        for method, headers in asked.items():
            answer = await stranger.ask(method, there, headers)
            assert answer is not None, method
            assert answer.status in (401, 403, 404, 489, 501, 603), answer.raw
        assert agent.ringing.empty()
        assert house.agent("1002").state == "ready"
        rung = await ring(stranger, agent, b"")
        assert rung is not None, "the phone is where its owner registered it"


async def test_nobody_is_an_agent_without_the_password(house: House) -> None:
    for user, password in (("1003", ""), ("1003", "guess"), ("1003", house.password("1002"))):
        async with RawPhone.open(house.domain, user, password) as thief:
            assert await thief.register() == 401
            assert [await thief.call(number) for number in (b"*41", b"4001", b"1002")] == [401] * 3
            answer = await thief.ask("SUBSCRIBE", b"sip:1002@" + house.domain.encode())
            assert answer is not None
            assert answer.status == 401
    async with RawPhone.open(house.domain, "1002", house.password("1002")) as neighbour:
        # Signed in as oneself, in somebody else's name.
        mine = {"From": b"<sip:1003@%s>" % house.domain.encode()}
        assert await neighbour.call(b"*41", mine) == 401
    assert house.agent("1003").state == "logged_out"


# --- what an agent's phone may ask for ----------------------------------------------------------


async def test_an_agent_moves_a_caller_where_the_floor_says_and_nowhere_else(
    house: House, tap: Tap
) -> None:
    known = set(house.contacts())
    async with raw_agent(house, "1002") as agent, RawPhone.open(house.domain) as caller:
        line = await caller.up(b"4900")
        leg = await agent.pick_up(await agent.rings())
        await until(lambda: house.agent("1002").state == "talking")
        (contact,) = set(house.contacts()) - known
        before, channels = len(tap.agi), len(tap.channels())
        for target in nowhere_targets(house.domain.encode()):
            assert await leg.refer(target) in (400, 404, 481), target
        assert house.agent("1002").state == "talking"
        assert (len(tap.agi), len(tap.channels())) == (before, channels)
        assert await leg.refer(b"sip:41-05@elsewhere.example") == 200
        await until(lambda: "loans" in [row.queue for row in house.calls()], why="it waits there")
        told = [event.data for event in house.story(contact) if event.kind == "transferred"]
        assert told == [{"by": "1002", "to": "4105"}]
        await line.hang_up()
        await gone(house)


async def test_a_phone_that_sends_its_calls_elsewhere_takes_no_caller_along(
    house: House, tap: Tap
) -> None:
    """302: obeyed, the caller would land outside the floor, or in the same flow twice."""
    for to in (b"1003", b"*41", b"4900", b"4104%0d%0aAction:%20Hangup"):
        async with (
            raw_agent(house, "1002") as agent,
            RawPhone.open(house.domain, "1003", house.password("1003")) as other,
            RawPhone.open(house.domain) as caller,
        ):
            assert await other.register() == 200
            before, channels = len(tap.agi), tap.channels()
            line = await caller.up(b"4900")
            invite = await agent.rings()
            elsewhere = b"<sip:%s@%s>" % (to, house.domain.encode())
            agent.answer(invite, b"302 Moved Temporarily", elsewhere)
            await until(lambda: not house.calls()[0].agent, why="the offer is over")
            (row,) = house.calls()
            assert row.state == "waiting"
            assert other.ringing.empty()
            await line.hang_up()
            await gone(house)
            told = [e.data["cause"] for e in house.story(row.contact) if e.kind == "offer_failed"]
            assert told in (["rejected"], ["unreachable"])
            # The agent's, the caller's, and none that the phone asked for.
            assert len(tap.channels() - channels) == 2
            assert len(tap.agi) == before + 1
            await other.register(0)


async def test_callers_who_hang_up_while_it_rings_cannot_pause_an_agent(house: House) -> None:
    async with raw_agent(house, "1002") as agent, RawPhone.open(house.domain) as caller:
        before = house.agent("1002")
        for _ in range(8):
            assert await ring(caller, agent, b"") is not None
        await gone(house)
        row = house.agent("1002")
        assert row.state == "ready"
        for count in ("no_answer", "rejected", "busy", "unreachable", "streak"):
            assert getattr(row, count) == getattr(before, count), count


async def test_an_agents_phone_is_who_it_signed_in_as_whatever_it_calls_itself(
    house: House, tap: Tap
) -> None:
    async with (
        raw_agent(house, "1002") as agent,
        RawPhone.open(house.domain, "1003", house.password("1003")) as other,
    ):
        before = len(tap.agi)
        for word in WORDS:
            name = {"From": b'"%s" <sip:1002@127.0.0.1>' % word, "P-Asserted-Identity": word}
            await (await agent.up(b"*45", name)).hang_up()
        talks = [AgiTalk.of(talk) for talk in tap.agi[before:]]
        assert len(talks) == len(WORDS)
        for talk in talks:
            told = talk.environment
            assert told["agi_network_script"] == "agent/status"
            assert (told["agi_arg_1"], told["agi_callerid"]) == ("1002", "1002")
            assert told["agi_calleridname"] == "Li Na"
        assert await other.register() == 200
        for word in WORDS:
            name = {"From": b'"%s" <sip:1002@127.0.0.1>' % word}
            calling = asyncio.create_task(agent.call(b"1003", name))
            invite = await other.rings()
            assert invite.one("From").startswith('"Li Na" <sip:1002@')
            assert not [name for name in invite.names if name.startswith("x-")]
            other.answer(invite, b"486 Busy Here")
            assert await calling == 486
        agent.seconds = 0.7
        users = [user for user in NOT_NUMBERS if user.isascii() and user[:2] != b"*4"]
        answers = await asyncio.gather(*(agent.call(user) for user in users))
        for user, answer in zip(users, answers, strict=True):
            assert answer in (0, 400, 404, 416, 484), user
        await other.register(0)


async def test_no_agent_can_dial_a_code_with_a_colleagues_phone(house: House) -> None:
    """A transfer moves the other phone into the dialplan, where its owner's codes would work."""
    here = b"@" + house.domain.encode()
    async with (
        RawPhone.open(house.domain, "1002", house.password("1002")) as agent,
        raw_agent(house, "1003") as colleague,
    ):
        for number in (b"1003", b"4900"):
            calling = asyncio.create_task(agent.up(number))
            theirs = await colleague.pick_up(await colleague.rings())
            ours = await calling
            await asyncio.sleep(0.2)  # a REFER is refused until the two are joined
            for side in (ours, theirs):
                for code in (b"*40", b"*43", b"4001", b"4900"):
                    assert await side.refer(b"sip:" + code + here) == 404
            await ours.hang_up()
        await gone(house)
        assert house.agent("1003").state in ("ready", "wrap_up")


# --- in the middle of a call --------------------------------------------------------------------


async def test_no_key_that_sip_can_carry_throws_a_caller_out(house: House, tap: Tap) -> None:
    """SIP INFO has keys that no phone has; each ends the wait for a key, and none the wait."""
    info: Headers = {"Content-Type": b"application/dtmf-relay"}
    before = len(tap.agi)

    def waits() -> int:
        (talk,) = tap.calls(before)
        return sum(command.startswith("WAIT FOR DIGIT") for command in talk.commands)

    async with RawPhone.open(house.domain) as caller:
        line = await caller.up(b"4900")
        await until(waits, why="the caller waits")
        (row,) = house.calls()
        for key in (b"a", b"d", b"D", b"+5", b"-0", b"#", b"5"):
            known = waits()
            answer = await line.ask("INFO", info, b"Signal=" + key + b"\r\nDuration=100\r\n")
            assert answer is not None
            assert answer.status == 200
            await until(partial(more_than, known, waits), why=f"{key!r} is heard")
        for noise in (b"!", b"16", b"x", b"99", b"9" * 999):
            await line.ask("INFO", info, b"Signal=" + noise + b"\r\nDuration=-5\r\n")
        async with raw_agent(house, "1002") as agent:
            assert (await agent.rings()).one("X-Tieline-Contact") == row.contact
            await line.hang_up()
            await gone(house)
    assert [e.kind for e in house.story(row.contact)].count("queued") == 1


def more_than(known: int, count: Callable[[], int]) -> bool:
    return count() > known


async def test_nothing_said_in_mid_call_changes_who_the_other_side_is(house: House) -> None:
    claims: Headers = {
        "P-Asserted-Identity": b'"Bank" <sip:95588@bank>',
        "Remote-Party-ID": b'"Bank" <sip:95588@bank>;party=calling;screen=yes',
        "Diversion": b"<sip:1001@bank>;reason=unconditional",
    }
    async with raw_agent(house, "1002") as agent, RawPhone.open(house.domain) as caller:
        line = await caller.up(b"4900")
        leg = await agent.pick_up(await agent.rings())
        await until(lambda: house.agent("1002").state == "talking")
        heard = len(caller.heard), len(agent.heard)
        for side in (line, leg):
            for method, body in product(("INVITE", "UPDATE"), (sdp(9), sdp(0), b"junk", b"")):
                answer = await side.ask(method, claims, body)
                assert answer is not None
                assert answer.status in (200, 415, 488)
        for phone, since in zip((caller, agent), heard, strict=True):
            asked = [message for message in phone.heard[since:] if not message.status]
            assert {message.method for message in asked} <= {"ACK"}, "nobody else was told"
        assert house.agent("1002").state == "talking"
        await line.hang_up()
        await gone(house)


async def test_after_all_this_two_people_talk_as_ever(tap: Tap, phones: Phones) -> None:
    assert not {"Originate", "Redirect", "Command"} & set(tap.actions())
    await two_people_talk(phones)
