"""What is different between two sets of flows, in words a manager understands.

Values of tables and of secret fields are never told, nor are those of services but for switches
and numbers: what changed may be shown on any screen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Final

from ivr.flow.calendar import DAYS, MINUTES_A_DAY, Calendar, Span
from ivr.flow.comparing import Path, compare, in_words, quoted, shown, source
from ivr.flow.fields import Field
from ivr.flow.loading.loader import Library
from ivr.flow.loading.tables import Table
from ivr.flow.model import AnyStep, Flow, options_of
from ivr.flow.words import Words

_NAMES: Final[Mapping[str, str]] = {
    "say": "words",
    "noinput": "words when nothing is keyed",
    "nomatch": "words for a wrong key",
    "wrong": "words when it does not match",
    "patience": "words while waiting",
    "error": "words when something fails",
    "tell_agent": "what the agent is told",
    "max_seconds": "longest",
    "keys": "everywhere",
    "sets": "sets",
    "waiting": "while waiting",
    "about": "what it is for",
}
_SKIPPED: Final = frozenset(
    {"asking", "texts", "speeches", "exits", "statuses", "options", "cases"}
)
_WAYS: Final = frozenset({"next", "otherwise", "open", "closed", "locked", "none"})
_MANY_DAYS: Final = 3


def differences(before: Library, after: Library) -> list[str]:
    """One line for each change in flows, calendars, tables and what else stands beside them."""
    lines: list[str] = []
    for name in sorted(before.flows.keys() | after.flows.keys()):
        old, new = before.flows.get(name), after.flows.get(name)
        if old is None and new is not None:
            lines.append(f"flow {name} is new: {_inventory(new)}")
        elif old is not None and new is None:
            lines.append(f"flow {name} is gone: {_inventory(old)}")
        elif old is not None and new is not None:
            lines += (f"flow {name}: {each}" for each in flow_differences(old, new))
    return [*_once(lines), *_beside(before, after)]


def _inventory(flow: Flow) -> str:
    numbers = f"answers {', '.join(flow.numbers)}, " if flow.numbers else ""
    return f"{numbers}{len(flow.steps)} step{'' if len(flow.steps) == 1 else 's'}"


def _once(lines: Iterable[str]) -> Iterator[str]:
    """A change to a calendar that several flows share is told once, with the flows."""
    by_rest: dict[str, list[str]] = {}
    for line in lines:
        head, _, rest = line.partition(": ")
        key = rest if rest.startswith("calendar ") else line
        by_rest.setdefault(key, []).append(head)
    for rest, heads in by_rest.items():
        flows = ", ".join(head.removeprefix("flow ") for head in heads)
        yield (
            f"flow{'s' if len(heads) > 1 else ''} {flows}: {rest}"
            if (rest.startswith("calendar "))
            else rest
        )


def flow_differences(old: Flow, new: Flow) -> list[str]:
    """One line for each change inside a flow; none where only its file's layout is different."""
    steps = old.steps.keys() | new.steps.keys()
    lines = [*_head(old, new), *_calendars(old.calendars, new.calendars)]
    for name in dict.fromkeys([*old.steps, *new.steps]):
        lines += _step(old, new, name, steps)
    if not lines and old.revision != new.revision:
        lines.append("only its layout or comments")
    return lines


# --- the head of a flow --------------------------------------------------------------------------


def _head(old: Flow, new: Flow) -> Iterator[str]:
    for number in new.numbers:
        if number not in old.numbers:
            yield f"answers {number} as well"
    for number in old.numbers:
        if number not in new.numbers:
            yield f"no longer answers {number}"
    if old.start != new.start:
        yield f"begins at `{new.start}` instead of `{old.start}`"
    for name in dict.fromkeys([*old.fields, *new.fields]):
        if name not in old.fields:
            yield f"field `{name}` is new: {_kind(new.fields[name])}"
        elif name not in new.fields:
            yield f"field `{name}` is gone"
    steps = old.steps.keys() | new.steps.keys()
    shared = old.fields.keys() & new.fields.keys()
    for change in compare(_without(old, shared), _without(new, shared)):
        yield in_words(change, _head_label(change.path), steps)


def _kind(field: Field) -> str:
    secret = "secret " if field.secret else ""
    return f"{secret}{field.type}" + (f" of {', '.join(field.of)}" if field.of else "")


