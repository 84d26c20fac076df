"""SIP phones in software, over baresip: they register, ring, talk, press keys, hold and transfer.

`PhoneRack` owns baresip, which runs once in a process and on one event loop. A `SoftPhone` is an
identity on it, a `Line` (in `ivr/demo/line.py`) one call. It needs the extra `tieline[demo]`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Final

from baresip import (
    Account,
    BaresipError,
    Call,
    CallState,
    Config,
    Event,
    RegistrationError,
    Runtime,
    StackEvent,
    UserAgent,
)

from ivr.demo.line import Line, LineState, PhoneError, who

__all__ = ["HEADERS", "Line", "LineState", "PhoneError", "PhoneRack", "SoftPhone", "who"]

HEADERS: Final = ("From", "X-Tieline-Contact", "X-Tieline-Context", "Alert-Info")
"""What a ringing phone can read of the INVITE."""

_LOOPBACK: Final = "127.0.0.1"
_SETTINGS: Final = (
    f"sip_listen {_LOOPBACK}:0\n"
    "rtp_ports 20000-29999\n"  # clear of the range Asterisk takes by default
    "audio_jitter_buffer_type off\n"  # what is heard is timed as it arrives
    "call_hold_other_calls no\n"  # each phone is its own: one that answers holds no other
)
_TONES: Final = tuple(range(400, 2000, 130))


class SoftPhone:
    """One SIP identity. Made by `PhoneRack.phone` and `PhoneRack.caller`.

    `tone_hz` is its own pitch: the first dozen phones of a rack all differ.
    """

    def __init__(self, agent: UserAgent, account: Account, name: str, tone_hz: int) -> None:
        self.user = str(account.user)
        self.name = name
        self.domain = str(account.domain)
        self.tone_hz = tone_hz
        self.lines: list[Line] = []
        """The calls that are up, ringing or being dialled."""
        self._agent = agent
        self._registers = account.reg_interval > 0
        self._ringing: asyncio.Queue[Line] = asyncio.Queue()
        self._dialled: dict[int, Line] = {}

    def __repr__(self) -> str:
        return f"<SoftPhone {self.user}@{self.domain}>"

    async def register(self, timeout: float = 10.0) -> float:
        """Registers; how many seconds it took. `PhoneError` with the answer when refused."""
        began = time.monotonic()
        try:
            await self._agent.register(timeout=timeout)
        except RegistrationError as refused:
            raise PhoneError(f"{self.user} cannot register: {refused}") from refused
        return time.monotonic() - began

    async def unregister(self, timeout: float = 10.0) -> None:
        """Signs off; nothing happens when it was not registered."""
        if not self._registers:
            return
        try:
            await self._agent.unregister(timeout=timeout)
        except RegistrationError as refused:
            raise PhoneError(f"{self.user} cannot unregister: {refused}") from refused

    async def dial(self, number: str, headers: Mapping[str, str] | None = None) -> Line:
        """Calls `number` at this phone's domain; returns when the INVITE is on its way.

        What comes of it tell `Line.ringing`, `Line.answered` and `Line.ended`.
        """
        target = f"sip:{number}@{self.domain}"
        try:
            call = await self._agent.dial(target, dict(headers or {}))
        except (BaresipError, ValueError) as refused:
            raise PhoneError(f"{self.user} cannot dial {number}: {refused}") from refused
        return self._dialled.pop(call.handle)

    async def incoming(self, timeout: float | None = None) -> Line:
        """The next call that rings here, in order; it may have ended while it waited its turn."""
        try:
            async with asyncio.timeout(timeout):
                return await self._ringing.get()
        except TimeoutError:
            raise TimeoutError(f"{self.user} did not ring within {timeout:g} s") from None

    def took(self, event: StackEvent, runtime: Runtime) -> None:
        """A call of this phone begins: its line exists before the next event is read."""
        # Not the Call that `dial` returns: a fast answer comes before `dial` has made that one.
        rings = event.event is Event.CALL_INCOMING
        call = Call(
            runtime,
            handle=event.call,
            ua_handle=event.ua,
            state=CallState.INCOMING if rings else CallState.OUTGOING,
            peer=event.peer,
            call_id=event.call_id,
            headers=event.headers,
        )
        line = Line(self, call, LineState.RINGING if rings else LineState.DIALLING)
        self.lines.append(line)
        if rings:
            self._ringing.put_nowait(line)
        else:
            self._dialled[event.call] = line

    def forget(self, line: Line) -> None:
        """The line has ended."""
        self.lines.remove(line)

    async def close(self) -> None:
        """Ends every call and signs off; an exchange that does not answer is not waited for."""
        await asyncio.gather(*(line.close() for line in list(self.lines)))
        with suppress(PhoneError):
            await self.unregister(timeout=2.0)


class PhoneRack:
    """The phones of this process: `async with PhoneRack() as rack`, on one event loop.

    baresip runs once in a process, so only one rack is open at a time.
    """

    def __init__(self, native_log_level: str = "error") -> None:
        self._config = Config(
            net_interface=_LOOPBACK,
            max_concurrent_calls=None,
            expose_headers=HEADERS,
            native_log_level=native_log_level,
            extra_config_text=_SETTINGS,
        )
        self._runtime = Runtime()
        self._phones: dict[str, SoftPhone] = {}
        self._by_handle: dict[int, SoftPhone] = {}

    async def start(self) -> None:
        """Starts baresip. `PhoneError` when another rack is open, or one died in this process."""
        try:
            await self._runtime.start(self._config)
        except BaresipError as refused:
            raise PhoneError(f"the phones cannot start: {refused}") from refused
        self._runtime.subscribe(self._on_event)

    async def close(self) -> None:
        """Ends every call, signs every phone off and stops baresip."""
        await asyncio.gather(*(phone.close() for phone in self._phones.values()))
        await self._runtime.close()

    async def __aenter__(self) -> PhoneRack:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def phone(
        self, user: str, password: str, domain: str, *, name: str = "", register: bool = True
    ) -> SoftPhone:
        """An agent's phone, registered at `domain` (`host:port`); the same one when asked again.

        Raises `PhoneError` when the registration is refused.
        """
        phone = await self._identity(Account(user, domain, password), name)
        if register:
            await phone.register()
        return phone

    async def caller(self, number: str, name: str, domain: str) -> SoftPhone:
        """Somebody who rings from outside with this number and display name; never registers."""
        return await self._identity(Account(number, domain, "", reg_interval=0), name)

    async def trace(self, enabled: bool = True) -> None:
        """Logs every SIP message under `baresip.native.sip` at DEBUG."""
        await self._runtime.set_sip_trace(enabled)

    async def _identity(self, account: Account, name: str) -> SoftPhone:
        if any(ord(character) < 32 or character in '"\\\x7f' for character in name):
            raise PhoneError(
                f"baresip cannot show the name {name!r}: leave out quotes and controls"
            )
        address = f'"{name}" {account.aor()}' if name else account.aor()
        # baresip never forgets an identity, so one that is asked for again is used again.
        if address not in self._phones:
            try:
                agent = await UserAgent.create(self._runtime, address)
            except BaresipError as refused:
                raise PhoneError(f"there can be no phone {account.user}: {refused}") from refused
            tone_hz = _TONES[len(self._phones) % len(_TONES)]
            phone = SoftPhone(agent, account, name, tone_hz)
            self._phones[address] = self._by_handle[agent.handle] = phone
        return self._phones[address]

    def _on_event(self, event: StackEvent) -> None:
        if event.event in (Event.CALL_INCOMING, Event.CALL_OUTGOING):
            phone = self._by_handle.get(event.ua)
            if phone is not None:
                phone.took(event, self._runtime)
