"""A visitor of the shop's page, without a browser: the chat's own protocol, and a telephone."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
from rich.text import Text

from ivr.demo.cast import PATIENCE, Caller
from ivr.demo.figures import milliseconds
from ivr.demo.provider import Provider
from ivr.demo.story import Lane
from ivr.errors import IvrError
from ivr.speech.phrases import phrase

_SCRIPT: Final = re.compile(r'<script src="([^"]+)/widget/tieline\.js" data-site="([^"]+)"')


class Visitor(Caller):
    """Somebody who reads and writes on a page, and can be rung.

    What is written is told by the journal, as everything is that happens to a contact.
    """

    contact = ""
    picked_up_at = 0.0
    _wrote_at = _asked_at = 0.0
    _texts = 0
    _heard: asyncio.Queue[dict[str, Any]]
    _socket: aiohttp.ClientWebSocketResponse | None = None

    # --- the chat --------------------------------------------------------------------------------

    @asynccontextmanager
    async def on(self, page: str) -> AsyncIterator[None]:
        """Open the page, and the chat that it holds, and send the form that comes first."""
        async with aiohttp.ClientSession() as session:
            async with session.get(page) as answer:
                found = _SCRIPT.search(await answer.text())
            if found is None:
                raise IvrError(f"the page at {page} holds no chat")
            desk, site = found.groups()
            self.show.callers.append(self)
            self.tell(f"{self.name} opens the chat on the shop's page", page, key=True)
            async with session.ws_connect(f"{desk}/widget/talk", origin=desk) as socket:
                self._socket, self._heard = socket, asyncio.Queue()
                listening = asyncio.create_task(self._listen(socket))
                try:
                    form = {"name": self.name, "phone": self.phone.user}
                    await self._send(type="hello", site=site, language="en", form=form)
                    await self._hears("welcome")
                    await self._send(type="begin")
                    self.contact = (await self._hears("welcome"))["chat"]
                    yield
                finally:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)

    async def writes(self, text: str) -> None:
        """Write to whoever is there; returns when the message is kept."""
        self._wrote_at = time.monotonic()
        name = f"m{time.monotonic_ns()}"
        await self._send(type="say", id=name, text=text)
        await self._hears("kept", id=name)

    async def reads(self, part: str, by: str = "bot") -> None:
        """Wait for a message with these words in it."""
        while part not in (await self._hears("message", by=by))["text"]:
            pass

    async def is_answered(self, part: str) -> None:
        """Wait for the bot's answer to what was written last, and measure how long it took."""
        await self.reads(part)
        self.show.figures.bot.append(time.monotonic() - self._wrote_at)

    async def asks_to_be_rung(self) -> None:
        """Click on the button below the conversation."""
        self._asked_at = time.monotonic()
        self.tell(f"{self.first_name} clicks “Have us ring you”", self.phone.user, key=True)
        await self._send(type="ring_me", number=self.phone.user)
        told = await self._hears("ringing")
        if not told["ok"]:
            raise IvrError(f"the visitor is not rung: {told['why']}")

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Whoever does not listen answers no ping, and is cut."""
        async for message in socket:
            self._heard.put_nowait(message.json())

    async def _send(self, **told: Any) -> None:
        if self._socket is None:
            raise IvrError(f"{self.name} has opened no chat")
        await self._socket.send_json(told)

    async def _hears(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """The next thing of that kind; raises IvrError when none comes, or we are refused."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    told = await self._heard.get()
                    if told["type"] == "refused":
                        raise IvrError(f"the chat refuses: {told['detail']}")
                    if told["type"] == kind and all(told[name] == wanted[name] for name in wanted):
                        return told
        except TimeoutError:
            raise IvrError(f"the chat brings no {kind} {wanted or ''}") from None

    # --- the telephone ---------------------------------------------------------------------------

    async def is_rung(self) -> None:
        """The phone rings, and is answered."""
        line = self.take(await self.phone.incoming(PATIENCE))
        self.show.figures.calls += 1
        self.show.figures.rung_back.append(line.began_at - self._asked_at)
        after = f"{milliseconds(self.show.figures.rung_back[-1])} after the click"
        self.tell(f"☎ {self.first_name}'s phone rings", at=line.began_at, figure=after)
        await self.show.pause(1.0)
        self.picked_up_at = time.monotonic()
        await line.answer(PATIENCE)
        self.tell(f"{self.first_name} picks up", at=line.answered_at)
        await line.hears_sound(PATIENCE)
        self.show.tell(Lane.TIELINE, f"“{phrase('callback-hello', 'en').text}”", manner="words")

    async def gets_a_text(self, provider: Provider, timeout: float = PATIENCE) -> None:
        """Read the next text message."""
        phone = self.phone.user
        new = await self.show.until(
            lambda: provider.phone(phone)[self._texts :], timeout, "no text message comes"
        )
        self._texts += 1
        self.tell(f"✉ {self.first_name}'s phone", f"“{new[0]}”")

    def lines(self, now: float) -> list[Text]:
        """See `Actor`."""
        talks = super().lines(now)
        if talks or self._socket is None or self._socket.closed:
            return talks
        return [Text.assemble((self.first_name, "bold cyan"), (" is in the chat", "dim"))]
