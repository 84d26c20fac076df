"""English: numbers in words with "and" and hyphens, British dates, AM and PM (which engines
spell out; the dots of a.m. would double a full stop)"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

from ivr.flow.wording.values import HALF_A_YEAR, Phone, decimals, split_money

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = (
    *("", "", "twenty", "thirty", "forty", "fifty"),
    *("sixty", "seventy", "eighty", "ninety"),
)
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_ORDINALS = {
    **{"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"},
    **{"nine": "ninth", "twelve": "twelfth"},
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)

# One unit, several units, one of its parts, several of its parts.
_MONEY = {
    "AUD": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "CAD": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
    "CNY": ("yuan", "yuan", "fen", "fen"),
    "CZK": ("Czech crown", "Czech crowns", "heller", "hellers"),
    "DKK": ("Danish crown", "Danish crowns", "øre", "øre"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "IDR": ("rupiah", "rupiah", "sen", "sen"),
    "INR": ("rupee", "rupees", "paisa", "paise"),
    "JPY": ("yen", "yen", "", ""),
    "KRW": ("won", "won", "", ""),
    "KWD": ("Kuwaiti dinar", "Kuwaiti dinars", "fils", "fils"),
    "MYR": ("ringgit", "ringgit", "sen", "sen"),
    "NOK": ("Norwegian crown", "Norwegian crowns", "øre", "øre"),
    "NZD": ("New Zealand dollar", "New Zealand dollars", "cent", "cents"),
    "PLN": ("zloty", "zloty", "grosz", "groszy"),
    "SEK": ("Swedish crown", "Swedish crowns", "öre", "öre"),
    "SGD": ("Singapore dollar", "Singapore dollars", "cent", "cents"),
    "THB": ("baht", "baht", "satang", "satang"),
    "TWD": ("Taiwan dollar", "Taiwan dollars", "cent", "cents"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "VND": ("dong", "dong", "", ""),
}
_SIGNS = {
    **{"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "CNY": "CN¥", "INR": "₹", "KRW": "₩"},
    **{"AUD": "A$", "CAD": "CA$", "HKD": "HK$", "NZD": "NZ$", "SGD": "S$", "TWD": "NT$"},
}


def digits(text: str, *, written: bool) -> str:
    """ "4 0 0 1": figures apart, which every engine reads one by one."""
    return text if written else " ".join(each for each in text if each.isalnum())


def number(value: Decimal, counted: str, *, written: bool) -> str:
    """ "one thousand and one", "1,001", with what is counted behind it."""
    said = f"{value:,f}" if written else _spoken(value)
    return f"{said} {counted}" if counted else said


def ordinal(value: int, *, written: bool) -> str:
    """ "twenty-first", "21st"."""
    if written:
        teens = 11 <= value % 100 <= 13
        return f"{value:,}{'th' if teens else _SUFFIXES.get(value % 10, 'th')}"
    return _ordinal(value)


_SUFFIXES = {1: "st", 2: "nd", 3: "rd"}


def amount(value: Decimal, currency: str, places: int, *, written: bool) -> str:
    """ "twelve euros and fifty cents", "€12.50"."""
    parts = split_money(abs(value), places) if currency else None
    if written:
        shown = f"{abs(value):,f}" if parts is None else f"{parts[0]:,}{_cents(parts[1], places)}"
        sign, minus = _SIGNS.get(currency, ""), "-" if value < 0 else ""
        return f"{minus}{sign}{shown}" if sign else f"{minus}{shown} {currency}".strip()
    names = _MONEY.get(currency)
    if names is None:
        return f"{_spoken(value)} {' '.join(currency)}".strip()
    minus = "minus " if value < 0 else ""
    if parts is None:
        return f"{_spoken(value)} {names[1]}"
    units, cents = parts
    said = [f"{_cardinal(units)} {names[0] if units == 1 else names[1]}"] if units else []
    if cents:
        said.append(f"{_cardinal(cents)} {names[2] if cents == 1 else names[3]}")
    return minus + (" and ".join(said) or f"zero {names[1]}")


def day(value: date, today: date, *, written: bool) -> str:
    """ "Monday, the second of March", and with its year where it is far away."""
    near = abs((value - today).days) < HALF_A_YEAR
    weekday, month = _DAYS[value.weekday()], _MONTHS[value.month - 1]
    if written:
        plain = f"{value.day} {month} {value.year}"
        return f"{weekday} {plain}" if near else plain
    plain = f"the {_ordinal(value.day)} of {month}"
    return f"{weekday}, {plain}" if near else f"{plain}, {_year(value.year)}"


def clock(value: time, *, written: bool) -> str:
    """ "five thirty PM", "eight oh five AM", "noon"."""
    if value.minute == 0 and value.hour in {0, 12}:
        return "midnight" if value.hour == 0 else "noon"
    hour, half = value.hour % 12 or 12, "AM" if value.hour < 12 else "PM"
    if written:
        return f"{hour}{f':{value.minute:02d}' if value.minute else ''} {half}"
    return f"{_SMALL[hour]}{f' {_minutes(value.minute)}' if value.minute else ''} {half}"


def moment(value: datetime, now: datetime, *, written: bool) -> str:
    """ "tomorrow at eight AM", "on Monday at noon"."""
    today, at = now.date(), clock(value.time(), written=written)
    days = (value.date() - today).days
    if days in _RELATIVE:
        return f"{_RELATIVE[days]} at {at}"
    weekday, month = _DAYS[value.weekday()], _MONTHS[value.month - 1]
    if 0 < days < 7:
        return f"on {weekday} at {at}"
    which = f"{value.day} {month}" if written else f"the {_ordinal(value.day)} of {month}"
    if abs(days) < HALF_A_YEAR:
        return f"on {weekday}, {which}, at {at}"
    year = str(value.year) if written else f", {_year(value.year)}"
    return f"on {which} {year}, at {at}".replace(" ,", ",")


_RELATIVE = {-1: "yesterday", 0: "today", 1: "tomorrow"}


def phone(value: Phone, *, written: bool) -> str:
    """ "1 3 8, 0 0 1 3, 8 0 0 0", "138 0013 8000"."""
    if written:
        return " ".join((*((f"+{value.country}",) if value.country else ()), *value.groups))
    groups = [" ".join(group) for group in value.groups]
    return ", ".join([f"plus {' '.join(value.country)}", *groups] if value.country else groups)


def yesno(value: bool, *, written: bool) -> str:
    """ "yes", "no"."""
    return "yes" if value else "no"


def key(name: str) -> str:
    """ "star" and "hash" for the two keys that are no figures."""
    return {"*": "star", "#": "hash"}.get(name, name)


# --- numbers in words ------------------------------------------------------------------------


def _spoken(value: Decimal) -> str:
    minus = "minus " if value < 0 else ""
    point = decimals(value)
    tail = " point " + " ".join(_SMALL[int(each)] for each in point) if point else ""
    return f"{minus}{_cardinal(abs(int(value)))}{tail}"


def _cardinal(value: int) -> str:
    if value < 20:
        return _SMALL[value]
    if value < 100:
        rest = value % 10
        return _TENS[value // 10] + (f"-{_SMALL[rest]}" if rest else "")
    if value < 1000:
        rest = value % 100
        return f"{_SMALL[value // 100]} hundred" + (f" and {_cardinal(rest)}" if rest else "")
    unit, name = next((unit, name) for unit, name in _SCALES if value >= unit)
    rest = value % unit
    said = f"{_cardinal(value // unit)} {name}"
    if not rest:
        return said
    return f"{said} {'and ' if rest < 100 else ''}{_cardinal(rest)}"


def _ordinal(value: int) -> str:
    said = _cardinal(value)
    cut = max(said.rfind(" "), said.rfind("-")) + 1
    last = said[cut:]
    if last in _ORDINALS:
        return said[:cut] + _ORDINALS[last]
    return said[:cut] + (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")


def _year(year: int) -> str:
    """ "nineteen eighty-two", "nineteen oh five", "two thousand and nine", "twenty twenty-six"."""
    century, rest = divmod(year, 100)
    if year < 1000 or (century % 10 == 0 and rest < 10):
        return _cardinal(year)
    return f"{_cardinal(century)} {_minutes(rest) if rest else 'hundred'}"


def _minutes(value: int) -> str:
    return f"oh {_SMALL[value]}" if value < 10 else _cardinal(value)


def _cents(cents: int, places: int) -> str:
    return f".{cents:0{places}d}" if places else ""
