"""What Asterisk and the service say to each other, overheard: every AGI line and every AMI action.

Two relays on the loopback stand between them, so that "no extra command" is counted on the wire and
not believed from anybody's log.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.e2e.house import House, free_ports

AGI_HEADERS = [
    *("network", "network_script", "request", "channel", "language", "type", "uniqueid"),
    *("version", "callerid", "calleridname", "callingpres", "callingani2", "callington"),
    *("callingtns", "dnid", "rdnis", "context", "extension", "priority", "enhanced"),
    *("accountcode", "threadid"),
]
"""What Asterisk tells at the start of a session, before the arguments; after `agi_`."""

AGI_COMMANDS = re.compile(
    r"ANSWER|CHANNEL STATUS|SET MUSIC (ON default|OFF)|WAIT FOR DIGIT [0-9]+"
    r"|(STREAM FILE|GET DATA) [^ ]+( [^ ]+){1,2}|GET VARIABLE DIALSTATUS"
    r'|SET VARIABLE (DIALSTATUS|_?TIELINE_[A-Z_]+) ([^" ]+|"([^"\\]|\\.)*")'
    r'|EXEC Dial "PJSIP/[0-9]+,[0-9]+,[a-zA-Z0-9()^]*"'
)
"""Everything the service may ever say in these tests."""

ACTIONS = {
    "Challenge": {"AuthType"},
    "Login": {"AuthType", "Username", "Key", "Events"},
    "Ping": set[str](),
    "Status": {"Variables"},
    "Setvar": {"Variable", "Value"},
    "PlayDTMF": {"Channel", "Digit", "Duration", "Receive"},
    "Hangup": {"Channel", "Cause"},
    "PJSIPShowContacts": set[str](),
}
"""The AMI actions it may send, each with all its fields."""


@dataclass(slots=True)
class Talk:
    """One connection: all bytes in both directions."""

    asterisk: bytearray = field(default_factory=bytearray)
    service: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Tap:
    """All connections since the tap was put in, in order."""

    agi: list[Talk] = field(default_factory=list)
    ami: list[Talk] = field(default_factory=list)

    def sessions(self) -> list[AgiTalk]:
        """The AGI sessions; an AssertionError for any that is not what Asterisk and we may say."""
        return [AgiTalk.of(talk) for talk in self.agi]

    def calls(self, since: int) -> list[AgiTalk]:
        """The sessions of callers from number `since` on: all fresh, with nothing smuggled in."""
        talks = [AgiTalk.of(talk) for talk in self.agi[since:]]
        found = [talk for talk in talks if talk.environment["agi_network_script"] == "call"]
        for talk in found:
            arguments = [talk.environment[f"agi_arg_{n}"] for n in (1, 2, 3)]
            assert re.fullmatch(r"\|[0-9]{4}\|", "|".join(arguments)), arguments
            assert re.fullmatch(r"[0-9+]{1,80}|unknown", talk.environment["agi_callerid"])
            assert re.fullmatch(r"[0-9+-]{1,20}|unknown", talk.environment["agi_dnid"])
            assert talk.environment["agi_rdnis"] == "unknown"
        return found

    def actions(self) -> list[str]:
        """The names of all AMI actions; an AssertionError for any that is not ours."""
        said = b"".join(bytes(talk.service) for talk in self.ami).decode()
        found = []
        for action in said.split("\r\n\r\n"):
            lines = [line.partition(": ")[::2] for line in action.split("\r\n") if line]
            if not lines:
                continue
            fields = dict(lines)
            name = fields.pop("Action", "")
            fields.pop("ActionID", "")
            assert len(lines) == len(fields) + 2, action
            assert name in ACTIONS, action
            assert fields.keys() <= ACTIONS[name], action
            found.append(name)
        return found

    def channels(self) -> set[str]:
        """The unique ids of all channels that have ended so far."""
        heard = b"".join(bytes(talk.asterisk) for talk in self.ami).decode("utf-8", "replace")
        events = (part for part in heard.split("\r\n\r\n") if part.startswith("Event: Hangup\r\n"))
        found = (re.search(r"^Uniqueid: (.*?)\r?$", part, re.M) for part in events)
        return {match[1] for match in found if match}


@dataclass(frozen=True, slots=True)
class AgiTalk:
    """One AGI session: its environment, our commands, and how many were answered."""

    environment: dict[str, str]
    commands: list[str]
    replies: int

    @classmethod
    def of(cls, talk: Talk) -> AgiTalk:
        """Parses and judges it."""
        head, _, rest = talk.asterisk.decode("utf-8", "replace").partition("\n\n")
        pairs = [line.partition(": ")[::2] for line in head.split("\n")]
        names = [name.strip(":") for name, _ in pairs]
        known = [f"agi_{name}" for name in AGI_HEADERS]
        arguments = [f"agi_arg_{n}" for n in range(1, len(names) - len(known) + 1)]
        assert names == known + arguments, head
        assert len(arguments) <= 3, head
        commands = talk.service.decode().split("\n")[:-1]
        for command in commands:
            assert AGI_COMMANDS.fullmatch(command), command
        replies = [line for line in rest.split("\n") if line and line != "HANGUP"]
        for reply in replies:
            assert re.match(r"200 result=|511 ", reply), reply
        assert len(commands) - 1 <= len(replies) <= len(commands), (commands, replies)
        return cls(dict(pairs), commands, len(replies))

    def has(self, verb: str) -> bool:
        """Whether such a command was given."""
        return any(command.startswith(verb) for command in self.commands)

    def without_values(self) -> list[str]:
        """The commands, with what depends on who calls and which contact it is taken out.

        CHANNEL STATUS is only asked of a caller who is about to be gone, and how often somebody
        waits for an agent depends on the agent.
        """
        changing = r"(_TIELINE_(?:CONTACT|CALLER_NAME|CONTEXT|OFFER)) .*"
        words = (re.sub(changing, r"\1", command) for command in self.commands)
        passing = ("CHANNEL STATUS", "WAIT FOR DIGIT")
        return [command for command in words if not command.startswith(passing)]

    def up_to_the_dial(self) -> list[str]:
        """The same, until an agent's phone is rung: how it goes on is a matter of who is first."""
        commands = self.without_values()
        ends = [n for n, command in enumerate(commands) if command.startswith("EXEC Dial")]
        return commands[: ends[0] + 1] if ends else commands


