"""How one node of a domain reaches the store: everything it needs of it, made when it is needed."""

from __future__ import annotations

from typing import Protocol

from acd.live.lease import Lease
from acd.live.memory import House, MemoryLease, MemoryPulse, MemorySender, MemoryStore
from acd.live.pulse import Pulse
from acd.live.redis import RedisLease, RedisPulse, RedisReader, RedisSender, RedisStore
from acd.live.store import Post, SharedReader, SharedStore

LEASE = 3.0
"""Seconds after which a leader who died is succeeded."""
TIMEOUT = 1.0


class Sender(Protocol):
    """Sends letters, each once however often it has to be asked."""

    async def post(self, *letters: Post) -> None:
        """Send them together; waits for as long as the store does not answer."""
        ...

    async def close(self) -> None:
        """Stop; what is waiting ends in StoreClosed, and may have been sent."""
        ...


class Access(Protocol):
    """Ways to the store of one domain for one node. Each thing made is closed by who asked."""

    def reader(self) -> SharedReader:
        """To read with."""
        ...

    def lease(self) -> Lease:
        """To lead with."""
        ...

    def sender(self) -> Sender:
        """To tell the leader with."""
        ...

    def pulse(self) -> Pulse:
        """To be alive with."""
        ...

    async def open(self, token: int) -> SharedStore:
        """To write with, as the holder of that token."""
        ...


class RedisAccess:
    """The domain of that name in the Redis at `url` (see `acd.live.link`).

    `lease` and `timeout` are in seconds.
    """

    def __init__(
        self, url: str, domain: str, node: str, *, lease: float = LEASE, timeout: float = TIMEOUT
    ) -> None:
        self._url, self._domain, self._node = url, domain, node
        self._lease, self._timeout = lease, timeout

    def reader(self) -> RedisReader:
        """See `Access`."""
        return RedisReader(self._url, self._domain, timeout=self._timeout)

    def lease(self) -> RedisLease:
        """See `Access`."""
        return RedisLease(self._url, self._domain, self._node, self._lease, timeout=self._timeout)

    def sender(self) -> RedisSender:
        """See `Access`."""
        return RedisSender(self._url, self._domain, timeout=self._timeout)

    def pulse(self) -> RedisPulse:
        """See `Access`."""
        return RedisPulse(self._url, self._domain, self._node, timeout=self._timeout)

    async def open(self, token: int) -> RedisStore:
        """See `Access`."""
        return await RedisStore.open(self._url, self._domain, token, timeout=self._timeout)


class MemoryAccess:
    """A house in this process."""

    def __init__(self, house: House, node: str, *, lease: float = LEASE) -> None:
        self._house, self._node, self._lease = house, node, lease

    def reader(self) -> MemoryStore:
        """See `Access`."""
        return MemoryStore(self._house)

    def lease(self) -> MemoryLease:
        """See `Access`."""
        return MemoryLease(self._house, self._node, self._lease)

    def sender(self) -> MemorySender:
        """See `Access`."""
        return MemorySender(self._house)

    def pulse(self) -> MemoryPulse:
        """See `Access`."""
        return MemoryPulse(self._house, self._node)

    async def open(self, token: int) -> MemoryStore:
        """See `Access`."""
        return MemoryStore(self._house, token)
