"""Where a request may go: below the administrator's address, and nowhere else."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote

import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from ivr.backends.answers import Lying

log = structlog.get_logger(__name__)

LONGEST_PATH = 2000
MOST_ENCODINGS = 4
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Refused(Exception):
    """The request may not be made; its text says why, without what the caller gave."""


def address(base: str, path: str, query: Mapping[str, str]) -> URL:
    """The address of `path` (URL-encoded, "" or with a leading "/") below `base`.

    Raises Refused for a path that could lead out of `base`, however often it is encoded: servers
    behind one another decode more than once.
    """
    if not base:
        raise Refused("services.yaml names a value for it that is not here")
    if len(path) > LONGEST_PATH or not _PATH.fullmatch(path) or _BAD_PERCENT.search(path):
        raise Refused("the path is not URL-encoded")
    _stay_below(path)
    url = URL(base.rstrip("/") + path, encoded=True)
    return url.with_query(dict(query)) if query else url


def _stay_below(path: str) -> None:
    for _ in range(MOST_ENCODINGS):
        decoded = unquote(path)
        parts = re.split(r"[/\\]", decoded)
        if any(part.partition(";")[0] in {".", ".."} for part in parts):
            raise Refused("the path leads elsewhere")
        if _CONTROL.search(decoded):
            raise Refused("the path holds a control character")
        if decoded == path:
            return
        path = decoded
    raise Refused("the path is encoded too often")


def redirected(url: URL, location: str) -> URL:
    """Where a redirect leads. Raises Lying unless that is the same scheme, host and port."""
    try:
        target = url.join(URL(location))
        same = _origin(target) == _origin(url)
    except ValueError:
        raise Lying("a redirect to no address") from None
    if not same or target.user is not None:
        raise Lying("a redirect to elsewhere")
    return target


def _origin(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port


def is_public(address: str) -> bool:
    """Whether an address belongs to the Internet at large."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if any(found in each for each in _TRANSLATED):
            return False
        found = _inside(found) or found
    return found.is_global and not found.is_multicast


_TRANSLATED = tuple(
    IPv6Network(each) for each in ("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "fec0::/10")
)
"""Ways into IPv4 that the Internet does not know (RFC 4291, 2.5.5.1; 2765; 8215), and RFC 3879."""
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052


def _inside(found: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if found in _NAT64:
        return IPv4Address(int(found) & 0xFFFFFFFF)
    return found.ipv4_mapped or found.sixtofour


class PublicResolver(AbstractResolver):
    """Names lead to public addresses only, whatever their DNS says at the moment of the request."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of a host; raises OSError when there are none."""
        found = await self._resolver.resolve(host, port, family)
        public = [each for each in found if is_public(each["host"])]
        if found and not public:
            log.warning("a service's name leads into a private network", host=host)
            raise OSError(None, f"{host} leads into a private network")
        return public

    async def close(self) -> None:
        """Nothing is held."""
        await self._resolver.close()
