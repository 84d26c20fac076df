"""How long words take from a template to the file that is played, when they were said before.

    words          a template rendered for one caller (its filters speak English or Mandarin)
    finished file  `PromptBook.cached`: parts looked up by the hash of all that shaped them
    both           what a call waits for between a step and its sound: below 1000 us

The cache holds as many other prompts as a busy installation's. Nothing is spoken while it is timed.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ivr.flow.actions import Prompt
from ivr.flow.templates import compile_text
from ivr.speech import sound, wav
from ivr.speech.cache import PromptCache
from ivr.speech.prompts import PromptBook
from ivr.speech.stub import Hum

TARGET_MICROS = 1000.0
OTHERS = 5000
PIECES = (
    ("en", "Thank you for calling, {{ customer.name }}."),
    ("en", "Your balance is {{ balance | amount('EUR') }}."),
    ("en", "We open {{ opens | moment }}."),
    ("en", "We will call {{ caller | phone }}."),
    ("zh", "您的余额是{{ balance | amount('CNY') }}。"),
    ("zh", "我们{{ opens | moment }}开门。"),
    ("en", "For appointments, press 1. For bills, press 2."),
    ("en", "Or stay on the line."),
)


@dataclass(frozen=True)
class Timing:
    what: str
    micros: list[float]


def values() -> dict[str, object]:
    return {
        "customer": {"name": "Mei Lin"},
        "balance": "1234.50",
        "opens": "2026-03-03T08:00:00+08:00",
        "caller": "+8613800138000",
        "channel": "voice",
        "now": datetime(2026, 3, 2, 10, tzinfo=UTC),
    }


def timed(what: str, rounds: int, work: Callable[[], object]) -> Timing:
    work()
    micros = []
    for _ in range(rounds):
        begin = time.perf_counter_ns()
        work()
        micros.append((time.perf_counter_ns() - begin) / 1000)
    return Timing(what, micros)


def measure(folder: Path, rounds: int) -> list[Timing]:
    cache = PromptCache(folder / "prompts")
    some = sound.tone((440.0,), 0.1)
    for number in range(OTHERS):
        wav.write(folder / "prompts" / f"{number:032x}.wav", some)
    book = PromptBook(Hum(), [folder / "sounds"], cache)
    templates = [(language, compile_text(source)) for language, source in PIECES]
    facts = values()

    def words(count: int) -> list[Prompt]:
        return [
            Prompt(template.render({**facts, "language": language}), language, "greet")
            for language, template in templates[:count]
        ]

    timings = []
    for count in (1, 3, len(PIECES)):
        told = words(count)
        asyncio.run(book.path(told))
        of = f"{count} piece{'s' if count > 1 else ''}"
        timings += [
            timed(f"words, {of}", rounds, partial(words, count)),
            timed(f"finished file, {of}", rounds, partial(book.cached, told)),
            timed(f"both, {of}", rounds, partial(lambda n: book.cached(words(n)), count)),
        ]
    return timings


def show(timings: list[Timing], write: Callable[[str], None] = print) -> None:
    write(f"{'prompt':42}{'median us':>11}{'p99 us':>9}{'max us':>9}")
    for timing in timings:
        ordered = sorted(timing.micros)
        p99 = ordered[int(len(ordered) * 0.99)]
        write(f"{timing.what:42}{statistics.median(ordered):>11.1f}{p99:>9.1f}{ordered[-1]:>9.0f}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2000, help="prompts timed (default 2000)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        timings = measure(Path(folder), options.rounds)
    show(timings)
    slowest = max(statistics.median(timing.micros) for timing in timings)
    print(f"target: {TARGET_MICROS:g} us; slowest median: {slowest:.1f} us")


if __name__ == "__main__":
    main()
