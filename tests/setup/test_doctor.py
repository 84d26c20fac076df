from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from ivr.asterisk.provision import find_asterisk
from ivr.cli import doctor
from ivr.cli.checkup import Check, Listening, examine, port_owner
from ivr.cli.progress import shown_progress
from ivr.revisions import Force
from ivr.settings import Settings, load_settings
from ivr.start import begin, revisions_of
from tests.setup.fake_apt import Machine

FLOW = "flow: clinic\nnumbers: ['4001']\nstart: a\nsteps: {a: {hangup: Bye.}}\n"


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    doctor.register(made)
    return made


@pytest.fixture
def installation(tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with flows and free ports, made the working directory."""
    home = tmp_path / "line"
    (home / "flows").mkdir(parents=True)
    (home / "flows/clinic.yaml").write_text(FLOW)
    (home / "flows/clinic.scenarios.yaml").touch()
    (home / "flows/floor.yaml").write_text('agents: {"1001": {name: Ana}}')
    names = ("sip_port", "agi_port", "ami_port", "console_port", "web_port")
    lines = [f"{name}: {free_port()}\n" for name in names]
    (home / "tieline.yaml").write_text("".join(lines))
    monkeypatch.chdir(home)
    monkeypatch.setenv("TIELINE_CACHE", str(tmp_path / "cache"))
    return home


def found(app: typer.Typer) -> tuple[dict[str, list[dict[str, str]]], int]:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    checks: dict[str, list[dict[str, str]]] = {}
    for check in json.loads(result.stdout):
        checks.setdefault(check["name"], []).append(check)
    return checks, result.exit_code


def test_doctor_says_what_is_missing_and_setup_cures_it(
    installation: Path, app: typer.Typer
) -> None:
    checks, code = found(app)
    bad = {name for name, rows in checks.items() if any(row["state"] == "bad" for row in rows)}
    assert bad == {"Asterisk", "espeak-ng"}
    assert checks["Asterisk"][0]["cure"] == "run `tieline setup`"
    assert code == 1

    done = CliRunner().invoke(app, ["setup"])
    assert done.exit_code == 0
    assert "Downloading asterisk and espeak-ng" in done.stderr
    assert "asterisk 22.10.1 (Debian forky)" in done.stderr

    checks, code = found(app)
    assert code == 0
    assert {row["state"] for rows in checks.values() for row in rows} == {"ok"}
    assert checks["flows"][0]["found"].startswith("clinic (")
    assert checks["running"][0]["found"] == "not running"
    again = CliRunner().invoke(app, ["setup"])
    assert "Downloading" not in again.stderr


def test_the_table_shows_the_cure_beside_the_finding(installation: Path, app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "→ run `tieline setup`" in result.stdout


def test_settings_that_cannot_be_read_are_the_first_finding(
    installation: Path, app: typer.Typer
) -> None:
    (installation / "tieline.yaml").write_text("sipport: 1\nbind: x\n")
    checks, code = found(app)
    assert code == 1
    assert len(checks["settings"]) == 2
    assert "did you mean sip_port?" in checks["settings"][0]["found"]


def test_missing_flows_and_floor_are_told(
    installation: Path, settings: Settings, app: typer.Typer
) -> None:
    for file in (installation / "flows").iterdir():
        file.unlink()
    checks, _ = found(app)
    assert [checks[name][0]["state"] for name in ("flows", "floor")] == ["bad", "bad"]


def test_flows_that_run_would_refuse_are_bad_each_at_its_place(
    installation: Path, app: typer.Typer
) -> None:
    (installation / "flows/clinic.yaml").write_text(FLOW.replace("'4001'", "'1001', '*41'"))
    checks, code = found(app)
    assert code == 1
    assert [
        (row["state"], row["found"].partition("clinic.yaml")[2]) for row in checks["flows"]
    ] == [
        ("bad", ":2:11: 1001 is an agent's extension"),
        ("bad", ':2:19: nobody can dial "*41"'),
    ]


def test_with_a_good_revision_mistakes_in_files_keep_nothing_from_running(
    installation: Path, app: typer.Typer
) -> None:
    settings = load_settings()
    assert found(app)[0]["revisions"][0]["found"].startswith("the first one is kept at")
    begin(settings)
    assert found(app)[0]["revisions"][0]["found"] == "1 is in force"
    (installation / "flows/clinic.yaml").write_text("flow: [")
    checks, _ = found(app)
    assert {row["state"] for row in checks["flows"]} == {"warn"}
    assert "(revision 1 is in force meanwhile)" in checks["flows"][0]["found"]


def test_a_rollback_and_unusable_revisions_are_told(installation: Path, app: typer.Typer) -> None:
    settings = load_settings()
    begin(settings)
    kept = revisions_of(settings)
    kept.put_in_force(Force(1, 0.0, "bob", "too long", rolled_back=True))
    (row,) = found(app)[0]["revisions"]
    assert row["state"] == "warn"
    assert row["found"].startswith("Revision 1 is in force, not the files: bob rolled back")
    kept.path.write_bytes(b"nonsense" * 200)
    (row,) = found(app)[0]["revisions"]
    assert (row["state"], "cannot be used" in row["found"]) == ("bad", True)


def test_secrets_that_cannot_be_read_are_bad(machine: Machine, settings: Settings) -> None:
    assert check_of(settings, "secrets").state == "ok"
    settings.home.mkdir(parents=True)
    (settings.home / "secrets.json").write_text("{")
    check = check_of(settings, "secrets")
    assert (check.state, "cannot be used" in check.found) == ("bad", True)
    assert check.cure.startswith("restore it")


def test_recent_errors_in_the_log_are_counted_as_a_warning(
    machine: Machine, settings: Settings
) -> None:
    settings.log_dir.mkdir(parents=True)
    log = settings.log_dir / "service.log"
    log.write_text("timestamp=1 level=error event=old\n" + "level=info event=x\n" * 200)
    assert check_of(settings, "log").state == "ok"
    with log.open("a") as more:
        more.write("timestamp=2 level=error event=new\n" * 2)
    check = check_of(settings, "log")
    assert (check.state, check.found) == ("warn", "2 errors in the last 200 lines")


def check_of(settings: Settings, name: str) -> Check:
    return next(check for check in examine(settings) if check.name == name)


def test_an_older_asterisk_of_the_machine_is_a_warning(
    machine: Machine, tmp_path: Path, settings: Settings
) -> None:
    prefix = tmp_path / "opt"
    for folder in ("sbin", "lib/asterisk/modules", "share/asterisk/documentation"):
        (prefix / folder).mkdir(parents=True)
    for module in ("res_pjsip.so", "res_agi.so"):
        (prefix / "lib/asterisk/modules" / module).touch()
    machine.program(prefix / "sbin/asterisk", "echo Asterisk 20.9.3")
    named = settings.model_copy(update={"asterisk": prefix / "sbin/asterisk"})
    assert find_asterisk(named) is not None
    check = check_of(named, "Asterisk")
    assert (check.state, "security fixes" in check.cure) == ("warn", True)
    (prefix / "sbin/asterisk").unlink()
    assert check_of(named, "Asterisk").state == "bad"


def test_a_folder_that_cannot_be_written_is_told(
    machine: Machine, tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / "file").touch()
    check = check_of(settings.model_copy(update={"home": tmp_path / "file/home"}), "home")
    assert check.state == "bad"
    assert "setting `home`" in check.cure


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_names_who_has_it(machine: Machine, settings: Settings, taken: int) -> None:
    check = check_of(settings.model_copy(update={"ami_port": taken}), "ami_port")
    assert check.state == "bad"
    assert f"is taken by process {os.getpid()}: " in check.found
    assert check.cure == "stop that program, or set another `ami_port`"


def test_an_address_of_another_machine_is_told(machine: Machine, settings: Settings) -> None:
    check = check_of(settings.model_copy(update={"bind": "192.0.2.1"}), "sip_port")
    assert check.state == "bad"
    assert check.cure == "set `bind` or `sip_port`"


def test_ports_of_both_kinds_are_probed_and_let_go(taken: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        port = phone.getsockname()[1]
        assert Listening("sip_port", "127.0.0.1", port, "udp").refusal() is not None
        owner = port_owner(port, "udp")
        assert owner is not None
        assert owner.pid == os.getpid()
    assert Listening("sip_port", "127.0.0.1", port, "udp").refusal() is None
    assert Listening("agi_port", "127.0.0.1", taken, "tcp").refusal() is not None
    assert port_owner(port, "udp") is None


def test_progress_is_a_bar_on_a_terminal_and_a_line_a_stage_elsewhere() -> None:
    pipe, screen = io.StringIO(), io.StringIO()
    for stream, terminal in ((pipe, False), (screen, True)):
        console = Console(file=stream, force_terminal=terminal, width=80)
        with shown_progress(console) as progress:
            progress("Waiting", None)
            progress("Unpacking", 0.5)
            progress("Unpacking", 0.7)
            progress("Ready", 1.0)
    assert pipe.getvalue() == "Waiting\nUnpacking\n"
    assert "Unpacking" in screen.getvalue()
