"""The FastAGI server: one socket is one call, one call is one coroutine.

A socket has two seconds, from its connection, to bring a whole environment. Until then it costs a
buffer and a timer; there is no coroutine that a silent, slow or babbling peer could hold up. When
too many wait at once the oldest is dropped, not the newest: a real Asterisk is done in a
millisecond, so what is old is not one.

Peers are trusted by address only, AGI knows no password: loopback, unless others are named.

Whatever ends a handler, its socket is closed, and the dialplan decides how the caller goes on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, cast

import structlog

from ivr.agi.environment import AgiEnvironment
from ivr.agi.protocol import AgiConnection, Broken, Event, State
from ivr.agi.session import AgiSession
from ivr.errors import AsteriskRefused, AsteriskUnreachable, CallerHungUp, ServiceFault

Handler = Callable[[AgiSession], Awaitable[None]]

ENVIRONMENT_SECONDS: Final = 2.0
WAITING_SOCKETS: Final = 256
WAITING_SOCKETS_OF_A_PEER: Final = 128
BACKLOG: Final = 512

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class AgiServer:
    """Routes calls by the path of their agi:// address.

    `routes` maps a path ("call", "agent/login") to the coroutine function that owns such a call.
    `port` 0 takes a free one; read `port` after `start()`. `peers` names further addresses that
    may connect besides loopback.
    """

    def __init__(
        self,
        routes: Mapping[str, Handler],
        host: str = "127.0.0.1",
        port: int = 4573,
        *,
        peers: Iterable[str] = (),
        environment_seconds: float = ENVIRONMENT_SECONDS,
        waiting_sockets: int = WAITING_SOCKETS,
        waiting_sockets_of_a_peer: int = WAITING_SOCKETS_OF_A_PEER,
    ) -> None:
        self.host = host
        self.port = port
        self.environment_seconds = environment_seconds
        self._routes = dict(routes)
        self._peers = frozenset(ip_address(peer) for peer in peers)
        self._most = waiting_sockets
        self._most_of_a_peer = waiting_sockets_of_a_peer
        self._server: asyncio.Server | None = None
        self._waiting: dict[_Socket, str] = {}
        self._calls: dict[asyncio.Task[None], AgiSession] = {}

    @property
    def calls(self) -> int:
        """How many calls have a running handler."""
        return len(self._calls)

    async def start(self) -> None:
        """Listen. Raises OSError when the address cannot be had."""
        if self._server is not None:
            raise ServiceFault("the AGI server was started twice")
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Socket(self), self.host, self.port, backlog=BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]
        log.info("agi.listening", host=self.host, port=self.port)

    async def close(self) -> None:
        """Stop listening, cancel every handler and wait for it; callers go on in the dialplan."""
        if self._server is None:
            return
        self._server.close()
        for waiting in list(self._waiting):
            waiting.drop("the server is closing")
        calls = list(self._calls)
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    # -- called by the sockets

    def admit(self, waiting: _Socket, peer: str) -> bool:
        """Whether `peer` may stay; makes room for it among those that have said nothing yet."""
        if not self.trusts(peer):
            log.warning("agi.peer_refused", peer=peer)
            return False
        if sum(other == peer for other in self._waiting.values()) >= self._most_of_a_peer:
            self._drop_oldest(peer)
        elif len(self._waiting) >= self._most:
            self._drop_oldest(None)
        self._waiting[waiting] = peer
        return True

    def forget(self, waiting: _Socket) -> None:
        """The socket has brought its environment, or is gone."""
        self._waiting.pop(waiting, None)

    def begin(self, session: AgiSession) -> None:
        """Start the handler of a call that is now known."""
        handler = self._routes.get(session.env.path)
        if handler is None:
            session.log.error("agi.no_route", path=session.env.path, routes=sorted(self._routes))
            session.close()
            return
        name = f"agi {session.env.path} {session.env.uniqueid}"
        task = asyncio.get_running_loop().create_task(_run(handler, session), name=name)
        self._calls[task] = session
        task.add_done_callback(lambda done: self._calls.pop(done, None))

    def trusts(self, peer: str) -> bool:
        """Whether calls from this address are taken."""
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return address in self._peers or _unmapped(address).is_loopback

    def _drop_oldest(self, peer: str | None) -> None:
        for waiting, of in self._waiting.items():
            if peer is None or of == peer:
                waiting.drop("too many sockets wait")
                return


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


async def _run(handler: Handler, session: AgiSession) -> None:
    """One call from its first command to its last; see errors.py for who is to blame."""
    try:
        await handler(session)
    except CallerHungUp:
        session.log.debug("agi.caller_left")
    except (AsteriskRefused, AsteriskUnreachable) as error:
        session.log.warning("agi.call_failed", error=str(error))
    except Exception:
        session.log.exception("agi.handler_failed")
    finally:
        session.close()


class _Socket(asyncio.Protocol):
    """One connection: silent until its environment is whole, a session from then on."""

    def __init__(self, server: AgiServer) -> None:
        self._server = server
        self._connection = AgiConnection()
        self._session: AgiSession | None = None
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._peer = "?"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but ancestry
        self._peer = str((self._transport.get_extra_info("peername") or "?")[0])
        if not self._server.admit(self, self._peer):
            self._transport.abort()
            return
        sock: socket.socket = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._timer = asyncio.get_running_loop().call_later(
            self._server.environment_seconds, self.drop, "no environment in time"
        )

    def drop(self, reason: str) -> None:
        """Close a socket that has not brought its environment."""
        log.warning("agi.socket_dropped", peer=self._peer, reason=reason)
        self._settle()
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._take(self._connection.receive_data(data))

    def eof_received(self) -> None:
        self._take(self._connection.receive_data(b""))

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle()
        self._take(self._connection.receive_data(b""))

    def _take(self, events: list[Event]) -> None:
        if self._session is not None:
            self._session.feed(events)
            return
        match events:
            case [AgiEnvironment() as environment, *rest]:
                self._settle()
                self._session = AgiSession(self._connection, environment, self._transport)
                self._session.feed(rest)
                if self._connection.state is not State.BROKEN:
                    self._server.begin(self._session)
            case [Broken(reason)]:
                self.drop(reason)

    def _settle(self) -> None:
        self._server.forget(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
