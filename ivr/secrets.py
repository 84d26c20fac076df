"""Passwords made at random for this installation, kept in one private file.

Nothing here ships with a default value: each installation makes its own on first use and keeps it.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ivr.errors import ConfigError, Problem

_AMI: Final = "ami"
_CONSOLE: Final = "console"
_DIGESTS: Final = "digests"
_AGENT: Final = "agent:"
_MACHINE_BYTES: Final = 32
_AGENT_BYTES: Final = 12  # 96 bits in 16 characters: people type these into desk phones


class Secrets:
    """The secrets of one installation, in `<home>/secrets.json` (mode 0600).

    Values are drawn from `A-Za-z0-9_-`, safe in every Asterisk configuration file and URL. Several
    processes may ask at once: all get the same value.
    """

    def __init__(self, home: Path) -> None:
        self._file = home / "secrets.json"

    @property
    def ami_secret(self) -> str:
        """The password of our own AMI account."""
        return self._obtain(_AMI, _MACHINE_BYTES)

    @property
    def console_token(self) -> str:
        """The bearer token of the console's HTTP endpoint."""
        return self._obtain(_CONSOLE, _MACHINE_BYTES)

    @property
    def digest_key(self) -> str:
        """What accounts and one-time codes are digested under; see `ivr.backends.digests`."""
        return self._obtain(_DIGESTS, _MACHINE_BYTES)

    def agent_password(self, agent_id: str) -> str:
        """The SIP password of one agent's phone."""
        return self._obtain(_AGENT + agent_id, _AGENT_BYTES)

    def _obtain(self, name: str, size: int) -> str:
        known = self._read()
        if name in known:
            return known[name]
        with self._locked():
            known = self._read()
            if name not in known:
                known[name] = secrets.token_urlsafe(size)
                self._write(known)
            return known[name]

    def _read(self) -> dict[str, str]:
        try:
            with self._file.open(encoding="utf-8") as stream:
                # A restored backup may have come back readable by all.
                if os.fstat(stream.fileno()).st_mode & 0o077:
                    os.fchmod(stream.fileno(), 0o600)
                content = json.load(stream)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as why:
            raise self._unusable(str(why)) from None
        if not isinstance(content, dict) or not all(isinstance(v, str) for v in content.values()):
            raise self._unusable("it holds something else than names and passwords")
        return content

    def _unusable(self, why: str) -> ConfigError:
        cure = "restore it, or delete it to make new passwords: phones must then be set up again"
        return ConfigError([Problem(str(self._file), 1, 1, f"cannot be used: {why}", cure)])

    def _write(self, content: dict[str, str]) -> None:
        # mkstemp creates the file 0600: it is never readable by others, not for an instant.
        descriptor, name = tempfile.mkstemp(dir=self._file.parent, prefix=".secrets-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(content, stream, indent=2)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(self._file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = self._file.with_suffix(".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
