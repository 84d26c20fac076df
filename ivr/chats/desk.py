"""The agents' side of conversations in letters: what their screens are told, and what they may ask.

Chats and SMS threads look the same to an agent: a pane with a transcript. A pane is known by the
contact's id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web
from pydantic import Field

from acd.records.contact import Json
from ivr.backends.sites import Site
from ivr.chats.files import Files
from ivr.chats.inviting import Inviting, NoCode
from ivr.chats.visitors import Visitors
from ivr.threads.book import Message, Thread
from ivr.threads.people import NotYours
from ivr.threads.refusals import BadMessage
from ivr.threads.threads import Threads
from ivr.web.gate import parts_at_most
from ivr.web.hub import Hub, for_agents
from ivr.web.problems import Problem, not_found
from ivr.web.roles import STAFF
from ivr.web.routes import Call, Model, Query, Raw, Route

WAYS: Mapping[str, str] = {"written": "sent", "failed": "failed"}
WRITERS: Mapping[str, str] = {"customer": "visitor", "house": "system"}
MOST = 25_000_000
RELOADS_WITHIN = 5.0
"""Seconds a page may be away before its agent has no screen."""


class ChatSaying(Model):
    """What an agent writes; `id` is the page's own, and the same id is the same message."""

    text: str = Field(max_length=4000)
    id: str = Field(min_length=1, max_length=80)


class ChatTyping(Model):
    """Whether the agent is writing."""

    on: bool = True


class ChatTarget(Model):
    """Who takes a conversation over: a queue, and perhaps one agent of it."""

    queue: str = Field(max_length=60)
    agent: str = Field("", max_length=20)


class Named(Query):
    """What a file is called."""

    name: str = "file"


@dataclass(frozen=True, slots=True)
class ChatLine:
    """One message as a pane shows it. `by` is the agent who wrote it, "" otherwise."""

    chat: str
    id: str
    seq: int
    at: float
    sender: str
    by: str
    text: str
    state: str
    attachments: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ChatPane:
    """One conversation in an agent's hands."""

    chat: str
    contact: str
    kind: str
    name: str
    address: str
    queue: str
    state: str
    visitor: str
    since: float
    messages: list[ChatLine]


def line(thread: str, message: Message) -> ChatLine:
    """A message for a pane."""
    file = message.file
    return ChatLine(
        thread,
        message.id,
        message.seq,
        message.at,
        WRITERS.get(message.by, message.by),
        message.agent,
        message.text,
        WAYS.get(message.way, message.way),
        [{**file}] if file else [],
    )


