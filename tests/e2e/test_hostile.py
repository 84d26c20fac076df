"""Everything a stranger, or an agent's phone, may send: it stays words, or is refused.

Judged on the wire: what Asterisk tells the service and is told, what the agent's phone is sent.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from ivr.asterisk.process import AsteriskProcess
from ivr.asterisk.provision import ensure_asterisk
from ivr.demo.phone import LineState
from ivr.plans import load_plan
from ivr.site import build_site, write_configuration
from tests.e2e.conftest import Phones
from tests.e2e.hostile import Leg, RawPhone, Sip, dial_code, raw_agent
from tests.e2e.hostile_sockets import BAD, Lateness, lifetime, stopwatch
from tests.e2e.hostile_tap import AgiTalk, Tap, tapped
from tests.e2e.house import House, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

OWNED = "/tmp/tieline-owned"
"""What the commands below would create, if anything ran them."""

WORDS: list[bytes] = [
    b"${SHELL(touch %s)}" % OWNED.encode(),
    b"`touch %s` $(touch %s)" % (OWNED.encode(), OWNED.encode()),
    b"${CHANNEL} ${CALLERID(all)} $[1+1]",
    b"x}${SHELL(id)}",
    b"x):2:5 ) or (",
    b"%0d%0aAction: Originate%0d%0aChannel: Local/1001@agents%00",
    b"%{x}s %n %s",
    b"& | , ; ^ # ! * ? < > = ~ ' /",
    b'a \\" b \\\\ c',
    b"one, verified, gold",
    b"\x01\x02\x08\x1b[31m\x7f bell\x07 tab\t.",
    b"caf\xe9 \xff\xfe \x80\x9f",
    "李娜 \U0001f389 \u202etfel ot thgir\u2028\u2029\u0085\u200b.".encode(),
    b"\xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80",
    b"A" * 3500,
    "号".encode() * 900,
    b"agi_arg_1: x",
    b"200 result=1 (x) HANGUP",
    b"520-Invalid",
    b"X-Tieline-Contact: forged",
    b"Variable: TIELINE_DONE=yes",
    b"TIELINE_CONTACT=abc;who=admin;verified=yes",
    b"{{ caller }} {% for x in y %} {{ 7*7 }}",
    b"[red]x[/red] [[k@t]] <break time='9s'/>",
    b"'; DROP TABLE contact; --",
    b"../../../etc/passwd",
    b"Local/*40@agents PJSIP/1001",
    b"<sip:1001@127.0.0.1>",
]
"""Names that are legal between quotes, whatever they hold."""

BREAKING: list[bytes] = [
    b'x" <sip:1001@127.0.0.1>, "y',
    b"x\r\nX-Tieline-Contact: forged\r\nX: y",
    b"x\nX-Tieline-Contact: forged\nX: y",
    b"x\r\n X-Tieline-Contact: folded",
    b"x\rX-Tieline-Contact: forged",
    b"nul\x00l",
    b"\\",
    b'"',
]
"""Names that are not: they may be refused, or lose what breaks them."""

PHONE_SAYS = ["x-tieline-contact", "x-tieline-context"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tap(house: House) -> AsyncIterator[Tap]:
    async with tapped(house) as tap:
        yield tap
        tap.sessions()
        tap.actions()


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def unharmed(house: House) -> AsyncIterator[None]:
    """Nothing falls over, nothing runs, nothing is logged that is our own fault."""
    asterisk, said = house.asterisk.pid, len(house.log())
    yield
    assert house.asterisk.pid == asterisk
    assert not await house.asterisk.ended(0)
    assert not os.path.lexists(OWNED)
    for line in house.log()[said:].splitlines():
        assert "level=error" not in line or "event=agi.no_route" in line, line
        assert "Traceback" not in line, line


async def gone(house: House) -> None:
    await until(lambda: not house.calls(), why="all calls are over")


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
        for keys, step in (("1", "reasons"), ("9", "reasons"), ("2", "billing")):
            await listener.press(keys)
            await until(lambda step=step: at(house, contact) == step, 5, f"{keys} leads to {step}")
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


def at(house: House, contact: str) -> str:
    return next((e.step for e in reversed(house.story(contact)) if e.step), "")


# --- what a caller may call themselves ----------------------------------------------------------


async def ring(caller: RawPhone, agent: RawPhone, name: bytes) -> Sip | None:
    """What the agent's phone is sent for a caller of that name; None when the call is refused."""
    leg = await caller.call(b"4900", {"From": name + b" <sip:5551234@127.0.0.1>"})
    if not isinstance(leg, Leg):
        return None
    invite = await agent.rings()
    await leg.hang_up()
    return invite


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
        row = house.agent("1002")
        assert (row.state, row.no_answer) == ("ready", 0), "callers who leave are no fault of hers"
    model, *talks = calls(tap, before)
    for talk in talks:
        assert up_to_the_dial(talk) == up_to_the_dial(model), talk
    for contact in set(house.contacts()) - known:
        name = house.story(contact)[0].data["caller_name"]
        assert isinstance(name, str)
        assert name.isprintable()
        assert not set(name) & set('"\\'), name
    measured(
        "hostile caller names: calls, extra headers, commands, actions", f"{len(talks)}, 0, 0, 0"
    )


