"""The designer's tools: try, test, check and secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ivr.channels.text import Conversation, moment_of
from ivr.cli import flows
from ivr.errors import ConfigError
from ivr.flow.actions import Ask, Queue
from ivr.flow.errands import Identify
from ivr.flow.loading.loader import load
from ivr.flow.loading.tables import Table, parse_table, verify
from ivr.flow.loading.yaml import Problems
from ivr.plans import load_plan
from ivr.rehearsal.house import pretended_house
from ivr.rehearsal.playing import play
from ivr.rehearsal.scenario import read_scenarios
from tests.flow.flows import FLOWS, NOW, SMALL

APP = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
flows.register(APP)


def run(*arguments: str, typed: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(APP, list(arguments), input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def conversation() -> Conversation:
    library = load([FLOWS])
    flow = library.flows["bank"]
    return Conversation(flow, pretended_house(library, flow, {}), NOW)


def test_keys_pressed_ahead_go_to_the_questions_that_follow() -> None:
    call = conversation()
    assert call.press("12123456784321") == ""
    assert call.state.verified
    assert isinstance(call.waiting, Ask)


def test_keys_that_nothing_asks_for_are_given_back() -> None:
    call = conversation()
    assert call.press("1199") == "99"
    assert isinstance(call.waiting, Queue)


def test_silence_and_waiting_move_the_clock() -> None:
    call = conversation()
    call.silence()
    assert (call.now - NOW).total_seconds() == 4
    call.press("11")
    call.leave_queue("timeout")
    assert (call.now - NOW).total_seconds() == 604


def test_a_bare_time_is_in_the_zone_of_the_flow() -> None:
    clinic = load([FLOWS]).flows["clinic"]
    assert moment_of("2026-03-02 10:00", clinic).isoformat() == "2026-03-02T10:00:00+08:00"
    assert moment_of("2026-03-02T10:00+00:00", clinic).isoformat() == "2026-03-02T10:00:00+00:00"


# --- the commands ----------------------------------------------------------------------------


def test_check_tells_a_good_folder_in_one_line() -> None:
    code, told = run("check", str(FLOWS))
    *notes, verdict = told.splitlines()
    assert code == 0
    assert verdict.endswith("steps: no mistakes")
    assert all(note.startswith("note: ") for note in notes)


def test_check_lists_every_mistake_as_a_line_and_as_json(tmp_path: Path) -> None:
    broken = tmp_path / "small.yaml"
    broken.write_text(SMALL.replace("next: agree\n", "next: agre\n"))
    (tmp_path / "small.table.yaml").write_text("key: account\nsecret: [pin]\nrows: []")
    (tmp_path / "small.scenarios.yaml").write_text("flow: small\nscenarios: [{nmae: x}]")
    code, told = run("check", str(tmp_path))
    assert code == 1
    assert f'{broken}:26:11: unknown step "agre" (did you mean "agree"?)\n' in told
    assert told.endswith("3 mistakes in 2 files\n")
    code, told = run("check", str(broken), "--json")
    assert code == 1
    assert json.loads(told)["problems"] == [
        {
            "file": str(broken),
            "line": 26,
            "column": 11,
            "message": 'unknown step "agre"',
            "cure": 'did you mean "agree"?',
        }
    ]


TAKEN = """\
flow: x
numbers: ["1001", "4102", "*41", "+4000", "7", "4001"]
start: a
steps: {a: {queue: billing, otherwise: b}, b: {hangup: Bye.}}
"""


def test_check_tells_the_numbers_that_run_would_refuse(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(TAKEN)
    floor = tmp_path / "floor.yaml"
    floor.write_text('queues: {billing: {number: "4102"}}\nagents: {"1001": {name: Ana}}')
    code, told = run("check", str(tmp_path))
    assert code == 1
    assert [line.removeprefix(f"{tmp_path}/x.yaml:") for line in told.splitlines()] == [
        "2:11: 1001 is an agent's extension (give the flow its own)",
        "2:19: 4102 is the number of the queue billing (give the flow its own)",
        '2:27: nobody can dial "*41" (a number is 2 to 15 digits)',
        '2:34: nobody can dial "+4000" (a number is 2 to 15 digits)',
        '2:43: nobody can dial "7" (a number is 2 to 15 digits)',
        "5 mistakes in 1 file",
    ]
    with pytest.raises(ConfigError) as refused:
        load_plan(tmp_path, floor)
    assert [str(each) for each in refused.value.problems] == told.splitlines()[:-1]


def test_check_tells_what_it_could_not_check_and_what_nobody_can_dial(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(TAKEN.replace(TAKEN.splitlines()[1], ""))
    code, told = run("check", str(tmp_path))
    assert code == 0
    assert told.splitlines() == [
        f"note: {tmp_path}/x.yaml: no number: nobody can dial it, and no flow runs it",
        "note: there is no floor.yaml: queues and skills were not checked",
        "1 flow, 2 steps: no mistakes",
    ]


def test_try_shows_prompts_decisions_and_fields_but_no_secret() -> None:
    keys = "1,2,12345678,4321,1"
    code, shown = run("try", str(FLOWS / "bank.yaml"), "--keys", keys, "--queue", "timeout")
    assert code == 0
    for told in (
        "For English, press 1.",
        "account = 12345678",
        "pin = •••",
        "Thank you, Mei Lin.",
        "queue cards, needs cards:3, english:3, priority 10",
        "left the queue: timeout",
        "the call ends",
    ):
        assert told in shown
    assert "4321" not in shown


def test_try_takes_the_time_the_number_and_the_language() -> None:
    at = ("--at", "2026-03-01 23:00", "--from", "02087654321", "--language", "zh")
    code, shown = run("try", str(FLOWS / "clinic.yaml"), *at, "--keys", "2,2")
    assert code == 0
    assert "明天上午8点开门" in shown
    assert "from 02087654321" in shown


def test_try_ends_when_the_input_does() -> None:
    code, shown = run("try", str(FLOWS / "clinic.yaml"), "--at", "2026-03-02 10:00", typed="1\n")
    assert code == 0
    assert "For appointments, press 1." in shown
    assert "the caller hangs up" in shown


@pytest.mark.parametrize(
    "wrong",
    [("--at", "noon"), ("--language", "fr"), ("--queue", "lost")],
)
def test_try_refuses_what_it_cannot_pretend(wrong: tuple[str, str]) -> None:
    code, told = run("try", str(FLOWS / "clinic.yaml"), *wrong)
    assert code == 2
    assert wrong[0] in told


def test_test_plays_all_scenarios() -> None:
    code, told = run("test", str(FLOWS))
    assert code == 0
    assert told.endswith(": all passed\n")


FAILING = """\
flow: small
scenarios:
  - name: goes wrong
    steps:
      - press: "0"
      - expect: {queue: other, needs: {desk: 2}}
  - name: presses where nothing asks
    steps:
      - press: "0"
      - press: "1"
