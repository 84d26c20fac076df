"""What `tieline doctor` looks at: each check says what was found and, if it is bad, the cure."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from ivr.asterisk.process import CONTROL_SOCKET, listener, socket_folder
from ivr.asterisk.provision import PREFERRED, ProvisionError, Tool, find_asterisk, find_tool
from ivr.errors import ConfigError, IvrError
from ivr.operator.client import ask
from ivr.plans import load_plan, rolled_back
from ivr.resources import asterisk_templates
from ivr.revisions import RevisionsUnusable
from ivr.secrets import Secrets
from ivr.settings import LOOPBACK, Settings
from ivr.start import revisions_of

State = Literal["ok", "warn", "bad"]

_LITTLE_SPACE: Final = 1_000_000_000
SERVICE: Final = "-m ivr serve"
_LOG_LINES: Final = 200
_LOG_BYTES: Final = 1_000_000
_LISTENING: Final = "0A"  # the kernel's TCP_LISTEN, as /proc/net/tcp shows it


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `bad` stops Tieline from running, `warn` does not."""

    name: str
    state: State
    found: str
    cure: str = ""

    def to_json(self) -> dict[str, str]:
        """The check as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds a port, as far as this user may see."""

    pid: int
    command: str


@dataclass(frozen=True, slots=True)
class Listening:
    """An address the installation wants to listen on, and the setting it comes from."""

    setting: str
    address: str
    port: int
    protocol: Literal["udp", "tcp"]

    def __str__(self) -> str:
        return f"{self.address}:{self.port}/{self.protocol}"

    def refusal(self) -> OSError | None:
        """Why one cannot listen there now; None if one can."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        kind = socket.SOCK_DGRAM if self.protocol == "udp" else socket.SOCK_STREAM
        with socket.socket(family, kind) as probe:
            if self.protocol == "tcp":  # else a port whose last connection just closed looks taken
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.address, self.port))
            except OSError as why:
                return why
        return None


def examine(settings: Settings) -> Iterator[Check]:
    """Every check, in the order a person would read them."""
    yield Check("Python", "ok", f"{platform.python_version()} ({_short(sys.executable)})")
    yield Check("settings", "ok", ", ".join(settings.sources) or "defaults only")
    yield _asterisk(settings)
    yield _speech(settings)
    yield _shipped()
    yield from _plan(settings)
    for name, folder in (("home", settings.home), ("cache", settings.cache)):
        yield _writable(name, folder)
        yield _space(name, folder)
    yield _secrets(settings)
    running = running_asterisk(settings)
    yield Check("running", "ok", f"Asterisk, process {running}" if running else "not running")
    if running:
        yield _service(settings)
    yield from _ports(settings, running)
    yield _log(settings.log_dir / "service.log")


def taken_ports(settings: Settings) -> list[Check]:
    """The ports of these settings that somebody else holds."""
    checks = _ports(settings, running_asterisk(settings))
    return [check for check in checks if check.state == "bad"]


def _service(settings: Settings) -> Check:
    """Asks the service a question, as an operator would."""
    try:
        ask(settings, "show", "flows")
    except IvrError as why:
        return Check("service", "bad", str(why), "its log says why: service.log")
    return Check("service", "ok", "answers")


def running_asterisk(settings: Settings) -> int | None:
    """The process id of this installation's Asterisk, if it runs."""
    try:
        return listener(socket_folder(settings.run_dir) / CONTROL_SOCKET)
    except IvrError:
        return None


def _asterisk(settings: Settings) -> Check:
    try:
        chain = find_asterisk(settings)
    except ProvisionError as why:
        return Check("Asterisk", "bad", str(why), "correct the setting `asterisk`")
    if chain is None:
        return Check("Asterisk", "bad", "none found", "run `tieline setup`")
    found = _whence(chain.asterisk)
    if chain.is_preferred:
        return Check("Asterisk", "ok", found)
    wanted = ".".join(map(str, PREFERRED))
    return Check("Asterisk", "warn", found, f"{wanted} or later has security fixes this one lacks")


def _whence(tool: Tool) -> str:
    place = tool.argv_prefix[-1] if tool.root == Path("/") else tool.root
    return f"{tool.version}, {tool.origin} ({_short(place)})"


def _short(path: Path | str) -> str:
    home = str(Path.home())
    return "~" + str(path).removeprefix(home) if str(path).startswith(home + "/") else str(path)


def _speech(settings: Settings) -> Check:
    tool = find_tool(settings, "espeak-ng")
    if tool is None:
        return Check("espeak-ng", "bad", "none found", "run `tieline setup`")
    return Check("espeak-ng", "ok", _whence(tool))


def _shipped() -> Check:
    try:
        return Check("templates", "ok", _short(asterisk_templates()))
    except IvrError as why:
        return Check("templates", "bad", str(why), "install Tieline again")


def _plan(settings: Settings) -> Iterator[Check]:
    """The flows and the floor, read as `run` reads them, and what is in force."""
    yield from _files(settings)
    try:
        force = revisions_of(settings).in_force()
    except RevisionsUnusable as why:
        yield Check("revisions", "bad", str(why), "or restore it from a backup")
        return
    if force is None:
        yield Check("revisions", "ok", "the first one is kept at the first `tieline run`")
    elif force.rolled_back:
        cure = "correct the files, then `tieline reload` takes them again"
        yield Check("revisions", "warn", rolled_back(force).partition(". ")[0], cure)
    else:
        yield Check("revisions", "ok", f"{force.number} is in force")


