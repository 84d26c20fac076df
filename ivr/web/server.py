"""The web server: serves the routes it is given, and nothing else."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from weakref import WeakKeyDictionary, WeakSet

import structlog
from aiohttp import web

from ivr.errors import IvrError, ServiceFault
from ivr.web.addresses import Outside
from ivr.web.gate import Doorkeeper, Gate
from ivr.web.routes import Route

log = structlog.get_logger(__name__)

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes; each route has its own, smaller bound."""
HEADER_SECONDS = 30.0
"""Seconds in which a connection must have asked something, and may rest between two requests."""
LOOK_EVERY = 5.0
SHUTDOWN_SECONDS = 2.0


class WebServer:
    """Listens on `bind`:`port` (0 takes a free one) and calls itself by `outside`."""

    def __init__(
        self, routes: Iterable[Route], door: Doorkeeper, outside: Outside, bind: str, port: int
    ) -> None:
        self.routes: Sequence[Route] = tuple(routes)
        self.gate = Gate(door, outside)
        self._bind, self._wanted = bind, port
        self._runner: web.AppRunner | None = None
        self._asked: WeakSet[asyncio.BaseTransport] = WeakSet()
        self._came: WeakKeyDictionary[asyncio.BaseTransport, float] = WeakKeyDictionary()
        self._looking: asyncio.Task[None] | None = None
        self._port = port
        self._check()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    def _check(self) -> None:
        """Two routes at one place, or a private one for foreign pages, are faults of ours."""
        seen: set[tuple[str, str]] = set()
        for route in self.routes:
            place = (route.method, route.path)
            if place in seen:
                raise ServiceFault(f"{route.method} {route.path} is declared twice")
            if route.foreign is not None and not route.is_public:
                raise ServiceFault(f"{route.path} shows foreign pages what is for those signed in")
            seen.add(place)

    def application(self) -> web.Application:
        """The aiohttp application; every handler in it stands behind the gate."""
        middlewares = [self._note, self.gate.middleware]
        app = web.Application(middlewares=middlewares, client_max_size=LARGEST_BODY)
        foreign: defaultdict[str, dict[str, Route]] = defaultdict(dict)
        for route in self.routes:
            app.router.add_route(route.method, route.path, self.gate.guarded(route))
            if route.foreign is not None:
                foreign[route.path][route.method] = route
        for path, routes in foreign.items():
            app.router.add_route("OPTIONS", path, self.gate.preflight(routes))
        return app

    async def start(self) -> None:
        """Listen; raises IvrError when the port is taken."""
        runner = web.AppRunner(
            self.application(),
            access_log=None,
            handle_signals=False,
            keepalive_timeout=HEADER_SECONDS,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._bind, self._wanted).start()
        except OSError as why:
            await runner.cleanup()
            raise IvrError(
                f"the web port {self._wanted} of {self._bind} cannot be used "
                f"({why.strerror or why}); choose another web_port or web_bind in tieline.yaml"
            ) from None
        self._runner = runner
        self._looking = asyncio.create_task(self._cut_the_silent(runner), name="silent connections")
        self._port = runner.addresses[0][1]
        log.info("the web side is up", bind=self._bind, port=self._port)

    async def stop(self) -> None:
        """Stop listening. Repeatable."""
        runner, self._runner = self._runner, None
        if self._looking is not None:
            self._looking.cancel()
        if runner is not None:
            async with asyncio.timeout(2 * SHUTDOWN_SECONDS + 1):
                await runner.cleanup()

    # --- connections that ask nothing -------------------------------------------------------------

    @web.middleware
    async def _note(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if request.transport is not None:
            self._asked.add(request.transport)
        return await handler(request)

    async def _cut_the_silent(self, runner: web.AppRunner) -> None:
        """A connection is a file of this process, and calls need files as well."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self.cut_silent(runner, asyncio.get_running_loop().time())

    def cut_silent(self, runner: web.AppRunner, now: float) -> None:
        """Cut whoever has connected `HEADER_SECONDS` ago and has not sent a whole request since."""
        for each in runner.server.connections if runner.server is not None else ():
            transport = each.transport
            if transport is None or transport in self._asked:
                continue
            if now - self._came.setdefault(transport, now) > HEADER_SECONDS:
                transport.abort()
