"""Text messages from the numbers of people to ours: each is taken once, and STOP is obeyed.

A message belongs to the conversation that is open between the two numbers, or begins one with the
flow of our number. STOP, START and HELP mean something at any time, also where nothing is open.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from ivr.backends.numbers import same_form
from ivr.backends.optouts import Arrived
from ivr.backends.outbox import Message as Sent
from ivr.backends.providers import Incoming
from ivr.backends.sources import Sources
from ivr.backends.texting import Draft, Texts
from ivr.channels.notices import notice, word
from ivr.flow.actions import Failed
from ivr.threads.book import Message, Thread, Way
from ivr.threads.refusals import BadMessage
from ivr.threads.threads import Opening, Threads

log = structlog.get_logger(__name__)

LONGEST_ID = 100
_WAYS: dict[str, Way] = {"sent": "written", "undelivered": "failed"}
_WAYS |= {"delivered": "delivered", "read": "read"}


class NoSuchNumber(Exception):
    """Nobody answers text messages at this number of ours."""


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody has said STOP or START; `how` is the channel it came by."""

    number: str
    given: bool
    how: str


async def nobody(_: Told) -> None:
    """Nobody else keeps what people consent to."""


class Receiving:
    """Takes messages in, and is the wire of kind `sms`. `consent` hears of STOP and START."""

    def __init__(
        self,
        threads: Threads,
        texts: Texts,
        arrived: Arrived,
        sources: Callable[[], Sources],
        clock: Callable[[], float],
    ) -> None:
        self.consent: Callable[[Told], Awaitable[None]] = nobody
        self.joins: Callable[[str], str] = lambda _: ""
        """The contact that a number is in a call with us in: its texts belong to it."""
        self._threads, self._texts, self._arrived = threads, texts, arrived
        self._sources, self._clock = sources, clock
        self._stopping: set[str] = set()
        threads.carried_by("sms", self)
        threads.consent = self.consented
        texts.on_way = self.came

    # --- in --------------------------------------------------------------------------------------

    async def take(self, message: Incoming) -> bool:
        """Take a message in; False when it was taken before. Safe once this returns.

        Raises NoSuchNumber, and BadMessage for what is no message.
        """
        services = self._sources().services
        sender, line = (same_form(each, services.region) for each in (message.sender, message.to))
        ours = services.gateway.numbers if services.gateway is not None else {}
        flows = {same_form(number, services.region): flow for number, flow in ours.items()}
        if sender is None or line is None:
            raise BadMessage("a message is from one telephone number to another")
        if line not in flows:
            raise NoSuchNumber(f"{line} answers no text messages: `sms: numbers` does not list it")
        if not message.id or len(message.id) > LONGEST_ID:
            raise BadMessage(f"a message has an id of 1 to {LONGEST_ID} characters")
        if await self._arrived.before(message.id):
            return False
        await self._belongs(message, sender, line, flows[line])
        await self._arrived.note(message.id, self._clock())
        return True

    async def _belongs(self, message: Incoming, sender: str, line: str, flow: str) -> None:
        open_one = self._threads.book.open_with("sms", sender, line)
        if open_one is None and (said := word(message.text)) is not None:
            await self._outside(said, message, sender, line)
            return
        thread = open_one or self._threads.begin(
            Opening("sms", sender, line, flow, number=sender, contact=self._matter_of(sender))
        )
        # What somebody writes first is no answer to a question they have not been asked yet.
        self._threads.incoming(thread, message.id, message.text, heard=open_one is not None)

    def _matter_of(self, sender: str) -> str:
        joined = self.joins(sender)
        return joined if self._threads.book.get(joined) is None else ""

    async def _outside(self, said: str, message: Incoming, sender: str, line: str) -> None:
        """STOP, START or HELP where no conversation is open."""
        if said != "help":
            await self._consents(sender, given=said == "start")
        names = {"stop": "stopped", "start": "started", "help": "help"}
        text = notice(names[said], "en", house=line)
        draft = Draft(f"word.{message.id}", "", sender, text, sender=line, last=said == "stop")
        await self._accept(draft)

    async def consented(self, thread: Thread, given: bool) -> None:
        """They said so within a conversation; the word that confirms a STOP may still go out."""
        if not given:
            self._stopping.add(thread.id)
        await self._consents(thread.number or thread.address, given=given)

    async def _consents(self, number: str, *, given: bool) -> None:
        how = "START" if given else "STOP"
        await self._texts.optouts.say(number, not given, self._clock(), how)
        await self.consent(Told(number, given, how))

    # --- out -------------------------------------------------------------------------------------

    async def deliver(self, thread: Thread, message: Message) -> None:
        """See `Wire`: into the outbox, from where it is sent over restarts."""
        last = thread.id in self._stopping
        self._stopping.discard(thread.id)
        name = f"{thread.id}.{message.seq}"
        to = thread.number or thread.address
        kept = self._threads.book.messages(thread.id, message.seq - 1)[0].text
        masked = None if kept == message.text else kept
        draft = Draft(name, thread.id, to, message.text, masked, sender=thread.line, last=last)
        if not await self._accept(draft):
            self._threads.marked(thread, message.seq, "failed")

    async def _accept(self, draft: Draft) -> bool:
        # What is not kept as it is can only be sent at once.
        send = self._texts.accept if draft.kept is None else self._texts.send_now
        found = await send(draft)
        if isinstance(found, Failed):
            log.warning("a text message is not sent", contact=draft.contact, why=found.why)
            return False
        return True

    def came(self, message: Sent) -> None:
        """A message of ours has come further on its way."""
        thread_id, _, seq = message.id.rpartition(".")
        thread, way = self._threads.book.get(thread_id), _WAYS.get(message.way)
        if thread is not None and way is not None and seq.isdecimal():
            self._threads.marked(thread, int(seq), way)
