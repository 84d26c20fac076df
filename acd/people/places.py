"""Where somebody is, as far as counting goes. Pure.

Whoever has an IPv6 address has a /64 of them, 2^64 to choose from: so the network is what counts,
not the address (RFC 6177). An IPv4 address that is written as an IPv6 one is that IPv4 address.
"""

from __future__ import annotations

import ipaddress
from typing import Final

OWN_NETWORK: Final = 64
"""Bits of an IPv6 address that one subscriber shares with nobody."""


def place_of(address: str) -> str:
    """What is counted for whoever asks from `address`; what is no address stays as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), OWN_NETWORK), strict=False))