@asynccontextmanager
async def tapped(house: House) -> AsyncIterator[Tap]:
    """Restarts the service with the tap in its lines, and without it afterwards."""
    tap = Tap()
    agi, ami = free_ports(2)
    usual = dict(house.environment)
    await house.stop_service()
    relays = (
        await _relay(house.settings.agi_port, agi, tap.agi, from_asterisk=True),
        await _relay(ami, house.settings.ami_port, tap.ami, from_asterisk=False),
    )
    try:
        house.environment.update(TIELINE_AGI_PORT=str(agi), TIELINE_AMI_PORT=str(ami))
        await house.start_service()
        yield tap
    finally:
        await house.stop_service()
        for relay in relays:
            relay.close()
        house.environment.update(usual)
        await house.start_service()


async def _relay(listen: int, to: int, talks: list[Talk], *, from_asterisk: bool) -> asyncio.Server:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", to)
        except ConnectionError:
            writer.close()
            return
        talk = Talk()
        talks.append(talk)
        ours, theirs = talk.asterisk, talk.service
        if not from_asterisk:
            ours, theirs = theirs, ours
        await asyncio.gather(_pump(reader, back, ours), _pump(there, writer, theirs))

    return await asyncio.start_server(carry, "127.0.0.1", listen)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, copy: bytearray
) -> None:
    try:
        while data := await reader.read(65536):
            copy += data
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
