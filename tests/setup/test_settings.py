from __future__ import annotations

from pathlib import Path

import pytest

from ivr.errors import ConfigError
from ivr.resources import flows_dir, sounds_dir
from ivr.settings import Settings, load_settings


def refusals(folder: Path, text: str = "", **env: str) -> list[str]:
    if text:
        (folder / "tieline.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_settings(env=env, cwd=folder)
    return [str(problem).replace(f"{folder}/", "") for problem in refused.value.problems]


def test_an_empty_folder_is_a_complete_installation(tmp_path: Path) -> None:
    settings = load_settings(env={}, cwd=tmp_path)
    assert settings.bind == "127.0.0.1"
    assert settings.home == tmp_path / ".tieline"
    assert settings.run_dir == tmp_path / ".tieline/run"
    assert settings.records_url == f"sqlite+aiosqlite:///{tmp_path}/.tieline/data/records.sqlite"
    assert settings.flows == flows_dir()
    assert settings.floor == flows_dir() / "floor.yaml"
    assert settings.sounds == sounds_dir()
    assert settings.fallback_number is None
    assert settings.sources == ()


def test_an_empty_file_means_every_default(tmp_path: Path) -> None:
    (tmp_path / "tieline.yaml").write_text("# nothing yet\n")
    assert load_settings(env={}, cwd=tmp_path) == load_settings(env={}, cwd=tmp_path)


def test_the_folder_of_flows_in_place_wins_over_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    settings = load_settings(env={}, cwd=tmp_path)
    assert settings.flows == tmp_path / "flows"
    assert settings.floor == tmp_path / "flows/floor.yaml"


def test_paths_in_a_file_are_relative_to_that_file(tmp_path: Path) -> None:
    elsewhere = tmp_path / "etc"
    elsewhere.mkdir()
    (elsewhere / "line.yaml").write_text("home: state\nflows: ../calls\ncache: ~/c\n")
    settings = load_settings(elsewhere / "line.yaml", env={}, cwd=tmp_path)
    assert settings.home == elsewhere / "state"
    assert settings.flows == tmp_path / "calls"
    assert settings.cache == Path.home() / "c"


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    (tmp_path / "tieline.yaml").write_text("sip_port: 5070\nhome: from-file\nlog_level: error\n")
    env = {"TIELINE_SIP_PORT": "5080", "TIELINE_HOME": "from-env", "TIELINE_BIND": ""}
    settings = load_settings(env=env, cwd=tmp_path)
    assert settings.sip_port == 5080
    assert settings.home == tmp_path / "from-env"
    assert settings.log_level == "error"
    assert settings.bind == "127.0.0.1"
    file = str(tmp_path / "tieline.yaml")
    assert set(settings.sources) == {file, "TIELINE_SIP_PORT", "TIELINE_HOME"}


def test_a_file_named_in_the_environment_is_read_unless_one_is_given(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("sip_port: 5071\n")
    (tmp_path / "b.yaml").write_text("sip_port: 5072\n")
    env = {"TIELINE_CONFIG": "a.yaml"}
    assert load_settings(env=env, cwd=tmp_path).sip_port == 5071
    assert load_settings(Path("b.yaml"), env=env, cwd=tmp_path).sip_port == 5072


def test_a_missing_file_that_was_named_is_an_error(tmp_path: Path) -> None:
    (told,) = refusals(tmp_path, TIELINE_CONFIG="nowhere.yaml")
    assert told.startswith("nowhere.yaml: there is no such settings file")


def test_an_unknown_key_is_refused_with_the_likely_one(tmp_path: Path) -> None:
    assert refusals(tmp_path, "bind: 127.0.0.1\nsip-port: 5060\n") == [
        "tieline.yaml:2:1: unknown setting 'sip-port' (did you mean sip_port?)"
    ]
    (told,) = refusals(tmp_path, "zzz: 1\n")
    assert "(known: bind, sip_port, " in told
    assert "folder" not in told


def test_an_unknown_variable_is_refused_with_the_likely_one(tmp_path: Path) -> None:
    assert refusals(tmp_path, TIELINE_SIPPORT="1", TIELINE_DEBUG="1") == [
        "TIELINE_SIPPORT: unknown environment variable (did you mean TIELINE_SIP_PORT?)"
    ]


def test_every_mistake_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    text = "bind: phones\nrtp_end: 70000\nhome: [a]\nlog_level: loud\n"
    told = refusals(tmp_path, text, TIELINE_AMI_PORT="zero")
    assert [line.split(": ")[0] for line in told] == [
        "tieline.yaml:1:1",
        "tieline.yaml:2:1",
        "TIELINE_AMI_PORT",
        "tieline.yaml:3:1",
        "tieline.yaml:4:1",
    ]
    assert "bind: 'phones' is not an IP address (it is an IP address phones reach" in told[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sip_port: 1\nsip_port: 2\n", "sip_port is set twice"),
        ("agi_port: 5038\n", "agi_port and ami_port are both 5038"),
        ("sip_port: 10500\n", "sip_port 10500 lies inside rtp_start to rtp_end"),
        ("rtp_end: 10001\n", "too short a range"),
        ("- a\n", "write `key: value` lines"),
        ("bind: [\n", "not valid YAML"),
        ("fallback_number: 0612345670\n", "write the number in quotes"),
        ('fallback_number: "1\\nexten"\n', "not a number that can be dialled"),
        ("records_url: records.sqlite\n", "an SQLAlchemy URL"),
        ("patience_before_fallback: 0\n", "whole seconds"),
        ("home: !!python/object:os.system x\n", "not valid YAML"),
    ],
)
def test_a_value_that_cannot_work_is_refused(tmp_path: Path, text: str, told: str) -> None:
    assert told in refusals(tmp_path, text)[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{client_id: t}", "oidc: issuer: Field required"),
        ("{issuer: 'http://id.example.org', client_id: t}", "oidc: issuer: an issuer begins with"),
        ("{issuer: 'https://id/?a=1', client_id: t}", "oidc: issuer: an issuer is an address"),
        ("{issuer: 'https://id', client_id: t, client_secret: x}", "oidc: client_secret: Extra"),
        ("{issuer: 'https://id', client_id: t, scopes: [email]}", "scopes must have openid"),
        ("{issuer: 'https://id', client_id: t, new_accounts: true}", "new_accounts needs roles"),
        ("{issuer: 'https://id', client_id: t, roles: {a: agent}}", "roles_claim go together"),
        (
            "{issuer: 'https://id', client_id: t, roles_claim: g, roles: {a: king}}",
            "oidc: roles: a: Input should be 'agent'",
        ),
    ],
)
def test_an_identity_provider_is_told_whole_and_safe(tmp_path: Path, text: str, told: str) -> None:
    (refused,) = refusals(tmp_path, f"oidc: {text}\n")
    assert told in refused
    assert "it is an identity provider that people sign in with" in refused


def test_an_identity_provider_may_be_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "tieline.yaml").write_text(
        "oidc: {issuer: 'http://127.0.0.1:8080/realms/x', client_id: tieline}\n"
    )
    oidc = load_settings(env={}, cwd=tmp_path).oidc
    assert oidc is not None
    assert (oidc.title, oidc.account_claim, oidc.new_accounts) == ("127.0.0.1", "email", False)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tieline.yaml").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refusals(tmp_path)[0]


def test_a_null_in_the_file_means_the_default(tmp_path: Path) -> None:
    (tmp_path / "tieline.yaml").write_text("asterisk: ~\nfallback_number:\n")
    assert load_settings(env={}, cwd=tmp_path).asterisk is None


def test_the_cache_follows_the_desktop_convention(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Settings().cache == tmp_path / "tieline"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert Settings().cache == Path.home() / ".cache/tieline"
