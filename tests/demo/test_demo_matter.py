"""A visitor and a desk without browsers, on the real web side: they meet as the pages would."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from ivr.demo.backends import Backends
from ivr.demo.desk import Desk, shown
from ivr.demo.provider import Carried, Provider
from ivr.demo.visitor import Visitor
from ivr.errors import IvrError
from tests.demo.test_demo_screen import a_show, plain_screen
from tests.web.desk_house import PASSWORD, DeskHouse, desk_house, known

NORA = "+493070000077"
CONTACT = {
    "caller_name": "Nora Vogel",
    "number": NORA,
    "queue_title": "Book orders",
    "reason": "order 1001, shipped",
    "verified": False,
    "fields": {"order": "1001", "status": "shipped", "agreed": False},
    "transcript": [
        {"by": "bot", "text": "Is there anything else?\n1 another order\n2 a person"},
        {"by": "customer", "text": "[bold]a person[/bold]"},
        {"by": "agent", "text": "Hello."},
        {"by": "house", "text": "You are in the queue."},
    ],
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[DeskHouse]:
    async with desk_house(tmp_path) as house:
        await house.threads.start()
        await house.user("zhang", extension="1004", title="Zhang Wei")
        yield house
        await house.threads.stop()


def a_visitor() -> tuple[Visitor, Any, io.StringIO]:
    screen, printed = plain_screen()
    show = a_show(screen)
    phone: Any = SimpleNamespace(user=NORA)
    return Visitor(show, phone, "Nora Vogel"), show, printed


async def test_visitor_and_agent_find_each_other_without_a_browser(house: DeskHouse) -> None:
    visitor, show, printed = a_visitor()
    shop = Backends(desk=house.url)
    async with shop.serving() as page, Desk.of(house.url, "zhang", PASSWORD) as desk:
        await desk.ask("POST", "/api/agents/me/ready")
        async with visitor.on(page):
            await visitor.reads("Lantern Books")
            await visitor.writes("the state of an order")
            await visitor.is_answered("order number")
            await visitor.writes("0")
            offer = await desk.told("chat_offered")
            assert (offer["name"], offer["chat"]) == ("Nora Vogel", visitor.contact)
            await desk.ask("POST", f"/api/chats/offers/{offer['offer']}/accept")
            said = f"/api/chats/{visitor.contact}/messages"
            await desk.ask("POST", said, text="I am Zhang Wei.", id="1")
            await visitor.reads("Zhang Wei", by="agent")
            await known(house, visitor.contact)
            contact = await desk.contact(visitor.contact, "I am Zhang Wei.")
            assert (contact["number"], contact["queue"]) == (NORA, "orders")
            await desk.ask("POST", f"/api/chats/{visitor.contact}/close")
            await visitor.reads("Goodbye")
    await show.settle()
    assert "Nora Vogel opens the chat" in " ".join(printed.getvalue().split())
    assert len(show.figures.bot) == 1


async def test_what_the_desk_is_refused_is_told_in_its_words(house: DeskHouse) -> None:
    with pytest.raises(IvrError, match="Name and password do not go together"):
        async with Desk.of(house.url, "zhang", "something else"):
            pass
    async with Desk.of(house.url, "zhang", PASSWORD) as desk:
        with pytest.raises(IvrError, match="GET /api/contacts/none"):
            await desk.ask("GET", "/api/contacts/none")


async def test_who_did_not_ask_for_a_person_is_not_rung(house: DeskHouse) -> None:
    visitor, _, _ = a_visitor()
    async with Backends(desk=house.url).serving() as page, visitor.on(page):
        await visitor.reads("Lantern Books")
        with pytest.raises(IvrError, match="no_person"):
            await visitor.asks_to_be_rung()


async def test_a_page_without_a_chat_is_told(house: DeskHouse) -> None:
    visitor, _, _ = a_visitor()
    async with Backends(desk=house.url).serving() as page:
        with pytest.raises(IvrError, match="holds no chat"):
            async with visitor.on(f"{page}/messages"):
                pass


async def test_each_text_message_is_read_once() -> None:
    visitor, show, printed = a_visitor()
    provider = Provider("a token")
    for text in ("one", "two"):
        provider.carried.append(Carried("SM1", "+86", NORA, text, ours=True))
        await visitor.gets_a_text(provider)
    await show.settle()
    assert [word for word in printed.getvalue().split() if "“" in word] == ["“one”", "“two”"]


def test_the_desk_s_screen_shows_all_of_the_contact() -> None:
    printed = io.StringIO()
    Console(file=printed, width=96).print(shown(CONTACT, "Ringing"))
    lines = printed.getvalue().splitlines()
    assert lines[0].split("  ") == [
        "Ringing",
        "Nora Vogel",
        NORA,
        "Book orders",
        "order 1001, shipped",
    ]
    text = "\n".join(lines)
    for part in (
        "order   1001",
        "status  shipped",
        "agreed  no",
        "Bot       Is there anything else? · 1 another order · 2 a person",
        "Customer  [bold]a person[/bold]",
        "Agent     Hello.",
        "Tieline   You are in the queue.",
    ):
        assert part in text
