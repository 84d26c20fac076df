"""Sends text messages over a provider's gateway, in the language it speaks.

    POST <the address of the service>   and the header Idempotency-Key
    {"id": "5f0c...", "to": "+8613800138000", "from": "+8610...", "text": "..."}

Any 2xx means that it was taken, another 4xx (but 408, 425, 429) that it never will be; after
anything else it is sent again under the same id. Without a gateway messages stay in the outbox.
Who has said STOP gets none, and nobody who did not ask gets one in the quiet hours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from acd.records.contact import ContactEvent, Json
from ivr.backends.gateway import Gateway
from ivr.backends.http import HttpClient
from ivr.backends.numbers import allowed, same_form
from ivr.backends.optouts import OptOuts
from ivr.backends.outbox import CLAIM, Message, Outbox
from ivr.backends.providers import Outgoing, Receipt, receipt_of, request
from ivr.backends.segments import segments
from ivr.backends.services import Service
from ivr.backends.sources import Sources
from ivr.flow.actions import Failed
from ivr.flow.errands import Sent

log = structlog.get_logger(__name__)

UNWANTED = "this number has said STOP and wants no text messages"
LONGEST = 1600
"""Characters of one message: ten parts."""
SENDERS = 4
LOOK = 0.05
"""Seconds between looks whether all is sent, for those who wait for it."""
IDLE = 30.0
"""Seconds between looks for messages that another service left."""
_PASSING = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be sent; `kept` is the copy that stays, when that is not `text` itself.

    `sender` is the number of ours that it comes from, "" for the usual one. What was not `asked`
    for waits until the quiet hours are over. `last` is the word that confirms a STOP.
    """

    id: str
    contact: str
    to: str
    text: str
    kept: str | None = None
    sender: str = ""
    asked: bool = True
    last: bool = False


