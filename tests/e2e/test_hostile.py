"""Everything a stranger may send: it stays words, or is refused.

Judged on the wire: what Asterisk tells the service and is told, what the agent's phone is sent.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from ivr.demo.phone import LineState
from tests.e2e.conftest import Phones
from tests.e2e.hostile import Leg, RawPhone, raw_agent
from tests.e2e.hostile_judge import gone, processed_calls, ring, two_people_talk, unharmed
from tests.e2e.hostile_sockets import BAD, Lateness, lifetime, stopwatch
from tests.e2e.hostile_tap import Tap, tapped
from tests.e2e.hostile_words import (
    BREAKING,
    FIELDS,
    NOT_NUMBERS,
    SHORT,
    WORDS,
    shapes,
)
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


def service_pid(house: House) -> int:
    assert house._service is not None
    return house._service.pid


# --- the AGI port -------------------------------------------------------------------------------


async def test_two_hundred_bad_sockets_are_closed_in_time_and_disturb_no_call(
    house: House, phones: Phones, measured: Callable[[str, str], None]
) -> None:
    await phones.ready("2001")
    talker = await (await phones.caller("+15550601")).dial("4900")
    agent = await (await phones.agent("2001")).incoming(10)
    await agent.answer()
    known = set(house.contacts())
    listener = await (await phones.caller("+15550602")).dial("4001")
    await listener.answered()
    contact = await house.at_step("language", known)
    await listener.hears_sound(5)
    talker.hum()
    agent.hum()
    await agent.hears_tone(talker.phone.tone_hz, 5)
    kinds = [list(BAD)[number % len(BAD)] for number in range(200)]
    late: list[Lateness] = []
    async with stopwatch(house.settings.console_port, service_pid(house), late):
        await asyncio.sleep(0.3)
        heard, since = agent.heard_seconds, time.monotonic()
        attack = asyncio.gather(*(lifetime(house.settings.agi_port, kind) for kind in kinds))
        for key, step in (("1", "reasons"), ("2", "billing")):
            await listener.press(key)
            await comes_to(house, contact, step)
        lived = await attack
        attacked = time.monotonic() - since
        assert agent.heard_seconds - heard > attacked - 0.3, "no gap in the talk"
    for line in (talker, agent, listener):
        assert line.state is LineState.TALKING
    longest = max(zip(lived, kinds, strict=True))
    assert longest[0] < 2.3, longest
    assert late[0].own < 50, late
    assert late[0].answers > 50
    measured("200 bad sockets: the last one closed (limit 2 s)", f"{longest[0]:.2f} s")
    measured(
        "200 bad sockets: event loop late (limit 50 ms)",
        f"{late[0].own:.0f} ms ({late[0].worst:.0f} ms with what else the machine did, "
        f"median {late[0].median:.1f} ms)",
    )


async def comes_to(house: House, contact: str, step: str) -> None:
    def there() -> bool:
        return any(event.step == step for event in house.story(contact))

    await until(there, 5, f"the caller comes to {step}")


# --- what a caller may call themselves ----------------------------------------------------------


async def test_a_caller_may_be_called_anything_and_it_stays_a_name(
    house: House, tap: Tap, measured: Callable[[str, str], None]
) -> None:
    names = [b'"%s"' % word for word in WORDS]
    broken = [b'"%s"' % word for word in BREAKING]
    known, before = set(house.contacts()), len(tap.agi)
    async with raw_agent(house, "1002") as agent, RawPhone.open(house.domain) as caller:
        plain = await ring(caller, agent, b'"Mei Lin"')
        assert plain is not None
        for name in (*names, *broken):
            caller.seconds = 0.5 if name in broken else 2.0
            invite = await ring(caller, agent, name)
            if invite is None:
                assert name in broken, name
                continue
            assert invite.names == plain.names, invite.raw
            shown = re.fullmatch(r'"(Cards, .+, not verified)" <sip:5551234@.*', invite.one("From"))
            assert shown is not None, invite.raw
            assert shown[1].isprintable(), shown[1]
            assert shown[1].count(",") == 2, shown[1]
            assert re.fullmatch(r"[a-z0-9]+-[a-z0-9]{4}", invite.one("X-Tieline-Contact"))
            context = invite.one("X-Tieline-Context")
            assert re.fullmatch(r"queue=Cards;who=[\w%+.:~-]*;verified=no;caller=5551234", context)
        await gone(house)
        assert house.agent("1002").state == "ready"
    model, *talks = tap.calls(before)
    for talk in talks:
        assert talk.up_to_the_dial() == model.up_to_the_dial(), talk
    for contact in set(house.contacts()) - known:
        written = str(house.story(contact)[0].data["caller_name"])
        assert written.isprintable()
        assert not set(written) & set('"\\'), written
    measured(
        "hostile caller names: calls, extra headers, commands, actions", f"{len(talks)}, 0, 0, 0"
    )


# --- everything else a caller may write ---------------------------------------------------------


async def test_no_other_part_of_an_invite_reaches_further_than_asterisk(
    house: House, tap: Tap, measured: Callable[[str, str], None]
) -> None:
    known, before, ended = set(house.contacts()), len(tap.agi), len(tap.channels())
    at_once = asyncio.Semaphore(16)
    async with RawPhone.open(house.domain, "5551234") as caller:

        async def try_one(headers: dict[str, bytes], session: bytes = b"-") -> int:
            async with at_once:
                leg = await caller.call(b"4001", headers, session)
                if not isinstance(leg, Leg):
                    return leg
                await leg.hang_up()
                return 200

        caller.seconds = 0.7
        model = await caller.up(b"4001")
        await until(lambda: tap.calls(before)[0].has("GET DATA"))
        await model.hang_up()
        tries = [make(word) for make in FIELDS.values() for word in SHORT]
        answers = await asyncio.gather(
            *(try_one(headers) for headers in tries), *(try_one({}, word) for word in SHORT)
        )
    up, lost = answers.count(200), answers.count(481)
    assert set(answers) <= {0, 200, 400, 401, 481}, answers
    await until(lambda: len(tap.calls(before)) == up + 1, why="each call is one session")
    # A call that was to replace another is refused when it has a channel already.
    await until(lambda: len(tap.channels()) - ended == up + lost + 1, why="and one channel")
    plain, *talks = tap.calls(before)
    for talk in talks:
        said = talk.without_values()
        assert said == plain.without_values()[: len(said)], talk
    for contact in set(house.contacts()) - known:
        told = house.story(contact)[0].data
        assert re.fullmatch(r"[0-9+]*", str(told["caller"])), told
        assert str(told["caller_name"]) == "", told
    measured("hostile headers: calls tried, answered, extra commands", f"{len(answers)}, {up}, 0")


async def test_what_is_no_number_is_refused_before_there_is_a_channel(
    house: House, tap: Tap, measured: Callable[[str, str], None]
) -> None:
    before, processed = len(tap.agi), await processed_calls(house)
    async with RawPhone.open(house.domain) as caller:
        caller.seconds = 0.7
        answers = await asyncio.gather(*(caller.call(user) for user in NOT_NUMBERS))
        for user, answer in zip(NOT_NUMBERS, answers, strict=True):
            assert answer in (0, 400, 404, 416, 484), (user, answer)
        assert (await processed_calls(house), len(tap.agi)) == (processed, before)
        # These two are names in the dialplan: they are let in, and shown out before any answer.
        assert [await caller.call(user) for user in (b"_XXXX", b"_+XXXX")] == [404, 603]
        assert len(tap.agi) == before
        # What is left of these is a number: it is read as that number and nothing else.
        for user in (b"40-01", b"4001-", b"+4001", b"%34001", b"4001%00x"):
            await (await caller.up(user)).hang_up()
    await until(lambda: len(tap.calls(before)) == 5)
    for talk in tap.calls(before):
        assert talk.environment["agi_arg_2"] == "4001"
    refused = sum(answer != 0 for answer in answers)
    told = f"{len(NOT_NUMBERS)}, {refused} with a 4xx, {len(NOT_NUMBERS) - refused} unheard, 0"
    measured("dialled, but no number: refused; channels", told)


# --- sizes and shapes ---------------------------------------------------------------------------


async def test_messages_of_any_size_and_shape_leave_asterisk_standing(house: House) -> None:
    host, port = house.domain.split(":")

    async def send(raw: bytes) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(raw)
        try:
            async with asyncio.timeout(0.5):
                await reader.read(1)
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()

    await asyncio.gather(*(send(raw) for raw in shapes(house.domain.encode())))
    async with RawPhone.open(house.domain) as caller:
        await (await caller.up(b"4001")).hang_up()
    # Nobody acknowledges what was answered: Asterisk would wait half a minute for that.
    await house.asterisk.command("channel request hangup all")


# --- and after all of it ------------------------------------------------------------------------


async def test_after_all_this_two_people_talk_as_ever(tap: Tap, phones: Phones) -> None:
    assert not {"Originate", "Redirect", "Command"} & set(tap.actions())
    await two_people_talk(phones)
