"""Debian packages fetched and unpacked beside the system, without installing anything.

apt runs on a root of its own: its own lists, cache and (empty) status file. So it needs no
privileges, starts no daemon and leaves the machine's package state alone. Of the machine's apt
configuration it takes the mirrors, the keys and the way to the network (proxies, credentials), and
none of the hooks.
"""

from __future__ import annotations

import os
import re
import selectors
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.errors import IvrError

Fraction = Callable[[float], None]

_NETWORK: Final = re.compile(r"^Acquire::(https?|Retries|ForceIPv[46])\b")
_PLACES: Final = {
    "Dir::Etc::sourcelist/f": "Dir::Etc::sourcelist",
    "Dir::Etc::sourceparts/d": "Dir::Etc::sourceparts",
    "Dir::Etc::trusted/f": "Dir::Etc::trusted",
    "Dir::Etc::trustedparts/d": "Dir::Etc::trustedparts",
    "Dir::Etc::netrc/f": "Dir::Etc::netrc",
    "Dir::Etc::netrcparts/d": "Dir::Etc::netrcparts",
}
_KEYRINGS: Final = (
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
)
_DOWNLOADED: Final = re.compile(r"^dlstatus:\d+:([\d.]+):")
# Never read by an unpacked program: pages for people, and translations of system tools.
_UNREAD: Final = ("doc", "doc-base", "info", "lintian", "locale", "man")


class ProvisionError(IvrError):
    """A needed program could not be found or fetched; the text says what to do about it."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where packages come from: a name for people and one-line entries; none: the machine's own."""

    name: str
    entries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Package:
    """A package that can be downloaded, and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Target:
    """One index the machine's apt is configured to read."""

    uri: str
    release: str
    component: str


def has_apt() -> bool:
    """Whether this machine can fetch and unpack Debian packages at all."""
    return all(shutil.which(name) for name in ("apt-get", "apt-cache", "dpkg-deb", "tar"))


def architecture() -> str:
    """The machine's architecture by Debian's name, such as `amd64` or `arm64`."""
    return _run(["dpkg", "--print-architecture"]).strip()


def configured_targets() -> list[Target]:
    """Every index in the machine's apt configuration, whatever form the sources are written in."""
    shape = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    text = _run(["apt-get", "indextargets", "--no-release-info", "--format", shape])
    rows = (line.split("|") for line in text.splitlines())
    return list(dict.fromkeys(Target(*row) for row in rows if len(row) == 3))


def archive_mirrors(targets: Iterable[Target], codename: str) -> list[str]:
    """The machine's Debian mirrors: where its own release, not its security updates, comes from."""
    releases = {codename, "stable", "oldstable", "testing", "unstable", "sid"}
    found = (t.uri for t in targets if t.release in releases and t.component == "main")
    return list(dict.fromkeys(found))


def debian_suite(suite: str, codename: str) -> Sources | None:
    """Sources of another Debian release from the machine's mirrors; None: no mirror or no key."""
    keyring = next((name for name in _KEYRINGS if Path(name).is_file()), None)
    mirrors = archive_mirrors(configured_targets(), codename)
    if keyring is None or not mirrors:
        return None
    entry = f"deb [signed-by={keyring}] {mirrors[0]} {suite} main"
    return Sources(f"Debian {suite}", (entry,))


def known_candidate(package: str) -> str | None:
    """The version the machine's own package lists offer, asked without the network."""
    return _candidate(_run(["apt-cache", "policy", package]))


