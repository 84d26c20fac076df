"""The flow language as tables for people: the text of docs/reference.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ivr.flow.grammar import BLOCKS, FIELDS, STEPS, Block
from ivr.flow.grammar.head import CALENDAR, FLOW, HOLIDAYS, LANGUAGE, PIECE
from ivr.flow.grammar.kinds import Key
from ivr.flow.loading.reading import FACTS
from ivr.flow.templates import FILTERS

_INTRODUCTION = """\
# Flow reference

Every key of the flow language. [The flow language](flow-language.md) explains it with examples;
`tieline schema --editor` makes an editor complete it and tell mistakes.

Made from the grammar by `tieline schema --reference -o docs/reference.md`; do not edit it.

A **step** is the name of one. **Words** are text, text by language, a piece with options, or a
list of these; a **list of words** has some for the first, second, ... time. **Text with fields**
may hold `{{ field }}`; a **condition** is written without braces. A duration is `2.5s`, `10m`,
`1h30m` or `7d`. Where a list is meant, a single value stands for a list of one.
"""
_INSIDE = {
    "menu": ("option",),
    "survey": ("question",),
    "branch": ("case",),
    "queue": ("waiting",),
    "transfer": ("target",),
}
"""Blocks that are told where they belong."""


def text() -> str:
    """The whole reference."""
    blocks = {each.name: each for each in BLOCKS}
    parts = [_INTRODUCTION, "## The head of a file\n", _table(FLOW.keys)]
    for block in (blocks["defaults"], blocks["queue-defaults"], LANGUAGE, CALENDAR, HOLIDAYS):
        parts += _section(block, level=3)
    parts += ["## Fields\n", *_fields()]
    parts += ["## Words\n", f"{PIECE.about}\n", _table(PIECE.keys)]
    parts += [_facts()]
    parts += ["## Steps\n", _contents()]
    for step in STEPS:
        parts += _section(step, level=3)
        for inner in _INSIDE.get(step.name, ()):
            parts += _section(blocks[inner], level=4)
    return "\n".join(parts)


def _section(block: Block, level: int) -> Iterator[str]:
    yield f"{'#' * level} {block.title}\n"
    yield f"{block.about}\n"
    if block.example:
        yield f"```yaml\n{block.example}```\n"
    yield _table(block.keys)


def _table(keys: Iterable[Key]) -> str:
    rows = ["| key | value | default | means |", "|---|---|---|---|"]
    for key in keys:
        shown = ", ".join(f"`{each}`" for each in key.name.split(", ") if each != "...")
        default = "**required**" if key.required else _code(key.default)
        rows.append(f"| {shown} | {_cell(key.kind.words)} | {default} | {_cell(key.about)} |")
    return "\n".join(rows) + "\n"


def _code(default: str) -> str:
    plain = not default or " " in default or "`" in default or default == "natural"
    return default if plain else f"`{default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _fields() -> Iterator[str]:
    yield "Every field has a `type`, and may have `say` (its question) and `secret: true`.\n"
    rows = ["| type | holds | further keys |", "|---|---|---|"]
    for type_, block in FIELDS.items():
        own = [key for key in block.keys if key.name not in {"type", "say", "secret"}]
        told = "; ".join(f"`{key.name}`: {_cell(key.about)}" for key in own)
        rows.append(f"| `{type_}` | {block.about} | {told} |")
    yield "\n".join(rows) + "\n"


def _facts() -> str:
    facts = ", ".join(f"`{each}`" for each in FACTS)
    filters = ", ".join(f"`{each}`" for each in sorted(FILTERS))
    return f"Besides fields, words and conditions may read {facts}. Filters: {filters}.\n"


def _contents() -> str:
    links = (f"[`{each.title}`](#{_anchor(each.title)})" for each in STEPS)
    return " ".join(links) + "\n"


def _anchor(title: str) -> str:
    return "".join(
        each for each in title.lower().replace(" ", "-") if each.isalnum() or each == "-"
    )
