"""The town that the demo's Tieline stands in: a shop, a provider of text messages, a carrier.

The flows are those that ship; only the addresses in services.yaml are the town's. It is a Monday
morning there.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from acd.people import People
from acd.records import Database
from ivr.asterisk.provision import ensure_asterisk
from ivr.backends.services import FILE
from ivr.demo.backends import Backends
from ivr.demo.carrier import PORT, Carrier
from ivr.demo.desk import Desk
from ivr.demo.installation import Installation, free_ports
from ivr.demo.provider import Provider
from ivr.resources import flows_dir
from ivr.settings import LOOPBACK, Settings, load_settings

MORNING: Final = "2026-03-02T10:00:00+08:00"
"""A Monday at the clinic, with its desk open."""
OURS: Final = "+862112345678"
"""The number that text messages are sent from."""
ACCOUNT: Final = "zhang"
"""Who may sign in at the desk."""

_RTP: Final = (12000, 12998)
_TOKEN: Final = "provider.token"  # noqa: S105 - the name of a file


class Town:
    """What surrounds an installation on these ports; it is there inside `open`.

    `carrier` is where phones of the outside register, on this machine alone. `hindrance` says why
    there is none, "" when there is one.
    """

    def __init__(self, sip_port: int, shop_port: int, provider_port: int) -> None:
        self._exchange = (LOOPBACK, sip_port)
        self._ports = shop_port, provider_port
        # An address for each port, so that two demos do not meet at the one port of SIP.
        self._trunk = f"127.{sip_port >> 8}.{sip_port & 0xFF}.2"
        self.carrier = f"{self._trunk}:{PORT}"
        self.shop = f"http://{LOOPBACK}:{shop_port}"
        self.provider = Provider(secrets.token_hex(16))
        self.hindrance = ""
        self._desk = self._password = ""

    def furnish(self, folder: Path) -> None:
        """Put flows and settings for this town into an empty folder."""
        flows = folder / "flows"
        shutil.copytree(flows_dir(), flows)
        (flows / _TOKEN).write_text(self.provider.token, encoding="utf-8")
        file = flows / FILE
        told = self._services(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
        file.write_text(json.dumps(told), encoding="utf-8")
        trunks = {"trunks": {"carrier": [self._trunk]}}
        (folder / "tieline.yaml").write_text(json.dumps(trunks), encoding="utf-8")

    def _services(self, shipped: dict[str, Any]) -> dict[str, Any]:
        """Whatever the flows may reach, they find it in this town."""
        houses = {name: {"url": f"{self.shop}/{name}"} for name in shipped.get("services", {})}
        provider = f"http://{LOOPBACK}:{self._ports[1]}/2010-04-01/Accounts/AC0/Messages.json"
        houses["gateway"] = {"url": provider}
        sms = {"service": "gateway", "from": OURS, "speaks": "twilio", "secret": {"file": _TOKEN}}
        shop = {
            "origins": [self.shop],
            "flow": "shop",
            "title": {"en": "Lantern Books"},
            "colour": "#7a4a12",
            "ask": ["name", "phone"],
        }
        return shipped | {
            "region": "CN",
            "services": houses,
            "sms": sms,
            "chats": {"shop": shop},
            "outside": ["+4930*"],
        }

    async def admit(self, house: Installation, extension: str, name: str) -> None:
        """Let that agent sign in at the desk."""
        self._desk, self._password = house.settings.web_address, secrets.token_hex(6)
        database = Database(house.settings.records_url)
        try:
            await People(database).add(ACCOUNT, self._password, title=name, extension=extension)
        finally:
            await database.close()

    def desk(self) -> AbstractAsyncContextManager[Desk]:
        """The desk of the agent who was admitted."""
        return Desk.of(self._desk, ACCOUNT, self._password)

    @property
    def doors(self) -> str:
        """Where a browser finds the shop and the desk, and how one signs in: two lines."""
        sign_in = f"name {ACCOUNT}, password {self._password}"
        return f"The shop  {self.shop}/\nThe desk  {self._desk}/desk/   {sign_in}"

    @asynccontextmanager
    async def open(self, house: Installation) -> AsyncIterator[None]:
        """Serve everything."""
        shop = Backends(today=lambda: house.flow_time().date())
        shop.desk = house.settings.web_address
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(shop.serving(self._ports[0]))
            await self.provider.start(self._ports[1])
            stack.push_async_callback(self.provider.stop)
            try:
                await stack.enter_async_context(Carrier.at(self._trunk, self._exchange))
            except OSError as taken:
                self.hindrance = f"there is no room for a carrier at {self.carrier} ({taken})"
            yield


def found(settings: Settings) -> tuple[Installation, Town]:
    """An installation of the demo's own, not yet begun, and its town.

    Programs are shared with the usual one, whose `settings` are given.
    """
    toolchain = ensure_asterisk(settings, _silent)
    folder = Path(tempfile.mkdtemp(prefix="tieline-demo-"))
    sip, agi, ami, console, web, shop, provider = free_ports(7)
    ports = {"sip": sip, "agi": agi, "ami": ami, "console": console, "web": web}
    town = Town(sip, shop, provider)
    town.furnish(folder)
    environment = environment_of(settings, folder, ports)
    house = Installation(load_settings(env=environment, cwd=folder), toolchain, environment)
    return house, town


def environment_of(usual: Settings, folder: Path, ports: Mapping[str, int]) -> dict[str, str]:
    """This process's environment, with settings of its own in place of whatever it says."""
    told: dict[str, object] = {
        "home": folder / "home",
        "flows": folder / "flows",
        "cache": usual.cache,
        "rtp_start": _RTP[0],
        "rtp_end": _RTP[1],
        "rehearse_at": MORNING,
        "web_url": f"http://{LOOPBACK}:{ports['web']}",  # by which the provider knows it, too
        **{f"{name}_port": port for name, port in ports.items()},
    }
    if usual.asterisk is not None:
        told["asterisk"] = usual.asterisk
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TIELINE_")}
    return kept | {f"TIELINE_{name.upper()}": str(value) for name, value in told.items()}


def _silent(_stage: str, _done: float | None) -> None:
    """Programs were fetched before: nothing is left to show."""
