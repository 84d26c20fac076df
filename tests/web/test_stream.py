"""The event stream over a real socket: resumed without a gap, and never held up by one reader."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from ivr.chats.talking import PING as VISITORS_PING
from ivr.web.gate import HEADER
from ivr.web.hub import EVERYBODY, Hub
from ivr.web.roles import Who
from ivr.web.stream import PING, Stream
from tests.web.house import PEOPLE, Browser, FakeDoor, serving

SOON = 5.0


@asynccontextmanager
async def streaming(hub: Hub, door: FakeDoor) -> AsyncIterator[Browser]:
    async def still_there(request: web.Request) -> Who | None:
        return await door.by_session(request.cookies.get("tieline", ""))

    async with serving(Stream(hub, time.time, still_there).routes(), door) as browser:
        yield browser


@asynccontextmanager
async def connected(
    browser: Browser, secret: str = "agent", after: str = "", **headers: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    told = {"Origin": browser.url, "Cookie": f"tieline={secret}", **headers}
    url = f"{browser.url}/api/events?after={after}"
    async with browser.session.ws_connect(url, headers=told) as stream:
        yield stream


async def until(what: Callable[[], bool], seconds: float = SOON) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.02)


async def test_a_page_resumes_where_it_was_cut() -> None:
    hub, door = Hub(time.time), FakeDoor()
    async with streaming(hub, door) as browser:
        async with connected(browser) as stream:
            hello = await stream.receive_json()
            assert (hello["type"], hello["reset"]) == ("hello", True)
            hub.publish("one", {"text": "你好"}, EVERYBODY)
            got = await stream.receive_json()
            assert (got["type"], got["data"]) == ("one", {"text": "你好"})
        await until(lambda: len(hub) == 0)
        hub.publish("two", {}, EVERYBODY)
        async with connected(browser, after=f"{hello['epoch']}-{got['seq']}") as stream:
            hello = await stream.receive_json()
            assert not hello["reset"]
            assert (await stream.receive_json())["type"] == "two"


async def test_no_foreign_page_and_no_stranger_listens() -> None:
    async with streaming(Hub(time.time), FakeDoor()) as browser:
        for secret, origin, status in (
            ("agent", "https://evil.example", 403),
            ("nobody", browser.url, 401),
            ("plain", browser.url, 403),
        ):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with connected(browser, secret, Origin=origin):
                    pass
            assert refused.value.status == status


async def test_a_session_that_ends_takes_its_stream_along() -> None:
    hub = Hub(time.time)
    async with streaming(hub, FakeDoor()) as browser, connected(browser) as stream:
        await stream.receive_json()
        hub.end(session=PEOPLE["agent"].session)
        message = await stream.receive(SOON)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        assert stream.close_code == 4401


def open_silent_reader(port: int) -> socket.socket:
    """A connection that shakes hands and never reads again, with a small window."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    raw.sendall(
        f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
        "Cookie: tieline=supervisor\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"{HEADER}: 1\r\n\r\n".encode()
    )
    return raw


@pytest.mark.parametrize("eventful", [True, False], ids=["much happens", "nothing happens"])
async def test_a_reader_that_stops_reading_is_dropped_within_five_seconds(eventful: bool) -> None:
    """And the others hear everything meanwhile."""
    hub = Hub(time.time)
    async with streaming(hub, FakeDoor()) as browser, connected(browser) as other:
        await other.receive_json()
        port = int(browser.url.rsplit(":", 1)[1])
        silent = await asyncio.to_thread(open_silent_reader, port)
        await until(lambda: len(hub) == 2)
        began, heard = time.monotonic(), 0
        while len(hub) == 2:
            if eventful:
                hub.publish("much", {"text": "x" * 2000}, EVERYBODY)
                assert (await other.receive_json(timeout=1.0))["type"] == "much"
                heard += 1
            else:
                # A reader that lives answers pings only while somebody reads.
                reading = asyncio.create_task(other.receive())
                await asyncio.sleep(0.1)
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
            assert time.monotonic() - began < 6.0
        assert time.monotonic() - began < 5.0
        assert len(hub) == 1
        assert heard > 10 or not eventful
        silent.close()


@pytest.mark.parametrize("ping", [PING, VISITORS_PING], ids=["an agent's", "a visitor's"])
def test_a_silent_socket_is_given_up_with_time_to_spare_for_a_busy_machine(ping: float) -> None:
    """A ping comes at most so late, and its answer is waited for half as long again."""
    assert ping * 1.5 + 1.0 <= 5.0