def _without(flow: Flow, shared: Collection[str]) -> Flow:
    """The flow without what is told in words of its own."""
    fields = {name: field for name, field in flow.fields.items() if name in shared}
    return replace(flow, steps={}, calendars={}, subflows={}, numbers=(), start="", fields=fields)


def _head_label(path: Path) -> str:
    first, *rest = path
    if first.name == "keys" and rest:
        return f"key {rest[0].name} everywhere"
    if first.name in ("fields", "languages") and rest:
        entry = first.name.removesuffix("s")
        return " ".join([f"{entry} `{rest[0].name}`", *_parts(tuple(rest[1:]))])
    return " ".join(_parts(path))


# --- steps ----------------------------------------------------------------------------------------


def verb(step: AnyStep) -> str:
    """What a step is called in the language of flows."""
    return type(step).__name__.removesuffix("Step").lower()


def _step(old: Flow, new: Flow, name: str, steps: Collection[str]) -> Iterator[str]:
    before, after = old.steps.get(name), new.steps.get(name)
    if before is None and after is not None:
        yield f"step `{name}` is new: {_gist(after)}"
    elif before is not None and after is None:
        yield f"step `{name}` is gone: {_gist(before)}"
    elif before is not None and after is not None and type(before) is not type(after):
        yield f"step `{name}`: {_gist(after)} instead of {_gist(before)}"
    elif before is not None and after is not None:
        yield from _inside(old, new, before, after, steps)


def _inside(
    old: Flow, new: Flow, before: AnyStep, after: AnyStep, steps: Collection[str]
) -> Iterator[str]:
    head = f"{verb(after)} `{after.name}`: "

    def hide(path: Path) -> bool:
        named = {part.name for part in path if part.kind == "key"}
        return any(
            name in flow.fields and flow.fields[name].secret
            for flow in (old, new)
            for name in named
            if any(part.name in ("sets", "given") for part in path)
        )

    for change in compare(before, after):
        yield head + in_words(change, _label(change.path), steps, hide)
    if (order := _order(before, after)) is not None:
        yield f"{head}the order of its keys is {order}"


def _order(before: AnyStep, after: AnyStep) -> str | None:
    """The order in which a step offers its keys, where only that is different."""
    old, new = (list(options_of(step)) for step in (before, after))
    return ", ".join(new) if old != new and sorted(old) == sorted(new) else None


def _gist(step: AnyStep) -> str:
    """A step in a few words."""
    said = getattr(step, "say", ()) or getattr(step, "text", ())
    if isinstance(said, tuple) and said and isinstance(said[0], Words) and said[0].texts:
        return f"{verb(step)} {quoted(source(next(iter(said[0].texts.values()))))}"
    return verb(step)


def _label(path: Path) -> str:
    return " ".join(_parts(path)) or "it"


def _parts(path: Path) -> Iterator[str]:
    parent = ""
    for part in path:
        if part.kind == "attribute":
            if part.name not in _SKIPPED and (part.name != "next" or not parent):
                name = _NAMES.get(part.name, part.name.replace("_", " "))
                yield f"`{name}`" if part.name in _WAYS else name
            parent = part.name
        elif part.kind == "key":
            yield _key(parent, part.name)
        elif parent == "cases":
            yield f"case {int(part.name) + 1}"
        elif parent == "speeches":
            yield f"(time {int(part.name) + 1})"
        elif int(part.name) > 0:
            yield f"(part {int(part.name) + 1})"


def _key(parent: str, name: str) -> str:
    match parent:
        case "options":
            return f"key {name}"
        case "texts" | "written":
            return f"in {name}"
        case "speeches":
            return f"words for `{name}`"
        case "statuses":
            return f"answer {name}"
    return f"`{name}`"


# --- calendars ------------------------------------------------------------------------------------


def _calendars(old: Mapping[str, Calendar], new: Mapping[str, Calendar]) -> Iterator[str]:
    for name in dict.fromkeys([*old, *new]):
        head = f"calendar {name}"
        if name not in old:
            yield f"{head} is new"
        elif name not in new:
            yield f"{head} is gone"
        else:
            yield from (f"{head}: {each}" for each in calendar_differences(old[name], new[name]))


