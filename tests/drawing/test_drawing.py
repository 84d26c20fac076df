"""A picture tells what the flow does, and nothing in a flow can make it do anything else."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ivr.asterisk.provision import Tool, ensure_tools
from ivr.drawing import layout
from ivr.drawing.drawing import KINDS, LINE, Arrow, Box, Drawing, Kind, columns, draw, plain, wrap
from ivr.drawing.layout import DotFailed, dot_source, lay_out
from ivr.drawing.look import LOOKS
from ivr.drawing.mermaid import mermaid
from ivr.drawing.svg import svg
from ivr.flow import model
from ivr.flow.loading.loader import load
from ivr.flow.templates import fixed_text
from ivr.settings import load_settings
from tests.flow.flows import FLOWS, SMALL, flow_of

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = """
flow: hostile
about: "</title><script>alert(1)</script>"
numbers: ["4009"]
keys: {"*": repeat}
start: a
steps:
  a:
    menu: "\\"]; click n0 \\"javascript:alert(1)\\" %%{init: {}}%% `x` <img src=x> ]]> &amp; -->"
    "1": end
    "2": graph
    otherwise: end
  end: {say: "| \\\\ # ; end subgraph &#106; {{ caller }}", next: graph}
  graph: {hangup: "<![CDATA[ x"}