"""


def test_a_scenario_that_fails_shows_what_was_wanted_what_came_and_where(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "small.table.yaml").write_text("key: account\nsecret: [pin]\nrows: []")
    (tmp_path / "small.scenarios.yaml").write_text(FAILING)
    code, told = run("test", str(tmp_path))
    assert code == 1
    assert f"{tmp_path}/small.scenarios.yaml:6:9\n" in told
    assert "- expected  queue other\n" in told
    assert "+ got       queue desk\n" in told
    assert "- expected  press at a question\n" in told
    assert "+ got       the call is in queue desk\n" in told
    assert told.endswith("2 scenarios in 4 conversations: 4 failed\n")


@pytest.mark.parametrize(
    ("expect", "got"),
    [
        ("{prompt: Welcome}", "prompt Pay 1, ask 2."),
        ("{hangup: true}", "the call is at a question"),
        ("{fields: {reason: pay}}", "fields {reason: (not set)}"),
        ("{verified: true}", "verified false"),
        ("{step: bye}", "step menu"),
        ("{voicemail: box}", "the call is at a question"),
    ],
)
def test_each_expectation_tells_what_came_instead(expect: str, got: str, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "small.table.yaml").write_text("key: account\nsecret: [pin]\nrows: []")
    problems = Problems()
    source = f"flow: small\nscenarios: [{{name: x, steps: [{{expect: {expect}}}]}}]"
    (scenario,) = read_scenarios(source, "x", problems)
    failure = play(scenario, load([tmp_path]))
    assert failure is not None
    assert failure.got == got


def test_a_scenario_file_with_mistakes_is_refused_with_all_of_them() -> None:
    problems = Problems()
    source = (
        "flow: x\nscenarios:\n"
        "  - {name: a, at: noon, steps: [wiat, {press: 1a}, {queue: lost}, {push: 1}]}\n"
        "  - {name: b, steps: [{expect: {promt: x}}]}\n"
    )
    read_scenarios(source, "x", problems)
    with pytest.raises(ConfigError) as refused:
        problems.raise_if_any()
    assert len(refused.value.problems) == 6


def test_secret_makes_a_hash_that_a_table_takes() -> None:
    code, told = run("secret", typed="2468\n")
    assert code == 0
    (hashed,) = told.splitlines()
    problems = Problems()
    source = f"key: a\nsecret: [pin]\nrows: [{{a: '1', pin: '{hashed}'}}]"
    table = parse_table(source, "x.table.yaml", problems)
    assert isinstance(table, Table)
    assert not problems.found
    assert verify(table, Identify("x", {"a": "1", "pin": "2468"})).ok
