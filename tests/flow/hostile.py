"""Files that somebody wrote to bring the loader down; each is checked in a process of its own.

`python -m tests.flow.hostile` reads every one of them and prints, as JSON: its name, seconds of
processor time, MB that the process grew by, and how many mistakes were told.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ivr.backends.names import Names
from ivr.errors import ConfigError
from ivr.flow.checking.checks import Floor
from ivr.flow.loading.loader import load

FLOOR = Floor({"cards"}, {"cards"}, {}, {"1001"})
NAMES = Names({"orders": "http"})
HEAD = "flow: x\nstart: s0\n"
END = "  z: {hangup: x}\n"


def flow(steps: str, head: str = "") -> str:
    return f"{HEAD}{head}steps:\n{steps}{END}"


def chain(count: int, step: str, **more: str) -> str:
    """Steps `s0`, `s1`, ...: {0} is the number, {1} the next step, {2} the one before."""
    return "".join(
        f"  s{n}: {{"
        + step.format(n, f"s{n + 1}" if n + 1 < count else "z", f"s{max(0, n - 1)}", **more)
        + "}\n"
        for n in range(count)
    )


def tangled(count: int) -> Iterator[str]:
    """Menus whose ten keys lead anywhere."""
    for n in range(count):
        keys = (f'"{k}": s{(n * 7 + k * k * 31) % count}' for k in range(10))
        yield f"  s{n}: {{menu: x, {', '.join(keys)}, otherwise: z}}\n"


def fields(count: int, text: str = "{type: choice, of: [a, b]}") -> str:
    return "collects:\n" + "".join(f"  f{n}: {text}\n" for n in range(count))


def template(inside: str) -> str:
    return flow(f'  s0: {{say: "{inside}", next: z}}\n')


def alias_bomb() -> str:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    return "\n".join(lines)


HOSTILE: dict[str, Callable[[], str | bytes]] = {
    # --- syntax ---
    "alias bomb": alias_bomb,
    "brackets": lambda: "[" * 400_000,
    "braces": lambda: "{" * 200_000 + "}" * 200_000,
    "deep indentation": lambda: "\n".join(" " * n + f"a{n}:" for n in range(1000)),
    "five megabytes of text": lambda: "flow: " + "x" * 5_000_000,
    "a megabyte of text": lambda: "flow: x\nabout: " + "x" * 990_000,
    "a megabyte of a key": lambda: "x" * 990_000 + ": y",
    "a huge integer": lambda: template("x").replace("next: z", f"attempts: {'9' * 100_000}"),
    "a huge duration": lambda: flow(f"  s0: {{queue: cards, max_wait: {'9' * 400_000}s}}\n"),
    "a huge decimal": lambda: flow("", f"collects: {{a: {{type: amount, low: 1e{'9' * 9}}}}}\n"),
    "a decimal of many signs": lambda: flow(
        "", f"collects: {{a: {{type: amount, low: 1{'0' * 90_000}}}}}\n"
    ),
    "zero bytes": lambda: b"flow: x\x00\nsteps: {}\x00",
    "not unicode": lambda: b"flow: \xff\xfe\xfa",
    "half a surrogate": lambda: '{"flow": "\\ud800", "start": "\\udfff", "steps": {}}',
    "tabs": lambda: "flow:\tx\n\tsteps:\t{}\n" * 20_000,
    "strange letters": lambda: flow('  s0: {say: "\u202e\u200d\ufeff𝕏\U0010ffff", next: z}\n'),
    "strange names": lambda: flow("".join(f"  é{n}İ: {{hangup: x}}\n" for n in range(2000))),
    "many documents": lambda: "--- a\n" * 100_000,
    "many lists": lambda: "a: [" + "[]," * 39_000 + "]",
    "many keys": lambda: "".join(f"k{n}: 1\n" for n in range(39_000)),
    "the same key": lambda: "k: 1\n" * 100_000,
    "comments": lambda: "#\n" * 490_000,
    "quotes": lambda: "flow: '" + "''" * 400_000 + "'",
    "escapes": lambda: 'flow: "' + "\\U0001F600" * 90_000 + '"',
    "folded text": lambda: "flow: >\n" + "  a\n\n" * 190_000,
    "merge keys": lambda: "a: {<<: {b: 1}, <<: {c: 2}}\n",
    # --- templates ---
    "open braces": lambda: template("{{" * 900),
    "parentheses": lambda: template("{{ " + "(" * 900 + "a" + ")" * 900 + " }}"),
    "a tower of filters": lambda: template("{{ a" + "|trim" * 300 + " }}"),
    "a tower of conditions": lambda: template("{{ a" + " if a else a" * 150 + " }}"),
    "powers": lambda: template("{{ 9**9**9 }}"),
    "long multiplication": lambda: template("{{ 'a' * 999999999 }}"),
    "loops": lambda: template("{% for a in range(999999999) %}x{% endfor %}"),
    "attributes": lambda: template("{{ ''.__class__.__mro__ }}"),
    "macros": lambda: template("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}"),
    "many templates": lambda: flow(
        "  s0:\n    next: z\n    say:\n"
        + "".join(f'      - "{{{{ f{n} | trim }}}}"\n' for n in range(30_000))
    ),
    "long templates": lambda: flow(
        "  s0:\n    next: z\n    say:\n" + f'      - "{"{{ caller | trim }} " * 90}"\n' * 500
    ),
    "many conditions": lambda: flow(
        "  s0:\n    otherwise: z\n    branch:\n"
        + "".join(f"      - {{if: caller == '{n}', next: z}}\n" for n in range(7000))
    ),
    "many names of queues": lambda: flow(
        chain(1500, "queue: \"{{{{ f0 ~ f1 ~ '{0}' }}}}\", otherwise: {1}"), fields(8)
    ),
    # --- graphs ---
    "a chain of fields": lambda: flow(chain(2800, "set: {{f{0}: a}}, next: {1}"), fields(2800)),
    "a chain both ways": lambda: flow(
        chain(1500, 'menu: x, "1": {{set: {{f{0}: a}}, next: {1}}}, "2": {2}, otherwise: z'),
        fields(1500),
    ),
    "every step to every other": lambda: flow("".join(tangled(900))),
    "many loops": lambda: flow(chain(3000, "say: x, next: {2}")),
    "one long loop": lambda: flow(chain(3000, "say: x, next: {1}").replace("next: z", "next: s0")),
    "mistakes everywhere": lambda: flow(
        chain(3000, "say: [[x]], nxt: {1}, next: {1}"), fields(500)
    ),
    "unknown steps": lambda: flow(chain(3000, "say: x, next: nowhere{0}")),
    "unknown fields": lambda: flow(
        chain(2000, "say: '{{{{ unknown{0} }}}}', next: {1}"), fields(900)
    ),
    "words of all steps": lambda: flow(
        f"  s0: {{say: [[x]], next: z, more: [{', '.join(f's{n}' for n in range(1, 9000))}]}}\n"
        + chain(9000, "hangup: ").replace("  s0: {hangup: }\n", "")
    ),
    "staffed steps": lambda: flow(
        chain(2500, "queue: cards, hours: d, otherwise: {1}"),
        "calendars: {d: {zone: UTC, hours: {mon: 08:00-09:00}}}\n",
    ),
    "many calendars": lambda: flow(
        "  s0: {say: x, next: z}\n",
        "calendars:\n"
        + "".join(f"  c{n}: {{zone: UTC, hours: {{daily: 00:00-24:00}}}}\n" for n in range(4000)),
    ),
    "many dates": lambda: flow(
        "  s0: {say: x, next: z}\n",
        "calendars:\n  c:\n    zone: UTC\n    hours: {}\n    closed:\n"
        + "      - 2026-01-01..2026-12-31\n" * 5000,
    ),
    "zones from elsewhere": lambda: flow(
        "  s0: {say: x, next: z}\n", "zone: ../../../../etc/passwd\n"
    ),
    "a zone of many letters": lambda: flow("  s0: {say: x, next: z}\n", f"zone: {'a' * 1900}\n"),
    "many languages": lambda: flow(
        "  s0: {say: x, next: z}\n",
        f"languages: [{', '.join(f'a{chr(97 + n // 26)}-a{n}' for n in range(600))}]\n",
    ),
    "many menus in many languages": lambda: flow(
        chain(4000, 'menu: [], "1": {{label: [], next: {1}}}, otherwise: z'),
        f"languages: [{', '.join(f'a{chr(97 + n // 26)}-a{n}' for n in range(600))}]\n",
    ),
    "many keys of a menu": lambda: flow(
        "  s0: {menu: x, otherwise: z, " + ", ".join(f'"{n}": z' for n in range(9000)) + "}\n"
    ),
}


def measured() -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.yaml"
        file.write_text(flow("  s0: {say: '{{ caller }}', next: z}\n"))
        load([file], FLOOR, NAMES)  # what is imported late is no fault of the next file
        for name, make in HOSTILE.items():
            source = make()
            file.write_bytes(
                source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
            )
            before, began = _memory(), time.process_time()
            try:
                load([file], FLOOR, NAMES)
                told = 0
            except ConfigError as refused:
                told = len(refused.problems)
            took, grown = time.process_time() - began, _memory() - before
            yield {"name": name, "seconds": took, "megabytes": grown, "told": told}


def _memory() -> float:
    """The most that this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    json.dump(list(measured()), sys.stdout)
