"""Mandarin: 两 and 二, 零 within numbers, 幺 within digits, 万 and 亿, 元角分."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

from ivr.flow.wording.values import HALF_A_YEAR, Phone, decimals, split_money

_FIGURES = "零一二三四五六七八九"
_KEYED = str.maketrans("0123456789", "零幺二三四五六七八九")
_DAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")
_PARTS = ((6, "凌晨"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
_RELATIVE = {-1: "昨天", 0: "今天", 1: "明天"}

# The unit, and what its hundredth is called; those with 角 and 分 count in tenths as well.
_MONEY = {
    **{"AUD": ("澳元", "分"), "CAD": ("加元", "分"), "CHF": ("瑞士法郎", "生丁")},
    **{"CNY": ("元", "分"), "CZK": ("捷克克朗", "赫勒"), "DKK": ("丹麦克朗", "欧尔")},
    **{"EUR": ("欧元", "欧分"), "GBP": ("英镑", "便士"), "HKD": ("港元", "分")},
    **{"IDR": ("印尼盾", "仙"), "INR": ("卢比", "派士"), "JPY": ("日元", "")},
    **{"KRW": ("韩元", ""), "KWD": ("科威特第纳尔", "费尔"), "MYR": ("林吉特", "仙")},
    **{"NOK": ("挪威克朗", "欧尔"), "NZD": ("新西兰元", "分"), "PLN": ("兹罗提", "格罗希")},
    **{"SEK": ("瑞典克朗", "欧尔"), "SGD": ("新加坡元", "分"), "THB": ("泰铢", "萨当")},
    **{"TWD": ("新台币元", "分"), "USD": ("美元", "美分"), "VND": ("越南盾", "")},
}
_TENTHS = frozenset({"CNY", "HKD", "TWD"})


def digits(text: str, *, written: bool) -> str:
    """ "四零零幺": 幺 for 1, as on the telephone."""
    if written:
        return text
    return "".join(each for each in text if each.isalnum()).translate(_KEYED)


def number(value: Decimal, counted: str, *, written: bool) -> str:
    """ "一千零一", and with what is counted: "两位"."""
    if written:
        return f"{value:f}{counted}"
    if counted and value == 2 and not decimals(value):
        return f"两{counted}"
    return _spoken(value) + counted


def ordinal(value: int, *, written: bool) -> str:
    """ "第二十一", "第21"."""
    return f"第{value if written else _cardinal(value)}"


def amount(value: Decimal, currency: str, places: int, *, written: bool) -> str:
    """ "十二元五角", "12.50元"."""
    names = _MONEY.get(currency)
    parts = split_money(abs(value), places) if currency else None
    if written:
        shown = f"{value:f}" if parts is None else f"{value:.{places}f}"
        return f"{shown}{names[0]}" if names else f"{shown} {currency}".strip()
    if names is None:
        return _spoken(value) + " ".join(currency)
    minus = "负" if value < 0 else ""
    if parts is None:
        return _spoken(value) + names[0]
    units, cents = parts
    said = f"{_counted(units)}{names[0]}" if units else ""
    if not cents:
        return minus + (said or f"零{names[0]}")
    if currency not in _TENTHS:
        return f"{minus}{said}{_counted(cents)}{names[1]}"
    tenths, rest = divmod(cents, 10)
    said += f"{_counted(tenths)}角" if tenths else "零" if units else ""
    return minus + said + (f"{_counted(rest)}分" if rest else "")


def day(value: date, today: date, *, written: bool) -> str:
    """ "三月二号星期一", and with its year where it is far away."""
    near = abs((value - today).days) < HALF_A_YEAR
    weekday = _DAYS[value.weekday()] if near else ""
    if written:
        return f"{value.year}年{value.month}月{value.day}日{weekday}"
    plain = f"{_cardinal(value.month)}月{_cardinal(value.day)}号"
    return f"{plain}{weekday}" if near else f"{_year(value.year)}年{plain}"


def clock(value: time, *, written: bool) -> str:
    """ "下午五点半", "上午八点零五分", "下午两点一刻"."""
    part = next(word for end, word in _PARTS if value.hour < end)
    hour = value.hour if value.hour <= 12 else value.hour - 12
    return f"{part}{hour if written else _counted(hour)}点{_minutes(value.minute, written)}"


def moment(value: datetime, now: datetime, *, written: bool) -> str:
    """ "明天上午八点", "星期一中午十二点"."""
    at, days = clock(value.time(), written=written), (value.date() - now.date()).days
    if days in _RELATIVE:
        return f"{_RELATIVE[days]}{at}"
    weekday = _DAYS[value.weekday()]
    if 0 < days < 7:
        return f"{weekday}{at}"
    if written:
        plain, year = f"{value.month}月{value.day}日", f"{value.year}年"
    else:
        plain = f"{_cardinal(value.month)}月{_cardinal(value.day)}号"
        year = f"{_year(value.year)}年"
    return f"{plain}{weekday}{at}" if abs(days) < HALF_A_YEAR else f"{year}{plain}{at}"


def phone(value: Phone, *, written: bool) -> str:
    """ "幺三八，零零幺三，八零零零", "138 0013 8000"."""
    if written:
        return " ".join((*((f"+{value.country}",) if value.country else ()), *value.groups))
    groups = [group.translate(_KEYED) for group in value.groups]
    country = value.country.translate(_KEYED)
    return "，".join([f"加{country}", *groups] if country else groups)


def yesno(value: bool, *, written: bool) -> str:
    """ "是", "否"."""
    return "是" if value else "否"


def key(name: str) -> str:
    """The two keys that are no figures by their names."""
    return {"*": "星号键", "#": "井号键"}.get(name, name)


# --- numbers in words ------------------------------------------------------------------------


def _spoken(value: Decimal) -> str:
    minus, point = "负" if value < 0 else "", decimals(value)
    tail = "点" + "".join(_FIGURES[int(each)] for each in point) if point else ""
    return f"{minus}{_cardinal(abs(int(value)))}{tail}"


def _counted(value: int) -> str:
    """Before a measure word a single 2 is 两."""
    return "两" if value == 2 else _cardinal(value)


def _cardinal(value: int) -> str:
    """In words: 十 at the start is not 一十, and a leading 2 before 百, 千, 万, 亿 is 两."""
    said = _sections(value)
    if said.startswith("一十"):
        return said[1:]
    return f"两{said[1:]}" if len(said) > 1 and said[0] == "二" and said[1] != "十" else said


def _sections(value: int) -> str:
    for unit, name in ((10**8, "亿"), (10**4, "万")):
        if value >= unit:
            high, low = divmod(value, unit)
            said = f"{_sections(high)}{name}"
            if not low:
                return said
            return f"{said}{'零' if low < unit // 10 else ''}{_sections(low)}"
    return _below_10000(value)


def _below_10000(value: int) -> str:
    said, gap = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        figure = value // unit % 10
        if not figure:
            gap = bool(said)
            continue
        said += ("零" if gap else "") + _FIGURES[figure] + name
        gap = False
    return said or _FIGURES[0]


def _minutes(value: int, written: bool) -> str:
    if written:
        return "半" if value == 30 else f"{value:02d}分" if value else ""
    words = {0: "", 15: "一刻", 30: "半", 45: "三刻"}
    if value in words:
        return words[value]
    return f"{'零' if value < 10 else ''}{_cardinal(value)}分"


def _year(year: int) -> str:
    return "".join(_FIGURES[int(each)] for each in str(year))
