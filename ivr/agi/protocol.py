"""The AGI protocol without I/O: bytes from Asterisk in, events out; commands in, bytes out.

Rules, as Asterisk 22 plays them (res_agi.c):

1. Asterisk speaks first: `agi_name: value` lines, ended by an empty line. Lines end in LF alone.
2. From then on it answers commands, one answer to each, in order. A line is one of
   `200 result=...`, `5xx text`, a `520-` block that ends with a `520 ` line, `100 ...` (not yet,
   the answer follows), or `HANGUP`, which answers nothing: it may come at any moment and shifts
   no reply. The command in flight at that moment is still answered, unless the socket closes.
3. EOF may come anywhere. After it, or after a line that fits no rule, nothing more is said.

What is ugly, and how it is met:

- A channel variable with a line break in it comes out raw: `200 result=1 (a<LF>b)`. Everything up
  to the line that ends in `)` is one value, its control characters are replaced, and whatever such
  a value tries to forge after its `)` is an answer to nothing, which ends the session.
- An application that returns 1 makes `EXEC` answer twice, `200 result=1` and then a `520-` block.
  The block is waited for and dropped.
- Asterisk cuts a command at 8,191 bytes and runs the rest as another command: longer is refused.
- Caller names and numbers come from strangers in any bytes. There, and only there, a control
  character is replaced; elsewhere in the environment it means that someone forged a header.

State is a table: a (state, line) pair that is not in it is the peer's error and ends the session;
a command that is not allowed raises `ServiceFault` and changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from ivr.agi.environment import (
    CONTROL,
    AgiEnvironment,
    BadEnvironmentError,
    clean,
    parse_environment,
    parse_header,
)
from ivr.errors import ServiceFault

ENVIRONMENT_BYTES: Final = 64 * 1024
ENVIRONMENT_LINE_BYTES: Final = 8 * 1024
ENVIRONMENT_HEADERS: Final = 200
REPLY_BYTES: Final = 64 * 1024
COMMAND_BYTES: Final = 8191  # AGI_BUF_LEN less the terminating NUL
COMMAND_WORDS: Final = 127  # MAX_ARGS less the terminating NULL


_VERB: Final = re.compile(r"[A-Z]+(?: [A-Z]+){0,3}")
_PLAIN_WORD: Final = re.compile(r"[A-Za-z0-9_./:=+*#-]+")
_REPLY: Final = re.compile(r"([0-9]{3})([ -])(.*)", re.DOTALL)
_RESULT: Final = re.compile(r"result=([^ ]*)(?: ?\((.*)\))?(?: (.*))?", re.DOTALL)
_WHOLE: Final = re.compile(r"[^(]*(?:\(.*\)(?: endpos=.*)?)?", re.DOTALL)
_ENDPOS: Final = re.compile(r"endpos=(-?[0-9]{1,18})")
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")


# --- events -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `code` is 200 or 5xx.

    `result` is an int where it is written as one ("-1", "49"), else the text ("007", "*4", "").
    `data` is what stood in parentheses, or the whole explanation of a 5xx. `endpos` counts samples.
    """

    code: int
    result: int | str = ""
    data: str = ""
    endpos: int | None = None


@dataclass(frozen=True, slots=True)
class Hangup:
    """The channel was hung up; a command in flight is still answered, unless EOF comes first."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Asterisk closed its end; nothing follows."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The peer does not speak AGI: close the socket. `reason` is for the log."""

    reason: str


Event = AgiEnvironment | Reply | Hangup | Closed | Broken


# --- the state table --------------------------------------------------------------------------


class State(Enum):
    """Where a connection stands; `RUNNING` and the three after it wait for a command's answer."""

    ENVIRONMENT = auto()
    IDLE = auto()
    RUNNING = auto()
    USAGE = auto()  # inside a 520- block
    VALUE = auto()  # inside a value with line breaks
    TWICE = auto()  # EXEC answered result=1: its 520 is on the way
    TWICE_USAGE = auto()
    CLOSED = auto()
    BROKEN = auto()


class Input(Enum):
    """What can happen to a connection."""

    HEADER = auto()
    BLANK = auto()
    COMMAND = auto()
    REPLY = auto()
    REPLY_TWICE = auto()
    TRYING = auto()
    USAGE = auto()
    VALUE = auto()
    TEXT = auto()
    HANGUP = auto()
    EOF = auto()


