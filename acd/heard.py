"""What callers hear and press while they wait, as the distributor is told of it."""

from __future__ import annotations

from dataclasses import dataclass

from acd.estimate import Told


@dataclass(frozen=True, slots=True)
class WaitAnnounced:
    """The caller has been told place and wait, as `Announcement.told` has them.

    Without `told`, as they are at this moment.
    """

    at: float
    call: str
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class CallKeyed:
    """A waiting caller leaves by a key: the call exits with `keyed`, and is no abandon.

    Impossible while an agent is reserved for the call: then the agent comes first.
    """

    at: float
    call: str
    key: str
