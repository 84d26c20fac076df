"""Services that are slow, down or lying: a call is told in time, and nothing else happens to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from ivr.backends.breaker import LIMIT
from ivr.backends.http import HttpClient, Request, with_secrets
from ivr.demo.backends import Backends
from ivr.flow.actions import Failed
from ivr.flow.errands import Answer
from tests.backends.house import Talk, free_port, says, service, wire

GET = Request("GET", "/orders/1")


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient(dice=lambda _, high: min(high, 0.01))
    yield client
    await client.close()


async def test_an_answer_is_a_status_and_a_value(http: HttpClient) -> None:
    async with wire(says("200 OK", b'{"status": "shipped", "n": [1, 2.5, null]}')) as there:
        found = await http.ask(service(there.url + "/api/"), Request("GET", "/a%20b", {"q": "&="}))
    assert found == Answer(200, {"status": "shipped", "n": [1, 2.5, None]})
    assert there.heard[0].startswith(b"GET /api/a%20b?q=%26%3D HTTP/1.1\r\n")


@pytest.mark.parametrize("status", ["404 Not Found", "409 Conflict", "422 Odd", "500 Broken"])
async def test_a_refusal_is_an_answer_even_when_it_is_a_page(http: HttpClient, status: str) -> None:
    async with wire(says(status, b"<h1>No</h1>")) as there:
        found = await http.ask(service(there.url), GET)
    assert found == Answer(int(status[:3]), None)


async def test_no_content_is_an_answer(http: HttpClient) -> None:
    async with wire(says("204 No Content", b"")) as there:
        assert await http.ask(service(there.url), Request("DELETE", "/x")) == Answer(204, None)


async def _drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\n \r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def _drip_head(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("talk", [_silent, _drip, _drip_head])
async def test_a_service_that_takes_its_time_is_left_in_time(http: HttpClient, talk: Talk) -> None:
    async with wire(talk) as there:
        began = time.monotonic()
        found = await http.ask(service(there.url, timeout=0.3), GET)
        assert time.monotonic() - began < 2.0
    assert found == Failed("orders: no answer within 0.3 s")


async def test_all_attempts_together_have_a_limit(http: HttpClient) -> None:
    async with wire(_silent) as there:
        began = time.monotonic()
        slow = service(there.url, timeout=0.3, limit=0.5)
        found = await http.ask(slow, Request("GET", "/x", retries=5))
        assert time.monotonic() - began < 2.0
    assert found == Failed("orders: no answer within 0.5 s")
    assert len(there.heard) == 2


async def test_a_flow_may_ask_for_less_patience_than_the_service_has(http: HttpClient) -> None:
    async with wire(_silent) as there:
        found = await http.ask(service(there.url, timeout=60.0), Request("GET", "/", timeout=0.2))
    assert found == Failed("orders: no answer within 0.2 s")


async def _endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n[")
    while True:
        writer.write(b"1," * 20_000)
        await writer.drain()


_HUGE_HEADER = "X-Long: " + "x" * 100_000

LIES: dict[str, Talk] = {
    "a page": says("200 OK", b"<h1>Welcome</h1>"),
    "half a value": says("200 OK", b'{"status": "shi'),
    "not UTF-8": says("200 OK", b'"\xff\xfe"'),
    "half a character": says("200 OK", rb'"\ud800"'),
    "a number JSON does not have": says("200 OK", b"NaN"),
    "an endless number": says("200 OK", b"1e999"),
    "a very long number": says("200 OK", b"1" * 5000),
    "too deep": says("200 OK", b"[" * 30_000 + b"]" * 30_000),
    "deeper than anybody reads": says("200 OK", b"[" * 40 + b"]" * 40),
    "too large": says("200 OK", b'"' + b"x" * 70_000 + b'"'),
    "endless": _endless,
    "a larger length than it has": says("200 OK", b"", "Content-Length: 99999999"),
    "compressed": says("200 OK", b"\x1f\x8b\x08\x00", "Content-Encoding: gzip"),
    "an endless header": says("200 OK", b"{}", _HUGE_HEADER),
    "round and round": says("302 Found", b"", "Location: /orders/1"),
    "a redirect to elsewhere": says("302 Found", b"", "Location: http://127.0.0.2:1/"),
    "a redirect to another scheme": says("302 Found", b"", "Location: file:///etc/passwd"),
    "a redirect to a host in disguise": says("302 Found", b"", "Location: //evil.example/x"),
    "a redirect with a password": says("301 Moved", b"", "Location: http://u:p@127.0.0.1/"),
    "a redirect to nowhere": says("307 Odd", b"", "Location: http://[::"),
    "not HTTP": says("abc", b""),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_a_failure_and_nothing_worse(http: HttpClient, lie: str) -> None:
    async with wire(LIES[lie]) as there:
        found = await http.ask(service(there.url), GET)
    assert isinstance(found, Failed)
    assert found.why.startswith(("lying: orders: ", "orders: the connection broke off")), found.why


async def test_a_redirect_within_the_origin_is_followed(http: HttpClient) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(there.heard) == 1:
            writer.write(
                b"HTTP/1.1 303 See Other\r\nLocation: /other?a=1\r\nContent-Length: 0\r\n\r\n"
            )
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with wire(talk) as there:
        found = await http.ask(service(there.url), Request("POST", "/x", body={"pin": "4321"}))
    assert found == Answer(200, {})
    assert there.heard[1].startswith(b"GET /other?a=1 ")
    assert b"4321" not in there.heard[1]


async def test_a_cookie_of_one_caller_is_not_sent_for_the_next(http: HttpClient) -> None:
    async with wire(says("200 OK", b"{}", "Set-Cookie: session=mine; Path=/")) as there:
        # No client keeps cookies for an address that is a number.
        url = there.url.replace("127.0.0.1", "localhost")
        for _ in range(2):
            assert await http.ask(service(url), GET) == Answer(200, {})
    assert b"cookie" not in there.heard[1].lower()


async def test_no_proxy_is_taken_from_the_environment(
    http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    async with wire(says("200 OK", b"{}")) as there:
        assert await http.ask(service(there.url), GET) == Answer(200, {})


# --- trying again ---


async def test_a_service_that_is_down_is_tried_again_whatever_the_method(http: HttpClient) -> None:
    pauses: list[float] = []
    http._dice = lambda low, high: pauses.append(high) or 0.0  # type: ignore[func-returns-value] # notes it
    down = service(f"http://127.0.0.1:{free_port()}")
    found = await http.ask(down, Request("POST", "/x", body={}, retries=2))
    assert found == Failed("orders: it cannot be reached")
    assert pauses == [0.2, 0.4]


async def _breaks_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize(("method", "times"), [("GET", 3), ("PUT", 3), ("DELETE", 3), ("POST", 1)])
async def test_only_what_may_happen_twice_is_asked_twice(
    http: HttpClient, method: str, times: int
) -> None:
    async with wire(_breaks_off) as there:
        found = await http.ask(service(there.url), Request(method, "/x", retries=2))
    assert isinstance(found, Failed)
    assert len(there.heard) == times


async def test_what_carries_its_own_key_may_be_asked_twice(http: HttpClient) -> None:
    async with wire(says("503 Busy", b"")) as there:
        found = await http.ask(service(there.url), Request("POST", retries=1, repeatable=True))
    assert found == Answer(503, None)
    assert len(there.heard) == 2


# --- the breaker ---


async def test_callers_do_not_wait_for_a_service_that_is_known_to_fail() -> None:
    now = [0.0]
    http = HttpClient(clock=lambda: now[0])
    async with wire(says("500 Broken", b"")) as there:
        broken = service(there.url)
        for _ in range(LIMIT):
            assert await http.ask(broken, GET) == Answer(500, None)
        assert isinstance(await http.ask(broken, GET), Failed)
        assert len(there.heard) == LIMIT
        now[0] += 11.0
        both = await asyncio.gather(http.ask(broken, GET), http.ask(broken, GET))
        assert sorted(type(each).__name__ for each in both) == ["Answer", "Failed"]
        assert len(there.heard) == LIMIT + 1
    await http.close()


async def test_what_a_caller_keyed_cannot_close_a_service_to_the_others(http: HttpClient) -> None:
    async with wire(says("200 OK", b"{}")) as there:
        fine = service(there.url)
        for _ in range(LIMIT * 2):
            found = await http.ask(fine, Request("GET", "/orders/%2e%2e"))
            assert found == Failed("orders: the path leads elsewhere")
        assert await http.ask(fine, GET) == Answer(200, {})


async def test_a_caller_who_hangs_up_while_a_service_is_tried_leaves_it_open_to_the_next() -> None:
    now = [0.0]
    http = HttpClient(clock=lambda: now[0])
    async with wire(_silent) as there:
        slow = service(there.url, timeout=0.05)
        for _ in range(LIMIT):
            await http.ask(slow, GET)
        now[0] += 11.0
        trial = asyncio.create_task(http.ask(service(there.url), GET))
        while len(there.heard) <= LIMIT:
            await asyncio.sleep(0.01)
        trial.cancel()
        await asyncio.gather(trial, return_exceptions=True)
        found = await http.ask(slow, GET)
    assert found == Failed("orders: no answer within 0.05 s")
    await http.close()


async def test_no_more_requests_at_once_than_the_service_bears(http: HttpClient) -> None:
    busiest, under_way = 0, 0

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal busiest, under_way
        under_way += 1
        busiest = max(busiest, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with wire(talk) as there:
        small = service(there.url, at_once=2)
        found = await asyncio.gather(*(http.ask(small, GET) for _ in range(8)))
    assert found == [Answer(200, {})] * 8
    assert busiest == 2


# --- where it may go ---


async def test_a_secure_service_is_not_asked_in_the_clear(http: HttpClient) -> None:
    backends = Backends()
    async with backends.serving() as url:
        found = await http.ask(service(url.replace("http:", "https:")), GET)
    assert found == Failed("orders: no secure connection can be made")
    assert backends.requests == 0


@pytest.mark.parametrize("name", ["0x7f000001", "0x7f.1"])
async def test_a_name_that_leads_into_our_own_network_is_refused(
    http: HttpClient, name: str
) -> None:
    async with wire(says("200 OK", b"{}")) as there:
        url = there.url.replace("127.0.0.1", name)
        assert await http.ask(service(url), GET) == Failed(
            "orders: its name leads nowhere it may lead"
        )
        assert there.heard == []
        assert await http.ask(service(url, private=True), GET) == Answer(200, {})


async def test_headers_come_from_the_administrator_alone(http: HttpClient) -> None:
    async with wire(says("200 OK", b"{}")) as there:
        with_token = service(there.url, headers={"Authorization": "Bearer abc"})
        await http.ask(with_token, Request("GET", "/x%0d%0aEvil:1", {"a": "b\r\nEvil: 1"}))
        await http.ask(with_token, Request("GET", "/x", {"a": "b\r\nEvil: 1"}))
    assert len(there.heard) == 1
    assert b"Authorization: Bearer abc\r\n" in there.heard[0]
    assert b"\r\nEvil" not in there.heard[0]


async def test_a_header_that_cannot_be_written_is_a_failure(http: HttpClient) -> None:
    async with wire(says("200 OK", b"{}")) as there:
        bad = service(there.url, headers={"X-A": "1\r\nEvil: 1"})
        assert isinstance(await http.ask(bad, GET), Failed)
    assert there.heard == []


def test_secrets_go_into_the_body_where_the_method_has_one() -> None:
    pin = {"pin": "4321"}
    assert with_secrets(Request("POST"), pin).body == pin
    assert with_secrets(Request("PUT", body={"a": 1}), pin).body == {"a": 1, **pin}
    assert with_secrets(Request("GET", query={"a": "1"}), pin).query == {"a": "1", **pin}
    assert "4321" not in repr(with_secrets(Request("GET"), pin))
