"""`tieline check` tells mistakes in every file beside the flows, and notes apart from them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivr.cli import main

FLOW = """\
flow: x
numbers: ["4000"]
collects: {order: {type: digits, say: Order?}, status: {type: text}}
start: a
steps:
  a: {collect: order, next: b, otherwise: z}
  b: {http: orders, get: "/o/{{ order }}", take: {status: s}, next: c, otherwise: z}
  c: {run: inner, with: {said: "{{ status }}"}, next: z, otherwise: z}
  z: {hangup: {text: Bye., sound: bye}}
"""
INNER = """\
flow: inner
collects: {said: {type: text}}
takes: [said]
start: a
steps: {a: {say: "{{ said }}", next: b}, b: {return: }}
"""
SERVICES = "services: {orders: {url: 'https://shop.example', headers: {Token: {env: NOT_THERE}}}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("x", FLOW), ("inner", INNER), ("services", SERVICES)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def run(*arguments: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(main._app(), ["check", *arguments])
    return result.exit_code, result.output.splitlines()


def test_notes_are_no_mistakes(folder: Path) -> None:
    code, told = run(".")
    assert code == 0
    assert told[-1] == "2 flows, 6 steps: no mistakes"
    assert [each.split(": ", maxsplit=2)[0] for each in told[:-1]] == ["note", "note"]
    assert "NOT_THERE" in told[0]
    assert told[1] == "note: x.yaml:9:15: no recording bye (en): the words are spoken"


def test_one_file_is_checked_with_what_lies_beside_it(folder: Path) -> None:
    assert run("x.yaml")[0] == 0
    (folder / "services.yaml").unlink()
    code, told = run("x.yaml")
    assert code == 1
    assert told[0] == ('x.yaml:7:13: unknown service "orders" (describe it in services.yaml)')


def test_a_broken_file_of_services_is_told_once(folder: Path) -> None:
    (folder / "services.yaml").write_text("services: {orders: {ulr: x}}\n")
    code, told = run(".")
    assert code == 1
    wrong = [each for each in told[:-1] if not each.startswith("note: ")]
    assert {each.split(":")[0] for each in wrong} == {"services.yaml"}


def test_a_flow_that_nobody_reaches_is_noted(folder: Path) -> None:
    lines = [each for each in FLOW.splitlines() if "run: inner" not in each]
    (folder / "x.yaml").write_text("\n".join(lines).replace("next: c", "next: z"))
    code, told = run(".", "--json")
    assert code == 0
    notes = json.loads("\n".join(told))["notes"]
    assert "inner.yaml: no number: nobody can dial it, and no flow runs it" in notes


def test_what_editors_leave_behind_is_no_flow(folder: Path) -> None:
    (folder / ".#x.yaml").symlink_to("mei@desk.1234")
    (folder / "._x.yaml").write_text(FLOW)
    (folder / ".x.table.yaml").write_text("half of")
    (folder / "._x.scenarios.yaml").write_text("half of")
    assert run(".")[1][-1] == "2 flows, 6 steps: no mistakes"


@pytest.mark.parametrize("name", ["a.yaml", "a.table.yaml", "a.table.csv", "a.scenarios.yaml"])
def test_nobody_waits_for_a_pipe(folder: Path, name: str) -> None:
    os.mkfifo(folder / name)
    code, told = run(".")
    assert (code, told[0]) == (1, f"{name}:1:1: cannot be read: it is no file")


def test_scenarios_that_cannot_be_read_are_a_mistake(folder: Path) -> None:
    (folder / "a.scenarios.yaml").mkdir()
    code, told = run(".")
    assert (code, told[0]) == (1, "a.scenarios.yaml:1:1: cannot be read: Is a directory")


def test_a_day_to_simulate_is_checked_against_the_floor_beside_it(folder: Path) -> None:
    day = "calls: {cards: {an_hour: 9, talk: 3m}}\nagents: {'1001': {missed: 0}}\n"
    (folder / "monday.day.yaml").write_text(day)
    assert run(".")[0] == 0, "without a floor nothing is known about a day"
    floor = "queues: {cards: {}, loans: {}}\nagents: {'1001': {queues: [cards]}}\n"
    (folder / "floor.yaml").write_text(floor)
    assert run(".")[0] == 0
    (folder / "monday.day.yaml").write_text(day.replace("cards", "carts").replace("3m", "soon"))
    code, told = run("monday.day.yaml")
    assert code == 1
    assert [line.partition(": ")[0] for line in told[:2]] == [
        "monday.day.yaml:1:9",
        "monday.day.yaml:1:35",
    ]
    assert "cards" in told[0]
    assert run(".")[0] == 1


def test_a_mistake_steers_no_terminal(folder: Path) -> None:
    (folder / "x.table.yaml").write_text(
        'key: a\nsecret: ["\\e]0;owned\\a\\u202e"]\nrows: [{a: b}]\n'
    )
    (folder / "\x1b[2J.yaml").write_text("flow: [")
    told = "\n".join(run(".")[1])
    assert "is a secret column" in told
    assert not set("\x1b\a\u202e") & set(told)
