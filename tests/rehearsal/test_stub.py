"""The server in place of every service, and the folder that a call's part is told through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from ivr.backends.pretences import Pretence
from ivr.flow.actions import Ask
from ivr.flow.running.interpreter import Facts, start
from ivr.rehearsal.folder import Part, line_of, read_lines, read_part, write_part
from ivr.rehearsal.stub import GATEWAY, Stub
from tests.flow.flows import NOW
from tests.rehearsal.shop import FLOW


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    stub = Stub()
    await stub.start()
    yield stub
    await stub.stop()


@pytest.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_answers_come_one_after_another_and_each_call_has_its_own(
    stub: Stub, web: aiohttp.ClientSession
) -> None:
    stub.answer("one", {"orders": (Pretence(404), Pretence(200, {"n": 1}))})
    stub.answer("two", {"orders.post": (Pretence(201),)})
    url = f"{stub.url}/{{}}/orders/orders/7"
    seen = []
    for key in ("one", "one", "one", "two"):
        async with web.get(url.format(key)) as answer:
            seen.append((answer.status, await answer.json()))
    assert seen == [(404, None), (200, {"n": 1}), (200, {"n": 1}), (404, {})]
    async with web.post(url.format("two")) as answer:
        assert answer.status == 201


async def test_what_is_told_anew_counts_from_its_first_answer(
    stub: Stub, web: aiohttp.ClientSession
) -> None:
    url = f"{stub.url}/one/orders"
    stub.answer("one", {"orders": (Pretence(404), Pretence(500))})
    async with web.get(url):
        pass
    stub.answer("one", {"orders": (Pretence(200), Pretence(201))})
    async with web.get(url) as answer:
        assert answer.status == 200


async def test_a_service_that_is_down_breaks_the_connection_and_a_liar_sends_no_json(
    stub: Stub, web: aiohttp.ClientSession
) -> None:
    stub.answer("one", {"a": (Pretence(trouble="down"),), "b": (Pretence(trouble="lying"),)})
    with pytest.raises(aiohttp.ClientError):
        async with web.get(f"{stub.url}/one/a"):
            pass
    async with web.get(f"{stub.url}/one/b") as answer:
        assert "html" in await answer.text()


async def test_messages_are_taken_and_a_calendar_is_free_in_working_hours(
    stub: Stub, web: aiohttp.ClientSession
) -> None:
    async with web.post(f"{stub.url}/one/{GATEWAY}", json={"to": "1", "text": "Hi"}) as answer:
        assert answer.status == 200
    assert stub.messages("one") == [("1", "Hi")]
    until = (NOW + timedelta(hours=1)).isoformat()
    asked = {"after": NOW.isoformat(), "until": until, "limit": "3"}
    async with web.get(f"{stub.url}/one/fitter/slots", params=asked) as answer:
        assert [each["start"] for each in await answer.json()] == ["2026-03-02T11:00:00+00:00"]
    async with web.post(f"{stub.url}/one/fitter/slots/x/reservation") as answer:
        assert await answer.json() == {"reference": "R-1"}


def test_a_part_comes_back_as_it_was_told(tmp_path: Path) -> None:
    part = Part(
        at="2026-03-02T10:00:00+00:00",
        stub="http://127.0.0.1:1/one",
        language="zh",
        switches={"desk": False},
        pretences={"orders": (Pretence(200, {"n": 1}), Pretence(trouble="down"))},
        outcomes=("timeout", "answered"),
    )
    write_part(tmp_path, "one", part)
    assert read_part(tmp_path, "one") == part
    assert read_part(tmp_path, "two") is None


def test_the_log_tells_a_turn_and_leaves_out_one_that_is_half_written(tmp_path: Path) -> None:
    turn = start(FLOW, Facts("1", "4600"), NOW)
    assert isinstance(turn.action, Ask)
    file = tmp_path / "one.log"
    file.write_text(line_of(turn) + "\n" + line_of(turn)[:50])
    (line,) = read_lines(tmp_path, "one")
    assert line.action == "Ask"
    assert line.state == turn.state
    assert line.said[0] == "The Shop. How can we help?"
    assert line.ask["length_max"] == 1
    assert [each.kind for each in line.events] == ["started", "step"]
