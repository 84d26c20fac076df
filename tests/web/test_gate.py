"""The door: denied unless declared, in JSON, with the right words, and never by accident."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from acd.errors import IllegalEvent
from ivr.errors import AsteriskUnreachable
from ivr.web import gate
from ivr.web.addresses import Outside
from ivr.web.gate import HEADER, Deed
from ivr.web.limits import Limit
from ivr.web.problems import TYPE, Problem
from ivr.web.roles import ALL, LEADS, Role, Who
from ivr.web.routes import PUBLIC, Call, Model, Query, Raw, Route
from ivr.web.secrets_tried import WRONG
from ivr.web.server import HEADER_SECONDS, WebServer
from tests.web.house import PEOPLE, FakeDoor, serving


class Word(Model):
    word: str
    times: int = 1


class Which(Query):
    limit: int = 10


async def say(call: Call) -> Word:
    return Word(word=call.body.word * call.body.times)


async def look(call: Call) -> dict[str, str]:
    call.answer.concerns.append("page 1")
    return {"by": call.me.user, "limit": str(call.query.limit if call.query else "")}


async def hello(call: Call) -> dict[str, str]:
    return {"address": call.address}


async def breaks(call: Call) -> None:
    raise RuntimeError("the secret is 4711")


async def illegal(call: Call) -> None:
    raise IllegalEvent("agent 1001 is logged out")


async def silent(call: Call) -> None:
    raise AsteriskUnreachable("Asterisk does not answer")


async def hook(call: Call) -> dict[str, str]:
    return {"got": (await call.request.read()).decode()}


async def enter(call: Call) -> None:
    call.answer.cookie = "fresh"


FOREIGN = "https://shop.example.com"
ROUTES = (
    Route("POST", "/api/words", say, roles=ALL, summary="Say", takes=Word, gives=Word, status=201),
    Route("GET", "/api/customers/{customer}", look, roles=LEADS, summary="Look",
          gives=dict[str, str], query=Which, audit="customer.read"),
    Route("GET", "/api/hello", hello, roles=PUBLIC, summary="Hello", gives=dict[str, str],
          foreign=lambda origin: origin == FOREIGN),
    Route("POST", "/api/hello", say, roles=PUBLIC, summary="Hello", takes=Word, gives=Word,
          foreign=lambda origin: origin == FOREIGN),
    Route("POST", "/api/breaks", breaks, roles=ALL, summary="Break"),
    Route("POST", "/api/illegal", illegal, roles=ALL, summary="Refuse"),
    Route("POST", "/api/silent", silent, roles=ALL, summary="Silent"),
    Route("POST", "/api/hook", hook, roles=PUBLIC, summary="Hook", gives=dict[str, str],
          takes=Raw(("application/x-www-form-urlencoded",)), most=100),
    Route("POST", "/api/enter", enter, roles=PUBLIC, summary="Enter", takes=Word,
          limit=Limit(per_minute=1, burst=2)),
)  # fmt: skip


async def test_what_no_route_declares_is_refused_in_words() -> None:
    async with serving(ROUTES) as browser:
        for method, path, status in (
            ("GET", "/", 404),
            ("GET", "/api/users", 404),
            ("GET", "/../etc/passwd", 404),
            ("DELETE", "/api/words", 405),
        ):
            answer = await browser.as_("administrator").ask(method, path)
            assert (answer.status, answer.content_type) == (status, TYPE)
            assert "traceback" not in (await answer.text()).lower()


async def test_nobody_enters_without_a_session_and_nobody_without_the_role() -> None:
    async with serving(ROUTES) as browser:
        assert (await browser.ask("GET", "/api/customers/7")).status == 401
        assert (await browser.as_("nonsense").ask("GET", "/api/customers/7")).status == 401
        assert (await browser.as_("plain").ask("GET", "/api/customers/7")).status == 403
        refused = await browser.as_("agent").ask("GET", "/api/customers/7")
        assert refused.status == 403
        assert "administrator, supervisor" in (await refused.json())["detail"]
        assert (await browser.as_("supervisor").ask("GET", "/api/customers/7")).status == 200


async def test_reads_of_personal_data_are_written_down_and_refusals_are_not() -> None:
    door = FakeDoor()
    async with serving(ROUTES, door) as browser:
        await browser.as_("supervisor").ask("GET", "/api/customers/7?limit=3")
        await browser.as_("agent").ask("GET", "/api/customers/8")
    path = "GET /api/customers/{customer}"
    deed = Deed("customer.read", path, (7,), "", "page 1", "127.0.0.1")
    assert door.noted == [("supervisor", deed)]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {HEADER: ""},
        {"Origin": "http://desk.example.org.evil.example"},
    ],
)
async def test_a_foreign_page_cannot_use_somebodys_session(headers: dict[str, str]) -> None:
    async with serving(ROUTES) as browser:
        me = browser.as_("agent")
        answer = await me.ask("POST", "/api/words", json={"word": "a"}, headers=headers)
        assert answer.status == 403
        assert (await me.ask("POST", "/api/words", json={"word": "a"})).status == 201


async def test_a_foreign_page_cannot_sign_its_visitor_in() -> None:
    async with serving(ROUTES) as browser:
        evil = {"Origin": "https://evil.example"}
        answer = await browser.ask("POST", "/api/enter", json={"word": "a"}, headers=evil)
        assert answer.status == 403
        assert not answer.cookies


async def test_a_name_that_is_not_ours_is_not_answered() -> None:
    async with serving(ROUTES) as browser:
        rebound = await browser.ask("GET", "/api/hello", headers={"Host": "evil.example"})
        assert rebound.status == 421
        named = await browser.ask("GET", "/api/hello", headers={"Host": "desk.example.org"})
        assert named.status == 200


async def test_a_machine_needs_its_token_and_no_origin() -> None:
    door = FakeDoor()
    door.machines["tl_secret"] = Who("crm", "CRM", frozenset({Role.SUPERVISOR}), means="token")
    none = {"Origin": "", HEADER: ""}
    async with serving(ROUTES, door) as browser:
        for header, status in (
            ("Bearer tl_secret", 200),
            ("Bearer wrong", 401),
            ("Basic tl_secret", 401),
            ("Bearer " + "x" * 300, 401),
        ):
            told = {**none, "Authorization": header}
            answer = await browser.as_("supervisor").ask("GET", "/api/customers/7", headers=told)
            assert answer.status == status, header


async def test_a_body_that_is_wrong_is_told_where() -> None:
    async with serving(ROUTES) as browser:
        me = browser.as_("agent")
        wrong = await me.ask("POST", "/api/words", json={"word": 3, "times": "x", "more": 1})
        assert wrong.status == 422
        fields = {each["field"] for each in (await wrong.json())["errors"]}
        assert fields == {"word", "times", "more"}
        assert (await me.ask("POST", "/api/words", data="{")).status == 415
        broken = {"Content-Type": "application/json"}
        assert (await me.ask("POST", "/api/words", data="{", headers=broken)).status == 422
        long = await me.ask("POST", "/api/words", json={"word": "x" * 70_000})
        assert long.status == 413
        query = await browser.as_("supervisor").ask("GET", "/api/customers/7?limit=x&z=1")
        assert query.status == 422


async def test_a_body_of_unknown_length_stops_at_the_bound() -> None:
    async def endless():  # type: ignore[no-untyped-def]
        for _ in range(100):
            yield b"x" * 10_000

    async with serving(ROUTES) as browser:
        json_ = {"Content-Type": "application/json"}
        me = browser.as_("agent")
        answer = await me.ask("POST", "/api/words", data=endless(), headers=json_)
        assert answer.status == 413


async def test_a_gateways_form_is_taken_as_it_is() -> None:
    async with serving(ROUTES) as browser:
        none = {"Origin": "", HEADER: ""}
        answer = await browser.ask("POST", "/api/hook", data={"a": "1"}, headers=none)
        assert await answer.json() == {"got": "a=1"}
        assert (await browser.ask("POST", "/api/hook", json={})).status == 415
        assert (await browser.ask("POST", "/api/hook", data={"a": "1" * 200})).status == 413


async def test_a_fault_of_ours_shows_nothing_of_the_inside() -> None:
    async with serving(ROUTES) as browser:
        me = browser.as_("agent")
        broken = await me.ask("POST", "/api/breaks")
        assert broken.status == 500
        assert "4711" not in await broken.text()
        refused = await me.ask("POST", "/api/illegal")
        assert (refused.status, (await refused.json())["detail"]) == (
            409,
            "agent 1001 is logged out",
        )
        assert (await me.ask("POST", "/api/silent")).status == 503


async def test_other_sites_see_only_what_they_may() -> None:
    async with serving(ROUTES) as browser:
        shop = {"Origin": FOREIGN, HEADER: ""}
        good = await browser.ask("GET", "/api/hello", headers=shop)
        assert good.headers["Access-Control-Allow-Origin"] == FOREIGN
        assert "Access-Control-Allow-Credentials" not in good.headers
        posted = await browser.ask("POST", "/api/hello", json={"word": "a"}, headers=shop)
        assert posted.status == 200
        asked = {**shop, "Access-Control-Request-Method": "POST"}
        assert (await browser.ask("OPTIONS", "/api/hello", headers=asked)).status == 204
        evil = {**asked, "Origin": "https://evil.example"}
        assert (await browser.ask("OPTIONS", "/api/hello", headers=evil)).status == 403
        other = await browser.ask("GET", "/api/hello", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in other.headers


async def test_too_often_is_told_when_to_come_back() -> None:
    async with serving(ROUTES) as browser:
        got = [await browser.ask("POST", "/api/enter", json={"word": "a"}) for _ in range(4)]
        assert [each.status for each in got] == [204, 204, 429, 429]
        assert 1 <= int(got[-1].headers["Retry-After"]) <= 60


async def test_a_session_travels_in_a_cookie_that_scripts_cannot_read() -> None:
    async with serving(ROUTES) as browser:
        cookie = (await browser.ask("POST", "/api/enter", json={"word": "a"})).headers["Set-Cookie"]
        assert cookie.startswith("tieline=fresh;")
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
    async with serving(ROUTES, url="https://desk.example.org") as browser:
        secure = await browser.ask("POST", "/api/enter", json={"word": "a"})
        assert secure.headers["Set-Cookie"].startswith("__Host-tieline=fresh;")
        assert "Secure" in secure.headers["Set-Cookie"]
        assert "max-age" in secure.headers["Strict-Transport-Security"]


async def test_forwarded_addresses_count_only_from_our_own_proxies() -> None:
    spoofed = {"X-Forwarded-For": "198.51.100.9, 192.0.2.7"}
    async with serving(ROUTES) as browser:
        answer = await browser.ask("GET", "/api/hello", headers=spoofed)
        assert await answer.json() == {"address": "127.0.0.1"}
    async with serving(ROUTES, proxies=("127.0.0.0/8",)) as browser:
        answer = await browser.ask("GET", "/api/hello", headers=spoofed)
        assert await answer.json() == {"address": "192.0.2.7"}


async def test_every_answer_tells_browsers_to_run_nothing_foreign() -> None:
    async with serving(ROUTES) as browser:
        for path in ("/api/hello", "/nowhere"):
            headers = (await browser.ask("GET", path)).headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"


def test_a_problem_says_what_is_wrong_and_where() -> None:
    told = Problem(422, "Not so.", errors=[{"field": "a", "message": "is missing"}], code="x")
    assert told.document() | {"title": ""} == {
        "type": "about:blank",
        "title": "",
        "status": 422,
        "detail": "Not so.",
        "code": "x",
        "errors": [{"field": "a", "message": "is missing"}],
    }


async def test_an_ipv6_network_counts_as_one_and_ipv4_is_ipv4_however_it_is_written() -> None:
    """Whoever has a /64 would otherwise have a bucket for each of its 2^64 addresses."""
    async with serving(ROUTES, proxies=("127.0.0.1",)) as browser:

        async def enter_from(address: str) -> int:
            told = {"X-Forwarded-For": address}
            body = {"word": "a"}
            return (await browser.ask("POST", "/api/enter", json=body, headers=told)).status

        assert await enter_from("2001:db8:1:2::1") < 300
        assert await enter_from("2001:db8:1:2:ffff::9") < 300
        assert await enter_from("2001:db8:1:2:aaaa:bbbb:cccc:dddd") == 429
        assert await enter_from("2001:db8:1:3::1") < 300
        assert await enter_from("192.0.2.7") < 300
        assert await enter_from("::ffff:192.0.2.7") < 300
        assert await enter_from("192.0.2.7") == 429


@dataclass
class CountingDoor(FakeDoor):
    """How often a secret was looked up."""

    looked: int = 0

    async def by_token(self, secret: str) -> Who | None:
        self.looked += 1
        return await super().by_token(secret)

    async def by_session(self, secret: str) -> Who | None:
        self.looked += 1
        return await super().by_session(secret)


async def test_who_guesses_tokens_is_refused_before_anything_is_looked_up() -> None:
    door = CountingDoor()
    door.machines["tl_secret"] = Who("crm", "CRM", frozenset({Role.SUPERVISOR}), means="token")
    async with serving(ROUTES, door) as browser:

        async def status(token: str) -> int:
            told = {"Origin": "", HEADER: "", "Authorization": f"Bearer {token}"}
            return (await browser.ask("GET", "/api/customers/7", headers=told)).status

        assert await status("tl_secret") == 200
        guesses = await asyncio.gather(*(status(f"tl_{number}") for number in range(150)))
        assert set(guesses) == {401, 429}
        asked = door.looked
        assert asked <= WRONG.burst + 5
        assert await status("tl_one_more") == 429
        assert door.looked == asked
        assert await status("tl_secret") == 200  # who was known before is not shut out


async def test_who_guesses_sessions_shuts_nobody_out() -> None:
    door = CountingDoor()
    async with serving(ROUTES, door) as browser:
        assert (await browser.as_("supervisor").ask("GET", "/api/customers/7")).status == 200
        for number in range(WRONG.burst + 10):
            answer = await browser.as_(f"guess-{number}").ask("GET", "/api/customers/7")
            assert answer.status == 401
        assert door.looked <= WRONG.burst + 5
        assert (await browser.as_("supervisor").ask("GET", "/api/customers/7")).status == 200
        # Signing in is open to all, and whoever did it is known.
        door.people["fresh"] = PEOPLE["supervisor"]
        entered = await browser.as_("old").ask("POST", "/api/enter", json={"word": "a"})
        assert entered.status == 204
        assert (await browser.as_("fresh").ask("GET", "/api/customers/7")).status == 200


async def test_a_connection_that_asks_nothing_is_cut_and_one_that_asked_is_not() -> None:
    server = WebServer(ROUTES, FakeDoor(), Outside("http://desk.example.org"), "127.0.0.1", 0)
    await server.start()
    try:
        silent = await asyncio.open_connection("127.0.0.1", server.port)
        halting = await asyncio.open_connection("127.0.0.1", server.port)
        asking = await asyncio.open_connection("127.0.0.1", server.port)
        halting[1].write(b"GET /api/hello HTTP/1.1\r\nHost: 127.0.0.1")
        asking[1].write(
            f"GET /api/hello HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
        )
        assert (await asking[0].readline()).startswith(b"HTTP/1.1 200")
        runner, now = server._runner, asyncio.get_running_loop().time()
        assert runner is not None
        server.cut_silent(runner, now)
        server.cut_silent(runner, now + HEADER_SECONDS - 1)
        assert not silent[0].at_eof()
        server.cut_silent(runner, now + HEADER_SECONDS + 1)
        async with asyncio.timeout(5):
            for reader, _ in (silent, halting):
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
        asking[1].write(
            f"GET /api/hello HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
        )
        assert b"HTTP/1.1 200" in await asking[0].readuntil(b"200")
        for _, writer in (silent, halting, asking):
            writer.close()
    finally:
        await server.stop()


async def test_a_body_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.05)
    ended = asyncio.Event()

    async def halts() -> AsyncIterator[bytes]:
        yield b'{"word":'
        await ended.wait()

    async with serving(ROUTES) as browser:
        json_ = {"Content-Type": "application/json"}
        me = browser.as_("agent")
        answer = await me.ask("POST", "/api/words", data=halts(), headers=json_)
        assert answer.status == 408
        ended.set()
