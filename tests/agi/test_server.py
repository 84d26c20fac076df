"""The FastAGI server against good calls, bad sockets and failing handlers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
import structlog
import uvloop

from ivr.agi.fake import FakeCall, environment
from ivr.agi.server import AgiServer
from ivr.agi.session import AgiSession
from ivr.errors import AsteriskRefused, AsteriskUnreachable, CallerHungUp, ServiceFault
from tests.agi.calls import PATIENCE, serving


async def polite(session: AgiSession) -> None:
    await session.answer()


async def good_call(server: AgiServer, opening: bytes | None = None) -> list[str]:
    async with asyncio.timeout(PATIENCE):
        call = await FakeCall.dial(server.host, server.port, opening)
        commands = await call.play()
        await call.close()
        return commands


@contextlib.asynccontextmanager
async def loop_lag() -> AsyncIterator[list[float]]:
    """Seconds by which the event loop was late, measured every five milliseconds."""
    lags: list[float] = []

    async def measure() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - before - 0.005)

    task = asyncio.create_task(measure())
    try:
        yield lags
    finally:
        task.cancel()


async def test_a_call_reaches_the_handler_of_its_path() -> None:
    seen: list[str] = []

    async def login(session: AgiSession) -> None:
        seen.append(session.env.path)
        await session.verbose("login")

    server = AgiServer({"call": polite, "agent/login": login}, port=0)
    await server.start()
    try:
        assert await good_call(server) == ["ANSWER"]
        opening = environment(network_script="agent/login?agent=1001")
        assert await good_call(server, opening) == ["VERBOSE login 1"]
        assert seen == ["agent/login"]
    finally:
        await server.close()


def test_calls_are_served_on_uvloop_too() -> None:
    async def serve() -> None:
        async with serving(polite, environment_seconds=0.1) as server:
            silent = await FakeCall.dial(server.host, server.port, b"")
            assert await good_call(server) == ["ANSWER"]
            await silent.closed_by_server()
            await silent.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


async def test_a_path_nobody_serves_is_closed_and_logged_with_the_call() -> None:
    with structlog.testing.capture_logs() as logs:
        async with serving(polite) as server:
            assert await good_call(server, environment(network_script="nowhere")) == []
    [entry] = [entry for entry in logs if entry["event"] == "agi.no_route"]
    assert (entry["path"], entry["channel"]) == ("nowhere", "PJSIP/line-00000001")


# --- peers that are no Asterisk ---------------------------------------------------------------


async def test_a_socket_that_says_nothing_is_closed_within_two_seconds() -> None:
    async with serving(polite) as server:
        before = time.monotonic()
        call = await FakeCall.dial(server.host, server.port, b"")
        await call.closed_by_server()
        assert 1.5 < time.monotonic() - before < 3.0
        await call.close()


async def test_a_socket_that_trickles_is_closed_all_the_same() -> None:
    async with serving(polite, environment_seconds=0.3) as server:
        call = await FakeCall.dial(server.host, server.port, b"agi_channel: ")
        closed = asyncio.create_task(call.closed_by_server())
        before = time.monotonic()
        while not closed.done():
            with contextlib.suppress(ConnectionError):
                await call.say(b"x")
            await asyncio.wait([closed], timeout=0.05)
        assert time.monotonic() - before < 1.0
        await call.close()


@pytest.mark.parametrize(
    "opening",
    [b"agi_channel: " + b"x" * 1_000_000, b"GET / HTTP/1.1\r\n\r\n", b"\n", b"\0" * 99 + b"\n"],
)
async def test_a_socket_that_babbles_is_closed_at_once(opening: bytes) -> None:
    async with serving(polite) as server, asyncio.timeout(1.0):
        with contextlib.suppress(ConnectionError):
            call = await FakeCall.dial(server.host, server.port, opening)
            await call.closed_by_server()
            await call.close()
        assert await good_call(server) == ["ANSWER"]


@pytest.mark.parametrize("opening", [b"", b"agi_network: yes\n", environment()[:-1]])
async def test_a_socket_that_closes_before_the_blank_line_freezes_nobody(opening: bytes) -> None:
    async with serving(polite) as server, loop_lag() as lags:
        call = await FakeCall.dial(server.host, server.port, opening)
        await call.close()
        assert await good_call(server) == ["ANSWER"]
    assert max(lags, default=0.0) < 0.5


async def test_two_hundred_bad_sockets_disturb_no_call() -> None:
    async with serving(polite, environment_seconds=0.5) as server, loop_lag() as lags:
        openings = [b"", b"agi_channel: x", b"agi_channel: " + b"x" * 8000, b"\xff\n"] * 50
        bad = await asyncio.gather(
            *(FakeCall.dial(server.host, server.port, opening) for opening in openings)
        )
        before = time.monotonic()
        for _ in range(20):
            assert await good_call(server) == ["ANSWER"]
        assert (time.monotonic() - before) / 20 < 0.1
        await asyncio.gather(*(call.closed_by_server() for call in bad))
        for call in bad:
            await call.close()
    assert sorted(lags)[len(lags) // 2] < 0.02
    assert max(lags) < 0.5


async def test_when_too_many_wait_the_oldest_gives_way() -> None:
    async with serving(polite, waiting_sockets_of_a_peer=3) as server:
        first, *others = [await FakeCall.dial(server.host, server.port, b"") for _ in range(3)]
        assert await good_call(server) == ["ANSWER"], "a full house still lets a call in"
        await asyncio.wait_for(first.closed_by_server(), 1.0)
        for call in others:
            await call.say(environment())
            assert await call.play() == ["ANSWER"], "the younger ones kept their place"
        for call in (first, *others):
            await call.close()


async def test_the_total_is_bounded_too() -> None:
    async with serving(polite, waiting_sockets=2) as server:
        calls = [await FakeCall.dial(server.host, server.port, b"") for _ in range(4)]
        for call in calls[:2]:
            await asyncio.wait_for(call.closed_by_server(), 1.0)
        for call in calls[2:]:
            await call.say(environment())
            assert await call.play() == ["ANSWER"]
        for call in calls:
            await call.close()


@pytest.mark.parametrize(
    ("peer", "welcome"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("2001:db8::1", False),
        ("198.51.100.7", True),
        ("?", False),
        ("", False),
    ],
)
async def test_only_loopback_and_named_peers_are_trusted(peer: str, welcome: bool) -> None:
    server = AgiServer({"call": polite}, port=0, peers=["198.51.100.7"])
    assert server.trusts(peer) is welcome


# --- handlers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "event", "level"),
    [
        (CallerHungUp("gone"), "agi.caller_left", "debug"),
        (AsteriskRefused("no file"), "agi.call_failed", "warning"),
        (AsteriskUnreachable("no answer"), "agi.call_failed", "warning"),
        (ServiceFault("oops"), "agi.handler_failed", "error"),
        (ZeroDivisionError(), "agi.handler_failed", "error"),
    ],
)
async def test_how_a_handler_ended_is_logged_and_the_call_released(
    error: Exception, event: str, level: str
) -> None:
    async def failing(session: AgiSession) -> None:
        await session.answer()
        raise error

    with structlog.testing.capture_logs() as logs:
        async with serving(failing) as server:
            assert await good_call(server) == ["ANSWER"], "the dialplan gets its caller back"
            assert await good_call(server) == ["ANSWER"], "and the next call is served"
    entries = [entry for entry in logs if entry["event"] == event]
    assert [entry["log_level"] for entry in entries] == [level, level]
    assert entries[0]["uniqueid"] == "1700000000.1"
    assert ("exc_info" in entries[0]) is (event == "agi.handler_failed")


async def test_closing_the_server_cancels_calls_and_gives_the_callers_back() -> None:
    cancelled: list[str] = []
    started = asyncio.Event()

    async def waiting(session: AgiSession) -> None:
        started.set()
        try:
            await session.wait_for_digit(-1)
        except asyncio.CancelledError:
            cancelled.append(session.env.channel)
            raise

    server = AgiServer({"call": waiting}, port=0)
    await server.start()
    call = await FakeCall.dial(server.host, server.port)
    silent = await FakeCall.dial(server.host, server.port, b"")
    await started.wait()
    assert server.calls == 1
    await asyncio.wait_for(server.close(), PATIENCE)
    assert cancelled == ["PJSIP/line-00000001"]
    assert server.calls == 0
    await asyncio.wait_for(call.closed_by_server(), PATIENCE)
    await asyncio.wait_for(silent.closed_by_server(), PATIENCE)
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection(server.host, server.port)
    await call.close()
    await silent.close()


async def test_a_forged_environment_starts_no_handler() -> None:
    seen: list[AgiSession] = []

    async def handler(session: AgiSession) -> None:
        seen.append(session)

    forged = environment(calleridname="Bob\nagi_dnid: 1\nagi_rdnis: 1\nagi_context: x\n"
        "agi_extension: x\nagi_priority: 1\n")  # fmt: skip
    async with serving(handler) as server:
        assert await good_call(server, forged) == []
    assert seen == []


async def test_a_server_is_started_once() -> None:
    async with serving(polite) as server:
        with pytest.raises(ServiceFault):
            await server.start()
