"""Who is at the other end, and how this server is called from outside.

Headers such as X-Forwarded-For are written by anybody. They count only when the connection comes
from a proxy that the installation names, and then only the part that proxy itself has added.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Outside:
    """The public address of this server, and the proxies in front of it."""

    def __init__(self, url: str, proxies: Sequence[str] = ()) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self.origin = f"{parts.scheme}://{parts.netloc}".lower()
        self.secure = parts.scheme == "https"
        self._host = parts.netloc.lower()
        self._proxies = [ipaddress.ip_network(each, strict=False) for each in proxies]

    def client(self, peer: str | None, forwarded: Sequence[str]) -> str:
        """The address of whoever asks: `peer`, or what our own proxies say of it."""
        hops = [part.strip() for line in forwarded for part in line.split(",")]
        address = peer or "unknown"
        while hops and self._is_proxy(address):
            nearest = _address(hops.pop())
            if nearest is None:
                break
            address = nearest
        return address

    def is_ours(self, host: str) -> bool:
        """Whether a Host header names this server; else a foreign name was pointed at it."""
        name = host.lower()
        return name == self._host or name.rpartition(":")[0] in LOCAL_NAMES or name in LOCAL_NAMES

    def is_own_origin(self, origin: str, host: str) -> bool:
        """Whether a page of this server asks; `host` is the Host header, checked before."""
        lowered = origin.lower()
        return lowered == self.origin or (
            lowered == f"http://{host.lower()}" and _name(host) in LOCAL_NAMES
        )

    def _is_proxy(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)


def _name(host: str) -> str:
    name, _, port = host.lower().rpartition(":")
    return name if port.isdigit() else host.lower()


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return None
