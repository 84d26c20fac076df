"""A small shop, power company, practice and restaurant: what real houses would run themselves.

    GET  /shop/orders/{number}                  an order, or 404
    POST /shop/orders/{number}/cancellation     204, or 409 when it is on its way already
    GET  /power/accounts/{account}              what is owed, or 404
    POST /power/accounts/{account}/moves        201, or 409 when one is under way
    POST /identify                              {account, pin} -> {ok, level, customer}
    GET  /dentist/slots, POST /dentist/slots/{id}/reservation      free times, the protocol of
    GET  /restaurant/slots, ...                                    `ivr.backends.booking`
    POST /messages, GET /messages               a gateway for text messages that keeps them
    GET  /                                      a page of the shop that holds our chat
    POST /pretend                               {"mode": "slow", "times": 1} for the next requests

Modes: `slow` (answers after `Backends.slowness` seconds), `down` (breaks off), `failing` (status
503), `lying` (a page instead of JSON). `?pretend=slow` makes a single request so. Orders and slots
are also there without the name of a house.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from ivr.demo.diary import DIARIES, OFFICE
from ivr.flow.errands import Json
from ivr.settings import LOOPBACK

PAGE: Final = Path(__file__).with_name("shop.html")
MODES: Final = ("fine", "slow", "down", "failing", "lying")
MOST_SLOTS: Final = 50

ORDERS: Final[Mapping[str, tuple[str, str, int, str]]] = {
    "1001": ("shipped", "129.50", 2, "SF"),
    "1002": ("packing", "45.00", 4, "SF"),
    "1003": ("delivered", "8.20", -3, "YTO"),
    "1004": ("cancelled", "30.00", 5, "SF"),
}
"""Status, total, days until delivery, carrier."""
ACCOUNTS: Final = {"300100": ("84.20", 14), "300200": ("0.00", 30)}
"""What is owed, and in how many days."""
# Invented people; flows/bank.yaml tells their PINs to whoever tries the demo.
CUSTOMERS: Final = {
    "12345678": ("4321", {"name": "Mei Lin", "tier": "gold"}),
    "87654321": ("1234", {"name": "Tom Baker", "tier": "standard"}),
}


@dataclass(slots=True)
class Backends:
    """What the house knows and was told; `pretended` are the modes of the next requests."""

    slowness: float = 10.0
    desk: str = "http://127.0.0.1:4580"
    site: str = "shop"
    """Where the chat on the page comes from, and its name there."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    taken: dict[str, tuple[str, str]] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    moving: set[str] = field(default_factory=set)
    pretended: list[str] = field(default_factory=list)
    requests: int = 0
    today: Callable[[], date] = date.today
    tell: Callable[[str], None] = lambda _: None
    """Told every request, and every text message."""

    def app(self) -> web.Application:
        """The application, to be served."""
        app = web.Application(middlewares=[self._pretending], client_max_size=64 * 1024)
        for shop in ("", "/shop"):
            app.router.add_get(shop + "/orders/{number}", self._order)
            app.router.add_post(shop + "/orders/{number}/cancellation", self._cancel)
        app.router.add_get("/power/accounts/{account}", self._account)
        app.router.add_post("/power/accounts/{account}/moves", self._move)
        app.router.add_post("/identify", self._identify)
        for house in ("", *(f"/{name}" for name in DIARIES)):
            app.router.add_get(house + "/slots", self._slots)
            app.router.add_post(house + "/slots/{id}/reservation", self._reserve)
        app.router.add_get("/", self._page)
        app.router.add_post("/messages", self._message)
        app.router.add_get("/messages", self._list)
        app.router.add_post("/pretend", self._pretend)
        return app

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Serve on loopback; the address, such as http://127.0.0.1:8080."""
        runner = web.AppRunner(self.app(), shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, port).start()
            yield f"http://{LOOPBACK}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    # --- pretending ---

    @web.middleware
    async def _pretending(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if request.path == "/pretend":
            return await handler(request)
        self.requests += 1
        self.tell(f"{request.method} {request.path}")
        mode = request.query.get("pretend") or (self.pretended.pop(0) if self.pretended else "fine")
        match mode:
            case "slow":
                await asyncio.sleep(self.slowness)
            case "down" if request.transport is not None:
                request.transport.abort()
                return web.Response()
            case "failing":
                return web.Response(status=503, text="closed for repairs")
            case "lying":
                return web.Response(text="<h1>Welcome</h1>", content_type="application/json")
        return await handler(request)

    async def _pretend(self, request: web.Request) -> web.Response:
        asked = await _object(request)
        mode, times = asked.get("mode"), asked.get("times", 1)
        if mode not in MODES or not isinstance(times, int) or not 0 <= times <= 1000:
            raise web.HTTPBadRequest(text=f"mode is one of {', '.join(MODES)}, times up to 1000")
        self.pretended = [str(mode)] * times
        return web.Response(status=204)

    # --- orders and customers ---

    def order(self, number: str) -> dict[str, Json] | None:
        """What the shop says of an order."""
        if number not in ORDERS:
            return None
        status, total, days, carrier = ORDERS[number]
        return {
            "number": number,
            "status": "cancelled" if number in self.cancelled else status,
            "total": total,
            "currency": "CNY",
            "delivery": {"due": self._in(days), "carrier": carrier},
        }

    async def _order(self, request: web.Request) -> web.Response:
        order = self.order(request.match_info["number"])
        return _nothing(404) if order is None else web.json_response(order)

    async def _cancel(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        order = self.order(number)
        if order is None:
            return _nothing(404)
        if order["status"] != "packing":
            return _nothing(409)
        self.cancelled.add(number)
        return web.Response(status=204)

    async def _account(self, request: web.Request) -> web.Response:
        account = request.match_info["account"]
        if account not in ACCOUNTS:
            return _nothing(404)
        amount, days = ACCOUNTS[account]
        balance = {"amount": amount, "due": self._in(days)}
        return web.json_response({"account": account, "balance": balance})

    async def _move(self, request: web.Request) -> web.Response:
        account = request.match_info["account"]
        await _object(request)
        if account not in ACCOUNTS:
            return _nothing(404)
        if account in self.moving:
            return _nothing(409)
        self.moving.add(account)
        return web.json_response({"account": account}, status=201)

    def _in(self, days: int) -> str:
        return (self.today() + timedelta(days=days)).isoformat()

    async def _identify(self, request: web.Request) -> web.Response:
        given = await _object(request)
        pin, customer = CUSTOMERS.get(str(given.get("account")), ("", {}))
        same = hmac.compare_digest(str(given.get("pin")).encode(), pin.encode())
        if not pin or not same:
            return web.json_response({"ok": False})
        return web.json_response({"ok": True, "level": "verified", "customer": customer})

    # --- free times ---

    async def _slots(self, request: web.Request) -> web.Response:
        try:
            after = datetime.fromisoformat(request.query["after"])
            until = datetime.fromisoformat(request.query["until"])
            limit = min(MOST_SLOTS, int(request.query.get("limit", "3")))
            if after.tzinfo is None or until.tzinfo is None:
                raise ValueError
        except (KeyError, ValueError):
            raise web.HTTPBadRequest(text="after, until and limit, with offsets") from None
        house = _house(request)
        free = (
            {"id": name, "start": start.isoformat()}
            for start in DIARIES.get(house, OFFICE).starts(after, until)
            if house + (name := start.strftime("%Y%m%dT%H%M")) not in self.taken
        )
        return web.json_response(list(islice(free, limit)))

    async def _reserve(self, request: web.Request) -> web.Response:
        slot = _house(request) + request.match_info["id"]
        key = request.headers.get("Idempotency-Key", "")
        await _object(request)
        known_key, reference = self.taken.get(slot, ("", ""))
        if reference and (not key or key != known_key):
            return _nothing(409)
        if not reference:
            reference = f"R-{len(self.taken) + 1}"
            self.taken[slot] = (key, reference)
        return web.json_response({"reference": reference}, status=201)

    # --- text messages ---

    async def _message(self, request: web.Request) -> web.Response:
        message = await _object(request)
        if not all(isinstance(message.get(name), str) for name in ("id", "to", "text")):
            raise web.HTTPBadRequest(text="id, to and text")
        if all(each["id"] != message["id"] for each in self.messages):
            self.messages.append(message)
            self.tell(f"SMS to {message['to']}: {message['text']}")
        return web.json_response({"id": message["id"]}, status=202)

    async def _page(self, _: web.Request) -> web.Response:
        page = PAGE.read_text(encoding="utf-8").replace("{{ desk }}", self.desk)
        return web.Response(text=page.replace("{{ site }}", self.site), content_type="text/html")

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response(self.messages)


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        found = await request.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise web.HTTPBadRequest(text="a JSON object is expected")
    return found


def _house(request: web.Request) -> str:
    """The name before the path, such as `dentist`; nothing at the root."""
    first = request.path.split("/")[1]
    return first if first in DIARIES else ""


def _nothing(status: int) -> web.Response:
    return web.json_response({}, status=status)
