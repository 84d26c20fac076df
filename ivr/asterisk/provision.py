"""Finds the native programs Tieline stands on, or brings them.

For Asterisk, in this order: the one the settings name; one of release 20 or later on the machine;
the distribution's own package; Debian's coming release. The last two are unpacked into the user's
cache folder: nothing is installed, no privileges are needed, no daemon is started.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.asterisk import apt
from ivr.asterisk.apt import PrivateApt, ProvisionError, Sources
from ivr.asterisk.toolbox import (
    PROGRAMS,
    Progress,
    Tool,
    Toolbox,
    Version,
    ask_version,
    numbers,
)
from ivr.settings import Settings

__all__ = [
    "MINIMUM",
    "PREFERRED",
    "RUN_TOOLS",
    "TEST_TOOLS",
    "Progress",
    "ProvisionError",
    "Tool",
    "Toolchain",
    "ensure_asterisk",
    "ensure_tools",
    "find_asterisk",
    "find_tool",
]

MINIMUM: Final[Version] = (20,)
PREFERRED: Final[Version] = (22, 10, 1)
"""The first release of the 22 line with every security fix known to matter here."""

RUN_TOOLS: Final = ("asterisk", "espeak-ng")
TEST_TOOLS: Final = (
    *RUN_TOOLS, "sipp", "baresip", "dot", "redis-server", "postgres", "chromium",
)  # fmt: skip

_SUITE: Final = "forky"
_SYSTEM_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin")
# Without these two there are no phones and no service.
_VITAL_MODULES: Final = ("res_pjsip.so", "res_agi.so")


@dataclass(frozen=True, slots=True)
class Toolchain:
    """An Asterisk that can be run, and where its parts are.

    `modules_dir` and `data_dir` are for asterisk.conf (`astmoddir`, `astdatadir`: modules do not
    load without the documentation in it); `sounds_dirs` hold the standard English prompts and may
    be empty.
    """

    asterisk: Tool
    modules_dir: Path
    data_dir: Path
    sounds_dirs: tuple[Path, ...]

    @property
    def command(self) -> tuple[str, ...]:
        """What to run, before any argument."""
        return self.asterisk.argv_prefix

    @property
    def env(self) -> Mapping[str, str]:
        """What to add to the environment."""
        return self.asterisk.env

    @property
    def version(self) -> Version:
        """The release as numbers, such as `(22, 10, 1)`."""
        return numbers(self.asterisk.version)

    @property
    def is_preferred(self) -> bool:
        """Whether the release has the security fixes known to matter."""
        return self.version >= PREFERRED


def find_asterisk(settings: Settings) -> Toolchain | None:
    """The Asterisk that would be used now, or None if one has to be fetched first.

    Raises `ProvisionError` when the settings name one that cannot be used.
    """
    if settings.asterisk is not None:
        return _named_asterisk(settings.asterisk)
    for file in _on_machine("asterisk"):
        tool = _system_tool("asterisk", file)
        if tool is not None and numbers(tool.version) >= MINIMUM and (chain := _toolchain(tool)):
            return chain
    tool = Toolbox(settings.cache).find("asterisk")
    return _toolchain(tool) if tool else None


def find_tool(settings: Settings, name: str) -> Tool | None:
    """One program of `PROGRAMS`, from the machine or from the cache; None if it must be fetched."""
    if name == "asterisk":
        chain = find_asterisk(settings)
        return chain.asterisk if chain else None
    for file in _on_machine(name):
        if tool := _system_tool(name, file):
            return tool
    return Toolbox(settings.cache).find(name)


def ensure_asterisk(settings: Settings, progress: Progress) -> Toolchain:
    """Asterisk ready to run, with espeak-ng beside it: fetched on first use, found ever after.

    Raises `ProvisionError` saying what to do.
    """
    ensure_tools(settings, RUN_TOOLS, progress)
    chain = find_asterisk(settings)
    if chain is None:
        raise ProvisionError(f"the Asterisk under {settings.cache} lacks its modules: delete it")
    return chain


def ensure_tools(settings: Settings, names: Iterable[str], progress: Progress) -> dict[str, Tool]:
    """Every program of `names` ready to run; what is missing is fetched in one go.

    Raises `ProvisionError` saying what to do.
    """
    names = tuple(names)
    found = {name: find_tool(settings, name) for name in names}
    if any(tool is None for tool in found.values()):
        box = Toolbox(settings.cache)
        with box.turn(progress):
            # Another set-up may have brought them while this one waited for its turn.
            missing = [name for name in names if find_tool(settings, name) is None]
            if missing:
                _require_apt(missing)
                _build(box, missing, progress)
        found = {name: find_tool(settings, name) for name in names}
    progress("Ready", 1.0)
    return {name: tool for name, tool in found.items() if tool is not None}


def _build(box: Toolbox, missing: Iterable[str], progress: Progress) -> None:
    """One folder for what runs under a loader of its own, one for what runs on this machine's."""
    native = [name for name in missing if PROGRAMS[name].native]
    others = [name for name in missing if not PROGRAMS[name].native]
    if others:
        box.build(others, lambda folder: _choose(others, folder), progress)
    if native:
        own = Sources(_os_release().get("PRETTY_NAME", "this distribution"))
        box.build(native, lambda _: own, progress)


