"""`tieline demo --backends`: the services behind the example flows, until somebody stops them."""

from __future__ import annotations

import asyncio
import errno
from typing import Final

from rich.console import Console
from rich.text import Text

from ivr.demo.backends import MODES, Backends
from ivr.errors import IvrError

PORT: Final = 8089
"""Where flows/services.yaml looks for them."""

_FLOWS: Final = (
    (
        "4004",
        "utility",
        "account 300100 with PIN 2580, or 300200 with 1357; the code comes up here",
    ),
    (
        "4005",
        "shop",
        "orders 1001 (on its way), 1002 (packing), 1003 (delivered), 1004 (cancelled)",
    ),
    ("4006", "dentist", "free times on working days, practice hours"),
    ("4010", "restaurant", "tables from Tuesday to Sunday; the book is open from 10 to 9"),
)


async def serve(console: Console, desk: str, port: int = PORT) -> None:
    """Serve and tell until cancelled. Raises IvrError when the port is taken.

    `desk` is the address of the web side, where the chat on the shop's page comes from.
    """
    backends = Backends(tell=lambda line: console.print(Text(line, style="magenta")), desk=desk)
    try:
        async with backends.serving(port) as url:
            for line in banner(url):
                console.print(line)
            await asyncio.Event().wait()
    except OSError as why:
        if why.errno != errno.EADDRINUSE:
            raise
        raise IvrError(f"port {port} is in use: does `tieline demo --backends` run here?") from why


def banner(url: str) -> list[Text]:
    """What can be done with them, in lines."""
    lines = [
        Text(f"The house behind the example flows answers at {url}. Ctrl-C ends it.", "bold"),
        Text(
            "Ring these while `tieline run` runs, or talk to them with `tieline try FLOW --real`:"
        ),
    ]
    for number, flow, about in _FLOWS:
        lines.append(Text.assemble((f"  {number}  ", "bold green"), f"{flow:<11} {about}"))
    lines.append(Text(f"The shop's page, with the chat: {url}/"))
    others = ", ".join(MODES[2:])
    lines.append(Text(f"Make the next two requests slow (or {others}):"))
    pretend = '{"mode": "slow", "times": 2}'
    lines.append(Text(f"  curl -d '{pretend}' {url}/pretend", "dim"))
    return lines