def up_to_the_dial(talk: AgiTalk) -> list[str]:
    commands = talk.without_values()
    ends = [n for n, command in enumerate(commands) if command.startswith("EXEC Dial")]
    return commands[: ends[0] + 1] if ends else commands


def calls(tap: Tap, since: int) -> list[AgiTalk]:
    """The sessions of callers, not of agents' feature codes; all fresh, nothing smuggled in."""
    all_talks = [AgiTalk.of(talk) for talk in tap.agi[since:]]
    talks = [talk for talk in all_talks if talk.environment["agi_network_script"] == "call"]
    for talk in talks:
        arguments = [talk.environment[f"agi_arg_{n}"] for n in (1, 2, 3)]
        assert re.fullmatch(r"\|[0-9]{4}\|", "|".join(arguments)), arguments
        assert re.fullmatch(r"[0-9+]{1,80}|unknown", talk.environment["agi_callerid"])
        assert re.fullmatch(r"[0-9+]{1,20}|unknown", talk.environment["agi_dnid"])
        assert talk.environment["agi_rdnis"] == "unknown"
    return talks


# --- everything else a caller may write ---------------------------------------------------------

SHORT = [
    b"${SHELL(touch %s)}" % OWNED.encode(),
    b'"x" <sip:1001@127.0.0.1>;privacy=off;screen=yes;reason=unconditional',
    b"%0d%0aAction: Hangup%0d%0aChannel: /.*/%00",
    b"x&y|z,1;w^$[1+1]\\",
    b"\x01\x1b[2J\x7f\xff\xe9",
    "李娜\u202e".encode(),
    b"B" * 2000,
    b"1001",
    b"yes",
]
FIELDS: dict[str, Callable[[bytes], dict[str, bytes]]] = {
    "From user": lambda word: {"From": b"<sip:%s@127.0.0.1>" % word},
    "From domain": lambda word: {"From": b"<sip:5551234@%s>" % word},
    "From parameters": lambda word: {"From": b"<sip:5551234@127.0.0.1;%s>" % word},
    "To name": lambda word: {"To": b'"%s" <sip:4001@127.0.0.1>' % word},
    "To user": lambda word: {"To": b"<sip:%s@127.0.0.1>" % word},
    "Contact": lambda word: {"Contact": b'"%s" <sip:%s@127.0.0.1:9>' % (word, word)},
    "whole Contact": lambda word: {"Contact": word},
} | {
    name: lambda word, name=name: {name: word}  # type: ignore[misc]
    for name in (
        *("User-Agent", "Subject", "Organization", "Reason", "Privacy", "Call-Info", "Identity"),
        *("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Diversion"),
        *("History-Info", "Referred-By", "Replaces", "Alert-Info", "Geolocation", "Supported"),
        *("X-Tieline-Contact", "X-Tieline-Context", "X-TIELINE_CONTACT", "TIELINE_DONE"),
        *("TIELINE_AGENT", "X-Asterisk-Variable", "Variable", "CALLERID(num)"),
    )
}