def _files(settings: Settings) -> Iterator[Check]:
    """With a good revision kept, mistakes in files keep nothing from running."""
    try:
        plan = load_plan(settings.flows, settings.floor)
    except ConfigError as wrong:
        state, instead = _instead(settings)
        for each in wrong.problems:
            name = "floor" if each.file == str(settings.floor) else "flows"
            found = f"{_short(each.file)}:{each.line}:{each.column}: {each.message}{instead}"
            cure = each.cure or f"correct it, or name another with the setting `{name}`"
            yield Check(name, state, found, cure)
        return
    flows = ", ".join(sorted(plan.library.flows))
    yield Check("flows", "ok", f"{flows} ({_short(settings.flows)})")
    yield Check("floor", "ok", _short(settings.floor))


def _instead(settings: Settings) -> tuple[State, str]:
    """How bad a mistake in a file is, and what is or would be in force in spite of it."""
    try:
        force = revisions_of(settings).in_force()
    except RevisionsUnusable:
        force = None
    if force is None:
        return "bad", ""
    return "warn", f" (revision {force.number} is in force meanwhile)"


def _secrets(settings: Settings) -> Check:
    file = settings.home / "secrets.json"
    try:
        if not file.is_file():
            return Check("secrets", "ok", "made at the first `tieline run`")
        _ = Secrets(settings.home).console_token
        return Check("secrets", "ok", _short(file))
    except ConfigError as wrong:
        problem = wrong.problems[0]
        return Check("secrets", "bad", f"{_short(file)} {problem.message}", problem.cure)
    except OSError as why:
        return Check("secrets", "bad", f"{_short(file)}: {why.strerror}", "make it yours")


def _log(file: Path) -> Check:
    """Errors that the service wrote down of late."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - _LOG_BYTES))
            lines = stream.read().splitlines()[-_LOG_LINES:]
    except FileNotFoundError:
        return Check("log", "ok", "nothing yet")
    except OSError as why:
        return Check("log", "warn", f"{_short(file)}: {why.strerror}", "make it yours")
    errors = sum(b"level=error" in line.split() for line in lines)
    if not errors:
        return Check("log", "ok", f"no errors of late in {_short(file)}")
    found = f"{errors} error{'' if errors == 1 else 's'} in the last {len(lines)} lines"
    return Check("log", "warn", found, f"read them: grep level=error {_short(file)}")


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _writable(name: str, folder: Path) -> Check:
    place = _existing(folder)
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return Check(name, "ok", _short(folder))
    cure = f"make it yours, or name another folder with the setting `{name}`"
    return Check(name, "bad", f"{folder} cannot be written to", cure)


def _space(name: str, folder: Path) -> Check:
    free = shutil.disk_usage(_existing(folder)).free
    found = f"{free / 1e9:.1f} GB free for {name}"
    if free >= _LITTLE_SPACE:
        return Check("disk", "ok", found)
    return Check("disk", "warn", found, f"make room: {_LITTLE_SPACE / 1e9:.0f} GB is comfortable")


def _ports(settings: Settings, running: int | None) -> Iterator[Check]:
    for listening in (
        Listening("sip_port", settings.bind, settings.sip_port, "udp"),
        Listening("sip_port", settings.bind, settings.sip_port, "tcp"),
        Listening("ami_port", LOOPBACK, settings.ami_port, "tcp"),
        Listening("agi_port", LOOPBACK, settings.agi_port, "tcp"),
        Listening("console_port", LOOPBACK, settings.console_port, "tcp"),
        Listening("web_port", settings.web_bind, settings.web_port, "tcp"),
    ):
        yield _port(listening, running)
    if settings.bind == LOOPBACK:
        yield Check("phones", "ok", "on this machine only: set `bind` to let others in")


def _port(wanted: Listening, running: int | None) -> Check:
    refusal = wanted.refusal()
    if refusal is None:
        return Check(wanted.setting, "ok", f"{wanted} free")
    if refusal.errno != errno.EADDRINUSE:
        cure = f"set `bind` or `{wanted.setting}`"
        return Check(wanted.setting, "bad", f"{wanted}: {refusal.strerror}", cure)
    owner = port_owner(wanted.port, wanted.protocol)
    if owner and running and (owner.pid == running or SERVICE in owner.command):
        found = f"{wanted} in use by this installation, process {owner.pid}"
        return Check(wanted.setting, "ok", found)
    who = f"process {owner.pid}: {owner.command}" if owner else "another user's program"
    cure = f"stop that program, or set another `{wanted.setting}`"
    return Check(wanted.setting, "bad", f"{wanted} is taken by {who}", cure)


def port_owner(port: int, protocol: str) -> Owner | None:
    """Who holds a port on this machine; None if nobody, or a process this user may not look at."""
    sockets = set(_socket_inodes(port, protocol))
    for process in Path("/proc").glob("[0-9]*"):
        if sockets & set(_open_files(process)):
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                return Owner(int(process.name), " ".join(words).strip())
    return None


def _open_files(process: Path) -> Iterator[str]:
    with suppress(OSError):  # somebody else's process, or one that just ended
        for link in (process / "fd").iterdir():
            with suppress(OSError):
                yield str(link.readlink())


def _socket_inodes(port: int, protocol: str) -> Iterator[str]:
    for table in (f"/proc/net/{protocol}", f"/proc/net/{protocol}6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in (line.split() for line in rows):
            taken = int(row[1].rsplit(":", 1)[1], 16) == port
            if taken and (protocol == "udp" or row[3] == _LISTENING):
                yield f"socket:[{row[9]}]"
