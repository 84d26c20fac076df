"""The cache of unpacked programs: complete folders only, each built once.

A folder is named by what is inside and its versions. It is built under another name beside its
place, every program in it is run once, and only then does it get its name by one rename: a
half-built folder is never found. A lock makes two set-ups take turns.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ivr.asterisk.apt import PrivateApt, ProvisionError, Sources, unpack

Progress = Callable[[str, float | None], None]
"""Told what is going on, and the share done from 0 to 1 (None: unknown)."""

Version = tuple[int, ...]

LAYOUT: Final = 1
"""Raised when folders built by earlier releases must not be used any more."""

_MANIFEST: Final = "tieline.json"
_BUILDING: Final = ".building-"
_SPACE_NEEDED: Final = 900_000_000
# What only the install scripts of other packages want; no unpacked program runs or links to it.
_NOT_NEEDED: Final = re.compile(
    r"adduser|base-passwd|debconf|dirmngr|gnupg|gpg|libperl|libpython3|libsnmp-base|libx11-data"
    r"|login\.defs|media-types|netbase|passwd|pci\.ids|perl|pinentry|python3|readline-common"
)
# What every machine has, and what draws on graphics cards that a test machine has not.
_NOT_NATIVE: Final = re.compile(
    r"libc6|libc-bin|systemd|libsystemd-shared|init-system|sysvinit|dpkg|tar$|procps|util-linux"
    r"|mount|coreutils|bash|dash|sed|grep|gzip|findutils|debianutils|diffutils|hostname|ncurses"
    r"|shadow|mawk|libpam|libdevmapper|libcryptsetup|dmsetup"
    r"|libllvm|libz3|libgl1-mesa-dri|mesa-libgallium|adwaita|libgtk-3-common"
)
_FONTS: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


@dataclass(frozen=True, slots=True)
class Program:
    """How one program is got and recognised.

    `only` names the packages it runs with, where they depend on many more. `finish` is run once
    after unpacking. `native`: it starts copies of itself, which a loader of its own would not
    find again; so it comes from the packages of this machine's own release and runs on its libc.
    """

    name: str
    packages: tuple[str, ...]
    file: str
    ask: str
    answer: re.Pattern[str]
    only: re.Pattern[str] | None = None
    finish: str = ""
    native: bool = False

    def wants(self, package: str) -> bool:
        """Whether a package that apt would install with it is needed to run it."""
        if self.only is not None:
            return self.only.match(package) is not None
        if self.native and _NOT_NATIVE.match(package):
            return False
        return _NOT_NEEDED.match(package) is None


PROGRAMS: Final[Mapping[str, Program]] = {
    program.name: program
    for program in (
        Program(
            "asterisk",
            ("asterisk", "asterisk-core-sounds-en-wav"),
            "usr/sbin/asterisk",
            "-V",
            re.compile(r"Asterisk \D*(\d+(?:\.\d+)*)"),
        ),
        Program(
            "espeak-ng",
            ("espeak-ng",),
            "usr/bin/espeak-ng",
            "--version",
            re.compile(r"eSpeak NG[^:]*: (\d+(?:\.\d+)*)"),
        ),
        Program(
            "sipp", ("sip-tester",), "usr/bin/sipp", "-v", re.compile(r"SIPp v(\d+(?:\.\d+)*)")
        ),
        Program(
            "baresip",
            ("baresip-core",),
            "usr/bin/baresip",
            "-h",
            re.compile(r"baresip v?(\d+(?:\.\d+)*)"),
        ),
        Program(
            "dot",
            ("graphviz",),
            "usr/bin/dot",
            "-V",
            re.compile(r"graphviz version (\d+(?:\.\d+)*)"),
            # Its layout and core alone: what it loads to draw pixels is 60 MB.
            re.compile(
                r"graphviz|lib(gvc|gvpr|cgraph|cdt|pathplan|xdot|expat|ltdl|c6|gcc|stdc)|zlib1g"
            ),
            finish="-c",
        ),
        Program(
            "redis-server",
            ("redis-server",),
            "usr/bin/redis-server",
            "--version",
            re.compile(r"Redis server v=(\d+(?:\.\d+)*)"),
        ),
        Program(
            "postgres",
            ("postgresql",),
            "usr/lib/postgresql/*/bin/postgres",
            "--version",
            re.compile(r"postgres \(PostgreSQL\) (\d+(?:\.\d+)*)"),
        ),
        Program(
            "chromium",
            ("chromium", "fonts-droid-fallback"),
            "usr/lib/chromium/chromium",
            "--version",
            re.compile(r"Chromium (\d+(?:\.\d+)*)"),
            native=True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that can be run: `[*argv_prefix, ...]` with `env` added to the environment.

    `root` is the folder its files live under: `/`, or an unpacked one, where for instance
    baresip's modules are `root / "usr/lib/baresip/modules"`.
    """

    name: str
    argv_prefix: tuple[str, ...]
    env: Mapping[str, str]
    version: str
    root: Path
    origin: str

    def environment(self) -> dict[str, str]:
        """This process's environment with what the program needs added."""
        return {**os.environ, **self.env}


