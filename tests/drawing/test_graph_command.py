"""`tieline graph`, as somebody types it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner, Result

from ivr.cli import graph, revisions
from ivr.errors import IvrError
from tests.flow.flows import FLOWS, SMALL


@pytest.fixture(autouse=True)
def flows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIELINE_FLOWS", str(FLOWS))


def run(*arguments: str) -> Result:
    app = typer.Typer()
    graph.register(app)
    revisions.register(app)  # a second command, so that the first keeps its name
    return CliRunner().invoke(app, ["graph", *arguments])


def test_without_a_file_mermaid_text_is_printed() -> None:
    assert run("clinic").stdout.startswith("flowchart TD\n")


@pytest.mark.parametrize(
    ("name", "begins"), [("x.mmd", "flowchart TD\n"), ("x.md", "```mermaid\nflowchart TD\n")]
)
def test_mermaid_is_written_as_the_files_name_says(tmp_path: Path, name: str, begins: str) -> None:
    file = tmp_path / name
    assert run("clinic", "-o", str(file)).stdout == f"{file}: 13 steps\n"
    assert file.read_text(encoding="utf-8").startswith(begins)


def test_svg_is_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "clinic.svg"
    assert run("clinic", "-o", str(file), "-l", "zh").exit_code == 0
    root = ElementTree.parse(file).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "很抱歉，现在没有人能接听。" in "".join(root.itertext())


def test_a_flow_is_drawn_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "small.table.yaml").write_text("key: account\nsecret: [pin]\nrows: []\n")
    drawn = run(str(tmp_path / "small.yaml"))
    assert "calls to 4000" in drawn.stdout, drawn.exception


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("clinik",), "Did you mean clinic?"),
        (("clinic", "-l", "fr"), "does not speak 'fr': en, zh"),
        (("clinic", "-o", "x.pdf"), "name it .svg"),
        (("clinic", "-o", "/nowhere/x.mmd"), "cannot be written"),
    ],
)
def test_what_cannot_be_is_told_with_what_can(arguments: tuple[str, ...], told: str) -> None:
    done = run(*arguments)
    assert isinstance(done.exception, IvrError)
    assert told in str(done.exception)


@pytest.mark.parametrize("name", ["README.md", "logo.svg"])
def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("<svg/>")
    result = run("clinic", "-o", str(file))
    assert isinstance(result.exception, IvrError)
    assert "is another file" in str(result.exception)
    assert file.read_text() == "<svg/>"


def test_a_picture_is_drawn_anew_in_its_place(tmp_path: Path) -> None:
    file = tmp_path / "clinic.mmd"
    assert run("clinic", "-o", str(file)).exit_code == 0
    assert run("bank", "-o", str(file)).exit_code == 0
    assert "calls to 4002" in file.read_text()
