"""`tieline schema` prints the language, and sets up an editor without breaking what is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivr.cli import main
from ivr.errors import IvrError
from ivr.flow.grammar import tables
from ivr.flow.grammar.schema import schema


def run(*arguments: str) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(main._app(), ["schema", *arguments])
    return result.exit_code, result.output, result.exception


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIELINE_CONFIG", raising=False)
    (tmp_path / "flows").mkdir()
    return tmp_path


def settings(folder: Path) -> dict[str, object]:
    found = json.loads((folder / ".vscode" / "settings.json").read_text())
    assert isinstance(found, dict)
    return found


def test_the_schema_is_printed_or_written(here: Path) -> None:
    code, told, _ = run()
    assert (code, json.loads(told)) == (0, schema())
    assert run("-o", "some/where.json")[:2] == (0, "wrote some/where.json\n")
    assert json.loads((here / "some" / "where.json").read_text()) == schema()


def test_the_reference_is_printed(here: Path) -> None:
    assert run("--reference")[:2] == (0, tables.text())


def test_an_editor_is_set_up(here: Path) -> None:
    code, told, _ = run("--editor")
    assert code == 0
    assert told.count("wrote ") == 2
    [(file, patterns)] = settings(here)["yaml.schemas"].items()  # type: ignore[attr-defined]  # JSON
    assert json.loads((here / file).read_text()) == schema()
    assert len(patterns) == 1
    assert patterns[0].endswith("flows/*.yaml")


def test_what_the_editor_is_told_otherwise_stays(here: Path) -> None:
    file = here / ".vscode" / "settings.json"
    file.parent.mkdir()
    file.write_text('{"editor.tabSize": 2, "yaml.schemas": {"other.json": "x/*.yaml"}, "中": "文"}')
    assert run("--editor")[0] == 0
    once = file.read_text()
    kept = settings(here)
    assert list(kept) == ["editor.tabSize", "yaml.schemas", "中"]
    assert kept["yaml.schemas"]["other.json"] == "x/*.yaml"  # type: ignore[index]  # JSON
    assert run("--editor")[0] == 0
    assert file.read_text() == once


@pytest.mark.parametrize("odd", ['{"a": 1, // why\n}', "[1]", '{"yaml.schemas": [1]}', "\x00"])
def test_settings_that_cannot_be_read_stay_as_they_are(here: Path, odd: str) -> None:
    file = here / ".vscode" / "settings.json"
    file.parent.mkdir()
    file.write_text(odd)
    code, _, error = run("--editor")
    assert code == 1
    assert "settings.json" in str(error)
    assert file.read_text() == odd
    assert [each.name for each in file.parent.iterdir()] == ["settings.json"]


def test_a_file_of_somebody_else_is_not_overwritten(here: Path) -> None:
    flow = here / "flows" / "clinic.yaml"
    flow.write_text("flow: clinic\n")
    code, _, wrong = run("-o", str(flow))
    assert code == 1
    assert str(wrong) == f"{flow} is another file: name a new one, or delete it first"
    assert flow.read_text() == "flow: clinic\n"
    assert [each.name for each in flow.parent.iterdir()] == ["clinic.yaml"]


def test_an_older_schema_is_replaced(here: Path) -> None:
    (here / "a.json").write_text(run()[1][:300])
    assert run("-o", "a.json")[0] == 0
    assert json.loads((here / "a.json").read_text()) == schema()


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', "[" * 100_000])
def test_settings_that_cannot_be_written_again_stay(here: Path, text: str) -> None:
    file = here / ".vscode" / "settings.json"
    file.parent.mkdir()
    file.write_text(text)
    code, _, wrong = run("--editor")
    assert (code, type(wrong)) == (1, IvrError)
    assert [each.name for each in file.parent.iterdir()] == ["settings.json"]
    assert file.read_text() == text
