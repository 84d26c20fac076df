"""How long it takes to read and check a large flow: what `tieline check` and a reload wait for.

The flow has menus with labels, questions, branches, requests, lookups, queues and hours, in English
and Mandarin. It is read from disk, with the floor and the services it is checked against.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ivr.backends.names import Names
from ivr.flow.checking.checks import Floor
from ivr.flow.loading.loader import load

STEPS = 2000
FLOOR = Floor({"cards", "loans"}, {"cards", "loans", "english", "mandarin"}, {}, {"1001"})
NAMES = Names({"orders": "http"}, {"stores": frozenset({"city"})}, ("+8610*",), sms=True)
HEAD = """\
flow: large
numbers: ["4000"]
languages: {en: {skill: english, level: 3}, zh: {skill: mandarin, level: 3}}
calendars: {desk: {zone: Asia/Shanghai, hours: {mon-fri: 08:00-18:00}}}
collects:
  reason: {type: choice, of: [cards, loans]}
  order: {type: digits, length: 6, say: {en: "Your order.", zh: "您的订单号。"}}
  status: {type: text}
  price: {type: amount, low: 1, high: 500, say: {en: "How much?", zh: "多少钱？"}}
keys: {"0": person, "*": repeat, "9": back}
defaults:
  noinput: [{en: "Hello?", zh: "您好？"}, {en: "Still there?", zh: "还在吗？"}]
  nomatch: [{en: "Not that one.", zh: "不对。"}]
  patience: {en: "One moment.", zh: "请稍候。"}
  otherwise: person
  queue: {max_wait: 10m, otherwise: bye}
start: s0
steps:
  person: {queue: cards, next: bye}
  bye: {hangup: {en: "Goodbye.", zh: "再见。"}}
"""
KINDS = (
    'menu: {{en: "Hello.", zh: "您好。"}}, "1": {{label: {{en: cards, zh: 卡}}, set:'
    ' {{reason: cards}}, next: {a}}}, "2": {{label: {{en: loans, zh: 贷款}}, next: {b}}}, "3":'
    ' {{say: {{en: "Help, 3.", zh: "帮助请按3。"}}, next: {c}}}',
    "collect: order, confirm: true, next: {a}",
    "branch: [{{if: reason == 'cards' and verified, next: {b}}}, {{if: order, next: {c}}}],"
    " otherwise: {a}",
    'http: orders, get: "/orders/{{{{ order }}}}", take: {{status: status}}, next: {a}, "404": {b}',
    'say: {{en: "{{{{ reason | default(\'x\') }}}}", zh: "好的。"}}, next: {a}',
    'set: {{reason: loans, order: "123456"}}, next: {a}',
    "hours: desk, open: {a}, closed: {b}",
    "queue: loans, needs: {{loans: 3}}, tell_agent: \"{{{{ status | default('-') }}}}\","
    " timeout: {a}",
    'lookup: stores, by: {{city: "{{{{ order }}}}"}}, take: {{status: name}}, next: {a}',
    'collect: price, valid: price > 5, nomatch: [{{en: "No.", zh: "不。"}}], next: {a}',
)


def large(steps: int) -> str:
    """A flow of so many steps without a mistake."""
    return HEAD + "".join(_lines(steps - 2))


def _lines(count: int) -> Iterator[str]:
    for number in range(count):
        ways = [
            f"s{number + ahead}" if number + ahead < count else "person" for ahead in (1, 7, 40)
        ]
        kind = KINDS[number % len(KINDS)]
        yield f"  s{number}: {{{kind.format(a=ways[0], b=ways[1], c=ways[2])}}}\n"


def measure(steps: int, rounds: int) -> list[float]:
    """Seconds that each reading took."""
    took: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "large.yaml"
        file.write_text(large(steps))
        for _ in range(rounds):
            began = time.perf_counter()
            library = load([file], FLOOR, NAMES)
            took.append(time.perf_counter() - began)
            assert len(library.flows["large"].steps) == steps
    return took


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    took = measure(options.steps, options.rounds)
    size = len(large(options.steps)) / 1000
    print(f"checking a flow of {options.steps} steps ({size:.0f} kB)")
    print(f"  best {min(took) * 1000:.0f} ms, median {statistics.median(took) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
