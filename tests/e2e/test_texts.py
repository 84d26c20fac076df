"""Texts as SIP MESSAGE over the real Asterisk: from a trunk to a flow, and back over the trunk."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ivr.asterisk.ami import AmiClient
from ivr.backends.providers import Outgoing
from ivr.demo.backends import Backends
from ivr.secrets import Secrets
from ivr.texts.by_sip import SipTexts
from tests.e2e.house import House, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

OURS, THEIRS = "+862112345678", "+8613912345678"


class Carrier(asyncio.DatagramProtocol):
    """The far end of the trunk: says MESSAGE, and answers what it is told."""

    def __init__(self, house: House) -> None:
        self.house, self.got, self.answers = house, list[str](), list[str]()
        self.wire: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # it is one
        self.wire = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # type: ignore[override]  # IPv4
        head, _, body = data.decode().partition("\r\n\r\n")
        if head.startswith("SIP/2.0"):
            self.answers.append(head.split()[1])
        elif head.startswith("MESSAGE"):
            self.got.append(body)
            kept = ("via", "from", "to", "call-id", "cseq")
            lines = [
                line for line in head.split("\r\n")[1:] if line.partition(":")[0].lower() in kept
            ]
            told = "\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""])
            self.wire.sendto(told.encode(), addr)
        elif head.startswith("OPTIONS"):
            pass

    def say(self, text: str, to: str = OURS) -> None:
        here = self.house.trunk
        body = text.encode()
        tag, call = secrets.token_hex(4), secrets.token_hex(8)
        lines = [
            f"MESSAGE sip:{to}@{self.house.domain} SIP/2.0",
            f"Via: SIP/2.0/UDP {here}:5060;branch=z9hG4bK{tag}",
            f"From: <sip:{THEIRS}@{here}>;tag={tag}",
            f"To: <sip:{to}@{self.house.domain}>",
            f"Call-ID: {call}@{here}",
            "CSeq: 1 MESSAGE",
            "Max-Forwards: 70",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(body)}",
            "",
            "",
        ]
        host, port = self.house.domain.split(":")
        self.wire.sendto("\r\n".join(lines).encode() + body, (host, int(port)))


@pytest_asyncio.fixture(loop_scope="session")
async def carrier(house: House) -> AsyncIterator[Carrier]:
    loop = asyncio.get_running_loop()
    wire, carrier = await loop.create_datagram_endpoint(
        lambda: Carrier(house), local_addr=(house.trunk, 5060)
    )
    yield carrier
    wire.close()


async def test_a_text_over_the_trunk_is_answered_by_the_flow_of_the_number(
    house: House, carrier: Carrier, backends: Backends
) -> None:
    carrier.say('你好, "1,2" (hello)\r\nsecond line')

    def answered() -> list[str]:
        return [each["text"] for each in backends.messages if each["to"] == THEIRS]

    await until(lambda: bool(answered()), why="the flow answers")
    assert answered()[0].startswith("Lantern Books")
    assert "202" in carrier.answers
    assert not {"404", "500"} & set(carrier.answers)


async def test_a_text_to_a_name_that_is_no_number_is_refused(
    house: House, carrier: Carrier
) -> None:
    carrier.say("x", to="operator")
    await until(lambda: "404" in carrier.answers, why="it is refused")


async def test_a_text_goes_out_over_the_trunk(house: House, carrier: Carrier) -> None:
    secret = Secrets(house.settings.home).ami_secret
    manager = AmiClient("127.0.0.1", house.settings.ami_port, "tieline", secret)
    await manager.start()
    try:
        await manager.wait_ready(10)
        texts = SipTexts(None, manager, house.settings.sip_way)  # type: ignore[arg-type]  # nothing comes in
        assert await texts.send(Outgoing("1", THEIRS, OURS, "Ihr Päckchen, 你好\nist da.")) == ""
        await until(lambda: bool(carrier.got), why="the message arrives")
        assert carrier.got == ["Ihr Päckchen, 你好\nist da."]
    finally:
        await manager.close()
