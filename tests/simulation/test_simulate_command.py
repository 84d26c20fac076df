"""`tieline simulate`: the table, the little charts, the picture."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from acd.floor import Floor, Queue
from acd.simulation.intervals import Interval
from acd.words import Formula
from ivr.cli import days, main
from ivr.errors import ConfigError, IvrError

FLOOR = """\
queues:
  billing: {wrap_up: 10s, target: 30s, service_level: all_ended}
  cards: {wrap_up: 10s}
agents:
  "1001": {name: Ana, queues: [billing, cards], skills: {gold: 5}}
  "1002": {name: Bo, queues: [billing]}
"""
DAY = """\
title: A short <morning> & more
from: "08:00"
to: "10:00"
calls:
  billing: {each_slot: [9, 12, 0, 8], talk: 3m, patience: 2m}
  cards: {an_hour: 6, talk: {lognormal: 4m, deviation: 2m}, patience: 3m, needs: {gold: 3}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "floor.yaml").write_text(FLOOR)
    (flows / "short.day.yaml").write_text(DAY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tieline(*arguments: str) -> Result:
    return CliRunner().invoke(main._app(), ["simulate", *arguments])


def test_the_day_beside_the_flows_is_played_and_told(here: Path) -> None:
    result = tieline("--runs", "5")
    assert result.exit_code == 0, result.output
    told = result.stdout
    assert "A short <morning> & more: 08:00 to 10:00, 5 runs, seed 1" in told
    assert re.search(r"billing +\d+\.\d ±\d+\.\d .* % ±\d+\.\d .* s ±", told)
    assert "Service level of billing: answered within 30 s / (answered + abandoned" in told
    assert "Service level of cards: answered within 20 s" in told
    assert re.search(r"gold +\d", told)
    assert re.search(r"1001 +Ana +\d+\.\d %", told)
    assert re.search(r"calls +[▁-█]{4}  \d+ to \d+", told)
    assert "simulating 5 days" in result.stderr


def test_the_same_seed_tells_the_same(here: Path) -> None:
    first, again, other = (
        json.loads(tieline("--runs", "3", "--json", "--seed", seed).stdout)
        for seed in ("7", "7", "8")
    )
    assert first == again != other
    assert first["runs"] == 3
    assert set(first["queues"]) == {"billing", "cards"}
    assert len(first["slots"]) == 4


def test_another_floor_meets_the_same_callers(here: Path) -> None:
    more = FLOOR + '  "1003": {queues: [billing, cards], skills: {gold: 9}}\n'
    (here / "more.yaml").write_text(more)
    offered, answered = [], []
    for arguments in ((), ("--floor", "more.yaml")):
        told = json.loads(tieline("--runs", "4", "--json", *arguments).stdout)["queues"]["billing"]
        offered.append(told["offered"]["value"])
        answered.append(told["answered"]["value"])
    assert offered[0] == offered[1]
    assert answered[0] < answered[1]


def test_the_picture_is_drawn_and_says_what_it_shows(here: Path) -> None:
    assert tieline("--runs", "3", "--svg", "day.svg").exit_code == 0
    root = ElementTree.parse(here / "day.svg").getroot()
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "A short <morning> & more"
    assert {"Calls in 30 minutes", "Service level", "Agents", "08:00", "10:00"} <= set(texts)
    title, described = (root.find(f"{{http://www.w3.org/2000/svg}}{n}") for n in ("title", "desc"))
    assert title is not None
    assert described is not None
    assert "08:00 to 10:00" in (described.text or "")
    inside = [
        float(value)
        for each in root.iter("{http://www.w3.org/2000/svg}rect")
        for value in (each.get("x", "0"), each.get("y", "0"), each.get("height", "0"))
    ]
    assert min(inside) >= 0


def test_where_there_is_a_choice_of_days_one_must_be_named(here: Path) -> None:
    (here / "flows" / "other.day.yaml").write_text(DAY)
    result = tieline()
    assert isinstance(result.exception, IvrError)
    assert "more than one day, say which: other.day.yaml, short.day.yaml" in str(result.exception)
    assert tieline("flows/other.day.yaml", "--runs", "1").exit_code == 0


def test_without_a_day_it_is_told_what_is_missing(here: Path) -> None:
    (here / "flows" / "short.day.yaml").unlink()
    assert "write one, such as monday.day.yaml" in str(tieline().exception)


def test_mistakes_in_the_day_are_told_and_nothing_is_played(here: Path) -> None:
    (here / "flows" / "short.day.yaml").write_text(DAY.replace("cards:", "crads:"))
    assert isinstance(tieline("--svg", "day.svg").exception, ConfigError)
    assert not (here / "day.svg").exists()


def test_a_picture_that_cannot_be_written_is_told(here: Path) -> None:
    result = tieline("--runs", "1", "--svg", "no/such/folder.svg")
    assert "no/such/folder.svg cannot be written: No such file" in str(result.exception)


def test_a_picture_does_not_take_the_place_of_another_file(here: Path) -> None:
    flow = here / "flows" / "clinic.yaml"
    flow.write_text("flow: clinic\n")
    assert "is another file" in str(tieline("--runs", "1", "--svg", str(flow)).exception)
    assert flow.read_text() == "flow: clinic\n"
    for _ in range(2):
        assert tieline("--runs", "1", "--svg", "day.svg").exit_code == 0


def test_nobody_waits_for_a_pipe(here: Path) -> None:
    os.mkfifo(here / "pipe")
    for arguments in (["pipe"], ["--floor", "pipe"]):
        told = tieline(*arguments).exception
        assert isinstance(told, ConfigError)
        assert str(told) == "pipe:1:1: cannot be read: it is no file"


def test_figures_stand_with_their_intervals_and_nothing_is_a_dash() -> None:
    assert days.plus_minus(Interval(12.34, 0.56), " s") == "12.3 s ±0.6"
    assert days.plus_minus(Interval(3.0)) == "3.0"
    assert days.share(Interval(0.5, 0.011)) == "50.0 % ±1.1"
    assert days.plus_minus(None) == "-"


def test_queues_with_the_same_formula_share_its_words() -> None:
    floor = Floor((Queue("a"), Queue("b"), Queue("c", formula=Formula.ANSWERED)))
    assert days.formulas(floor, ["a", "b"]) == [
        "Service level: answered within 20 s / (answered + abandoned + timed out + nobody there"
        " - abandoned within 5 s)"
    ]
    assert len(days.formulas(floor, ["a", "b", "c"])) == 2
    formula, spelled = days.common_formula(Floor((Queue("a"), Queue("b", target_seconds=30))))
    assert formula is Formula.WITHOUT_SHORT
    assert spelled.startswith("answered within the target of the queue / (answered")
    assert spelled.endswith("abandoned within its short time)")


def test_a_little_chart_has_a_blank_where_there_is_nothing() -> None:
    console = Console(force_terminal=True)
    assert days.spark([0, None, 0.5, 1], 1.0, console) in {"▁ ▅█", ". +@", "▁ ▄█"}
