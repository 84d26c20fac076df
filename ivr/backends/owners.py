"""Who has claimed something: a process of this machine, named so that others see whether it lives.

A number alone names many processes, one after the other. With the moment and the boot it began in,
and the namespace its number is of, it names one.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Final

PROCESSES: Final = Path("/proc")
_OVER: Final = frozenset("ZX")
"""States of a process that has ended: not waited for yet, and being taken away."""


def this_process() -> str:
    """The name of this process: boot, namespace, number, start; "" where the kernel tells none."""
    return _name(os.getpid())


@lru_cache(maxsize=1)
def _name(number: int) -> str:
    found = _of(number)
    try:
        boot = (PROCESSES / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (PROCESSES / "self/ns/pid").stat().st_ino
    except OSError:
        return ""
    return "" if found is None else f"{boot}/{namespace}/{number}/{found[1]}"


def is_gone(owner: str) -> bool:
    """Whether that process has surely ended.

    One that cannot be judged from here, in another container or without a name, may live.
    """
    mine, named = this_process().split("/"), owner.split("/")
    if len(mine) != 4 or len(named) != 4:
        return False
    (boot, namespace, _, _), (its_boot, its_namespace, number, start) = mine, named
    if its_boot != boot:
        return True
    if its_namespace != namespace or not (number.isdecimal() and int(number) > 0):
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass  # somebody else's
    found = _of(int(number))  # which may be hidden
    return found is not None and (found[0] in _OVER or found[1] != start)


def _of(number: int) -> tuple[str, str] | None:
    """State and start, in ticks since the boot, as `/proc/<number>/stat` tells; None without it.

    The second field, a name in parentheses, may have any character in it.
    """
    try:
        told = (PROCESSES / str(number) / "stat").read_text(errors="replace")
    except OSError:
        return None
    fields = told.rpartition(")")[2].split()
    return fields[0], fields[19]
