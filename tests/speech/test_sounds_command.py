"""`tieline sounds`: what flows name, what is there, and the rest spoken ahead."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from ivr.cli import sounds as command
from ivr.flow.actions import Ask, Prompt
from ivr.flow.loading import loader
from ivr.flow.running.interpreter import start
from ivr.flow.running.state import Facts
from ivr.speech.manifest import missing_sounds
from ivr.speech.prompts import PromptBook
from ivr.speech.script import fixed_batches, lines

from .conftest import record

FLOW = """
flow: clinic
numbers: ["4001"]
languages: [en, zh]
start: greet
steps:
  greet:
    say:
      - {en: "Welcome.", zh: "欢迎。", sound: greet}
      - {en: "You called {{ dialled }}.", zh: "您拨打了{{ dialled }}。"}
    next: bye
  bye:
    hangup: {en: "Goodbye.", zh: "再见。", sound: bye}
"""

MENU = """
flow: menu
numbers: ["4003"]
start: ask
steps:
  ask:
    menu: "Good day."
    "1": {label: bills, next: bye}
    "2": {label: rest, say: "Or press 2.", next: bye}
    otherwise: bye
  bye: {hangup: "Goodbye."}
"""

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "clinic.yaml").write_text(FLOW, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TIELINE_SOUNDS", str(folder / "own"))
    app = typer.Typer()
    command.register(app)
    app.callback()(lambda: None)
    return lambda *arguments: CliRunner().invoke(app, ["sounds", *arguments])


def test_fixed_words_are_told_from_those_made_for_each_call(folder: Path) -> None:
    flows = list(loader.load([folder / "flows"]).flows.values())
    said = [(line.prompt.text, line.fixed) for line in lines(flows) if line.prompt.language == "en"]
    assert sorted(said) == [
        ("Goodbye.", True),
        ("Welcome.", True),
        ("You called {{ dialled }}.", False),
    ]
    batches = fixed_batches(flows)
    assert (Prompt("Welcome.", "en", "greet"),) in batches
    assert (Prompt("再见。", "zh", "bye"),) in batches
    assert not any("{{" in prompt.text for batch in batches for prompt in batch)


def test_a_menu_is_spoken_ahead_with_the_sentences_made_of_its_labels(folder: Path) -> None:
    (folder / "flows" / "menu.yaml").write_text(MENU, encoding="utf-8")
    batches = fixed_batches(loader.load([folder / "flows" / "menu.yaml"]).flows.values())
    texts = [tuple(prompt.text for prompt in batch) for batch in batches]
    assert ("Good day.", "For bills, press 1.", "Or press 2.") in texts
    assert ("One moment, please.",) in texts
    assert ("bills",) not in texts


async def test_a_menu_is_found_finished_by_the_first_call(folder: Path, book: PromptBook) -> None:
    (folder / "flows" / "menu.yaml").write_text(MENU, encoding="utf-8")
    flow = loader.load([folder / "flows" / "menu.yaml"]).flows["menu"]
    assert await book.prepare(fixed_batches([flow])) == []
    action = start(flow, Facts(), datetime(2026, 3, 2, tzinfo=UTC)).action
    assert isinstance(action, Ask)
    assert len(action.prompts) == 3
    assert book.cached(action.prompts)


def listed(result: Result) -> dict[tuple[str, str], tuple[str, float | None]]:
    told = json.loads(result.stdout)
    return {(each["name"], each["language"]): (each["state"], each["seconds"]) for each in told}


def test_recordings_that_are_there_missing_broken_and_unused_are_listed(
    run: Run, folder: Path
) -> None:
    record(folder / "own/en/greet.wav", 1.5)
    record(folder / "own/en/old.wav", 0.5)
    record(folder / "own/en/service/away.wav", 0.5)
    (folder / "own/zh").mkdir()
    (folder / "own/zh/greet.wav").write_bytes(b"not sound")
    result = run("list", "--json")
    assert listed(result) == {
        ("greet", "en"): ("recorded", 1.5),
        ("greet", "zh"): ("unreadable", None),
        ("bye", "en"): ("spoken", None),
        ("bye", "zh"): ("spoken", None),
        ("old", "en"): ("unused", None),
    }
    assert result.exit_code == 1
    assert set(listed(run("list", "--json", "--missing", "-l", "zh"))) == {
        ("greet", "zh"),
        ("bye", "zh"),
    }


def test_the_list_measures_length_and_level(run: Run, folder: Path) -> None:
    record(folder / "own/en/greet.wav", 1.5, dbfs=-33.0)
    (told,) = [each for each in json.loads(run("list", "--json").stdout) if each["seconds"]]
    assert (told["seconds"], told["dbfs"]) == (1.5, -33.0)
    assert told["path"].endswith("own/en/greet.wav")
    assert "-33.0" in run().stdout


def test_what_is_missing_is_a_failure_only_when_that_is_asked_for(run: Run) -> None:
    assert run("list").exit_code == 0
    assert run("list", "--strict").exit_code == 1


def test_the_list_tells_where_a_recording_is_named(run: Run) -> None:
    result = run()
    assert result.exit_code == 0
    assert "clinic.yaml:9" in result.stdout
    assert "spoken: no recording: the engine speaks the words" in result.stdout
    assert "en: 0 of 2 recorded" in result.stdout
    assert "2 lines without a name for a recording" in result.stdout


def test_one_recording_for_different_words_is_told(run: Run, folder: Path) -> None:
    other = FLOW.replace("Goodbye.", "So long.").replace("clinic", "other").replace("4001", "4002")
    (folder / "flows" / "other.yaml").write_text(other, encoding="utf-8")
    assert (
        "bye (en): clinic.yaml:13 and other.yaml:13 name one recording for different words"
        in " ".join(run().stdout.split())
    )


def test_a_recording_that_is_named_and_missing_is_known_with_its_line(folder: Path) -> None:
    library = loader.load([folder / "flows"])
    record(folder / "own/en/greet.wav", 0.5)
    record(folder / "own/zh/bye.wav", 0.5)
    missing = missing_sounds(library, folder / "own")
    assert [(line.prompt.sound, line.prompt.language, line.place.line) for line in missing] == [
        ("greet", "zh", 9),
        ("bye", "en", 13),
    ]


def test_a_voice_actor_gets_every_file_with_its_words(run: Run, folder: Path) -> None:
    record(folder / "own/en/greet.wav", 0.5)
    assert run("script", "-l", "en").stdout == (
        "en: 2 to read\n\n  en/greet.wav\n      Welcome.\n\n  en/bye.wav\n      Goodbye.\n\n"
    )
    rows = list(csv.reader(run("script", "--csv", "--missing").stdout.splitlines()))
    assert rows == [
        ["language", "file", "words", "where", "state"],
        ["zh", "zh/greet.wav", "欢迎。", "clinic.yaml:9", "spoken"],
        ["en", "en/bye.wav", "Goodbye.", "clinic.yaml:13", "spoken"],
        ["zh", "zh/bye.wav", "再见。", "clinic.yaml:13", "spoken"],
    ]
    service = run("script", "--service", "-l", "zh").stdout
    assert "zh/service/goodbye.wav\n      感谢您的来电，再见。" in service
    assert "Nothing to read" in run("script", "-l", "fr").stdout


def test_rendering_speaks_everything_fixed_ahead(run: Run, folder: Path) -> None:
    result = run("render")
    assert result.exit_code == 0, result.output
    assert "prompts are ready" in result.stdout
    assert len(list((folder / ".tieline/data/prompts").glob("*.wav"))) >= 4


@pytest.mark.parametrize("command", [(), ("list",), ("script",), ("render",)])
def test_every_command_shows_how_it_is_used(run: Run, command: tuple[str, ...]) -> None:
    assert "tieline sounds" in run(*command, "--help").stdout