def calendar_differences(old: Calendar, new: Calendar) -> Iterator[str]:
    """One line for each change of a calendar's hours."""
    if old.zone != new.zone:
        yield f"zone {old.zone.key} -> {new.zone.key}"
    for days, before, after in _week(old, new):
        yield f"{days} {_hours(before)} -> {_hours(after)}"
    if more := new.closed - old.closed:
        yield f"closed on {_days(more)} as well"
    if less := old.closed - new.closed:
        yield f"no longer closed on {_days(less)}"
    for day in sorted(old.special.keys() | new.special.keys()):
        was, becomes = old.special.get(day), new.special.get(day)
        if was != becomes:
            instead = f" instead of {_hours(was)}" if was is not None else ""
            hours = _hours(becomes) if becomes is not None else "its usual hours"
            yield f"on {day} {hours}{instead}"
    for each in fields(old):
        if each.name in ("name", "zone", "week", "closed", "special", "settled"):
            continue
        yield from _dated(each.name, getattr(old, each.name), getattr(new, each.name))


def _dated(what: str, old: object, new: object) -> Iterator[str]:
    """Dates that mean something else: public holidays, working days that were moved."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping) or old == new:
        if old != new:
            yield f"{what} {shown(old)} -> {shown(new)}"
        return
    if more := [day for day in new if new[day] != old.get(day)]:
        yield f"{what}: {_days(more)} as well"
    if less := [day for day in old if day not in new]:
        yield f"{what}: no longer {_days(less)}"


def _week(old: Calendar, new: Calendar) -> Iterator[tuple[str, tuple[Span, ...], tuple[Span, ...]]]:
    """Days in a row with the same change are told together."""
    pairs = list(zip(old.week, new.week, strict=True))
    first = 0
    while first < len(pairs):
        last = first
        while last + 1 < len(pairs) and pairs[last + 1] == pairs[first]:
            last += 1
        if pairs[first][0] != pairs[first][1]:
            days = DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}"
            yield days, *pairs[first]
        first = last + 1


def _hours(spans: tuple[Span, ...]) -> str:
    return ", ".join(f"{_clock(span.start)}-{_clock(span.end)}" for span in spans) or "closed"


def _clock(minutes: int) -> str:
    hours, minutes = divmod(minutes, 60)
    hours = hours if minutes + hours * 60 <= MINUTES_A_DAY else hours - 24
    return f"{hours:02}:{minutes:02}"


def _days(days: Iterable[date]) -> str:
    """`2026-10-01..2026-10-07, 2026-12-24`."""
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    told = [str(run[0]) if len(run) == 1 else f"{run[0]}..{run[-1]}" for run in runs]
    more = f" and {len(told) - _MANY_DAYS} more" if len(told) > _MANY_DAYS else ""
    return ", ".join(told[:_MANY_DAYS]) + more


# --- what stands beside the flows -----------------------------------------------------------------


def _beside(before: Library, after: Library) -> Iterator[str]:
    for name in sorted({*before.tables, *after.tables}):
        yield from table_differences(name, before.tables.get(name), after.tables.get(name))
    for each in fields(before):
        if each.name not in ("flows", "numbers", "tables", "notes"):
            yield from guarded(each.name, getattr(before, each.name), getattr(after, each.name))


def table_differences(name: str, old: Table | None, new: Table | None) -> Iterator[str]:
    """How many rows are different: what is in them is nobody's business here."""
    head = f"table {name}"
    if old is None or new is None:
        rows = len((new or old or Table(name, "")).rows)
        yield f"{head} is {'new' if old is None else 'gone'}: {rows} rows"
        return
    for change in compare(replace(old, rows={}), replace(new, rows={})):
        yield f"{head}: {in_words(change, _label(change.path))}"
    both = old.rows.keys() & new.rows.keys()
    changed = [key for key in both if old.rows[key] != new.rows[key]]
    counts = (
        (len(new.rows) - len(both), "new"),
        (len(old.rows) - len(both), "gone"),
        (len(changed), f"different ({_columns(old, new, changed)})"),
    )
    if told := [f"{count} {what}" for count, what in counts if count]:
        yield f"{head}: rows: {', '.join(told)}"


def _columns(old: Table, new: Table, keys: Iterable[str]) -> str:
    found = {
        column
        for key in keys
        for column in old.rows[key].keys() | new.rows[key].keys()
        if old.rows[key].get(column) != new.rows[key].get(column)
    }
    return ", ".join(sorted(found))


def guarded(what: str, old: object, new: object) -> Iterator[str]:
    """Changes of something whose texts may be credentials: switches and numbers alone are told."""
    for change in compare(old, new):
        label = " ".join([what, *_parts(change.path)])
        harmless = all(isinstance(each, bool | int | float) for each in (change.old, change.new))
        yield in_words(change, label, hide=None if harmless else _always)


def _always(_: Path) -> bool:
    return True
