"""The words that close and open a calendar: `close/desk/15:00/fire drill`, `normal/desk`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ivr.flow.calendar import Calendar, Switch
from ivr.operator.calendars import calendar, find, said, sentence, switched
from ivr.operator.picture import Picture
from ivr.operator.wording import Refused
from ivr.switches import Switchboard, holding

UNTIL_NORMAL = "normal"
"""As UNTIL: until somebody takes it back."""

LONGEST = timedelta(days=366)
LONGEST_REASON = 200

_LENGTH = re.compile(r"(?:([0-9]{1,3})d)?(?:([0-9]{1,3})h)?(?:([0-9]{1,4})m)?")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([01]?[0-9]|2[0-3]):([0-5][0-9])")


class Switching:
    """Turns switches, and says what is so then. `by` is who does it."""

    def __init__(self, picture: Callable[[], Picture], board: Switchboard) -> None:
        self._picture, self._board = picture, board

    def turn(self, by: str, name: str, open_: bool, until: str, because: str) -> str | None:
        """What became of the calendar of that name, None when it is a queue's; raises Refused."""
        picture = self._picture()
        found = find(picture, name)
        if found is None:
            if until:
                raise Refused(f"{queue_name(name)} is a queue: it stays so until you change it.")
            return None
        switch = switch_of(open_, found, picture.moment, until, because)
        self._board.turn(found.name, switch, by)
        return sentence(self._picture(), found)

    def normal(self, by: str, name: str) -> str:
        """The calendar goes by its hours again; raises Refused."""
        picture = self._picture()
        left = picture.turns.get(name, ())
        if name not in picture.calendars and holding(left, picture.moment) is not None:
            self._board.turn(name, None, by)
            return f"calendar {name}: its switch is taken back; no flow in force has it."
        found = calendar(picture, name)
        if switched(picture, found):
            self._board.turn(found.name, None, by)
        return sentence(self._picture(), found)


def queue_name(word: str) -> str:
    """The name of a queue, also of one that was written `queue:desk`."""
    return word.removeprefix("queue:")


def switch_of(open_: bool, calendar: Calendar, now: datetime, until: str, because: str) -> Switch:
    """The switch that an operator's words ask for; raises Refused."""
    if len(because) > LONGEST_REASON:
        raise Refused(f"A reason has {LONGEST_REASON} characters at most.")
    end = None if until in {"", UNTIL_NORMAL} else until_of(until, calendar, now)
    return Switch(open_, end, because)


def until_of(text: str, calendar: Calendar, now: datetime) -> datetime:
    """`2h`, `15:00`, `today`, `2026-12-24T08:00` in the calendar's zone; raises Refused.

    A time of day means the next such moment, `today` the end of this day.
    """
    now = now.astimezone(UTC)  # clocks of one zone are compared as they show, also an hour later
    until = _until(text.strip(), calendar, now)
    if until is None:
        raise Refused(
            f'"{text[:60]}" is no time: write how long (2h, 90m, 3d), a time of day (15:00), '
            f"today, a moment such as {now.year + 1}-01-02T08:00, or {UNTIL_NORMAL}"
        )
    if until <= now:
        raise Refused(f"{said(until, now, calendar)} is over already: nothing was changed.")
    if until - now > LONGEST:
        raise Refused(f"{text} is more than a year away; {UNTIL_NORMAL} is until you end it.")
    return until


def _until(text: str, calendar: Calendar, now: datetime) -> datetime | None:
    today = now.astimezone(calendar.zone).date()
    if text == "today":
        return calendar.wall(today + timedelta(days=1), 0)
    if text and (match := _LENGTH.fullmatch(text)):
        days, hours, minutes = (int(part or 0) for part in match.groups())
        length = timedelta(days=days, hours=hours, minutes=minutes)
        return (now + length).astimezone(calendar.zone)
    if match := _TIME.fullmatch(text):
        minutes = int(match[1]) * 60 + int(match[2])
        both = (today, today + timedelta(days=1))
        moments = (each for day in both for each in calendar.walls(day, minutes))
        return next((each for each in moments if each > now), None)
    if match := _MOMENT.fullmatch(text):
        try:
            day = datetime.fromisoformat(match[1]).date()
        except ValueError:
            return None
        return calendar.wall(day, int(match[2]) * 60 + int(match[3]))
    return None
