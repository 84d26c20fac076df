"""The files of a designer's folder: which of them count, and what is in them."""

from __future__ import annotations

import stat
from pathlib import Path

from ivr.flow.problems import Problems
from ivr.flow.words import Place


def files_in(folder: Path, suffix: str) -> list[Path]:
    """Files by the end of their name, in order.

    Hidden ones are not the designer's: editors and file managers leave locks and copies there.
    """
    found = sorted(folder.glob("*" + suffix))
    return [each for each in found if not each.name.startswith(".")]


def read_source(path: Path, problems: Problems, *, optional: bool = False) -> bytes | None:
    """What is in a file, None after a mistake; a file that is `optional` may be missing.

    A pipe or a device is refused: whoever reads one may wait for ever.
    """
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
        if kind in {stat.S_IFREG, stat.S_IFDIR}:
            return path.read_bytes()
        why: str | None = "it is no file"
    except OSError as error:
        if optional and isinstance(error, FileNotFoundError):
            return None
        why = error.strerror
    problems.add(Place(str(path), 1, 1), f"cannot be read: {why}")
    return None
