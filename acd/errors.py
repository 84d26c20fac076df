"""What can go wrong in the distributor, one sentence each."""

from __future__ import annotations


class AcdError(Exception):
    """Root of every error this package raises on purpose."""


class IllegalEvent(AcdError):
    """The event is impossible in the present state; nothing was changed."""


class UnknownAgent(AcdError):
    """No agent of that number is on the floor."""


class UnknownQueue(AcdError):
    """No queue of that name is on the floor."""


class JournalDamaged(AcdError):
    """The journal holds something that cannot be read back."""
