"""Chats on a web site: nothing is lost or read twice, and nobody reads what is not theirs."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from ivr.channels.manners import CHAT
from ivr.chats import identity, talking
from ivr.chats.files import MOST_FILES, Files, kind_of
from ivr.chats.lobby import MOST, MOST_AT_ONE_PLACE, Lobby, Seat
from ivr.chats.visitors import MOST_WINDOWS, Socket
from ivr.flow.running.state import Facts
from ivr.threads.greeting import greeting
from ivr.threads.threads import Opening
from ivr.web.problems import Problem
from tests.chats.house import KEY, SECRET, House, Visitor, house
from tests.e2e.known import until
from tests.flow.flows import flow_of

WORD = {"id": "customer-7", "name": "Mei Lin", "phone": "+8613800138000"}
"""Whom the shop vouches for."""
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


async def test_what_a_browser_tells_by_itself_takes_no_message_s_place(shop: House) -> None:
    visitor = await shop.come()
    for told in ({"type": "typing"}, {"type": "seen", "seq": 1}, {"type": "links"}) * 10:
        await visitor.socket.send_json(told)
    await visitor.say("Hello.", "said")
    assert not [told for told in visitor.heard if told["type"] == "wait"]
    for _ in range(60):
        await visitor.socket.send_json({"type": "typing"})
    assert (await visitor.until("wait"))["why"] == "fast"


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
    assert identity.visitor_of(visitor.token, "other", KEY, shop.rooms.time) is None


async def test_the_sites_word_brings_back_its_visitor_and_a_forged_one_is_refused(
    shop: House,
) -> None:
    told = WORD
    visitor = await shop.come(identity=word(shop))
    thread = shop.thread(visitor)
    assert (thread.name, thread.vouched, thread.number) == ("Mei Lin", True, "+8613800138000")
    again = await shop.come(identity=word(shop))
    assert again.chat == visitor.chat
    # The token of such a visitor, taken from a browser, is not the site's word.
    assert (await shop.come(token=visitor.token)).chat != visitor.chat
    for forged in (
        identity.sign({**told, "exp": shop.rooms.time + 60}, "guess"),
        identity.sign({**told, "exp": shop.rooms.time + 1e9}, SECRET),
        identity.sign({"id": 7, "exp": shop.rooms.time + 60}, SECRET),
        identity.sign(told, SECRET),
        "x",
        "x.y",
    ):
        socket = await shop.session.ws_connect(f"{shop.url}/widget/talk")
        await socket.send_json({"type": "hello", "site": "shop", "identity": forged})
        assert (await socket.receive_json())["type"] == "refused"


def word(shop: House, lasts: float = 60) -> str:
    """The shop vouches for its visitor for so many seconds from now."""
    return identity.sign({**WORD, "exp": shop.rooms.time + lasts}, SECRET)


async def lapses(visitor: Visitor) -> None:
    """Whatever still comes, the socket is closed because the site's word is over."""
    async with asyncio.timeout(10):
        while (told := await visitor.socket.receive()).type is WSMsgType.TEXT:
            pass
    assert (told.type, told.data) == (WSMsgType.CLOSE, talking.LAPSED)


async def test_a_socket_is_closed_when_the_sites_word_for_its_visitor_is_over(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "LOOK", 0.02)
    visitor, stranger = await shop.come(identity=word(shop)), await shop.come()
    await visitor.say("One", "one")
    shop.rooms.time += 61
    await lapses(visitor)
    await until(lambda: not shop.visitors.here(visitor.chat))
    assert (await stranger.say("Still here"))["seq"] > 0
    # What was said meanwhile is there, once, for who comes back with a fresh word.
    thread = shop.thread(visitor)
    missed, _ = shop.rooms.threads.book.write(thread, "agent", "Two", agent="1001")
    back = await shop.look(identity=word(shop), chat=visitor.chat, after=missed.seq - 1)
    assert (back.chat, back.read) == (visitor.chat, ["Two"])