@dataclass(frozen=True, slots=True)
class Unpacked:
    """One complete folder of the cache."""

    folder: Path
    origin: str
    programs: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """What would be `/` had the packages been installed."""
        return self.folder / "root"

    def tool(self, name: str) -> Tool:
        """The program `name` of this folder, run by the folder's own loader and libraries."""
        return unpacked_tool(self.root, name, self.programs[name], self.origin)


def numbers(version: str) -> Version:
    """`1:22.10.1+dfsg-1` (Debian's epoch and revision aside) as `(22, 10, 1)`; `()` if none."""
    match = re.match(r"(?:\d+:)?\D*(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def ask_version(program: Program, argv: Sequence[str], env: Mapping[str, str]) -> str | None:
    """Runs the program to learn its version; None when it does not run or is something else."""
    try:
        done = subprocess.run(
            [*argv, program.ask],
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = program.answer.search((done.stdout + done.stderr).decode(errors="replace"))
    return match[1] if match else None


def unpacked_tool(root: Path, name: str, version: str, origin: str) -> Tool:
    """A program under `root` that brings its own loader and libraries, unlike the machine's."""
    folders = library_folders(root)
    library_path = ":".join(str(folder) for folder in folders)
    if PROGRAMS[name].native:
        found = {"LD_LIBRARY_PATH": library_path, "FONTCONFIG_FILE": str(root / "fonts.conf")}
        return Tool(name, (str(root / PROGRAMS[name].file),), found, version, root, origin)
    loader = next(
        (file for folder in folders for file in sorted(folder.glob("ld-linux*.so.*"))), None
    )
    if loader is None:
        raise ProvisionError(f"{root} has no dynamic loader: delete it and run `tieline setup`")
    env = {}
    data = next((folder for folder in folders if (folder / "espeak-ng-data").is_dir()), None)
    if name == "espeak-ng" and data is not None:
        env["ESPEAK_DATA_PATH"] = str(data)
    plugins = next((folder for folder in folders if (folder / "graphviz").is_dir()), None)
    if name == "dot" and plugins is not None:
        env["GVBINDIR"] = str(plugins / "graphviz")
    program = str(next(iter(sorted(root.glob(PROGRAMS[name].file))), root / PROGRAMS[name].file))
    prefix = (str(loader), "--library-path", library_path, program)
    return Tool(name, prefix, env, version, root, origin)


def library_folders(root: Path) -> list[Path]:
    """Where shared libraries are under `root`, private sub-folders of packages included."""
    bases = [base for base in sorted(root.glob("usr/lib/*-linux-gnu*")) if base.is_dir()]
    bases += [base for base in sorted(root.glob("lib/*-linux-gnu*")) if base.is_dir()]
    private = [base / name for base in bases for name in ("pulseaudio", "blas", "lapack", "nss")]
    return [*bases, *(folder for folder in private if folder.is_dir())]


class Toolbox:
    """The unpacked folders in one cache folder."""

    def __init__(self, cache: Path) -> None:
        self._home = cache / "tools"

    def find(self, name: str) -> Tool | None:
        """The newest unpacked `name`, without running it: it ran when its folder was built."""
        holders = [folder for folder in self._complete() if name in folder.programs]
        if not holders:
            return None
        return max(holders, key=lambda folder: numbers(folder.programs[name])).tool(name)

    def _complete(self) -> Iterator[Unpacked]:
        for manifest in sorted(self._home.glob(f"*/{_MANIFEST}")):
            if manifest.parent.name.startswith(_BUILDING):
                continue
            try:
                content = json.loads(manifest.read_text(encoding="utf-8"))
                if content["layout"] == LAYOUT and content["machine"] == os.uname().machine:
                    yield Unpacked(manifest.parent, content["origin"], content["programs"])
            except (OSError, ValueError, KeyError, TypeError):
                continue

    @contextmanager
    def turn(self, progress: Progress) -> Iterator[None]:
        """Holds the cache's lock; waits, and says so, while another set-up has it."""
        self._home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._home / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress("Waiting for another set-up to finish", None)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def build(
        self, names: Sequence[str], choose: Callable[[Path], Sources], progress: Progress
    ) -> Unpacked:
        """Fetches and unpacks `names`; call it in your `turn`. `choose` names the sources.

        Raises `ProvisionError`, and leaves nothing behind when it does.
        """
        for left in self._home.glob(f"{_BUILDING}*"):
            shutil.rmtree(left, ignore_errors=True)
        self._check_space()
        building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=self._home))
        try:
            building.chmod(0o755)
            apt = building / "apt"
            sources = choose(building)
            _fetch(names, PrivateApt(apt, sources), sources, building / "root", progress)
            progress("Checking what was unpacked", 0.98)
            made = Unpacked(building, sources.name, _versions(building / "root", names))
            shutil.rmtree(apt)
            return self._publish(made)
        finally:
            shutil.rmtree(building, ignore_errors=True)

    def _check_space(self) -> None:
        free = shutil.disk_usage(self._home).free
        if free < _SPACE_NEEDED:
            raise ProvisionError(
                f"{self._home} has {free // 1_000_000} MB free and {_SPACE_NEEDED // 1_000_000} MB "
                "are needed: make room, or set `cache` to a folder elsewhere"
            )

    def _publish(self, made: Unpacked) -> Unpacked:
        content = {
            "layout": LAYOUT,
            "machine": os.uname().machine,
            "origin": made.origin,
            "programs": dict(made.programs),
        }
        text = json.dumps(content, indent=2) + "\n"
        (made.folder / _MANIFEST).write_text(text, encoding="utf-8")
        first, version = next(iter(made.programs.items()))
        place = self._home / f"{first}-{version}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        shutil.rmtree(place, ignore_errors=True)  # not usable, or it would have been found
        made.folder.rename(place)
        return Unpacked(place, made.origin, made.programs)


