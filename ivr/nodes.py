"""Several machines with one brain: what each is called, and where the others' Asterisk listens.

A machine that stands alone has no name here, and none of this touches it.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

_HOST_PORT: Final = re.compile(r"\[?(?P<host>[^\[\]]+?)\]?(:(?P<port>[0-9]{1,5}))?")
_USUAL_PORT: Final = 5060


def _node_address(text: str) -> str:
    """`10.0.0.6:5060`; never a host's name: an address is what tells a node from a stranger."""
    match = _HOST_PORT.fullmatch(text)
    try:
        host = ipaddress.ip_address(match["host"] if match else "")
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address and port") from None
    port = int(match["port"] or _USUAL_PORT) if match else 0
    if not 0 < port < 65536:
        raise ValueError(f"{text!r} has no port from 1 to 65535")
    return f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"


def _redis(text: str) -> str:
    # The text is not repeated in any answer: a password may be in it.
    parts = urlsplit(text)
    if parts.scheme not in ("redis", "rediss", "sentinel"):
        raise ValueError("it begins with none of redis://, rediss:// and sentinel://")
    if parts.password is not None:
        raise ValueError("a password is in it: leave it out")
    return text


NodeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,11}$")]
Domain = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
RedisUrl = Annotated[str, AfterValidator(_redis)]
NodeAddress = Annotated[str, AfterValidator(_node_address)]
"""`address:port`, an IPv6 address in brackets."""
