"""An agent's desk without a browser: the page's own requests, its stream, and what it shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ivr.demo.story import on_one_line
from ivr.errors import IvrError

PATIENCE: Final = 10.0
LOOK: Final = 0.1
_YES_NO: Final = {True: "yes", False: "no"}
_WRITERS: Final = {"customer": "Customer", "bot": "Bot", "agent": "Agent"}
_WRITER_STYLES: Final = {"Customer": "cyan", "Agent": "green"}


class Desk:
    """One agent's, signed in."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @classmethod
    @asynccontextmanager
    async def of(cls, address: str, name: str, password: str) -> AsyncIterator[Desk]:
        """Sign in at `address` (no slash at its end) and listen; raises IvrError when refused."""
        headers = {"Origin": address, "X-Tieline": "1"}
        jar = aiohttp.CookieJar(unsafe=True)  # which keeps cookies of hosts without a name
        async with aiohttp.ClientSession(address, headers=headers, cookie_jar=jar) as session:
            desk = cls(session)
            await desk.ask("POST", "/api/session", name=name, password=password)
            async with session.ws_connect("/api/events") as stream:
                listening = asyncio.create_task(desk._listen(stream))
                try:
                    yield desk
                finally:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        """What the API answers, None for nothing; raises IvrError in its words when it refuses."""
        async with self._session.request(method, path, json=body or None) as answer:
            told = await answer.json() if answer.content_type.endswith("json") else None
            if not answer.ok:
                why = told.get("detail") if isinstance(told, dict) else answer.reason
                raise IvrError(f"the desk was refused {method} {path}: {why}")
            return told

    async def contact(self, contact: str, words: str) -> dict[str, Any]:
        """All of a contact, once these words are in its conversation: records come a moment later.

        Raises IvrError when they are not there in time.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    told: dict[str, Any] = await self.ask("GET", f"/api/contacts/{contact}")
                    if any(words in line["text"] for line in told["transcript"]):
                        return told
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise IvrError(f"the desk does not show {words!r}") from None

    async def told(self, kind: str) -> dict[str, Any]:
        """The data of the next event of that kind; raises IvrError when none comes in time."""
        try:
            async with asyncio.timeout(PATIENCE):
                while (event := await self._events.get())["type"] != kind:
                    pass
        except TimeoutError:
            raise IvrError(f"the desk was told no {kind} within {PATIENCE:g} s") from None
        data: dict[str, Any] = event["data"]
        return data

    async def _listen(self, stream: aiohttp.ClientWebSocketResponse) -> None:
        async for message in stream:
            self._events.put_nowait(message.json())


def shown(contact: Mapping[str, Any], state: str) -> RenderableType:
    """A contact as the desk's page shows it: whose it is, what was collected, what was written."""
    head = Text.assemble(
        (f"{state}  ", "yellow"),
        (contact["caller_name"], "bold"),
        f"  {contact['number']}  {contact['queue_title']}  ",
        (contact["reason"], "bold blue"),
        ("  verified" if contact["verified"] else "", "green"),
    )
    fields = Table.grid(padding=(0, 2, 0, 0))
    for name, value in contact["fields"].items():
        said = _YES_NO[value] if isinstance(value, bool) else str(value)
        fields.add_row(Text(name, style="dim"), Text(said, style="bold"))
    lines = Table.grid(padding=(0, 2, 0, 0))
    for line in contact["transcript"]:
        writer = _WRITERS.get(line["by"], "Tieline")
        style = _WRITER_STYLES.get(writer, "dim")
        lines.add_row(Text(writer, style=style), Text(on_one_line(line["text"])))
    columns = Table.grid(padding=(0, 4, 0, 0))
    columns.add_row(Text("What they have said", "bold"), Text("Conversation", "bold"))
    columns.add_row(fields, lines)
    return Group(head, Text(), columns)