def _named_asterisk(file: Path) -> Toolchain:
    tool = _system_tool("asterisk", file)
    if tool is None:
        raise ProvisionError(
            f"asterisk: {file} does not run; name a working program, or leave the setting out"
        )
    if numbers(tool.version) < MINIMUM:
        raise ProvisionError(f"asterisk: {file} is release {tool.version}; 20 or later is needed")
    chain = _toolchain(tool)
    if chain is None:
        wanted = " and ".join(_VITAL_MODULES)
        raise ProvisionError(f"asterisk: {file} has no modules folder with {wanted}")
    return chain


def _on_machine(name: str) -> list[Path]:
    folders = ["", *(_SYSTEM_FOLDERS if name == "asterisk" else ())]
    found = (shutil.which(name, path=folder or None) for folder in folders)
    return list(dict.fromkeys(Path(file) for file in found if file))


def _system_tool(name: str, file: Path) -> Tool | None:
    version = ask_version(PROGRAMS[name], [str(file)], {})
    return Tool(name, (str(file),), {}, version, Path("/"), "this machine") if version else None


def _toolchain(tool: Tool) -> Toolchain | None:
    bases = [Path(tool.argv_prefix[-1]).parents[1]] if tool.root == Path("/") else []
    bases += [tool.root / "usr", tool.root / "usr/local", tool.root]
    modules = _first(
        bases, ("lib/*/asterisk/modules", "lib/asterisk/modules", "lib64/asterisk/modules")
    )
    modules = [
        folder for folder in modules if all((folder / so).is_file() for so in _VITAL_MODULES)
    ]
    data = _first(bases, ("share/asterisk", "var/lib/asterisk"))
    data = [folder for folder in data if (folder / "documentation").is_dir()]
    if not modules or not data:
        return None
    sounds = [d for d in sorted(data[0].glob("sounds/en*")) if (d / "digits").is_dir()]
    return Toolchain(tool, modules[0], data[0], tuple(dict.fromkeys(d.resolve() for d in sounds)))


def _first(bases: Iterable[Path], patterns: Iterable[str]) -> list[Path]:
    patterns = tuple(patterns)
    return [f for base in bases for pattern in patterns for f in sorted(base.glob(pattern))]


def _require_apt(missing: Iterable[str]) -> None:
    if apt.has_apt():
        return
    wanted = ", ".join(missing)
    raise ProvisionError(
        f"missing: {wanted}; and this machine has no apt to fetch them with. Install Asterisk 20 "
        "or later (with PJSIP) and espeak-ng with your system's package manager, then run again"
    )


def _choose(missing: Iterable[str], folder: Path) -> Sources:
    """Which packages to unpack: the distribution's when they are new enough, else Debian's next."""
    system = _os_release()
    own = Sources(system.get("PRETTY_NAME", "this distribution"))
    is_debian = system.get("ID") == "debian"
    other = apt.debian_suite(_SUITE, system.get("VERSION_CODENAME", "")) if is_debian else None
    if "asterisk" not in missing:
        return other or own
    own_version = numbers(apt.known_candidate("asterisk") or "")
    if own_version >= PREFERRED:
        return own
    if other is not None:
        return other
    if own_version < MINIMUM:
        lists = PrivateApt(folder / "apt", own)
        lists.update()
        own_version = numbers(lists.candidate("asterisk") or "")
    if own_version >= MINIMUM:
        return own
    offer = f"offers Asterisk {own_version[0]}" if own_version else "offers no Asterisk"
    raise ProvisionError(
        f"{own.name} {offer}, and Debian's packages cannot be used from here (a Debian mirror in "
        "apt's sources and the package debian-archive-keyring are needed). Install Asterisk 20 or "
        "later, or name one with the setting `asterisk`"
    )


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}
