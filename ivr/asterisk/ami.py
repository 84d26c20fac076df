"""The manager interface: one connection to Asterisk that heals itself and never guesses.

- An action has a time-out and one of three ends: its answer, AsteriskRefused, or
  AsteriskUnreachable. After the last nobody knows whether Asterisk did it; it is never sent again.
- Events go through one bounded queue to one task, which awaits the handlers in order. Nothing is
  handled in the read loop, because Asterisk drops a client that does not read for 100 ms.
- After every login, and whenever the queue overflowed, a `Ready` goes through the same queue: what
  came before it is history, and its owner asks Asterisk anew what is alive.
- A peer that says nothing is asked for a Ping; one that does not answer is left and reconnected.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

import structlog
from panoramisk.message import Message

from ivr.asterisk.fence import Ask, FencedManager, Value
from ivr.asterisk.living import TOLD, LiveChannel, live_channel, seconds
from ivr.errors import AsteriskRefused, AsteriskUnreachable, ServiceFault

ACTION_SECONDS: Final = 5.0
BOOT_SECONDS: Final = 20.0
QUEUE_LENGTH: Final = 10_000
WAKE_DIGIT: Final = "D"
WAKE_MS: Final = 80
"""A wake that comes between two AGI commands is held by Asterisk this long for the next one."""

DEVICE_STATES: Final = frozenset(
    {"UNKNOWN", "NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE", "RINGING", "RINGINUSE"}
    | {"ONHOLD"}
)
_DEVICE: Final = re.compile(r"[A-Za-z0-9_.-]+")
_CLOCK_SLACK: Final = 2.0  # Uptime comes in whole seconds

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """Asterisk is logged in to, booted, and must be asked what is alive.

    `uptime` and `last_reload`: seconds since Asterisk started and reloaded. `restarted`: it is not
    the process that was known before. `overflowed`: events were lost, the connection stands.
    """

    uptime: float
    last_reload: float
    restarted: bool
    overflowed: bool = False


EventHandler = Callable[[Message], Awaitable[None]]
ReadyHandler = Callable[[Ready], Awaitable[None]]


@dataclass(slots=True)
class _Backoff:
    first: float
    limit: float
    seconds: float = 0.0

    def next(self) -> float:
        self.seconds = min(self.limit, self.seconds * 2 or self.first)
        return self.seconds


class AmiClient:
    """Register handlers, `await start()`, then act. Times in seconds.

    `events` names the AMI events that are worth queueing; None queues all.
    """

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        secret: str,
        *,
        events: Collection[str] | None = None,
        action_seconds: float = ACTION_SECONDS,
        ping_seconds: float = 1.0,
        pong_seconds: float = 2.0,
        queue_length: int = QUEUE_LENGTH,
    ) -> None:
        self.host = host
        self.port = port
        self._username = username
        self._secret = secret
        self._events = None if events is None else frozenset(events)
        self._action_seconds = action_seconds
        self._ping_seconds = ping_seconds
        self._pong_seconds = pong_seconds
        self._handlers: list[EventHandler] = []
        self._ready_handlers: list[ReadyHandler] = []
        self._queue: asyncio.Queue[Message | Ready] = asyncio.Queue(queue_length)
        self._manager: FencedManager
        self._tasks: list[asyncio.Task[None]] = []
        self._ready = asyncio.Event()
        self._lost = asyncio.Event()
        self._slow = 0
        self._last: Ready | None = None
        self._started_at: float | None = None
        self._loss = ""
        self._refusals = _Backoff(1.0, 30.0)
        self._losses = _Backoff(0.2, 2.0)

    # -- life

    def on_event(self, handler: EventHandler) -> None:
        """Await `handler` with every event, in order. What it raises is logged, no more."""
        self._handlers.append(handler)

    def on_ready(self, handler: ReadyHandler) -> None:
        """Await `handler` after every login and every overflow, in order with the events."""
        self._ready_handlers.append(handler)

    @property
    def connected(self) -> bool:
        """Whether Asterisk is logged in to and booted."""
        return self._ready.is_set()

    async def start(self) -> None:
        """Begin to connect, and keep at it until `close()`; see `wait_ready`."""
        if self._tasks:
            raise ServiceFault("the AMI client was started twice")
        self._manager = FencedManager(self.host, self.port, self._receive, self._lost.set)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._stay_connected(), name="ami connection"),
            loop.create_task(self._hand_out(), name="ami events"),
        ]

    async def wait_ready(self, timeout: float) -> None:
        """Return once connected; raises AsteriskUnreachable after `timeout`."""
        try:
            async with asyncio.timeout(timeout):
                await self._ready.wait()
        except TimeoutError:
            raise AsteriskUnreachable(
                f"no manager at {self.host}:{self.port} within {timeout} s"
            ) from None

    async def close(self) -> None:
        """Disconnect; unanswered actions fail, queued events are dropped."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    # -- actions

    async def action(
        self, name: str, /, *, timeout: float | None = None, **fields: Value
    ) -> Message:
        """The response to one action; raises AsteriskRefused for an Error.

        Raises ServiceFault for a field that must not be sent. A mapping, as in
        `Variable={"A": "b"}`, is escaped.
        """
        self._check_connected(name)
        return (await self._ask(Ask(name, fields), timeout))[0]

    async def listing(
        self, name: str, /, *, timeout: float | None = None, **fields: Value
    ) -> list[Message]:
        """The events that answer a list action such as Status, without its frame."""
        self._check_connected(name)
        return await self._ask(Ask(name, fields, listing=True), timeout)

    async def command(self, text: str, *, timeout: float | None = None) -> str:
        """What the console prints for `text`; raises AsteriskRefused when it knows no such."""
        response = await self.action("Command", timeout=timeout, Command=text)
        output = response.get("Output", "")
        return "\n".join(output) if isinstance(output, list) else str(output)

    async def wake(self, channel: str) -> None:
        """End the WAIT FOR DIGIT of a channel by a key nobody has.

        Raises AsteriskRefused when there is no such channel. A channel that is busy with another
        command may swallow it: look again, wake again.
        """
        await self.action(
            "PlayDTMF", Channel=channel, Digit=WAKE_DIGIT, Duration=WAKE_MS, Receive="true"
        )

    async def set_device_state(self, name: str, state: str) -> None:
        """Set the lamp Custom:`name`; `state` is one of DEVICE_STATES."""
        if not _DEVICE.fullmatch(name) or state not in DEVICE_STATES:
            raise ServiceFault(f"not a device and its state: {name!r} {state!r}")
        await self.action("Setvar", Variable=f"DEVICE_STATE(Custom:{name})", Value=state)

    async def redirect(self, channel: str, context: str, extension: str, priority: int = 1) -> None:
        """Send a channel elsewhere in the dialplan; in AGI it sees a hang-up."""
        await self.action(
            "Redirect", Channel=channel, Context=context, Exten=extension, Priority=priority
        )

    async def hangup(self, channel: str, cause: int = 16) -> None:
        """Hang one channel up with a Q.850 cause; 16 is a normal end."""
        await self.action("Hangup", Channel=channel, Cause=cause)

    async def send_message(self, destination: str, sender: str, text: str) -> None:
        """A SIP MESSAGE to `destination` (`pjsip:endpoint/sip:user@host`)."""
        body = base64.b64encode(text.encode()).decode()
        await self.action("MessageSend", Destination=destination, From=sender, Base64Body=body)

    async def channels(self) -> tuple[LiveChannel, ...]:
        """Everything alive in Asterisk, with the contact and the leg each channel belongs to."""
        events = await self.listing("Status", Variables=TOLD)
        return tuple(live_channel(event) for event in events if event.event == "Status")

    def _check_connected(self, name: str) -> None:
        if not self.connected:
            raise AsteriskUnreachable(f"{name}: there is no connection to Asterisk")

    async def _ask(self, ask: Ask, timeout: float | None) -> list[Message]:
        limit = self._action_seconds if timeout is None else timeout
        slow = limit > self._action_seconds
        protocol = self._manager.protocol
        self._slow += slow
        try:
            async with asyncio.timeout(limit):
                answer: list[Message] = await self._manager.send_action(ask)
                return answer
        except TimeoutError:
            raise AsteriskUnreachable(f"{ask['Action']}: no answer within {limit} s") from None
        finally:
            self._slow -= slow
            protocol.forget(ask)

    # -- the connection

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._live_one_connection()
            except AsteriskRefused as error:
                pause = self._refusals.next()
                log.error(
                    "ami.login_refused",
                    user=self._username,
                    error=str(error),
                    cure="the secret in the settings must be the one in manager.conf",
                    next_try=pause,
                )
            except (AsteriskUnreachable, OSError) as error:
                pause = self._losses.next()
                self._log_loss(str(error))
            finally:
                self._ready.clear()
                if self._manager.protocol is not None:
                    self._manager.protocol.close()
            await asyncio.sleep(pause)

    def _log_loss(self, error: str) -> None:
        """Once for each reason, not once for each try."""
        if error != self._loss:
            log.warning("ami.connection_lost", error=error, host=self.host, port=self.port)
        self._loss = error

    async def _live_one_connection(self) -> None:
        """Returns by an exception only."""
        self._lost.clear()
        try:
            async with asyncio.timeout(self._action_seconds):
                await self._manager.connect()
        except TimeoutError:
            raise AsteriskUnreachable("the connection was not accepted in time") from None
        await self._log_in()
        logged_in = asyncio.get_running_loop().time()
        warned = False
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), self._ping_seconds)
                raise AsteriskUnreachable("Asterisk closed the connection")
            await self._check_peer()
            quiet = asyncio.get_running_loop().time() - logged_in > BOOT_SECONDS
            if quiet and not warned and not self.connected:
                warned = True
                log.warning("ami.not_booted", cure="read=system lets the AMI user see FullyBooted")

    async def _log_in(self) -> None:
        challenge = await self._ask(Ask("Challenge", {"AuthType": "MD5"}), None)
        text = f"{challenge[0].challenge}{self._secret}".encode()
        key = hashlib.md5(text, usedforsecurity=False).hexdigest()
        fields = {"AuthType": "MD5", "Username": self._username, "Key": key, "Events": "on"}
        await self._ask(Ask("Login", fields), None)
        log.info("ami.logged_in", user=self._username, version=self._manager.protocol.version)

    async def _check_peer(self) -> None:
        """Ping a peer that was silent, unless a slow action keeps it busy."""
        silent = asyncio.get_running_loop().time() - self._manager.protocol.heard
        if silent >= self._ping_seconds and not self._slow:
            try:
                await self._ask(Ask("Ping", {}), self._pong_seconds)
            except AsteriskRefused as error:
                raise AsteriskUnreachable(str(error)) from error

    # -- events

    def _receive(self, message: Message) -> None:
        """Called from the read loop: queue, nothing else."""
        if message.event == "FullyBooted":
            self._note_boot(message)
        elif self._events is None or message.event in self._events:
            self._enqueue(message)

    def _note_boot(self, message: Message) -> None:
        uptime, reload = seconds(message.uptime), seconds(message.lastreload)
        started_at = asyncio.get_running_loop().time() - uptime
        known, self._started_at = self._started_at, started_at
        restarted = known is not None and started_at > known + _CLOCK_SLACK
        self._last = Ready(uptime, reload, restarted)
        self._refusals.seconds = self._losses.seconds = 0.0
        self._loss = ""
        self._ready.set()
        log.info("ami.ready", uptime=uptime, last_reload=reload, restarted=restarted)
        self._enqueue(self._last)

    def _enqueue(self, item: Message | Ready) -> None:
        if self._queue.full():
            self._overflow()
        self._queue.put_nowait(item)

    def _overflow(self) -> None:
        """Drop everything that waits and ask the owner to look for itself."""
        dropped = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        log.error("ami.queue_overflowed", dropped=len(dropped))
        restarted = any(isinstance(item, Ready) and item.restarted for item in dropped)
        last = self._last or Ready(0.0, 0.0, restarted=False)
        self._queue.put_nowait(replace(last, restarted=restarted, overflowed=True))

    async def _hand_out(self) -> None:
        while True:
            item = await self._queue.get()
            if isinstance(item, Ready):
                for on_ready in self._ready_handlers:
                    await _guarded(on_ready(item), "Ready")
            else:
                for on_event in self._handlers:
                    await _guarded(on_event(item), item.event)


async def _guarded(handling: Awaitable[None], event: str) -> None:
    try:
        await handling
    except Exception:
        log.exception("ami.handler_failed", ami_event=event)
