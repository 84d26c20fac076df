from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ivr.errors import ConfigError
from ivr.secrets import Secrets


def test_secrets_are_random_for_each_installation_and_stable_afterwards(tmp_path: Path) -> None:
    one, other = Secrets(tmp_path / "one"), Secrets(tmp_path / "other")
    first = (one.ami_secret, one.console_token, one.agent_password("1001"))
    assert len({*first, one.agent_password("1002")}) == 4
    again = Secrets(tmp_path / "one")
    assert (again.ami_secret, again.console_token, again.agent_password("1001")) == first
    assert other.ami_secret != one.ami_secret


def test_secrets_are_safe_in_configuration_files(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    values = [secrets.ami_secret, *(secrets.agent_password(str(n)) for n in range(20))]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{16,}", value) for value in values)


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "home")
    known = secrets.ami_secret
    file = tmp_path / "home/secrets.json"
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    assert secrets.ami_secret == known
    assert file.stat().st_mode & 0o777 == 0o600


def test_two_processes_that_ask_at_once_get_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        given = set(pool.map(lambda _: Secrets(tmp_path).ami_secret, range(32)))
    assert len(given) == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"ami": 7}'])
def test_a_damaged_file_is_told_and_never_overwritten(tmp_path: Path, content: str) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(content)
    with pytest.raises(ConfigError, match="restore it, or delete it"):
        _ = Secrets(tmp_path).ami_secret
    assert file.read_text() == content


def test_a_failed_write_leaves_the_old_secrets_and_no_scrap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = Secrets(tmp_path)
    known = secrets.ami_secret

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(json, "dump", full)
    with pytest.raises(OSError, match="no space left"):
        secrets.agent_password("1001")
    assert secrets.ami_secret == known
    assert not list(tmp_path.glob(".secrets-*"))
