"""The page of results: each benchmark has its section, and a missed promise is shown as missed."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.live.drawing import draw
from benchmarks.report import Benchmark, Finding, at_least, at_most, recorded, section, write

FIRST = Benchmark("first", "The first", "About it.", lambda: ())
SECOND = Benchmark("second", "The second", "About that.", lambda: ())


def test_a_missed_promise_is_shown_with_its_figure() -> None:
    found = [
        at_most("median", 21.04, 20, "µs"),
        at_most("p99", 66.0, 150, "µs"),
        at_least("share", 0.85, 0.8),
        Finding("beside it", "3 s"),
    ]
    text = section(FIRST, found, "", (0.5, 1.0))
    assert "| median | 21.0 µs | at most 20 µs | **missed** |" in text
    assert "| p99 | 66.0 µs | at most 150 µs | held |" in text
    assert "| share | 0.85 | at least 0.8 | held |" in text
    assert "| beside it | 3 s |  |  |" in text
    assert "`.venv/bin/python -m benchmarks first`" in text
    assert "load 0.5 before and 1.0 after" in text


def test_what_promises_nothing_is_shown_as_it_was_printed() -> None:
    with recorded() as told:
        sys.stdout.write("turn   12 us\n")
    assert "```\nturn   12 us\n```" in section(FIRST, (), told.text, (0.0, 0.0))


def test_running_one_replaces_its_section_and_leaves_the_others(tmp_path: Path) -> None:
    page, both = tmp_path / "RESULTS.md", (FIRST, SECOND)
    for bench, figure in ((SECOND, "old"), (FIRST, "kept"), (SECOND, "new")):
        text = section(bench, [Finding("it", figure)], "", (0.0, 0.0))
        write({bench.title: text}, both, page)
    text = page.read_text()
    assert "| it | kept |" in text
    assert "| it | new |" in text
    assert "old" not in text
    assert text.index("## The first") < text.index("## The second")
    assert text.startswith("# What was measured")


def test_the_picture_of_free_agents_is_well_formed_and_tells_its_medians() -> None:
    delays = {"Tieline": [8.0, 9.0, 30.0], "500 agents": [12.0], "Queue()": [20_000.0, 540.0, 0.1]}
    root = ElementTree.fromstring(draw(delays))
    told = "".join(root.itertext())
    assert "Tieline, 1 agent, 5 waiting: median 9 ms" in told
    assert "Asterisk's Queue(), 1 agent, 5 waiting: median 540 ms" in told