class Texts:
    """Accepts messages and sends them in the background, between `start` and `close`."""

    def __init__(
        self,
        outbox: Outbox,
        http: HttpClient,
        sources: Callable[[], Sources],
        tell: Callable[[ContactEvent], None],
        clock: Callable[[], float],
        *,
        optouts: OptOuts,
        report: str = "",
    ) -> None:
        self.on_way: Callable[[Message], None] = _nobody_looks
        self.by_sip: Callable[[Outgoing], Awaitable[str]] = _no_line
        self.wanted: Callable[[str], Awaitable[bool | None]] = _nobody_knows
        """Whether a number may be written to; None leaves it to what STOP said."""
        self.optouts = optouts
        self._outbox, self._http, self._sources = outbox, http, sources
        self._report = report
        self._tell, self._clock = tell, clock
        self._wake = asyncio.Event()
        self._senders: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to send what is queued."""
        self._senders = [asyncio.create_task(self._send_all()) for _ in range(SENDERS)]

    async def close(self) -> None:
        """Stop; what is under way is sent again by the next service."""
        for task in self._senders:
            task.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)
        self._senders = []

    def wake(self) -> None:
        """Look at the outbox: something may be due."""
        self._wake.set()

    async def sent_all(self, within: float) -> bool:
        """Whether everything that waits was dealt with in so many seconds; needs `start`."""
        left = range(max(1, int(within / LOOK)))
        for _ in left:
            # Another process may be the one that sends: only the store can tell.
            if self._gateway() is None or await self._outbox.next_due() is None:
                return True
            await asyncio.sleep(LOOK)
        return False

    async def accept(self, draft: Draft) -> Sent | Failed:
        """Queue a message; one whose id was accepted before is not queued again."""
        message = self._message(draft, due=0.0)
        if isinstance(message, Failed):
            return message
        if not draft.last and await self._unwanted(message.number):
            return Failed(UNWANTED)
        if await self._outbox.keep(message) == "too many":
            return Failed("this number has had too many messages within the hour")
        self._wake.set()
        return Sent(message.id)

    async def send_now(self, draft: Draft) -> Sent | Failed:
        """Send a message that makes sense now or never, and wait until the gateway took it."""
        if self._gateway() is None:
            return Failed("no gateway for text messages is set up")
        message = self._message(draft, due=self._clock() + CLAIM)
        if isinstance(message, Failed):
            return message
        if await self._unwanted(message.number):
            return Failed(UNWANTED)
        if await self._outbox.keep(message, claimed=True) != "kept":
            return Failed("this number has had too many messages within the hour")
        why, _ = await self._hand_over(message, draft.text)
        if why is not None:
            await self._outbox.failed(message, why, self._clock())
            return Failed(why)
        await self._outbox.sent(message, self._clock())
        return Sent(message.id)

    async def _unwanted(self, number: str) -> bool:
        wanted = await self.wanted(number)
        return await self.optouts.out(number) if wanted is None else not wanted

    def _message(self, draft: Draft, due: float) -> Message | Failed:
        services = self._sources().services
        form = same_form(draft.to, services.region)
        if form is not None and services.gateway is not None and services.gateway.to:
            form = allowed(draft.to, services.gateway.to, services.region)
        if form is None:
            return Failed("text messages do not go to this number")
        if not draft.text.strip() or len(draft.text) > LONGEST:
            return Failed(f"a text message has 1 to {LONGEST} characters")
        now = self._clock()
        kept = draft.text if draft.kept is None else draft.kept
        parts = segments(draft.text).parts
        masked = draft.kept is not None
        quiet = services.gateway.quiet if services.gateway is not None else None
        earliest = now if draft.asked or quiet is None else quiet.over_at(now)
        return Message(
            draft.id,
            draft.contact,
            form,
            kept,
            parts,
            masked,
            "queued",
            "",
            now,
            now,
            0,
            due,
            draft.sender,
            earliest=earliest if earliest > now else 0.0,
        )

    def _gateway(self) -> tuple[Gateway, Service] | None:
        services = self._sources().services
        if services.gateway is not None and services.gateway.speaks == "sip":
            return services.gateway, Service("sip", "")
        if services.gateway is None or services.gateway.service not in services.services:
            return None
        return services.gateway, services.services[services.gateway.service]

    async def _hand_over(self, message: Message, text: str) -> tuple[str | None, bool]:
        """Why the gateway did not take it (None when it did), and whether it may later."""
        found = self._gateway()
        if found is None:
            return "no gateway for text messages is set up", True
        gateway, service = found
        sender = message.sender or gateway.sender
        out = Outgoing(message.id, message.number, sender, text, self._report)
        if gateway.speaks == "sip":
            return await self.by_sip(out) or None, True
        answer = await self._http.ask(service, request(gateway.speaks, out))
        if isinstance(answer, Failed):
            return answer.why, True
        if 200 <= answer.status < 300:
            if receipt := receipt_of(gateway.speaks, answer.body):
                await self._outbox.receipt(message, receipt)
            return None, False
        refused = 400 <= answer.status < 500 and answer.status not in _PASSING
        return f"the gateway answered {answer.status}", not refused

    async def came(self, receipt: Receipt) -> bool:
        """A provider says how far a message has come; False when that is no news."""
        now = self._clock()
        message = await self._outbox.came(receipt.id, receipt.way, now)
        if message is None:
            return False
        if receipt.way in {"delivered", "undelivered"}:
            told: dict[str, Json] = {"id": message.id, "to": message.number}
            self._tell(ContactEvent(message.contact, now, f"message_{receipt.way}", "", told))
        self.on_way(message)
        return True

    # --- in the background ---

    async def _send_all(self) -> None:
        while True:
            try:
                await self._send_due()
            except Exception as why:  # one bad moment must not end all sending
                log.error("a text message was not dealt with", kind=type(why).__name__)
                await asyncio.sleep(IDLE)

    async def _send_due(self) -> None:
        """Send one message, or wait until there may be one."""
        self._wake.clear()
        message = await self._outbox.claim(self._clock()) if self._gateway() is not None else None
        if message is not None:
            await self._send(message)
            return
        await self._outbox.tidy(self._clock())
        due = await self._outbox.next_due() if self._gateway() is not None else None
        pause = IDLE if due is None else min(IDLE, max(0.05, due - self._clock()))
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    async def _send(self, message: Message) -> None:
        if message.masked:
            why, later = "it held a code and was not sent at once", False
        else:
            failure, later = await self._hand_over(message, message.body)
            why = failure or ""
        now = self._clock()
        if not why:
            await self._outbox.sent(message, now)
        elif later and await self._outbox.postpone(message, why, now):
            log.warning("a text message must wait", message=message.id, why=why)
            return
        else:
            await self._outbox.failed(message, why, now)
            log.error("a text message cannot be sent", message=message.id, why=why)
        kind = "message_failed" if why else "message_sent"
        told: dict[str, Json] = {"id": message.id, "to": message.number, "why": why}
        self._tell(ContactEvent(message.contact, now, kind, "", told))


async def _no_line(_message: Outgoing) -> str:
    return "there is no line to send it over"


async def _nobody_knows(_number: str) -> bool | None:
    return None


def _nobody_looks(_message: Message) -> None:
    return None
