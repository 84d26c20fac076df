"""What flows may name of the house behind them; flows are checked against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["http", "identity"]
"""`http` answers `http` and `book` steps, `identity` answers `identify` steps."""
KINDS: tuple[Kind, ...] = ("http", "identity")


@dataclass(frozen=True, slots=True)
class Names:
    """What `services.yaml` offers.

    `services` tells the kind of each; `databases` the parameters of each query, which are what a
    `lookup` must give in `by`. `outside` are the patterns a number must match to be dialled over
    a trunk; `region` is the country (`CN`) in which numbers without `+` are read. `sms` tells
    whether a gateway sends text messages at once, `chats` are the sites with a chat of ours.
    """

    services: Mapping[str, Kind] = field(default_factory=dict)
    databases: Mapping[str, frozenset[str]] = field(default_factory=dict)
    outside: tuple[str, ...] = ()
    region: str | None = None
    sms: bool = False
    chats: frozenset[str] = frozenset()

    def of_kind(self, kind: Kind) -> tuple[str, ...]:
        """The services of that kind."""
        return tuple(name for name, each in self.services.items() if each == kind)
