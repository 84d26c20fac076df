"""What is printed where there is no terminal, and the order in which it is told."""

from __future__ import annotations

import io
import time
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from acd.model import Agent, Floor, Queue
from ivr.demo.screen import PLAIN_WIDTH, Screen, Stage
from ivr.demo.show import Show
from ivr.demo.story import Beat, Lane


def plain_screen() -> tuple[Screen, io.StringIO]:
    printed = io.StringIO()
    return Screen(Console(file=printed, width=PLAIN_WIDTH)), printed


def a_show(screen: Screen) -> Show:
    floor = Floor((Queue("nurse", "Nurse on duty"),), (Agent("1001", "Ana Ruiz"),))
    house: Any = SimpleNamespace(plan=SimpleNamespace(floor=SimpleNamespace(floor=floor)))
    watch: Any = None
    return Show(screen, house, watch, fast=True)


def test_a_build_log_gets_plain_lines_that_fit() -> None:
    screen, printed = plain_screen()
    screen.act(1, "A patient rings", "What it is about.", 10.0)
    words = "“挂失银行卡请按1，银行卡业务请按2，贷款请按3。” " * 3
    screen.beat(Beat(12.345, Lane.TIELINE, words, "small print", "words", "84 ms after the key"))
    screen.beat(Beat(13.0, Lane.AGENTS, "Cards, Mei Lin, verified", "contact: k3f9", "display"))
    screen.paper("tieline contacts", "\x1b[1mbold\x1b[0m " + "x" * 200)
    screen.summary([("calls", "5")])
    text = printed.getvalue()
    assert "\x1b" not in text
    for line in text.splitlines():
        assert line == line.rstrip()
        assert cell_len(line) <= PLAIN_WIDTH
    for part in (
        "  2.35",
        "84 ms after the key",
        "│ Cards, Mei Lin, verified",
        "$ tieline contacts",
    ):
        assert part in text


def test_each_lane_has_a_column_of_its_own() -> None:
    screen, printed = plain_screen()
    for lane in Lane:
        screen.beat(Beat(0.0, lane, f"lane {lane}"))
    starts = [line.index("lane") for line in printed.getvalue().splitlines()]
    assert starts == sorted(set(starts))
    assert len(starts) == len(Lane)


def test_without_a_terminal_there_is_no_stage() -> None:
    screen, printed = plain_screen()
    with screen.staged():
        screen.draw(Stage(1.0, ([Text("Sam")], [], [])))
    assert printed.getvalue() == ""


def test_the_stage_keeps_its_height_whatever_happens_on_it() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    screen = Screen(console)
    heights = set()
    for lines in ([], [Text("x" * 300)], [Text("word " * 60, no_wrap=False)] * 4):
        panel = screen._panel(Lane.TIELINE, lines)
        heights.add(len(console.render_lines(panel, console.options.update(width=40))))
    assert len(heights) == 1


async def test_beats_are_told_in_the_order_of_their_times() -> None:
    screen, printed = plain_screen()
    show = a_show(screen)
    now = time.monotonic()
    show.tell(Lane.AGENTS, "second", at=now - 0.1)
    show.tell(Lane.CALLERS, "first", at=now - 0.2)
    await show.settle()
    assert [word for word in printed.getvalue().split() if word in ("first", "second")] == [
        "first",
        "second",
    ]


async def test_an_act_that_fails_leaves_nothing_running() -> None:
    screen, _ = plain_screen()
    show = a_show(screen)
    aside = None

    async def scene() -> None:
        nonlocal aside
        aside = show.aside(show.pause(60))
        raise EOFError("the line ended")

    with pytest.raises(EOFError):
        await show.act(1, "An act", "", scene())
    assert aside is not None
    await show.settle()
    assert aside.cancelled()
