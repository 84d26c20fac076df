"""Passwords made at random for this installation, kept in one private file.

Nothing here ships with a default value: each installation makes its own on first use and keeps it.
Machines that share agents must agree on the passwords of their phones without asking each other:
they hold one key in common, and make them from it.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
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
_VISITORS: Final = "visitors"
_AGENT: Final = "agent:"
_PIN: Final = "pin:"
_MACHINE_BYTES: Final = 32
_AGENT_BYTES: Final = 12  # 96 bits in 16 characters: people type these into desk phones
_SHARED: Final = (_DIGESTS, _VISITORS, _AGENT)
CLUSTER_KEY: Final = "cluster-key"
REDIS_PASSWORD: Final = "redis-password"  # noqa: S105 - the name of it
OIDC_SECRET: Final = "oidc-client-secret"  # noqa: S105 - the name of it
_SHORTEST_KEY: Final = 20
_CONTAINER: Final = "/run/secrets"


class Secrets:
    """The secrets of one installation, in `<home>/secrets.json` (mode 0600).

    Values are drawn from `A-Za-z0-9_-`, safe in every Asterisk configuration file and URL. Several
    processes may ask at once: all get the same value.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
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

    @property
    def visitor_key(self) -> str:
        """What the tokens of visitors who chat are signed with; nodes have one in common."""
        return self._obtain(_VISITORS, _MACHINE_BYTES)

    def agent_password(self, agent_id: str) -> str:
        """The SIP password of one agent's phone."""
        return self._obtain(_AGENT + agent_id, _AGENT_BYTES)

    @property
    def node_password(self) -> str:
        """What the SIP servers of several machines know each other by.

        Raises:
            ConfigError: there is no `cluster-key`.
        """
        if (key := self._cluster_key()) is not None:
            return _made_from(key, "nodes", _MACHINE_BYTES)
        cure = "put one text of 20 characters or more, known to nobody else, there on every node"
        file = str(self._home / CLUSTER_KEY)
        raise ConfigError([Problem(file, 1, 1, "nodes need a key in common", cure)])

    @property
    def redis_password(self) -> str | None:
        """The password of the Redis that several machines share, if it has one."""
        return self._credential(REDIS_PASSWORD)

    @property
    def oidc_secret(self) -> str | None:
        """What the identity provider knows this client by; None for a public client."""
        return self._credential(OIDC_SECRET)

    def _cluster_key(self) -> str | None:
        key = self._credential(CLUSTER_KEY)
        if key is not None and len(key) < _SHORTEST_KEY:
            cure = f"take {_SHORTEST_KEY} characters or more, the same on every node"
            file = str(self._home / CLUSTER_KEY)
            raise ConfigError([Problem(file, 1, 1, "the key of the nodes is too short", cure)])
        return key

    def _credential(self, name: str) -> str | None:
        """A file of that name: systemd's, a container's, or one beside the secrets."""
        given = Path(os.environ.get("CREDENTIALS_DIRECTORY") or _CONTAINER) / name
        for file in (given, self._home / name):
            try:
                text = file.read_text(encoding="utf-8").strip()
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError) as why:
                problem = Problem(str(file), 1, 1, f"cannot be used: {why}", "correct it")
                raise ConfigError([problem]) from None
            if text:
                return text
        return None

    def pin_hash(self, agent_id: str) -> str | None:
        """The hash of an agent's PIN; None while there is none."""
        return self._read().get(_PIN + agent_id)

    def keep_pin(self, agent_id: str, hashed: str) -> None:
        """Let this be the hash of the agent's PIN."""
        with self._locked():
            self._write(self._read() | {_PIN + agent_id: hashed})

    def _obtain(self, name: str, size: int) -> str:
        known = self._read()
        if name in known:
            return known[name]
        if name.startswith(_SHARED) and (key := self._cluster_key()) is not None:
            return _made_from(key, name, size)
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


def _made_from(key: str, name: str, size: int) -> str:
    """The same text on every machine that holds the key."""
    digest = hmac.digest(key.encode(), name.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:size]).decode().rstrip("=")