async def test_no_other_part_of_an_invite_reaches_further_than_asterisk(
    house: House, tap: Tap, measured: Callable[[str, str], None]
) -> None:
    known, before, ended = set(house.contacts()), len(tap.agi), len(tap.channels())
    at_once = asyncio.Semaphore(16)
    async with RawPhone.open(house.domain, "5551234") as caller:

        async def try_one(headers: dict[str, bytes], session: bytes = b"-") -> int:
            async with at_once:
                leg = await caller.call(b"4001", headers, session)
                if isinstance(leg, Leg):
                    await leg.hang_up()
                return isinstance(leg, Leg)

        caller.seconds = 0.7
        model = await caller.up(b"4001")
        await until(lambda: "GET DATA" in " ".join(calls(tap, before)[0].commands))
        await model.hang_up()
        tries = [make(word) for make in FIELDS.values() for word in SHORT]
        up = sum(await asyncio.gather(*(try_one(headers) for headers in tries)))
        up += sum(await asyncio.gather(*(try_one({}, word) for word in SHORT)))
    await until(lambda: len(calls(tap, before)) == up + 1, why="each call is one session")
    await until(lambda: len(tap.channels()) - ended == up + 1, why="and one channel")
    plain, *talks = calls(tap, before)
    for talk in talks:
        assert talk.without_values() == plain.without_values()[: len(talk.commands)], talk
    for contact in set(house.contacts()) - known:
        told = house.story(contact)[0].data
        assert re.fullmatch(r"[0-9+]*", str(told["caller"])), told
        assert str(told["caller_name"]) == "", told
    measured("hostile headers: calls tried, answered", f"{len(tries) + len(SHORT)}, {up}")


NOT_NUMBERS = [
    *(
        b"",
        b"0",
        b"1" * 16,
        b"1" * 200,
        b"s",
        b"h",
        b"i",
        b"t",
        b"*41",
        b"*43",
        b"*431",
        b"#",
        b"**",
    ),
    *(b"4001*", b"4001#", b"40 01", b"40%2001", b"4001%20", b"4001.", b"4001,1", b"4001,1,Hangup"),
    *(b"4001&1001", b"4001|1", b"4001;x=1", b"4001^1", b"4001@enter", b"4001/n", b"+", b"++4001"),
    *(b"4001+", b"4+001", b"-", b"--", b"4001-", b"-4001%0a", b"4001%0d%0aAction:%20Hangup"),
    *(b"4001%0a", b"%0a4001", b"4001%09", b"4001%22", b"4001%5c", b"4001%7f", b"4001%ff", b"%00"),
    *(b"${EXTEN}", b"%24%7bSHELL(id)%7d", b"$[1+1]", b"_XXXX", b"XXXX", b"NXXX", b"!", b"4001!"),
    *(b"Local/1001@agents", b"PJSIP/1001", b"1001@agents", b"agents", b"leg", b"..%2f..%2fetc"),
    *("４００１".encode(), "٤٠٠١".encode(), b"4001\xe9", b"\xff\xfe", b"4001\x00", b"4001\r\n"),
]


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
        # What is left of these is a number: it is read as that number and nothing else.
        for user in (b"40-01", b"4-0-0-1", b"+4001", b"%34001", b"4001%00x"):
            await (await caller.up(user)).hang_up()
    await until(lambda: len(calls(tap, before)) == 5)
    for talk in calls(tap, before):
        assert talk.environment["agi_arg_2"] == "4001"
    refused = sum(answer != 0 for answer in answers)
    told = f"{len(NOT_NUMBERS)}, {refused} with a 4xx, {len(NOT_NUMBERS) - refused} unheard, 0"
    measured("dialled, but no number: refused; channels", told)


async def processed_calls(house: House) -> int:
    told = await house.asterisk.command("core show channels count")
    match = re.search(r"(\d+) calls? processed", told)
    assert match is not None, told
    return int(match[1])
