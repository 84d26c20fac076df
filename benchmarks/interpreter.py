"""How long one turn of a flow takes: from a result to the next action, in microseconds.

Templates are real ones, in two languages; media, backends and the writing down are not measured,
but turning the state into JSON and back is.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from ivr.flow.actions import Keys, Said, Written
from ivr.flow.asking import Asking, BookStep, CollectStep, IdentifyStep, MenuStep, Option
from ivr.flow.calendar import Calendar, Span
from ivr.flow.errands import Answer, AnyResult, Identified, Slot, SlotList
from ivr.flow.fields import Field
from ivr.flow.model import (
    AnyStep,
    BranchStep,
    Case,
    Flow,
    HangupStep,
    HoursStep,
    HttpStep,
    Language,
    QueueStep,
    SayStep,
    SetStep,
)
from ivr.flow.running.interpreter import Facts, State, again, resume, start
from ivr.flow.templates import compile_condition, compile_text
from ivr.flow.words import Speech, Words

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
OUTCOMES = ("timeout", "nobody", "full", "closed", "failed")


def words(source: str) -> Speech:
    return (Words({"en": compile_text(source), "zh": compile_text(source)}),)


def bank() -> Flow:
    asking = Asking("desk")
    week = tuple((Span(8 * 60, 20 * 60),) for _ in range(7))
    options = {
        key: Option("doors", {"why": compile_text("card")}, words(label), hours="desk")
        for key, label in (("1", "cards"), ("2", "loans"), ("3", "accounts"), ("4", "the rest"))
    }
    steps: tuple[AnyStep, ...] = (
        MenuStep(
            name="menu", say=words("Welcome, it is {{ today }}."), options=options, asking=asking
        ),
        HoursStep(name="doors", calendar="desk", open="vip", closed="bye"),
        BranchStep(
            name="vip",
            cases=(Case(compile_condition("customer.tier == 'gold' and verified"), "desk"),),
            otherwise="mark",
        ),
        SetStep(name="mark", sets={"why": compile_text("loan")}, next="who"),
        IdentifyStep(
            name="who",
            source="people",
            ask=("account", "pin"),
            speeches={"account": words("Your account."), "pin": words("Your PIN.")},
            asking=asking,
            next="order",
            locked="desk",
        ),
        CollectStep(
            name="order",
            field="order",
            say=words("Which order?"),
            confirm=(),
            asking=asking,
            next="get",
        ),
        HttpStep(
            name="get",
            service="shop",
            method="get",
            path=compile_text("/orders/{{ order }}"),
            take={"due": "delivery.date"},
            next="tell",
            otherwise="desk",
        ),
        SayStep(name="tell", say=words("It comes {{ due | date }}."), next="book"),
        BookStep(
            name="book", service="visits", into="visit", asking=asking, none="desk", next="desk"
        ),
        QueueStep(
            name="desk",
            queue=compile_text("{{ why }}"),
            tell_agent=compile_text("{{ customer.name }} {{ account }}"),
            exits=dict.fromkeys(OUTCOMES, "bye"),  # type: ignore[arg-type]  # literals
        ),
        HangupStep(name="bye"),
    )
    fields = (
        Field("account", "digits", length_min=4, length_max=8),
        Field("pin", "digits", secret=True),
        Field("order", "digits"),
        Field("why", "choice", of=("card", "loan")),
        Field("due", "date"),
        Field("visit", "moment"),
    )
    return Flow(
        name="bank",
        revision="1",
        path="",
        start="menu",
        steps={step.name: step for step in steps},
        languages=(Language("en", "english"), Language("zh", "mandarin")),
        fields={field.name: field for field in fields},
        calendars={"desk": Calendar("desk", ZoneInfo("Asia/Shanghai"), week)},
        keys={"*": "repeat", "0": "desk"},
        zone=ZoneInfo("Asia/Shanghai"),
    )


SLOTS = SlotList(tuple(Slot(f"s{at}", f"2026-03-03T{at:02}:00:00+08:00") for at in range(9, 17)))
CALL: tuple[tuple[str, AnyResult], ...] = (
    ("menu: a wrong key", Keys("9")),
    ("menu: key, hours, branch, set, question", Keys("1")),
    ("identify: account", Keys("12345678")),
    ("identify: PIN, comparison", Keys("1234")),
    ("identify: match, next question", Identified(True, "verified", {"name": "Mei"})),
    ("collect: entry is read back", Keys("4711")),
    ("collect: confirmed, request", Keys("1")),
    ("http: answer, words with a date", Answer(200, {"delivery": {"date": "2026-03-05"}})),
    ("say: slots are asked for", Said()),
    ("book: a page of times", SLOTS),
    ("book: later times", Keys("9")),
    ("book: a flow-wide key, queue", Keys("0")),
)


def timed(what: str, do: Callable[[], object], rounds: int) -> None:
    micros = []
    for _ in range(rounds):
        begin = time.perf_counter_ns()
        do()
        micros.append((time.perf_counter_ns() - begin) / 1000)
    micros.sort()
    p99 = micros[int(len(micros) * 0.99)]
    print(f"{what:42}{statistics.median(micros):>11.1f}{p99:>9.1f}{micros[-1]:>9.0f}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3000, help="turns timed (default 3000)")
    options = parser.parse_args(arguments)
    flow, facts = bank(), Facts("13800138000", "4000")
    print(f"{'turn':42}{'median us':>11}{'p99 us':>9}{'max us':>9}")
    timed("start", lambda: start(flow, facts, NOW), options.rounds)
    state = start(flow, facts, NOW).state
    for what, result in CALL:
        timed(what, partial(resume, flow, state, result, NOW), options.rounds)
        state = resume(flow, state, result, NOW).state
    chat = start(flow, Facts("13800138000", "4000", "chat"), NOW).state
    timed(
        "menu in letters: a label",
        lambda: resume(flow, chat, Written("Loans"), NOW),
        options.rounds,
    )
    timed("again", lambda: again(flow, state, NOW), options.rounds)
    plain = json.dumps(state.to_json())
    timed("state to JSON", lambda: json.dumps(state.to_json()), options.rounds)
    timed("state from JSON", lambda: State.from_json(json.loads(plain)), options.rounds)


if __name__ == "__main__":
    main()
