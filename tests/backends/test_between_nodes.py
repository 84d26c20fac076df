"""What a code or a link that one node gave leads to at another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from acd.live.link import Link
from ivr.backends.services import Lockout
from ivr.flow.errands import CodeMade, Identified, Identify, Invite, Joined, Known, TakeCode
from tests.acd.live.server import Server
from tests.backends.conftest import PATIENT, MakeCommon
from tests.backends.house import House, house
from tests.e2e.known import until

KNOWN = Known({"order": "1001"}, "verified", {"name": "Mei"}, ("account", "pin"), ("order",))
PIN = frozenset({"pin"})
CHAT, CALL = "chat-n1", "call-n2"


@pytest.fixture
async def nodes(tmp_path: Path, redis: Server, common: MakeCommon) -> AsyncIterator[list[House]]:
    """Two; the chat lives at the first one, the call at the second."""
    async with AsyncExitStack() as stack:
        made = []
        for name in ("n1", "n2"):
            each = await stack.enter_async_context(
                house(tmp_path / name, common=common(redis, PATIENT))
            )
            passing = each.errands.passing
            passing.here = lambda contact, name=name: contact.endswith(name)  # type: ignore[misc]
            passing.known = lambda contact: KNOWN if contact == CHAT else Known()
            made.append(each)
        yield made


async def given(node: House) -> str:
    made = await node.run(Invite("{{ code }}", 600.0), CHAT)
    assert isinstance(made, CodeMade)
    return made.code


async def test_at_another_node_a_call_stays_itself_with_what_the_chat_knew(
    nodes: list[House],
) -> None:
    one, two = nodes
    two.errands.passing.known = lambda _: Known()
    two.errands.passing.fits = lambda contact, into: False
    code = await given(one)
    found = await two.run(TakeCode(code), CALL, caller="+8613800138000")
    assert found == Joined(True, KNOWN, elsewhere=CHAT)
    assert await one.run(TakeCode(code), "late-n1", caller="+861") == Joined(ok=False)


async def test_at_the_node_that_gave_it_the_call_becomes_the_chats_contact(
    nodes: list[House],
) -> None:
    one, _ = nodes
    found = await one.run(TakeCode(await given(one)), "call-n1", caller="+861")
    assert found == Joined(True, KNOWN, CHAT)


async def test_pins_are_guessed_at_no_more_often_on_many_nodes_than_on_one(
    nodes: list[House],
) -> None:
    for node in nodes:
        node.reload(lockout=Lockout(failures=3))
    wrong = Identify("accounts", {"account": "1", "pin": "0000"}, PIN, "account")
    found: list[Any] = [await nodes[n % 2].run(wrong, f"c{n}") for n in range(3)]
    assert [each.locked for each in found] == [False, False, True]
    right = Identify("accounts", {"account": "1", "pin": "4321"}, PIN, "account")
    for n, node in enumerate(nodes):
        last = await node.run(right, f"d{n}")
        assert isinstance(last, Identified)
        assert last.locked


async def test_a_form_that_is_filled_in_elsewhere_reaches_the_node_of_its_contact_once(
    nodes: list[House],
) -> None:
    one, two = nodes
    filled: list[tuple[str, str, Any]] = []
    one.errands.passing.fill = lambda *told: filled.append(told)
    two.errands.passing.filled(CHAT, "shop", {"note": "blue", "when": None})
    two.errands.passing.filled("strange", "shop", {})
    one.errands.passing.start()
    await until(lambda: bool(filled), why="the letter has come")
    two.errands.passing.filled(CHAT, "shop", {"note": "red"})
    await until(lambda: len(filled) == 2, why="so has the next one")
    assert filled == [
        (CHAT, "shop", {"note": "blue", "when": None}),
        (CHAT, "shop", {"note": "red"}),
    ]


async def test_a_form_that_cannot_be_filled_in_holds_up_none_behind_it(nodes: list[House]) -> None:
    one, two = nodes
    filled = asyncio.Event()

    def fill(_contact: str, _flow: str, values: Any) -> None:
        if not values:
            raise ValueError("there is nothing in it")
        filled.set()

    one.errands.passing.fill = fill
    one.errands.passing.start()
    two.errands.passing.filled(CHAT, "shop", {})
    two.errands.passing.filled(CHAT, "shop", {"note": "blue"})
    async with asyncio.timeout(20):
        await filled.wait()


@pytest.mark.parametrize("body", ["nonsense", "[1]", '{"contact": 7}', '{"values": "none"}'])
async def test_a_letter_that_nobody_can_read_holds_up_none_behind_it(
    nodes: list[House], redis: Server, body: str
) -> None:
    one, two = nodes
    filled: list[Any] = []
    one.errands.passing.fill = lambda contact, _flow, values: filled.append((contact, {**values}))
    common = one.errands._house.common
    assert common is not None
    link = Link(redis.url, timeout=PATIENT)
    await link.ask("XADD", f"{common.base}to:forms@n1", "*", "body", body)
    await link.ask("XADD", f"{common.base}to:forms@n1", "*", "other", body)
    await link.close()
    two.errands.passing.filled(CHAT, "shop", {"note": "blue"})
    one.errands.passing.start()
    await until(lambda: bool(filled), why="the letter behind them has come")
    assert filled == [(CHAT, {"note": "blue"})]