TRANSITIONS: Final[Mapping[tuple[State, Input], State]] = MappingProxyType(
    {
        (State.ENVIRONMENT, Input.HEADER): State.ENVIRONMENT,
        (State.ENVIRONMENT, Input.BLANK): State.IDLE,
        (State.IDLE, Input.COMMAND): State.RUNNING,
        (State.IDLE, Input.HANGUP): State.IDLE,
        (State.RUNNING, Input.TRYING): State.RUNNING,
        (State.RUNNING, Input.REPLY): State.IDLE,
        (State.RUNNING, Input.REPLY_TWICE): State.TWICE,
        (State.RUNNING, Input.USAGE): State.USAGE,
        (State.RUNNING, Input.VALUE): State.VALUE,
        (State.RUNNING, Input.HANGUP): State.RUNNING,
        (State.USAGE, Input.TEXT): State.USAGE,
        (State.USAGE, Input.HANGUP): State.USAGE,
        (State.USAGE, Input.REPLY): State.IDLE,
        (State.VALUE, Input.TEXT): State.VALUE,
        (State.VALUE, Input.REPLY): State.IDLE,
        (State.TWICE, Input.USAGE): State.TWICE_USAGE,
        (State.TWICE, Input.REPLY): State.IDLE,
        (State.TWICE, Input.HANGUP): State.TWICE,
        (State.TWICE_USAGE, Input.TEXT): State.TWICE_USAGE,
        (State.TWICE_USAGE, Input.HANGUP): State.TWICE_USAGE,
        (State.TWICE_USAGE, Input.REPLY): State.IDLE,
    }
    | {(state, Input.EOF): State.CLOSED for state in State if state is not State.BROKEN}
)

_OVER: Final = frozenset({State.CLOSED, State.BROKEN})


class _ViolationError(Exception):
    """The peer broke a rule; never leaves this module."""


class AgiConnection:
    """One AGI conversation. Feed it bytes (b"" for EOF), ask it for the bytes of a command."""

    def __init__(self) -> None:
        self.state = State.ENVIRONMENT
        self._buffer = bytearray()
        self._searched = 0
        self._spent = 0
        self._headers: dict[str, str] = {}
        self._lines: list[str] = []
        self._held: Reply | None = None
        self._exec = False

    def send_command(self, verb: str, *args: str | int) -> bytes:
        """Bytes of one command line. Raises ServiceFault, changing nothing, unless IDLE."""
        after = TRANSITIONS.get((self.state, Input.COMMAND))
        if after is None:
            raise ServiceFault(f"{verb} cannot be sent while the session is {self.state.name}")
        line = build_command(verb, *args)
        self._exec = verb == "EXEC"
        self.state = after
        return line

    def receive_data(self, data: bytes) -> list[Event]:
        """Events that `data` completes. The last one is Closed or Broken when all is over."""
        events: list[Event] = []
        if self.state in _OVER:
            return events
        try:
            if data:
                self._buffer += data
                self._read_lines(events)
            else:
                self._read_eof(events)
        except (_ViolationError, BadEnvironmentError) as violation:
            self.state = State.BROKEN
            self._buffer.clear()
            events.append(Broken(str(violation)))
        return events

    # -- bytes to lines

    def _read_lines(self, events: list[Event]) -> None:
        start = 0
        while (end := self._buffer.find(b"\n", max(start, self._searched))) >= 0:
            self._check_length(end - start)
            self._spent += end - start + 1
            self._read_line(bytes(self._buffer[start:end]).decode("utf-8", "replace"), events)
            start = end + 1
        del self._buffer[:start]
        self._searched = len(self._buffer)
        self._check_length(len(self._buffer))

    def _check_length(self, length: int) -> None:
        """`_spent` counts the block so far: the environment, or the lines of one reply."""
        if self.state is not State.ENVIRONMENT:
            if self._spent + length > REPLY_BYTES:
                raise _ViolationError("a reply is too long")
        elif length > ENVIRONMENT_LINE_BYTES or self._spent + length > ENVIRONMENT_BYTES:
            raise _ViolationError("the environment is too long")

    def _read_eof(self, events: list[Event]) -> None:
        if self._held is not None:
            events.append(self._held)
        self._move(Input.EOF)
        events.append(Closed())

    # -- lines to events

    def _read_line(self, line: str, events: list[Event]) -> None:
        if self.state is State.ENVIRONMENT:
            self._read_header(line, events)
        elif line == "HANGUP" and self.state is not State.VALUE:
            self._move(Input.HANGUP)
            events.append(Hangup())
        elif self.state is State.VALUE:
            self._read_value(line, events)
        elif self.state in {State.USAGE, State.TWICE_USAGE}:
            self._read_usage(line, events)
        else:
            self._read_reply(line, events)

    def _move(self, what: Input) -> None:
        after = TRANSITIONS.get((self.state, what))
        if after is None:
            raise _ViolationError(f"{what.name} came while {self.state.name}")
        self.state = after
        if after in {State.IDLE, State.RUNNING, State.TWICE}:
            self._spent = 0

    def _read_header(self, line: str, events: list[Event]) -> None:
        if not line:
            environment = parse_environment(self._headers)
            self._move(Input.BLANK)
            self._headers = {}
            events.append(environment)
            return
        name, value = parse_header(line)
        if name in self._headers:
            raise _ViolationError(f"{name} came twice")
        if len(self._headers) >= ENVIRONMENT_HEADERS:
            raise _ViolationError("the environment has too many headers")
        self._move(Input.HEADER)
        self._headers[name] = value

    def _read_reply(self, line: str, events: list[Event]) -> None:
        match = _REPLY.fullmatch(line)
        if match is None:
            raise _ViolationError(f"not a reply: {line[:80]!r}")
        code, separator, text = int(match[1]), match[2], match[3]
        if separator == "-":
            self._move(Input.USAGE)
            self._lines = [clean(text)]
        elif code < 200:
            self._move(Input.TRYING)
        elif code != 200:
            self._finish(Reply(code, data=clean(text)), events)
        elif not _WHOLE.fullmatch(text):
            self._move(Input.VALUE)
            self._lines = [text]
        else:
            self._finish(_result(text), events)

    def _read_usage(self, line: str, events: list[Event]) -> None:
        if line.startswith("520 "):
            self._finish(Reply(520, data="\n".join(self._lines)), events)
        else:
            self._move(Input.TEXT)
            self._lines.append(clean(line))

    def _read_value(self, line: str, events: list[Event]) -> None:
        self._lines.append(line)
        if line.endswith(")"):
            self._finish(_result("\n".join(self._lines)), events)
        else:
            self._move(Input.TEXT)

    def _finish(self, reply: Reply, events: list[Event]) -> None:
        """`reply` is complete: it goes out, is held, or belongs to the one that is held."""
        if self.state is State.RUNNING and self._exec and reply.result == 1:
            self._move(Input.REPLY_TWICE)
            self._held = reply
            return
        if self._held is not None and reply.code != 520:
            raise _ViolationError(f"{reply.code} came where an EXEC's 520 was due")
        self._move(Input.REPLY)
        self._lines = []
        events.append(self._held or reply)
        self._held = None


