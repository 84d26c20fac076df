"""A PIN goes to the service that compares it, and nowhere else, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from ivr.demo.backends import Backends
from ivr.flow.actions import Failed
from ivr.flow.errands import CODE_MARK, CheckCode, CodeSent, Errand, Http, Identify, SendCode
from tests.backends.house import Talk, free_port, house, offering, says, service, wire

CANARY = "9753108642"
PIN = {"pin": CANARY}
ERRANDS: dict[str, Errand] = {
    "identify": Identify("people", {"account": "1", **PIN}, frozenset(PIN), "account"),
    "table": Identify("accounts", {"account": "1", **PIN}, frozenset(PIN), "account"),
    "post": Http("people", "POST", "/x", body={"a": 1}, secrets=PIN, retries=2),
    "get": Http("people", "GET", "/x", secrets=PIN, retries=2),
    "bad path": Http("people", "GET", "/%2e%2e/x", secrets=PIN),
    "bad method": Http("people", "BREW", "/x", secrets=PIN),
    "check": CheckCode("handle", CANARY),
}


async def _echo(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    body = f"<p>{CANARY}</p>".encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def _silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


SERVICES: dict[str, Talk | None] = {
    "well": says("200 OK", b'{"ok": false}'),
    "echoing": _echo,
    "echoing an error": says("500 Broken", CANARY.encode()),
    "redirecting": says("302 Found", b"", f"Location: http://127.0.0.2/?pin={CANARY}"),
    "odd": says(CANARY, b""),
    "silent": _silent,
    "down": None,
}


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[list[object]]:
    """Everything that any logger says."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines:
        found: list[object] = []
        yield found
        found += [lines, [each.getMessage() for each in caplog.records]]
        assert CANARY not in repr(found)


@pytest.mark.usefixtures("logged")
@pytest.mark.parametrize("name", SERVICES)
async def test_no_secret_is_logged_told_or_kept(tmp_path: Path, name: str) -> None:
    talk = SERVICES[name]
    async with wire(talk or _silent) as there_is:
        url = there_is.url if talk is not None else f"http://127.0.0.1:{free_port()}"
        people = service(url, name="people", kind="identity", timeout=0.1, limit=0.3)
        async with house(tmp_path, offering(people)) as there:
            found = [await there.run(each) for each in ERRANDS.values()]
            story = list(there.story)
    assert CANARY not in repr((found, story))
    assert all(CANARY not in each.why for each in found if isinstance(each, Failed))
    for file in tmp_path.iterdir():
        assert CANARY.encode() not in file.read_bytes(), file
    if name == "well":
        sent = [each for each in there_is.heard if CANARY.encode() in each]
        assert len(sent) == 3


@pytest.mark.usefixtures("logged")
async def test_a_fault_of_our_own_tells_where_and_not_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError(CANARY)

    monkeypatch.setattr("ivr.backends.identity.verify", broken)
    async with house(tmp_path) as there:
        found = await there.run(ERRANDS["table"])
    assert found == Failed("a fault of our own (KeyError)")


async def test_a_full_disk_is_a_failure_and_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "e.sqlite").mkdir()
    right = Identify("accounts", {"account": "1", "pin": "4321"}, frozenset({"pin"}), "account")
    async with house(tmp_path) as there:
        found = await there.run(right)
    assert isinstance(found, Failed)
    assert "written down" in found.why


@pytest.mark.usefixtures("logged")
async def test_a_code_is_in_the_message_alone(tmp_path: Path) -> None:
    backends = Backends()
    async with backends.serving() as url:
        gateway = service(url + "/messages", name="gateway")
        async with house(tmp_path, offering(gateway, region="CN")) as there:
            found = await there.run(SendCode("13800138000", f"Code {CODE_MARK}", length=10))
            assert isinstance(found, CodeSent)
            code = backends.messages[0]["text"].removeprefix("Code ")
            assert code not in repr((found, there.story))
        for file in tmp_path.iterdir():
            assert code.encode() not in file.read_bytes(), file
