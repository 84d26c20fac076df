"""panoramisk behind a fence: its Manager, Action and Message, with our own protocol between.

What the fence holds, each rule against something the library or Asterisk does:

- A message is cut from the bytes and decoded whole, so no character is lost between two packets.
  A message has a greatest size. A control character inside a value is replaced.
- Nothing leaves with a control character in any field, nor with a line so long that Asterisk would
  refuse it in an answer without our ActionID. A `Variable` given as text may not name a second one.
- No `Channel` begins with `/`: Asterisk's Hangup would take it for a pattern over all calls.
- An action is sent once. When the connection goes, every unanswered one fails at once, and none
  is sent again by a later connection.
- Only a Response answers an action; a list is answered by its Complete, or by an Error, which the
  library would wait behind for ever. What comes for an action nobody waits for is dropped.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message

from ivr.errors import AsteriskRefused, AsteriskUnreachable, ServiceFault

Value = str | int | Sequence[str] | Mapping[str, str]

GREETING: Final = b"Asterisk Call Manager/"
MESSAGE_BYTES: Final = 4 * 1024 * 1024
UNSENT_BYTES: Final = 1024 * 1024
LINE_BYTES: Final = 1000  # Asterisk reads 1,024 with its line end
MOST_LINES: Final = 120  # Asterisk reads 128
ABANDONED_LISTS: Final = 64

_END: Final = b"\r\n\r\n"
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")  # a tab may be shown
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\([^()]*\))?")
_SPECIAL: Final = re.compile(r'[\\",()\[\]]')

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


# --- what goes out ----------------------------------------------------------------------------


def fields_out(name: str, fields: Mapping[str, Value]) -> dict[str, str | list[str]]:
    """The fields of one action as they may be sent; raises ServiceFault for any that may not.

    A sequence becomes a repeated line; a mapping becomes `key=value` lines, escaped so that
    Asterisk reads back each value as it was.
    """
    out: dict[str, str | list[str]] = {"Action": _safe(name, name)}
    for key, value in fields.items():
        if not _NAME.fullmatch(key) or key.lower() in {"action", "actionid"}:
            raise ServiceFault(f"{name} cannot have a field {key!r}")
        lines = [_safe(key, line) for line in _lines(key, value)]
        if key.lower() == "channel" and any(line.startswith("/") for line in lines):
            raise ServiceFault(f"not a channel but a pattern: {lines}")
        out[key] = lines if isinstance(value, Mapping | list | tuple) else lines[0]
    if sum(len(lines) if isinstance(lines, list) else 1 for lines in out.values()) > MOST_LINES:
        raise ServiceFault(f"{name} has more lines than Asterisk takes")
    return out


def _lines(key: str, value: Value) -> Iterator[str]:
    if isinstance(value, Mapping):
        for variable, text in value.items():
            if not _VARIABLE.fullmatch(variable):
                raise ServiceFault(f"not a variable: {variable!r}")
            yield f"{variable}={_SPECIAL.sub(lambda special: chr(92) + special[0], text)}"
        return
    for line in [value] if isinstance(value, str | int) else value:
        if key.lower() == "variable" and "," in re.sub(r"\([^()]*\)", "", str(line)):
            raise ServiceFault(f"two variables in one line, give a mapping instead: {line!r}")
        yield str(line)


def _safe(key: str, text: str) -> str:
    if _CONTROL.search(text):
        raise ServiceFault(f"control character in {key}: {text[:80]!r}")
    try:
        length = len(f"{key}: {text}".encode())
    except UnicodeEncodeError as error:
        raise ServiceFault(f"{key} is not Unicode text") from error
    if length > LINE_BYTES:
        raise ServiceFault(f"{key} takes {length} bytes; Asterisk reads {LINE_BYTES}")
    return text


class Ask(Action):  # type: ignore[misc]  # panoramisk has no types
    """One action and its answer: `future` gives [response], or the events of a list."""

    def __init__(self, name: str, fields: Mapping[str, Value], *, listing: bool = False) -> None:
        super().__init__(fields_out(name, fields))
        self.listing = listing
        self.items_so_far: list[Message] = []

    def add_message(self, message: Message) -> bool:
        """Take a response or a list's event; True when the answer is whole."""
        if "response" in message:
            if not message.success:
                self._fail(AsteriskRefused(f"{self['Action']}: {_why(message)}"))
                return True
            return not self.listing and self._finish([message])
        if message.eventlist == "Complete" or message.event.endswith("Complete"):
            return self._finish(self.items_so_far)
        self.items_so_far.append(message)
        return False

    def lose(self, why: str) -> None:
        """The answer will not come."""
        self._fail(AsteriskUnreachable(f"{self['Action']}: {why}"))

    def _finish(self, messages: list[Message]) -> bool:
        if not self.future.done():
            self.future.set_result(messages)
        return True

    def _fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