async def test_what_is_written_after_the_sites_word_is_over_counts_once_with_a_fresh_one(
    shop: House,
) -> None:
    visitor = await shop.come(identity=word(shop))
    shop.rooms.time += 61
    await visitor.socket.send_json({"type": "say", "id": "late", "text": "Late"})
    await lapses(visitor)
    said = lambda: [text for by, text in shop.rooms.said(shop.thread(visitor)) if by == "customer"]  # noqa: E731 - twice
    assert said() == []
    back = await shop.come(identity=word(shop))
    await back.say("Late", "late")
    await back.say("Late", "late")
    assert (back.chat, said()) == (visitor.chat, ["Late"])


async def test_a_word_that_is_over_when_it_comes_asks_for_a_fresh_one(shop: House) -> None:
    socket = await shop.session.ws_connect(f"{shop.url}/widget/talk")
    await socket.send_json({"type": "hello", "site": "shop", "identity": word(shop, -1)})
    await lapses(Visitor(socket))
    forged = identity.sign({**WORD, "exp": shop.rooms.time - 1}, "guess")
    socket = await shop.session.ws_connect(f"{shop.url}/widget/talk")
    await socket.send_json({"type": "hello", "site": "shop", "identity": forged})
    assert (await socket.receive_json())["why"] == "unavailable"


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
    for told, why in (
        ({"text": "x"}, "odd"),
        ({"id": "a", "text": " "}, "empty"),
        ({"id": "b", "text": "x" * 4001}, "long"),
    ):
        await visitor.socket.send_json({"type": "say", **told})
        refused = await visitor.until("refused")
        assert refused["why"] == why
        assert refused["detail"].startswith("a message has")
    assert refused["values"] == {"most": 4000}
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
    mine = await browser.ask("GET", (await visitor.links())[file["id"]])
    assert (mine.status, await mine.read()) == (200, PNG)
    assert "sandbox" in mine.headers["Content-Security-Policy"]
    assert await stranger.links() == {}
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
    assert (await visitor.until("ringing"))["why"] == "not_rung"
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


async def test_a_browser_never_mixes_two_releases_of_the_page(shop: House) -> None:
    browser = shop.agent.as_("")
    first = await browser.ask("GET", "/widget/frame.js")
    assert "import" in await first.text()
    assert first.headers["Cache-Control"] == "no-cache"
    known = {"If-None-Match": first.headers["ETag"]}
    assert (await browser.ask("GET", "/widget/frame.js", headers=known)).status == 304
    other = await browser.ask("GET", "/widget/words.js", headers=known)
    assert (other.status, "WORDS" in await other.text()) == (200, True)


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
    assert (answer.status, (await answer.json())["why"]) == (409, "over")
    assert not list(shop.folder.glob("files/*/*"))


async def test_half_a_character_in_an_id_or_a_name_breaks_nothing(shop: House) -> None:
    visitor = await shop.come(form={"name": "Mei\ud800\u202e\r\n", "phone": "\ud800"})
    assert shop.thread(visitor).name == "Mei"
    await visitor.socket.send_str('{"type": "say", "id": "\\ud800", "text": "x"}')
    assert (await visitor.until("refused"))["why"] == "odd"
    first = await visitor.say("Hello", "a")
    second = await visitor.say("Again", "c")
    assert second["seq"] > first["seq"]
    said = shop.rooms.threads.book.messages(visitor.chat)
    assert [each.seq for each in said] == list(range(1, len(said) + 1))


async def test_one_address_does_not_begin_conversations_without_end(shop: House) -> None:
    for _ in range(55):
        await (await shop.come()).socket.close()
    visitor = await shop.look()
    await visitor.socket.send_json({"type": "say", "id": "a", "text": "Hello"})
    waits = await visitor.until("wait")
    assert (waits["id"], waits["why"]) == ("a", "crowded")
    assert (
        shop.rooms.threads.book.open_with("chat", visitor.token.partition(".")[0], "shop") is None
    )


# --- nothing is begun by looking ------------------------------------------------------------------


