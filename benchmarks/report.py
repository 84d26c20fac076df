"""What a benchmark found, and the page all of them are written to: `benchmarks/RESULTS.md`.

A page has one section for each benchmark. Running one replaces its section and leaves the others,
so every section says itself when it was measured and under what load. A row that misses its promise
says so.
"""

from __future__ import annotations

import io
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

PAGE = Path(__file__).with_name("RESULTS.md")
HEAD = """\
# What was measured

Written by `make bench`, which runs everything; `python -m benchmarks NAME ...` runs single ones and
replaces their sections. A promise that was missed is marked **missed**. Times on a machine that
does other work as well vary by a fifth; the load stands beside each section.
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One row. `promise` is what it must hold, "" where nothing is promised."""

    what: str
    figure: str
    promise: str = ""
    held: bool | None = None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One section; `run` measures, telling of its progress as it goes."""

    name: str
    title: str
    about: str
    run: Callable[[], Sequence[Finding]]


def at_most(what: str, value: float, limit: float, unit: str, digits: int = 1) -> Finding:
    """A figure that must not be above its limit."""
    return Finding(
        what, f"{value:.{digits}f} {unit}".rstrip(), f"at most {limit:g} {unit}", value <= limit
    )


def at_least(what: str, value: float, limit: float, unit: str = "", digits: int = 2) -> Finding:
    """A figure that must not be below its limit."""
    figure, promise = f"{value:.{digits}f} {unit}", f"at least {limit:g} {unit}"
    return Finding(what, figure.strip(), promise.strip(), value >= limit)


class Recorded(io.TextIOBase):
    """What was printed, kept beside being shown."""

    def __init__(self, shown: TextIO) -> None:
        self._shown = shown
        self.text = ""

    def write(self, text: str) -> int:
        """Show and keep."""
        self.text += text
        return self._shown.write(text)

    def flush(self) -> None:
        """Show at once."""
        self._shown.flush()


@contextmanager
def recorded() -> Iterator[Recorded]:
    """Keep what is printed inside."""
    kept = Recorded(sys.stdout)
    with redirect_stdout(kept):
        yield kept


def printed(main: Callable[[list[str]], object]) -> Callable[[], Sequence[Finding]]:
    """A benchmark that promises nothing: what it prints is its section."""

    def run() -> Sequence[Finding]:
        main([])
        return ()

    return run


def section(
    bench: Benchmark, found: Sequence[Finding], told: str, load: tuple[float, float]
) -> str:
    """The section of one benchmark; `load` before and after it ran, `told` what it printed."""
    today = datetime.now(UTC).date().isoformat()
    lines = [
        f"## {bench.title}",
        "",
        bench.about.strip(),
        "",
        f"Repeat: `.venv/bin/python -m benchmarks {bench.name}`. Measured on {today}, {machine()}, "
        f"load {load[0]:.1f} before and {load[1]:.1f} after{_priority()}.",
        "",
    ]
    if not found:
        return "\n".join([*lines, "```", told.strip("\n"), "```"]) + "\n"
    lines += ["| what | figure | promise | |", "|---|---|---|---|"]
    words = {None: "", True: "held", False: "**missed**"}
    lines += [
        f"| {each.what} | {each.figure} | {each.promise} | {words[each.held]} |" for each in found
    ]
    return "\n".join(lines) + "\n"


def _priority() -> str:
    """Said when it ran before or behind others: `nice -n -10 python -m benchmarks NAME`."""
    nice = os.nice(0)
    return f", at a niceness of {nice} beside other work" if nice else ""


def machine() -> str:
    """Where it ran: processors and versions, no names."""
    cores = os.cpu_count() or 1
    model = next(iter(_processor()), platform.machine())
    return (
        f"{cores} cores ({model}), Python {platform.python_version()}, Tieline {version('tieline')}"
    )


def _processor() -> list[str]:
    info = Path("/proc/cpuinfo")
    return re.findall(r"model name\s*: (.+)", info.read_text()) if info.exists() else []


def write(sections: dict[str, str], order: Sequence[Benchmark], page: Path = PAGE) -> None:
    """Put these sections (by title) into the page, in place of what it had of them."""
    kept = dict(_sections(page.read_text())) if page.exists() else {}
    kept |= sections
    texts = [kept[bench.title] for bench in order if bench.title in kept]
    page.write_text("\n".join([HEAD, *texts]))


def _sections(text: str) -> list[tuple[str, str]]:
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0].removeprefix("## "), part.rstrip() + "\n") for part in parts]