class ChatDesk:
    """The screens of threads (`ivr.threads.people.Screens`), and the routes of agents."""

    def __init__(
        self,
        threads: Threads,
        visitors: Visitors,
        hub: Hub,
        files: Files,
        *,
        site: Callable[[str], Site | None],
        inviting: Inviting,
    ) -> None:
        self._threads, self._visitors, self._hub = threads, visitors, hub
        self._files, self._site, self._inviting = files, site, inviting
        self._closing: dict[str, asyncio.TimerHandle] = {}
        threads.screens = self
        threads.book.on_phase = visitors.changed
        hub.on_screens(self.presence)

    # --- screens ---------------------------------------------------------------------------------

    def tell(self, agent: str, kind: str, data: Mapping[str, Json]) -> None:
        """See `Screens`."""
        name = str(data.get("contact", ""))
        told = self._told(kind, name, data)
        if told is not None:
            self._hub.publish(*told, for_agents(agent))

    def _told(
        self, kind: str, chat: str, data: Mapping[str, Json]
    ) -> tuple[str, Mapping[str, Any]] | None:
        """The event of the desk that says so; see the list in `docs/desk.md`."""
        match kind:
            case "chat_offered":
                return kind, {"chat": chat, **data}
            case "chat_offer_ended":
                return "offer_over", {**data, "why": data["reason"]}
            case "chat_message":
                message = self._message(chat, data["seq"])
                return None if message is None else (kind, asdict(line(chat, message)))
            case "chat_typing":
                return kind, {"chat": chat, "from": "visitor", "on": True}
            case "chat_way":
                message = self._message(chat, data["seq"])
                name = message.id if message is not None else ""
                return "chat_receipt", {"chat": chat, "id": name, "state": data["way"]}
            case "chat_visitor":
                return "chat_state", {"chat": chat, "visitor": "here" if data["here"] else "away"}
            case "chat_parked" | "chat_resumed" | "chat_ended":
                state = {"chat_parked": "parked", "chat_resumed": "open", "chat_ended": "closed"}
                return "chat_state", {"chat": chat, "state": state[kind]}
        return None

    def _message(self, chat: str, seq: Json) -> Message | None:
        said = self._threads.book.messages(chat, int(str(seq)) - 1)
        return said[0] if said else None

    def presence(self, agent: str, here: bool) -> None:
        """The agent has a page open, or none. A page that is only being loaded anew is not gone."""
        closing = self._closing.pop(agent, None)
        if closing is not None:
            closing.cancel()
        elif here:
            self._threads.people.set_room(agent, None)
        if not here:
            loop = asyncio.get_running_loop()
            self._closing[agent] = loop.call_later(RELOADS_WITHIN, self._closed, agent)

    def _closed(self, agent: str) -> None:
        """Those in hand stay, no more are offered."""
        del self._closing[agent]
        self._threads.people.set_room(agent, 0)

    # --- routes ----------------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """What agents may ask."""
        chat = "/api/chats/{chat}"
        return (
            self._route(
                "GET",
                "/api/chats",
                self._all,
                "My conversations",
                gives=list[ChatPane],
                audit="chat.list",
            ),
            self._route(
                "GET",
                "/api/chats/offers",
                self._offered,
                "What is on offer to me",
                gives=list[dict[str, Any]],
                audit="chat.offers",
            ),
            self._route("GET", chat, self._one, "One of them", gives=ChatPane, audit="chat.read"),
            self._route(
                "POST",
                f"{chat}/messages",
                self._say,
                "Write",
                takes=ChatSaying,
                gives=ChatLine,
                audit="chat.write",
            ),
            self._route("POST", f"{chat}/typing", self._type, "I am writing", takes=ChatTyping),
            self._route(
                "POST", f"{chat}/close", self._close, "I am done with it", audit="chat.close"
            ),
            self._route(
                "POST",
                "/api/chats/offers/{offer}/accept",
                self._accept,
                "I take it",
                gives=ChatPane,
                audit="chat.accept",
            ),
            self._route(
                "POST",
                "/api/chats/offers/{offer}/decline",
                self._decline,
                "Not me",
                audit="chat.decline",
            ),
            self._route(
                "POST",
                f"{chat}/transfer",
                self._transfer,
                "Hand it on",
                takes=ChatTarget,
                audit="chat.transfer",
            ),
            self._route(
                "POST",
                f"{chat}/code",
                self._code,
                "Give a code for the telephone",
                gives=ChatLine,
                audit="chat.code",
            ),
            self._route(
                "POST",
                f"{chat}/files",
                self._attach,
                "Attach a file",
                query=Named,
                takes=Raw(("application/octet-stream",)),
                gives=ChatLine,
                most=MOST,
                audit="chat.attach",
            ),
            self._route(
                "GET",
                f"{chat}/files/{{file}}",
                self._give,
                "A file of it",
                media="application/octet-stream",
                audit="chat.file",
            ),
        )

    def _route(self, method: Any, path: str, handler: Any, summary: str, **more: Any) -> Route:
        return Route(method, path, handler, roles=STAFF, summary=summary, tag="chats", **more)

    async def _all(self, call: Call) -> list[ChatPane]:
        return [self._pane(each) for each in self._threads.people.held_by(call.agent)]

    async def _one(self, call: Call) -> ChatPane:
        thread = self._threads.book.get(call["chat"])
        if thread is None or not (call.me.leads or thread.agent == call.agent):
            raise not_found("conversation")
        return self._pane(thread)

    def _pane(self, thread: Thread) -> ChatPane:
        messages = [line(thread.id, each) for each in self._threads.book.messages(thread.id)]
        open_ones = {"talking": "parked" if thread.parked else "open", "waiting": "waiting"}
        return ChatPane(
            thread.id,
            thread.id,
            thread.kind,
            thread.name,
            thread.number or thread.address,
            thread.queue,
            open_ones.get(thread.phase, "closed"),
            "here" if self._visitors.here(thread.id) else "away",
            thread.began_at,
            messages,
        )

    async def _say(self, call: Call) -> ChatLine:
        name, said = f"{call.agent}.{call.body.id}", call.body.text
        try:
            message = await self._threads.agent_says(call.agent, call["chat"], name, said)
        except NotYours:
            raise not_found("conversation") from None
        except BadMessage as why:
            raise Problem(422, f"This is not sent: {why}.") from None
        return line(call["chat"], message)

    async def _type(self, call: Call) -> None:
        self._mine(call)
        if call.body.on:
            await self._threads.agent_types(call.agent, call["chat"])

    async def _close(self, call: Call) -> None:
        self._mine(call)
        self._threads.people.leave(call.agent, call["chat"])

    async def _transfer(self, call: Call) -> None:
        thread = self._mine(call)
        target = call.body
        self._threads.people.move_on(call.agent, thread.id, target.queue, target.agent or None)

    async def _code(self, call: Call) -> ChatLine:
        thread = self._mine(call)
        try:
            return line(thread.id, await self._inviting.give(thread))
        except NoCode as why:
            raise Problem(409, f"There is no code: {why}.") from None

    async def _attach(self, call: Call) -> ChatLine:
        thread = self._mine(call)
        site = self._site(thread.line) or Site("", "")
        if thread.kind != "chat":
            raise Problem(409, "Files cannot be sent in a text message.")
        body = parts_at_most(call.request, min(MOST, max(1, site.files)))
        file = await self._files.keep(thread, call.query.name, body, site.types)
        try:
            message = await self._threads.agent_says(
                call.agent, thread.id, f"f.{file['id']}", "", file
            )
        except (BadMessage, NotYours) as why:
            await self._files.drop(thread, file)
            raise Problem(422, f"This file is not taken: {why}.") from None
        return line(thread.id, message)

    async def _give(self, call: Call) -> web.Response:
        thread = self._threads.book.get(call["chat"])
        if thread is None or not (call.me.leads or call.agent in thread.agents):
            raise not_found("conversation")
        try:
            return await self._files.give(thread, call["file"])
        except FileNotFoundError:
            raise not_found("file") from None

    def _mine(self, call: Call) -> Thread:
        try:
            return self._threads.people.talking(call.agent, call["chat"])
        except NotYours:
            raise not_found("conversation") from None

    # --- offers ----------------------------------------------------------------------------------

    async def _offered(self, call: Call) -> list[dict[str, Json]]:
        return self._threads.people.offers_to(call.agent)

    async def _accept(self, call: Call) -> ChatPane:
        try:
            thread = self._threads.people.accept(call.agent, call["offer"])
        except NotYours as late:
            raise Problem(409, f"{str(late).capitalize()}.") from None
        return self._pane(thread)

    async def _decline(self, call: Call) -> None:
        try:
            self._threads.people.decline(call.agent, call["offer"])
        except NotYours as late:
            raise Problem(409, f"{str(late).capitalize()}.") from None