async def test_who_only_looks_at_the_chat_costs_nothing_that_lasts(shop: House) -> None:
    visitor = await shop.look(form={"name": "Mei"})
    assert visitor.chat == ""
    assert "How can we help?" in visitor.heard[0]["greeting"][0]
    for told in ({"type": "typing"}, {"type": "seen", "seq": 1}, {"type": "end"}):
        await visitor.socket.send_json(told)
    await visitor.socket.send_json({"type": "say", "id": "a", "text": " "})
    await visitor.until("refused")
    await visitor.socket.close()
    rooms = shop.rooms
    assert (len(rooms.threads.book), rooms.story, rooms.journal.kept("thread")) == (0, [], {})


async def test_the_first_word_begins_the_conversation_after_its_greeting(shop: House) -> None:
    visitor = await shop.look(form={"name": "Mei"})
    other_window = await shop.look(token=visitor.token)
    await visitor.say("1", "a")
    (thread,) = shop.rooms.threads.book
    assert [by for by, _ in shop.rooms.said(thread)][:2] == ["bot", "customer"]
    assert thread.name == "Mei"
    await shop.rooms.threads.settled(thread)
    assert thread.phase == "waiting"  # it was heard as the answer to the greeting
    assert (await other_window.until("welcome", chat=thread.id))["token"] == other_window.token
    await other_window.until("message", by="customer")


def test_a_flow_that_finds_somebody_at_once_finds_nobody_for_who_only_looks() -> None:
    flow = flow_of("""
flow: site
start: hello
steps:
  hello: {say: "Welcome.", next: talk}
  talk: {queue: billing, next: bye, otherwise: bye}
  bye: {hangup: "Goodbye."}
""")
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert greeting(flow, CHAT, Facts("", "shop"), now=now, switches={}) == ["Welcome."]


def test_of_too_many_silent_browsers_the_longest_silent_goes() -> None:
    lobby = Lobby()

    def comes(place: str) -> Seat:
        opening = Opening("chat", place, "shop", "site")
        seat = Seat(Socket(cast(Any, None)), opening, "", place)
        lobby.enter(seat)
        return seat

    quiet = comes("192.0.2.1")
    seats = [comes("203.0.113.9") for _ in range(MOST_AT_ONE_PLACE + 1)]
    gone = [each for each in (quiet, *seats) if each.browser.overrun.is_set()]
    assert gone == [seats[0]]
    for number in range(MOST):
        comes(f"198.51.100.{number}")
    assert len(lobby) == MOST
    lobby.leave(seats[0])  # gone already
    assert len(lobby) == MOST


async def test_one_conversation_is_open_in_so_many_windows(shop: House) -> None:
    visitor = await shop.come()
    others = [await shop.come(token=visitor.token) for _ in range(MOST_WINDOWS)]
    async with asyncio.timeout(5):
        while len(shop.visitors._sockets[visitor.chat]) > MOST_WINDOWS:
            await asyncio.sleep(0.01)
    await others[-1].say("Hello")


async def test_one_place_holds_so_many_sockets_and_gives_them_back(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "MOST_SOCKETS", 3)
    open_ = [await shop.look() for _ in range(3)]
    with pytest.raises(WSServerHandshakeError) as refused:
        await shop.look()
    assert refused.value.status == 429
    await open_[0].socket.close()
    async with asyncio.timeout(5):
        while sum(shop.talking._open.values()) == 3:
            await asyncio.sleep(0.01)
    await shop.look()


# --- tokens and files -----------------------------------------------------------------------------


async def test_a_visitor_who_stays_away_too_long_is_a_stranger_again(shop: House) -> None:
    visitor = await shop.come()
    shop.rooms.time += identity.TOKEN_LASTS - 10
    back = await shop.look(token=visitor.token)
    assert back.token != visitor.token  # each visit brings a fresh one
    shop.rooms.time += 20
    who = partial(identity.visitor_of, site="shop", key=KEY, now=shop.rooms.time)
    assert who(visitor.token) is None
    assert who(back.token) == back.token.partition(".")[0]
    longer = visitor.token.split(".")
    longer[1] = str(int(longer[1]) + 100)
    assert who(".".join(longer)) is None


async def attached(shop: House, visitor: Visitor) -> str:
    """A file that this visitor sends; where it is."""
    headers = {"Content-Type": "application/octet-stream", "X-Tieline-Visitor": visitor.token}
    path = f"/widget/chats/{visitor.chat}/files?name=a.png"
    answer = await shop.agent.as_("").ask("POST", path, data=PNG, headers=headers)
    assert answer.status == 200
    (link,) = (await visitor.links()).values()
    return link


