"""Chats on a web site: nothing is lost or read twice, and nobody reads what is not theirs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType

from ivr.chats import identity
from tests.chats.house import KEY, SECRET, House, house

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


async def test_a_visitor_is_greeted_and_asks_for_a_person(shop: House) -> None:
    visitor = await shop.come(language="en-GB", form={"name": "Mei", "phone": "138 0013 8000"})
    assert "How can we help?" in (await visitor.until("message", by="bot"))["text"]
    await visitor.say("1")
    await shop.rooms.threads.settled(shop.thread(visitor))
    thread = shop.thread(visitor)
    assert (thread.phase, thread.name, thread.number) == ("waiting", "Mei", "+8613800138000")


async def test_agent_and_visitor_talk_and_the_agent_sees_what_was_read(shop: House) -> None:
    shop.rooms.log_in("1001")
    visitor = await shop.come()
    await visitor.say("1")
    await shop.rooms.threads.settled(shop.thread(visitor))
    offers = await (await shop.agent.ask("GET", "/api/chats/offers")).json()
    taken = await shop.agent.ask("POST", f"/api/chats/offers/{offers[0]['offer']}/accept")
    assert (await taken.json())["state"] == "open"
    late = await shop.agent.ask("POST", f"/api/chats/offers/{offers[0]['offer']}/accept")
    assert late.status == 409
    assert await visitor.until("state", phase="waiting")
    assert await visitor.until("state", phase="talking")
    answer = await shop.agent.ask(
        "POST", f"/api/chats/{visitor.chat}/messages", json={"id": "a", "text": "Hello, I am Ana."}
    )
    assert answer.status == 200
    said = await visitor.until("message", by="agent")
    assert said["text"] == "Hello, I am Ana."
    await visitor.socket.send_json({"type": "seen", "seq": said["seq"]})
    await visitor.say("Where is my book?")
    assert any("Where is my book?" in text for text in shop.told("chat_message"))
    assert any('"read"' in text for text in shop.told("chat_receipt"))
    panes = await (await shop.agent.ask("GET", "/api/chats")).json()
    assert [each["chat"] for each in panes] == [visitor.chat]
    assert panes[0]["messages"][-1]["text"] == "Where is my book?"


async def test_every_message_of_fifty_chats_is_there_once_after_the_service_was_killed(
    shop: House,
) -> None:
    visitors = await asyncio.gather(*(shop.come() for _ in range(50)))
    for visitor in visitors:
        await visitor.until("message", by="bot")
    # Half of them get an answer to what they write, the other half never hear that it was kept.
    texts = {
        visitor.chat: [f"{number}-{part}" for part in "abc"]
        for number, visitor in enumerate(visitors)
    }
    for visitor in visitors:
        await visitor.say(texts[visitor.chat][0], "a")
        await visitor.socket.send_json({"type": "say", "id": "b", "text": texts[visitor.chat][1]})
    await shop.restart()
    back = [
        await shop.come(token=each.token, chat=each.chat, after=max_seq(each)) for each in visitors
    ]
    for was, visitor in zip(visitors, back, strict=True):
        assert visitor.chat == was.chat
        await visitor.say(texts[was.chat][1], "b")  # sent again: nobody said that it was kept
        await visitor.say(texts[was.chat][2], "c")
        own = [text for by, text in shop.rooms.said(shop.thread(visitor)) if by == "customer"]
        assert own == texts[was.chat]


def max_seq(visitor: Any) -> int:
    seqs = [told["seq"] for told in visitor.heard if told["type"] == "message"]
    return max(seqs, default=0)


async def test_who_comes_back_gets_what_was_said_meanwhile_and_nothing_twice(shop: House) -> None:
    visitor = await shop.come()
    first = await visitor.until("message", by="bot")
    await visitor.socket.close()
    shop.rooms.threads.incoming(shop.thread(visitor), "other tab", "Hello?")
    back = await shop.come(token=visitor.token, chat=visitor.chat, after=first["seq"])
    assert back.chat == visitor.chat
    assert back.read[0] == "Hello?"


async def test_another_site_or_a_made_up_token_opens_nobodys_conversation(shop: House) -> None:
    visitor = await shop.come()
    forged = visitor.token[:-1] + ("1" if visitor.token.endswith("0") else "0")
    for token in ("", "x" * 30, forged, visitor.token.replace(".", "")):
        other = await shop.come(token=token)
        assert other.chat != visitor.chat
    assert identity.visitor_of(visitor.token, "other", KEY) is None


async def test_the_sites_word_brings_back_its_visitor_and_a_forged_one_is_refused(
    shop: House,
) -> None:
    told = {"id": "customer-7", "name": "Mei Lin", "phone": "+8613800138000"}
    word = identity.sign({**told, "exp": shop.rooms.time + 60}, SECRET)
    visitor = await shop.come(identity=word)
    thread = shop.thread(visitor)
    assert (thread.name, thread.vouched, thread.number) == ("Mei Lin", True, "+8613800138000")
    again = await shop.come(identity=word)
    assert again.chat == visitor.chat
    # The token of such a visitor, taken from a browser, is not the site's word.
    assert (await shop.come(token=visitor.token)).chat != visitor.chat
    for forged in (
        identity.sign({**told, "exp": shop.rooms.time + 60}, "guess"),
        identity.sign({**told, "exp": shop.rooms.time - 1}, SECRET),
        identity.sign({**told, "exp": shop.rooms.time + 1e9}, SECRET),
        identity.sign({"id": 7, "exp": shop.rooms.time + 60}, SECRET),
        identity.sign(told, SECRET),
        "x",
        "x.y",
    ):
        socket = await shop.session.ws_connect(f"{shop.url}/widget/talk")
        await socket.send_json({"type": "hello", "site": "shop", "identity": forged})
        assert (await socket.receive_json())["type"] == "refused"


@pytest.mark.parametrize(
    "hello", ["", "[]", "{", '{"type": "hello"}', '{"type": "hello", "site": "no"}', "[" * 9000]
)
async def test_a_socket_that_says_no_hello_is_closed(shop: House, hello: str) -> None:
    socket = await shop.session.ws_connect(f"{shop.url}/widget/talk")
    await socket.send_str(hello)
    assert (await socket.receive_json())["type"] == "refused"
    assert (await socket.receive()).type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING}


async def test_what_is_no_message_is_refused_and_the_conversation_goes_on(shop: House) -> None:
    visitor = await shop.come()
    for told in ({"type": "say", "text": "x"}, {"type": "say", "id": "a", "text": " "}):
        await visitor.socket.send_json(told)
        assert (await visitor.until("refused"))["why"].startswith("a message has")
    for told in ({}, {"type": "seen", "seq": "x"}, {"type": "seen", "seq": -5}, {"type": 7}):
        await visitor.socket.send_json(told)
    assert (await visitor.say("Hello"))["seq"] > 0


async def test_who_writes_too_fast_is_asked_to_wait_and_loses_nothing(shop: House) -> None:
    visitor = await shop.come()
    for number in range(60):
        await visitor.socket.send_json({"type": "say", "id": f"n{number}", "text": str(number)})
    assert (await visitor.until("wait"))["id"].startswith("n")


async def test_a_browser_that_stops_reading_is_cut_and_disturbs_nobody(shop: House) -> None:
    visitor = await shop.come()
    other = await shop.come(token=visitor.token)
    thread = shop.thread(visitor)
    deaf = visitor.socket._response.connection  # type: ignore[union-attr]  # it is connected
    assert deaf is not None
    assert deaf.transport is not None
    deaf.transport.pause_reading()
    async with asyncio.timeout(8):
        while len(shop.visitors._sockets[thread.id]) > 1:
            shop.visitors.tell(thread.id, {"type": "typing", "text": "x" * 200_000})
            await other.until("typing")
    assert shop.visitors.here(thread.id)


async def test_a_file_is_what_its_bytes_say_and_only_its_own_people_get_it(shop: House) -> None:
    visitor, stranger = await shop.come(), await shop.come()
    path = f"/widget/chats/{visitor.chat}/files"
    browser = shop.agent.as_("")
    headers = {"Content-Type": "application/octet-stream", "X-Tieline-Visitor": visitor.token}

    async def attach(body: bytes, token: str = visitor.token) -> int:
        told = {**headers, "X-Tieline-Visitor": token}
        answer = await browser.ask("POST", f"{path}?name=../a.png", data=body, headers=told)
        return answer.status

    assert await attach(PNG) == 200
    assert await attach(b"<svg onload=alert(1)>") == 422
    assert await attach(b"GIF89a") == 422
    assert await attach(PNG + b"\0" * 30_000) == 413
    assert await attach(PNG, stranger.token) == 404
    file = (await visitor.until("message", by="customer"))["file"]
    assert (file["name"], file["type"]) == ("a.png", "image/png")
    mine = await browser.ask("GET", f"{path}/{file['id']}?token={visitor.token}")
    assert (mine.status, await mine.read()) == (200, PNG)
    assert "sandbox" in mine.headers["Content-Security-Policy"]
    theirs = await browser.ask("GET", f"{path}/{file['id']}?token={stranger.token}")
    assert theirs.status == 404
    assert (
        await shop.agent.ask("GET", f"/api/chats/{visitor.chat}/files/{file['id']}")
    ).status == 404


async def test_only_the_agent_who_has_a_conversation_writes_or_reads_it(shop: House) -> None:
    visitor = await shop.come()
    chat = f"/api/chats/{visitor.chat}"
    said = {"id": "a", "text": "Me too."}
    assert (await shop.agent.ask("POST", f"{chat}/messages", json=said)).status == 404
    assert (await shop.agent.ask("GET", chat)).status == 404
    assert (await shop.agent.as_("supervisor").ask("GET", chat)).status == 200
    assert (await shop.agent.as_("").ask("GET", chat)).status == 401


async def test_a_visitor_is_rung_where_the_number_allows_it(shop: House) -> None:
    visitor = await shop.come()
    await visitor.socket.send_json({"type": "ring_me", "number": "+8613800138000"})
    assert (await visitor.until("ringing"))["ok"] is True
    await visitor.socket.send_json({"type": "ring_me", "number": "+1900"})
    assert (await visitor.until("ringing"))["why"] == "this number may not be rung"
    assert shop.rung[0] == (visitor.chat, "+8613800138000")


async def test_only_the_sites_own_pages_may_hold_the_frame(shop: House) -> None:
    page = await shop.agent.as_("").ask("GET", "/widget/frame?site=shop")
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://shop.example" in policy
    text = await page.text()
    assert 'data-title-en="The &quot;Shop&quot; &lt;b&gt;"' in text
    assert SECRET not in text
    assert (await shop.agent.as_("").ask("GET", "/widget/frame?site=other")).status == 404
    script = await shop.agent.as_("").ask("GET", "/widget/tieline.js")
    assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


async def test_a_visitor_who_ends_it_begins_anew_next_time(shop: House) -> None:
    visitor = await shop.come()
    await visitor.socket.send_json({"type": "end"})
    assert (await visitor.until("state"))["phase"] == "over"
    back = await shop.come(token=visitor.token, chat=visitor.chat, after=1)
    assert back.chat != visitor.chat
    assert json.dumps(back.heard).count("How can we help?") <= 1


async def test_what_is_attached_to_an_ended_conversation_leaves_no_file(shop: House) -> None:
    visitor = await shop.come()
    await visitor.socket.send_json({"type": "end"})
    await visitor.until("state", phase="over")
    answer = await shop.agent.as_("").ask(
        "POST",
        f"/widget/chats/{visitor.chat}/files?name=a.png",
        data=PNG,
        headers={"Content-Type": "application/octet-stream", "X-Tieline-Visitor": visitor.token},
    )
    assert answer.status == 409
    assert not list(shop.folder.glob("files/*/*"))


async def test_half_a_character_in_an_id_or_a_name_breaks_nothing(shop: House) -> None:
    visitor = await shop.come(form={"name": "Mei\ud800\u202e\r\n", "phone": "\ud800"})
    assert shop.thread(visitor).name == "Mei"
    await visitor.socket.send_str('{"type": "say", "id": "\\ud800", "text": "x"}')
    assert (await visitor.until("refused"))["why"] == "a message has an id of its own"
    first = await visitor.say("Hello", "a")
    second = await visitor.say("Again", "c")
    assert second["seq"] > first["seq"]
    said = shop.rooms.threads.book.messages(visitor.chat)
    assert [each.seq for each in said] == list(range(1, len(said) + 1))


async def test_one_address_does_not_begin_conversations_without_end(shop: House) -> None:
    for _ in range(55):
        await (await shop.come()).socket.close()
    socket = await shop.session.ws_connect(f"{shop.url}/widget/talk")
    await socket.send_json({"type": "hello", "site": "shop"})
    assert "too many conversations" in (await socket.receive_json())["why"]
