"""A drawing as Mermaid text, which code hosts and wikis show as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ivr.drawing.drawing import Arrow, Box, Drawing, Kind
from ivr.drawing.look import LOOKS, MARKS

_SHAPES: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.START: ('(("', '"))'),
    Kind.SAYS: ('("', '")'),
    Kind.ASKS: ('[/"', '"/]'),
    Kind.DECIDES: ('{"', '"}'),
    Kind.NOTES: ('["', '"]'),
    Kind.LOOKS_UP: ('[("', '")]'),
    Kind.PEOPLE: ('{{"', '"}}'),
    Kind.MESSAGE: ('>"', '"]'),
    Kind.RUNS: ('[["', '"]]'),
    Kind.KEY: ('["', '"]'),
    Kind.ENDS: ('(["', '"])'),
}
_HARMLESS: Final = frozenset(" .,:?!()'+=/*→‹›…☀☾-")


def mermaid(drawing: Drawing) -> str:
    """The text of a Mermaid flowchart."""
    return "\n".join(_lines(drawing)) + "\n"


def _lines(drawing: Drawing) -> Iterator[str]:
    yield "flowchart TD"
    for place, box in enumerate(drawing.boxes):
        yield f"  {_node(f'n{place}', box)}"
    for arrow in drawing.arrows:
        yield f"  {_arrow(arrow)}"
    if drawing.anywhere:
        keys = "<br/>".join(map(_text, drawing.anywhere))
        yield f'  anywhere["at any question:<br/>{keys}"]'
    yield '  subgraph legend["what the colours mean"]'
    for kind in drawing.kinds:
        yield f"    {_node(f'legend_{_class(kind)}', Box(kind.value, kind))}"
    yield "  end"
    for kind in drawing.kinds:
        look = LOOKS[kind]
        yield f"  classDef {_class(kind)} fill:{look.fill},stroke:{look.stroke},color:{look.ink}"


def _node(id_: str, box: Box) -> str:
    opening, closing = _SHAPES[box.kind]
    mark = MARKS.get(box.time, "")
    lines = [f"<b>{_text(f'{mark} {box.name}'.strip())}</b>"]
    lines += ([_text(box.subject)] if box.subject else []) + list(map(_text, box.lines))
    return f"{id_}{opening}{'<br/>'.join(lines)}{closing}:::{_class(box.kind)}"


def _arrow(arrow: Arrow) -> str:
    line = "-.->" if arrow.quiet else "==>" if arrow.time else "-->"
    label = f"{MARKS.get(arrow.time, '')} {arrow.label}".strip()
    return f"n{arrow.start} {line}{_label(label)} n{arrow.end}"


def _label(text: str) -> str:
    return f'|"{_text(text)}"|' if text else ""


def _class(kind: Kind) -> str:
    return kind.name.lower()


def _text(text: str) -> str:
    """Everything but letters, digits and a few signs as Mermaid's own codes: nothing is markup."""
    return "".join(
        each if each.isalnum() or each in _HARMLESS else f"#{ord(each)};" for each in text
    )