async def test_a_link_opens_its_own_file_for_some_minutes_and_nothing_else(shop: House) -> None:
    mine, theirs = await shop.come(), await shop.come()
    link, other = await attached(shop, mine), await attached(shop, theirs)
    browser = shop.agent.as_("")

    async def status(path: str) -> int:
        return (await browser.ask("GET", path)).status

    assert await status(link) == 200
    assert mine.token not in link
    path, _, key = link.partition("?")
    for forged in (path, f"{path}?token={mine.token}", f"{path}?{other.partition('?')[2]}",
                   f"{path}?key=9{key.removeprefix('key=')}"):  # fmt: skip
        assert await status(forged) in {404, 422}, forged
    shop.rooms.time += identity.FILE_KEY_LASTS + 1
    assert await status(link) == 404
    (fresh,) = (await mine.links()).values()
    assert await status(fresh) == 200


async def test_files_of_somebody_the_site_vouches_for_are_shut_when_they_are_gone(
    shop: House,
) -> None:
    visitor = await shop.come(identity=word(shop))
    link = await attached(shop, visitor)
    browser = shop.agent.as_("")
    assert (await browser.ask("GET", link)).status == 200
    await visitor.socket.close()
    async with asyncio.timeout(5):
        while shop.visitors.here(visitor.chat):
            await asyncio.sleep(0.01)
    assert (await browser.ask("GET", link)).status == 404
    headers = {"Content-Type": "application/octet-stream", "X-Tieline-Visitor": visitor.token}
    path = f"/widget/chats/{visitor.chat}/files?name=a.png"
    assert (await browser.ask("POST", path, data=PNG, headers=headers)).status == 404


async def test_files_come_and_go_without_the_event_loop_waiting_for_the_disk(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    opens = Path.open

    def noted(self: Path, *args: Any, **more: Any) -> Any:
        if shop.folder / "files" in self.parents:
            opened.append(threading.current_thread().name)
        return opens(self, *args, **more)

    monkeypatch.setattr(Path, "open", noted)
    visitor = await shop.come()
    link = await attached(shop, visitor)
    answer = await shop.agent.as_("").ask("GET", link)
    assert (await answer.read(), answer.headers["Content-Length"]) == (PNG, str(len(PNG)))
    assert opened
    assert threading.main_thread().name not in opened


async def test_a_file_that_breaks_off_leaves_nothing_behind(shop: House) -> None:
    visitor = await shop.come()
    thread = shop.thread(visitor)

    async def breaks() -> AsyncIterator[bytes]:
        yield PNG * 10_000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await shop.files.keep(thread, "a.png", breaks(), ["image/png"])
    assert not list(shop.folder.glob("files/*/*"))
    left = shop.folder / "files" / "incoming" / "dead"
    left.write_bytes(PNG)  # as a killed service leaves it
    Files(shop.folder / "files", shop.rooms.threads.book)
    assert not left.exists()


async def test_a_conversation_takes_so_many_files_even_all_at_once(shop: House) -> None:
    thread = shop.thread(await shop.come())

    async def one() -> AsyncIterator[bytes]:
        yield PNG

    keeping = [
        shop.files.keep(thread, "a.png", one(), ["image/png"]) for _ in range(MOST_FILES + 5)
    ]
    came = await asyncio.gather(*keeping, return_exceptions=True)
    assert sum(isinstance(each, Problem) for each in came) == 5


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (PNG, "image/png"),
        (b"%PDF-1.7", "application/pdf"),
        (b"RIFF0000WEBP", "image/webp"),
        ("Grüße, 你好\n".encode() * 60_000, "text/plain"),
        (b"  \n<svg>", ""),
        (b" " * 400_000 + b"<script>", ""),
        (b"MZ\x90\x00", ""),
        ("é".encode()[:1], ""),
        (b"", ""),
    ],
)
def test_a_file_is_what_its_first_bytes_say(tmp_path: Path, body: bytes, kind: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(body)
    assert kind_of(file) == kind