# --- reading ----------------------------------------------------------------------------------


def _result(text: str) -> Reply:
    match = _RESULT.fullmatch(text)
    if match is None:
        raise _ViolationError(f"not a result: {text[:80]!r}")
    result, data = clean(match[1]), clean(match[2] or "")
    endpos = _ENDPOS.search(match[3] or "")
    return Reply(
        200,
        int(result) if _INTEGER.fullmatch(result) else result,
        data,
        int(endpos[1]) if endpos else None,
    )


# --- writing ----------------------------------------------------------------------------------


def build_command(verb: str, *args: str | int) -> bytes:
    r"""One command line, LF included, that Asterisk's parse_args splits into exactly these words.

    `verb` is AGI's command in capitals ("STREAM FILE"). An argument that is more than a plain word
    goes in double quotes, with `"` and `\` escaped by `\`. Raises ServiceFault for a control
    character, text that is not Unicode, or a line that Asterisk would cut.
    """
    if not _VERB.fullmatch(verb):
        raise ServiceFault(f"not an AGI command: {verb!r}")
    if len(args) + verb.count(" ") + 1 > COMMAND_WORDS:
        raise ServiceFault(f"{verb} has {len(args)} arguments, more than AGI takes")
    words = [verb, *(_quote(verb, str(argument)) for argument in args)]
    try:
        line = " ".join(words).encode() + b"\n"
    except UnicodeEncodeError as error:
        raise ServiceFault(f"{verb} has an argument that is not Unicode text") from error
    if len(line) > COMMAND_BYTES:
        raise ServiceFault(f"{verb} takes {len(line)} bytes; AGI reads {COMMAND_BYTES}")
    return line


def _quote(verb: str, text: str) -> str:
    if CONTROL.search(text):
        raise ServiceFault(f"{verb} has a control character in {text[:80]!r}")
    if _PLAIN_WORD.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
