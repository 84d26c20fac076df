"""What Asterisk and the command line get over HTTP, and what strangers get."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import unquote_to_bytes, urlencode

import aiohttp
import pytest
from aiohttp import encode_basic_auth

from ivr.errors import IvrError
from ivr.operator.server import (
    FAULT,
    FORM,
    HOST,
    STILL_AT_IT,
    OperatorServer,
    as_row,
    printable,
    read_question,
)
from ivr.operator.wording import Refused

TOKEN = "s3cret-token_x"


def printed_by_asterisk(row: str) -> str:
    """How res_config_curl and `realtime load` show a row of url-encoded pairs."""
    shown = ""
    for pair in row.strip().split("&"):
        key, _, value = pair.partition("=")
        shown += f"{decoded(key):>30}  {decoded(value):<30}\n"
    return shown


def decoded(text: str) -> str:
    """ast_uri_decode with ast_uri_http: plus is a space, then percent codes."""
    return unquote_to_bytes(text.replace("+", " ")).decode()


@pytest.mark.parametrize(
    "text",
    [
        "one line",
        "   张伟 在等 0:34\n   Members:\n      李娜 (PJSIP/1002)",
        "SL:92.3% & 50%25 = a+b; %n %s %%",
        "quote\" 'single' <1001> \\ tab ~ # ?",
        "line of text 你好 100% & more\n" * 600,
        "",
    ],
)
def test_asterisk_prints_the_text_as_it_is(text: str) -> None:
    row = as_row(text)
    assert "\n" not in row
    assert row.isascii()
    lines = printed_by_asterisk(row).rstrip().splitlines()[1:]
    assert "\n".join(lines) == text.rstrip()


def test_lines_that_asterisk_would_take_for_its_own_are_set_in() -> None:
    """`asterisk -rx` drops lines whose first byte is 128 or more."""
    assert printable("张伟 waits\nand\n\né\n") == " 张伟 waits\nand\n\n é"


def test_what_asterisk_cannot_hold_is_left_out() -> None:
    assert as_row("a\0b") == "%0Aab="
    assert as_row("a\ud800b") == "%0Aa%3Fb="


@pytest.mark.parametrize(
    ("body", "question"),
    [
        (b"show=queues", ("show", "queues")),
        (b"do=pause%2F1001%2F%E5%8D%88%E9%A4%90", ("do", "pause/1001/午餐")),
        (b"why=", ("why", "")),
        (b"", None),
        (b"show", None),
        (b"show=a&do=b", None),
        (b"\xff=\xfe", None),
    ],
)
def test_a_question_is_one_form_field(body: bytes, question: tuple[str, str] | None) -> None:
    assert read_question(body) == question


class Asked:
    """A server with an answer that can be chosen, and a client."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.answer: Callable[[str, str], Awaitable[str]] = self.repeat
        self.server = OperatorServer(self._answer, TOKEN, 0, budget=0.2)

    async def _answer(self, verb: str, words: str) -> str:
        self.heard.append((verb, words))
        return await self.answer(verb, words)

    async def repeat(self, verb: str, words: str) -> str:
        return f"{verb}: {words}"

    async def post(
        self,
        path: str = "/console/text",
        body: bytes | dict[str, str] | None = None,
        method: str = "POST",
        kind: str = FORM,
        token: str = TOKEN,
    ) -> tuple[int, str]:
        data = body if isinstance(body, bytes) else urlencode(body or {"show": "queues"}).encode()
        headers = {"Content-Type": kind, "Authorization": encode_basic_auth("tieline", token)}
        url = f"http://{HOST}:{self.server.port}{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=data, headers=headers) as response,
        ):
            return response.status, await response.text()


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    asked = Asked()
    await asked.server.start()
    yield asked
    await asked.server.stop()


async def test_both_shapes_carry_the_same_answer(asked: Asked) -> None:
    assert await asked.post(body={"show": "queues/billing"}) == (200, "show: queues/billing\n")
    assert await asked.post("/console/single") == (200, "%0Ashow%3A%20queues=")
    assert asked.heard == [("show", "queues/billing"), ("show", "queues")]


@pytest.mark.parametrize("token", ["wrong", f"{TOKEN}x", TOKEN[:-1], "", "mot-de-passe-é"])
async def test_without_the_token_there_is_nothing_here(asked: Asked, token: str) -> None:
    assert (await asked.post(token=token))[0] == 404
    assert asked.heard == []


@pytest.mark.parametrize("path", ["/console/multi", "/console", "/", f"/console/{TOKEN}/text"])
async def test_the_token_opens_no_other_door(asked: Asked, path: str) -> None:
    assert (await asked.post(path))[0] == 404
    assert asked.heard == []


async def test_only_short_forms_are_taken(asked: Asked) -> None:
    assert (await asked.post(body=b"show=" + b"x" * 5000))[0] == 413
    assert (await asked.post(body=b'{"show": "queues"}', kind="application/json"))[0] == 415
    assert (await asked.post(body=b"show=a&do=b"))[0] == 400
    assert (await asked.post(method="GET"))[0] == 405
    assert asked.heard == []


async def test_a_refusal_is_text_for_asterisk_and_a_status_for_scripts(asked: Asked) -> None:
    async def refuse(verb: str, words: str) -> str:
        raise Refused("No agent of that number.")

    asked.answer = refuse
    assert await asked.post() == (409, "No agent of that number.\n")
    assert await asked.post("/console/single") == (
        200,
        "%0ANo%20agent%20of%20that%20number.=",
    )


async def test_a_fault_of_ours_is_one_sentence_and_no_traceback(asked: Asked) -> None:
    async def fail(verb: str, words: str) -> str:
        raise KeyError("secret inside")

    asked.answer = fail
    assert await asked.post() == (409, FAULT + "\n")
    assert (await asked.post("/console/single"))[0] == 200


async def test_a_slow_action_is_finished_though_nobody_waits_for_it(asked: Asked) -> None:
    go, done = asyncio.Event(), asyncio.Event()

    async def slow(verb: str, words: str) -> str:
        await go.wait()
        done.set()
        return "late"

    asked.answer = slow
    assert await asked.post() == (200, STILL_AT_IT + "\n")
    go.set()
    await asyncio.wait_for(done.wait(), 2)


async def test_stopping_calls_off_what_is_still_worked_on(asked: Asked) -> None:
    ended = asyncio.Event()

    async def endless(verb: str, words: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    asked.answer = endless
    assert await asked.post() == (200, STILL_AT_IT + "\n")
    await asked.server.stop()
    assert ended.is_set()
    await asked.server.stop()


async def test_only_this_machine_can_ask(asked: Asked) -> None:
    assert asked.server.addresses == [(HOST, asked.server.port)]


async def test_a_taken_port_is_said_plainly(asked: Asked) -> None:
    second = OperatorServer(asked.repeat, TOKEN, asked.server.port)
    with pytest.raises(IvrError, match="choose another console_port"):
        await second.start()