"""


@pytest.fixture(scope="session")
def dot() -> Tool:
    return ensure_tools(load_settings(), ("dot",), lambda *_: None)["dot"]


def box(drawing: Drawing, name: str) -> Box:
    return next(each for each in drawing.boxes if each.name == name)


def arrows(drawing: Drawing, name: str) -> dict[str, set[str]]:
    """Where a box leads: the words on the arrows by the box at their end."""
    found: dict[str, set[str]] = {}
    for arrow in drawing.arrows:
        if drawing.boxes[arrow.start].name == name:
            found.setdefault(drawing.boxes[arrow.end].name, set()).add(arrow.label)
    return found


# --- what is in it ------------------------------------------------------------------------------


def test_every_step_is_a_box_with_what_the_caller_hears() -> None:
    flow = load([FLOWS]).flows["clinic"]
    drawing = draw(flow)
    assert {each.name for each in drawing.boxes} >= set(flow.steps)
    assert drawing.boxes[0].name == "calls to 4001"
    sorry = box(drawing, "sorry")
    assert (sorry.kind, " ".join(sorry.lines)) == (
        Kind.SAYS,
        "I am sorry, nobody is free just now.",
    )
    assert box(drawing, "nurse").kind is Kind.PEOPLE
    assert box(drawing, "open?").kind is Kind.DECIDES


def test_another_language_has_its_own_words() -> None:
    drawing = draw(load([FLOWS]).flows["clinic"], "zh")
    assert "".join(box(drawing, "sorry").lines) == "很抱歉，现在没有人能接听。"


def test_arrows_tell_keys_and_what_they_mean() -> None:
    drawing = draw(load([FLOWS]).flows["clinic"])
    reasons = arrows(drawing, "reasons")
    assert reasons["billing"] == {"2 bill"}
    assert reasons["person"] == {"no valid answer"}
    assert arrows(drawing, "language")["open?"] == {"1 English, 2 Chinese", "no valid answer"}
    assert arrows(drawing, "nurse")["sorry"] == {"not served"}
    assert arrows(drawing, "nurse")["goodbye"] == {"after the talk"}


def test_keys_that_work_everywhere_are_drawn_once() -> None:
    drawing = draw(load([FLOWS]).flows["clinic"])
    assert arrows(drawing, "key 0") == {"person": {""}}
    assert drawing.anywhere == ("* → repeat",)
    assert "person" not in arrows(drawing, "night")


def test_day_and_night_are_told_apart() -> None:
    drawing = draw(load([FLOWS]).flows["clinic"])
    times = {each.name: each.time for each in drawing.boxes if each.time}
    assert times["reasons"] == "day"
    assert times["night"] == "night"
    assert not {"nurse", "message", "language", "person"} & times.keys(), "met by day and by night"
    assert {each.time for each in drawing.arrows} == {"", "day", "night"}


def test_a_key_that_exists_only_while_somebody_is_there_is_one_of_the_day() -> None:
    flow = flow_of(
        "flow: a\nnumbers: ['4000']\nstart: m\n"
        "calendars: {desk: {zone: UTC, hours: {mon: 09:00-17:00}}}\n"
        "steps:\n  m:\n    menu: Hi.\n    '1': {label: The desk, hours: desk, next: b}\n"
        "    '2': c\n    otherwise: c\n  b: {hangup: B}\n  c: {hangup: C}\n"
    )
    drawing = draw(flow)
    assert arrows(drawing, "m") == {"b": {"1 The desk"}, "c": {"2", "no valid answer"}}
    assert [arrow.label for arrow in drawing.arrows if arrow.time == "day"] == ["1 The desk"]
    assert box(drawing, "b").time == "day"


def test_conditions_are_told_in_words() -> None:
    drawing = draw(flow_of(SMALL))
    assert arrows(drawing, "agreed?")["who"] == {"if agree and amount > 100"}
    assert arrows(draw(load([FLOWS]).flows["bank"]), "talk")["loans"] == {"if reason is loans"}


def test_every_verb_has_its_kind_and_every_kind_its_look() -> None:
    steps = {
        name.removesuffix("Step").lower()
        for name in dir(model)
        if name.endswith("Step") and name not in ("Step", "AnyStep")
    }
    assert steps <= KINDS.keys()
    assert LOOKS.keys() == set(Kind)


def test_templates_are_shown_as_the_name_of_what_they_say() -> None:
    words = fixed_text("Dear {{ customer.name | default('x') }}, {{ 1 if a else 2 }}{# no #}!")
    assert plain(words) == "Dear ‹customer.name›, ……!"


@pytest.mark.parametrize(
    "text",
    [
        "one two three four five six seven eight nine ten eleven twelve thirteen",
        "很抱歉，现在没有人能接听。" * 8,
        "x" * 500,
        "a " * 300,
        "",
    ],
)
def test_lines_are_short_and_few(text: str) -> None:
    lines = wrap(text, LINE, 4)
    assert len(lines) <= 4
    assert all(columns(line) <= LINE + 1 for line in lines)
    told = "".join(lines).removesuffix("…").replace(" ", "")
    assert text.replace(" ", "").startswith(told)


# --- Mermaid ------------------------------------------------------------------------------------


def test_mermaid_holds_boxes_arrows_and_legend() -> None:
    text = mermaid(draw(load([FLOWS]).flows["clinic"]))
    lines = text.splitlines()
    assert lines[0] == "flowchart TD"
    assert '  n2{"<b>open?</b><br/>hours of desk"}:::decides' in lines
    assert '  n2 ==>|"☾ closed"| n8' in lines
    assert '    legend_people{{"<b>a person</b>"}}:::people' in lines


def test_no_word_of_a_flow_is_mermaid_markup() -> None:
    text = mermaid(draw(flow_of(HOSTILE)))
    for line in text.splitlines():
        for words in re.findall(r'"([^"]*)"', line):
            left = re.sub(r"</?b>|<br/>|#\d+;", "", words)
            assert not set(left) & set('<>"#;&`%|{}[]\\'), line
        outside = re.sub(r'"[^"]*"', "", line)
        assert re.fullmatch(
            r"flowchart TD|  +(n\d+|anywhere|legend\w*|subgraph legend|end|classDef \w+ .*)?"
            r"[][(){}/>]*(:::\w+)?|  n\d+ [-=.]+>(\|\|)? n\d+",
            outside,
        ), line


# --- SVG ----------------------------------------------------------------------------------------


def test_what_dot_is_told_holds_no_word_of_the_flow() -> None:
    source = dot_source(draw(flow_of(HOSTILE)))
    assert not re.search(r"alert|script|click|hostile|caller", source)


def test_the_picture_shows_every_name_and_the_first_words(dot: Tool) -> None:
    drawing = draw(load([FLOWS]).flows["bank"])
    root = ElementTree.fromstring(svg(drawing, lay_out(drawing, dot)))
    texts = ["".join(each.itertext()) for each in root.iter(f"{SVG}text")]
    for each in drawing.boxes:
        assert any(each.name in text for text in texts), each.name
        assert set(each.lines) <= set(texts)
    for kind in drawing.kinds:
        assert kind.value in texts, "the legend"


def test_everything_is_inside_the_picture_and_no_two_boxes_touch(dot: Tool) -> None:
    drawing = draw(load([FLOWS]).flows["clinic"])
    laid = lay_out(drawing, dot)
    for at in laid.boxes:
        assert at.width / 2 <= at.x <= laid.width - at.width / 2 + 1
        assert at.height / 2 <= at.y <= laid.height - at.height / 2 + 1
    for place, one in enumerate(laid.boxes):
        for other in laid.boxes[place + 1 :]:
            apart_x = abs(one.x - other.x) >= (one.width + other.width) / 2
            apart_y = abs(one.y - other.y) >= (one.height + other.height) / 2
            assert apart_x or apart_y


def test_no_word_of_a_flow_is_svg_markup(dot: Tool) -> None:
    flow = flow_of(HOSTILE.replace("<![CDATA[ x", "\\u0008\\uFFFF <a href='x'>"))
    drawing = draw(flow)
    root = ElementTree.fromstring(svg(drawing, lay_out(drawing, dot)))
    tags = {each.tag.removeprefix(SVG) for each in root.iter()}
    assert tags <= {"svg", "title", "g", "rect", "polygon", "path", "line", "text"}
    for each in root.iter():
        assert not any(name.startswith("on") or "href" in name for name in each.attrib)
    assert "alert(1)" in "".join(root.itertext()), "shown, not run"


def large(back: Callable[[int], int]) -> Drawing:
    """200 menus; key 2 of each leads far back."""
    steps = "".join(
        f"  s{number}: {{menu: 'Press 1 or 2', '1': s{number + 1}, '2': s{back(number)}, "
        f"otherwise: s{number + 1}}}\n"
        for number in range(200)
    )
    head = "flow: large\nnumbers: ['4000']\nstart: s0\nsteps:\n"
    return draw(flow_of(f"{head}{steps}  s200: {{hangup: x}}"))


def test_a_large_flow_is_drawn_at_once(dot: Tool) -> None:
    drawing = large(lambda number: max(0, number - 3))
    began = time.monotonic()
    assert len(lay_out(drawing, dot).boxes) == len(drawing.boxes) == 202
    assert time.monotonic() - began < 5


def test_a_tangle_is_drawn_plainly_rather_than_never(
    dot: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine, plain_one = layout.ATTEMPTS
    monkeypatch.setattr(layout, "ATTEMPTS", ((fine[0], 0.2), plain_one))
    drawing = large(lambda number: number // 2)
    assert len(lay_out(drawing, dot).ways) == len(drawing.arrows)
    monkeypatch.setattr(layout, "ATTEMPTS", ((fine[0], 0.2),))
    with pytest.raises(DotFailed, match="too long"):
        lay_out(drawing, dot)


def test_a_dot_that_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    broken = tmp_path / "dot"
    broken.write_text("#!/bin/sh\ncat >/dev/null\necho 'no memory' >&2\nexit 1\n")
    broken.chmod(0o755)
    drawing = Drawing("x", "", (Box("a", Kind.START), Box("b", Kind.ENDS)), (Arrow(0, 1),))
    tool = Tool("dot", (str(broken),), {}, "1", Path("/"), "test")
    with pytest.raises(DotFailed, match="no memory"):
        lay_out(drawing, tool)
    with pytest.raises(DotFailed, match="could not be run"):
        lay_out(drawing, Tool("dot", (str(tmp_path / "x"),), {}, "1", Path("/"), "test"))
