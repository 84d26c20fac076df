"""Moments as people say them, by language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

_EN_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EN_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
_ZH_DAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")


def moment(language: str, at: datetime, now: datetime) -> str:
    """ "tomorrow at 8 AM", "明天上午8点": a moment to come, in the zone of `at`."""
    days = (at.date() - now.astimezone(at.tzinfo).date()).days
    speak = _SPEAKERS.get(language.partition("-")[0])
    return speak(at, days) if speak is not None else at.strftime("%Y-%m-%d %H:%M")


def _english(at: datetime, days: int) -> str:
    hour = at.hour % 12 or 12
    minutes = f":{at.minute:02d}" if at.minute else ""
    time = f"{hour}{minutes} {'AM' if at.hour < 12 else 'PM'}"
    if (at.hour, at.minute) in {(0, 0), (12, 0)}:
        time = "midnight" if at.hour == 0 else "noon"
    if days in {0, 1}:
        return f"{('today', 'tomorrow')[days]} at {time}"
    weekday = _EN_DAYS[at.weekday()]
    if days < 7:
        return f"on {weekday} at {time}"
    return f"on {weekday}, {at.day} {_EN_MONTHS[at.month - 1]}, at {time}"


def _mandarin(at: datetime, days: int) -> str:
    part = next(word for end, word in _ZH_PARTS if at.hour < end)
    hour = at.hour if at.hour <= 12 else at.hour - 12
    half = at.minute == 30
    time = f"{part}{hour}点" + ("半" if half else f"{at.minute}分" if at.minute else "")
    if days in {0, 1}:
        return f"{('今天', '明天')[days]}{time}"
    weekday = _ZH_DAYS[at.weekday()]
    if days < 7:
        return f"{weekday}{time}"
    return f"{at.month}月{at.day}日{weekday}{time}"


_ZH_PARTS = ((6, "凌晨"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
_SPEAKERS: dict[str, Callable[[datetime, int], str]] = {"en": _english, "zh": _mandarin}
