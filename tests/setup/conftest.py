from __future__ import annotations

import os
from pathlib import Path

import pytest

from ivr.asterisk import apt, provision
from ivr.settings import Settings
from tests.setup.fake_apt import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A Debian 12 with a mirror and a keyring, without Asterisk or espeak-ng."""
    fake = Machine(tmp_path / "machine")
    fake.asterisk("22.10.1")
    fake.espeak()
    keyring = tmp_path / "keyring.gpg"
    keyring.touch()
    monkeypatch.setenv("PATH", f"{fake.bin}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(fake.folder))
    monkeypatch.setattr(apt, "_KEYRINGS", (str(keyring),))
    monkeypatch.setattr(provision, "_SYSTEM_FOLDERS", (str(tmp_path / "sbin"),))
    system = {"ID": "debian", "VERSION_CODENAME": "bookworm", "PRETTY_NAME": "Debian 12"}
    monkeypatch.setattr(provision, "_os_release", lambda: system)
    real_which = provision.shutil.which

    def which(name: str, path: str | None = None) -> str | None:
        found = real_which(name, path=path)
        hidden = name in provision.TEST_TOOLS and found and not found.startswith(str(tmp_path))
        return None if hidden else found

    monkeypatch.setattr(provision.shutil, "which", which)
    return fake


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(folder=tmp_path, cache=tmp_path / "cache")
