"""`tieline sounds`: what flows name, what is there, and the rest spoken ahead."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from ivr.cli import sounds as command
from ivr.flow import loader
from ivr.flow.actions import Prompt
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


def test_recordings_that_are_there_missing_broken_and_unused_are_listed(
    run: Run, folder: Path
) -> None:
    record(folder / "own/en/greet.wav", 1.5)
    record(folder / "own/en/old.wav", 0.5)
    record(folder / "own/en/service/away.wav", 0.5)
    (folder / "own/zh").mkdir()
    (folder / "own/zh/greet.wav").write_bytes(b"not sound")
    result = run("--json")
    found = {
        (s["name"], s["language"]): (s["state"], s["seconds"]) for s in json.loads(result.stdout)
    }
    assert found == {
        ("greet", "en"): ("recorded", 1.5),
        ("greet", "zh"): ("unreadable", None),
        ("bye", "en"): ("spoken", None),
        ("bye", "zh"): ("spoken", None),
        ("old", "en"): ("unused", None),
    }
    assert result.exit_code == 1


def test_the_list_tells_where_a_recording_is_named(run: Run) -> None:
    result = run()
    assert result.exit_code == 0
    assert "clinic.yaml:9" in result.stdout
    assert "spoken: no recording: the engine speaks the words" in result.stdout
    assert "2 lines without a name for a recording" in result.stdout


def test_rendering_speaks_everything_fixed_ahead(run: Run, folder: Path) -> None:
    result = run("--render")
    assert result.exit_code == 0, result.output
    assert "prompts are ready" in result.stdout
    assert len(list((folder / ".tieline/data/prompts").glob("*.wav"))) >= 4
