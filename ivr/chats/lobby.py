"""Browsers that show a chat in which nothing has been said: they cost a socket, and nothing else.

So many from one place and so many in all are let in; for one more, the one that has been silent for
longest goes: its browser comes back when there is room. A visitor who writes is not among them.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from ivr.chats.visitors import Socket
from ivr.threads.book import Thread
from ivr.threads.threads import Opening

MOST_AT_ONE_PLACE: Final = 200
MOST: Final = 2000


@dataclass(slots=True, eq=False)
class Seat:
    """One browser: whose it is, where (`acd.people.places`), and the conversation it shows.

    `until` is when the site's word for its visitor is over (epoch seconds); None without one.
    """

    browser: Socket
    opening: Opening
    token: str
    place: str
    until: float | None = None
    thread: Thread | None = None

    def lapsed(self, now: float) -> bool:
        """Whether it is somebody else's turn to say who is there."""
        return self.until is not None and self.until <= now


class Lobby:
    """Those who have not begun, by place, the longest silent first."""

    def __init__(self) -> None:
        self._places: dict[str, OrderedDict[Seat, None]] = {}
        self._size = 0

    def enter(self, seat: Seat) -> None:
        """Let it in; another goes where there are too many."""
        self._places.setdefault(seat.place, OrderedDict())[seat] = None
        self._size += 1
        if len(self._places[seat.place]) > MOST_AT_ONE_PLACE:
            self._send_away(seat.place)
        elif self._size > MOST:
            self._send_away(max(self._places, key=lambda place: len(self._places[place])))

    def leave(self, seat: Seat) -> None:
        """It has begun, or is gone; harmless when it was not here."""
        here = self._places.get(seat.place, OrderedDict())
        if seat in here:
            del here[seat]
            self._size -= 1
        if not here:
            self._places.pop(seat.place, None)

    def of(self, opening: Opening) -> list[Seat]:
        """The browsers of that visitor on that site."""
        wanted = (opening.address, opening.line)
        all_ = (seat for seats in self._places.values() for seat in seats)
        return [each for each in all_ if (each.opening.address, each.opening.line) == wanted]

    def __len__(self) -> int:
        return self._size

    def _send_away(self, place: str) -> None:
        seat = next(iter(self._places[place]))
        self.leave(seat)
        seat.browser.overrun.set()
