"""Calendars on the operator's screens: which one a word means, whether it is open, who says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from ivr.flow.calendar import Calendar
from ivr.operator.picture import Picture
from ivr.operator.wording import Refused, count, table, unknown
from ivr.switches import Turn, holding

HOLIDAYS_AHEAD = 5


# --- finding one ---------------------------------------------------------------------------------


def find(picture: Picture, word: str) -> Calendar | None:
    """The calendar a word means, None when it means a queue; raises Refused.

    `desk` is the organisation's calendar or, without one, the only flow's own of that name; that
    of a certain flow is `clinic.desk`. A name that a queue has as well is written `calendar:desk`
    or `queue:desk`.
    """
    what, _, name = word.partition(":")
    if what not in {"queue", "calendar"}:
        what, name = "", word
    queues = {row.queue for row in picture.queues}
    found = _matching(picture.calendars, name)
    is_queue = name in queues
    if what == "queue" or (not what and is_queue and not found):
        return None
    if not found:
        known = queues if not what else ()
        raise unknown(_kind(picture, what), name, {*known, *picture.calendars})
    if is_queue and not what:
        raise Refused(
            f'"{name}" is a queue and a calendar: write queue:{name} or calendar:{found[0]}'
        )
    return _only(picture, found, name)


def calendar(picture: Picture, word: str) -> Calendar:
    """The calendar a word means, whatever queues are called; raises Refused."""
    name = word.removeprefix("calendar:")
    found = _matching(picture.calendars, name)
    if not found:
        raise unknown("calendar", name, picture.calendars)
    return _only(picture, found, name)


def _matching(calendars: Mapping[str, Calendar], name: str) -> list[str]:
    if name in calendars:
        return [name]
    return sorted(each for each in calendars if each.partition(".")[2] == name)


def _only(picture: Picture, found: list[str], name: str) -> Calendar:
    if len(found) > 1:
        raise Refused(f'"{name}" is a calendar of several flows: {", ".join(found)}')
    return picture.calendars[found[0]]


def _kind(picture: Picture, what: str) -> str:
    if what:
        return "calendar"
    return "queue or calendar" if picture.calendars else "queue"


# --- screens -------------------------------------------------------------------------------------


def show_calendars(picture: Picture, name: str = "") -> str:
    """Every calendar as a table, or one in full."""
    if name:
        return _calendar(picture, calendar(picture, name))
    if not picture.calendars:
        return "No calendars: no flow in force has one."
    heads = ("Calendar", "State", "Next change", "Switch", "Zone")
    found = [each for _, each in sorted(picture.calendars.items())]
    lines = table(heads, (_cells(picture, each) for each in found))
    switched = sum(_turn(picture, each) is not None for each in found)
    summary = f"{count(len(found), 'calendar')}, {switched} switched by hand"
    return "\n".join([*lines, "", summary, *_forgotten(picture)])


def _cells(picture: Picture, each: Calendar) -> tuple[str, ...]:
    turn = _turn(picture, each)
    return (
        each.name,
        _state(picture, each),
        _change(picture, each),
        _turned(turn, picture, each) if turn is not None else "",
        each.zone.key,
    )


def _forgotten(picture: Picture) -> list[str]:
    """Switches whose calendar is in no flow: they hold again when it comes back."""
    names = [
        name
        for name, turns in sorted(picture.turns.items())
        if name not in picture.calendars and holding(turns, picture.moment) is not None
    ]
    return [f"Switched, but in no flow in force: {', '.join(names)}"] if names else []


def _calendar(picture: Picture, each: Calendar) -> str:
    how = "switched by hand" if switched(picture, each) else "by its hours"
    today = picture.moment.astimezone(each.zone).date()
    local = picture.moment.astimezone(each.zone)
    lines = [
        f"{each.name} ({each.zone.key}, {local:%a %d %b %H:%M} there)",
        f"   State:       {_state(picture, each)}, {how}",
        f"   Next change: {_change(picture, each) or 'none ahead'}",
        f"   Today:       {_day(each, today)}",
    ]
    coming = [(day, name) for day, name in sorted(each.holidays.items()) if day > today]
    lines += [f"   Holiday:     {day:%a %d %b %Y} {name}" for day, name in coming[:HOLIDAYS_AHEAD]]
    if each.settled is not None:
        lines.append(f"   Holidays are certain up to {each.settled:%d %b %Y}")
    for past in reversed(picture.turns.get(each.name, ())):
        lines.append(f"   {said(past.at, picture.moment, each)}: {_turned(past, picture, each)}")
    return "\n".join(lines)


def _day(each: Calendar, day: date) -> str:
    """`08:00-12:00 (special hours)`, `closed (National Day)`."""
    spans = ", ".join(f"{_time(span.start)}-{_time(span.end)}" for span in each.spans(day))
    reason = each.reason(day)
    return (spans or "closed") + (f" ({reason})" if reason else "")


def _time(minutes: int) -> str:
    hours, minutes = divmod(minutes, 60)
    return f"{hours if hours <= 24 else hours - 24:02}:{minutes:02}"


def _state(picture: Picture, each: Calendar) -> str:
    turn = _turn(picture, each)
    is_open = each.is_open(picture.moment, turn.switch if turn is not None else None)
    return "open" if is_open else "closed"


def _turn(picture: Picture, each: Calendar) -> Turn | None:
    return holding(picture.turns.get(each.name, ()), picture.moment)


def _change(picture: Picture, each: Calendar) -> str:
    turn = _turn(picture, each)
    change = each.next_change(picture.moment, turn.switch if turn is not None else None)
    if change is None:
        return ""
    verb = "closes" if _state(picture, each) == "open" else "opens"
    return f"{verb} {said(change, picture.moment, each)}"


def _turned(turn: Turn, picture: Picture, each: Calendar) -> str:
    """`closed by console until today 15:00 (fire drill)`."""
    switch = turn.switch
    if switch is None:
        return f"back to its hours, by {turn.by}"
    text = f"{'open' if switch.open else 'closed'} by {turn.by}"
    if switch.until is not None:
        text += f" until {said(switch.until, picture.moment, each)}"
    return f"{text} ({switch.because})" if switch.because else text


def said(at: datetime, now: datetime, calendar: Calendar) -> str:
    """`today 15:00`, `tomorrow 08:00`, `Mon 23 Nov 08:00`, in the calendar's zone."""
    local, here = at.astimezone(calendar.zone), now.astimezone(calendar.zone)
    days = (local.date() - here.date()).days
    day = {0: "today", 1: "tomorrow", -1: "yesterday"}.get(days)
    if day is None:
        day = f"{local:%a %d %b}" if local.year == here.year else f"{local:%a %d %b %Y}"
    return f"{day} {local:%H:%M}"


def switched(picture: Picture, calendar: Calendar) -> bool:
    """Whether a switch holds for it now."""
    return _turn(picture, calendar) is not None


def sentence(picture: Picture, calendar: Calendar) -> str:
    """`calendar desk: closed by console until today 15:00 (fire drill); then by its hours.`"""
    turn = _turn(picture, calendar)
    if turn is None:
        state = _state(picture, calendar)
        change = calendar.next_change(picture.moment)
        until = f" until {said(change, picture.moment, calendar)}" if change is not None else ""
        return f"calendar {calendar.name}: {state} by its hours{until}."
    end = "then by its hours"
    if turn.switch is None or turn.switch.until is None:
        end = f"to end it: acd do normal/{calendar.name}"
    return f"calendar {calendar.name}: {_turned(turn, picture, calendar)}; {end}."