def _fetch(
    names: Sequence[str], apt: PrivateApt, sources: Sources, root: Path, progress: Progress
) -> None:
    progress(f"Reading the package lists of {sources.name}", 0.0)
    apt.update()
    progress(f"Choosing packages from {sources.name}", 0.08)
    programs = [PROGRAMS[name] for name in names]
    packages = list(
        {
            package.name: package
            for program in programs
            for package in apt.resolve(program.packages)
            if program.wants(package.name)
        }.values()
    )
    size = round(sum(package.size for package in packages) / 1_000_000)
    stage = f"Downloading {' and '.join(names)} ({len(packages)} packages, {size} MB)"
    debs = apt.download([p.name for p in packages], lambda done: progress(stage, 0.1 + 0.6 * done))
    stage = f"Unpacking {len(debs)} packages"
    unpack(debs, root, lambda done: progress(stage, 0.7 + 0.28 * done))
    (root / "fonts.conf").write_text(_FONTS, encoding="utf-8")


def _versions(root: Path, names: Sequence[str]) -> dict[str, str]:
    versions = {}
    for name in names:
        tool = unpacked_tool(root, name, "", "")
        version = ask_version(PROGRAMS[name], tool.argv_prefix, tool.env)
        if version is None or not _finished(tool, PROGRAMS[name].finish):
            raise ProvisionError(f"{name} was unpacked but does not run on this machine")
        versions[name] = version
    return versions


def _finished(tool: Tool, argument: str) -> bool:
    """Run once what the package's install script would have run; whether it went well."""
    if not argument:
        return True
    try:
        done = subprocess.run(
            [*tool.argv_prefix, argument],
            env=tool.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