def _why(message: Message) -> str:
    output = message.get("Output", "")
    shown = " ".join(output) if isinstance(output, list) else output
    return shown or message.message or "no reason given"


# --- what comes in ----------------------------------------------------------------------------


def message_in(raw: bytes) -> Message | None:
    """One message without its empty line; None when it is neither response nor event."""
    lines = raw.decode("utf-8", "replace").split("\r\n")
    return Message.from_line(
        "\r\n".join(_UNSEEN.sub("\N{REPLACEMENT CHARACTER}", x) for x in lines)
    )


class FencedProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """One connection. It parses and hands over; nothing that could take time happens here."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A connection stands; Asterisk greets first."""
        super().connection_made(transport)
        self.responses: dict[str, Ask] = {}
        self.heard = asyncio.get_running_loop().time()
        self._buffer = bytearray()
        self._searched = 0
        self._abandoned: deque[str] = deque(maxlen=ABANDONED_LISTS)

    def data_received(self, data: bytes) -> None:
        """Bytes from Asterisk, cut anywhere."""
        self.heard = asyncio.get_running_loop().time()
        self._buffer += data
        if self.version is None and not self._greeted():
            return
        start = 0
        while (end := self._buffer.find(_END, max(start, self._searched))) >= 0:
            self._take(bytes(self._buffer[start:end]))
            start = end + len(_END)
        del self._buffer[:start]
        self._searched = max(0, len(self._buffer) - len(_END) + 1)
        if len(self._buffer) > MESSAGE_BYTES:
            self._refuse("a message without end")

    def _greeted(self) -> bool:
        if self.closed:
            return False
        if self._buffer[: len(GREETING)] != GREETING[: len(self._buffer)]:
            self._refuse("this is not Asterisk's manager")
            return False
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        self.version = self._buffer[len(GREETING) : end].decode("ascii", "replace")
        del self._buffer[: end + 2]
        return True

    def _refuse(self, why: str) -> None:
        log.error("ami.refused_peer", why=why)
        self._buffer.clear()
        self.transport.abort()

    def _take(self, raw: bytes) -> None:
        message = message_in(raw.strip(b"\r\n"))
        if message is not None and not self.closed:
            self.handle_message(message)

    def handle_message(self, message: Message) -> None:
        """Answer the action it belongs to, or pass an event on."""
        identity = message.actionid
        ask: Ask | None = self.responses.get(identity)
        if ask is not None and (ask.listing or "response" in message):
            if ask.add_message(message):
                del self.responses[identity]
        elif "event" in message and identity not in self._abandoned:
            self.factory.dispatch(message)

    def send(self, data: Ask, as_list: bool | None = None) -> asyncio.Future[list[Message]]:
        """Send one action, once. The future fails when the connection does."""
        if self.closed or self.transport.is_closing():
            data.lose("the connection is down")
        elif self.transport.get_write_buffer_size() > UNSENT_BYTES:
            data.lose("Asterisk reads nothing")
        else:
            self.responses[data.id] = data
            self.transport.write(str(data).encode())
        future: asyncio.Future[list[Message]] = data.future
        return future

    def forget(self, ask: Ask) -> None:
        """Nobody waits for this answer any more."""
        if self.responses.pop(ask.id, None) is not None and ask.listing:
            self._abandoned.append(ask.id)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone: fail what is unanswered, tell the manager."""
        self.close()
        if self.factory is not None:
            self.factory.connection_lost(exc)

    def close(self) -> None:
        """Close, and fail every unanswered action: whether it was carried out is unknown."""
        self.closed = True
        self.transport.abort()
        asks, self.responses = list(self.responses.values()), {}
        for ask in asks:
            ask.lose("the connection was lost")


class FencedManager(Manager):  # type: ignore[misc]  # panoramisk has no types
    """panoramisk's Manager without its own reconnection, login and replay.

    `on_message` gets each event; `on_lost` is called once for each connection that stood.
    """

    def __init__(
        self,
        host: str,
        port: int,
        on_message: Callable[[Message], None],
        on_lost: Callable[[], None],
    ) -> None:
        super().__init__(
            host=host,
            port=port,
            loop=asyncio.get_running_loop(),
            protocol_factory=FencedProtocol,
            log=log,
        )
        self.callbacks.clear()  # its own replays actions after every FullyBooted
        self.patterns.clear()
        self.register_event("*", lambda manager, message: on_message(message))
        self._on_lost = on_lost

    def connection_made(self, f: asyncio.Future[tuple[Any, FencedProtocol]]) -> None:
        """Adopt a connection; who awaits `connect()` learns of a failed one."""
        if f.cancelled() or f.exception() is not None:
            return
        _, self.protocol = f.result()
        self.protocol.factory = self
        if self.protocol.closed:  # it came and went before anyone looked
            self._on_lost()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave it to the client to connect again."""
        self._on_lost()
