"""The town of the demo: what its Tieline is told of it, and who carries its calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from ivr.demo.carrier import Address, Carrier
from ivr.demo.installation import free_ports
from ivr.demo.town import MORNING, Town, environment_of
from ivr.plans import load_plan
from ivr.settings import LOOPBACK, Settings, load_settings

REGISTER = (
    b"REGISTER sip:127.19.196.2 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\n"
    b"f: <sip:+4930@town>;tag=1\r\nt: <sip:+4930@town>\r\nCall-ID: a\r\nCSeq: 1 REGISTER\r\n"
    b"Contact: <sip:phone-1@127.0.0.1:9>;expires=600\r\nUser-Agent: it\r\nExpires: 600\r\n\r\n"
)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(5060, 8081, 8082)
    town.furnish(tmp_path)
    return town


def test_its_flows_find_everything_in_the_town(town: Town, tmp_path: Path) -> None:
    services = load_plan(tmp_path / "flows", tmp_path / "flows" / "floor.yaml").services
    assert services.missing == ()
    assert {each.url.rpartition("/")[0] for each in services.services.values()} == {
        "http://127.0.0.1:8081",
        "http://127.0.0.1:8082/2010-04-01/Accounts/AC0",
    }
    assert services.chats["shop"].origins == ("http://127.0.0.1:8081",)
    assert services.outside == ("+4930*",)


def test_its_tieline_dials_over_the_carrier_of_this_town(town: Town, tmp_path: Path) -> None:
    settings = load_settings(env={}, cwd=tmp_path)
    assert settings.trunk_to_dial == "carrier"
    assert settings.sip_way("+4930") == "pjsip:trunk-carrier/sip:+4930@127.19.196.2"
    assert town.carrier == "127.19.196.2:5060"


def test_addresses_of_ones_own_are_left_alone(tmp_path: Path) -> None:
    town = Town(5070, 8081, 8082)
    own = {"services": {"mine": {"url": "https://example.org/mine"}}, "lockout": {"failures": 9}}
    told = town._services(own)
    assert told["services"]["mine"] == {"url": "http://127.0.0.1:8081/mine"}
    assert told["lockout"] == {"failures": 9}


def test_it_is_morning_at_the_clinic(town: Town, tmp_path: Path) -> None:
    plan = load_plan(tmp_path / "flows", tmp_path / "flows" / "floor.yaml")
    desk = plan.library.flows["clinic"].calendars["desk"]
    assert desk.is_open(datetime.fromisoformat(MORNING))
    assert not desk.is_open(datetime.fromisoformat("2026-03-01T10:00:00+08:00"))


def test_its_own_settings_are_free_of_the_usual_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIELINE_RECORDS_URL", "sqlite+aiosqlite:////precious.sqlite")
    monkeypatch.setenv("TIELINE_FLOWS", "/somewhere/else")
    monkeypatch.setenv("KEPT", "yes")
    usual = Settings(folder=tmp_path, cache=tmp_path / "cache")
    names = ("sip", "agi", "ami", "console", "web")
    ports = dict(zip(names, free_ports(5), strict=True))
    environment = environment_of(usual, tmp_path / "demo", ports)
    settings = load_settings(env=environment, cwd=tmp_path / "demo")
    assert environment["KEPT"] == "yes"
    assert "precious" not in settings.records_url
    assert settings.home == tmp_path / "demo" / "home"
    assert (settings.flows, settings.cache) == (tmp_path / "demo" / "flows", tmp_path / "cache")
    assert {name: getattr(settings, f"{name}_port") for name in names} == ports


def test_free_ports_all_differ() -> None:
    ports = free_ports(8)
    assert len(set(ports)) == 8


# --- the carrier -------------------------------------------------------------------------------


class Party(asyncio.DatagramProtocol):
    """One who sends SIP, and keeps what comes."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.socket: asyncio.DatagramTransport

    @classmethod
    @asynccontextmanager
    async def come(cls) -> AsyncIterator[Party]:
        loop = asyncio.get_running_loop()
        transport, party = await loop.create_datagram_endpoint(cls, (LOOPBACK, 0))
        party.socket = transport
        try:
            yield party
        finally:
            transport.close()

    def datagram_received(self, data: bytes, _: Address) -> None:
        self.heard.put_nowait(data)

    @property
    def at(self) -> Address:
        address: Address = self.socket.get_extra_info("sockname")
        return address

    async def hears(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.heard.get()


async def test_whatever_is_dialled_rings_the_phone_that_has_registered() -> None:
    async with Party.come() as exchange, Party.come() as phone:
        (port,) = free_ports(1)
        there = (LOOPBACK, port)
        async with Carrier.at(LOOPBACK, exchange.at, port):
            exchange.socket.sendto(b"OPTIONS sip:nobody SIP/2.0\r\n\r\n", there)
            phone.socket.sendto(REGISTER, there)
            answer = await phone.hears()
            assert answer.startswith(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch")
            assert b"t: <sip:+4930@town>;tag=carrier\r\n" in answer
            assert b"User-Agent" not in answer
            invite = b"INVITE sip:+493012345@127.19.196.2 SIP/2.0\r\nVia: x\r\n\r\nv=0"
            exchange.socket.sendto(invite, there)
            rung = b"INVITE sip:phone-1@127.0.0.1:9 SIP/2.0\r\nVia: x\r\n\r\nv=0"
            assert await phone.hears() == rung
            phone.socket.sendto(b"SIP/2.0 180 Ringing\r\n\r\n", there)
            assert await exchange.hears() == b"SIP/2.0 180 Ringing\r\n\r\n"


async def test_a_stranger_s_words_go_nowhere() -> None:
    async with Party.come() as exchange, Party.come() as phone, Party.come() as stranger:
        (port,) = free_ports(1)
        there = (LOOPBACK, port)
        async with Carrier.at(LOOPBACK, exchange.at, port):
            phone.socket.sendto(REGISTER, there)
            await phone.hears()
            stranger.socket.sendto(b"BYE sip:x SIP/2.0\r\n\r\n", there)
            phone.socket.sendto(b"BYE sip:y SIP/2.0\r\n\r\n", there)
            assert await exchange.hears() == b"BYE sip:y SIP/2.0\r\n\r\n"
            assert phone.heard.empty()
