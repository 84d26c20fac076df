"""What is written in the documents: their code, their commands, their links and headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [*(CHECKOUT / "docs").glob("*.md"), *CHECKOUT.glob("*.md"), CHECKOUT / "sounds" / "README.md"]
)
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of code in a document; `line` is that of its first line."""

    file: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(CHECKOUT)}:{self.line}"


def blocks(file: Path, language: str | None = None) -> Iterator[Block]:
    """The fenced code of a document, all of it or that of one language."""
    source = file.read_text(encoding="utf-8")
    for found in _FENCE.finditer(source):
        if language in (None, found[2]):
            line = source.count("\n", 0, found.start(3)) + 1
            yield Block(file, line, found[2], dedent(found[3]))


def prose(file: Path) -> str:
    """A document without its code."""
    return _FENCE.sub("", file.read_text(encoding="utf-8"))


def links(file: Path) -> Iterator[str]:
    """Where a document leads within the checkout."""
    for found in _LINK.finditer(prose(file)):
        if not re.match(r"[a-z]+:", found[1]):
            yield found[1]


def anchors(file: Path) -> set[str]:
    """The headings of a document, as code hosts make anchors of them."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(file)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        found.add(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
    return found


def commands(file: Path) -> Iterator[tuple[str, str]]:
    """Every `tieline ...` that a document shows, each with where it stands."""
    for block in blocks(file):
        for number, line in enumerate(block.text.splitlines(), block.line):
            words = re.sub(r"^(\$ |!)", "", line)
            if re.match(r"([A-Z_]+=\S+ )*(\.venv/bin/)?tieline ", words):
                yield f"{file.relative_to(CHECKOUT)}:{number}", words
    for span in _SPAN.findall(prose(file)):
        if span.startswith("tieline "):
            yield str(file.relative_to(CHECKOUT)), span