class PrivateApt:
    """apt on a root of its own inside `folder`."""

    def __init__(self, folder: Path, sources: Sources) -> None:
        self._folder = folder
        self._sources = sources
        for part in (
            "state/lists/partial",
            "cache/archives/partial",
            "etc/apt.conf.d",
            "etc/preferences.d",
            "debs",
        ):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        (folder / "etc/sources.list").write_text("\n".join(sources.entries) + "\n")
        (folder / "apt.conf").write_text(self._configuration())
        self._env = {**os.environ, "APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C"}

    def _configuration(self) -> str:
        places = _machine_places()
        if self._sources.entries:
            places["Dir::Etc::sourcelist"] = str(self._folder / "etc/sources.list")
            places["Dir::Etc::sourceparts"] = "/dev/null"
            places["APT::Update::Error-Mode"] = "any"  # else no network is a mere warning
        own = {
            "Dir": self._folder,
            "Dir::Etc": self._folder / "etc",
            "Dir::State": self._folder / "state",
            "Dir::State::status": self._folder / "status",
            "Dir::Cache": self._folder / "cache",
            **places,
            "Acquire::Check-Valid-Until": "false",  # a mirror that lags must not stop a set-up
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "APT::Architecture": architecture(),
            "APT::Architectures": architecture(),
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",  # `_apt` may not enter a private folder
        }
        network = [
            line for line in _run(["apt-config", "dump"]).splitlines() if _NETWORK.match(line)
        ]
        return "\n".join([*network, *(f'{key} "{value}";' for key, value in own.items())]) + "\n"

    def update(self) -> None:
        """Fetches the package lists. Raises `ProvisionError`."""
        try:
            self._apt("apt-get", "update", "-qq")
        except ProvisionError:
            # One broken third-party source on the machine must not hide the others.
            if self._sources.entries or not any(self._folder.glob("state/lists/*_Packages*")):
                raise

    def candidate(self, package: str) -> str | None:
        """The version of `package` these sources offer."""
        return _candidate(self._apt("apt-cache", "policy", package))

    def resolve(self, names: Sequence[str]) -> list[Package]:
        """The packages `names` need to run, themselves included."""
        text = self._apt("apt-get", "install", "--print-uris", "-qq", "-y", *names)
        rows = (shlex.split(line) for line in text.splitlines() if line.startswith("'"))
        return [Package(row[1].split("_")[0], int(row[2])) for row in rows]

    def download(self, names: Sequence[str], on_fraction: Fraction) -> list[Path]:
        """Downloads exactly `names`, their signatures checked, and returns the files."""
        debs = self._folder / "debs"
        reader, writer = os.pipe()
        with os.fdopen(reader, "rb") as status, subprocess.Popen(
            ["apt-get", "-q", "-o", f"APT::Status-Fd={writer}", "download", *names],
            cwd=debs, env=self._env, pass_fds=(writer,), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        ) as apt:  # fmt: skip
            os.close(writer)
            errors = _follow(apt, status.fileno(), on_fraction)
        if apt.returncode:
            raise _failure(f"downloading from {self._sources.name}", errors)
        return sorted(debs.glob("*.deb"))

    def _apt(self, *command: str) -> str:
        return _run(command, env=self._env, doing=f"reading {self._sources.name}'s packages")


def unpack(debs: Sequence[Path], root: Path, on_fraction: Fraction) -> None:
    """Unpacks package files into `root`, several at a time. Raises `ProvisionError`."""
    root.mkdir(parents=True)
    workers = min(4, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        for done, _ in enumerate(pool.map(lambda deb: _unpack_one(deb, root), debs), 1):
            on_fraction(done / len(debs))


def _unpack_one(deb: Path, root: Path) -> None:
    skip = [f"--exclude=./usr/share/{name}/*" for name in _UNREAD]
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as source:
        # Owners are ours and set-id bits are dropped: nothing unpacked here may gain rights.
        target = subprocess.run(
            ["tar", "-x", "--no-same-owner", "--no-same-permissions", *skip, "-C", str(root)],
            stdin=source.stdout, capture_output=True, text=True, check=False,
        )  # fmt: skip
        _, complaint = source.communicate()
    if source.returncode or target.returncode:
        raise _failure(f"unpacking {deb.name}", complaint.decode(errors="replace") + target.stderr)
    deb.unlink()


def _follow(apt: subprocess.Popen[str], status: int, on_fraction: Fraction) -> str:
    """Reads apt's progress and its complaints until both end; returns the complaints."""
    complaints: list[str] = []
    buffers = {status: "", apt.stderr.fileno() if apt.stderr else -1: ""}
    with selectors.DefaultSelector() as selector:
        for descriptor in buffers:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                data = os.read(key.fd, 65536).decode(errors="replace")
                if not data:
                    selector.unregister(key.fd)
                    continue
                *lines, buffers[key.fd] = (buffers[key.fd] + data).split("\n")
                if key.fd != status:
                    complaints += lines
                    continue
                for line in lines:
                    if match := _DOWNLOADED.match(line):
                        on_fraction(min(float(match[1]) / 100, 1.0))
    return "\n".join(complaints)


def _machine_places() -> dict[str, str]:
    pairs = [word for index, key in enumerate(_PLACES) for word in (f"P{index}", key)]
    shell = shlex.split(_run(["apt-config", "shell", *pairs]))
    values = dict(word.split("=", 1) for word in shell if "=" in word)
    return {
        name: values[f"P{index}"].rstrip(";")
        for index, name in enumerate(_PLACES.values())
        if f"P{index}" in values
    }


def _candidate(policy: str) -> str | None:
    match = re.search(r"^\s+Candidate: (\S+)$", policy, re.MULTILINE)
    return match[1] if match and match[1] != "(none)" else None


def _run(command: Sequence[str], env: Mapping[str, str] | None = None, doing: str = "") -> str:
    try:
        done = subprocess.run(
            command, env=env or {**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError as why:
        raise _failure(doing or f"running {command[0]}", str(why)) from None
    if done.returncode:
        raise _failure(doing or f"running {command[0]}", done.stderr)
    return done.stdout


def _failure(doing: str, complaint: str) -> ProvisionError:
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    told = "; ".join(line for line in lines if line[:2] in ("E:", "W:")) or "; ".join(lines[-3:])
    unreachable = re.search(r"resolv|[Cc]ould not connect|unreachable|timed out|TIMEOUT", complaint)
    cure = " Is this machine on the network?" if unreachable else ""
    return ProvisionError(f"{doing} failed: {told[:600] or 'no reason was given'}.{cure}")
