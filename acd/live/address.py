"""Where the server is: at a fixed place, or wherever Redis Sentinel says.

    redis://[user:password@]host:port/0
    rediss://...                                                 the same with TLS
    sentinel://[user:password@]host:port,host:port/service[/0]   the master of that service
    sentinels://...                                              the same with TLS, sentinels too

User and password are the server's; sentinels are asked without. They are asked for every new
connection, one after the other, and the server they name must say itself that it is the master: in
the middle of a failover an old one may still be named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError

SCHEMES: Mapping[str, str] = {"sentinel": "redis", "sentinels": "rediss"}


class Address(Protocol):
    """Where to connect to."""

    async def connection(self) -> AbstractConnection:
        """A connection to the server; raises RedisError or OSError when there is none now."""
        ...


def address_of(url: str, timeout: float) -> Address:
    """The address in a URL; raises ValueError saying what is right."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        return _Fixed(url, timeout)
    userinfo, _, hosts = parts.netloc.rpartition("@")
    service, _, number = parts.path.strip("/").partition("/")
    if not service or not all(hosts.split(",")):
        raise ValueError("sentinels are given as sentinel://host:26379,host:26379/service")
    scheme, login = SCHEMES[parts.scheme], f"{userinfo}@" if userinfo else ""
    sentinels = [f"{scheme}://{host}" for host in hosts.split(",")]
    return _Sentinels(sentinels, service, f"{scheme}://{login}%s/{number or 0}", timeout)


class _Fixed:
    def __init__(self, url: str, timeout: float) -> None:
        self._pool = _pool(url, timeout)

    async def connection(self) -> AbstractConnection:
        """See `Address`; it connects when it is first used."""
        return _made(self._pool)


class _Sentinels:
    """`server` is the server's URL with a place for host and port."""

    def __init__(self, sentinels: list[str], service: str, server: str, timeout: float) -> None:
        self._sentinels = [_pool(url, timeout) for url in sentinels]
        self._service, self._server, self._timeout = service, server, timeout

    async def connection(self) -> AbstractConnection:
        """See `Address`; the sentinel that knew is asked first the next time."""
        limit, why = self._timeout / (len(self._sentinels) + 1), "nobody was asked"
        for pool in tuple(self._sentinels):
            try:
                async with asyncio.timeout(limit):
                    named = await _asked(
                        _made(pool), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service
                    )
            except (RedisError, OSError, TimeoutError) as silent:
                why = str(silent) or "no answer in time"
                continue
            if not named:
                why = f"no sentinel knows {self._service!r}"
                continue
            self._sentinels.sort(key=lambda each: each is not pool)
            return await self._master(*named)
        raise ConnectionLost(f"no sentinel says where the master is: {why}")

    async def _master(self, host: str, port: str) -> AbstractConnection:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        connection = _made(_pool(self._server % place, self._timeout))
        try:
            await connection.send_command("ROLE")
            role = await connection.read_response()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        if role[0] != "master":
            await connection.disconnect(nowait=True)
            raise ConnectionLost(f"{place} is named as the master and is a {role[0]}")
        return connection


async def _asked(connection: AbstractConnection, *command: str) -> Any:
    try:
        await connection.send_command(*command)
        return await connection.read_response()
    finally:
        await connection.disconnect(nowait=True)


def _pool(url: str, timeout: float) -> ConnectionPool:
    return ConnectionPool.from_url(
        url,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=None,
        socket_connect_timeout=timeout,
    )


def _made(pool: ConnectionPool) -> AbstractConnection:
    made: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    return made
