"""A scripted Asterisk for a whole service: channels over real AGI sockets, and AMI's few words."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from panoramisk.message import Message

from ivr.agi.fake import FakeCall, environment
from ivr.asterisk.ami import Ready
from ivr.asterisk.living import LiveChannel
from ivr.channels.telephone import LOOK_MS
from ivr.errors import AsteriskRefused, AsteriskUnreachable
from tests.e2e.known import until

PATIENCE = 5.0
HELD = ("WAIT FOR DIGIT", "EXEC Dial", "EXEC Bridge", "EXEC ConfBridge", "GET DATA", "RECORD FILE")
"""Commands that take their time: a test answers them."""


@dataclass
class Asterisk:
    """What is alive in it: callers' channels, and agents' legs by offer."""

    agi_port: int
    callers: list[Caller] = field(default_factory=list)
    legs: dict[str, LiveChannel] = field(default_factory=dict)
    calls: int = 0
    _ever: list[Caller] = field(default_factory=list)

    def call(self, dialled: str, callerid: str = "+15550100", name: str = "") -> Caller:
        """A new channel, not yet in any session."""
        self.calls += 1
        caller = Caller(self, dialled, callerid, name)
        self.callers.append(caller)
        self._ever.append(caller)
        return caller

    async def close(self) -> None:
        """Close every socket."""
        for caller in self._ever:
            await caller.end()


class Ami:
    """AMI as the service sees it. `connected` can be taken away; then it hears and does nothing."""

    def __init__(self, asterisk: Asterisk) -> None:
        self.connected = True
        self.uptime = 3600.0
        self.lamps: dict[str, str] = {}
        self.hung_up: list[str] = []
        self.sent: list[tuple[str, str, str]] = []
        self.sends = self.joined = True
        self.registered: set[str] = set()
        self.commands: list[str] = []
        self._asterisk = asterisk
        self._ready: list[Callable[[Ready], Awaitable[None]]] = []
        self._events: list[Callable[[Mapping[str, Any]], Awaitable[None]]] = []

    def on_ready(self, handler: Callable[[Ready], Awaitable[None]]) -> None:
        self._ready.append(handler)

    def on_event(self, handler: Callable[[Mapping[str, Any]], Awaitable[None]]) -> None:
        self._events.append(handler)

    async def start(self) -> None:
        if self.connected:
            await self.is_back()

    async def is_back(self, restarted: bool = False, overflowed: bool = False) -> None:
        self.connected = True
        for handler in self._ready:
            await handler(Ready(self.uptime, self.uptime, restarted, overflowed))

    async def close(self) -> None:
        self._ready, self._events = [], []

    async def tell(self, **headers: Any) -> None:
        if self.connected:
            for handler in self._events:
                await handler(headers)

    async def channels(self) -> tuple[LiveChannel, ...]:
        self._look()
        return (*(each.shown() for each in self._asterisk.callers), *self._asterisk.legs.values())

    async def listing(self, name: str, /, **fields: str) -> list[Message]:
        self._look()
        if name == "Status":
            return [Message({"Channel": fields["Channel"], "BridgeID": "b1" * self.joined})]
        assert name == "PJSIPShowContacts"
        each = ({"ObjectName": f"{phone};@1", "Status": "Reachable"} for phone in self.registered)
        return [Message(headers) for headers in each]

    async def wake(self, channel: str) -> None:
        self._look()
        for caller in self._asterisk.callers:
            if caller.channel == channel and caller.hears_keys:
                await caller.reply("200 result=68")

    async def hangup(self, channel: str) -> None:
        self._look()
        self.hung_up.append(channel)
        if channel not in {leg.channel for leg in self._asterisk.legs.values()}:
            raise AsteriskRefused("no such channel")

    async def redirect(self, channel: str, context: str, extension: str) -> None:
        self._look()
        if not self.sends:
            raise AsteriskRefused("no such channel")
        self.sent.append((channel, context, extension))

    async def action(self, name: str, /, **fields: str | int) -> None:
        for channel in ("Channel", "ExtraChannel"):
            if channel in fields:
                context, extension = str(fields["Context"]), str(fields["Exten"])
                await self.redirect(str(fields[channel]), context, extension)

    async def set_device_state(self, name: str, state: str) -> None:
        self._look()
        self.lamps[name] = state

    async def command(self, text: str) -> str:
        self._look()
        self.commands.append(text)
        return ""

    def _look(self) -> None:
        if not self.connected:
            raise AsteriskUnreachable("there is no connection to Asterisk")


class Caller:
    """A caller's channel. Its variables outlive the sessions; `at` is the command it is held in."""

    def __init__(self, asterisk: Asterisk, dialled: str, callerid: str, name: str) -> None:
        number = asterisk.calls
        self.channel, self.uniqueid = f"PJSIP/line-{number:08}", f"1800000000.{number}"
        self.dialled, self.callerid, self.name = dialled, callerid, name
        self.variables: dict[str, str] = {}
        self.commands: list[str] = []
        self.at: str | None = None
        self.answers: dict[str, str] = {}
        self.held: tuple[str, ...] = HELD
        self._asterisk = asterisk
        self._moved = asyncio.Condition()
        self._call: FakeCall | None = None
        self._playing: asyncio.Task[None] | None = None

    @property
    def contact(self) -> str:
        """The contact's id."""
        return self.variables["TIELINE_CONTACT"]

    @property
    def offer(self) -> str:
        """The offer that rings from this channel."""
        return self.variables["TIELINE_OFFER"]

    @property
    def hears_keys(self) -> bool:
        """Whether a key, or the wake digit, ends the command it is held in."""
        at = self.at or ""
        waits = at.startswith(("WAIT FOR DIGIT", "EXEC ConfBridge"))
        return waits or (at.startswith("STREAM FILE") and "D" in at[-12:])

    def shown(self) -> LiveChannel:
        contact = self.variables.get("TIELINE_CONTACT", "")
        return LiveChannel(
            self.channel, self.uniqueid, self.uniqueid, "Up", contact, "", "", "AGI", 1
        )

    async def enter(self, target: str = "") -> None:
        """Run the dialplan's AGI(); `target` is where an agent has moved the caller."""
        if self._playing is not None:
            await self.closed()
        if target:
            self.variables["TIELINE_TARGET"] = target
        kept = [self.variables.get(f"TIELINE_{name}", "") for name in ("CONTACT", "TARGET")]
        opening = environment(
            kept[0],
            self.dialled,
            kept[1],
            channel=self.channel,
            uniqueid=self.uniqueid,
            callerid=self.callerid,
            calleridname=self.name,
        )
        self._call = await FakeCall.dial("127.0.0.1", self._asterisk.agi_port, opening)
        self._playing = asyncio.create_task(self._play(self._call))

    async def _play(self, call: FakeCall) -> None:
        while (line := await call.hear()) is not None:
            self.commands.append(line)
            if line.startswith("WAIT FOR DIGIT ") and int(line.split()[3]) <= LOOK_MS:
                # Words are being made, or the house is asked: nobody presses anything meanwhile.
                await asyncio.sleep(0.02)
                await call.say("200 result=0")
            elif line.startswith(self.held):
                await self._now(line)
            else:
                await call.say(self._answer(line))
        await self._now("closed")

    def _answer(self, line: str) -> str:
        for start, answer in self.answers.items():
            if line.startswith(start):
                return answer
        if line.startswith("SET VARIABLE"):
            _, _, name, value = shlex.split(line)
            self.variables[name.lstrip("_")] = value
            return "200 result=1"
        if line.startswith("GET VARIABLE"):
            value = self.variables.get(shlex.split(line)[2], "")
            return f"200 result=1 ({value})" if value else "200 result=0"
        return "200 result=0"

    async def _now(self, at: str | None) -> None:
        async with self._moved:
            self.at = at
            self._moved.notify_all()

    async def comes_to(self, start: str) -> str:
        """Wait until the channel is held in such a command, and return the line."""
        try:
            async with asyncio.timeout(PATIENCE), self._moved:
                await self._moved.wait_for(lambda: self.at and self.at.startswith(start))
        except TimeoutError:
            raise AssertionError(
                f"not at {start} but {self.at}; heard {self.commands[-8:]}"
            ) from None
        assert self.at is not None
        return self.at

    async def reply(self, text: str) -> None:
        """Answer the command the channel is held in."""
        assert self._call is not None
        self.at = None
        await self._call.say(text)

    async def press(self, keys: str) -> None:
        await self.comes_to("GET DATA")
        await self.reply(f"200 result={keys}")

    async def dial_ends(self, status: str) -> None:
        """Dial comes back, the caller still there."""
        await self.comes_to("EXEC Dial")
        self.variables["DIALSTATUS"] = status
        await self.reply("200 result=0")

    async def hears_music(self) -> None:
        """In no command of the session's: music, and the next word of the desk."""
        music = lambda: [each for each in self.commands if "MUSIC" in each or "EXEC" in each]  # noqa: E731
        await until(
            lambda: (music() or [""])[-1].startswith("SET MUSIC ON"), why=f"music {music()}"
        )

    async def joined(self, until_now: str = "EXEC Bridge", result: str = "SUCCESS") -> None:
        """What they were joined by comes back."""
        await self.comes_to(until_now)
        self.variables["BRIDGERESULT"] = result
        await self.reply("200 result=0")

    async def leaves(self) -> None:
        """The channel leaves the session, as by a hang-up or a transfer."""
        assert self._call is not None
        await self._call.hang_up()
        await self._over()

    async def breaks(self) -> None:
        """The socket breaks without a word; the channel lives."""
        assert self._call is not None
        await self._call.close()
        await self._over()

    async def closed(self) -> None:
        """The service has ended this session."""
        await self.comes_to("closed")
        await self._over()

    async def end(self) -> None:
        """Close the socket, if there is one."""
        if self._call is not None and self._playing is not None:
            await self._call.close()
            await asyncio.wait([self._playing])

    async def _over(self) -> None:
        """Until the service has done what it does at a session's end."""
        assert self._call is not None
        if self._playing is not None:
            await asyncio.wait([self._playing])
        await self._call.close()
        name = f"agi call {self.uniqueid}"
        if mine := [task for task in asyncio.all_tasks() if task.get_name() == name]:
            await asyncio.wait(mine, timeout=PATIENCE)
