"""One call's commands against a scripted Asterisk on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from ivr.agi.fake import Answers, FakeCall
from ivr.agi.protocol import Reply
from ivr.agi.session import AgiSession, Ended, Recording
from ivr.errors import AsteriskRefused, AsteriskUnreachable, CallerHungUp, ServiceFault
from tests.agi.calls import one_session

Ask = Callable[[AgiSession], Awaitable[Any]]


async def ask(what: Ask, answers: Answers) -> tuple[Any, list[str]]:
    """The outcome of one method, and what it made Asterisk read."""
    async with one_session() as (session, call):
        playing = asyncio.create_task(call.play(answers))
        try:
            outcome = await what(session)
        finally:
            session.close()
            commands = await playing
        return outcome, commands


@pytest.mark.parametrize(
    ("what", "answers", "outcome", "command"),
    [
        (lambda s: s.answer(), {}, None, "ANSWER"),
        (lambda s: s.hangup(), {}, None, "HANGUP"),
        (lambda s: s.get_variable("X"), {}, None, "GET VARIABLE X"),
        (lambda s: s.get_variable("X"), {"GET": "200 result=1 (a b)"}, "a b", "GET VARIABLE X"),
        (lambda s: s.get_variable("X"), {"GET": "200 result=1 ()"}, "", "GET VARIABLE X"),
        (
            lambda s: s.get_variable("CHANNEL(state)"),
            {"GET": "200 result=1 (Up)"},
            "Up",
            'GET VARIABLE "CHANNEL(state)"',
        ),
        (
            lambda s: s.set_variable("X", 'é "q" \\'),
            {},
            None,
            'SET VARIABLE X "é \\"q\\" \\\\"',
        ),
        (lambda s: s.stream_file("hello"), {}, "", 'STREAM FILE hello ""'),
        (
            lambda s: s.stream_file("hello", "12"),
            {"STREAM": "200 result=50 endpos=8000"},
            "2",
            "STREAM FILE hello 12",
        ),
        (lambda s: s.get_data("hello", 3000, 4), {}, ("", True), "GET DATA hello 3000 4"),
        (
            lambda s: s.get_data("", 3000, 4),
            {"GET DATA": "200 result=0070"},
            ("0070", False),
            'GET DATA "" 3000 4',
        ),
        (
            lambda s: s.get_data("", 3000, 9),
            {"GET DATA": "200 result=12 (timeout)"},
            ("12", True),
            'GET DATA "" 3000 9',
        ),
        (lambda s: s.wait_for_digit(500), {}, "", "WAIT FOR DIGIT 500"),
        (lambda s: s.wait_for_digit(-1), {"WAIT": "200 result=68"}, "D", "WAIT FOR DIGIT -1"),
        (
            lambda s: s.record_file("m", max_ms=9000),
            {},
            Recording(Ended.TIME, "", 8000),
            "RECORD FILE m wav # 9000 BEEP",
        ),
        (
            lambda s: s.record_file("m", max_ms=9000, beep=False, silence_seconds=4),
            {"RECORD": "200 result=35 (dtmf) endpos=160"},
            Recording(Ended.KEY, "#", 160),
            "RECORD FILE m wav # 9000 s=4",
        ),
        (
            lambda s: s.record_file("m", max_ms=9000, escape_digits=""),
            {"RECORD": "200 result=-1 (hangup) endpos=4000"},
            Recording(Ended.HANGUP, "", 4000),
            'RECORD FILE m wav "" 9000 BEEP',
        ),
        (
            lambda s: s.record_file("m", max_ms=9000),
            {"RECORD": "200 result=17 (timeout) endpos=72000"},
            Recording(Ended.TIME, "", 72000),
            "RECORD FILE m wav # 9000 BEEP",
        ),
        (
            lambda s: s.record_file("m", max_ms=9000),
            {"RECORD": "200 result=49 (randomerror) endpos=0"},
            Recording(Ended.KEY, "1", 0),
            "RECORD FILE m wav # 9000 BEEP",
        ),
        (lambda s: s.set_music(on=True), {}, None, "SET MUSIC ON default"),
        (lambda s: s.set_music(on=True, music_class="jazz"), {}, None, "SET MUSIC ON jazz"),
        (lambda s: s.set_music(on=False), {}, None, "SET MUSIC OFF"),
        (lambda s: s.exec("Wait"), {}, 0, "EXEC Wait"),
        (
            lambda s: s.exec("Dial", "PJSIP/1001", "20", "b(ctx^leg^1(a,b))"),
            {},
            0,
            'EXEC Dial "PJSIP/1001,20,b(ctx^leg^1(a,b))"',
        ),
        (lambda s: s.channel_status(), {}, 6, "CHANNEL STATUS"),
        (lambda s: s.verbose('say "hi"'), {}, None, 'VERBOSE "say \\"hi\\"" 1'),
    ],
)
async def test_each_method_says_and_understands_its_command(
    what: Ask, answers: Answers, outcome: object, command: str
) -> None:
    assert await ask(what, answers) == (outcome, [command])


MINUS_ONE: list[tuple[Ask, str]] = [
    (lambda s: s.answer(), "ANSWER"),
    (lambda s: s.stream_file("no/such"), "STREAM FILE"),
    (lambda s: s.get_data("no/such", 500, 1), "GET DATA"),
    (lambda s: s.wait_for_digit(500), "WAIT FOR DIGIT"),
    (lambda s: s.record_file("no/such", max_ms=500), "RECORD FILE"),
]


@pytest.mark.parametrize(("what", "verb"), MINUS_ONE)
async def test_minus_one_on_a_live_channel_is_a_refusal(what: Ask, verb: str) -> None:
    with pytest.raises(AsteriskRefused, match=verb):
        await ask(what, {verb: "200 result=-1"})


@pytest.mark.parametrize(("what", "verb"), MINUS_ONE)
@pytest.mark.parametrize(
    "probe",
    ["HANGUP\n511 Command Not Permitted on a dead channel", "511 Not Permitted", "HANGUP"],
    ids=["told and dead", "dead", "told, still answering"],
)
async def test_minus_one_on_a_dead_channel_is_a_hangup(what: Ask, verb: str, probe: str) -> None:
    probe = probe if "511" in probe else f"{probe}\n200 result=6"
    with pytest.raises(CallerHungUp):
        await ask(what, {verb: "200 result=-1", "CHANNEL STATUS": probe})


async def test_minus_one_of_an_application_while_the_caller_stays_is_its_result() -> None:
    outcome, commands = await ask(lambda s: s.exec("Dial", "x"), {"EXEC": "200 result=-1"})
    assert outcome == -1
    assert commands == ["EXEC Dial x", "CHANNEL STATUS"]


async def test_an_application_asterisk_does_not_have_is_a_refusal() -> None:
    with pytest.raises(AsteriskRefused, match="no application Dail"):
        await ask(lambda s: s.exec("Dail", "x"), {"EXEC": "200 result=-2"})


@pytest.mark.parametrize(
    "answer",
    ["510 Invalid or unknown command", "520-Bad.\nUsage: so\n520 End of proper usage."],
)
async def test_a_5xx_is_a_refusal_and_the_session_goes_on(answer: str) -> None:
    async def what(session: AgiSession) -> int:
        with pytest.raises(AsteriskRefused):
            await session.answer()
        return await session.channel_status()

    assert (await ask(what, {"ANSWER": answer}))[0] == 6


async def test_a_511_is_a_hangup_and_the_end() -> None:
    async def what(session: AgiSession) -> None:
        with pytest.raises(CallerHungUp):
            await session.stream_file("hello")
        assert session.hung_up.is_set()
        with pytest.raises(CallerHungUp):
            await session.answer()

    assert (await ask(what, {"STREAM": "511 Not Permitted"}))[1] == ['STREAM FILE hello ""']


@pytest.mark.parametrize(
    "what",
    [
        lambda s: s.get_variable("X Y"),
        lambda s: s.get_variable(""),
        lambda s: s.set_variable("X", "a\nSET VARIABLE Y 1"),
        lambda s: s.stream_file("hello\r"),
        lambda s: s.stream_file("hello", "x"),
        lambda s: s.get_data("", 1000, 0),
        lambda s: s.get_data("", 1000, 5000),
        lambda s: s.get_data("", 0, 1),
        lambda s: s.set_music(on=True, music_class="a b"),
        lambda s: s.exec("Dial x"),
        lambda s: s.exec("Dial", "PJSIP/1001,20"),
        lambda s: s.exec("Dial", 'PJSIP/"1001'),
        lambda s: s.exec("Dial", "PJSIP/1001\\"),
        lambda s: s.exec("Dial", "PJSIP/1001", "b(a"),
        lambda s: s.exec("Dial", "PJSIP/[1001", "x]"),
        lambda s: s.exec("Dial", "a)b(c"),
        lambda s: s.verbose("\x1b[2J"),
        lambda s: s.command("noop"),
    ],
)
async def test_an_illegal_argument_is_our_fault_and_is_never_sent(what: Ask) -> None:
    async def fails(session: AgiSession) -> None:
        with pytest.raises(ServiceFault):
            await what(session)
        await session.verbose("still here")

    assert (await ask(fails, {}))[1] == ['VERBOSE "still here" 1']


async def test_a_dead_socket_is_a_hangup_not_a_number() -> None:
    async with one_session() as (session, call):
        waiting = asyncio.create_task(session.wait_for_digit(60_000))
        assert await call.hear() == "WAIT FOR DIGIT 60000"
        await call.close()
        with pytest.raises(CallerHungUp):
            await waiting
        with pytest.raises(CallerHungUp):
            await session.answer()
        assert session.hung_up.is_set()


async def test_a_half_written_reply_and_the_end_is_a_hangup() -> None:
    async with one_session() as (session, call):
        waiting = asyncio.create_task(session.wait_for_digit(60_000))
        await call.hear()
        await call.say(b"200 resu")
        await call.close()
        with pytest.raises(CallerHungUp):
            await waiting


async def test_a_hangup_line_is_heard_between_commands() -> None:
    async with one_session() as (session, call):
        await call.say("HANGUP")
        await session.hung_up.wait()
        with pytest.raises(CallerHungUp):
            await session.answer()
        assert call.commands == []


async def test_a_hangup_line_in_a_command_leaves_it_its_own_reply() -> None:
    async with one_session() as (session, call):
        setting = asyncio.create_task(session.command("SET VARIABLE", "X", "1"))
        await call.hear()
        await call.say("HANGUP")
        await session.hung_up.wait()
        assert not setting.done()
        await call.say("200 result=1")
        assert await setting == Reply(200, 1)
        with pytest.raises(CallerHungUp):
            await session.command("GET VARIABLE", "X")


async def test_a_hangup_line_in_a_command_and_the_end_is_a_hangup() -> None:
    async with one_session() as (session, call):
        waiting = asyncio.create_task(session.wait_for_digit(60_000))
        await call.hear()
        await call.hang_up()
        with pytest.raises(CallerHungUp):
            await waiting


async def test_two_commands_at_once_are_our_fault_and_the_first_is_unharmed() -> None:
    async with one_session() as (session, call):
        first = asyncio.create_task(session.channel_status())
        await call.hear()
        with pytest.raises(ServiceFault):
            await session.answer()
        await call.say("200 result=6")
        assert await first == 6


async def test_a_cancelled_command_closes_the_session() -> None:
    async with one_session() as (session, call):
        waiting = asyncio.create_task(session.wait_for_digit(60_000))
        await call.hear()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await call.closed_by_server()
        with pytest.raises(CallerHungUp):
            await session.answer()


async def test_no_answer_in_time_closes_the_session() -> None:
    async with one_session() as (session, call):
        with pytest.raises(AsteriskUnreachable, match="NOOP"):
            await session.command("NOOP", timeout=0.05)
        await call.closed_by_server()
        assert session.hung_up.is_set()


async def test_a_peer_that_breaks_the_protocol_is_refused_logged_and_closed() -> None:
    with structlog.testing.capture_logs() as logs:
        async with one_session() as (session, call):
            asking = asyncio.create_task(session.answer())
            await call.hear()
            await call.say("hello")
            with pytest.raises(AsteriskRefused, match="not a reply"):
                await asking
            await call.closed_by_server()
    [entry] = [entry for entry in logs if entry["event"] == "agi.broken"]
    assert entry["uniqueid"] == "1700000000.1"


@pytest.mark.parametrize("answer", ["200 result=abc", "200 result="])
async def test_an_answer_that_is_no_number_is_a_refusal(answer: str) -> None:
    with pytest.raises(AsteriskRefused, match="was due"):
        await ask(lambda s: s.wait_for_digit(500), {"WAIT": answer})


@pytest.mark.parametrize(("code", "key"), [(97, "A"), (43, ""), (88, ""), (5, ""), (500, "")])
async def test_a_key_that_no_phone_has_is_no_key(code: int, key: str) -> None:
    answer = {"WAIT": f"200 result={code}"}
    assert (await ask(lambda s: s.wait_for_digit(500), answer))[0] == key


async def test_log_lines_carry_the_call_and_what_was_bound() -> None:
    with structlog.testing.capture_logs() as logs:
        async with one_session() as (session, _):
            session.bind(contact="c-1")
            session.log.info("here")
    [entry] = [entry for entry in logs if entry["event"] == "here"]
    assert entry["contact"] == "c-1"
    assert entry["channel"] == "PJSIP/line-00000001"


async def test_a_fake_call_plays_until_it_is_closed() -> None:
    async with one_session() as (session, call):
        playing = asyncio.create_task(call.play())
        await session.answer()
        session.close()
        assert await playing == ["ANSWER"]
        assert isinstance(call, FakeCall)
