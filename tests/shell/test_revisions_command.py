"""`tieline reload`, `rollback`, `revisions` and `diff`, as somebody types them."""

from __future__ import annotations

import asyncio
import io
import json
import stat
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from ivr.asterisk.provision import Tool, Toolchain
from ivr.cli import revisions
from ivr.cli.server import show_banner
from ivr.errors import IvrError
from ivr.plans import NoSuchRevision
from ivr.revisions import Author, login_name
from ivr.settings import Settings, load_settings
from ivr.site import build_site
from ivr.start import begin, begin_with, revisions_of
from tests.shell.house import FLOOR, FLOW, House


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation whose service has started twice, over other files each time."""
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "floor.yaml").write_text(FLOOR)
    (flows / "line.yaml").write_text(FLOW)
    home = {"TIELINE_HOME": str(tmp_path / "home"), "TIELINE_FLOWS": str(flows)}
    made = load_settings(env=home, cwd=tmp_path)
    monkeypatch.setattr(revisions, "load_settings", lambda: made)
    begin(made)
    (flows / "line.yaml").write_text(FLOW.replace('"Well?", "1": bye', '"Well?", "1": greet'))
    begin_with(flows, made.floor, revisions_of(made), Author("lisa", "nobody is here"))
    return made


def run(*arguments: str) -> Result:
    app = typer.Typer()
    revisions.register(app)
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "120"})


@pytest.mark.usefixtures("settings")
def test_revisions_are_listed_with_who_why_and_what() -> None:
    lines = [line.rstrip() for line in run("revisions").output.splitlines()]
    assert "->" in lines[1]
    assert lines[1].split()[1] == "2"
    assert "lisa" in lines[1]
    assert lines[1].endswith("nobody is here")
    assert lines[2].endswith("flow line: menu `after`: key 1 goes to `greet` instead of `bye`")
    assert any(line.split()[:1] == ["1"] and login_name() in line for line in lines)


@pytest.mark.usefixtures("settings")
def test_the_list_is_there_for_machines_too() -> None:
    rows = json.loads(run("revisions", "--json", "-n", "1").output)
    assert [(row["number"], row["who"], row["in_force"]) for row in rows] == [(2, "lisa", True)]


@pytest.mark.usefixtures("settings")
def test_one_revision_is_shown_with_all_it_changed() -> None:
    shown = run("revisions", "show", "2").output
    assert "by lisa: nobody is here" in shown
    assert "Revision 2 is in force, put in force by lisa" in shown
    assert "   flow line: menu `after`: key 1 goes to `greet` instead of `bye`" in shown
    assert shown.endswith("Files: floor.yaml, line.yaml\n")
    assert isinstance(run("revisions", "show", "9").exception, NoSuchRevision)


@pytest.mark.usefixtures("settings")
def test_the_files_of_a_revision_come_back_into_a_folder_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    assert run("revisions", "show", "1", "--to", str(folder)).exit_code == 0
    assert (folder / "line.yaml").read_text() == FLOW
    assert stat.S_IMODE((folder / "line.yaml").stat().st_mode) == 0o600
    again = run("revisions", "show", "1", "--to", str(folder))
    assert isinstance(again.exception, IvrError), "nothing is written over"


def test_diff_tells_what_a_reload_would_change(settings: Settings) -> None:
    assert run("diff").output == "No difference between what is in force and the files.\n"
    (settings.flows / "line.yaml").write_text(FLOW)
    assert run("diff").output == (
        "flow line: menu `after`: key 1 goes to `bye` instead of `greet`\n"
    )


@pytest.mark.usefixtures("settings")
def test_diff_compares_any_two() -> None:
    there = "flow line: menu `after`: key 1 goes to `greet` instead of `bye`\n"
    assert run("diff", "1").output == there
    assert run("diff", "1", "2").output == there
    assert run("diff", "1", "files").output == there
    assert "`bye` instead of `greet`" in run("diff", "files", "1").output
    assert isinstance(run("diff", "7").exception, NoSuchRevision)
    assert "write a number" in str(run("diff", "yesterday").exception)


def test_before_the_first_start_there_is_nothing_to_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = load_settings(env={"TIELINE_HOME": str(tmp_path / "home")}, cwd=tmp_path)
    monkeypatch.setattr(revisions, "load_settings", lambda: made)
    assert "No revision yet" in run("revisions").stderr
    assert "nothing was ever in force" in str(run("diff").exception)
    assert not (tmp_path / "home").exists()


async def test_who_reloads_from_a_shell_is_known_by_name(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "load_settings", lambda: house.settings)
    (house.flows / "line.yaml").write_text(FLOW.replace("Hi.", "Hello."))
    done = await asyncio.to_thread(run, "reload", "-m", "friendlier/shorter")
    assert 'menu `greet`: words in en: "Hi." -> "Hello."' in done.output
    kept = revisions_of(house.settings)
    newest = kept.all()[0]
    assert (newest.who, newest.note) == (login_name(), "friendlier/shorter")
    done = await asyncio.to_thread(run, "rollback", "1", "-m", "too friendly")
    assert "taken again by: tieline do reload" in done.output
    force = kept.in_force()
    assert force is not None
    assert (force.number, force.who, force.note) == (1, login_name(), "too friendly")
    listed = " ".join((await asyncio.to_thread(run, "revisions")).output.split())
    assert f"Revision 1 is in force, rolled back to by {login_name()}" in listed


def test_the_start_screen_says_what_is_in_force_instead_of_the_files(settings: Settings) -> None:
    (settings.flows / "line.yaml").write_text("flow: [")
    plan = begin(settings)
    tool = Tool("asterisk", ("asterisk",), {}, "22.10.1", Path("/"), "test")
    chain = Toolchain(tool, settings.home / "modules", settings.home / "data", ())
    site = build_site(settings, chain, plan.floor, plan.numbers)
    screen = io.StringIO()
    show_banner(Console(file=screen, width=200), settings, site, plan)
    told = screen.getvalue()
    assert "Revision 2 is in force, not the files: they had 1 mistake" in told
    assert "tieline do reload" in told
