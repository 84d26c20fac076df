"""The kinds of values that settings take; each refuses what it is not, in words for a person."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

_HOST_PORT: Final = re.compile(r"\[?(?P<host>[^\[\]]+?)\]?(:(?P<port>[0-9]{1,5}))?")
_USUAL_PORT: Final = 5060


def absolute(path: Path) -> Path:
    """The path from the root on, links left as they are."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would follow links


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None


def _number(text: object) -> object:
    # YAML reads an unquoted 0612345678 as an integer in base eight: the leading zero is lost.
    if isinstance(text, int):
        raise ValueError("write the number in quotes, or YAML changes its digits")
    return text


def _dialable(text: str) -> str:
    if not re.fullmatch(r"\+?[0-9*#]{1,32}", text):
        raise ValueError(f"{text!r} is not a number that can be dialled")
    return text


def _peer(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is neither an IP address nor a network") from None
    return text


def _speaker(text: str) -> str:
    if text not in {"espeak", "piper"} and not text.endswith(".onnx"):
        raise ValueError(f"{text!r} is neither espeak, nor piper, nor an .onnx file")
    return text


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


TrunkName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Peer = Annotated[str, AfterValidator(_peer)]
Peers = Annotated[
    tuple[Peer, ...],
    BeforeValidator(lambda given: given.split() if isinstance(given, str) else given),
]
Folder = Annotated[Path, AfterValidator(absolute)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z0-9]{1,8})*$")]
Voice = Annotated[str, AfterValidator(_speaker)]
Port = Annotated[int, Field(ge=1, le=65535)]
Address = Annotated[str, AfterValidator(_address)]
Dialable = Annotated[str, BeforeValidator(_number), AfterValidator(_dialable)]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    BeforeValidator(lambda text: text.lower() if isinstance(text, str) else text),
]
NodeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,11}$")]
Domain = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
RedisUrl = Annotated[str, AfterValidator(_redis)]
NodeAddress = Annotated[str, AfterValidator(_node_address)]
"""`address:port`, an IPv6 address in brackets."""
